"""What to do about the errors of contracts that people meet with their own money. Shown after the error's values."""

from __future__ import annotations

REMEDIES = {
    "AssetNotAllowed": "an isolated account takes the assets of its market or pair and no others: use another account",
    "BelowInitialMargin": "deposit more, or take less risk",
    "BorrowCapExceeded": "borrow less, or wait until others have repaid",
    "BorrowVelocityExceeded": "borrow less now and the rest within an hour",
    "CallTargetForbidden": "tokens, vaults and the protocol itself cannot be called",
    "FillPriceOutOfBand": "trade nearer to the mark: within half the market's MM rate of the index",
    "LendingAndBorrowing": "an account lends an asset or owes it: recall it, repay it, or use another account",
    "LendingClosed": "this asset is not lent here",
    "LentCashMissing": "borrow or recall no more than what is available, or wait until others have repaid",
    "LeverageExceeded": "prices or the swap were worse than planned: plan again, or allow more with --max-leverage",
    "MarketNotAllowed": "there is no such pair or market for this account; `plimsoll lending show` lists the assets",
    "NonceSuperseded": "another order of this nonce was filled in part: sign a new one with a fresh nonce",
    "NonceUsed": "it was filled or cancelled: sign a new one with a fresh nonce",
    "NothingOwed": "there is nothing to repay",
    "OptionsClosed": "options are not traded here yet",
    "OutputBelowMinimum": "the swap brought less than was promised: plan again, or allow more with --slippage",
    "PackagePriceExceeded": "the fill is worse than the order allows: match it at its limit or better",
    "PriceUnusable": "send a fresh report along (--report, or --price on a local chain)",
    "ReduceOnlyExceeded": "the order only reduces: fill no more than the account has",
    "SeriesExpired": "the series has expired: settle it",
    "SettlementPending": "observe the expiry until its settlement price is final, then settle",
    "StrikeNotCanonical": "a strike has at most seven digits",
    "SupplyCapExceeded": "deposit or lend less",
    "SurfaceUnusable": "send a fresh surface along, or only reduce",
    "TooManyExpiries": "close or settle an expiry first, or use another account",
    "TooManySeries": "close or settle some series first, or use another account",
    "UnknownAsset": "no asset is listed under this number",
    "WitnessInsufficient": "these scenarios do not prove it: ask for the best witness, or send none",
}

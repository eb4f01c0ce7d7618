"""What to do about the errors of contracts that people meet with their own money. Shown after the error's values."""

from __future__ import annotations

REMEDIES = {
    "AssetNotAllowed": "an isolated account takes the assets of its market or pair and no others: use another account",
    "BelowInitialMargin": "deposit more, or take less risk",
    "BorrowCapExceeded": "borrow less, or wait until others have repaid",
    "BorrowVelocityExceeded": "borrow less now and the rest within an hour",
    "CallTargetForbidden": "tokens, vaults and the protocol itself cannot be called",
    "LendingAndBorrowing": "an account lends an asset or owes it: recall it, repay it, or use another account",
    "LendingClosed": "this asset is not lent here",
    "LentCashMissing": "borrow or recall no more than what is available, or wait until others have repaid",
    "LeverageExceeded": "prices or the swap were worse than planned: plan again, or allow more with --max-leverage",
    "MarketNotAllowed": "there is no such pair or market for this account; `plimsoll lending show` lists the assets",
    "NonceSuperseded": "another order of this nonce was filled in part: sign a new one with a fresh nonce",
    "NonceUsed": "it was filled or cancelled: sign a new one with a fresh nonce",
    "NothingOwed": "there is nothing to repay",
    "OutputBelowMinimum": "the swap brought less than was promised: plan again, or allow more with --slippage",
    "PriceUnusable": "send a fresh report along (--report, or --price on a local chain)",
    "SupplyCapExceeded": "deposit or lend less",
    "UnknownAsset": "no asset is listed under this number",
}

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
    "NothingOwed": "there is nothing to repay",
    "OutputBelowMinimum": "the swap brought less than was promised: plan again, or allow more with --slippage",
    "PriceUnusable": "send a fresh report along (--report, or --price on a local chain)",
    "QuorumNotReached": "ask more signers: their number is what `quorum` answers",
    "SupplyCapExceeded": "deposit or lend less",
    "SurfaceDisputeTooLong": "a dispute lasts a day at most; renew it",
    "SurfaceKeyUnknown": "a key is market << 32 | expiry in minutes, markets below 64",
    "SurfaceMarketUnknown": "the market has no rules for surfaces: `setRules` lists it",
    "SurfacesFromFuture": "the signers' clock runs ahead of the chain's: set it, and send the report again later",
    "SurfacesNotAscending": "sign each market and expiry once, ascending; plimsoll.surfaces puts them in order",
    "UnknownAsset": "no asset is listed under this number",
}

"""S-1 and S-2: risk is margined, and nobody is pushed below his margin."""

from __future__ import annotations

from campaign.book import Book
from campaign.broken import Broken, require
from plimsoll.margin import account as twin
from plimsoll.margin.account import PriceUse


def s1_risk_taken_is_margined(run, tx) -> None:
    if not tx.is_batch:
        return
    book: Book = tx.after
    for account in tx.accounts:
        require(book.held(account) >= 0, "S-1", "{} leaves with quote {}", account.hex(), book.held(account))
    if tx.reducing:
        for account in tx.accounts:
            old, new = tx.before.assess(account, PriceUse.REDUCE), book.assess(account, PriceUse.REDUCE)
            if account not in tx.traders:
                continue
            for name in ("im0", "mm"):
                was, is_ = old.equity - getattr(old, name), new.equity - getattr(new, name)
                require(is_ >= was, "S-1", "reducing batch: equity − {} from {} to {}", name, was, is_)
            require(new.equity >= min(old.equity, 0), "S-1", "reduced at others' cost: {} to {}", old, new)
        return
    for account, risk in tx.risk.items():
        if not book.accounts[account].header.markets:
            continue
        use = PriceUse.OPEN if risk.strict else PriceUse.ACQUIRE
        try:
            found = book.assess(account, use)
        except twin.PriceUnusable as error:
            raise Broken("S-1", f"new risk of {account.hex()} on a bad price: {error}") from None
        needed = max(found.im, twin.removal_margin(found)) if risk.removed else found.im
        require(found.equity >= needed, "S-1", "{} leaves with {} of {}", account.hex(), found.equity, needed)


def s2_no_batch_makes_an_account_liquidatable(run, tx) -> None:
    before, after = tx.before, tx.after
    for account in before.arena.accounts:
        if before.words[account] == after.words[account]:
            # Untouched: then nothing at all may change, whatever the others did (O-2 too).
            was, is_ = before.equity(account), after.equity(account)
            require(was == is_, "S-2", "{} untouched, equity from {} to {}", account.hex(), was, is_)
            continue
        require(account in tx.accounts or account in tx.targets, "S-2", "{} changed unasked", account.hex())
        if not before.all_good or not after.accounts[account].header.markets:
            continue
        old, new = before.assess(account), after.assess(account)
        if old.equity >= old.mm:
            require(new.equity >= new.mm, "S-2", "{} pushed below MM: {} to {}", account.hex(), old, new)

"""S-1 and S-2: risk is margined, and nobody is pushed below his margin."""

from __future__ import annotations

from campaign.book import Book
from campaign.broken import Broken, require
from campaign.cast import DUST
from campaign.checks import losses
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
        if not book.at_risk(account):
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
    if tx.found("MarketFinal"):
        return
    charged = [event.args for event in tx.found("SideCharged")]
    lost = {event.args["asset"] for event in tx.found("LendersLost")}
    for account in before.arena.accounts:
        fall, rise = _due(before, account, charged, lost)
        if before.words[account] == after.words[account]:
            # Untouched: then nothing at all may change, but by a loss it shares (O-2 too), whatever the others did.
            was, is_ = before.equity(account), after.equity(account)
            slack = DUST if fall or rise or tx.found("SideShrunk") else 0
            same = was - fall - slack <= is_ <= was + rise + slack
            require(same, "S-2", "{} untouched, equity from {} to {}", account.hex(), was, is_)
            continue
        require(account in tx.accounts or account in tx.targets, "S-2", "{} changed unasked", account.hex())
        if not before.all_good or not after.at_risk(account) or fall:
            continue
        old, new = before.assess(account), after.assess(account)
        if old.equity >= old.mm:
            short = new.mm - new.equity
            slack = after.crumbs(account) + before.crumbs(account) if account in tx.rounded else 0
            require(short <= slack, "S-2", "{} pushed below MM: {} to {}", account.hex(), old, new)


def _due(before: Book, account: bytes, charged: list[dict], lost: set[int]) -> tuple[int, int]:
    """The most that losses of others take from an account here, and give to one that lost beside the winners."""
    parts = [losses.charged(before, account, event) for event in charged]
    fall = sum(max(part, 0) for part in parts) + sum(before.value(a, before.lent(account, a)) for a in lost)
    return fall, sum(max(-part, 0) for part in parts)


def s2_configuration_calls_nobody(run, tx) -> None:
    """No parameter, model or sample of volatility makes an account liquidatable, or its MM larger, where it lands."""
    before, after = tx.start, tx.after
    if tx.label == "update":
        if all(_volatility(before.prices[feed]) == _volatility(price) for feed, price in after.prices.items()):
            return
        before = before.with_prices(after)
    elif not (tx.label.startswith("set") and tx.label[3].isupper()):
        return
    for account in after.arena.accounts:
        if not after.at_risk(account):
            continue
        old, new = before.assess(account), after.assess(account)
        where = f"{account.hex()} by {tx.label}"
        require(new.equity == old.equity, "S-2", "equity of {}: {} to {}", where, old, new)
        require(new.mm <= old.mm, "S-2", "MM of {}: {} to {}", where, old, new)
        called = after.accounts[account].header.call_deadline
        levels = [twin.call_margin(a, b.terms, b.time) for a, b in ((old, before), (new, after))]
        require(not called or levels[1] <= levels[0], "S-2", "call margin of {}: {} to {}", where, *levels)


def _volatility(price) -> tuple[int, int, int]:
    return price.mm_from, price.multiplier, price.phase

"""What costs too much to ask each time: asked at the end of a sequence."""

from __future__ import annotations

from dataclasses import replace

from campaign.broken import require
from campaign.cast import ASSETS, MARKETS, UNIT, WAD
from campaign.steps import choose
from campaign.steps.prices import freshen
from campaign.unwinding import (
    l4_debts_are_payable_in_full,
    r2_splitting_an_accrual,
    s5_loans_in_parts,
    u1_everything_can_be_unwound,
)
from plimsoll.margin import account as twin
from plimsoll.margin import preview
from plimsoll.margin.account import PriceUse


def closing_checks(run) -> None:
    """What costs too much to ask each time: tried on a copy of the state, and undone."""
    for attempt in ATTEMPTS:
        if run.rng.random() > SHARE:
            continue
        checkpoint = run.chain.snapshot()
        book, prices, pending, spent = run.book, dict(run.prices), dict(run.pending), dict(run.spent)
        donated, known = list(run.donated), list(run.known_gifts)
        try:
            attempt(run)
        finally:
            run.chain.revert(checkpoint)
            run.book, run.prices, run.pending, run.spent, run.known_gifts = book, prices, pending, spent, known
            run.donated = donated


def _kill_feeds(run, feeds) -> None:
    for feed in feeds:
        run.world.router.write("dispute", feed, run.book.time + 86_400, sender=run.world.admin)
    run.book = run.arena.read()


def l1_deposits_need_no_price(run) -> None:
    run.advance(2 * 86_400)
    _kill_feeds(run, (1, 2, 3, 4, 5))
    held = [(a, asset) for a in run.arena.accounts for asset in ASSETS if run.book.held(a, asset) > 0]
    run.batch("keeper", *(run.deposit(account, asset, 1) for account, asset in held), must="L-1")
    leaving: dict[str, list] = {}
    for account, asset in held:
        # Nothing at risk: everything may leave, whatever the feeds say.
        if not run.book.at_risk(account) and not run.book.accounts[account].header.call_deadline:
            owner = run.arena.owner(account)
            amount = run.book.held(account, asset)
            leaving.setdefault(owner, []).append(run.withdraw(account, asset, amount, owner))
    for owner, actions in leaving.items():
        run.batch(owner, *actions, must="L-1")


def l1_reducing_needs_one_price(run) -> None:
    for market in MARKETS:
        feed = run.book.markets[market].risk.feed
        holders = [a for a in run.arena.accounts if run.book.size(a, market)]
        if not holders:
            continue
        run.advance(3000)
        run.update(run.report({}, feeds=(feed,)))
        _kill_feeds(run, [other for other in (1, 2, 3, 4, 5) if other != feed])
        for account in holders:
            size = run.book.size(account, market)
            _reduce_or_explain(run, account, market, -size)


def _over(found, required: int) -> int:
    return found.equity - required


def _reduce_or_explain(run, account: bytes, market: int, change: int) -> None:
    """Refused only where closing lowers equity − IM₀ or − MM (the floor binds), or widens the skew past a limit."""
    book = run.book
    owner = run.arena.owner(account)
    fill = preview.fill(book.markets[market], book.snapshot, change)
    old = book.assess(account, PriceUse.REDUCE)
    entry = book.accounts[account]
    others = {m: book.position(account, m) for m in MARKETS if m != market}
    rest = {m: (p.size, p.cost) for m, p in others.items()}
    position = book.position(account, market)
    cost = position.cost + fill.cost - change * book.index[market]
    loss = -(-cost // UNIT) if cost > 0 else cost // UNIT
    cash = book.held(account)
    if loss > 0 and loss > cash:
        return  # a loss that cannot be paid stays: the account is nearly or wholly bankrupt
    balances = dict(entry.balances) | {0: replace(entry.balances[0], held=cash - loss)}
    left = twin.Account.of(account, balances, rest)
    positions = {m: replace(p, epoch=others[m].epoch) for m, p in left.positions.items()}
    after = twin.assess(replace(left, positions=positions), book.snapshot, PriceUse.REDUCE)
    falls = _over(after, after.im0) < _over(old, old.im0) + 10 * UNIT
    falls |= _over(after, after.mm) < _over(old, old.mm) + 10 * UNIT
    falls |= after.equity < min(old.equity, 0)
    skew, excused = book.markets[market].state.skew, ()
    if abs(skew + change) > abs(skew):  # the limits on a skew that grows hold for a closing fill too
        excused = ("AllocationExceeded", "SkewCapExceeded")
    run.stats["closing refused by the rule" if falls else "closed on one price"] += 1
    run.batch(owner, run.trade(account, market, change), reducing=True, must="" if falls else "L-1", excused=excused)


def l2_all_can_be_liquidated(run) -> None:
    """L-2 and L-3: by someone with cash, on whatever feeds there are, in one batch with healthy accounts among them."""
    targets = choose.liquidatable(run)
    keeper = run.arena.of("operator")[0]
    targets = [target for target in targets if target != keeper]
    if not targets:
        return
    run.arena.tokens[0].write("mint", run.address("operator"), 10**9 * 10**6, sender=run.world.admin)
    run.book = run.arena.read()
    run.batch("operator", run.deposit(keeper, 0, 5 * 10**8 * 10**6), must="L-2")
    start = run.chain.snapshot()
    book = run.book
    for target in targets:
        checkpoint = run.chain.snapshot()
        run.batch("operator", run.liquidate(keeper, target), must="L-2")
        found = run.book.assess(target)
        if run.book.at_risk(target):
            require(found.equity >= found.mm, "L-2", "{} stays below MM: {}", target.hex(), found)
        run.chain.revert(checkpoint)
        run.book = book
    healthy = [a for a in run.arena.accounts if a not in targets and a != keeper]
    targets = choose.compatible(run, targets)
    every = [a for pair in zip(targets, healthy[: len(targets)], strict=False) for a in pair] + targets
    run.batch("operator", *(run.liquidate(keeper, a, skip=True) for a in dict.fromkeys(every)), must="L-3")
    run.chain.revert(start)
    run.book = book
    run.stats["liquidated at the end"] += len(targets)


def s5_splitting(run) -> None:
    """The same in n parts is never worth more: fills and slices. (LP requests: split at random; no share may fall.)"""
    freshen(run, run.rng, 1.0)
    if not run.book.all_good:
        return
    _split_fill(run, run.rng)
    keeper = run.arena.of("keeper")
    for target in choose.liquidatable(run)[:1]:
        if target not in keeper:
            _split_slice(run, keeper[0], target)


def _split_fill(run, rng) -> None:
    run.batch("mallory", run.deposit(run.arena.of("mallory")[0], 0, 10**5 * 10**6))
    account = run.arena.of("mallory")[0]
    market = rng.choice(MARKETS)
    size = 3 * (choose.size(run, rng, account, market, 3.0) // 3)

    def worth(actions) -> int | None:
        checkpoint, book = run.chain.snapshot(), run.book
        result = None
        if run.batch("mallory", *actions, label="split"):
            result = run.book.equity(account) + run.book.potential()
        run.chain.revert(checkpoint)
        run.book = book
        return result

    if size:
        whole = worth([run.trade(account, market, size)])
        parts = worth([run.trade(account, market, size // 3)] * 3)
        if whole is not None and parts is not None:
            require(parts <= whole + 4, "S-5", "three fills are worth {}, one {}", parts, whole)
            run.stats["split fill"] += 1


def _split_slice(run, taker: bytes, target: bytes) -> None:
    run.batch("keeper", run.deposit(taker, 0, 10**6 * 10**6))

    def bonus(fractions) -> int:
        checkpoint, book = run.chain.snapshot(), run.book
        was = run.book.wealth("keeper", 0, {})
        for fraction in fractions:
            run.batch("keeper", run.liquidate(taker, target, fraction, skip=True), label="split")
        gain = run.book.wealth("keeper", 0, {}) - was
        run.chain.revert(checkpoint)
        run.book = book
        return gain

    whole, parts = bonus([WAD]), bonus([WAD // 4, WAD // 4, WAD // 4, WAD])
    require(parts <= whole + 10 * UNIT, "S-5", "slices yield {}, one {}", parts, whole)
    run.stats["split slice"] += 1


#: Of what is tried at the end, how much each time.
SHARE = 0.5
ATTEMPTS = (
    l1_deposits_need_no_price,
    l1_reducing_needs_one_price,
    l2_all_can_be_liquidated,
    s5_splitting,
    l4_debts_are_payable_in_full,
    r2_splitting_an_accrual,
    s5_loans_in_parts,
    u1_everything_can_be_unwound,
)

"""Margin calls, cures and liquidations, and prices that lead to them."""

from __future__ import annotations

from campaign.cast import BPS, UNIT, WAD
from campaign.steps import choose
from campaign.steps.prices import freshen
from campaign.steps.traders import open_position
from plimsoll.margin import account as twin
from plimsoll.margin import preview
from plimsoll.margin.account import AccountState, PriceUse


def aim(run, rng) -> None:
    """A price that brings some account to a chosen health: just below its margins, to zero, or beyond."""
    held = choose.with_position(run)
    if not held:
        return open_position(run, rng)
    account, market = rng.choice(held)
    book = run.book
    size, feed = book.size(account, market), book.markets[market].risk.feed
    found = book.assess(account, PriceUse.REDUCE)
    goal = int(found.mm * rng.choice((1.4, 1.1, 0.99, 0.9, 0.6, 0.3, 0.06, 0.0, -0.5, -2.0)))
    now = run.prices[feed]
    price = book.price(market) + (goal - found.equity) // size
    run.post({feed: min(max(price, now * 6 // 10), now * 16 // 10)}, seconds=rng.choice((2, 12)))
    return None


def margin_call(run, rng) -> None:
    targets = choose.below(run, AccountState.RESTRICTED, AccountState.LIQUIDATABLE, AccountState.CALLED)
    skip = rng.random() < 0.5
    target = rng.choice(targets) if targets and rng.random() < 0.9 else run.sampled()
    name = rng.choice(("keeper", "keeper", "mallory", "alice"))
    account = choose.account(run, rng, name)
    if account != target:
        run.batch(name, run.margin_call(account, target, skip=skip))


def cure(run, rng) -> None:
    called = [a for a in run.arena.accounts if run.book.accounts[a].header.call_deadline]
    if not called:
        return
    target = rng.choice(called)
    name = run.arena.owner(target)
    if rng.random() < 0.7:
        found = run.book.assess(target)
        level = rng.choice((found.im0, found.im0, twin.removal_margin(found) + WAD))
        need = max(level - found.equity, 0) // UNIT + rng.choice((0, 1, 1, 10**6))
        if need:
            run.batch(name, run.deposit(target, 0, need), must="L-1" if run.book.held(target) else "")
    if rng.random() < 0.5 and run.book.held(target) > 0:
        run.batch(name, run.withdraw(target, 0, 1, name), refused="S-4")
    account = run.arena.of("keeper")[0]
    run.batch("keeper", run.margin_call(account, target, skip=rng.random() < 0.3))


def liquidate(run, rng) -> None:
    targets = choose.liquidatable(run)
    if not targets:
        return aim(run, rng)
    target = rng.choice(targets)
    name = rng.choice(("keeper", "keeper", "keeper", "carol", "mallory", run.arena.owner(target)))
    account = choose.account(run, rng, name)
    if account == target:
        return None
    fraction = rng.choice((WAD, WAD, WAD // 2, WAD // 10, WAD // 100, rng.randint(1, WAD)))
    how = {"min_bonus": rng.choice((0, 0, 0, WAD)), "skip": rng.random() < 0.3}
    actions = [run.liquidate(account, target, fraction, **how)]
    if rng.random() < 0.2:
        actions.append(run.liquidate(account, target, fraction, skip=True))
    run.batch(name, *actions)
    return None


def liquidate_many(run, rng) -> None:
    """A keeper's batch that skips what has become healthy."""
    targets = choose.liquidatable(run) + [run.sampled()]
    keeper = run.arena.of("keeper")[0]
    targets = [target for target in dict.fromkeys(targets) if target != keeper]
    if not targets:
        return
    run.batch("keeper", *(run.liquidate(keeper, target, WAD, skip=True) for target in targets))


def liquidate_and_leave(run, rng) -> None:
    """No capital of one's own: take, close, withdraw the profit."""
    freshen(run, rng, 1.0)
    targets = choose.liquidatable(run)
    if not targets:
        return aim(run, rng)
    target = rng.choice(targets)
    account = run.arena.of("lender")[0]
    if account == target:
        return None
    book = run.book
    cut = preview.liquidation(book.accounts[target], book.snapshot)
    _, taken = preview.take(book.accounts[target], book.snapshot, cut)
    actions = [run.liquidate(account, target, WAD)]
    sizes = {market: book.size(account, market) + position.size for market, position in taken.positions.items()}
    actions += [run.trade(account, market, -size) for market, size in sizes.items() if size]
    if rng.random() < 0.3:
        actions.append(run.withdraw(account, 0, 1, "lender"))
    run.batch("lender", *actions, label="liquidate and leave")
    return None


def seize_collateral(run, rng) -> None:
    """An account without cash is taken whole by an empty one, which closes everything: it cannot end owing cash."""
    freshen(run, rng, 1.0)
    if not run.book.all_good:
        return
    account, taker, market = run.arena.of("alice")[1], run.arena.of("lender")[0], rng.choice((0, 1))
    if run.book.accounts[account].header.markets or run.book.accounts[account].header.assets:
        return
    weth = 3 * 10**18
    notional = run.book.value(1, weth) * rng.choice((2, 4, 8, 14))
    size = notional // run.book.price(market) * rng.choice((1, -1))
    run.batch("alice", run.deposit(account, 1, weth), run.trade(account, market, size))
    if not run.book.size(account, market):
        return
    found = run.book.assess(account)
    if market == 1:  # the collateral falls, the position has won a little: what is paid for it is more than it brings
        up = 10_005 if size > 0 else 9_995
        run.post({1: run.prices[1] * rng.choice((3000, 4000)) // BPS, 2: run.prices[2] * up // BPS})
    else:
        goal = int(found.mm * rng.choice((0.9, 0.6)))
        price = run.book.price(0) + (goal - found.equity) // (size + weth // 10**10 or 1)
        if not run.prices[1] * 6 // 10 < price < run.prices[1] * 16 // 10:
            return
        run.post({1: price})
    if run.book.state(account) not in (AccountState.LIQUIDATABLE, AccountState.BANKRUPT):
        return
    book = run.book
    cut = preview.liquidation(book.accounts[account], book.snapshot)
    _, taken = preview.take(book.accounts[account], book.snapshot, cut)
    sizes = {m: book.size(taker, m) + position.size for m, position in taken.positions.items()}
    closing = [run.trade(taker, m, -size) for m, size in sizes.items() if size]
    run.batch("lender", run.liquidate(taker, account), *closing, label="seize collateral")

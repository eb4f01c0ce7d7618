"""What people and attackers do. Each step is a function of the run and its own random numbers, named in `STEPS`.

A step looks at the state it meets and sends what makes sense there, or what an attacker would try. Refusals with a
documented error are fine; `must` marks what may never be refused, `refused` what may never succeed.
"""

from __future__ import annotations

from campaign_checks import Broken, require
from campaign_state import ASSETS, ATTACKERS, BPS, MARKETS, SIZE, UNIT, WAD

from plimsoll.actions import MAX_UINT256
from plimsoll.margin import account as twin
from plimsoll.margin import preview
from plimsoll.margin.account import AccountState, PriceUse

ORDINARY = ("alice", "bob", "carol")
TRADERS = (*ORDINARY, "mallory", "mallet")


# ---------------------------------------------------------------- choosing


def _trader(rng) -> str:
    return rng.choices(TRADERS, (3, 3, 2, 3, 2))[0]


def _account(run, rng, *owners: str) -> bytes:
    return rng.choice(run.arena.of(*owners))


def _market(run, rng, account: bytes) -> int:
    own = run.arena.isolated_market(account)
    return rng.choice(MARKETS) if own is None or rng.random() < 0.03 else own


def _with_position(run) -> list[tuple[bytes, int]]:
    book = run.book
    return [(a, m) for a in run.arena.accounts for m in MARKETS if book.size(a, m)]


def _part(rng, whole: int) -> int:
    """Some of it: all, nearly all, a dust, one more than all, or anything between."""
    return max(rng.choice((whole, whole, whole + 1, whole // 2, whole - 1, 1, rng.randint(0, max(whole, 0)))), 0)


def _below(run, *states: AccountState) -> list[bytes]:
    return [a for a in run.arena.accounts if run.book.accounts[a].header.markets and run.book.state(a) in states]


def _liquidatable(run) -> list[bytes]:
    return _below(run, AccountState.LIQUIDATABLE, AccountState.BANKRUPT)


def _fresh(run, rng, chance: float = 0.9) -> None:
    """Mostly people act on fresh prices."""
    if not run.book.all_good and rng.random() < chance:
        run.post({}, seconds=2)


def _prologue(run, rng) -> bytes:
    """Sometimes a batch brings prices: new ones, those already there, old ones, or a subset."""
    if rng.random() > 0.25:
        return b""
    if rng.random() < 0.7:
        run.advance(rng.choice((1, 2, 12)))
    drift = {feed: run.prices[feed] * rng.randint(9970, 10030) // BPS for feed in (1, 2, 3)}
    how = rng.random()
    if how < 0.7:
        run.prices.update(drift)
        return run.report(drift)
    if how < 0.85:
        return run.report(drift, at=run.chain.block()[1] - rng.randint(1, 100))  # backwards, most of the time
    return run.report(drift, feeds=(rng.choice((1, 2, 3)),))


def _size(run, rng, account: bytes, market: int, most: float = 21.0) -> int:
    """A size of up to `most` times the account's equity."""
    equity = max(run.book.equity(account), 10 * WAD)
    notional = int(equity * rng.uniform(0.05, most))
    size = max(notional // run.book.price(market), 1)
    return size if rng.random() < 0.5 else -size


# ---------------------------------------------------------------- ordinary people


def deposit(run, rng) -> None:
    name = rng.choice((*TRADERS, "keeper", "operator"))
    account = (
        _account(run, rng, name) if rng.random() < 0.85 and run.arena.of(name) else rng.choice(run.arena.everything)
    )
    asset = rng.choices(ASSETS, (6, 2, 1, 1))[0]
    purse = run.book.holdings[asset][run.arena.holders.index(run.address(name))]
    amount = min(rng.choice((1, purse // 100, purse // 1000, purse // 20_000, purse + 1)), MAX_UINT256)
    if account == run.arena.pool_account and asset == 0 and run.book.held(account):
        amount = min(amount, 1000 * 10**6)
    run.batch(name, run.deposit(account, asset, amount))


def withdraw(run, rng) -> None:
    _fresh(run, rng)
    name = _trader(rng)
    account = _account(run, rng, name)
    held = [asset for asset in ASSETS if run.book.held(account, asset)]
    asset = rng.choice(held or ASSETS)
    run.batch(name, run.withdraw(account, asset, _part(rng, run.book.held(account, asset)), name))


def withdraw_to_the_limit(run, rng) -> None:
    """All that the check allows, and then one unit more."""
    _fresh(run, rng)
    name = _trader(rng)
    account = _account(run, rng, name)
    if run.book.held(account) <= 0 or not run.book.all_good:
        return
    found = run.book.assess(account, PriceUse.OPEN)
    spare = (found.equity - twin.removal_margin(found)) // UNIT
    amount = min(spare, run.book.held(account))
    if amount <= 0 or run.book.accounts[account].header.call_deadline:
        return
    run.batch(name, run.withdraw(account, 0, amount, name), must="L-1")
    if run.book.accounts[account].header.markets:
        run.batch(name, run.withdraw(account, 0, 1, name), refused="S-1")


def transfer(run, rng) -> None:
    _fresh(run, rng)
    name = _trader(rng)
    own = run.arena.of(name)
    account, to = rng.choice(own), rng.choice(own)
    asset = rng.choice(ASSETS)
    run.batch(name, run.transfer(account, to, asset, _part(rng, run.book.held(account, asset))))


def move(run, rng) -> None:
    """A position to another account of one's own, mostly with the margin that it needs."""
    _fresh(run, rng)
    name = _trader(rng)
    own = run.arena.of(name)
    held = [entry for entry in _with_position(run) if len(run.arena.of(run.arena.owner(entry[0]))) > 1]
    if held and rng.random() < 0.9:
        account, market = rng.choice(held)
        name = run.arena.owner(account)
        to = rng.choice([other for other in run.arena.of(name) if other != account])
    else:
        account, to = rng.choice(own), rng.choice(own)
        market = _market(run, rng, account)
    size = run.book.size(account, market)
    part = size if rng.random() < 0.5 else int(size * rng.random())
    extra = []
    if rng.random() < 0.6 and run.book.held(account) > 0:
        extra = [run.transfer(account, to, 0, run.book.held(account) * rng.randint(0, 100) // 100)]
    run.batch(name, run.transfer_position(account, to, market, part or rng.choice((1, -1))), *extra)


def open_position(run, rng) -> None:
    _fresh(run, rng)
    name = _trader(rng)
    account = _account(run, rng, name)
    market = _market(run, rng, account)
    actions = [run.trade(account, market, _size(run, rng, account, market))]
    if rng.random() < 0.35 or run.book.held(account) <= 0:
        purse = run.book.holdings[0][run.arena.holders.index(run.address(name))]
        actions.insert(0, run.deposit(account, 0, min(rng.choice((50, 500, 5_000, 50_000, 600_000)) * 10**6, purse)))
    if rng.random() < 0.1:
        actions.append(run.trade(account, market, _size(run, rng, account, market)))
    run.batch(name, *actions, prices=_prologue(run, rng))


def trade(run, rng) -> None:
    """Adds, reduces, closes or flips an existing position."""
    _fresh(run, rng, 0.7)
    held = [entry for entry in _with_position(run) if run.arena.owner(entry[0]) in TRADERS]
    if not held:
        return open_position(run, rng)
    account, market = rng.choice(held)
    size = run.book.size(account, market)
    change = rng.choice((-size, -size, -size // 2, -(size * 3) // 2, size // 3, -2 * size, rng.choice((1, -1))))
    if not change:
        return None
    how = {}
    if rng.random() < 0.2:
        how["limit_price"] = run.book.price(market) * rng.randint(9990, 10010) // BPS
    if rng.random() < 0.1:
        how["deadline"] = run.book.time + rng.choice((-1, 0, 10))
    owner = run.arena.owner(account)
    run.batch(owner, run.trade(account, market, change, **how), prices=_prologue(run, rng))
    return None


def reduce(run, rng) -> None:
    """A reducing batch; on old prices too."""
    held = _with_position(run)
    if not held:
        return
    account, market = rng.choice(held)
    size = run.book.size(account, market)
    change = rng.choice((-size, -size, -size // 2, -size // 3, -2 * size, size))
    if not change:
        return
    actions = [run.trade(account, market, change)]
    if rng.random() < 0.2:
        actions.insert(0, run.deposit(account, 0, 10**6))
    if rng.random() < 0.1:
        actions.append(run.withdraw(account, 0, 1, "mallory"))
    run.batch(run.arena.owner(account), *actions, reducing=True)


def open_beside_a_dead_feed(run, rng) -> None:
    """New risk needs a good price of everything the account holds a position in, not only of what it trades."""
    _fresh(run, rng)
    held = [(a, m) for a, m in _with_position(run) if run.arena.isolated_market(a) is None]
    if not held or not run.book.all_good:
        return
    account, market = rng.choice(held)
    feed = run.book.markets[market].risk.feed
    run.call("admin", run.world.router, "dispute", feed, run.book.time + 60)
    other = rng.choice([m for m in MARKETS if m != market])
    held_there = run.book.size(account, other)
    size = SIZE if held_there >= 0 else -SIZE
    owner = run.arena.owner(account)
    run.batch(owner, run.deposit(account, 0, 10**11), run.trade(account, other, size), refused="S-1")


def seize_collateral(run, rng) -> None:
    """An account without cash is taken whole by an empty one, which closes everything: it cannot end owing cash."""
    _fresh(run, rng, 1.0)
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


def settle(run, rng) -> None:
    market = rng.choice(MARKETS)
    chosen = rng.sample(list(run.arena.accounts), rng.randint(1, 6))
    if rng.random() < 0.2:
        chosen += chosen[:1]
    run.batch(rng.choice(("alice", "keeper", "mallory")), run.settle(market, chosen))


def margin_call(run, rng) -> None:
    targets = _below(run, AccountState.RESTRICTED, AccountState.LIQUIDATABLE, AccountState.CALLED)
    skip = rng.random() < 0.5
    target = rng.choice(targets) if targets and rng.random() < 0.9 else run.sampled()
    name = rng.choice(("keeper", "keeper", "mallory", "alice"))
    account = _account(run, rng, name)
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
    targets = _liquidatable(run)
    if not targets:
        return aim(run, rng)
    target = rng.choice(targets)
    name = rng.choice(("keeper", "keeper", "keeper", "carol", "mallory", run.arena.owner(target)))
    account = _account(run, rng, name)
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
    targets = _liquidatable(run) + [run.sampled()]
    keeper = run.arena.of("keeper")[0]
    targets = [target for target in dict.fromkeys(targets) if target != keeper]
    if not targets:
        return
    run.batch("keeper", *(run.liquidate(keeper, target, WAD, skip=True) for target in targets))


def liquidate_and_leave(run, rng) -> None:
    """No capital of one's own: take, close, withdraw the profit."""
    _fresh(run, rng, 1.0)
    targets = _liquidatable(run)
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


def operators(run, rng) -> None:
    name = rng.choice(ORDINARY)
    account = _account(run, rng, name)
    kind = rng.random()
    engine = run.world.engine
    granted = [key[0] for key in run.grants]
    if granted and kind > 0.35:
        account = rng.choice(granted)
        name = run.arena.owner(account)
    if kind < 0.35 or not granted:
        limits = (
            rng.choice((7, 1, 2, 7)),
            rng.choice((10**4, 10**5, 10**6, 10**7)),
            rng.choice((300, 1000, 2000, 10_000, 10_000)),
            rng.random() < 0.25,
            run.book.time + rng.choice((60, 10**5, 10**6)),
            rng.choice((1200, 2000, 5000, 20_000)),
            rng.choice((10, 200, 5000, 10**5)),
        )
        if run.call(name, engine, "setOperator", account, run.address("operator"), limits):
            run.grants[(account, "operator")] = limits
        return
    if kind < 0.42:
        if run.call(name, engine, "lockdown"):
            for key in [key for key in run.grants if run.arena.owner(key[0]) == name]:
                del run.grants[key]
        return
    _hostile_operator(run, rng, account)


def _hostile_operator(run, rng, account: bytes) -> None:
    """Churns, takes size, tries to move funds out."""
    _fresh(run, rng)
    market = _market(run, rng, account)
    if run.book.size(account, market) == 0 and rng.random() < 0.5:
        market = rng.choice([m for m in MARKETS if run.book.size(account, m)] or [market])
    kind = rng.random()
    if kind < 0.15:
        mine = rng.choice(
            (
                run.withdraw(account, 0, 1, "operator"),
                run.transfer(account, run.arena.of(run.arena.owner(account))[0], 0, 1),
                run.margin_call(account, run.arena.of("bob")[0], skip=True),
                run.liquidate(account, run.arena.of("mallet")[0], WAD, skip=True),
            )
        )
        run.batch("operator", mine, refused="A-2")
        return
    size = run.book.size(account, market) if rng.random() < 0.4 else 0
    change = -size if size else _size(run, rng, account, market, rng.choice((0.5, 3.0, 8.0)))
    actions = [run.trade(account, market, change)]
    churn = rng.random() < 0.4
    if churn:
        actions.append(run.trade(account, market, -change))
    for _ in range(6 if churn else 1):
        run.batch("operator", *actions, label="operator", reducing=rng.random() < 0.1)


# ---------------------------------------------------------------- liquidity and lending


def request_entry(run, rng) -> None:
    name = rng.choice(("lp", "lp", "mallory", "carol"))
    amount = rng.choice((1, 1000, 50_000, 400_000)) * 10**6 + rng.randint(0, 10**6)
    for part in _split(rng, amount):
        run.call(name, run.world.pool, "requestDeposit", part, run.address(name))


def request_exit(run, rng) -> None:
    name = rng.choice(("lp", "lp", "provider", "mallory"))
    shares = run.book.lp[run.arena.holders.index(run.address(name))]
    if shares:
        part = rng.choice((shares, shares // 2, shares // 10, shares + 1))
        run.call(name, run.world.pool, "requestRedeem", part, run.address(name))


def _split(rng, amount: int) -> list[int]:
    return [amount] if rng.random() < 0.7 else [amount // 3] * 3


def execute_requests(run, rng) -> None:
    """Waits for the delay, mostly, and executes in some order."""
    if not run.pending:
        return request_entry(run, rng)
    if rng.random() < 0.8:
        _quietly(run, 3601)
    chosen = list(run.pending)
    rng.shuffle(chosen)
    if rng.random() < 0.2:
        chosen += [chosen[0], 10**6]
    run.call(rng.choice(("keeper", "mallory")), run.world.pool, "execute", chosen)
    return None


def _quietly(run, seconds: int) -> None:
    """Time passes at constant prices, with someone looking at them now and then."""
    for part in (seconds // 2, seconds - seconds // 2):
        run.post({}, seconds=part)
        run.call("keeper", run.world.pool, "observe")


def pool_errands(run, rng) -> None:
    pool = run.world.pool
    kind = rng.random()
    if kind < 0.3:
        run.call("keeper", pool, "observe")
    elif kind < 0.5:
        run.call("mallory", pool, "claim", run.address(rng.choice(("lp", "mallory"))))
    elif kind < 0.7 and run.pending:
        run.call("mallory", pool, "reclaim", rng.choice(list(run.pending)))
    else:
        run.call("mallory", run.world.engine, "refreshPool", rng.sample(MARKETS, rng.randint(1, 3)))


def lend(run, rng) -> None:
    name = rng.choice(("lender", "lender", "mallory", "alice"))
    asset = rng.choice((0, 0, 1, 3))
    place = run.arena.holders.index(run.address(name))
    purse, shares = run.book.holdings[asset][place], run.book.shares[asset][place]
    vault, me = run.arena.vaults[asset], run.address(name)
    kind = rng.random()
    if kind < 0.4 or not shares:
        run.call(name, vault, "deposit", rng.choice((1, 999, purse // 7, purse // 100)), me)
    elif kind < 0.5:
        run.call(name, vault, "mint", rng.choice((1, 10**6, shares // 3 + 1)), me)
    elif kind < 0.75:
        run.call(name, vault, "redeem", _part(rng, shares), me, me)
    else:
        owed = shares * (run.book.totals[asset].lent + 1) // (run.book.supplies[asset] + 10**6)
        run.call(name, vault, "withdraw", _part(rng, owed), me, me)


# ---------------------------------------------------------------- prices and time


def tick(run, rng) -> None:
    """All prices a little, or one of them a lot."""
    moves = {feed: run.prices[feed] * rng.randint(9950, 10050) // BPS for feed in (1, 2, 3)}
    if rng.random() < 0.25:
        feed = rng.choice((1, 2, 3))
        moves[feed] = run.prices[feed] * rng.choice((7000, 8500, 9300, 10700, 11500, 13000)) // BPS
    run.post(moves, seconds=rng.choice((1, 2, 12, 12, 30, 300)))


def aim(run, rng) -> None:
    """A price that brings some account to a chosen health: just below its margins, to zero, or beyond."""
    held = _with_position(run)
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


def wait(run, rng) -> None:
    """Funding, deadlines, windows; with or without prices after it."""
    seconds = rng.choice((61, 600, 3601, 3601, 7200, 86_400))
    if rng.random() < 0.5:
        run.advance(seconds)
    else:
        run.post({}, seconds=seconds)


def bad_feeds(run, rng) -> None:
    kind = rng.random()
    feed = rng.choice((1, 2, 3))
    if kind < 0.4:
        until = run.book.time + rng.choice((60, 3600))
        run.call("admin", run.world.router, "dispute", feed, until)
    elif kind < 0.6:
        run.advance(12)
        run.update(run.report({feed: run.prices[feed] * 2}, confidence=900_000, feeds=(feed,)))  # too wide: rejected
    elif kind < 0.75:
        run.update(run.report({feed: run.prices[feed] * 9 // 10}, at=run.book.time - rng.randint(0, 200)))
    elif kind < 0.9:  # twice in a block
        run.post({feed: run.prices[feed] * 101 // 100}, seconds=2)
        run.update(run.report({feed: run.prices[feed] * 99 // 100}, at=run.book.time + 5))
        run.prices[feed] = run.book.prices[feed].value
    else:
        run.update(run.report({}, at=run.book.time + 16))  # from the future


# ---------------------------------------------------------------- attackers


def donate(run, rng) -> None:
    asset = rng.choice(ASSETS)
    token = run.arena.tokens[asset]
    amount = rng.choice((1, 10**4, 5 * 10**6, 10**8))
    target = rng.choice(("vault", "pool", "executor", "engine", "lp"))
    if target == "lp":
        shares = run.book.lp[run.arena.holders.index(run.address("mallory"))]
        if shares and run.world.pool.write(
            "transfer", run.world.pool.address, shares // 2, sender=run.address("mallory")
        ):
            run.donated_lp += shares // 2
            run.book = run.arena.read()
        return
    to = {
        "vault": run.arena.vaults[asset].address,
        "pool": run.world.pool.address,
        "executor": run.arena.executor,
        "engine": run.world.engine.address,
    }[target]
    if target == "vault":
        run.donated[asset] += amount
    elif target == "pool" and asset == 0:
        run.donated_pool += amount
    run.call("mallory", token, "transfer", to, amount)


def exchange(run, rng) -> None:
    """`Call`: swaps at a price just worse than index, or tries what it must not."""
    _fresh(run, rng)
    name = rng.choice(("alice", "mallory"))
    account = rng.choice([a for a in run.arena.of(name) if run.arena.isolated_market(a) is None])
    held = [asset for asset in ASSETS if run.book.held(account, asset) > 0]
    if not held:
        return deposit(run, rng)
    source = rng.choice(held)
    sink = rng.choice([asset for asset in ASSETS if asset != source])
    amount = max(run.book.held(account, source) * rng.randint(1, 100) // 100, 1)
    market, tokens = run.arena.exchange, run.arena.tokens
    if rng.random() < 0.2:
        target = rng.choice((tokens[source], run.arena.vaults[source], run.world.engine, run.world.pool))
        data = tokens[0].encode("approve", run.address("mallory"), MAX_UINT256)
        run.batch(name, run.exchange(account, source, amount, sink, 0, target.address, data), refused="A-1")
        return None
    top = run.book.asset_price(source) * 10 ** run.book.assets[sink].decimals * 997
    bottom = run.book.asset_price(sink) * 10 ** run.book.assets[source].decimals * 1000
    while top >= 1 << 128 or bottom >= 1 << 128:
        top, bottom = top >> 8, bottom >> 8
    market.write("setPrice", tokens[source].address, tokens[sink].address, top, bottom, sender=run.world.admin)
    left = rng.choice((0, 0, 5000))
    market.write("misbehave", 0, left, "0x" + "00" * 20, b"", sender=run.world.admin)
    lying = sum(
        run.book.value(asset, run.book.holdings[asset][run.arena.holders.index(run.arena.executor)])
        for asset in (source, sink)
    )
    data = market.encode("swap", tokens[source].address, tokens[sink].address, amount)
    before = run.book
    tx_args = run.exchange(account, source, amount, sink, 0, market.address, data)
    run.commons = lying
    try:
        run.batch(name, tx_args)
    finally:
        run.commons = 0
    after = run.book
    place = run.arena.holders.index(run.arena.executor)
    if after is not before:
        for asset in (source, sink):
            require(after.holdings[asset][place] == 0, "A-1", "Executor keeps {}", after.holdings[asset][place])
    return None


def flash(run, rng) -> None:
    """All out and in again within one batch; margin that is only there while the trade looks."""
    _fresh(run, rng)
    name = rng.choice(("mallory", "mallet"))
    account = _account(run, rng, name)
    held = run.book.held(account)
    if rng.random() < 0.5 and held > 0:
        out, back = run.withdraw(account, 0, held, name), run.deposit(account, 0, held)
        run.batch(name, out, back, label="flash")
        return
    market = _market(run, rng, account)
    purse = 100_000 * 10**6
    size = int(purse * UNIT * 15 // run.book.price(market)) * rng.choice((1, -1))
    run.batch(
        name,
        run.deposit(account, 0, purse),
        run.trade(account, market, size),
        run.withdraw(account, 0, purse, name),
        label="flash leverage",
    )


def insolvency_in_a_batch(run, rng) -> None:
    """T-1: one account empties itself with the check deferred, the owner's other one takes it in the same batch."""
    _fresh(run, rng)
    held = [(a, m) for a, m in _with_position(run) if run.arena.owner(a) in ATTACKERS]
    if not held:
        return pair(run, rng)
    target, market = rng.choice(held)
    name = run.arena.owner(target)
    account = rng.choice([a for a in run.arena.of(name) if a != target])
    size = run.book.size(target, market)
    first = rng.choice(
        (
            run.withdraw(target, 0, max(run.book.held(target), 1), name),
            run.trade(target, market, size),
            run.deposit(target, 0, 1),
            run.transfer(target, account, 0, max(run.book.held(target), 1)),
        )
    )
    then = rng.choice((run.liquidate(account, target), run.margin_call(account, target)))
    run.batch(name, first, then, label="insolvency in a batch", refused="S-3")
    if rng.random() < 0.5:  # and the other way round: nothing touches a target after it was taken
        run.batch(name, then, first, label="touch a target", refused="S-3")
    return None


def self_liquidation(run, rng) -> None:
    """An attacker's account is brought below its margin and taken by himself or his partner, in one slice or many."""
    held = [(a, m) for a, m in _with_position(run) if run.arena.owner(a) in ATTACKERS]
    if not held:
        return pair(run, rng)
    account, market = rng.choice(held)
    book = run.book
    found = book.assess(account, PriceUse.REDUCE)
    goal = int(found.mm * rng.choice((0.99, 0.8, 0.5, 0.1, 0.04, -0.2)))
    feed, now = book.markets[market].risk.feed, run.prices[book.markets[market].risk.feed]
    price = book.price(market) + (goal - found.equity) // book.size(account, market)
    if now * 6 // 10 < price < now * 16 // 10:
        run.post({feed: price})
    taker = rng.choice([a for a in run.arena.of(*ATTACKERS) if a != account])
    name = run.arena.owner(taker)
    if rng.random() < 0.4:
        run.batch(
            "mallory", run.margin_call(run.arena.of("mallory")[0], account, skip=True)
        ) if account != run.arena.of("mallory")[0] else None
        run.advance(rng.choice((1, 600, 3601)))
        run.post({})
    for _ in range(rng.choice((1, 1, 3))):
        run.batch(name, run.liquidate(taker, account, rng.choice((WAD, WAD // 5)), skip=True), label="self-liquidation")
    return None


def pair(run, rng) -> None:
    """T-8: small opposite accounts, to let insurance pay for the losing one."""
    _fresh(run, rng)
    market = 0
    one, other = run.arena.of("mallory")[2], run.arena.of("mallet")[0]
    margin = rng.choice((20, 40, 400)) * 10**6
    size = margin * UNIT * rng.choice((5, 15, 18)) // run.book.price(market)
    for account, sign in ((one, 1), (other, -1)):
        name = run.arena.owner(account)
        run.batch(name, run.deposit(account, 0, margin), run.trade(account, market, sign * size))
    if rng.random() < 0.7:
        run.post({1: run.prices[1] * rng.choice((9000, 9400, 10600, 11000)) // BPS})
        taker = run.arena.of("mallory")[1]
        for account in (one, other):
            run.batch("mallory", run.liquidate(taker, account, skip=True), label="farming")


def round_trip(run, rng) -> None:
    """S-6: in and out at constant prices, split or whole, alone or with LP requests around it."""
    _fresh(run, rng, 1.0)
    name = rng.choice(("mallory", "mallet"))
    account = _account(run, rng, name)
    market = _market(run, rng, account)
    size = _size(run, rng, account, market, 15.0)
    run.batch(name, run.deposit(account, 0, 20_000 * 10**6))
    parts = rng.choice((1, 1, 2, 5))
    if rng.random() < 0.3:
        request_entry(run, rng)
    for _ in range(parts):
        if size // parts:
            run.batch(name, run.trade(account, market, size // parts))
    if rng.random() < 0.3:
        execute_requests(run, rng)
    now = run.book.size(account, market)
    if now:
        run.batch(name, run.trade(account, market, -now))


def stale_prices(run, rng) -> None:
    """T-3: open at the old price, see the new one, close at it, within one block and within one batch."""
    name = "mallory"
    account = _account(run, rng, name)
    market = _market(run, rng, account)
    run.post({}, seconds=2)
    run.advance(rng.choice((1, 12, 55)))
    size = _size(run, rng, account, market, 10.0)
    feed = run.book.markets[market].risk.feed
    fresh = run.prices[feed] * (10_000 + (30 if size > 0 else -30)) // BPS
    if run.batch(name, run.trade(account, market, size)) is None:
        return
    close = run.trade(account, market, -run.book.size(account, market)) if run.book.size(account, market) else None
    run.prices[feed] = fresh
    report = run.report({feed: fresh})
    if close:
        run.batch(name, close, prices=report)
    # A second price in the same block must not move anything.
    before = dict(run.book.raw_prices)
    run.update(run.report({feed: fresh * 101 // 100}, at=run.book.time + 5))
    run.prices[feed] = run.book.prices[feed].value
    if close and before[feed] != run.book.raw_prices[feed]:
        raise Broken("F-1", "a feed moved twice in one block")


def reenter(run, rng) -> None:
    """A hook token calls back from inside deposits, withdrawals, swaps, lending and redeeming."""
    arena, world = run.arena, run.world
    hook, me = arena.hook, run.address("mallory")
    account = arena.of("mallory")[0]
    batch = world.engine.encode("execute", (b"", False, [run.withdraw(account, 0, 1, "mallory").raw]))
    calls = (
        (world.engine, batch),
        (world.engine, world.engine.encode("refreshPool", [0])),
        (world.engine, world.engine.encode("lockdown")),
        (world.engine, world.engine.encode("assess", account)),
        (world.engine, world.engine.encode("poolEquity")),
        (world.pool, world.pool.encode("requestDeposit", 10**6, me)),
        (world.pool, world.pool.encode("execute", [1])),
        (world.pool, world.pool.encode("totalAssets")),
        (world.pool, world.pool.encode("convertToAssets", WAD)),
        (arena.vaults[3], arena.vaults[3].encode("deposit", 1, me)),
        (arena.vaults[3], arena.vaults[3].encode("redeem", 1, me, me)),
        (arena.vaults[3], arena.vaults[3].encode("totalAssets")),
        (arena.vaults[0], arena.vaults[0].encode("convertToAssets", 10**6)),
        (world.lens, world.lens.encode("health", [account])),
    )
    target, data = rng.choice(calls)
    receiving = rng.random() < 0.5
    before = run.book
    hook.write("setHook", me, receiving, target.address, False, data, sender=me)
    try:
        count = hook.read("calls")
        amount = max(run.book.held(account, 3), 1)
        if receiving:
            if run.book.held(account, 3) == 0:
                return
            _fresh(run, rng, 1.0)
            done = run.batch("mallory", run.withdraw(account, 3, amount, "mallory"), label="re-entry")
        else:
            done = run.batch("mallory", run.deposit(account, 3, 10**18), label="re-entry")
        if done and hook.read("calls") > count:
            require(not hook.read("lastSucceeded"), "A-1", "re-entering {} worked", target)
            run.stats["re-entry tried"] += 1
    finally:
        hook.write("setHook", me, receiving, "0x" + "00" * 20, False, b"", sender=me)
        if run.book is before:
            run.book = arena.read()


def strangers(run, rng) -> None:
    """A-1: privileged functions and other people's accounts."""
    world, victim = run.world, _account(run, rng, "alice", "bob")
    mine = run.arena.of("mallory")[0]
    engine = world.engine
    kind = rng.randrange(8)
    held = [a for a in ASSETS if run.book.held(victim, a)]
    missing = [a for a in ASSETS if a not in held]
    if kind == 0:
        run.call("mallory", engine, "configure", 1, 0, 1, refused="A-1")
    elif kind == 1:
        run.call("mallory", engine, "changeLent", 0, 10**6, refused="A-1")
    elif kind == 2:
        run.call("mallory", run.arena.vaults[0], "push", run.address("mallory"), 1, refused="A-1")
    elif kind == 3:
        run.call("mallory", run.arena.vaults[0], "pull", run.address("alice"), 1, refused="A-1")
    elif kind == 4:
        run.batch("mallory", run.withdraw(victim, 0, 1, "mallory"), refused="A-1")
    elif kind == 5:
        market = _market(run, rng, victim)
        run.batch("mallory", run.trade(victim, market, rng.choice((1, -1)) * SIZE), refused="A-1")
    elif kind == 6 and missing:
        run.batch("mallory", run.deposit(victim, rng.choice(missing), 1), refused="A-1")
    else:
        run.batch("mallory", run.transfer(victim, mine, 0, 1), refused="A-1")
        run.batch("mallory", run.transfer(mine, victim, 0, 1), refused="A-1")


STEPS = {
    "open": open_position,
    "trade": trade,
    "reduce": reduce,
    "deposit": deposit,
    "withdraw": withdraw,
    "withdraw_to_the_limit": withdraw_to_the_limit,
    "transfer": transfer,
    "move": move,
    "settle": settle,
    "open_beside_a_dead_feed": open_beside_a_dead_feed,
    "seize_collateral": seize_collateral,
    "margin_call": margin_call,
    "cure": cure,
    "liquidate": liquidate,
    "liquidate_many": liquidate_many,
    "liquidate_and_leave": liquidate_and_leave,
    "operators": operators,
    "request_entry": request_entry,
    "request_exit": request_exit,
    "execute_requests": execute_requests,
    "pool_errands": pool_errands,
    "lend": lend,
    "tick": tick,
    "aim": aim,
    "wait": wait,
    "bad_feeds": bad_feeds,
    "donate": donate,
    "exchange": exchange,
    "flash": flash,
    "insolvency_in_a_batch": insolvency_in_a_batch,
    "self_liquidation": self_liquidation,
    "pair": pair,
    "round_trip": round_trip,
    "stale_prices": stale_prices,
    "reenter": reenter,
    "strangers": strangers,
}
WEIGHTS = dict.fromkeys(STEPS, 3) | {
    "open": 12,
    "trade": 8,
    "liquidate": 8,
    "aim": 8,
    "tick": 5,
    "reduce": 5,
    "self_liquidation": 5,
    "operators": 7,
    "request_exit": 4,
    "execute_requests": 4,
    "lend": 4,
    "strangers": 1,
    "donate": 2,
    "request_entry": 2,
    "pool_errands": 2,
    "bad_feeds": 2,
    "wait": 2,
}


# ---------------------------------------------------------------- at the end of a sequence


def closing_checks(run) -> None:
    """What costs too much to ask each time: tried on a copy of the state, and undone."""
    for attempt in (l1_deposits_need_no_price, l1_reducing_needs_one_price, l2_all_can_be_liquidated, s5_splitting):
        checkpoint = run.chain.snapshot()
        book, prices, pending, spent = run.book, dict(run.prices), dict(run.pending), dict(run.spent)
        donated = list(run.donated)
        try:
            attempt(run)
        finally:
            run.chain.revert(checkpoint)
            run.book, run.prices, run.pending, run.spent, run.donated = book, prices, pending, spent, donated


def _kill_feeds(run, feeds) -> None:
    for feed in feeds:
        run.world.router.write("dispute", feed, run.book.time + 86_400, sender=run.world.admin)
    run.book = run.arena.read()


def l1_deposits_need_no_price(run) -> None:
    run.advance(2 * 86_400)
    _kill_feeds(run, (1, 2, 3, 4, 5))
    for account in run.arena.accounts:
        for asset in ASSETS:
            if run.book.held(account, asset) > 0:
                run.batch("keeper", run.deposit(account, asset, 1), must="L-1")
        # Nothing at risk: everything may leave, whatever the feeds say.
        header = run.book.accounts[account].header
        if not header.markets and not header.call_deadline:
            owner = run.arena.owner(account)
            for asset in ASSETS:
                if held := run.book.held(account, asset):
                    run.batch(owner, run.withdraw(account, asset, held, owner), must="L-1")


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
    position = entry.positions[market]
    rest = {m: (p.size, p.cost) for m, p in entry.positions.items() if m != market}
    cost = position.cost + fill.cost - change * book.index[market]
    loss = -(-cost // UNIT) if cost > 0 else cost // UNIT
    cash = book.held(account)
    if loss > 0 and loss > cash:
        return  # a loss that cannot be paid stays: the account is nearly or wholly bankrupt
    held = {a: b.held for a, b in entry.balances.items()} | {0: cash - loss}
    after = twin.assess(twin.Account.holding(account, held, rest), book.snapshot, PriceUse.REDUCE)
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
    targets = _liquidatable(run)
    keeper = run.arena.of("keeper")[0]
    targets = [target for target in targets if target != keeper]
    if not targets:
        return
    run.arena.tokens[0].write("mint", run.address("keeper"), 10**9 * 10**6, sender=run.world.admin)
    run.book = run.arena.read()
    run.batch("keeper", run.deposit(keeper, 0, 5 * 10**8 * 10**6), must="L-2")
    start = run.chain.snapshot()
    book = run.book
    for target in targets:
        checkpoint = run.chain.snapshot()
        run.batch("keeper", run.liquidate(keeper, target), must="L-2")
        found = run.book.assess(target)
        if run.book.accounts[target].header.markets:
            require(found.equity >= found.mm, "L-2", "{} stays below MM: {}", target.hex(), found)
        run.chain.revert(checkpoint)
        run.book = book
    healthy = [a for a in run.arena.accounts if a not in targets and a != keeper]
    every = [a for pair in zip(targets, healthy[: len(targets)], strict=False) for a in pair] + targets
    run.batch("keeper", *(run.liquidate(keeper, a, skip=True) for a in dict.fromkeys(every)), must="L-3")
    run.chain.revert(start)
    run.book = book
    run.stats["liquidated at the end"] += len(targets)


def s5_splitting(run) -> None:
    """The same in n parts is never worth more: fills and slices. (LP requests: split at random; no share may fall.)"""
    _fresh(run, run.rng, 1.0)
    if not run.book.all_good:
        return
    rng = run.rng
    run.batch("mallory", run.deposit(run.arena.of("mallory")[0], 0, 10**5 * 10**6))
    account = run.arena.of("mallory")[0]
    market = rng.choice(MARKETS)
    size = 3 * (_size(run, rng, account, market, 3.0) // 3)

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
    takers = run.arena.of("keeper")
    for target in _liquidatable(run)[:1]:
        if target in takers:
            continue
        taker = takers[0]
        run.batch("keeper", run.deposit(taker, 0, 10**6 * 10**6))

        def bonus(fractions, taker=taker, target=target) -> int:
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

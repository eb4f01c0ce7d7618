"""What people and attackers do with options. Each step is a function of the run and its own random numbers."""

from __future__ import annotations

from option_campaign.arena import ISOLATED, MARKETS, PORTFOLIO, SIZE, UNIT
from plimsoll import actions as act
from plimsoll.abi import checksum
from plimsoll.margin.account import AccountState
from plimsoll.margin.option_series import expiry_of, market_of, pack, perp

USDC = 10**6


def owner(account: bytes) -> str:
    return checksum(account[:20])


def live(run, market: int) -> list[int]:
    return [expiry for expiry in run.arena.expiries[market] if expiry * 60 > run.state.time + 600]


def band(run, market: int) -> int:
    rate = run.state.snapshot.markets[market].risk.mm_rate1
    return run.state.price(market) * rate // 20_000


def series(run, rng, market: int) -> int | None:
    expiries = live(run, market)
    if not expiries:
        return None
    strike = run.state.price(market) * rng.choice((70, 85, 95, 100, 105, 115, 130)) // 100
    digits = 10 ** max(len(str(strike)) - 3, 0)
    return pack(market, rng.choice(expiries), strike // digits * digits, put=rng.random() < 0.5)


def bound(account: bytes) -> set[int]:
    return {int.from_bytes(account[21:23], "big")} if account[20] == ISOLATED else set(MARKETS)


def partners(run, rng) -> tuple[bytes, bytes, list[int]]:
    """Two accounts and the markets that both may trade."""
    one = rng.choice(list(run.arena.accounts))
    others = [a for a in run.arena.accounts if a != one and bound(a) & bound(one)]
    two = rng.choice(others + run.arena.of("maker") * (one not in run.arena.of("maker")) * 3)
    return one, two, sorted(bound(one) & bound(two))


def price_of(run, rng, instrument: int, edge: float = 0.3) -> int:
    market = market_of(instrument)
    mark = run.state.price(market) if not expiry_of(instrument) else run.world.mark(instrument)
    return max(mark + int(band(run, market) * rng.uniform(-edge, edge)), 0)


# ---------------------------------------------------------------- trading


def fill(run, rng) -> None:
    """One to four legs, options and sometimes a perp, between any two accounts; a stranger sends it."""
    one, two, markets = partners(run, rng)
    legs: dict[int, int] = {}
    for _ in range(rng.randrange(1, 5)):
        market = rng.choice(markets)
        instrument = perp(market) if rng.random() < 0.15 else series(run, rng, market)
        if instrument is None:
            continue
        most = (12 if market == 0 else 0.6) * rng.choice((0.1, 1, 1, 2))
        legs[instrument] = rng.choice((-1, 1)) * max(int(most * rng.random() * SIZE), 1)
    if legs:
        send_fill(run, one, two, sorted(legs.items()), [price_of(run, rng, one_) for one_ in sorted(legs)], "fill")


def send_fill(run, one, two, legs, prices, label, *, reducing=False, extra=(), refused="") -> None:
    action = run.world.filling(one, two, legs, prices)
    parties = frozenset((one, two))
    about = {"parties": parties, "opened": frozenset() if reducing else parties}
    run.send(run.world.admin, [action, *extra], label, reducing=reducing, refused=refused, **about)


def close(run, rng) -> None:
    """Two who have opposite positions close part of them, in a reducing batch or not."""
    pairs = [
        (series_, a, b)
        for a in run.arena.accounts
        for series_, q in run.state.options(a).items()
        for b in run.arena.accounts
        if q > 0 > run.state.options(b).get(series_, 0) and expiry_of(series_) * 60 > run.state.time
    ]
    if not pairs:
        return
    series_, long, short = rng.choice(pairs)
    most = min(run.state.options(long)[series_], -run.state.options(short)[series_])
    size = max(int(most * rng.choice((0.3, 1))), 1)
    price = price_of(run, rng, series_)
    send_fill(run, long, short, [(series_, -size)], [price], "close", reducing=rng.random() < 0.5)


def trade(run, rng) -> None:
    account = rng.choice(list(run.arena.accounts))
    market = rng.choice(sorted(bound(account)))
    size = int(rng.uniform(-1, 1) * (6 if market == 0 else 0.3) * SIZE) or 1
    one, had = frozenset((account,)), run.state.accounts[account].positions[market].size
    opens = one if abs(had + size) > abs(had) or had * (had + size) < 0 else frozenset()
    run.send(owner(account), [act.trade_perp(account, market, size)], "trade", parties=one, opened=opens)


def transfer_option(run, rng) -> None:
    pairs = [
        (a, b, s, q)
        for a, name in run.arena.accounts.items()
        for b in run.arena.of(name)
        for s, q in run.state.options(a).items()
        if a != b and market_of(s) in bound(b)
    ]
    if not pairs:
        return
    one, two, series_, quantity = rng.choice(pairs)
    size = int(quantity * rng.choice((0.2, 1))) or quantity
    both = frozenset((one, two))
    action = act.transfer_option(one, two, series_, size)
    run.send(owner(one), [action], "transfer option", parties=both, opened=both, left=frozenset((one,)))


# ---------------------------------------------------------------- cash


def deposit(run, rng) -> None:
    account = rng.choice(list(run.arena.accounts))
    amount = rng.randrange(1, 5_000) * USDC
    run.world.mint(owner(account), 0, amount)
    one = frozenset((account,))
    run.send(owner(account), [act.deposit(account, 0, amount)], "deposit", parties=one, must="L-4")


def withdraw(run, rng) -> None:
    """Some, or all that may go and a unit more."""
    account = rng.choice(list(run.arena.accounts))
    found = run.state.assess(account)
    room = (found.equity - max(found.im, found.notional // 10)) // UNIT
    most = min(run.state.held(account), room if run.state.at_risk(account) else run.state.held(account))
    amount = max(int(most * rng.choice((0.1, 0.5, 1, 1, 1.01))) + rng.choice((0, 0, 1, USDC)), 1)
    one = frozenset((account,))
    about = {"parties": one, "opened": one, "left": one}
    run.send(owner(account), [act.withdraw(account, 0, amount, owner(account))], "withdraw", **about)


def borrow(run, rng) -> None:
    account = rng.choice([a for a in run.arena.accounts if a[20] != ISOLATED])
    one = frozenset((account,))
    amount = rng.randrange(1, 3_000) * USDC
    run.send(owner(account), [act.borrow(account, 0, amount)], "borrow", parties=one, opened=one)


def repay(run, rng) -> None:
    for account in run.arena.accounts:
        debt = run.world.engine.read("debtOf", account, 0)
        if debt and run.state.held(account) >= debt:
            one = frozenset((account,))
            run.send(owner(account), [act.repay(account, 0, act.MAX_UINT256)], "repay", parties=one)
            return


# ---------------------------------------------------------------- prices and surfaces


def move(run, rng, size: float) -> None:
    world = run.world
    changes = {market + 1: int(world.prices[market + 1] * (1 + rng.uniform(-size, size))) for market in MARKETS}
    world.post(changes, seconds=rng.choice((2, 30, 600)))
    vols = {at: min(max(vol * rng.uniform(1 - size, 1 + 2 * size), 0.25), 1.8) for at, vol in world.vols.items()}
    if rng.random() < 0.9:
        show(run, dict.fromkeys(vols, sum(vols.values()) / max(len(vols), 1)))
    run.look()


def show(run, vols) -> None:
    """What the feed refuses it refuses: the last good surface stays."""
    world = run.world
    world.vols = {at: vol for at, vol in vols.items() if at[1] * 60 > world.now + 900}
    world.chain.advance(1)
    if world.vols:
        world.surfaces.write("update", world.surface_report(), sender=world.admin)


def tick(run, rng) -> None:
    move(run, rng, 0.03)


def crash(run, rng) -> None:
    """A large move, and whoever is there takes what is below its margin."""
    move(run, rng, rng.choice((0.15, 0.25, 0.35)))
    if rng.random() < 0.6:
        liquidate(run, rng)


def stale(run, rng) -> None:
    """Surfaces grow old, prices do not, or both do."""
    run.chain.advance(1_300)
    if rng.random() < 0.7:
        run.world.post({})
    run.look()


# ---------------------------------------------------------------- liquidation


def liquidatable(run) -> list[bytes]:
    return [a for a in run.arena.accounts if run.state.at_risk(a) and run.state.state(a) >= AccountState.LIQUIDATABLE]


def keeper(run, target: bytes) -> bytes:
    return next(a for a in run.arena.of("keeper") if a != target)


def take(run, rng, target: bytes, fraction: int, *, must: str = "") -> None:
    """By all scenarios, or by the best witness."""
    taker = keeper(run, target)
    proof = run.state.witness(target) if target[20] == PORTFOLIO and rng.random() < 0.6 else b""
    if proof and run.state.assess(target, witness=proof).equity >= run.state.assess(target, witness=proof).mm:
        proof = b""  # called and out of time: no scenario proves that
    action = act.liquidate(taker, target, fraction, witness=proof)
    one, two = frozenset((taker,)), frozenset((target,))
    run.stats["by witness" if proof else "by all scenarios"] += 1
    about = {"parties": one, "targets": two, "proofs": {target: proof} if proof else {}}
    run.send(owner(taker), [action], "liquidate", must=must, **about)


def liquidate(run, rng) -> None:
    for target in liquidatable(run)[:2]:
        take(run, rng, target, rng.choice((act.WAD, act.WAD, act.WAD // 3)))


def margin_call(run, rng) -> None:
    target, taker = rng.choice(list(run.arena.accounts)), run.arena.of("keeper")[0]
    if target == taker:
        return
    proof = run.state.witness(target) if target[20] == PORTFOLIO and run.state.at_risk(target) else b""
    action = act.margin_call(taker, target, skip=True, witness=proof)
    run.send(owner(taker), [action], "call", parties=frozenset((taker,)), targets=frozenset((target,)))


def lie(run, rng) -> None:
    """A witness that proves nothing takes nothing."""
    targets = [a for a in run.arena.accounts if a[20] == PORTFOLIO and run.state.at_risk(a)]
    if not targets:
        return
    target = rng.choice(targets)
    taker = keeper(run, target)
    proof = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5)))
    seen = run.state.assess(target, witness=proof)
    proven = seen.equity < seen.mm or run.state.accounts[target].header.call_deadline
    about = {"parties": frozenset((taker,)), "targets": frozenset((target,)), "proofs": {target: proof}}
    action = act.liquidate(taker, target, witness=proof)
    run.send(owner(taker), [action], "lie", refused="" if proven else "S-2", **about)


def in_a_batch(run, rng) -> None:
    """Fill and take, take and fill: never."""
    one, two = rng.sample(run.arena.of("mallory"), 2)
    instrument = series(run, rng, 0)
    if instrument is None:
        return
    price = price_of(run, rng, instrument, 1)
    actions = [run.world.filling(one, two, [(instrument, SIZE)], [price]), act.liquidate(one, two)]
    rng.shuffle(actions)
    run.send(owner(one), actions, "in a batch", refused="S-3", parties=frozenset((one, two)))


# ---------------------------------------------------------------- expiry


def expire(run, rng) -> None:
    """To the end of the nearest expiry, its price observed by someone, sometimes late; then people are settled."""
    pending = sorted({e for found in run.arena.expiries.values() for e in found if e * 60 > run.state.time})
    if not pending:
        return
    end = pending[0] * 60
    if end - run.state.time > 5 * 86_400 and rng.random() < 0.5:
        return
    late = rng.choice((0, 0, 900))
    run.chain.set_timestamp(max(end - 1_800 + 1, run.state.time + 2))
    for _ in range(18):
        run.world.post({1: int(run.world.prices[1] * rng.uniform(0.997, 1.003))}, seconds=118 + late // 18)
        for market in MARKETS:
            if pending[0] in run.arena.expiries[market]:
                run.world.engine.write("observeExpiry", market, pending[0], sender=run.world.admin)
        if all(run.world.engine.read("settlementOf", m, pending[0])[0] for m in MARKETS if _has(run, m, pending[0])):
            break
    run.look()
    settle(run, rng)


def _has(run, market: int, expiry: int) -> bool:
    return expiry in run.arena.expiries[market]


def settle(run, rng) -> None:
    """Some of those who have something of a final expiry, in any order."""
    for (market, expiry), price in run.state.settled.items():
        if not price:
            continue
        holders = [
            a
            for a in run.arena.accounts
            if any(market_of(s) == market and expiry_of(s) == expiry for s in run.state.options(a))
        ]
        chosen = rng.sample(holders, rng.randrange(len(holders) + 1))
        if chosen:
            action = act.settle_options(market, expiry, chosen)
            run.send(run.world.admin, [action], "settle options", must="L-2", targets=frozenset(chosen))


# ---------------------------------------------------------------- the end


def finish(run, rng) -> None:
    """L-2: whoever can be liquidated is, on whatever feeds there are, until nobody is; then settlements pay out."""
    run.world.post({})
    run.look()
    if not liquidatable(run):
        return
    for taker in run.arena.of("keeper"):
        run.world.fund(taker, 0, 50_000_000 * USDC)
    run.look()
    for target in liquidatable(run):
        if target not in run.arena.of("keeper"):
            take(run, rng, target, act.WAD, must="L-2")
            run.stats["liquidated at the end"] += 1


STEPS = {
    "fill": fill,
    "close": close,
    "trade": trade,
    "transfer_option": transfer_option,
    "deposit": deposit,
    "withdraw": withdraw,
    "borrow": borrow,
    "repay": repay,
    "tick": tick,
    "crash": crash,
    "stale": stale,
    "liquidate": liquidate,
    "margin_call": margin_call,
    "lie": lie,
    "in_a_batch": in_a_batch,
    "expire": expire,
    "settle": settle,
}
WEIGHTS = {
    "fill": 12,
    "close": 4,
    "trade": 4,
    "transfer_option": 2,
    "deposit": 1,
    "withdraw": 3,
    "borrow": 2,
    "repay": 1,
    "tick": 4,
    "crash": 4,
    "stale": 1,
    "liquidate": 4,
    "margin_call": 2,
    "lie": 2,
    "in_a_batch": 1,
    "expire": 2,
    "settle": 2,
}

"""How positions end: liquidations, honest and not, calls, expiries and settlements."""

from __future__ import annotations

from option_campaign.arena import MARKETS, PORTFOLIO, SIZE
from option_campaign.choose import owner, price_of, series
from plimsoll import actions as act
from plimsoll.margin.account import AccountState
from plimsoll.margin.option_series import expiry_of, market_of

USDC = 10**6

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
    """To the end of the nearest expiry, its price observed by someone, sometimes late, while others are at work, seldom
    through a jump; then people are settled."""
    pending = sorted({e for found in run.arena.expiries.values() for e in found if e * 60 > run.state.time})
    if not pending:
        return
    end = pending[0] * 60
    if end - run.state.time > 5 * 86_400 and rng.random() < 0.5:
        return
    late = rng.choice((0, 0, 900))
    run.chain.set_timestamp(max(end - 1_800 + 1, run.state.time + 2))
    for _ in range(18):
        jump = rng.choice((0.003,) * 9 + (0.1,))
        run.world.post({1: int(run.world.prices[1] * rng.uniform(1 - jump, 1 + jump))}, seconds=118 + late // 18)
        if rng.random() < 0.3:
            run.look()
            rng.choice((liquidate, margin_call, lie))(run, rng)
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

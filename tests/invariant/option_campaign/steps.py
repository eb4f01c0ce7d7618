"""What people and attackers do with options. Each step is a function of the run and its own random numbers."""

from __future__ import annotations

from option_campaign.arena import ISOLATED, MARKETS, SIZE, UNIT
from option_campaign.choose import bound, owner, partners, price_of, series
from option_campaign.endings import expire, finish, in_a_batch, lie, liquidate, margin_call, settle
from plimsoll import actions as act
from plimsoll.margin.option_series import expiry_of, market_of, perp

USDC = 10**6
__all__ = ["STEPS", "WEIGHTS", "finish"]

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

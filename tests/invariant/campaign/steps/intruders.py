"""Attacks from outside: donations, foreign code, calls back in, other people's accounts, privileged functions."""

from __future__ import annotations

from campaign.broken import require
from campaign.cast import ASSETS, SIZE, WAD
from campaign.steps import choose
from campaign.steps.prices import freshen
from campaign.steps.users import deposit
from plimsoll.actions import MAX_UINT256


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
    freshen(run, rng)
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
    data = market.encode("swap", tokens[source].address, tokens[sink].address, amount)
    before = run.book
    tx_args = run.exchange(account, source, amount, sink, 0, market.address, data)
    run.batch(name, tx_args)
    after = run.book
    place = run.arena.holders.index(run.arena.executor)
    if after is not before:
        for asset in (source, sink):
            require(after.holdings[asset][place] == 0, "A-1", "Executor keeps {}", after.holdings[asset][place])
    return None


def _ways_back_in(run, account: bytes) -> tuple:
    """What a hook might call: contract and call data."""
    arena, world = run.arena, run.world
    me = run.address("mallory")
    batch = world.engine.encode("execute", (b"", False, [run.withdraw(account, 0, 1, "mallory").raw]))
    return (
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


def reenter(run, rng) -> None:
    """A hook token calls back from inside deposits, withdrawals, swaps, lending and redeeming."""
    hook, me = run.arena.hook, run.address("mallory")
    account = run.arena.of("mallory")[0]
    target, data = rng.choice(_ways_back_in(run, account))
    receiving = rng.random() < 0.5
    before = run.book
    hook.write("setHook", me, receiving, target.address, False, data, sender=me)
    try:
        count = hook.read("calls")
        amount = max(run.book.held(account, 3), 1)
        if receiving:
            if run.book.held(account, 3) == 0:
                return
            freshen(run, rng, 1.0)
            done = run.batch("mallory", run.withdraw(account, 3, amount, "mallory"), label="re-entry")
        else:
            done = run.batch("mallory", run.deposit(account, 3, 10**18), label="re-entry")
        if done and hook.read("calls") > count:
            require(not hook.read("lastSucceeded"), "A-1", "re-entering {} worked", target)
            run.stats["re-entry tried"] += 1
    finally:
        hook.write("setHook", me, receiving, "0x" + "00" * 20, False, b"", sender=me)
        if run.book is before:
            run.book = run.arena.read()


def strangers(run, rng) -> None:
    """A-1: privileged functions and other people's accounts."""
    world, victim = run.world, choose.account(run, rng, "alice", "bob")
    mine = run.arena.of("mallory")[0]
    engine = world.engine
    kind = rng.randrange(11)
    held = [a for a in ASSETS if run.book.held(victim, a)]
    missing = [a for a in ASSETS if a not in held]
    if kind == 0:
        run.call("mallory", engine, "configure", 1, 0, 1, refused="A-1")
    elif kind == 1:
        run.call("mallory", engine, "changeLent", 0, 10**6, 10**6, refused="A-1")
    elif kind == 2:
        run.call("mallory", run.arena.vaults[0], "push", run.address("mallory"), 1, refused="A-1")
    elif kind == 3:
        run.call("mallory", run.arena.vaults[0], "pull", run.address("alice"), 1, refused="A-1")
    elif kind == 4:
        run.batch("mallory", run.withdraw(victim, 0, 1, "mallory"), refused="A-1")
    elif kind == 5:
        market = choose.market(run, rng, victim)
        run.batch("mallory", run.trade(victim, market, rng.choice((1, -1)) * SIZE), refused="A-1")
    elif kind == 7:
        run.batch("mallory", run.borrow(victim, 0, 1), refused="A-1")
        run.batch("mallory", run.repay(victim, 1, 1), refused="A-1")
    elif kind == 8:
        run.batch("mallory", rng.choice((run.lend, run.recall))(victim, 0, 1), refused="A-1")
    elif kind == 9:
        run.call("mallory", run.world.engine, "payStaker", run.address("mallory"), 1, refused="A-1")
        run.call("mallory", run.arena.vaults[1], "pay", run.address("mallory"), 1, refused="A-1")
    elif kind == 6 and missing:
        run.batch("mallory", run.deposit(victim, rng.choice(missing), 1), refused="A-1")
    else:
        run.batch("mallory", run.transfer(victim, mine, 0, 1), refused="A-1")
        run.batch("mallory", run.transfer(mine, victim, 0, 1), refused="A-1")

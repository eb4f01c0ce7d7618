"""Lending and borrowing: held to lent, lent to borrowed, and back; pairs, loops, stakes and the vaults' queues."""

from __future__ import annotations

from campaign.cast import ASSETS, BPS, ORDINARY, PAIR, TRADERS, WAD
from campaign.steps import choose
from campaign.steps.prices import freshen
from plimsoll.actions import MAX_UINT256
from plimsoll.margin.account import PriceUse

OWNERS = (*TRADERS, "keeper")
#: Errors with which an exit that is in order may be refused.
WAITING = ("ExitWaits", "LentCashMissing")


def lend_held(run, rng) -> None:
    """From held to lent: it stays the account's margin. In parts, or with what was not there a moment ago."""
    freshen(run, rng)
    name = rng.choice(OWNERS)
    account = rng.choice(run.arena.all_of(name))
    held = [a for a in ASSETS if run.book.held(account, a) > 0 and not run.book.debt(account, a)]
    if not held:
        asset = rng.choice((0, 1))
        amount = (5_000 * 10**6, 2 * 10**18)[asset]
        run.batch(name, run.deposit(account, asset, amount), run.lend(account, asset, amount), label="deposit and lend")
        return
    asset = rng.choice(held)
    amount = choose.part(rng, run.book.held(account, asset)) or 1
    parts = rng.choice((1, 1, 1, 3))
    run.batch(name, *(run.lend(account, asset, amount // parts or 1) for _ in range(parts)))


def recall(run, rng) -> None:
    lent = choose.with_lent(run)
    if not lent:
        return lend_held(run, rng)
    account, asset = rng.choice(lent)
    amount = rng.choice((MAX_UINT256, MAX_UINT256, choose.part(rng, run.book.lent(account, asset)) or 1))
    if rng.random() < 0.7:
        quieten(run)
    name = run.arena.owner(account)
    actions = [run.recall(account, asset, amount)]
    if rng.random() < 0.3:
        freshen(run, rng)
        actions.append(run.withdraw(account, asset, max(run.book.lent(account, asset) // 2, 1), name))
    run.batch(name, *actions)
    return None


def _room(run, account: bytes, asset: int) -> int:
    """About what the account may borrow, token units."""
    found = run.book.assess(account, PriceUse.TARGET)
    spare = max(found.equity - found.im, 0)
    haircut = run.book.assets[asset].haircut_im
    value = spare * BPS // (haircut or 600)
    return value // max(run.book.value(asset, 1), 1)


def borrow(run, rng) -> None:
    """Cross accounts, several debts each; a little, nearly all that margin allows, or one unit more than there is."""
    freshen(run, rng, 1.0)
    name = rng.choice(TRADERS)
    account = choose.account(run, rng, name)
    if run.arena.isolated_market(account) is not None and rng.random() < 0.9:
        account = run.arena.of(name)[0]
    free = [a for a in ASSETS if not run.book.lent(account, a)] or list(ASSETS)
    asset = rng.choice(free)
    cash = run.book.loans[asset].cash
    amount = min(_room(run, account, asset), cash) * rng.choice((1, 10, 50, 90, 99)) // 100 or 1
    if rng.random() < 0.05:
        amount = cash + 1
    actions = []
    if run.book.equity(account) < 100 * WAD:
        actions.append(run.deposit(account, 0 if asset else 1, 20_000 * 10**6 if asset else 5 * 10**18))
        amount = min((2_000 * 10**6, 10**18, 10**7, 10**19)[asset], cash or 1)
    parts = rng.choice((1, 1, 1, 3))
    actions += [run.borrow(account, asset, amount // parts or 1) for _ in range(parts)]
    if rng.random() < 0.4:
        actions.append(run.withdraw(account, asset, amount, name))
    run.batch(name, *actions)


def borrow_in_pair(run, rng) -> None:
    """An account of a pair: collateral in, debt out, up to its loan-to-value."""
    freshen(run, rng, 1.0)
    account = rng.choice([a for a in run.arena.accounts if run.arena.pair(a)])
    name = run.arena.owner(account)
    collateral, debt = PAIR >> 6 & 63, PAIR & 63
    actions = []
    amount = rng.choice((0, 10**17, 3 * 10**18))
    if amount or not run.book.held(account, collateral):
        actions.append(run.deposit(account, collateral, amount or 10**18))
    worth = run.book.equity(account) + run.book.value(collateral, amount or 10**18)
    value = max(worth * rng.choice((5, 40, 75, 79, 81)) // 100, 10**12)
    actions.append(run.borrow(account, debt, value // 10**12))
    if rng.random() < 0.5:
        actions.append(run.withdraw(account, debt, value // 10**12, name))
    if rng.random() < 0.1:  # what cannot enter, or be owed, in an account of this pair
        other = rng.choice((run.deposit(account, 2, 1), run.borrow(account, collateral, 1), run.trade(account, 0, 1)))
        run.batch(name, *actions, other, label="foreign to the pair", refused="O-1")
        return
    run.batch(name, *actions, label="borrow in a pair")


def repay(run, rng) -> None:
    """All, a part, more than is owed; with what is held or with a deposit; in reducing batches and under a call."""
    owing = choose.with_debt(run)
    if not owing:
        return borrow(run, rng)
    account, asset = rng.choice(owing)
    name = run.arena.owner(account)
    owed, held = run.book.debt(account, asset), run.book.held(account, asset)
    amount = rng.choice((owed, MAX_UINT256, choose.part(rng, owed) or 1))
    missing = max(min(amount, owed) - held, 0)
    purse = run.book.holdings[asset][run.arena.holders.index(run.address(name))]
    actions = [run.deposit(account, asset, missing)] if missing and rng.random() < 0.9 else []
    parts = rng.choice((1, 1, 1, 2))
    actions += [run.repay(account, asset, amount if amount > owed else amount // parts or 1) for _ in range(parts)]
    must = "L-4" if amount == owed and parts == 1 and (actions[:-1] or not missing) and missing <= purse else ""
    run.batch(name, *actions, reducing=rng.random() < 0.25, must=must)
    return None


def loop(run, rng) -> None:
    """Borrow, swap, borrow again: leverage in one batch, or the way back: swap and repay."""
    freshen(run, rng, 1.0)
    name = rng.choice(("alice", "carol", "mallory", "mallet"))
    accounts = [a for a in run.arena.of(name) if run.arena.isolated_market(a) is None]
    account = rng.choice(accounts)
    held = run.book.held(account)
    if run.book.lent(account, 0):
        return repay(run, rng)
    if run.book.debt(account, 0) and run.book.held(account, 1) and rng.random() < 0.5:
        weth = run.book.held(account, 1) * rng.choice((30, 100)) // 100 or 1
        swap = swapped(run, account, 1, weth, 0)
        run.batch(name, swap, run.repay(account, 0), label="loop back")
        return None
    equity = max(run.book.equity(account), 0)
    start = [] if equity > 5_000 * WAD else [run.deposit(account, 1, 3 * 10**18)]
    amount = min(max(equity, 9_000 * WAD) // 10**12 * rng.choice((1, 2, 3)) // 2, run.book.loans[0].cash) or 1
    swap = swapped(run, account, 0, amount, 1)
    run.batch(name, *start, run.borrow(account, 0, amount), swap, label="loop" if held >= 0 else "loop in debt")
    return None


def swapped(run, account: bytes, source: int, amount: int, sink: int):
    """A call at a price just worse than index."""
    market, tokens, assets = run.arena.exchange, run.arena.tokens, run.book.assets
    top = run.book.asset_price(source) * 10 ** assets[sink].decimals * 999
    bottom = run.book.asset_price(sink) * 10 ** assets[source].decimals * 1000
    while top >= 1 << 128 or bottom >= 1 << 128:
        top, bottom = top >> 8, bottom >> 8
    admin = run.world.admin
    market.write("setPrice", tokens[source].address, tokens[sink].address, top, bottom, sender=admin)
    market.write("misbehave", 0, 0, "0x" + "00" * 20, b"", sender=admin)
    data = market.encode("swap", tokens[source].address, tokens[sink].address, amount)
    return run.exchange(account, source, amount, sink, 0, market.address, data)


def quieten(run) -> None:
    """An hour of constant prices, seen by those who watch them: lenders may leave."""
    for seconds in (1, 3500, 150):
        run.post({}, seconds=seconds)
        run.call("keeper", run.world.engine, "observeExits")


def lending_errands(run, rng) -> None:
    """What anyone may do: collect interest, look at prices for those who want to leave, move the vaults' queues on."""
    kind, engine = rng.random(), run.world.engine
    if kind < 0.35:
        run.call("mallory", engine, "collectReserve", rng.choice(ASSETS))
    elif kind < 0.6:
        for _ in range(rng.choice((1, 4))):
            freshen(run, rng, 1.0)
            run.call("keeper", engine, "observeExits")
            run.post({}, seconds=1300)
    else:
        asset = rng.choice(ASSETS)
        if rng.random() < 0.5:
            run.advance(3601)
        run.call("mallory", run.arena.vaults[asset], "process", rng.choice((1, 3, 100)))


def run_on_a_vault(run, rng) -> None:
    """More than the brake lets out in an hour: the rest waits, in order, and is paid."""
    freshen(run, rng, 1.0)
    asset = rng.choice((0, 0, 1))
    vault = run.arena.vaults[asset]
    if not run.book.outside.queues[asset]:
        name = rng.choice(ORDINARY)
        account = next(a for a in run.arena.of(name) if run.arena.isolated_market(a) is None)
        amount = (1_500_000 * 10**6, 100 * 10**18)[asset]
        purse = run.book.holdings[asset][run.arena.holders.index(run.address(name))]
        if run.batch(name, run.deposit(account, asset, min(amount, purse) or 1)):
            run.advance(3601)
            run.post({})
            run.batch(name, run.withdraw(account, asset, min(amount, purse) or 1, name), label="run on a vault")
    for _ in range(rng.choice((0, 1, 4))):
        run.advance(rng.choice((600, 3601)))
        run.call("mallory", vault, "process", rng.choice((1, 5)))


def stake(run, rng) -> None:
    """In, cooling down, out within the window; or out before the losses, which must wait."""
    pool = run.world.stake
    name = rng.choice(("carol", "carol", "lender", "mallory"))
    me, place = run.address(name), run.arena.holders.index(run.address(name))
    shares = run.book.outside.stake[place]
    kind = rng.random()
    if not shares or kind < 0.3:
        run.call(name, pool, "deposit", rng.choice((1, 10**6, 5_000 * 10**6)), me)
        return
    run.call(name, pool, "cooldown", choose.part(rng, shares))
    if kind < 0.5:
        run.call(name, pool, "redeem", shares, me, me, refused="S-3")
        return
    run.advance(7 * 86_400 + rng.choice((-1, 0, 60, 3 * 86_400)))
    run.post({})
    run.call(name, pool, "redeem", choose.part(rng, shares), me, me)

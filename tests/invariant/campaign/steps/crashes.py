"""Prices that fall further than margin: bankrupt accounts, and losses that insurance does not cover."""

from __future__ import annotations

from campaign.broken import require
from campaign.cast import BPS, WAD
from campaign.steps import choose
from campaign.steps.lending import swapped
from campaign.steps.parameters import trade_terms
from campaign.steps.prices import freshen
from plimsoll.margin import preview
from plimsoll.margin.account import AccountState, PriceUse


def crash(run, rng) -> None:
    """Winners on one or both sides, a debtor across, a gap: insurance, pool, side and lenders pay in this order."""
    freshen(run, rng, 1.0)
    market = rng.choice((0, 1, 2))
    feed = run.book.markets[market].risk.feed
    sign = rng.choice((1, -1))
    bold, calm = rng.sample([run.arena.of(name)[0] for name in ("alice", "bob", "carol", "mallory")], 2)
    if rng.random() < 0.5:  # someone on the debtor's side has won already
        other = run.arena.of("mallet")[0]
        _open(run, other, market, sign, 30_000, 10)
        run.post({feed: run.prices[feed] * (BPS + sign * rng.choice((300, 900))) // BPS})
    _open(run, calm, market, -sign, 100_000, 4)
    _open(run, bold, market, sign, rng.choice((2_000, 20_000)), rng.choice((8, 14)))
    if not run.book.size(bold, market):
        return
    old = run.book.markets[market].trade.allocation
    if rng.random() < 0.7:
        run.call("admin", run.world.config, "setInsuranceCap", market, rng.choice((0, 50)))
        trade_terms(run, market, rng.choice((1, 20)))
    run.post({feed: run.prices[feed] * (BPS - sign * rng.choice((800, 1500, 2500))) // BPS})
    if rng.random() < 0.4 and run.book.size(calm, market):  # a winner takes his profit before the loss is seen
        size = run.book.size(calm, market)
        run.batch(run.arena.owner(calm), run.trade(calm, market, -size), label="leave before the loss")
    _take_all(run, rng)
    trade_terms(run, market, old)


def _open(run, account: bytes, market: int, sign: int, margin: int, leverage: int) -> None:
    size = sign * margin * WAD * leverage // run.book.price(market)
    deposit = run.deposit(account, 0, margin * 10**6)
    run.batch(run.arena.owner(account), deposit, run.trade(account, market, size), label="stand off")


def spot_crash(run, rng) -> None:
    """A price that leaves loans uncovered; lenders who would leave first; the takers."""
    owing = choose.with_debt(run)
    if not owing:
        return
    _, asset = rng.choice(owing)
    fall = rng.choice((9500, 8800, 8000, 6500, 4500))
    moves = {}
    for feed in (1, 2, 3):
        down = run.book.assets[asset].feed != feed
        moves[feed] = run.prices[feed] * (fall if down else 2 * BPS - fall) // BPS
    if rng.random() < 0.3:
        run.call("admin", run.world.config, "setDebtInsurance", asset, rng.choice((0, 20)))
    run.post(moves)
    if rng.random() < 0.5:
        _leave_first(run, rng, asset)
    _take_all(run, rng)
    run.post({feed: run.prices[feed] * BPS // (fall if moves[feed] < run.prices[feed] else BPS) for feed in moves})


def _leave_first(run, rng, asset: int) -> None:
    """Who sees a loss that nobody has recognised yet cannot leave it to the lenders who look later."""
    bankrupt = [a for a in choose.below(run, AccountState.BANKRUPT) if run.book.debt(a, asset)]
    place = run.arena.holders.index(run.address("lender"))
    shares = run.book.shares[asset][place]
    if not shares or not bankrupt:
        return
    me = run.address("lender")
    done = run.call("lender", run.arena.vaults[asset], "redeem", max(shares // 2, 1), me, me)
    require(done is None or not run.book.all_good, "O-2", "a lender of {} left a loss to the others", asset)


def _take_all(run, rng) -> None:
    """Keepers take what is below its margin, one target per batch or several, and sometimes close and repay at once."""
    targets = choose.liquidatable(run)
    rng.shuffle(targets)
    for target in targets[:4]:
        name = rng.choice(("keeper", "keeper", "mallory", "mallet"))
        taker = rng.choice([a for a in run.arena.of(name) if run.arena.isolated_market(a) is None])
        if taker == target:
            continue
        funds = [run.deposit(taker, 0, rng.choice((10_000, 200_000)) * 10**6)]
        fraction = rng.choice((WAD, WAD, WAD // 3))
        actions = [run.liquidate(taker, target, fraction, skip=True)]
        for asset in (1, 2, 3):
            if run.book.debt(target, asset) and not run.book.lent(taker, asset) and rng.random() < 0.4:
                purse = run.book.holdings[asset][run.arena.holders.index(run.address(name))]
                owed = run.book.debt(target, asset) + run.book.debt(taker, asset)
                if owed < purse:
                    funds.append(run.deposit(taker, asset, owed + 1))
                    actions.append(run.repay(taker, asset))
        run.batch(name, *funds, *actions, label="take what fell")


def self_liquidation_of_loans(run, rng) -> None:
    """S-3 on loans: an attacker's account of a pair or with a debt, brought below its margin and taken by his other."""
    freshen(run, rng, 1.0)
    owing = choose.with_debt(run, "mallory", "mallet")
    if not owing:
        account = run.arena.of("mallory")[-1]
        amount = 8_000 * 10**6
        collateral = run.deposit(account, 1, 4 * 10**18)
        if run.batch("mallory", collateral, run.borrow(account, 0, amount), label="owe"):
            run.batch("mallory", run.withdraw(account, 0, amount, "mallory"))
        owing = choose.with_debt(run, "mallory", "mallet")
        if not owing:
            return
    account, _ = rng.choice(owing)
    book = run.book
    found = book.assess(account, PriceUse.TARGET)
    goal = found.mm * rng.choice((99, 80, 40, 5, -20)) // 100
    net = book.value(1, book.held(account, 1) + book.lent(account, 1)) - book.value(1, book.debt(account, 1))
    if not net:
        return
    scale = (net + goal - found.equity) * BPS // net
    if 4000 < scale < 18_000:
        run.post({1: run.prices[1] * scale // BPS})
    taker = rng.choice([a for a in run.arena.of("mallory", "mallet") if a != account])
    for fraction in rng.choice(((WAD,), (WAD // 4, WAD // 4, WAD))):
        fund = run.deposit(taker, 0, 30_000 * 10**6)
        name = run.arena.owner(taker)
        if run.batch(name, fund, run.liquidate(taker, account, fraction, skip=True), label="self-liquidation of loans"):
            run.stats["loans taken by their owner"] += 1
    if 4000 < scale < 18_000:
        run.post({1: run.prices[1] * BPS // scale})


def exit_in_the_batch(run, rng) -> None:
    """Zero capital: take a loan's slice, sell the collateral, pay the debt, keep the rest, all in one batch."""
    freshen(run, rng, 1.0)
    targets = [t for t, asset in choose.with_debt(run) if asset == 0 and run.book.held(t, 1)]
    taker = run.arena.of("keeper")[1]
    own = run.book.accounts[taker].header
    if not targets or own.assets or own.markets:
        return spot_crash(run, rng)
    target = rng.choice(targets)
    found = run.book.assess(target, PriceUse.TARGET)
    weth = run.book.held(target, 1)
    scale = BPS + (found.mm * rng.choice((95, 70, 30)) // 100 - found.equity) * BPS // run.book.value(1, weth)
    if not 4000 < scale < 18_000:
        return None
    run.post({1: run.prices[1] * scale // BPS})
    cut = preview.liquidation(run.book.accounts[target], run.book.snapshot)
    if cut.max_fraction:
        sale = swapped(run, taker, 1, max(weth * cut.fraction // WAD * 999 // 1000, 1), 0)
        run.batch("keeper", run.liquidate(taker, target, WAD), sale, run.repay(taker, 0), label="take, sell, repay")
    run.post({1: run.prices[1] * BPS // scale})
    return None

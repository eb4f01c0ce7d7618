"""I-1 to I-5 and O-1: sums, and that no balance is negative."""

from __future__ import annotations

from campaign.book import Book
from campaign.broken import require
from campaign.cast import ASSETS, MARKETS, UNIT
from plimsoll import accounts as ids
from plimsoll.margin import preview
from plimsoll.margin.account import DEBT, HELD_ONLY, LENT
from plimsoll.margin.epoch_math import whole_cost, whole_size
from plimsoll.margin.interest_math import INDEX_ONE


def i1_claims_are_what_vaults_owe(run, tx) -> None:
    """Held, lent less borrowed, reserve and queue are there; what is over never falls, and grows by roundings only."""
    book: Book = tx.after
    for asset in ASSETS:
        held = sum(entry.balances[asset].held for entry in book.accounts.values())
        totals = book.totals[asset]
        require(held == totals.held, "I-1", "asset {}: accounts hold {}, totals say {}", asset, held, totals.held)
        queue = sum(part for _, part in book.outside.queues[asset]) + sum(book.outside.set_aside[asset].values())
        queued = book.outside.queued[asset]
        require(queue == queued, "I-1", "asset {}: {} wait for payment, {} queued", asset, queue, queued)
        over = surplus(book, asset) - run.donated[asset] * INDEX_ONE
        require(over >= 0, "I-1", "asset {}: the vault lacks {} of its claims (1e-12)", asset, -over)
        gifts = _given(run, tx, asset) * INDEX_ONE
        grown = surplus(book, asset) - surplus(tx.start, asset) - gifts
        most = _roundings(tx, asset)
        require(0 <= grown <= most, "I-1", "asset {}: the rest grew by {}, roundings are up to {}", asset, grown, most)


def surplus(book: Book, asset: int) -> int:
    """What the vault has over its claims, 1e-12 of a unit."""
    cash = book.holdings[asset][book.arena.holders.index(book.arena.vaults[asset].address)]
    claims = book.totals[asset].held + book.outside.queued[asset]
    return (cash - claims) * INDEX_ONE - book.loans[asset].exact


def _given(run, tx, asset: int) -> int:
    given, run.known_gifts[asset] = run.donated[asset] - run.known_gifts[asset], run.donated[asset]
    return given


def _roundings(tx, asset: int) -> int:
    """Against whoever asks: a share and a unit each time. A loss: up to 1e-12 of each lent share."""
    operations = sum(event.args["asset"] == asset for event in tx.found("LendingTotals"))
    index = max(tx.after.loans[asset].debt_index, tx.start.loans[asset].lent_index)
    lost = sum(event.args["asset"] == asset for event in tx.found("LendersLost"))
    shares = max(tx.start.loans[asset].lent_shares, tx.after.loans[asset].lent_shares)
    return operations * (index + 2 * INDEX_ONE) + lost * shares


def i2_perp_pnl_sums_to_zero(run, tx) -> None:
    book: Book = tx.after
    for market, m in book.markets.items():
        traders = sum(book.pnl(account, market) for account in book.accounts)
        pool = preview.market_contribution(m, book.snapshot)
        slack = _untouched_slack(book, market)
        require(abs(traders + pool) <= slack, "I-2", "market {}: traders {} and pool {}", market, traders, pool)
    equity, close_out = run.arena.world.engine.read("poolEquity")
    require(equity == book.pool_equity(), "I-2", "poolEquity {} is {} by positions", equity, book.pool_equity())
    require(close_out == book.close_out(), "I-2", "close-out {} is {} by positions", close_out, book.close_out())


def _untouched_slack(book: Book, market: int) -> int:
    """Two wei of cost and a unit of size for each position that has not met its side's last epoch (decision 021)."""
    count = book.stale(market)
    if not count:
        return 0
    m = book.markets[market]
    mark = book.price(market) - book.index[market]
    away = max(abs(mark - epoch.mark) for epoch in m.epochs.values())
    return (count + 1) * (abs(mark) + away + 4)


def i3_market_sums_are_those_of_positions(run, tx) -> None:
    book: Book = tx.after
    contributions = 0
    for market, m in book.markets.items():
        _sums(book, market, m)
        contributions += m.costs.contribution * UNIT
    require(
        contributions == book.pool.contribution_sum,
        "I-3",
        "contributions sum to {}, stored {}",
        contributions,
        book.pool.contribution_sum,
    )
    for market in tx.contributed:
        exact = preview.market_contribution(book.markets[market], book.snapshot)
        stored = book.markets[market].costs.contribution
        require(exact // UNIT == stored, "I-3", "market {}: contribution {} of {}", market, stored, exact)
    _bitmaps_and_enumeration(book)


def _sums(book: Book, market: int, m) -> None:
    """What has met its side's last epoch to the wei, and the exact share of the rest, which is about what it says."""
    sums, rest, flat = [0, 0, 0, 0], {True: [0, 0, 0], False: [0, 0, 0]}, 0
    for entry in book.accounts.values():
        position = entry.positions[market]
        if position.size == 0 and position.cost == 0:
            continue
        if book.is_stale(position, market):
            touched = book.snapshot.touched(position, market)
            left = rest[position.size > 0]
            left[0], left[1], left[2] = left[0] + 1, left[1] + abs(touched.size), left[2] + touched.cost
            continue
        short = position.size < 0
        sums[short] += abs(position.size)
        sums[2 + short] += position.cost
        flat += position.cost if position.size == 0 else 0
    for long, (count, size, cost) in rest.items():
        untouched = book.untouched[market, long]
        sums[not long] += whole_size(untouched.size)
        sums[2 + (not long)] += whole_cost(untouched.cost)
        mark = max((abs(epoch.mark) for epoch in m.epochs.values()), default=0)
        away = abs(size - whole_size(untouched.size)), abs(cost - whole_cost(untouched.cost))
        require(
            away[0] <= count and away[1] <= count * (mark + 4),
            "I-3",
            "market {}: {} positions that met no epoch have {} {}, the market says {}",
            market,
            count,
            size,
            cost,
            untouched,
        )
    stored = [m.state.long_size, m.state.short_size, m.costs.long_cost, m.costs.short_cost]
    require(sums == stored, "I-3", "market {}: positions sum to {}, stored {}", market, sums, stored)
    require(flat == m.loss.flat_cost, "I-3", "market {}: flat cost {}, stored {}", market, flat, m.loss.flat_cost)


def _bitmaps_and_enumeration(book: Book) -> None:
    for account, entry in book.accounts.items():
        assets = sum(1 << a for a in ASSETS if entry.balances[a].held or entry.balances[a].shares)
        markets = sum(1 << n for n in MARKETS if entry.positions[n].size or entry.positions[n].cost)
        header = entry.header
        require(
            (assets, markets) == (header.assets, header.markets),
            "I-3",
            "bitmaps of {}: {} {}, it has {} {}",
            account.hex(),
            header.assets,
            header.markets,
            assets,
            markets,
        )
        debts = sum(entry.balances[asset].kind == DEBT for asset in ASSETS)
        require(debts == header.debts, "I-4", "{} has {} debts, its header says {}", account.hex(), debts, header.debts)
        require(bool(header.listed) >= bool(assets or markets), "I-3", "{} is not enumerated", account.hex())
    listed = sum(1 for entry in book.accounts.values() if entry.header.listed)
    require(
        listed == book.account_count, "I-3", "{} accounts listed, {} in the enumeration", listed, book.account_count
    )


def i4_shares_are_those_of_holders(run, tx) -> None:
    book: Book = tx.after
    for asset in ASSETS:
        total = sum(book.shares[asset])
        require(total == book.supplies[asset], "I-4", "vault {}: {} of {} shares", asset, total, book.supplies[asset])
        shares = {HELD_ONLY: 0, LENT: total, DEBT: 0}
        for entry in book.accounts.values():
            shares[entry.balances[asset].kind] += entry.balances[asset].shares
        loans = book.loans[asset]
        require(shares[HELD_ONLY] == 0, "I-4", "asset {}: {} shares of no kind", asset, shares[HELD_ONLY])
        lent, owed = shares[LENT], shares[DEBT]
        require(lent == loans.lent_shares, "I-4", "asset {}: {} of {} lent shares", asset, lent, loans.lent_shares)
        require(owed == loans.debt_shares, "I-4", "asset {}: {} of {} debt shares", asset, owed, loans.debt_shares)
    stakes, supply = sum(book.outside.stake), book.outside.stake_supply
    require(stakes == supply, "I-4", "stake: {} of {} shares", stakes, supply)
    require(sum(book.lp) == book.lp_supply, "I-4", "pool: {} of {} shares", sum(book.lp), book.lp_supply)
    waiting = [0, 0]
    for kind, _, amount in run.pending.values():
        waiting[kind == "redeem"] += amount
    at_pool = book.arena.holders.index(book.arena.world.pool.address)
    escrow = waiting[0] + sum(book.claimable.values())
    require(escrow == book.escrowed, "I-4", "escrow {} of requests and claims, stored {}", escrow, book.escrowed)
    require(waiting[1] == book.lp[at_pool] - run.donated_lp, "I-4", "escrowed shares {}", waiting[1])
    cash = book.holdings[0][at_pool]
    require(cash == book.escrowed + run.donated_pool, "I-4", "the pool holds {} for {}", cash, book.escrowed)


def i5_vault_cash_covers_held(run, tx) -> None:
    book: Book = tx.after
    for asset in ASSETS:
        cash = book.holdings[asset][book.arena.holders.index(book.arena.vaults[asset].address)]
        owed = book.totals[asset].held + book.outside.queued[asset]
        require(cash >= owed, "I-5", "vault {} has {} of {} held and queued", asset, cash, owed)


def o1_no_balance_is_negative(run, tx) -> None:
    for account, entry in tx.after.accounts.items():
        for asset in ASSETS:
            held = entry.balances[asset].held
            require(held >= 0, "O-1", "{} owes {} of asset {}", account.hex(), held, asset)
        if account[20] != ids.Mode.ISOLATED:
            continue
        header, pair = entry.header, run.arena.pair(account)
        market = run.arena.isolated_market(account)
        markets, assets = (0, 1 << (pair >> 6 & 63) | 1 << (pair & 63)) if market is None else (1 << market, 1)
        require(header.markets & ~markets == 0, "O-1", "{} has markets {}", account.hex(), header.markets)
        require(header.assets & ~assets == 0, "O-1", "{} has assets {}", account.hex(), header.assets)
        for asset in ASSETS:
            shares, kind = entry.balances[asset].shares, entry.balances[asset].kind
            allowed = bool(pair) and (kind != DEBT or asset == pair & 63)
            require(not shares or allowed, "O-1", "{} has shares of asset {}", account.hex(), asset)

"""I-1 to I-5 and O-1: sums, and that no balance is negative."""

from __future__ import annotations

from campaign.book import Book
from campaign.broken import require
from campaign.cast import ASSETS, MARKETS, UNIT
from plimsoll import accounts as ids
from plimsoll.margin import preview


def i1_claims_are_what_vaults_owe(run, tx) -> None:
    book: Book = tx.after
    for asset in ASSETS:
        held = sum(entry.balances[asset].held for entry in book.accounts.values())
        totals = book.totals[asset]
        require(held == totals.held, "I-1", "asset {}: accounts hold {}, totals say {}", asset, held, totals.held)
        vault = book.arena.vaults[asset].address
        cash = book.holdings[asset][book.arena.holders.index(vault)]
        surplus = cash - totals.held - totals.lent_shares
        require(
            surplus == run.donated[asset],
            "I-1",
            "asset {}: the vault has {} more than claims, donations were {}",
            asset,
            surplus,
            run.donated[asset],
        )
        owed = sum(book.shares[asset])
        require(owed == totals.lent_shares, "I-1", "asset {}: lenders have {} of {}", asset, owed, totals.lent_shares)


def i2_perp_pnl_sums_to_zero(run, tx) -> None:
    book: Book = tx.after
    for market, m in book.markets.items():
        traders = sum(book.pnl(account, market) for account in book.accounts)
        pool = preview.market_contribution(m, book.snapshot)
        require(traders + pool == 0, "I-2", "market {}: traders {} and pool {}", market, traders, pool)
    equity, close_out = run.arena.world.engine.read("poolEquity")
    require(equity == book.pool_equity(), "I-2", "poolEquity {} is {} by positions", equity, book.pool_equity())
    require(close_out == book.close_out(), "I-2", "close-out {} is {} by positions", close_out, book.close_out())


def i3_market_sums_are_those_of_positions(run, tx) -> None:
    book: Book = tx.after
    contributions = 0
    for market, m in book.markets.items():
        sums = [0, 0, 0, 0]
        for entry in book.accounts.values():
            position = entry.positions[market]
            short = position.size < 0
            sums[short] += abs(position.size)
            sums[2 + short] += position.cost
        stored = [m.state.long_size, m.state.short_size, m.costs.long_cost, m.costs.short_cost]
        require(sums == stored, "I-3", "market {}: positions sum to {}, stored {}", market, sums, stored)
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


def _bitmaps_and_enumeration(book: Book) -> None:
    for account, entry in book.accounts.items():
        assets = sum(1 << asset for asset in ASSETS if entry.balances[asset].held)
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
        require(cash >= book.totals[asset].held, "I-5", "vault {} has {}", asset, cash)


def o1_no_balance_is_negative(run, tx) -> None:
    for account, entry in tx.after.accounts.items():
        for asset in ASSETS:
            held = entry.balances[asset].held
            require(held >= 0, "O-1", "{} owes {} of asset {}", account.hex(), held, asset)
        if account[20] == ids.Mode.ISOLATED:
            own = 1 << run.arena.isolated_market(account)
            require(entry.header.markets & ~own == 0, "O-1", "{} has markets {}", account.hex(), entry.header.markets)
            require(entry.header.assets & ~1 == 0, "O-1", "{} has assets {}", account.hex(), entry.header.assets)

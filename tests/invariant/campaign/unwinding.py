"""At the end of a sequence: debts can be paid to the unit, accruals split, and everything unwound to its last crumb."""

from __future__ import annotations

from campaign.broken import require
from campaign.cast import ASSETS, MARKETS, UNIT
from campaign.checks.conservation import surplus
from campaign.steps import choose
from campaign.steps.prices import freshen
from plimsoll.margin.interest_math import INDEX_ONE


def _mint(run, name: str, asset: int, amount: int) -> None:
    if amount > 0:
        run.arena.tokens[asset].write("mint", run.address(name), amount, sender=run.world.admin)
        run.book = run.arena.read()


def _kill(run) -> None:
    for feed in (1, 2, 3):
        run.world.router.write("dispute", feed, run.book.time + 86_400, sender=run.world.admin)
    run.book = run.arena.read()


def l4_debts_are_payable_in_full(run) -> None:
    """With exactly what is owed, to the unit, on dead feeds, after any time; and then nothing is owed."""
    run.advance(run.rng.choice((0, 3600, 30 * 86_400)))
    _kill(run)
    for account, asset in choose.with_debt(run):
        owner = run.arena.owner(account)
        owed = run.world.engine.read("debtOf", account, asset)
        require(owed == run.book.debt(account, asset), "L-4", "{} owes {}", account.hex(), owed)
        missing = max(owed - run.book.held(account, asset), 0)
        _mint(run, owner, asset, missing)
        actions = [run.deposit(account, asset, missing)] if missing else []
        run.batch(owner, *actions, run.repay(account, asset, owed), label="pay in full", must="L-4")
        require(run.book.debt(account, asset) == 0, "L-4", "{} still owes asset {}", account.hex(), asset)
        run.stats["debts paid in full"] += 1
    for asset in ASSETS:
        shares = run.book.loans[asset].debt_shares
        require(shares == 0, "L-4", "{} debt shares of {} are nobody's", shares, asset)


def r2_splitting_an_accrual(run) -> None:
    """Over some days, in one accrual or many: indices differ by less than 1e-6 relative per day."""
    owed = [asset for asset in ASSETS if run.book.loans[asset].debt_shares]
    if not owed:
        return
    asset, days = run.rng.choice(owed), run.rng.choice((1, 3))
    engine, keeper = run.world.engine, run.address("keeper")

    def indices(parts: int) -> tuple[int, int]:
        checkpoint = run.chain.snapshot()
        for _ in range(parts):
            run.chain.advance(days * 86_400 // parts)
            engine.write("collectReserve", asset, sender=keeper)
        loans = engine.read("lendingOf", asset)
        run.chain.revert(checkpoint)
        return loans[5], loans[2]

    whole, parts = indices(1), indices(run.rng.choice((2, 24)))
    for one, many in zip(whole, parts, strict=True):
        apart = abs(one - many) * 10**6
        require(apart <= max(one, many) * days, "R-2", "asset {}: {} in one, {} in parts", asset, whole, parts)
    run.stats["split accrual"] += 1


def s5_loans_in_parts(run) -> None:
    """Borrowed, repaid, lent or recalled in n parts: never worth more than in one."""
    freshen(run, run.rng, 1.0)
    account = run.arena.of("mallory")[-1]
    own = run.book.accounts[account].header
    if own.assets or own.markets or not run.book.all_good or not run.book.loans[0].cash:
        return
    amount = max(min(run.book.loans[0].cash, 3_000 * 10**6 + run.rng.randint(0, 10**6)) // 3 * 3, 3)
    start = (run.deposit(account, 1, 5 * 10**18), run.deposit(account, 2, 10**7))
    if not run.batch("mallory", *start, label="split"):
        return

    def worth(*actions) -> int | None:
        checkpoint, book = run.chain.snapshot(), run.book
        done = run.batch("mallory", *actions, label="split a loan")
        result = run.book.equity(account) if done else None
        run.chain.revert(checkpoint)
        run.book = book
        return result

    third, lent = amount // 3, 3 * 10**6
    pairs = (
        ([run.borrow(account, 0, amount)], [run.borrow(account, 0, third)] * 3),
        ([run.lend(account, 2, lent)], [run.lend(account, 2, lent // 3)] * 3),
    )
    for whole, parts in pairs:
        one, many = worth(*whole), worth(*parts)
        if one is not None and many is not None:
            require(many <= one, "S-5", "{} in three is worth {}, in one {}", whole[0].name, many, one)
            run.stats["split loan"] += 1
    repaid = [run.borrow(account, 0, amount), run.repay(account, 0, third), run.repay(account, 0, third)]
    one, many = worth(run.borrow(account, 0, amount), run.repay(account, 0, 2 * third)), worth(*repaid)
    if one is not None and many is not None:
        require(many <= one, "S-5", "repaid in two parts is worth {}, in one {}", many, one)


def u1_everything_can_be_unwound(run) -> None:
    """Markets close at a price, everyone is settled, debts are paid, lenders leave, balances leave: crumbs are left."""
    if run.rng.random() > 0.4:
        return
    lost = {asset: run.book.loans[asset].lent_index for asset in ASSETS}
    _fund_all(run)
    _close_markets(run)
    for account, asset in choose.with_debt(run):
        owner, owed = run.arena.owner(account), run.book.debt(account, asset)
        missing = max(owed - run.book.held(account, asset), 0)
        _mint(run, owner, asset, missing)
        actions = [run.deposit(account, asset, missing)] if missing else []
        run.batch(owner, *actions, run.repay(account, asset), label="pay in full", must="L-4")
    _quieten(run)
    for account, asset in choose.with_lent(run):
        run.batch(run.arena.owner(account), run.recall(account, asset), must="L-4", excused=_exposed(run, asset))
    for asset in ASSETS:
        _lenders_leave(run, asset)
    _balances_leave(run)
    for asset in ASSETS:
        if asset or not _open_interest(run):
            _crumbs(run, asset, lost[asset])
    run.stats["unwound"] += 1


def _fund_all(run) -> None:
    """Losers who can pay: enough quote in every account with a position."""
    for account in run.arena.accounts:
        if run.book.accounts[account].header.markets:
            owner = run.arena.owner(account)
            need = max(-run.book.equity(account), 0) // UNIT + 10**12
            _mint(run, owner, 0, need)
            run.batch(owner, run.deposit(account, 0, need), label="fund", must="L-1", excused=("SupplyCapExceeded",))


def _close_markets(run) -> None:
    engine, world = run.world.engine, run.world
    disputed = max(price.disputed_until for price in run.book.prices.values())
    run.advance(max(disputed - run.book.time, 0) + 1)
    for market in MARKETS:
        if not run.book.markets[market].closing.opened_at:
            engine.write("closeMarket", market, sender=world.admin)
    for _ in range(14):
        run.post({}, seconds=290)
        for market in MARKETS:
            if not run.arena.read().markets[market].closing.final_price:
                engine.write("observeClose", market, sender=run.address("keeper"))
    run.book = run.arena.read()
    for market in MARKETS:
        require(run.book.markets[market].closing.final_price > 0, "U-1", "market {} has no final price", market)
        holders = [a for a in run.arena.accounts if run.book.accounts[a].header.markets >> market & 1]
        if holders:
            run.batch("keeper", run.settle(market, holders), label="settle at the end", must="U-1")
        left = [a.hex() for a in holders if run.book.accounts[a].header.markets >> market & 1]
        paid = run.book.held(run.arena.pool_account)
        require(not left or paid == 0, "U-1", "market {}: {} are not settled, the pool has {}", market, left, paid)


def _open_interest(run) -> bool:
    return any(m.state.open_interest for m in run.book.markets.values())


def _exposed(run, asset: int) -> tuple[str, ...]:
    return ("ExitWaits",) if asset == 0 and _open_interest(run) else ()


def _quieten(run) -> None:
    """An hour and more of constant prices, seen by those who watch them."""
    for seconds in (1, 3500, 200):
        run.post({}, seconds=seconds)
        run.world.engine.write("observeExits", sender=run.address("keeper"))
    run.book = run.arena.read()


def _lenders_leave(run, asset: int) -> None:
    vault = run.arena.vaults[asset]
    for name, address in run.arena.people.items():
        shares = run.book.shares[asset][run.arena.holders.index(address)]
        if shares and run.book.loans[asset].lent_index:
            if asset == 0 and _open_interest(run):
                continue
            run.call(name, vault, "redeem", shares, address, address, must="L-4")


def _balances_leave(run) -> None:
    for account in run.arena.accounts:
        owner = run.arena.owner(account)
        if run.book.accounts[account].header.markets:
            continue
        if run.book.accounts[account].header.call_deadline:
            run.batch(owner, run.margin_call(account, account), label="cured at the end", must="U-1")
        for asset in ASSETS:
            if held := run.book.held(account, asset):
                run.batch(owner, run.withdraw(account, asset, held, owner), label="leave", must="U-1")
    for _ in range(12):
        if not any(run.book.outside.queued):
            break
        run.advance(3601)
        for vault in run.arena.vaults:
            vault.write("process", 100, sender=run.address("keeper"))
        run.book = run.arena.read()


def _crumbs(run, asset: int, before: int) -> None:
    """What is left: insurance's and the pool's, the reserve, gifts, and a unit or two per operation of lending."""
    loans, book = run.book.loans[asset], run.book
    require(loans.debt_shares == 0, "U-1", "asset {}: {} debt shares", asset, loans.debt_shares)
    require(loans.lent == 0 or before == 0, "U-1", "asset {}: {} lent", asset, loans.lent)
    over = surplus(book, asset) - run.donated[asset] * INDEX_ONE
    run.stats["crumbs"] = max(run.stats["crumbs"], over // INDEX_ONE)

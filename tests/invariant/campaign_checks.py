"""The invariants of DESIGN section 8 as functions, each named after its number, asked after every transaction.

`tx` is what was sent, with the books before and after. Prices and time are the same in both: a transaction that brings
prices is compared with the state after its prologue. A function raises `Broken`.
"""

from __future__ import annotations

from fractions import Fraction

from campaign_state import ASSETS, ATTACKERS, BPS, MARKETS, PEOPLE, UNIT, WAD, Book

from plimsoll import accounts as ids
from plimsoll import contracts
from plimsoll.margin import account as twin
from plimsoll.margin import preview
from plimsoll.margin.account import PriceUse

DUST = 1000  # wei: floors of valuing balances and shares in this file, never a token unit


class Broken(AssertionError):
    """An invariant does not hold. `number` is its number in docs/invariants.md."""

    def __init__(self, number: str, text: str) -> None:
        super().__init__(f"{number}: {text}")
        self.number = number


def require(condition: bool, number: str, text: str, *values: object) -> None:
    if not condition:
        raise Broken(number, text.format(*values))


# ---------------------------------------------------------------- conservation


def i1_claims_are_what_vaults_owe(run, tx) -> None:
    book: Book = tx.after
    for asset in ASSETS:
        held = sum(entry.balances[asset].held for entry in book.accounts.values())
        totals = book.totals[asset]
        require(held == totals.held, "I-1", "asset {}: accounts hold {}, totals say {}", asset, held, totals.held)
        vault = book.arena.vaults[asset].address
        cash = book.holdings[asset][book.arena.holders.index(vault)]
        surplus = cash - totals.held - totals.lent
        require(
            surplus == run.donated[asset],
            "I-1",
            "asset {}: the vault has {} more than claims, donations were {}",
            asset,
            surplus,
            run.donated[asset],
        )
        owed = sum(own * (totals.lent + 1) // (book.supplies[asset] + 10**6) for own in book.shares[asset])
        require(owed <= totals.lent, "I-1", "asset {}: lenders are owed {} of {}", asset, owed, totals.lent)


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


# ---------------------------------------------------------------- solvency


def s1_risk_taken_is_margined(run, tx) -> None:
    if not tx.is_batch:
        return
    book: Book = tx.after
    for account in tx.accounts:
        require(book.held(account) >= 0, "S-1", "{} leaves with quote {}", account.hex(), book.held(account))
    if tx.reducing:
        for account in tx.accounts:
            old, new = tx.before.assess(account, PriceUse.REDUCE), book.assess(account, PriceUse.REDUCE)
            if account not in tx.traders:
                continue
            for name in ("im0", "mm"):
                was, is_ = old.equity - getattr(old, name), new.equity - getattr(new, name)
                require(is_ >= was, "S-1", "reducing batch: equity − {} from {} to {}", name, was, is_)
            require(new.equity >= min(old.equity, 0), "S-1", "reduced at others' cost: {} to {}", old, new)
        return
    for account, risk in tx.risk.items():
        if not book.accounts[account].header.markets:
            continue
        use = PriceUse.OPEN if risk.strict else PriceUse.ACQUIRE
        try:
            found = book.assess(account, use)
        except twin.PriceUnusable as error:
            raise Broken("S-1", f"new risk of {account.hex()} on a bad price: {error}") from None
        needed = max(found.im, twin.removal_margin(found)) if risk.removed else found.im
        require(found.equity >= needed, "S-1", "{} leaves with {} of {}", account.hex(), found.equity, needed)


def s2_no_batch_makes_an_account_liquidatable(run, tx) -> None:
    before, after = tx.before, tx.after
    for account in before.arena.accounts:
        if before.words[account] == after.words[account]:
            # Untouched: then nothing at all may change, whatever the others did (O-2 too).
            was, is_ = before.equity(account), after.equity(account)
            require(was == is_, "S-2", "{} untouched, equity from {} to {}", account.hex(), was, is_)
            continue
        require(account in tx.accounts or account in tx.targets, "S-2", "{} changed unasked", account.hex())
        if not before.all_good or not after.accounts[account].header.markets:
            continue
        old, new = before.assess(account), after.assess(account)
        if old.equity >= old.mm:
            require(new.equity >= new.mm, "S-2", "{} pushed below MM: {} to {}", account.hex(), old, new)


def s3_values_flow_only_as_documented(run, tx) -> None:
    """S-3, S-5, S-6, O-1 and O-2 in one: at constant prices nobody gains but by what is written in DESIGN section 4."""
    before, after = tx.before, tx.after
    out, now = before.close_out(), after.close_out()
    covered = sum(event.args["amount"] for event in tx.found("InsurancePaid"))
    written = sum(event.args["amount"] for event in tx.found("LossWrittenDown"))
    fund = (after.held(run.arena.insurance) - before.held(run.arena.insurance)) * UNIT
    require(fund >= -covered, "S-3", "insurance lost {} and paid {}", -fund, covered)
    drawn = 0
    for market, m in after.markets.items():
        old = before.markets[market].insurance
        same = m.insurance.window_start == old.window_start
        drawn += m.insurance.spent - (old.spent if same else 0)
        require(m.insurance.spent <= m.insurance.cap * WAD, "S-3", "insurance of market {} past its cap", market)
        fresh = m.insurance.window_start - old.window_start >= after.terms.insurance_window
        require(same or fresh, "S-3", "the window of market {} began anew too early", market)
    require(drawn >= covered, "S-3", "insurance paid {}, its windows know of {}", covered, drawn)
    shares = (before.lp_supply + WAD, after.lp_supply + WAD)
    if out > 0:
        kept = (now + written + DUST + WAD) * shares[0] - (out + WAD) * shares[1]
        require(kept >= 0, "S-6", "LP shares fell: close-out {} to {}, supply {} to {}", out, now, *shares)
    group = set(tx.actors)
    if group & ATTACKERS:
        group |= ATTACKERS
    targets = {run.arena.owner(account) for account in tx.targets} - group
    gain = lost = 0
    for name in PEOPLE:
        change = after.wealth(name, now, run.pending) - before.wealth(name, out, tx.pending_before)
        if name in group:
            gain += change
        elif name in targets:
            lost += max(-change, 0)
            require(-change <= _owed_by(tx, name, run), "S-4", "{} lost {}", name, -change)
        else:
            # Whose LP request was executed gets whole units of the quote token.
            crumbs = UNIT * sum(tx.pending_before[number][1] == name for number in tx.executed())
            require(change >= -DUST - written - crumbs, "O-2", "{} was no part of it and lost {}", name, -change)
    gain += after.potential() - before.potential()
    # What executed requests lose in rounding stays with the other LPs.
    allowed = lost + covered + written + tx.commons + UNIT * len(tx.executed()) + DUST
    number = "S-3" if tx.found("Liquidated") else "S-6"
    require(gain <= allowed, number, "{} gained {} of {}", sorted(group), gain, allowed)


def _owed_by(tx, name, run) -> int:
    """What a person who did not act may lose as target: bonus and insurance share of his slices, bounties, crumbs."""
    arena = run.arena
    allowed = DUST + UNIT * len(tx.targets)
    for event in tx.found("Liquidated"):
        account = event.args["target"]
        if arena.owner(account) != name:
            continue
        allowed += 4 * UNIT
        if event.args["equity"] > 0:
            fraction, mm = event.args["fraction"], event.args["mm"]
            allowed += min(event.args["equity"], mm) * fraction // WAD
    for event in tx.found("MarginCalled"):
        if arena.owner(event.args["account"]) == name:
            allowed += event.args["bounty"]
    allowed += sum(event.args["amount"] for event in tx.found("LossWrittenDown"))  # as an LP
    return allowed


def s4_a_slice_never_lowers_health(run, tx) -> None:
    events = tx.found("Liquidated")
    seen = [event.args["target"] for event in events]
    for event in events:
        account, fraction = event.args["target"], event.args["fraction"]
        if seen.count(account) > 1:
            continue
        old, new = tx.before.assess(account), tx.after.assess(account)
        header = tx.after.accounts[account].header
        if fraction == WAD:
            require(not header.markets, "S-4", "{} taken whole keeps positions", account.hex())
            continue
        slack = 10 * UNIT * max(new.mm, old.mm)  # payments are rounded to whole units of the quote token
        require(
            new.equity * old.mm + slack >= old.equity * new.mm,
            "S-4",
            "{} health from {}/{} to {}/{}",
            account.hex(),
            old.equity,
            old.mm,
            new.equity,
            new.mm,
        )
        cut = preview.liquidation(tx.before.accounts[account], tx.before.snapshot, WAD)
        if fraction == cut.max_fraction:
            goal = twin.target(new, tx.after.terms)
            require(new.equity + goal // 10**6 >= goal, "S-4", "full slice leaves {} of {}", new.equity, goal)
            cleared = not header.call_deadline and not header.clock_start
            require(cleared, "S-4", "{} at target but still called", account.hex())


def s4_slices_cost_what_the_rule_says(run, tx) -> None:
    """Bonus, price and insurance are the twin's, and insurance pays for bankrupt accounts only (S-3, T-8)."""
    arena, before = run.arena, tx.before
    bankrupt = {event.args["target"] for event in tx.found("InsurancePaid")}
    bankrupt |= {event.args["target"] for event in tx.found("LossWrittenDown")}
    for account in bankrupt:
        old = before.assess(account)
        require(old.equity < 0, "S-3", "insurance paid for {} with equity {}", account.hex(), old.equity)
        paid = sum(e.args["amount"] for e in tx.found("InsurancePaid") if e.args["target"] == account)
        written = sum(e.args["amount"] for e in tx.found("LossWrittenDown") if e.args["target"] == account)
        most = -old.equity + old.mm * before.terms.bonus_start // BPS
        require(paid <= most, "S-3", "insurance paid {} of {}", paid, most)
        require(written <= max(-old.equity - paid, 0), "O-2", "{} written down of {}", written, old.equity)
        if len(bankrupt) == 1:
            cash = before.held(arena.insurance)
            fair = preview.insurance_cover(before.accounts[account], before.snapshot, cash)
            dealt = any(e.args["target"] != account or e.args["toInsurance"] for e in tx.found("Liquidated"))
            if not dealt:
                require(paid == fair, "P-1", "insurance paid {}, the twin {}", paid, fair)
            require(written == 0 or paid >= fair, "O-2", "{} written down before insurance was used", written)
    events = tx.found("Liquidated")
    seen = [event.args["target"] for event in events]
    for event in events:
        account = event.args["target"]
        if seen.count(account) > 1:
            continue
        old = before.assess(account)
        require(
            twin.is_liquidatable(before.accounts[account], old, before.snapshot), "S-2", "{} healthy", account.hex()
        )
        fair = preview.liquidation(before.accounts[account], before.snapshot, event.args["fraction"])
        got = (event.args["fraction"], event.args["paid"], event.args["toInsurance"])
        want = (fair.fraction, fair.to_account, fair.to_insurance)
        require(got == want, "P-1", "slice {} is {} by the twin", got, want)
        require(fair.fraction >= fair.min_fraction > 0, "S-5", "slice {} below {}", fair.fraction, fair.min_fraction)
        rest, _ = preview.take(before.accounts[account], before.snapshot, fair)
        if old.equity >= 0:
            left = tx.after.accounts[account]
            for asset in ASSETS:
                is_, was = left.balances[asset].held, rest.balances[asset].held if asset in rest.balances else 0
                require(is_ == was, "P-1", "{} holds {} of asset {}, the twin {}", account.hex(), is_, asset, was)
            for market in MARKETS:
                is_ = (left.positions[market].size, left.positions[market].cost)
                found = rest.positions.get(market)
                was = (found.size, found.cost) if found else (0, 0)
                require(is_ == was, "P-1", "{} position {}, the twin {}", account.hex(), is_, was)


def s4_calls_follow_the_levels(run, tx) -> None:
    """A call only below the call margin; no margin leaves a called account; the clock stops only at target or IM₀."""
    before, after = tx.before, tx.after
    for account in tx.removed - tx.targets:
        deadline = before.accounts[account].header.call_deadline
        require(not deadline, "S-4", "margin left {} while it was called", account.hex())
    for event in tx.found("MarginCalled"):
        account = event.args["account"]
        old = before.assess(account)
        level = twin.call_margin(old, before.terms)
        require(old.equity < level, "S-2", "{} called with {} of {}", account.hex(), old.equity, level)
        most = min(before.terms.bounty * WAD // 100, max(old.equity - old.mm, 0))
        require(event.args["bounty"] <= most, "S-2", "bounty {} of {}", event.args["bounty"], most)
        require(event.args["deadline"] == after.time + after.terms.call_period, "S-2", "deadline of the call")
    for account in before.arena.accounts:
        old, new = before.accounts[account].header, after.accounts[account].header
        if old.clock_start and new.clock_start != old.clock_start:
            require(new.clock_start == 0, "S-4", "the clock of {} started anew", account.hex())
        ended = (old.call_deadline and not new.call_deadline) or (old.clock_start and not new.clock_start)
        if ended and new.markets and after.all_good:
            found = after.assess(account)
            full = any(e.args["target"] == account for e in tx.found("Liquidated"))
            goal = twin.target(found, after.terms) if full else found.im0
            require(
                found.equity + goal // 10**6 >= goal, "S-4", "{} cleared at {} of {}", account.hex(), found.equity, goal
            )
        if old.call_deadline and new.call_deadline:
            require(old.call_deadline == new.call_deadline, "S-4", "{} was called again", account.hex())
            gone = [a for a in ASSETS if after.held(account, a) < before.held(account, a)]
            traded = account in tx.traders or account in tx.targets
            require(not gone or traded, "S-4", "margin left the called account {}", account.hex())


# ---------------------------------------------------------------- isolation


def o1_no_balance_is_negative(run, tx) -> None:
    for account, entry in tx.after.accounts.items():
        for asset in ASSETS:
            held = entry.balances[asset].held
            require(held >= 0, "O-1", "{} owes {} of asset {}", account.hex(), held, asset)
        if account[20] == ids.Mode.ISOLATED:
            own = 1 << run.arena.isolated_market(account)
            require(entry.header.markets & ~own == 0, "O-1", "{} has markets {}", account.hex(), entry.header.markets)
            require(entry.header.assets & ~1 == 0, "O-1", "{} has assets {}", account.hex(), entry.header.assets)


# ---------------------------------------------------------------- authority


def a1_only_owners_move_what_is_theirs(run, tx) -> None:
    """Nobody's balance or position is changed by another, but for what is open: deposit, settle, call, liquidate."""
    if not tx.is_batch:
        return
    for account in tx.before.arena.accounts:
        if tx.before.words[account] == tx.after.words[account] or account in tx.targets:
            continue
        owner = run.arena.owner(account)
        if owner in tx.actors:
            continue
        if account in tx.operated:  # what he may do: a2
            continue
        for asset in ASSETS:
            less = tx.after.held(account, asset) < tx.before.held(account, asset)
            require(not less, "A-1", "{} lost asset {} to {}", account.hex(), asset, tx.sender)
        for market in MARKETS:
            same = tx.after.accounts[account].positions[market] == tx.before.accounts[account].positions[market]
            require(same, "A-1", "position of {} changed by {}", account.hex(), tx.sender)


def a2_operators_stay_within_their_limits(run, tx) -> None:
    for account in tx.operated:
        limits = run.grants.get((account, tx.sender))
        require(limits is not None, "A-2", "{} acted without a grant", tx.sender)
        markets, most, leverage, reduce_only, expiry, ppm, daily = limits
        before, after = tx.before, tx.after
        require(after.time < expiry, "A-2", "the grant expired at {}", expiry)
        notional = 0
        for event in tx.found("Traded"):
            if event.args["account"] != account:
                continue
            require(markets >> event.args["market"] & 1 == 1, "A-2", "market {}", event.args["market"])
            notional += abs(event.args["size"]) * event.args["index"]
        cost = max(before.equity(account) - after.equity(account), 0)
        require(cost <= notional * ppm // 10**6 + DUST, "A-2", "a batch cost {} on {}", cost, notional)
        key = (account, tx.sender, after.time // 86_400)
        run.spent[key] = run.spent.get(key, 0) + cost
        require(run.spent[key] <= daily * WAD + DUST * 100, "A-2", "the day cost {} of {}", run.spent[key], daily)
        found = after.assess(account, PriceUse.REDUCE)
        if reduce_only:
            for market in MARKETS:
                old, new = before.size(account, market), after.size(account, market)
                require(abs(new) <= abs(old) and new * old >= 0, "A-2", "reduce-only: {} to {}", old, new)
        else:
            require(found.notional <= most * WAD, "A-2", "notional {} of {}", found.notional, most)
            require(found.notional * 100 <= max(found.equity, 0) * leverage + 100, "A-2", "leverage over {}", leverage)
        for asset in ASSETS[1:]:
            same = before.held(account, asset) == after.held(account, asset)
            require(same, "A-2", "asset {} of {} moved", asset, account.hex())


# ---------------------------------------------------------------- rounding and twins


def r1_rounding_is_against_the_caller(run, tx) -> None:
    before, after = tx.before, tx.after
    for asset in ASSETS:
        was = (before.totals[asset].lent + 1) * (after.supplies[asset] + 10**6)
        is_ = (after.totals[asset].lent + 1) * (before.supplies[asset] + 10**6)
        require(is_ >= was, "R-1", "shares of vault {} fell", asset)
    trades = tx.found("Traded")
    for order in tx.orders:
        if "limit_price" in order and len(trades) == 1:
            event = trades[0]
            worth, limit = event.args["cost"] - event.args["fee"], event.args["size"] * order["limit_price"]
            require(worth <= limit, "R-1", "filled at {}, the order's limit was {}", worth, limit)
        late = after.time > order.get("deadline", after.time)
        require(not late, "R-1", "filled at {}, after its deadline", after.time)
    for event in trades:
        age = twin.price_age(before.prices[before.markets[event.args["market"]].risk.feed], after.time)
        require(age <= 3600, "F-1", "filled at a price {} s old", age)
        market, size, index = event.args["market"], event.args["size"], event.args["index"]
        m = before.markets[market]
        require(index == before.price(market), "R-1", "filled at {}", index)
        if len(trades) > 1 or tx.found("Liquidated"):
            continue
        skew = m.state.skew
        premium = Fraction(size * index * (2 * skew + size), 2 * m.trade.skew_scale)
        above = event.args["cost"] - event.args["fee"] - size * index
        require(above >= premium, "R-1", "fill {} below its premium {}", above, premium)
        closing = min(abs(size), abs(skew)) if (size > 0) != (skew > 0) else 0
        fee = Fraction(index * (closing * m.trade.maker_fee + (abs(size) - closing) * m.trade.taker_fee), 10**6)
        require(event.args["fee"] >= fee, "R-1", "fee {} below {}", event.args["fee"], fee)
        fair = preview.fill(m, before.snapshot, size)
        require(fair.cost == event.args["cost"], "P-1", "fill costs {}, the twin {}", event.args["cost"], fair.cost)


def p1_assessments_are_the_twins(run, tx) -> None:
    engine = run.arena.world.engine
    for account in {*tx.accounts, *tx.targets, run.sampled()}:
        if account in (run.arena.insurance, run.arena.pool_account):
            continue
        (equity, im, im0, mm, notional), state = engine.read("assess", account)
        found = tx.after.assess(account)
        require(
            (equity, im, im0, mm, notional) == tuple(found),
            "P-1",
            "assess {} is {}, the twin {}",
            account.hex(),
            (equity, im, im0, mm, notional),
            tuple(found),
        )
        require(state == tx.after.state(account), "P-1", "state {} of {}", state, account.hex())


# ---------------------------------------------------------------- market limits and prices


def f1_limits_hold_where_risk_grew(run, tx) -> None:
    """Skew and open interest within caps, allocation and gap limits wherever a fill made them larger."""
    before, after = tx.before, tx.after
    for market in {event.args["market"] for event in tx.found("Traded")}:
        old, new, trade = before.markets[market].state, after.markets[market].state, after.markets[market].trade
        if len(tx.found("Traded")) > 1 or tx.found("Liquidated"):
            continue
        cash = after.held(run.arena.pool_account) * UNIT
        pool = cash + after.pool.contribution_sum
        if abs(new.skew) > abs(old.skew):
            require(abs(new.skew) <= trade.max_skew, "S-1", "skew {} of {}", new.skew, trade.max_skew)
            needed = abs(new.skew) * after.price(market) * trade.move
            require(needed <= max(pool, 0) * trade.allocation, "S-1", "skew {} past the allocation", new.skew)
        if new.open_interest > old.open_interest:
            require(new.open_interest <= trade.max_oi, "S-1", "open interest {}", new.open_interest)
            cover = max(pool + after.held(run.arena.insurance) * UNIT, 0)
            needed = new.open_interest * after.price(market) * trade.gap
            require(needed <= cover * BPS, "S-1", "open interest {} past the gap limit", new.open_interest)


def f2_a_feed_moves_once_per_block_and_forward(run, tx) -> None:
    start, book = tx.start, tx.after
    for feed, new in book.prices.items():
        old = start.prices[feed]
        if (new.value, new.published_at, new.seen_at) == (old.value, old.published_at, old.seen_at):
            continue
        require(new.seen_at > old.seen_at, "F-1", "feed {} moved back from {} to {}", feed, old.seen_at, new.seen_at)
        require(old.written_block != book.number, "F-1", "feed {} moved twice in block {}", feed, book.number)
        require(new.value > 0, "F-1", "feed {} is zero", feed)
        require(new.published_at >= old.published_at, "F-1", "feed {} publishes backwards", feed)


CHECKS = (
    o1_no_balance_is_negative,  # first: the twins refuse to value an account that owes
    i1_claims_are_what_vaults_owe,
    i2_perp_pnl_sums_to_zero,
    i3_market_sums_are_those_of_positions,
    i4_shares_are_those_of_holders,
    i5_vault_cash_covers_held,
    s1_risk_taken_is_margined,
    s2_no_batch_makes_an_account_liquidatable,
    s3_values_flow_only_as_documented,
    s4_a_slice_never_lowers_health,
    s4_slices_cost_what_the_rule_says,
    s4_calls_follow_the_levels,
    a1_only_owners_move_what_is_theirs,
    a2_operators_stay_within_their_limits,
    r1_rounding_is_against_the_caller,
    p1_assessments_are_the_twins,
    f1_limits_hold_where_risk_grew,
    f2_a_feed_moves_once_per_block_and_forward,
)

WATCHED = (
    "Liquidated(bytes32,bytes32,uint256,int256,uint256,uint256,uint256)",
    "InsurancePaid(bytes32,bytes32,uint256)",
    "LossWrittenDown(bytes32,uint256,uint256)",
    "MarginCalled(bytes32,uint256,int256,uint256,uint256)",
    "Traded(bytes32,uint256,int256,uint256,int256,uint256)",
    "DepositRequested(uint256,address,address,uint256,uint256)",
    "RedeemRequested(uint256,address,address,uint256,uint256)",
    "DepositExecuted(uint256,address,uint256,uint256)",
    "RedeemExecuted(uint256,address,uint256,uint256)",
    "RequestReclaimed(uint256,address)",
    "PriceStored(uint256,uint256,uint256,uint256)",
    "PriceRejected(uint256,uint256,uint256,uint256,uint256)",
    "Settled(bytes32,uint256,int256)",
    "MarginCallCleared(bytes32)",
    "LiquidationSkipped(bytes32,int256,uint256)",
    "LiquidationClock(bytes32,uint256)",
    "RequestPassedOver(uint256,uint8)",
    "Called(bytes32,address,uint256,uint256)",
    "OperatorCost(bytes32,address,uint256,uint256)",
    "InsuranceWindowSpent(uint256,uint256,uint256)",
)
TOPICS = {contracts.topic(signature): signature.partition("(")[0] for signature in WATCHED}

"""R-1, P-1 and F-1: fills, limits, prices, and the twins of all of them."""

from __future__ import annotations

from fractions import Fraction

from campaign.broken import require
from campaign.cast import ASSETS, BPS, UNIT
from plimsoll.margin import account as twin
from plimsoll.margin import preview


def r1_rounding_is_against_the_caller(run, tx) -> None:
    before, after = tx.before, tx.after
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
        # Meeting an epoch books its own rounding: the skew that is filled at is then a unit away.
        met = before.is_stale(before.accounts[event.args["account"]].positions[market], market)
        if len(trades) > 1 or tx.found("Liquidated") or met:
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
    asset = run.rng.choice(ASSETS)
    loans, fair = engine.read("lendingOf", asset), tx.after.loans[asset]
    got = (loans[0], loans[1], loans[2], loans[3], loans[4], loans[5], loans[6], loans[7])
    want = (fair.lent, fair.lent_shares, fair.lent_index, fair.borrowed, fair.debt_shares, fair.debt_index)
    require(got[:8] == (*want, fair.reserve, fair.cash), "P-1", "loans of {}: {}, the twin {}", asset, got, fair)


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


def f2_loans_stay_within_caps(run, tx) -> None:
    """Supply, borrow cap and velocity on a batch's net change; liquidations and losses ignore them."""
    if not tx.is_batch:
        return
    before, after = tx.before, tx.after
    for asset in ASSETS:
        old, new, limits = before.loans[asset], after.loans[asset], after.limits[asset]
        net = tx.borrowed.get(asset, 0)
        if net > 0 and new.borrowed > old.borrowed and not tx.found("DebtForgiven"):
            require(new.borrowed <= limits.borrow_cap, "F-2", "asset {}: {} borrowed", asset, new.borrowed)
            most = limits.borrow_cap * limits.borrow_velocity // BPS
            flow = after.flows[asset].net_borrowed
            require(flow <= most, "F-2", "asset {}: {} of {} borrowed in this hour", asset, flow, most)
            require(flow >= net, "F-2", "asset {}: {} borrowed, the hour knows of {}", asset, net, flow)
        settled = not limits.cap_since or after.time >= limits.cap_since + 7 * 86_400
        if settled and asset in tx.supplied and not tx.found("Liquidated"):
            supply, was = (book.totals[asset].held + book.loans[asset].lent for book in (after, before))
            within = supply <= max(limits.supply_cap, was)
            require(within, "F-2", "asset {}: {} of {} supplied", asset, supply, limits.supply_cap)


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

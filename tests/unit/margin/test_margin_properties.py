"""What the formulas promise, whatever the numbers: on the twins, which equal the contracts."""

from __future__ import annotations

import itertools
from dataclasses import replace

import books
import pytest

from plimsoll.margin import (
    decimal_float,
    fill_math,
    funding_math,
    liquidation_math,
    position_math,
    preview,
    tier_math,
)
from plimsoll.margin.account import (
    AccountState,
    Globals,
    MarketInsurance,
    PriceUse,
    account_state,
    assess,
    index_now,
    is_liquidatable,
    target,
)

WAD = 10**18


def _split(draw, total: int, parts: int) -> list[int]:
    sign, cuts = (1 if total > 0 else -1), sorted(draw.randint(0, abs(total)) for _ in range(parts - 1))
    edges = [0, *cuts, abs(total)]
    return [sign * (high - low) for low, high in itertools.pairwise(edges)]


def _fill_cost(size, skew, price, scale, rate, maker, taker):
    return (
        size * price
        + fill_math.premium(size, skew, price, scale)
        + fill_math.spread(abs(size), price, rate)
        + fill_math.fee(size, skew, price, maker, taker)
    )


def test_s5_splitting_a_fill_never_pays(draw):
    """n parts cost at least what one costs, and at most n roundings of each component more."""
    for _ in range(2_000):
        size, skew, price = draw.signed(55), draw.signed(55), draw.bits(72)
        terms = max(draw.bits(60), 1), draw.bits(55), draw.bits(14), draw.bits(14)
        parts = _split(draw, size or 1, draw.randint(2, 12))
        whole = _fill_cost(sum(parts), skew, price, *terms)
        split, at = 0, skew
        for part in parts:
            split += _fill_cost(part, at, price, *terms)
            at += part

        assert whole <= split <= whole + 3 * len(parts)


def test_s6_a_round_trip_through_the_pool_never_profits(draw):
    """Out and back at one price costs at least nothing, whatever lies between: here, in parts."""
    for _ in range(2_000):
        size, skew, price = draw.signed(55) or 1, draw.signed(55), draw.bits(72)
        terms = max(draw.bits(60), 1), draw.bits(55), draw.bits(14), draw.bits(14)
        cost, at = 0, skew
        for part in [*_split(draw, size, 3), *_split(draw, -size, 4)]:
            cost += _fill_cost(part, at, price, *terms)
            at += part

        assert at == skew
        assert cost >= 0


def test_i2_pnl_of_all_positions_and_the_pool_is_zero(draw):
    """Σ pnl + C' of the pool: nothing rounds, so nothing is left over."""
    for _ in range(500):
        price, index = draw.bits(72), draw.signed(63)
        positions = [(draw.signed(55), draw.signed(94)) for _ in range(draw.randint(1, 20))]
        skew, costs = (sum(column) for column in zip(*positions, strict=True))
        pool = costs - skew * (price - index)

        assert sum(position_math.pnl(size, cost, price, index) for size, cost in positions) + pool == 0


def test_i2_a_slice_and_its_rest_are_the_whole(draw):
    """Size and cost of a slice come off the position, to the wei, with the rounding on the target's side."""
    for _ in range(2_000):
        size, cost, fraction = draw.signed(62), draw.signed(94), draw.fraction()
        part, part_cost = position_math.slice(size, cost, fraction)

        assert abs(part) <= abs(size)
        assert part * size >= 0
        assert part_cost * WAD >= cost * fraction
        assert part * WAD <= size * fraction
        assert (size, cost) == position_math.slice(size, cost, WAD)


def test_r1_cost_of_parts_never_falls_short(draw):
    """Who receives a part of a position pays its cost rounded up."""
    for _ in range(2_000):
        size, cost = draw.signed(55) or 1, draw.signed(94)
        parts = _split(draw, size, draw.randint(2, 6))
        costs = [position_math.cost_of(part, size, cost) for part in parts]

        assert cost <= sum(costs) <= cost + len(parts)


def test_funding_accrued_in_parts_equals_funding_accrued_at_once(draw):
    """n accruals move the rate by at most n units, and the index by what those are worth meanwhile, plus n."""
    for _ in range(2_000):
        cap = draw.bits(14)
        rate, skew, velocity = draw.randint(-cap, cap) * 10**5, draw.signed(55), draw.bits(32)
        times, price = _split(draw, max(draw.bits(24), 1), draw.randint(2, 20)), draw.bits(72)
        whole_rate, whole = funding_math.project(rate, skew, velocity, cap, sum(times), price)
        split_rate, split = rate, 0
        for elapsed in times:
            split_rate, growth = funding_math.project(split_rate, skew, velocity, cap, elapsed, price)
            split += growth
        units = len(times) + 1

        assert abs(whole_rate - split_rate) <= units
        assert abs(whole - split) <= units * (sum(times) * price // (86_400 * 10**9) + 2)


def test_funding_of_both_sides_mirrors(draw):
    """A skew and its negative give opposite rates and growth: rounding favours no side."""
    for _ in range(1_000):
        rate, skew, velocity, cap = draw.signed(30), draw.signed(55), draw.bits(32), draw.bits(14)
        rest = velocity, cap, draw.bits(32), draw.bits(72)
        expected = tuple(-x for x in funding_math.project(rate, skew, *rest))

        assert expected == funding_math.project(-rate, -skew, *rest)


def test_tiers_are_convex_and_continuous(draw):
    """Each part of a notional needs at most its share, and a wei more of notional at most a wei more."""
    for _ in range(2_000):
        rates = sorted(draw.randint(1, 10_000) for _ in range(3))
        bounds = sorted(draw.randint(1, 4_095) * 10 ** draw.randint(0, 4) for _ in range(2))
        table = tier_math.pack_table(rates, rates, *map(decimal_float.exactly, bounds))
        edge = draw.choice(bounds) * tier_math.BOUND_UNIT
        whole = draw.choice([draw.bits(100), edge, edge + draw.bits(80)])
        part = draw.randint(0, whole)
        need, part_need, rest_need, next_need = (
            tier_math.requirements(x, table)[draw.choice([0, 1])] for x in (whole, part, whole - part, whole + 1)
        )

        assert part_need + rest_need <= need + 2
        assert part_need * whole <= need * part + whole
        assert need <= next_need <= need + 1


@pytest.mark.parametrize("use", [PriceUse.TARGET])
def test_s4_a_slice_never_lowers_health_and_the_largest_reaches_target(use, draw):
    """Accounts of several positions, live and failed feeds; the tolerance is one unit of each size."""
    partial = 0
    for _ in range(250):
        snap = _with_terms(draw, books.snapshot(draw))
        for number in range(12):
            account = _sick(draw, snap, number)
            found = assess(account, snap, use)
            if not is_liquidatable(account, found, snap):
                continue
            most = preview.liquidation(account, snap)
            if most.max_fraction == WAD:
                assert most.fraction == WAD
                continue
            for fraction in {most.max_fraction, draw.randint(most.min_fraction, most.max_fraction)}:
                cut = preview.liquidation(account, snap, fraction)
                rest, _ = preview.take(account, snap, cut)
                after = assess(rest, snap, use)
                slack = _rounding(account, snap)
                partial += 1

                assert (after.equity + slack) * found.mm >= found.equity * after.mm
                if fraction == most.max_fraction and found.im0 > snap.model.im_floor < after.im0:
                    assert after.equity + slack >= target(after, snap.terms)

    assert partial > 100


def test_s4_needs_dust_of_at_least_the_maintenance_floor():
    """Below the floor a slice takes equity and leaves the requirement: so the rest must never be that small."""
    mm_floor = 20 * WAD
    equity, mm, rate = 15 * WAD, mm_floor, WAD // 4
    goal = liquidation_math.target(30 * WAD, mm, 6_000)

    assert liquidation_math.max_fraction(equity, mm, goal, rate, mm_floor) == WAD
    without = liquidation_math.max_fraction(equity, mm, goal, rate, 0)
    after = equity - mm * rate // WAD * without // WAD
    assert without < WAD
    assert after < equity  # and MM is still mm_floor


def test_s3_a_liquidation_never_costs_the_account_more_than_its_bonus_and_insurance(draw):
    """Worth − price is at most d·MM of the fraction, insurance gets at most φ·MM of it, no price is negative."""
    for _ in range(3_000):
        mm = max(draw.bits(100), 1)
        equity = draw.choice([draw.signed(100), draw.randint(0, mm)])
        bonus, share, fraction = draw.randint(0, WAD), draw.randint(0, 10_000), draw.fraction()
        to_account, to_insurance = liquidation_math.price(equity, mm, fraction, bonus, share)
        lost = max(equity, 0) * fraction - (to_account + to_insurance) * WAD

        assert to_account >= 0 <= to_insurance
        assert lost <= (mm * bonus // WAD + 1) * fraction + WAD
        assert to_insurance * WAD <= (mm * share // 10_000 + 1) * fraction + WAD


def test_bonus_rises_with_the_clock_and_with_the_shortfall(draw):
    """Nobody gains by waiting less, and it never passes 1 − φ."""
    for _ in range(1_000):
        mm, start, share = max(draw.bits(100), 1), draw.randint(0, 5_000), draw.randint(0, 5_000)
        slope, ramp = draw.randint(0, 10_000), max(draw.bits(17), 1)
        equity, elapsed = draw.randint(-mm, mm), draw.bits(18)
        rate = liquidation_math.bonus_rate(equity, mm, elapsed, start, slope, ramp, share)

        assert rate <= liquidation_math.bonus_rate(equity, mm, elapsed + 1, start, slope, ramp, share)
        assert rate <= liquidation_math.bonus_rate(equity - 1, mm, elapsed, start, slope, ramp, share)
        assert start * WAD // 10_000 <= rate <= (10_000 - share) * WAD // 10_000
        assert liquidation_math.bonus_rate(equity, mm, ramp, start, slope, ramp, share) == (10_000 - share) * 10**14


def test_a_price_moved_for_the_target_is_never_worse_for_it(draw):
    """LIQUIDATABLE at moved prices is proof: as long as rates are below one, the move only helps the account."""
    for _ in range(300):
        snap = books.snapshot(draw, failing=0.5)
        account = books.account(draw, snap, 1, extreme=0)
        at_last, at_moved = assess(account, snap, PriceUse.REDUCE), assess(account, snap, PriceUse.TARGET)

        assert at_last.equity <= at_moved.equity
        assert at_last.equity - at_last.mm <= at_moved.equity - at_moved.mm + 2 * len(account.positions) + 2


def test_pool_equity_mirrors_the_traders_and_close_out_pays_the_premium_back(draw):
    """Equity = cash − traders' PnL; close-out = equity − what closing every trader at index would pay in premium."""
    for _ in range(200):
        snap = books.snapshot(draw, failing=0)
        cash = draw.bits(60)
        equity, close_out = preview.pool_equity(snap, cash)
        unit = preview.quote_unit(snap)
        traders = premiums = 0
        for market in snap.markets.values():
            price = snap.price_in(market).value
            index = index_now(market.state, market.risk, price, snap.time)
            costs = market.costs.long_cost + market.costs.short_cost
            traders += position_math.pnl(market.state.skew, costs, price, index)
            premiums -= fill_math.premium(-market.state.skew, market.state.skew, price, market.trade.skew_scale)

        assert cash * unit - traders == equity
        assert equity - premiums - len(snap.markets) <= close_out <= equity - premiums


def test_insurance_makes_the_taker_whole_within_its_cash_and_windows(draw):
    """−equity + d₀·MM, no more than its cash, no more than each market's window."""
    paid_in_full = 0
    for _ in range(1_500):
        snap = books.snapshot(draw, failing=0)
        account = books.account(draw, snap, 1, extreme=0.1)
        found = assess(account, snap, PriceUse.TARGET)
        cash, cap = draw.choice([0, 10**45, draw.bits(70)]), draw.choice([0, 2**64 - 1])
        capped = {
            number: replace(market, insurance=replace(market.insurance, cap=cap))
            for number, market in snap.markets.items()
        }
        debts = {asset: MarketInsurance(cap=cap) for asset in snap.assets}
        snap = replace(snap, markets=capped, debt_insurance=debts)
        paid = preview.insurance_cover(account, snap, cash)
        if found.equity >= 0:
            assert paid == 0
            continue
        wanted = -found.equity + found.mm * snap.terms.bonus_start // 10_000

        assert account_state(account, found, snap) == AccountState.BANKRUPT
        assert 0 <= paid <= min(wanted, cash * preview.quote_unit(snap))
        if cash == 10**45 and cap and wanted < cap * WAD:
            assert wanted - paid < preview.quote_unit(snap) + len(account.positions) + len(account.balances)
            paid_in_full += 1

    assert paid_in_full > 20


def _with_terms(draw, snap):
    terms = replace(snap.terms, bonus_start=draw.randint(0, 3_000), insurance_share=draw.randint(0, 3_000))
    return replace(snap, terms=terms, globals=Globals(block_time=2, kappa=20))


def _sick(draw, snap, number):
    """An account whose first cost puts its equity somewhere around its levels."""
    account = books.account(draw, snap, number, extreme=0)
    found = assess(account, snap, PriceUse.TARGET)
    for market, position in account.positions.items():
        wanted = found.mm * draw.randint(0, 130) // 100
        cost = position.cost + found.equity - wanted
        if abs(cost) < 2**94:
            return replace(account, positions=dict(account.positions) | {market: replace(position, cost=cost)})
    return account


def _rounding(account, snap) -> int:
    """Value of one unit of each size and of two of each token: what a slice may leave on the wrong side."""
    slack = 10**14
    for market in account.positions:
        risk = snap.markets[market].risk
        price = snap.price(risk.feed).value
        slack += 150 * price + abs(index_now(snap.markets[market].state, risk, price, snap.time))
    for asset in account.balances:
        params = snap.assets[asset]
        slack += 4 * max(snap.price(params.feed).value * 10**8 * 150 // 10**params.decimals, 1)
    return slack

"""What holds of portfolio margin for every account: bounds by witness, slices, netting, expiry."""

from __future__ import annotations

from dataclasses import replace

import portfolios
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolios import DAY, PARAMETERS, SCENARIOS, UNDERLYING, WAD

from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_parameters import LENIENT, Kind, Scenario
from plimsoll.margin.portfolio_words import ONE, AccountView, ExpiryView, Option, Perp, Smile, Tag, strike_code
from plimsoll.margin.rule_margin import AssetExposure
from plimsoll.margin.settlement_math import Known

CASH, QUOTE = AssetExposure(1_000_000 * WAD, 0, 0, 0), Tag(0, price=10**10)
FREE = replace(PARAMETERS, mm_floor=1, im_floor=2)  # floors are no part of what scales
ETH, BTC = 2_000 * 10**10, 40_000 * 10**10
SMILE = Smile(a=WAD // 100, b=WAD // 20, rho=-WAD // 4, sigma=WAD // 10, forward_ref=ETH, tau=WAD // 12, carry=WAD)


def expiry(*legs: tuple[int, bool, int], market: int = 0, **fields: object) -> ExpiryView:
    """legs: (strike in quote, put, quantity in units)."""
    options = tuple(Option(strike_code(strike * 10**10), put, q * 10**8) for strike, put, q in sorted(legs))
    spot, feed = (ETH, 1) if market == 0 else (BTC, 2)
    smile = SMILE._replace(forward_ref=spot)
    given = {"secs": 30 * DAY, "spot": spot, "smile": smile, "feed": feed, "minutes": 10**7} | fields
    return ExpiryView(market=market, options=options, **given)


def account(*expiries: ExpiryView, perps: tuple[Perp, ...] = ()) -> AccountView:
    return AccountView((CASH,), (QUOTE,), perps, expiries)


def perp(feed: int, units: int, price: int) -> Perp:
    return Perp(abs(units) * 10**8 * price, 0, feed, units < 0, abs(units) * 10**8)


def assess(view: AccountView, parameters=FREE):
    """By the contract, and the twin agrees."""
    found = portfolios.chain_of(parameters).answer(view)
    assert found == PortfolioMargin(parameters).assess(view)
    return found


STRADDLE = expiry((2000, False, -3), (2000, True, -3))

# ---------------------------------------------------------------- witnesses


def test_no_witness_exceeds_the_full_requirement_and_the_best_one_reaches_it(draw):
    model, chain = PortfolioMargin(PARAMETERS), portfolios.chain_of(PARAMETERS)
    weaker = 0
    for _ in range(200):
        view = portfolios.account(draw)
        full = chain.answer(view)
        for _ in range(4):
            bound = chain.answer(view, bytes(draw.randint(0, 16) for _ in range(draw.randint(1, 4))))
            weaker += bound.mm < full.mm

            assert bound.equity == full.equity
            assert bound.im <= full.im
            assert bound.im0 <= full.im0
            assert bound.mm <= full.mm
        best = chain.answer(view, model.best_witness(view).witness)

        assert (best.mm, best.im0) == (full.mm, full.im0)
    assert weaker > 100


@pytest.mark.parametrize("witness", [b"\xff", b"\xff\xff\xff\xff\xff\xff", b"\x0f", b"\x00" * 500])
def test_a_witness_that_names_nothing_leaves_contingencies(witness):
    view = account(STRADDLE)
    bound = portfolios.chain_of(FREE).answer(view, witness)

    assert 0 < bound.mm < assess(view).mm


def test_an_owner_cannot_move_what_a_witness_names(draw):
    """Its bytes go by the model's underlyings: another asset, perp or expiry of the owner leaves their places."""
    view = account(expiry((40_000, False, -2), market=1, secs=20 * DAY))
    witness = PortfolioMargin(FREE).best_witness(view).witness
    dust = replace(view, assets=(CASH, AssetExposure(1, 0, 0, 0)), tags=(QUOTE, Tag(4, 0, 1, ETH)))
    chain = portfolios.chain_of(FREE)

    assert chain.answer(dust, witness).mm == chain.answer(view, witness).mm == assess(view).mm


# ---------------------------------------------------------------- slices


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 99), st.integers(-50, 50), st.integers(-50, 50), st.integers(-9, 9), st.integers(0, 10**6))
def test_a_slice_takes_its_share_of_every_requirement(percent, calls, puts, units, rho):
    """Homogeneous: what is left of an account needs its share of what all of it needed, but for rounding."""
    parameters = replace(FREE, rho=rho)
    legs = ((1_800, False, calls * 100), (1_800, True, -100), (2_300, False, -700), (2_300, True, puts * 100))
    whole = account(expiry(*legs), expiry((41_000, True, puts * 100), market=1), perps=(perp(1, units * 100, ETH),))
    left = account(
        *(scaled(view, percent) for view in whole.expiries), perps=(perp(1, units * percent, ETH),) if units else ()
    )
    whole, left = replace(whole, perps=whole.perps if units else ()), left
    before, after = (PortfolioMargin(parameters).assess(view) for view in (whole, left))

    for name in ("im", "im0", "mm"):
        assert abs(getattr(after, name) - getattr(before, name) * percent // 100) < 10**6


def scaled(view: ExpiryView, percent: int) -> ExpiryView:
    return replace(view, options=tuple(o._replace(quantity=o.quantity * percent // 100) for o in view.options))


def test_with_size_tiers_a_slice_takes_more_than_its_share():
    tiers = {"tier_bound1": 5_000, "tier_rate1": WAD // 20, "tier_bound2": 9_000, "tier_rate2": WAD // 10}
    tiered = replace(FREE, underlyings=(replace(UNDERLYING, **tiers), FREE.underlyings[1]))
    whole, half = (assess(account(expiry((2_000, False, -q))), tiered) for q in (8, 4))

    assert half.mm < whole.mm / 2
    assert whole.mm > assess(account(expiry((2_000, False, -8)))).mm


# ---------------------------------------------------------------- netting


def hedged(rho: int):
    """Long one underlying by a perp, short the other: what one loses in a fall the other gains."""
    view = account(expiry((40_000, False, -2), market=1), perps=(perp(1, 40, ETH),))
    return assess(view, replace(FREE, rho=rho))


def test_netting_across_underlyings_grows_with_rho():
    none, some, all_ = hedged(0), hedged(500_000), hedged(10**6)

    assert none.mm > some.mm > all_.mm
    assert abs((none.mm + all_.mm) - 2 * some.mm) < 10
    assert none.equity == all_.equity


def test_what_no_underlying_claims_hedges_nothing():
    """A feed outside the table stands by itself, with the first one's shocks."""
    short = account(STRADDLE, perps=(perp(1, -5, ETH), perp(7, 5, ETH)))
    claimed = account(STRADDLE, perps=(perp(1, -5, ETH), perp(3, 5, ETH)))

    assert assess(short).mm > assess(claimed).mm


def test_collateral_that_cancels_risk_covers_a_call():
    covered = replace(
        account(expiry((1_000, False, -10))),
        assets=(CASH, AssetExposure(20_000 * WAD, 0, 0, 0)),
        tags=(QUOTE, Tag(4, 0, 1, ETH)),
    )
    beside = replace(covered, tags=(QUOTE, Tag(9, 0, 1, ETH)))

    assert assess(covered).mm < assess(beside).mm / 2


# ---------------------------------------------------------------- what is required of whom


def test_nothing_owed_and_nothing_short_needs_nothing():
    bought = assess(account(expiry((2_000, False, 5))))

    assert bought.equity > CASH.value
    assert (bought.im, bought.im0, bought.mm) == (0, 0, 0)


def test_volatility_of_a_market_raises_initial_margin_at_once_and_the_rest_along_its_ramp():
    calm, both = assess(account(STRADDLE)), assess(account(replace(STRADDLE, mult_im=2 * ONE, mult_mm=2 * ONE)))
    risen = assess(account(replace(STRADDLE, mult_im=2 * ONE)))

    assert (risen.mm, risen.im0) == (calm.mm, calm.im0)
    assert risen.im == both.im > calm.im
    assert both.mm > calm.mm


def test_a_fallen_quote_asset_and_doubt_raise_initial_margin_alone():
    calm = assess(account(STRADDLE))
    fallen = assess(replace(account(STRADDLE), tags=(QUOTE._replace(price=9_500_000_000),)))
    doubtful = assess(account(replace(STRADDLE, doubt=600_000)))

    assert fallen.im > calm.im < doubtful.im
    assert fallen[2:] == calm[2:] == doubtful[2:]


@pytest.mark.parametrize("scenario", [k for k in range(len(SCENARIOS)) if SCENARIOS[k].kind >= Kind.JOINT_LINEAR])
def test_a_joint_scenario_loses_at_least_what_its_spot_alone_does(scenario):
    own = SCENARIOS[scenario]
    view = account(expiry((1_500, True, -8), (2_600, False, -8)))
    alone = replace(UNDERLYING, scenarios=(Scenario(own.spot, Kind.NONE, own.damping),))
    joint = replace(UNDERLYING, scenarios=(own,))
    mm = [assess(view, replace(FREE, underlyings=(u, replace(u, feed=2)))).mm for u in (alone, joint)]

    assert mm[0] < mm[1]


# ---------------------------------------------------------------- toward expiry


def test_a_settled_series_moves_with_nothing():
    done = replace(STRADDLE, secs=0, smile=Smile(), settled=True, spot=2_100 * 10**10)
    found = assess(account(done))

    assert found.equity == CASH.value - 300 * WAD
    span_and_shorts = found.mm
    assert (
        span_and_shorts < 40 * WAD
    )  # the naked-short contingency alone: 3 · 2,100 · 0.3 % and what shorts are short of


def test_an_expired_series_that_is_not_settled_keeps_its_intrinsic_value():
    gone = replace(STRADDLE, secs=0, smile=Smile(), spot=1_900 * 10**10)

    assert assess(account(gone)).equity == CASH.value - 300 * WAD


def test_toward_expiry_the_forward_moves_less_and_less_where_settlement_is_an_average():
    """As published engines have it: of the last half hour what is over is known."""
    averaging = PortfolioMargin(replace(FREE, settlement_window=1_800, flags=LENIENT))
    moves = [averaging.assess(account(replace(STRADDLE, secs=secs))).mm for secs in (1_800, 900, 450, 1)]

    assert moves == sorted(moves, reverse=True)
    assert moves[-1] < moves[0] / 3


def test_without_a_surface_shorts_are_margined_by_the_least_volatility():
    """Never published, or its words are gone: nothing reverts, and an upward shock still counts."""
    bare = assess(account(replace(STRADDLE, smile=Smile())))

    assert bare.equity == CASH.value
    assert bare.mm > assess(account(replace(STRADDLE, secs=0, smile=Smile()))).mm


# ---------------------------------------------------------------- a mean that is partly known


def ending(rest: int, total: int = 1_800, at: int = ETH, *, fading: bool, secs: int = 600) -> ExpiryView:
    """A straddle beside a deep call, of an expiry whose mean is known but for `rest` seconds, at `at`."""
    legs = ((1000, False, -5), (2000, False, 2), (2000, True, -3))
    view = expiry(*legs, secs=secs, spot=at)
    return replace(view, known=Known((total - rest) * at, rest, total), fading=fading)


def test_what_fades_with_the_mean_does_as_by_a_clock_that_shows_as_much():
    """A model with a settlement window, which published cases hold, at the same share of a shock."""
    clock = replace(FREE, settlement_window=1_800, flags=LENIENT)
    perps = (perp(1, 4, ETH),)
    plain = replace(ending(600, fading=False), known=None)
    known = assess(account(ending(600, fading=True), perps=perps))
    assert known == assess(account(plain, perps=perps), clock)
    assert known != assess(account(ending(600, fading=False), perps=perps))


def test_what_is_known_is_no_hedge_of_a_perp():
    """With nothing open, an option's scenarios are those of volatility alone: the perps stand by themselves."""
    perps, later = (perp(1, 4, ETH),), expiry((2000, False, -3), minutes=10**7 + 1)
    known = assess(account(ending(0, fading=True), perps=perps)).mm
    moving = assess(account(ending(0, fading=False), perps=perps)).mm
    alone = assess(account(perps=perps)).mm
    assert known >= alone > moving
    assert assess(account(ending(0, fading=True), later)).mm > assess(account(later)).mm


def test_a_mean_is_no_spot_of_perps():
    """Their contingencies are at their own price, or at what another expiry tells, never at the mean."""
    perps = (perp(1, 4, ETH),)
    small = expiry((3_000, False, 1), minutes=10**7 + 1)
    plain = assess(account(small, perps=perps))
    half = replace(ending(0, at=ETH // 2, fading=False), options=())
    assert assess(account(half, small, perps=perps)) == plain
    assert assess(account(half, perps=perps)) == assess(account(perps=perps))

"""MarketConfig: what tightens is ramped from what is in force, what loosens is there at once."""

from __future__ import annotations

import pytest
from config_world import BLOCK_TIME, ETH, KAPPA, RISK, TERMS, TRADE, WETH, reverts, values

from plimsoll.accounts import cross
from plimsoll.actions import batch, deposit
from plimsoll.contracts import events

DAY, WEEK = 86_400, 7 * 86_400
ASSETS, MARKETS, LIMITS, MODEL_RAMP = 7, 10, 17, 20
RAMPING = 2
GLOBALS_CODE, TERMS_CODE, ASSET_CODE, RISK_CODE = 0, 1, 2, 4


def now(world):
    return world.chain.block()[1]


def announced(receipt):
    return [(e.args["what"], e.args["id"], e.args["end"]) for e in events(receipt.logs, "ParameterRamped")]


def haircuts(world, asset=1):
    """im, mm, fromIm, fromMm, rampEnd."""
    word = world.entry(ASSETS, asset)
    return tuple(word >> at & (1 << bits) - 1 for at, bits in ((16, 16), (32, 16), (80, 16), (96, 16), (112, 32)))


def set_haircuts(world, im, mm):
    return world.configure("setAsset", 1, values(WETH | {"haircutIm": im, "haircutMm": mm}))


def open_account(world):
    """One account in the engine: from now on nothing is free of its consequences."""
    token, vault, owner = world["quote"], world["quote vault"], world.owner
    token.write("mint", owner, 1, sender=owner)
    token.write("approve", vault.address, 1, sender=owner)
    world["MarginEngine"].write("execute", batch([deposit(cross(owner), 0, 1)]), sender=owner)


# ---------------------------------------------------------------- haircuts


def test_a_raised_haircut_starts_where_it_was(ready):
    """And says when it arrives."""
    receipt = set_haircuts(ready, 2_000, 1_001)

    assert haircuts(ready) == (2_000, 1_001, 1_500, 1_000, now(ready) + DAY)
    assert announced(receipt) == [(ASSET_CODE, 1, now(ready) + DAY)]


def test_a_lowered_haircut_is_there_at_once(ready):
    """Also when it is the initial one only."""
    assert announced(set_haircuts(ready, 1_400, 900)) == []
    assert haircuts(ready) == (1_400, 900, 0, 0, 0)


def test_a_second_change_starts_from_what_is_in_force(ready):
    """Half way: 1,750 and 1,001, rounded up."""
    set_haircuts(ready, 2_000, 1_001)
    ready.chain.advance(DAY // 2)
    set_haircuts(ready, 3_000, 1_002)

    assert haircuts(ready) == (3_000, 1_002, 1_750, 1_001, now(ready) + DAY)


def test_a_change_back_below_what_is_in_force_ends_the_ramp(ready):
    """It loosens."""
    set_haircuts(ready, 2_000, 1_100)
    ready.chain.advance(DAY // 2)
    assert announced(set_haircuts(ready, 1_750, 1_050)) == []
    assert haircuts(ready) == (1_750, 1_050, 0, 0, 0)


def test_a_change_of_something_else_leaves_the_ramp_alone(ready):
    """Neither restarted nor announced again."""
    set_haircuts(ready, 2_000, 1_100)
    before = haircuts(ready)
    ready.chain.advance(DAY // 2)
    receipt = ready.configure(
        "setAsset", 1, values(WETH | {"haircutIm": 2_000, "haircutMm": 1_100, "reserveShare": 7, "sigma": 9_500})
    )

    assert announced(receipt) == []
    assert haircuts(ready) == before


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize(
    "change",
    [
        {"mmRates": [301, 400, 501]},
        {"mmRates": [300, 401, 501]},
        {"mmRates": [300, 400, 502]},
        {"imRates": [600, 801, 1_003]},
        {"bound1": 999},
        {"bound2": 5_000},
        {"mmRates": [290, 390, 500], "bound1": 999},
    ],
)
def test_a_table_that_asks_more_is_ramped(listed, change):
    """Also one in which only a tier begins earlier."""
    old = listed.entry(MARKETS, 0, 1)
    receipt = listed.configure("setMarketRisk", 0, values(RISK | change))
    end = now(listed) + DAY

    assert announced(receipt) == [(RISK_CODE, 0, end)]
    assert listed.entry(MARKETS, 0, 5) == old % 2**128 | now(listed) << 128 | end << 160
    assert listed.entry(MARKETS, 0, 1) >> 232 & 0xFF == RAMPING


@pytest.mark.parametrize(
    "change",
    [
        {"mmRates": [290, 390, 500], "imRates": [590, 800, 1_000]},
        {"bound1": 1_001, "bound2": 6_000},
        {"mmRates": [300, 300, 300], "imRates": [600, 600, 600], "bound1": 1, "bound2": 2},
        {"reduceOnly": True},
        {"oiLower": 0, "oiUpper": 1},
        {"oiLower": 0, "oiUpper": 0},
    ],
)
def test_a_table_that_asks_no_more_is_there_at_once(listed, change):
    """Lower rates, later tiers, earlier tiers that cost nothing; and what binds new risk only."""
    receipt = listed.configure("setMarketRisk", 0, values(RISK | change))

    assert announced(receipt) == []
    assert listed.entry(MARKETS, 0, 5) == 0
    assert listed.entry(MARKETS, 0, 1) >> 232 & RAMPING == 0


def test_another_table_waits_for_the_end_of_the_ramp_and_anything_else_does_not(listed):
    """A market that moves can still be closed to new risk."""
    raised = RISK | {"mmRates": [301, 400, 501]}
    listed.configure("setMarketRisk", 0, values(raised))
    end, ramp = now(listed) + DAY, listed.entry(MARKETS, 0, 5)
    listed.chain.advance(DAY - 1)
    with reverts("RampInProgress", RISK_CODE, 0, end):
        listed.configure("setMarketRisk", 0, values(RISK))
    listed.configure("setMarketRisk", 0, values(raised | {"reduceOnly": True, "maxFundingRate": 5}))

    assert listed.entry(MARKETS, 0, 1) >> 232 & 0xFF == RAMPING | 1
    assert listed.entry(MARKETS, 0, 5) == ramp
    listed.chain.advance(1)
    listed.configure("setMarketRisk", 0, values(RISK))
    assert listed.entry(MARKETS, 0, 1) >> 232 & 0xFF == 0


def test_the_lower_rate_bounds_the_fill_while_the_table_moves(listed):
    """T-13: what takes a position over on the first day is held at the old rate still."""
    room = {"maxSkew": 13_000 * 10**8}  # a premium of 1.3 %: too much for half of 3 %, not of 4 %
    higher = RISK | {"mmRates": [400, 400, 501], "imRates": [700, 801, 1_002]}
    with reverts("FillCostAboveHalfMaintenance"):
        listed.configure("setMarketTrade", 0, values(TRADE | room))
    listed.configure("setMarketRisk", 0, values(higher))
    listed.chain.advance(DAY - 1)
    with reverts("FillCostAboveHalfMaintenance"):
        listed.configure("setMarketTrade", 0, values(TRADE | room))
    with reverts("FillCostAboveHalfMaintenance"):
        listed.configure("setMarketRisk", 0, values(higher | {"sigma": 40_000}))
    listed.chain.advance(1)
    listed.configure("setMarketTrade", 0, values(TRADE | room))


def test_anyone_ends_a_ramp_that_is_over_and_nobody_one_that_is_not(listed):
    """The flag goes, and with it one read per check."""
    listed.configure("setMarketRisk", 0, values(RISK | {"mmRates": [301, 400, 501]}))
    word = listed.entry(MARKETS, 0, 1)
    listed.chain.advance(DAY - 1)
    listed.configure("endRamps", [0, 0, 63], sender=listed.stranger)
    assert listed.entry(MARKETS, 0, 1) == word
    listed.chain.advance(1)
    listed.configure("endRamps", [0, 0, 63], sender=listed.stranger)
    assert listed.entry(MARKETS, 0, 1) == word - (RAMPING << 232)


# ---------------------------------------------------------------- λ


def lambda_words(world):
    word = world.slot(2)
    return word & 0xFFFF, word >> 208 & 0xFFFF, word >> 224


def test_a_raised_lambda_is_ramped_and_a_lowered_one_is_not(ready):
    """It lifts the call margin, and with it who is past his deadline."""
    receipt = ready.configure("setTerms", values(TERMS | {"lambda": 4_000}))
    end = now(ready) + DAY
    assert announced(receipt) == [(TERMS_CODE, 0, end)]
    assert lambda_words(ready) == (4_000, 3_000, end)

    ready.chain.advance(DAY // 4)
    assert announced(ready.configure("setTerms", values(TERMS | {"lambda": 4_000, "bounty": 1}))) == []
    assert lambda_words(ready) == (4_000, 3_000, end)
    ready.configure("setTerms", values(TERMS | {"lambda": 5_000}))
    assert lambda_words(ready) == (5_000, 3_250, now(ready) + DAY)
    ready.configure("setTerms", values(TERMS | {"lambda": 3_250}))
    assert lambda_words(ready) == (3_250, 0, 0)


# ---------------------------------------------------------------- the model


def test_a_replaced_model_is_ramped_to_and_the_next_waits(listed):
    """Two of them are asked on that day; a third cannot be."""
    first = listed["RuleMargin"].address
    second = listed.rule_margin(2 * 10**19, 3 * 10**19, 5_000).address
    receipt = listed.configure("setModel", second, BLOCK_TIME, KAPPA)
    end = now(listed) + DAY

    assert announced(receipt) == [(GLOBALS_CODE, 0, end)]
    assert listed.slot(MODEL_RAMP) == int(first, 16) | end << 160
    assert listed.slot(0) >> 248 == 1
    with reverts("RampInProgress", GLOBALS_CODE, 0, end):
        listed.configure("setModel", first, BLOCK_TIME, KAPPA)
    listed.configure("setModel", second, BLOCK_TIME + 1, KAPPA)
    assert listed.slot(MODEL_RAMP) == int(first, 16) | end << 160

    listed.chain.advance(DAY)
    listed.configure("endRamps", [], sender=listed.stranger)
    assert (listed.slot(MODEL_RAMP), listed.slot(0) >> 248) == (0, 0)


def test_dust_is_above_both_floors_while_the_model_moves(listed):
    """The higher floor stands for a day in part."""
    lower = listed.rule_margin(10**18, 2 * 10**18, 5_000).address
    listed.configure("setModel", lower, BLOCK_TIME, KAPPA)
    with reverts("DustBelowFloor", 3 * 10**18, 2 * 10**19):
        listed.configure("setTerms", values(TERMS | {"dust": 300}))
    listed.chain.advance(DAY)
    listed.configure("endRamps", [])
    listed.configure("setTerms", values(TERMS | {"dust": 300}))


# ---------------------------------------------------------------- prices that failed


def test_a_failed_price_keeps_its_age_and_its_sigma(listed):
    """It moves in favour of who might be liquidated: trusting it longer, or moving it less, would end that at once."""
    open_account(listed)
    with reverts("FeedNotFresh", ETH):
        listed.configure("setAsset", 1, values(WETH | {"maxAge": 62}))
    with reverts("FeedNotFresh", ETH):
        listed.configure("setAsset", 1, values(WETH | {"sigma": 9_000}))
    with reverts("FeedNotFresh", ETH):
        listed.configure("setMarketRisk", 0, values(RISK | {"maxAge": 61}))
    with reverts("FeedNotFresh", ETH):
        listed.configure("setMarketRisk", 0, values(RISK | {"sigma": 7_999}))
    listed.configure("setAsset", 1, values(WETH | {"maxAge": 60, "sigma": 9_002}))
    listed.configure("setModel", listed["RuleMargin"].address, BLOCK_TIME, KAPPA + 1)
    with reverts("FeedNotFresh", ETH):
        listed.configure("setModel", listed["RuleMargin"].address, BLOCK_TIME, KAPPA)


# ---------------------------------------------------------------- supply caps


def cap_words(world, asset):
    word = world.entry(LIMITS, asset)
    return word % 2**104, word >> 208 & 2**32 - 1


def test_a_new_collateral_grows_from_zero_once_there_are_accounts(ready):
    """Before the first account there is nobody whom it could hurt."""
    assert [cap_words(ready, asset)[1] for asset in (0, 1)] == [0, 0]
    open_account(ready)
    token = ready.deploy("MockERC20", "Ether again", "WETH2", 18)
    ready.list_asset(token, ready.vault(2, token), WETH)

    assert cap_words(ready, 2) == (10**15, now(ready))


def test_a_raised_cap_grows_from_where_it_stands(ready):
    """A quarter of 4·10^15, then half of that as a quarter of 8·10^15; a cap below what stands is there at once."""
    ready.configure("setAsset", 1, values(WETH | {"supplyCap": 4 * 10**15}))
    assert cap_words(ready, 1) == (4 * 10**15, now(ready) - WEEK // 4)
    ready.chain.advance(WEEK // 4)
    ready.configure("setAsset", 1, values(WETH | {"supplyCap": 8 * 10**15}))
    assert cap_words(ready, 1) == (8 * 10**15, now(ready) - WEEK // 4)
    ready.configure("setAsset", 1, values(WETH | {"supplyCap": 2 * 10**15}))
    assert cap_words(ready, 1) == (2 * 10**15, 0)

"""The campaign: random sequences of people and attackers, every invariant asked after each transaction.

A failure prints its invariant, a shrunk sequence, and the command that plays it again. `pytest -m slow` plays
many more, from a seed of its own (PLIMSOLL_SEED, or the clock) which a failure names too.
"""

from __future__ import annotations

import os
import time
from collections import Counter

import pytest
from campaign import checks, steps
from campaign.sequences import arena, campaign, play, sequence
from campaign.transaction import TOPICS

SEED = 1
CHUNKS, CHUNK = 16, 25  # and four of options: test_options_campaign
SLOW_CHUNKS, SLOW_CHUNK = 200, 250
ALL = "i1-i2-i3-i4-i5-i6-s1-s2-s3-s4-s5-s6-w1-o1-o2-l1-l2-l3-l4-a1-a2-r1-r2-u1-p1-f1-f2"
#: What a sequence must not break, by number; those without functions of their own are asked at its end.
BY_NUMBER = {
    "i1": (checks.i1_claims_are_what_vaults_owe,),
    "i2": (checks.i2_perp_pnl_sums_to_zero,),
    "i3": (checks.i3_market_sums_are_those_of_positions,),
    "i4": (checks.i4_shares_are_those_of_holders,),
    "i5": (checks.i5_vault_cash_covers_held,),
    "i6": (checks.i6_lent_indices_fall_by_losses_only,),
    "w1": (checks.w1_what_is_socialised_is_the_loss,),
    "s1": (checks.s1_risk_taken_is_margined, checks.f1_limits_hold_where_risk_grew),
    "s2": (
        checks.s2_no_batch_makes_an_account_liquidatable,
        checks.s2_configuration_calls_nobody,
        checks.s4_calls_follow_the_levels,
    ),
    "s3": (checks.s3_values_flow_only_as_documented, checks.s4_slices_cost_what_the_rule_says),
    "s4": (checks.s4_a_slice_never_lowers_health, checks.s4_calls_follow_the_levels),
    "s5": (),
    "s6": (checks.s3_values_flow_only_as_documented,),
    "o1": (checks.o1_no_balance_is_negative,),
    "o2": (checks.s3_values_flow_only_as_documented, checks.s2_no_batch_makes_an_account_liquidatable),
    "l1": (),
    "l2": (),
    "l3": (),
    "l4": (),
    "r2": (),
    "u1": (),
    "a1": (checks.a1_only_owners_move_what_is_theirs,),
    "a2": (checks.a2_operators_stay_within_their_limits,),
    "r1": (checks.r1_rounding_is_against_the_caller,),
    "p1": (checks.p1_assessments_are_the_twins,),
    "f1": (checks.f2_a_feed_moves_once_per_block_and_forward,),
    "f2": (checks.f2_loans_stay_within_caps,),
}


@pytest.mark.parametrize("chunk", range(CHUNKS), ids=lambda number: f"{ALL}-{number}")
def test_campaign(chunk):
    """Every sequence is played to its end: the first that breaks an invariant raises Broken."""
    stats = campaign(SEED, range(chunk * CHUNK, (chunk + 1) * CHUNK))

    assert stats["sequences"] == CHUNK
    assert sum(stats[key] for key in stats if key.startswith("done ")) > CHUNK


@pytest.mark.parametrize("number", BY_NUMBER)
def test_campaign_holds(number):
    """Each invariant by itself, so that what breaks is named even where another would have broken first."""
    assert campaign(2, range(6), enforced=BY_NUMBER[number])["sequences"] == 6


def test_campaign_reaches_every_step_action_and_event():
    """What never happens proves nothing: every kind of step has succeeded, and every event was seen."""
    stats: Counter[str] = Counter()
    campaign(3, range(120), stats)
    seen = {name for key, name in (entry.split(" ", 1) for entry in stats if " " in entry) if key == "event"}
    missing = {name for name in TOPICS.values() if name not in seen}
    wanted = ("trade", "withdraw", "transfer", "move", "exchange", "settle", "call", "liquidate", "operator", "flash")
    wanted += ("liquidate and leave", "self-liquidation", "farming", "re-entry", "deposit", "mint", "redeem", "execute")
    wanted += (
        "borrow",
        "repay",
        "lend",
        "recall",
        "borrow in a pair",
        "loop",
        "loop back",
        "run on a vault",
        "process",
    )
    wanted += ("set", "deleverage", "observeClose", "settle a closed market", "take what fell", "cooldown", "collect")
    wanted += ("leave before the loss", "self-liquidation of loans", "take, sell, repay", "pay in full", "split a loan")

    assert missing <= {"RequestReclaimed", "PriceRejected"}
    assert not [label for label in wanted if not any(key.startswith(f"done {label}") for key in stats)]
    assert stats["closed on one price"] > 50
    assert stats["liquidated at the end"] > 15
    assert stats["split fill"] > 15
    assert stats["split slice"] > 5
    assert stats["debts paid in full"] > 100
    assert stats["split accrual"] > 30
    assert stats["split loan"] > 30
    assert stats["loans taken by their owner"] > 30
    assert stats["unwound"] > 10
    assert stats["re-entry tried"] > 10


def test_sequences_are_reproducible():
    """The same seed sends the same transactions, whatever was played before."""
    place = arena()
    plan = sequence(7, 3)
    first = play(place, plan, Counter()).trace
    play(place, sequence(7, 4), Counter())

    assert play(place, plan, Counter()).trace == first
    assert set(steps.WEIGHTS) == set(steps.STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(SLOW_CHUNKS), ids=lambda number: f"{ALL}-{number}")
def test_long_campaign(chunk):
    seed = int(os.environ.get("PLIMSOLL_SEED") or time.time())
    stats = campaign(seed, range(chunk * SLOW_CHUNK, (chunk + 1) * SLOW_CHUNK))

    assert stats["sequences"] == SLOW_CHUNK

"""The campaign of options and portfolio accounts: fills, surfaces, crashes, expiries, witnesses; every invariant asked
after each transaction. A failure prints its invariant and a shrunk sequence. The count of sequences is shared with
test_campaign.
"""

from __future__ import annotations

import os
import time
from collections import Counter

import pytest
from option_campaign import checks
from option_campaign.machine import arena, campaign, play, sequence
from option_campaign.steps import STEPS, WEIGHTS

SEED = 1
CHUNKS, CHUNK = 4, 25
SLOW_CHUNKS, SLOW_CHUNK = 40, 250
ALL = "i1-i2-i3-i5-s1-s2-s3-s4-o1-l2-l4-a1-p1"
BY_NUMBER = {
    "o1": (checks.o1_no_balance_is_negative,),
    "i1": (checks.i1_held_is_what_came_in,),
    "i2": (checks.i2_options_sum_to_zero, checks.i2_perps_sum_to_zero),
    "i3": (checks.i3_books_are_in_order,),
    "s1": (checks.s1_risk_taken_is_margined,),
    "s2": (checks.s2_nobody_is_pushed_below_his_margin,),
    "s4": (checks.s4_slices_are_proven_and_cure,),
    "p1": (checks.p1_checks_are_the_twins,),
}


@pytest.mark.parametrize("chunk", range(CHUNKS), ids=lambda number: f"{ALL}-{number}")
def test_options_campaign(chunk):
    stats = campaign(SEED, range(chunk * CHUNK, (chunk + 1) * CHUNK))
    assert stats["sequences"] == CHUNK


@pytest.mark.parametrize("number", BY_NUMBER)
def test_options_campaign_holds(number):
    """Each by itself, so that what breaks is named even where another would have broken first."""
    assert campaign(2, range(3), enforced=BY_NUMBER[number])["sequences"] == 3


def test_options_campaign_reaches_every_step():
    """What never happens proves nothing."""
    stats: Counter[str] = Counter()
    campaign(3, range(40), stats)
    wanted = ("fill", "close", "trade", "transfer option", "deposit", "withdraw", "borrow", "call", "liquidate")
    assert not [label for label in (*wanted, "settle options") if not stats[f"done {label}"]]
    assert stats["by witness"] > 3 and stats["by all scenarios"] > 3
    assert stats["reverted lie WitnessInsufficient"] > 10 and stats["reverted in a batch DeferredAccount"] > 3
    assert stats["done settle options"] > 40 and stats["done fill"] > 200


def test_options_sequences_are_reproducible():
    """The same seed sends the same transactions, whatever was played before."""
    place, plan = arena(), sequence(7, 3)
    first = play(place, plan, Counter()).trace
    play(place, sequence(7, 4), Counter())
    assert play(place, plan, Counter(), enforced=()).trace == first
    assert set(WEIGHTS) == set(STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(SLOW_CHUNKS), ids=lambda number: f"{ALL}-{number}")
def test_long_options_campaign(chunk):
    seed = int(os.environ.get("PLIMSOLL_SEED") or time.time())
    assert campaign(seed, range(chunk * SLOW_CHUNK, (chunk + 1) * SLOW_CHUNK))["sequences"] == SLOW_CHUNK

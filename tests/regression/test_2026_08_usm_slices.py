"""9 August 2026, USM: about 70.8 ETH.

A redemption was priced at the mean of the price before and after it, while it changed the state that the price was
made of: sixty-four small redemptions paid more than one of the same size. DeFiHackLabs src/test/2026-08/USM_exp.sol.

Property: split invariance. An order, a liquidation, a redemption from vault or pool, cut into 64 slices, is never
cheaper or better paid than in one piece, beyond a token unit a slice.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, WAD
from lenders import accrue, balance, lender
from lps import enter, fall_due, invest, leave, lp, run, wallet

from plimsoll.actions import liquidate, trade_perp

SLICES = 64
UNIT = 10**12


def both(desk, act):
    """What `act(pieces)` answers in one piece and in 64, each from the same state."""
    answers = []
    for pieces in (1, SLICES):
        checkpoint = desk.chain.snapshot()
        answers.append(act(pieces))
        desk.chain.revert(checkpoint)
    return answers


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("resident", [0, 1_000, -1_000])
@pytest.mark.parametrize("size", [1_280, -1_280])
def test_a_fill_in_slices_costs_no_less(desk, resident, size, batched):
    if resident:
        desk.trade(desk.trader("resident", 2_000_000), ETH, resident * SIZE)
    trader = desk.trader("trader", 2_000_000)

    def cost(pieces):
        before = desk.assess(trader).equity
        orders = [trade_perp(trader, ETH, size * SIZE // pieces) for _ in range(pieces)]
        if batched:
            desk.act(trader, *orders)
        else:
            for order in orders:
                desk.act(trader, order)
        return before - desk.assess(trader).equity

    whole, sliced = both(desk, cost)
    assert 0 <= sliced - whole <= 3 * SLICES


def test_priced_at_the_skew_after_it_slices_would_have_paid(desk):
    """The same fill at its final instead of its mean premium: 64 slices save nearly half."""
    scale, size, index = desk.market_words(ETH).trade.skew_scale, 2_048 * SIZE, 3_000 * PRICE
    whole = size * index * size // scale
    part = size // SLICES
    sliced = sum(part * index * part * (n + 1) // scale for n in range(SLICES))
    assert whole - sliced > 6_000 * WAD


@pytest.mark.parametrize("level", [0.95, 0.6, 0.3])
def test_a_liquidation_in_slices_pays_no_more(desk, level):
    """As many slices as the smallest share of the account admits, down to the target; the liquidator is one account."""
    desk.set_terms(min_slice=1)
    target, keeper = desk.trader("target", 40_000), desk.trader("keeper", 5_000_000)
    desk.trade(target, ETH, 200 * SIZE)
    desk.post({1: desk.price_for(target, ETH, int(desk.assess(target).mm * level))})
    most = desk.slice(target).max_fraction
    outcome = {}

    def gain(pieces):
        before, insurance = desk.assess(keeper).equity, desk.held(desk.insurance)
        if pieces == 1:
            desk.act(keeper, liquidate(keeper, target))
        else:
            for _ in range(pieces):
                if desk.assess(target).state < 3:
                    break
                desk.act(keeper, liquidate(keeper, target, most // pieces))
        outcome[pieces] = desk.held(desk.insurance) - insurance
        return desk.assess(keeper).equity - before

    whole, sliced = both(desk, gain)
    assert whole > 0
    assert sliced <= whole + SLICES * 2 * UNIT


@pytest.mark.parametrize("resident", [0, 1_500, -1_500])
def test_a_redemption_from_the_pool_in_slices_pays_no_more(desk, resident):
    """With a skew in the market, whose close-out premium is in the price; one run, and one run a slice."""
    if resident:
        desk.trade(desk.trader("trader", 2_000_000), ETH, resident * SIZE)
    owner = invest(desk, "owner", 1_234_567)
    shares = desk.pool.read("balanceOf", owner)
    for together in (True, False):

        def paid(pieces, together=together):
            requests = [leave(desk, owner, shares // pieces) for _ in range(pieces)]
            fall_due(desk)
            for group in [requests] if together else [[request] for request in requests]:
                assert run(desk, *group) == {}
            return wallet(desk, owner)

        whole, sliced = both(desk, paid)
        assert whole - 2 * SLICES <= sliced <= whole


def test_a_deposit_into_the_pool_in_slices_brings_no_more(desk):
    desk.trade(desk.trader("trader", 2_000_000), ETH, 1_500 * SIZE)
    owner, amount = lp(desk, "owner", 640_000), 640_000 * 10**6

    def shares(pieces):
        requests = [enter(desk, owner, amount // pieces) for _ in range(pieces)]
        fall_due(desk)
        assert run(desk, *requests) == {}
        return desk.pool.read("balanceOf", owner)

    whole, sliced = both(desk, shares)
    assert whole - SLICES <= sliced <= whole


@pytest.mark.parametrize("asset", [0, 1, 2])  # 6, 18 and 8 decimals
def test_a_redemption_from_a_vault_in_slices_pays_no_more(desk, asset):
    owner, vault = lender(desk, "owner", asset, 10**9), desk.vault(asset)
    vault.write("deposit", 10**9, owner, sender=owner)
    accrue(desk, asset, 333_333_337)
    shares = vault.read("balanceOf", owner)

    def paid(pieces):
        for _ in range(pieces):
            part = min(shares // pieces, vault.read("maxRedeem", owner))
            vault.write("redeem", part, owner, owner, sender=owner)
        return balance(desk, asset, owner)

    whole, sliced = both(desk, paid)
    assert whole - SLICES <= sliced <= whole


def test_a_withdrawal_of_the_whole_in_units_is_the_whole(desk):
    """Held balances are counted, not shared: nothing to round."""
    assert desk.held(desk.trader("trader", 1), QUOTE) == 10**6

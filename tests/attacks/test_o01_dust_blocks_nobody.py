"""O-01: dust sent to an account that is in the way (Sigma Prime on Derive v2: DRV-02, DRV2-01).

There a bid on a failing account could come only from an account with nothing but cash, "due to gas", and anybody
could send one wei of anything to the bidder: no bid ever went through. Series are dearer still: an account has room
for 128 of them, and one that is full could be neither sold nor taken.

Rule: who liquidates may hold anything, and is fully checked after; nobody puts a series into an account without its
owner's signature; and a full account is the liquidator's own affair, which another account does not share.
"""

from __future__ import annotations

import pytest
from desk import LIQUIDATABLE, QUOTE, SIZE, WAD, WBTC, WETH, expect
from listed_desk import ListedDesk

from plimsoll.actions import deposit, liquidate, match, transfer_option


@pytest.fixture
def desk():
    return ListedDesk.create().with_options()


@pytest.fixture
def fund(desk):
    """A portfolio account that sold twenty calls, and is to be liquidated."""
    fund, maker = desk.portfolio("fund", 12_000), desk.trader("maker", 100_000)
    desk.match(maker, fund, [(desk.call(3000), 20 * SIZE)])
    desk.fall_below(fund)
    assert desk.assess(fund).state == LIQUIDATABLE
    return fund


def test_one_unit_of_anything_stops_no_liquidation(desk, fund):
    """A stranger may add to what is there and start nothing new; what an owner has of it is no obstacle either."""
    keeper, griefer = desk.trader("keeper", 300_000), desk.actor("griefer")
    for asset in (QUOTE, WETH, WBTC):
        desk.mint(griefer, asset, 2)
    desk.execute(griefer, deposit(keeper, QUOTE, 1), deposit(fund, QUOTE, 1))
    for account in (keeper, fund):
        for asset in (WETH, WBTC):
            with expect("NotAuthorized", account, griefer):
                desk.execute(griefer, deposit(account, asset, 1))
    for account in (keeper, fund):
        desk.fund(account, WETH, 1)
        desk.fund(account, WBTC, 1)
    desk.act(keeper, liquidate(keeper, fund))
    after = desk.assess(fund)
    assert desk.options(keeper) and after.equity >= after.mm


def test_a_gift_cannot_be_a_series(desk, fund):
    """Not by transfer, which is between accounts of one owner, and not by a match without the receiver's signature."""
    keeper, griefer = desk.trader("keeper", 300_000), desk.trader("griefer", 10_000)
    call = desk.call(4000)
    desk.match(griefer, desk.trader("friend", 10_000), [(call, 1)])
    with expect("AccountMismatch", griefer, keeper):
        desk.act(griefer, transfer_option(griefer, keeper, call, 1))
    order = desk.order(keeper, [(call, 1)])
    mine = desk.signed(desk.order(griefer, [(call, -1)]))
    forged = (order.values(), desk.seal(order, "griefer"))
    with expect("SignatureInvalid", desk.owner(keeper), desk.domain.digest(order)):
        desk.execute(desk.owner(griefer), match(forged, mine, SIZE, [desk.mark(call)]))
    assert desk.options(keeper) == {}


def test_a_target_with_128_series_of_dust_is_taken_in_one_slice(desk):
    """He fills himself with the least quantity of each, 16 to a batch: it fits a block, by witness and without."""
    fund, maker = desk.portfolio("fund", 12_000), desk.trader("maker", 1_000_000)
    desk.match(maker, fund, [(desk.call(3000), 20 * SIZE)])
    series = [desk.call(3001 + n) for n in range(127)]
    for at in range(0, 127, 16):
        desk.match(maker, fund, [(instrument, 1) for instrument in series[at : at + 16]])
    with expect("TooManySeries", maker, 129):
        desk.match(maker, fund, [(desk.call(4000), 1)])
    assert len(desk.options(fund)) == 128
    desk.fall_below(fund)
    keeper = desk.trader("keeper", 300_000)
    for witness in (b"", desk.witness(fund)):
        mark = desk.chain.snapshot()
        receipt = desk.act(keeper, liquidate(keeper, fund, witness=witness))
        assert receipt.gas_used < 16_777_216
        assert len(desk.options(keeper)) == 128, "shorts are rounded up: each series moves"
        after = desk.assess(fund)
        assert after.equity >= after.mm
        desk.chain.revert(mark)


def test_a_full_liquidator_has_himself_to_blame_and_no_one_else(desk, fund):
    """With 128 other series he is told so; from an empty account of his own he succeeds at once."""
    keeper, other = desk.trader("keeper", 300_000), desk.trader("other", 300_000)
    series = [desk.put_on(1000 + n) for n in range(128)]
    for at in range(0, 128, 16):
        desk.match(keeper, other, [(instrument, SIZE // 100) for instrument in series[at : at + 16]])
    with expect("TooManySeries", keeper, 129):
        desk.act(keeper, liquidate(keeper, fund))
    fresh = desk.trader("keeper", 300_000, index=1)
    desk.act(fresh, liquidate(fresh, fund))
    assert desk.options(fresh)


def test_dust_is_no_shield_in_value_either(desk, fund):
    """What was given to the target is his to lose: the slice takes its part of it, rounded for him."""
    keeper = desk.trader("keeper", 300_000)
    desk.fund(fund, WETH, 10**15)
    was = desk.assess(fund)
    (told,) = desk.events(desk.act(keeper, liquidate(keeper, fund)), "Liquidated")
    assert was.state == LIQUIDATABLE and told.args["equity"] == was.equity
    assert desk.held(keeper, WETH) == 10**15 * told.args["fraction"] // WAD

"""Review 1: an operator hides what he costs behind a price that moves inside his batch.

maxCost used to be equity before less equity after. The prices of a batch come first, but
`OracleRouter.update` is open to anyone at any time: a contract of the operator's, reached by `Call` from an
account of his own, stores the next report between his last fill and the end of the batch. What the owner's
position gains by it then pays for fills that cost him as much. The cost is now summed fill by fill, each
against its own index.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, WAD, WETH, expect

from plimsoll.actions import call, deposit, trade_perp

MILLION = 1_000_000
CHURN = 10


def relay(desk, target):
    """A contract that hands every call on to `target`, as anyone may deploy."""
    inner = bytes.fromhex("365f5f375f5f365f5f73") + bytes.fromhex(target[2:]) + bytes.fromhex("5af1")
    runtime = inner + bytes([0x60, len(inner) + 6, 0x57, 0x5F, 0x5F, 0xFD, 0x5B, 0x00])
    creation = bytes([0x60, len(runtime), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3]) + runtime
    return desk.chain.deploy(desk.admin, creation).contract_address


@pytest.fixture
def alice(desk):
    account = desk.trader("alice", 5 * MILLION)
    desk.trade(account, ETH, 2_000 * SIZE)
    return account


@pytest.mark.parametrize("rise", [0, 3, 30])
def test_r01_a_rise_inside_the_batch_pays_for_nothing(desk, alice, rise):
    """0.1 % on 2,000 ETH is 6,000: ten round trips of 100 ETH, 5,624 together, used to be booked as nothing."""
    oscar, own = desk.actor("oscar"), desk.trader("oscar", 1)
    limits = (1, 100 * MILLION, 1_000, False, 2**32 - 1, 0, 0)  # may cost nothing at all
    desk.engine.write("setOperator", alice, oscar, limits, sender=desk.owner(alice))
    via = relay(desk, desk.router.address)
    desk.post({})
    desk.chain.advance(2)
    price = desk.prices[1]
    update = desk.router.encode("update", desk.report({1: price + rise * PRICE}))
    fills = [trade_perp(alice, ETH, 100 * SIZE), trade_perp(alice, ETH, -100 * SIZE)] * CHURN
    with expect("OperatorLimitExceeded") as stopped:
        desk.execute(oscar, *fills, call(own, QUOTE, 0, WETH, 0, via, update))
    _, _, limit, cost, allowed = stopped.value.values
    assert limit.rstrip(b"\0") == b"maxCostPpm"
    assert 5_000 * WAD < cost < 6_000 * WAD
    assert allowed == 0


def test_r01_the_relay_works(desk):
    """The price really moves in the middle of a batch: what the attack above relies on."""
    own = desk.trader("oscar", 1)
    via = relay(desk, desk.router.address)
    desk.chain.advance(2)
    update = desk.router.encode("update", desk.report({1: 3_003 * PRICE}))
    desk.act(own, call(own, QUOTE, 0, WETH, 0, via, update))
    assert desk.router_value(1) == 3_003 * PRICE


def test_r01_nor_does_a_deposit(desk, alice):
    oscar = desk.actor("oscar")
    limits = (1, 100 * MILLION, 1_000, False, 2**32 - 1, 0, 0)
    desk.engine.write("setOperator", alice, oscar, limits, sender=desk.owner(alice))
    desk.mint(oscar, QUOTE, 10_000 * 10**6)
    with expect("OperatorLimitExceeded"):
        desk.execute(
            oscar, trade_perp(alice, ETH, SIZE), deposit(alice, QUOTE, 10_000 * 10**6), trade_perp(alice, ETH, -SIZE)
        )

"""plimsoll option quote and trade."""

from __future__ import annotations

import json

import pytest

from plimsoll.accounts import AccountId
from plimsoll.chain import Signer
from plimsoll.orders import Domain
from plimsoll.prices import PRICE
from plimsoll.signed_orders import SignedOrder

KEY = "a7" * 32


@pytest.mark.parametrize(
    ("leg", "what"),
    [
        ("ETH-3000-C", "leg"),
        ("ETH-20261225T0800-3000-X:1", "series"),
        ("DOGE-20261225T0800-3000-C:1", "market of a series"),
        ("ETH-20261225T0800-3000-C:0", "order.legs[0].quantity"),
        ("ETH-20261225T0800-3000-C:one", "quantity"),
        ("ETH-2026-13-45-3000-C:1", "expiry"),
    ],
)
def test_a_leg_that_is_none_is_refused(plimsoll, pair, leg, what):
    assert plimsoll.json("option", "quote", pair[0], leg, code=2)["error"]["what"] == what


def test_only_the_owner_signs(plimsoll, pair, call, node):
    """Another account of the node is told whose signature it would be."""
    error = plimsoll.json("option", "quote", pair[0], f"{call}:1", "--from", node.accounts[5], code=2)["error"]
    assert error["what"] == "account"


def test_a_quote_without_a_key_is_an_order_to_be_signed(plimsoll, pair, call, deployment):
    """At the mark of now, with its price against it."""
    found = plimsoll.json("option", "quote", pair[0], f"{call}:-1.5")
    assert found["signed"] is False
    assert found["order"]["signature"] == "0x"
    mark = float(found["legs"][0]["mark"])
    assert int(found["order"]["order"]["limit"]) / PRICE == pytest.approx(-1.5 * mark, abs=1e-9)
    assert float(found["mark"]) == pytest.approx(-1.5 * mark, abs=1e-9)


def test_a_quote_is_signed_by_the_node_or_by_our_key(plimsoll, pair, offer, call, deployment, node):
    """Either way the contract's digest, and the owner's signature."""
    domain = Domain(deployment.verifier.address, deployment.chain.chain_id)
    by_node = SignedOrder.read(offer, domain)
    assert by_node.is_valid()
    assert deployment.verifier.read("hashOf", by_node.order.values()) == by_node.digest
    account = f"{Signer(KEY).address}/cross/0"
    found = plimsoll.json("option", "quote", account, f"{call}:1", "ETH-PERP:-0.5", env={"PLIMSOLL_KEY": KEY})
    assert SignedOrder.from_json(found["order"], domain).is_valid()
    assert KEY not in json.dumps(found)


def test_a_trade_without_a_key_previews_both_accounts(plimsoll, pair, offer):
    """What each would be, and why the chain would refuse it as it is."""
    found = plimsoll.json("option", "trade", pair[1], str(offer), "--price", "ETH=3000")
    assert (found["dry_run"], found["refusal"]) == (True, None)
    before, after = found["maker"]["before"], found["maker"]["after"]
    assert (float(before["im"]), found["maker"]["account"]) == (0, pair[0])
    assert float(after["im"]) > float(after["mm"]) > 0
    assert float(after["equity"]) == pytest.approx(50_000, abs=60)
    refused = plimsoll.json("option", "trade", pair[1], str(offer), "--prices", "1,1", "--price", "ETH=3000")
    assert "PackagePriceExceeded" in refused["refusal"] or "FillPriceOutOfBand" in refused["refusal"]


def test_a_trade_moves_premium_and_options_between_the_two(traded, deployment, pair, offer):
    """Mirror images, and what is left of the order is what was not filled."""
    assert traded["dry_run"] is False
    maker, taker = (dict(zip(*deployment.engine.read("options", bytes(AccountId.parse(a))), strict=True)) for a in pair)
    assert maker == {instrument: -quantity for instrument, quantity in taker.items()}
    assert sorted(maker.values()) == [-4 * 10**8, 2 * 10**8]
    status, left = deployment.verifier.read("statusOf", SignedOrder.read(offer).order.values())
    assert (status, left) == (0, 10**8)


def test_more_than_is_left_of_an_order_is_refused(plimsoll, traded, pair, offer):
    """By the contract: an order of three, two of them filled."""
    args = ("option", "trade", pair[1], str(offer), "--size", "2", "--price", "ETH=3000", "--from")
    assert plimsoll.json(*args, pair[1].split("/")[0], code=5)["error"]["type"] == "Reverted"

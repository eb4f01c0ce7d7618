"""Orders as text: what one party prints the other reads; anything else names its field."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order_draws import orders

from plimsoll.accounts import cross
from plimsoll.errors import BadInput
from plimsoll.orders import ANYONE, ONE, Domain, Leg, Order
from plimsoll.signed_orders import SignedOrder

OWNER, VERIFIER = "0x" + "aB" * 20, "0x" + "cd" * 20
ORDER = Order(cross(OWNER), (Leg(1, ONE), Leg(2, -ONE)), 3 * ONE, -5, 1_800_000_000, 2**255)
DOMAIN = Domain(VERIFIER, 31337)
SIGNED = SignedOrder(ORDER, bytes(range(65)), DOMAIN)
ABSENT = object()


def changed(path, value):
    """The JSON of SIGNED with one field changed, or ABSENT."""
    raw = json.loads(SIGNED.text())
    *places, name = path
    at = raw
    for place in places:
        at = at[place]
    if value is ABSENT:
        del at[name]
    else:
        at[name] = value
    return json.dumps(raw)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (["chainId"], "one", "chainId"),
        (["chainId"], ABSENT, "signed order"),
        (["verifier"], "0x12", "verifier"),
        (["verifier"], 7, "verifier"),
        (["signature"], "1234", "signature"),
        (["signature"], "0x123", "signature"),
        (["signature"], None, "signature"),
        (["signer"], OWNER, "signed order"),
        (["order"], [], "order"),
        (["order", "account"], OWNER, "account"),
        (["order", "account"], 5, "order.account"),
        (["order", "account"], "0x" + "00" * 20 + "03" + "00" * 11, "account"),
        (["order", "legs"], {}, "order.legs"),
        (["order", "legs"], [], "order.legs"),
        (["order", "legs", 1], "2", "order.legs[1]"),
        (["order", "legs", 1, "quantity"], ABSENT, "order.legs[1]"),
        (["order", "legs", 1, "quantity"], 0, "order.legs[1].quantity"),
        (["order", "legs", 1, "quantity"], 1.5, "order.legs[1].quantity"),
        (["order", "legs", 1, "quantity"], 2**63, "order.legs[1].quantity"),
        (["order", "legs", 1, "quantity"], "1", None),
        (["order", "legs", 1, "instrument"], -1, "order.legs[1].instrument"),
        (["order", "legs", 1, "instrument"], 1, "order.legs[1].instrument"),
        (["order", "size"], "0", "order.size"),
        (["order", "size"], True, "order.size"),
        (["order", "size"], "1e8", "order.size"),
        (["order", "size"], "٣", "order.size"),
        (["order", "size"], ABSENT, "order"),
        (["order", "limit"], str(2**127), "order.limit"),
        (["order", "expiry"], 2**32, "order.expiry"),
        (["order", "nonce"], "9" * 79, "order.nonce"),
        (["order", "nonce"], str(2**256), "order.nonce"),
        (["order", "group"], -1, "order.group"),
        (["order", "groupEpoch"], 2**32, "order.group_epoch"),
        (["order", "lockdown"], 2**32, "order.lockdown"),
        (["order", "taker"], "0x0", "order.taker"),
        (["order", "taker"], None, "order.taker"),
        (["order", "reduceOnly"], "false", "order.reduce_only"),
        (["order", "reduceonly"], False, "order"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, list) else None,
)
def test_a_field_that_cannot_be_used_is_named(path, value, field):
    """Whatever is wrong with it: type, range, absence, a name nobody knows."""
    text = changed(path, value)
    if field is None:
        assert SignedOrder.parse(text).order.legs[1] == Leg(2, 1)
        return
    with pytest.raises(BadInput) as caught:
        SignedOrder.parse(text)
    assert caught.value.what == field


def test_text_that_is_no_json_is_refused():
    """Cut off, empty, too deep."""
    for text in (SIGNED.text()[:-5], "", "[" * 100_000, "NaN"):
        with pytest.raises(BadInput, match="signed order"):
            SignedOrder.parse(text)


def test_a_field_given_twice_is_refused():
    """Readers differ in which of the two counts."""
    text = SIGNED.text().replace('"reduceOnly": false', '"reduceOnly": false, "size": "1"')
    with pytest.raises(BadInput, match=r"\['size'\].*once"):
        SignedOrder.parse(text)


@pytest.mark.parametrize("domain", [Domain(VERIFIER, 1), Domain(ANYONE, 31337)])
def test_an_order_for_elsewhere_is_refused(domain):
    """It is not signed for the chain or the contract at hand."""
    assert SignedOrder.parse(SIGNED.text(), DOMAIN) == SIGNED
    with pytest.raises(BadInput, match="it is for 0x"):
        SignedOrder.parse(SIGNED.text(), domain)


@settings(max_examples=100, deadline=None)
@given(order=orders(), signature=st.binary(max_size=200), chain_id=st.integers(0, 2**256 - 1))
def test_what_is_printed_is_read(order, signature, chain_id):
    """Every order there is, to the bit."""
    signed = SignedOrder(order, signature, Domain(VERIFIER, chain_id))
    assert SignedOrder.parse(signed.text()) == signed


def test_numbers_may_be_numbers_and_absent_terms_are_the_usual_ones():
    """What a person writes by hand."""
    raw = json.loads(SIGNED.text())
    raw["order"] = {name: raw["order"][name] for name in ("account", "legs", "nonce")}
    raw["order"] |= {"size": 3 * ONE, "limit": -5, "expiry": 1_800_000_000}
    assert SignedOrder.from_json(raw) == SIGNED


def test_an_order_comes_from_a_file_or_from_stdin(tmp_path, monkeypatch):
    """A missing file is a bad input that names it."""
    path = tmp_path / "order.json"
    path.write_text(SIGNED.text())
    monkeypatch.setattr("sys.stdin", io.StringIO(SIGNED.text()))
    assert SignedOrder.read(path, DOMAIN) == SignedOrder.read("-", DOMAIN) == SIGNED
    path.write_bytes(b"\xff\xfe")
    for unreadable in (path, tmp_path / "none.json"):
        with pytest.raises(BadInput, match=unreadable.name):
            SignedOrder.read(unreadable)

"""plimsoll.surfaces: words, digests, reports, and what is told before signing."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from oracle_world import KEYS
from surface_world import DAYS, RULES, changed, surface

from plimsoll.errors import BadInput
from plimsoll.margin.fixed_math import WAD
from plimsoll.surfaces import Quoted, SurfaceSigner, decode, encode_report, require_good

FEED = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
MIDNIGHT = 20_000 * 86_400


def term(*vols):
    return [
        Quoted(2, (MIDNIGHT // 86_400 + days) * 1_440, surface(days * WAD // 365, vol))
        for days, vol in zip(DAYS, vols or (0.7, 0.65, 0.6, 0.55), strict=True)
    ]


@pytest.mark.parametrize(
    ("change", "what"),
    [({"market": 64}, "market"), ({"market": -1}, "market"), ({"expiry": 2**32}, "expiry")],
)
def test_a_key_that_no_report_can_hold_is_refused_before_it_is_signed(change, what):
    with pytest.raises(BadInput) as caught:
        term()[0]._replace(**change).words()

    assert what == caught.value.what


@pytest.mark.parametrize(
    ("field", "value"), [("a", 2**63), ("m", -(2**63) - 1), ("sigma", -1), ("tau", 2**64), ("rate", 2**63)]
)
def test_a_field_that_does_not_fit_is_named(field, value):
    good = term()[0]
    with pytest.raises(BadInput) as caught:
        good._replace(surface=changed(good.surface, **{field: value})).words()

    assert f".{field} = {value}" in str(caught.value)


def test_bytes_that_are_no_report_are_refused():
    """Too short, and signatures cut off."""
    report = encode_report(1, term()[0].words(), [b"\1" * 65])
    for data in (b"", report[:80], report[:-1]):
        if data:
            with pytest.raises(BadInput):
                decode(data)
    assert decode(report).surfaces == (term()[0],)


def test_two_surfaces_of_one_expiry_are_refused():
    with pytest.raises(BadInput) as caught:
        SurfaceSigner(KEYS, FEED, 1).report(1, [term()[0], term()[0]])

    assert caught.value.what == "surfaces"


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"rho": WAD}, "RHO"), ({"b": WAD, "sigma": WAD // 100}, "BUTTERFLY"), ({"tau": WAD}, "TAU")],
)
def test_a_signer_is_told_what_the_contract_would_refuse(change, reason):
    bad = term()
    bad[2] = bad[2]._replace(surface=changed(bad[2].surface, **change))
    with pytest.raises(BadInput, match=reason) as caught:
        require_good(bad, {2: RULES}, MIDNIGHT, MIDNIGHT)

    assert caught.value.value == (2, bad[2].expiry)


def test_a_signer_is_told_of_a_calendar_and_of_an_unknown_market():
    with pytest.raises(BadInput, match="CALENDAR_NEARER"):
        require_good(term(0.7, 0.65, 0.2, 0.55), {2: RULES}, MIDNIGHT, MIDNIGHT)
    with pytest.raises(BadInput, match="MARKET_UNKNOWN"):
        require_good(term(), {1: RULES}, MIDNIGHT, MIDNIGHT)
    assert require_good(term(), {2: RULES}, MIDNIGHT, MIDNIGHT) is None


def test_a_report_comes_back_as_it_was_whatever_its_order():
    """Of two signers of five, the others named."""
    signer = SurfaceSigner(KEYS, FEED, 1)
    quoted = term()
    report = decode(signer.report(77, reversed(quoted), signer.addresses[1:3]))

    assert report.published_at == 77
    assert report.surfaces == tuple(quoted)
    assert len(report.signatures) == 2
    assert report.absent == (signer.addresses[0], *signer.addresses[3:])


def test_the_signature_is_that_of_another_eip_712_implementation():
    """eth-account's, of the type and the domain as the interface names them."""
    signer = SurfaceSigner(KEYS[:1], FEED, 31_337)
    words = [word for quoted in term() for word in quoted.words()]
    message = encode_typed_data(
        {"name": "Plimsoll Surfaces", "version": "1", "chainId": 31_337, "verifyingContract": FEED},
        {"SurfaceReport": [{"name": "publishedAt", "type": "uint256"}, {"name": "words", "type": "uint256[]"}]},
        {"publishedAt": 77, "words": words},
    )

    assert signer.signatures(77, words) == [bytes(Account.sign_message(message, KEYS[0]).signature)]


def test_no_repr_shows_a_key():
    signer = SurfaceSigner(KEYS, FEED, 1)

    assert repr(signer) == f"<SurfaceSigner of 5 keys for {FEED} on chain 1>"

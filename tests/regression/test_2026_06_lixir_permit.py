"""25 June 2026, Lixir: 2.6 ETH, about 8,000 dollars and LIX, out of allowances.

`permit` asked whether `ecrecover` had recovered *someone*, not whether it was the owner. Nearly every 65 bytes
recover someone. DeFiHackLabs src/test/2026-06/LixirPermitDrain_exp.sol.

Property: a signature is worth what its signer is. Random ones, those of others, of another message, chain or
contract, twice the same, mirrored or empty: none of them counts, and each is refused by the name of what it recovers
to.
"""

from __future__ import annotations

import random

import pytest
from coincurve import PrivateKey, PublicKey
from desk import PRICE, expect

from plimsoll import prices
from plimsoll.errors import Reverted
from plimsoll.prices import Quote

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ZERO = "0x" + "00" * 20
WORDS = [Quote(1, 1 * PRICE, 0).word()]  # ETH at one quote: worth forging


def message(desk, *, chain=None, feed=None, at=None, words=WORDS):
    domain = prices.domain_separator(feed or desk.signer.feed_address, chain or desk.chain.chain_id)
    return prices.digest(domain, desk.now if at is None else at, words)


def recovered(signature, digest):
    """What the signature recovers to, by another implementation; zero when it recovers to nothing."""
    if signature[64] not in (27, 28):
        return ZERO
    try:
        key = PublicKey.from_signature_and_message(signature[:64] + bytes([signature[64] - 27]), digest, hasher=None)
    except Exception:
        return ZERO
    return prices.address_of(key)


def send(desk, *signatures):
    return desk.router.write("update", prices.encode_report(desk.now, WORDS, signatures), sender=desk.admin)


def test_no_random_signature_verifies(desk):
    """400 of them with a quorum of two: each is refused, many by the address that it does recover to."""
    draw, someone = random.Random(20260625), 0
    before = desk.router.read("read", [1])
    for _ in range(400):
        s = draw.randrange(ORDER) >> draw.choice([0, 1])
        v = draw.choice([27, 27, 28, 28, 0, 1, draw.randrange(256)])
        signature = draw.randbytes(32) + s.to_bytes(32, "big") + bytes([v])
        with pytest.raises(Reverted) as caught:
            send(desk, signature)
        if s > ORDER // 2:
            assert caught.value.matches("SignatureMalleable", s)
            continue
        signer = recovered(signature, message(desk))
        assert caught.value.matches("SignerUnknown", signer)
        someone += signer != ZERO
    assert desk.router.read("read", [1]) == before
    # Lixir's rule, anyone but zero, would have let in all of these:
    assert someone > 60


@pytest.mark.parametrize("position", [0, 1])
def test_one_true_signature_carries_no_false_one(desk, position):
    digest = message(desk)
    true = desk.signer.signatures(desk.now, WORDS)[:1]
    draw = random.Random(position)
    for _ in range(50):
        false = draw.randbytes(32) + (draw.randrange(ORDER) >> 1).to_bytes(32, "big") + bytes([27])
        pair = [false, *true] if position == 0 else [*true, false]
        with expect("SignerUnknown", recovered(false, digest)):
            send(desk, *pair)
    with expect("QuorumNotReached", 1, 2):
        send(desk, *true)
    with expect("SignersNotAscending", desk.signer.addresses[0], desk.signer.addresses[0]):
        send(desk, *true, *true)


def elsewhere(desk):
    return {
        "chain": {"chain": 1},
        "contract": {"feed": desk.engine.address},
        "time": {"at": desk.now - 1},
        "price": {"words": [Quote(1, 2 * PRICE, 0).word()]},
    }


@pytest.mark.parametrize("what", ["chain", "contract", "time", "price"])
def test_a_signer_s_signature_of_something_else_is_a_stranger_s(desk, what):
    from plimsoll.deploy.defaults import local_signer_keys

    other = message(desk, **elsewhere(desk)[what])
    for key in local_signer_keys():
        signature = prices.sign(PrivateKey(key), other)
        with expect("SignerUnknown", recovered(signature, message(desk))):
            send(desk, signature)


@pytest.mark.parametrize("r", [0, 1, ORDER, ORDER + 1, 2**256 - 1])
@pytest.mark.parametrize("s", [0, 1, ORDER // 2])
@pytest.mark.parametrize("v", [0, 1, 26, 29, 255, 27, 28])
def test_what_recovers_to_nobody_is_nobody_s(desk, r, s, v):
    """Zero is not a signer, and cannot become one."""
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])
    with expect("SignerUnknown", recovered(signature, message(desk))):
        send(desk, signature)


def test_zero_cannot_be_made_a_signer(desk):
    with expect("SignerUnknown", ZERO):
        desk.router.write("setSigner", ZERO, True, sender=desk.admin)


@pytest.mark.parametrize("length", [1, 64, 66, 129])
def test_half_a_signature_is_none(desk, length):
    blob = b"".join(desk.signer.signatures(desk.now, WORDS))[:length].ljust(length, b"\1")
    with expect("SignatureLengthInvalid", length):
        send(desk, blob)

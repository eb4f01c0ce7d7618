"""PriceFeed: which reports count as signed."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from oracle_world import KEYS, NOBODY, QUORUM, deploy, eth, reverts

from plimsoll.errors import Reverted
from plimsoll.prices import Quote, ReportSigner, decode, encode_report

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
WORDS = [eth().word(), Quote(2, 10**14, 0).word()]
AT = 1_700_000_000


def verify(world, signatures, *, at=AT, words=WORDS):
    return world.feed.read("verify", encode_report(at, words, signatures))


def signatures(world, count=QUORUM):
    """Of the first `count` signers; the others' addresses, which a whole report names, are left out."""
    return world.signer.signatures(AT, WORDS, world.signer.addresses[:count])


def whole(world, count=QUORUM):
    return world.signer.seals(AT, WORDS, world.signer.addresses[:count])


# ---------------------------------------------------------------- refused


def test_an_unsigned_report_is_refused(world):
    """The price is right, but nobody said it."""
    with reverts("QuorumNotReached", 0, QUORUM):
        verify(world, [])


@pytest.mark.parametrize("count", range(1, QUORUM))
def test_fewer_signers_than_the_quorum_are_refused(world, count):
    """Also by one."""
    with reverts("QuorumNotReached", count, QUORUM):
        verify(world, signatures(world, count))


def test_one_signer_does_not_count_twice(world):
    """A quorum of copies."""
    first = signatures(world)[0]
    address = world.signer.addresses[0]

    with reverts("SignersNotAscending", address, address):
        verify(world, [first] * QUORUM)


def test_signatures_out_of_order_are_refused(world):
    """The order is what makes a repetition visible."""
    a, b, c = signatures(world)

    with reverts("SignersNotAscending", world.signer.addresses[0], world.signer.addresses[1]):
        verify(world, [b, a, c])


def test_the_other_signature_of_the_same_message_is_refused(world):
    """(r, n − s) with v flipped recovers the same signer; without the rule one signature has two spellings."""
    a, b, c = signatures(world)
    s = ORDER - int.from_bytes(b[32:64], "big")
    twin = b[:32] + s.to_bytes(32, "big") + bytes((27 + 28 - b[64],))

    with reverts("SignatureMalleable", s):
        verify(world, [a, twin, c])


@pytest.mark.parametrize("cut", [1, 64, 66])
def test_signatures_of_a_wrong_length_are_refused(world, cut):
    """A cut or padded one is not read as something else."""
    blob = b"".join(signatures(world))[:cut]

    with reverts("SignatureLengthInvalid", cut):
        verify(world, [blob])


def test_bytes_that_are_no_report_are_refused(world):
    """Neither nothing nor noise is taken for a report of nothing."""
    for data in (b"", b"\xff" * 200, encode_report(AT, WORDS, signatures(world))[:-40]):
        with pytest.raises(Reverted):
            world.feed.read("verify", data)


def test_random_signatures_never_pass(world):
    """Lixir's permits took any nonzero answer of ecrecover (row 55c): here noise recovers to nobody that is known."""
    random = Random(55)
    for _ in range(300):
        r, s = random.randbytes(32), random.randrange(1, ORDER // 2).to_bytes(32, "big")
        noise = [r + s + bytes((random.choice((27, 28)),)) for _ in range(QUORUM)]
        with reverts("SignerUnknown"):
            verify(world, noise)


def test_a_signature_from_which_nothing_can_be_recovered_is_refused(world):
    """ecrecover then answers zero, and zero is no signer."""
    with reverts("SignerUnknown", NOBODY):
        verify(world, [b"\xff" * 32 + b"\1" * 32 + b"\x1b"])


@pytest.mark.parametrize("missing", range(len(KEYS)))
def test_a_report_that_does_not_name_every_signer_is_refused(world, missing):
    """Whoever is left out, with a quorum of signatures on it: the set is compared as a whole."""
    seals = world.signer.seals(AT, WORDS, world.signer.addresses[:4])
    del seals[missing]

    with reverts("SignersNotNamed", len(KEYS) - 1, len(KEYS)):
        verify(world, seals)


def test_a_name_is_no_signature(world):
    """All five named, two of them signed."""
    with reverts("QuorumNotReached", QUORUM - 1, QUORUM):
        verify(world, whole(world, QUORUM - 1))


def test_a_stranger_s_name_spoils_a_report_too(world):
    """Also when he does not sign."""
    seals = whole(world)
    seals[-1] = b"\x77" * 20

    with reverts("SignerUnknown"):
        verify(world, seals)


def test_there_are_never_more_signers_than_a_report_can_name(world):
    """Sixteen."""
    world.feed.write("setQuorum", 5, sender=world.owner)
    numbers = iter(range(100, 200))
    for count in range(6, 17):
        world.feed.write("setQuorum", min(count // 2 + 1, count - 1), sender=world.owner)
        world.feed.write("setSigner", "0x" + bytes([next(numbers)] * 20).hex(), True, sender=world.owner)
    assert world.feed.read("signerCount") == 16
    with reverts("SignersTooMany", 17, 16):
        world.feed.write("setSigner", "0x" + bytes([next(numbers)] * 20).hex(), True, sender=world.owner)


def test_signers_are_listed_by_ascending_address(world):
    """However they were added: as a report names them."""
    world.feed.write("setQuorum", 4, sender=world.owner)
    world.feed.write("setSigner", "0x" + "55" * 20, True, sender=world.owner)
    found = world.feed.read("signers")

    assert sorted(found, key=lambda address: int(address, 16)) == list(found)
    assert set(found) == {*world.signer.addresses, "0x" + "55" * 20}


def test_a_quorum_of_strangers_is_refused(world):
    """Good signatures, of keys nobody listed."""
    strangers = ReportSigner([bytes([n]) * 32 for n in range(21, 24)], world.feed.address, world.chain.chain_id)

    with reverts("SignerUnknown", strangers.addresses[0]):
        verify(world, strangers.signatures(AT, WORDS))


def test_one_stranger_spoils_a_quorum(world):
    """Whoever sends the report can leave him out."""
    mixed = ReportSigner([*KEYS[:QUORUM], b"\x33" * 32], world.feed.address, world.chain.chain_id)

    with reverts("SignerUnknown"):
        verify(world, mixed.signatures(AT, WORDS))


@pytest.mark.parametrize("other", ["chain", "contract"])
def test_a_signature_for_another_chain_or_contract_is_refused(world, other):
    """A testnet's report is worth nothing here: it recovers to nobody."""
    chain_id = world.chain.chain_id + (other == "chain")
    address = world.source.address if other == "contract" else world.feed.address
    replayed = ReportSigner(KEYS, address, chain_id).signatures(AT, WORDS)

    with reverts("SignerUnknown"):
        verify(world, replayed)


@pytest.mark.parametrize("change", ["time", "price", "feed", "missing", "added"])
def test_a_signed_report_cannot_be_changed(world, change):
    """One bit of it, and the signatures are somebody else's."""
    at = AT + (change == "time")
    words = {
        "price": [WORDS[0] + (1 << 32), WORDS[1]],
        "feed": [WORDS[0] + 1, WORDS[1]],
        "missing": WORDS[:1],
        "added": [*WORDS, WORDS[0]],
    }.get(change, WORDS)

    with reverts("SignerUnknown"):
        verify(world, signatures(world), at=at, words=words)


def test_strangers_set_neither_signers_nor_quorum(world):
    """A-1: every privileged selector rejects random callers."""
    for call in (("setSigner", world.stranger, True), ("setQuorum", 4)):
        with reverts("AccessManagedUnauthorized", world.stranger):
            world.feed.write(*call, sender=world.stranger)


@pytest.mark.parametrize("quorum", [0, 1, 2, 6])
def test_a_quorum_that_is_no_majority_is_refused(world, quorum):
    """With 2 of 5 two disjoint quorums could sign two truths; 6 of 5 could sign nothing."""
    with reverts("QuorumUnsafe", quorum, len(KEYS)):
        world.feed.write("setQuorum", quorum, sender=world.owner)


def test_signers_are_not_added_beyond_the_majority(world):
    """3 of 5 is one; 3 of 6 is half."""
    with reverts("QuorumUnsafe", QUORUM, 6):
        world.feed.write("setSigner", world.stranger, True, sender=world.owner)


def test_signers_are_not_removed_below_the_quorum(world):
    """2 signers cannot be a quorum of 3."""
    for address in world.signer.addresses[:2]:
        world.feed.write("setSigner", address, False, sender=world.owner)
    with reverts("QuorumUnsafe", QUORUM, 2):
        world.feed.write("setSigner", world.signer.addresses[2], False, sender=world.owner)


def test_nobody_is_not_a_signer(world):
    """Zero is what ecrecover answers to nonsense."""
    world.feed.write("setQuorum", 4, sender=world.owner)
    with reverts("SignerUnknown", NOBODY):
        world.feed.write("setSigner", NOBODY, True, sender=world.owner)


@pytest.mark.parametrize(
    ("numbers", "quorum", "error"),
    [([], 0, "QuorumUnsafe"), ([0, 1, 2, 3], 2, "QuorumUnsafe"), ([0, 0, 1], 2, "SignerUnknown")],
)
def test_an_unsafe_set_cannot_be_deployed(world, numbers, quorum, error):
    """No signers, half of them, or one of them twice."""
    signers = [world.signer.addresses[number] for number in numbers]

    with reverts(error):
        deploy(world.chain, "OracleRouter", world.manager.address, signers, quorum)


# ---------------------------------------------------------------- accepted


@pytest.mark.parametrize("offline", list(combinations(range(len(KEYS)), len(KEYS) - QUORUM)))
def test_any_two_of_five_signers_may_be_offline(world, offline):
    """Whichever they are."""
    online = [address for number, address in enumerate(world.signer.addresses) if number not in offline]

    assert verify(world, world.signer.seals(AT, WORDS, online)) == (AT, WORDS)


def test_more_signatures_than_needed_are_fine(world):
    """All five."""
    report = world.signer.report(AT, [eth()])

    assert len(KEYS) == len(decode(report).signatures)
    assert (AT, [eth().word()]) == world.feed.read("verify", report)


def test_a_removed_signer_counts_no_more_and_his_successor_does(world):
    """Rotation, one by one, with the quorum a majority all the way."""
    gone = world.signer.addresses[0]
    world.feed.write("setSigner", gone, False, sender=world.owner)
    with reverts("SignerUnknown", gone):
        verify(world, signatures(world))

    successor = ReportSigner([*KEYS, b"\x44" * 32], world.feed.address, world.chain.chain_id)
    new = next(address for address in successor.addresses if address not in world.signer.addresses)
    world.feed.write("setSigner", new, True, sender=world.owner)
    chosen = [new, *world.signer.addresses[1:3]]
    seals = zip(successor.addresses, successor.seals(AT, WORDS, chosen), strict=True)

    assert verify(world, [seal for address, seal in seals if address != gone]) == (AT, WORDS)
    assert (
        world.feed.read("signerCount"),
        world.feed.read("quorum"),
        world.feed.read("isSigner", gone),
    ) == (5, QUORUM, False)


def test_setting_a_signer_again_changes_nothing(world):
    """He is not counted twice."""
    world.feed.write("setSigner", world.signer.addresses[0], True, sender=world.owner)

    assert len(KEYS) == world.feed.read("signerCount")

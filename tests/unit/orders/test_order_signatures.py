"""Whose signature an order has, for which chain and contract; the hash by three hands: contract, twin, eth_account."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st
from order_draws import orders
from order_world import MAKER, OPEN, ORDER, OTHER, OrderWorld, owner_of, reverts
from pyrevm import AccountInfo

from plimsoll.abi import keccak
from plimsoll.accounts import AccountId, cross
from plimsoll.chain import ProcessChain
from plimsoll.errors import BadInput, KeyMissing, Reverted
from plimsoll.orders import ANYONE, Domain, OrderSigner, signer_of


def high_s(signature):
    """(r, n − s) with v flipped: the other signature of the same message by the same key."""
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes((55 - signature[64],))


def compact(signature):
    """The 64 bytes of EIP-2098."""
    s = int.from_bytes(signature[32:64], "big") | (signature[64] - 27) << 255
    return signature[:32] + s.to_bytes(32, "big")


# ---------------------------------------------------------------- refused


def test_a_word_with_bits_beyond_its_field_is_not_what_was_signed(desk):
    """The hash is over the words as they come: none of them is quietly cut to its type."""
    order = desk.order()
    data = desk.verifier.encode("fill", order.values(), desk.sign(order), desk.taker, desk.taker, 0, order.size)
    first = 4 + 32 * 6  # the order's words, behind the six of the head
    fields = {2: "size", 3: "limit", 4: "expiry", 6: "group", 7: "epoch", 8: "lockdown", 9: "taker", 10: "reduce"}
    for place in fields:
        dirty = bytearray(data)
        dirty[first + 32 * place] ^= 0x80
        with pytest.raises(Reverted):
            desk.engine.write("run", desk.verifier.address, bytes(dirty), sender=desk.taker)
    desk.engine.write("run", desk.verifier.address, data, sender=desk.taker)
    assert desk.used() == 1


@pytest.mark.parametrize("domain", ["chain", "contract", "name"])
def test_a_signature_for_another_domain_is_refused(desk, domain, monkeypatch):
    """Another chain, another contract, another protocol: the order is not for here."""
    order = desk.order()
    if domain == "name":
        monkeypatch.setattr("plimsoll.orders.NAME", "Plimsoll Prices")
    chosen = {
        "chain": Domain(desk.verifier.address, 1),
        "contract": Domain(desk.engine.address, desk.chain.chain_id),
        "name": desk.domain,
    }[domain]
    signature = desk.sign(order, MAKER, chosen)
    monkeypatch.undo()
    with reverts("SignatureInvalid", desk.maker, desk.domain.digest(order)):
        desk.fill(order, signature=signature)
    assert desk.status(order)[0] == OPEN


def test_a_chain_that_forks_off_has_its_own_signatures(desk):
    """The same code at the same address, with another chain id: what it keeps of the domain is not used there."""
    fork = ProcessChain(chain_id=5)
    for contract in (desk.engine, desk.verifier):
        fork._evm.insert_account_info(contract.address, AccountInfo(code=desk.chain.code(contract.address)))
    there = OrderWorld(fork, desk.engine.at(fork), desk.verifier.at(fork))
    assert there.verifier.read("DOMAIN_SEPARATOR") == there.domain.separator() != desk.domain.separator()
    order = there.order()
    with reverts("SignatureInvalid", desk.maker, there.domain.digest(order)):
        there.fill(order, signature=desk.sign(order))
    there.fill(order)
    assert there.used() == 1


def test_somebody_elses_signature_is_refused(desk):
    """The counterparty's, who has a key too."""
    order = desk.order()
    stranger = OrderSigner(OTHER, desk.domain)
    signature = stranger.sign(desk.order(account=cross(owner_of(OTHER))))
    with reverts("SignatureInvalid", desk.maker, desk.domain.digest(order)):
        desk.fill(order, signature=signature)
    with pytest.raises(BadInput, match=r"order.account.*the key at hand is 0x"):
        stranger.sign(order)


def test_the_other_signature_of_the_same_order_is_refused(desk):
    """A nonce makes a second spelling worthless; it is refused all the same, by twin and contract."""
    order = desk.order()
    twin = high_s(desk.sign(order))
    with reverts("SignatureMalleable", int.from_bytes(twin[32:64], "big")):
        desk.fill(order, signature=twin)
    assert signer_of(desk.domain.digest(order), twin) is None


@pytest.mark.parametrize("length", [1, 32, 64, 66, 130])
def test_a_signature_of_another_length_is_refused(desk, length):
    """Also the short form of EIP-2098: a key's signature has one spelling, of 65 bytes."""
    order = desk.order()
    signature = desk.sign(order)
    cut = compact(signature) if length == 64 else (signature * 2)[:length]
    with reverts("SignatureLengthInvalid", length):
        desk.fill(order, signature=cut)
    assert signer_of(desk.domain.digest(order), cut) is None


@pytest.mark.parametrize("v", [0, 1, 2, 26, 29, 255])
def test_a_recovery_bit_is_27_or_28(desk, v):
    """ecrecover answers zero to anything else."""
    order = desk.order()
    signature = desk.sign(order)[:64] + bytes((v,))
    with reverts("SignatureInvalid", desk.maker, desk.domain.digest(order)):
        desk.fill(order, signature=signature)
    assert signer_of(desk.domain.digest(order), signature) is None


def test_noise_is_nobodys_signature(desk):
    """It recovers to nobody that is known, or to zero, and zero owns no account that could be filled."""
    random, order = Random(4), desk.order()
    nobody = desk.order(account=cross(ANYONE))
    for _ in range(100):
        s = random.randrange(0, ORDER // 2).to_bytes(32, "big")
        noise = random.choice((random.randbytes(32), bytes(32), b"\xff" * 32)) + s + bytes((random.choice((27, 28)),))
        for target in (order, nobody):
            with reverts("SignatureInvalid", target.owner, desk.domain.digest(target)):
                desk.fill(target, signature=noise)
    assert desk.status(nobody)[0] == OPEN


@pytest.mark.parametrize("number", range(1, 10))
def test_a_precompile_is_nobodys_wallet(desk, number):
    """They have no code, and some give back what they are asked; none of them is asked."""
    order = desk.order(account=cross(f"0x{number:040x}"))
    with reverts("SignatureInvalid", order.owner, desk.domain.digest(order)):
        desk.fill(order, signature=desk.sign(desk.order()))
    with reverts("SignatureLengthInvalid", 4):
        desk.fill(order, signature=bytes.fromhex("1626ba7e"))
    assert desk.status(order)[0] == OPEN


def test_an_unsigned_order_is_its_owners_only(desk):
    """Nobody else sends it, not even who is on the other side."""
    order = desk.order()
    with reverts("SignatureMissing", desk.maker, desk.taker):
        desk.fill(order, signature=b"")
    desk.fill(order, signature=b"", caller=desk.maker)
    assert desk.used() == 1


def test_the_owners_wrong_signature_is_refused_to_himself(desk):
    """A signature that is there is judged, whoever sends it."""
    order = desk.order()
    with reverts("SignatureInvalid", desk.maker, desk.domain.digest(order)):
        desk.fill(order, signature=desk.sign(desk.order(nonce=1)), caller=desk.maker)
    assert desk.used() == 0


def test_the_sender_needs_no_authority(desk):
    """The order says all there is to say: a stranger may send it."""
    desk.fill(desk.order(), caller=desk.chain.accounts[7])
    assert desk.used() == 1


# ---------------------------------------------------------------- the hash


def test_the_domain_is_the_contracts(desk):
    """Name, version, chain, contract."""
    name, version, chain_id, address = desk.verifier.read("eip712Domain")[1:5]
    assert (name, version, chain_id, address) == (
        "Plimsoll Orders",
        "1",
        desk.chain.chain_id,
        desk.verifier.address,
    )
    assert desk.verifier.read("DOMAIN_SEPARATOR") == desk.domain.separator()


@settings(max_examples=100, deadline=None)
@given(order=orders())
def test_contract_twin_and_eth_account_agree_on_the_hash(deployed_orders, order):
    """Any canonical order; eth_account encodes it from the types by names, as a wallet does."""
    message = encode_typed_data(full_message=deployed_orders.domain.typed_data(order))
    theirs = keccak(b"\x19" + message.version + message.header + message.body)
    ours = deployed_orders.domain.digest(order)
    assert deployed_orders.verifier.read("hashOf", order.values()) == ours == theirs


@settings(max_examples=25, deadline=None)
@given(
    order=orders(), key=st.binary(min_size=32, max_size=32).filter(lambda key: 0 < int.from_bytes(key, "big") < ORDER)
)
def test_eth_account_signs_as_we_do(order, key):
    """To the byte, and the signature leads back to the signer."""
    account = AccountId.unpack(order.account)
    owned = AccountId(owner_of(key), account.mode, account.market, account.index)
    order = replace(order, account=bytes(owned))
    domain = Domain(ANYONE, 31337)
    signature = OrderSigner(key, domain).sign(order)
    assert bytes(Account.sign_typed_data(key, full_message=domain.typed_data(order)).signature) == signature
    assert signer_of(domain.digest(order), signature) == order.owner


# ---------------------------------------------------------------- the key


def test_a_signer_never_shows_its_key():
    """Not in its repr, not in an error, not in a copy."""
    signer = OrderSigner(MAKER, Domain(ANYONE, 1))
    assert MAKER.hex() not in repr(signer)
    with pytest.raises(TypeError, match="not copied"):
        signer.__reduce__()
    for bad in (MAKER[:31], "0x" + "00" * 32, "key of mine"):
        with pytest.raises(KeyMissing) as caught:
            OrderSigner(bad, Domain(ANYONE, 1))
        assert str(bad) not in str(caught.value)

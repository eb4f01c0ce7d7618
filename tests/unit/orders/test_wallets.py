"""Contracts that sign (ERC-1271): what they answer, what they do while they are asked, and what that may cost."""

from __future__ import annotations

import pytest
from order_world import CLOSED, MAKER, OPEN, OTHER, owner_of, reverts
from pyrevm import AccountInfo

from plimsoll.accounts import cross
from plimsoll.errors import Halted, Reverted
from plimsoll.orders import ANYONE, ONE, OrderSigner
from plimsoll.prices import sign
from plimsoll.signed_orders import SignedOrder

HONEST, WRONG, REVERT, SHORT, GARBAGE, BOMB, BURN_GAS, REENTER = range(8)
WALLET_GAS = 400_000


@pytest.fixture
def wallet(desk):
    """Its key is the maker's, and is not its address."""
    return desk.put("MockWallet", desk.maker)


def signed(desk, order, key=MAKER):
    """By a key that is not the account's address: a wallet's business."""
    signer = OrderSigner(key, desk.domain)
    return sign(signer._OrderSigner__key, desk.domain.digest(order))


def order_of(desk, wallet, **changes):
    return desk.order(account=cross(wallet.address), **changes)


@pytest.mark.parametrize(
    "answer", [WRONG, REVERT, SHORT, GARBAGE, BURN_GAS], ids=["wrong", "revert", "short", "garbage", "burn"]
)
def test_any_answer_but_yes_is_no(desk, wallet, answer):
    """Another word, none, four bytes, the magic value with something behind it, or all the gas it was given."""
    order = order_of(desk, wallet)
    wallet.write("set", answer, ANYONE, b"", sender=desk.maker)
    with reverts("SignatureInvalid", wallet.address, desk.domain.digest(order)):
        desk.fill(order, signature=signed(desk, order))
    assert desk.status(order) == (OPEN, order.size)


def test_a_wallet_refuses_what_its_key_did_not_sign(desk, wallet):
    """Another key, another order, no signature at all."""
    order = order_of(desk, wallet)
    for signature in (signed(desk, order, OTHER), signed(desk, order_of(desk, wallet, nonce=1)), b"\0"):
        with reverts("SignatureInvalid", wallet.address, desk.domain.digest(order)):
            desk.fill(order, signature=signature)
    with reverts("SignatureMissing", wallet.address, desk.taker):
        desk.fill(order, signature=b"")
    assert desk.used(owner=wallet.address) == 0


def test_a_contract_that_is_no_wallet_signs_nothing(desk):
    """The engine owns accounts too; it has no answer."""
    order = desk.order(account=cross(desk.engine.address))
    with reverts("SignatureInvalid", desk.engine.address, desk.domain.digest(order)):
        desk.fill(order, signature=signed(desk, order))
    assert desk.used(owner=desk.engine.address) == 0


def test_a_wallet_that_burns_gas_costs_its_bound(desk, wallet):
    """Whoever sends the batch pays 400,000 for it and not what is left of the block."""
    order = order_of(desk, wallet)
    wallet.write("set", BURN_GAS, ANYONE, b"", sender=desk.maker)
    with reverts("SignatureInvalid") as caught:
        desk.fill(order, signature=signed(desk, order))
    assert WALLET_GAS < caught.value.gas_used < WALLET_GAS + 100_000


@pytest.mark.parametrize("gas", range(100_000, 520_000, 20_000))
def test_the_sender_cannot_starve_a_wallet(desk, wallet, gas):
    """With too little gas the batch fails for gas, not as if the wallet had said no."""
    order = order_of(desk, wallet)
    try:
        desk.fill(order, signature=signed(desk, order), gas=gas)
    except (Halted, Reverted) as error:
        assert isinstance(error, Halted) or error.name == "GasShortage"
        assert gas < WALLET_GAS + 80_000
        assert desk.status(order) == (OPEN, order.size)
    else:
        assert gas > WALLET_GAS
        assert desk.status(order) == (CLOSED, 0)


@pytest.mark.parametrize("what", ["cancel", "cancelGroup", "fill", "execute"])
def test_a_wallet_that_reenters_changes_nothing(desk, wallet, what):
    """It is asked statically, so it writes nowhere, not to its own nonces, not to the engine. The mock says yes only if
    its call failed: that the fill goes through shows that it did."""
    order = order_of(desk, wallet, group=3)
    arguments = (order.values(), b"", wallet.address, wallet.address, 0, ONE)
    again = desk.verifier.encode("fill", *arguments)
    target, data = {
        "cancel": (desk.verifier, desk.verifier.encode("cancel", [0])),
        "cancelGroup": (desk.verifier, desk.verifier.encode("cancelGroup", 3)),
        "fill": (desk.engine, desk.engine.encode("run", desk.verifier.address, again)),
        "execute": (desk.engine, desk.engine.encode("lockdown")),
    }[what]
    wallet.write("set", REENTER, target.address, data, sender=desk.maker)
    told = desk.event(desk.fill(order, 2 * ONE, signature=b"\1"), "OrderFilled")
    assert told["filled"] == 2 * ONE
    assert desk.status(order) == (OPEN, ONE)
    assert desk.verifier.read("groupEpochOf", wallet.address, 3) == 0


@pytest.mark.parametrize("what", ["cancel", "fill"])
def test_the_same_calls_work_when_nobody_asks(desk, wallet, what):
    """What the test above shows is the static call, not calls that would have failed anyway."""
    order = order_of(desk, wallet)
    again = desk.verifier.encode("fill", order.values(), b"", wallet.address, wallet.address, 0, ONE)
    target, data = {
        "cancel": (desk.verifier, desk.verifier.encode("cancel", [0])),
        "fill": (desk.engine, desk.engine.encode("run", desk.verifier.address, again)),
    }[what]
    wallet.write("run", target.address, data, sender=desk.maker)
    assert desk.status(order) == ((CLOSED, 0) if what == "cancel" else (OPEN, 2 * ONE))


def test_a_wallet_signs_as_it_likes(desk, wallet):
    """65 bytes of its key, a high s, 64 bytes, or as long as it wants: the bytes are the wallet's to judge."""
    order = order_of(desk, wallet)
    signature = signed(desk, order)
    desk.fill(order, ONE, signature=signature)
    short = signature[:32] + (int.from_bytes(signature[32:64], "big") | (signature[64] - 27) << 255).to_bytes(32, "big")
    desk.fill(order, ONE, signature=short)
    wallet.write("set", BOMB, ANYONE, b"", sender=desk.maker)
    desk.fill(order, ONE, signature=b"as it likes" * 30)
    assert desk.status(order) == (CLOSED, 0)


def test_a_wallet_sends_its_own_batch_unsigned(desk, wallet):
    """As any owner; it is not asked."""
    order = order_of(desk, wallet)
    wallet.write("set", REVERT, ANYONE, b"", sender=desk.maker)
    desk.fill(order, signature=b"", caller=wallet.address)
    assert desk.used(owner=wallet.address) == 1


def test_a_key_with_code_signs_either_way(desk):
    """EIP-7702: the key is still in command of its address, and the code may answer too."""
    key = bytes([3]) * 32
    owner = owner_of(key)
    code = desk.chain.code(desk.put("MockWallet", owner_of(OTHER)).address)
    desk.chain._evm.insert_account_info(owner, AccountInfo(code=code))  # a snapshot does not bring it back
    for nonce, signer in enumerate((key, OTHER)):
        order = desk.order(account=cross(owner), nonce=nonce)
        desk.fill(order, signature=signed(desk, order, signer))
    assert desk.verifier.read("noncesOf", owner, 0) == 0b11


def test_the_other_party_can_ask_a_wallet_beforehand(desk, wallet):
    """Without a chain only a key's signature can be judged; a wallet that fails is a no."""
    order = order_of(desk, wallet)
    offer = SignedOrder(order, signed(desk, order), desk.domain)
    assert (offer.is_valid(), offer.is_valid(desk.chain)) == (False, True)
    wallet.write("set", REVERT, ANYONE, b"", sender=desk.maker)
    assert not offer.is_valid(desk.chain)
    own = desk.order()
    assert SignedOrder(own, desk.sign(own), desk.domain).is_valid()
    assert not SignedOrder(own, signed(desk, own, OTHER), desk.domain).is_valid(desk.chain)

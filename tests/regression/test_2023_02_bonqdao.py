"""2 February 2023, BonqDAO: 88 million dollars, on paper.

Anyone with a small stake could set the oracle's price, and the protocol used it in the same block. One transaction set
a token's price to a fortune and borrowed 100 million against it; the next set it to nothing and liquidated everyone.

Property: nobody sets a price alone, whatever he stakes. What a batch brings counts in it only when a quorum has signed
it and the reference agrees, once per block and never backwards: up, borrow, down, liquidate is not one move.
"""

from __future__ import annotations

import pytest
from coincurve import PrivateKey
from desk import BTC, DEVIATES, ETH, PRICE, REFERENCE, SIZE, WAD, WETH, expect

from plimsoll import prices
from plimsoll.actions import liquidate, trade_perp
from plimsoll.prices import Quote, ReportSigner

FORTUNE, NOTHING = 3_000_000 * PRICE, 1
TRUE = 3_000 * PRICE


@pytest.fixture
def mallory(desk):
    """One WETH, to be worth three million."""
    account = desk.trader("mallory")
    desk.fund(account, WETH, WAD)
    return account


def test_a_stake_signs_nothing(desk, mallory):
    """Keys of one's own, however many."""
    own = ReportSigner([bytes([n]) * 32 for n in (7, 8, 9)], desk.router.address, desk.chain.chain_id)
    desk.chain.advance(2)
    forged = own.report(desk.now, [Quote(1, FORTUNE)])
    with expect("SignerUnknown"):
        desk.router.write("update", forged, sender=desk.owner(mallory))
    with expect("SignerUnknown"):
        desk.act(mallory, trade_perp(mallory, BTC, 10 * SIZE), prices=forged)


@pytest.mark.parametrize("signer", [0, 1, 2])
def test_one_signer_alone_sets_nothing(desk, mallory, signer):
    """Bonq's reporter had one stake and the only say. Here a key that leaks is one of two that are needed."""
    from plimsoll.deploy.defaults import local_signer_keys

    key = PrivateKey(local_signer_keys()[signer])
    desk.chain.advance(2)
    words = [Quote(1, FORTUNE).word()]
    message = prices.digest(prices.domain_separator(desk.router.address, desk.chain.chain_id), desk.now, words)
    address = prices.address_of(key.public_key)
    seals = [prices.sign(key, message) if a == address else bytes.fromhex(a[2:]) for a in desk.signer.addresses]
    with expect("QuorumNotReached", 1, 2):
        desk.act(mallory, trade_perp(mallory, BTC, 10 * SIZE), prices=prices.encode_report(desk.now, words, seals))


def test_what_a_quorum_signs_is_not_used_in_its_block_against_the_reference(desk, put, mallory):
    """A quorum gone bad: set and borrow in one batch. The reference vetoes, and the batch finds no price."""
    source = desk.refer(1, put, deviation=200)
    source.write("set", REFERENCE, True, TRUE, 0, desk.now, sender=desk.admin)
    desk.chain.advance(2)
    report = desk.report({1: FORTUNE})
    with expect("BelowInitialMargin"):  # what has no price is worth nothing, not even its old price
        desk.act(mallory, trade_perp(mallory, BTC, SIZE // 10_000), prices=report)
    with expect("PriceUnusable", 1, desk.now - desk.router_time(1), DEVIATES):
        desk.act(mallory, trade_perp(mallory, ETH, SIZE // 10_000), prices=report)
    assert desk.router_value(1) == TRUE


def test_without_the_reference_it_would_have_been_worth_three_million(desk, mallory):
    """What the veto is worth: the same batch, with nobody to compare with."""
    desk.chain.advance(2)
    desk.act(mallory, trade_perp(mallory, BTC, 10 * SIZE), prices=desk.report({1: FORTUNE}))
    assert desk.assess(mallory).equity > 2_000_000 * WAD


def test_up_and_down_again_is_not_one_block(desk, mallory):
    """Of two signed reports the first counts: the second is passed over, silently, until the next block."""
    victim = desk.trader("victim", 10_000)
    desk.trade(victim, ETH, 5 * SIZE)
    desk.chain.advance(2)
    up = desk.signer.report(desk.now - 1, [Quote(1, TRUE + PRICE)])
    down = desk.signer.report(desk.now, [Quote(1, NOTHING)])
    desk.router.write("update", up, sender=desk.owner(mallory))
    with expect("AccountHealthy"):
        desk.act(mallory, liquidate(mallory, victim), prices=down)
    assert desk.router_value(1) == TRUE + PRICE

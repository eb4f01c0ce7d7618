"""30 August 2021, Cream: 18 million dollars in AMP and ETH.

AMP is a token of the kind that calls its receiver. Cream paid out a loan before it wrote it down; in the middle the
attacker borrowed once more against the same collateral. Hundred and Agave fell to the same in March 2022 (row 47 of the
table, ERC-667). DeFiHackLabs src/test/2021-08/Cream_exp.sol.

Property: a loan is written down before anything leaves, a payment out can be answered by no call into the protocol,
and a token that calls back gains nothing by doing so in any of the actions that move it.
"""

from __future__ import annotations

import pytest
from desk import PRICE, QUOTE, USDC, WAD, WETH
from reentry import RECEIVE, SEND, hook, speak, told

from plimsoll.actions import MAX_UINT256, batch, borrow, deposit, lend, liquidate, recall, repay, withdraw

LOAN = 23_000 * USDC


@pytest.fixture
def desk(hooked):
    hooked.lender("lender", QUOTE, 1_000_000 * USDC)
    return hooked


@pytest.fixture
def twins(desk):
    """Mallory's account, and one whose owner is the token itself: what a hook calls, it calls as its owner."""
    mallory, token = desk.trader("mallory"), desk.token(QUOTE).address
    own = desk.account(token)
    desk.fund(mallory, WETH, 10 * WAD)
    desk.token(WETH).write("mint", token, 10 * WAD, sender=desk.admin)
    speak(desk, QUOTE, desk.token(WETH), "approve", desk.vault(WETH).address, MAX_UINT256)
    speak(desk, QUOTE, desk.engine, "execute", batch([deposit(own, WETH, 10 * WAD)]))
    return mallory, own


def payout(desk, account):
    owner = desk.owner(account)
    return borrow(account, QUOTE, LOAN), withdraw(account, QUOTE, LOAN, owner)


AGAIN = {
    "the_loan_again": lambda desk, a: payout(desk, a),
    "borrow": lambda desk, a: [borrow(a, QUOTE, LOAN)],
    "withdraw_the_collateral": lambda desk, a: [withdraw(a, WETH, 10 * WAD, desk.owner(a))],
    "repay": lambda desk, a: [repay(a, QUOTE)],
    "deposit": lambda desk, a: [deposit(a, QUOTE, 1)],
    "nothing": lambda desk, a: [],
}


@pytest.mark.parametrize("again", AGAIN)
def test_the_receiver_of_a_loan_cannot_come_back_in(desk, twins, again):
    """The hook acts for an account that is its own and has the collateral: outside of the batch it would be granted."""
    mallory, own = twins
    actions = AGAIN[again](desk, own)
    hook(desk, QUOTE, desk.owner(mallory), RECEIVE, desk.engine, "execute", batch(actions))
    desk.act(mallory, *payout(desk, mallory))
    assert told(desk, QUOTE) == "Locked"
    assert (desk.debt(own, QUOTE), desk.held(own, WETH), desk.held(own)) == (0, 10 * WAD, 0)
    assert desk.loans(QUOTE).borrowed == desk.debt(mallory, QUOTE) >= LOAN
    assert 0 <= desk.surplus(QUOTE) <= 2


@pytest.mark.parametrize("again", ["the_loan_again", "borrow"])
def test_outside_of_the_batch_it_would_have_been_granted(desk, twins, again):
    _, own = twins
    speak(desk, QUOTE, desk.engine, "execute", batch(AGAIN[again](desk, own)))
    assert desk.debt(own, QUOTE) >= LOAN


def test_a_loan_itself_calls_nobody(desk, twins):
    """It enters the held balance: no token moves, so no hook runs, and what leaves later is a withdrawal."""
    mallory, _ = twins
    before = desk.token(QUOTE).read("calls")
    for account in (desk.owner(mallory), desk.vault(QUOTE).address, desk.engine.address):
        for when in (SEND, RECEIVE):
            hook(desk, QUOTE, account, when, desk.engine, "execute", batch([]))
    for actions in ([borrow(mallory, QUOTE, LOAN)], [repay(mallory, QUOTE, 1_000)], [lend(mallory, WETH, WAD)]):
        desk.act(mallory, *actions)
        assert desk.token(QUOTE).read("calls") == before


def test_what_is_written_when_the_hook_runs(desk, twins):
    """Debt, held balance and totals stand before the token moves: raw words, read by the hook, are the final ones."""
    mallory, _ = twins
    hook(desk, QUOTE, desk.owner(mallory), RECEIVE, desk.engine, "held", mallory, QUOTE)
    desk.act(mallory, *payout(desk, mallory))
    assert told(desk, QUOTE) == ""
    assert int.from_bytes(desk.token(QUOTE).read("lastResult"), "big") == 0 == desk.held(mallory)


def test_nor_on_the_way_in(desk, twins):
    """A deposit that repays: the sender's hook runs before the tokens come, under the lock."""
    mallory, own = twins
    desk.act(mallory, *payout(desk, mallory))
    hook(desk, QUOTE, desk.owner(mallory), SEND, desk.engine, "execute", batch(payout(desk, own)))
    desk.mint(desk.owner(mallory), QUOTE, 2 * USDC)
    desk.act(mallory, deposit(mallory, QUOTE, LOAN + USDC), repay(mallory, QUOTE))
    assert told(desk, QUOTE) == "Locked"
    assert desk.debt(own, QUOTE) == 0


def test_nor_between_a_slice_and_its_payment(desk, twins):
    """A keeper takes the debtor over, repays and withdraws; his token's hook tries the target and himself again."""
    mallory, _ = twins
    desk.act(mallory, *payout(desk, mallory))
    keeper = desk.trader("keeper", 100_000)
    desk.post({1: 2_500 * PRICE})
    for again in (liquidate(keeper, mallory), withdraw(keeper, QUOTE, USDC, desk.owner(keeper)), recall(keeper, QUOTE)):
        point = desk.chain.snapshot()
        hook(desk, QUOTE, desk.owner(keeper), RECEIVE, desk.engine, "execute", batch([again]))
        desk.act(
            keeper, liquidate(keeper, mallory), repay(keeper, QUOTE), withdraw(keeper, QUOTE, USDC, desk.owner(keeper))
        )
        assert told(desk, QUOTE) == "Locked"
        desk.chain.revert(point)


def test_without_the_rule(desk, twins):
    """Two loans of 23,000 on what lends one: the pair of them against 30,000 of WETH."""
    assert 2 * LOAN > 30_000 * USDC
    mallory, _ = twins
    desk.act(mallory, *payout(desk, mallory))
    found = desk.assess(mallory)
    assert found.equity - LOAN * 10**12 < -16_000 * WAD

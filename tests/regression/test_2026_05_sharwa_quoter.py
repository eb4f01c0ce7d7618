"""1 May 2026, Sharwa again: 32,850 dollars.

An option token counted as collateral at what a Uniswap quoter said that it could be sold for, at the spot of that
moment; the transfer of the token called back into the attacker's contract while the account was half written. He moved
the pool, borrowed against the option in the callback, and moved it back.

Property: an option is worth what a signed surface and the index say; no exchange is asked, whatever its pools hold; and
nobody who is called in the middle of a batch, token or wallet, can read or use a value from it.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WETH, expect
from listed_desk import ListedDesk
from reentry import SEND, hook, told

from plimsoll import contracts
from plimsoll.actions import borrow, withdraw
from plimsoll.testing.deployment import Substituted


def holders(desk):
    """A portfolio account that holds calls and owes against them, one that holds them by rule, and their seller."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    fund, plain = desk.portfolio("mallory", 100_000), desk.trader("mallory", 100_000)
    seller = desk.trader("seller", 500_000)
    for account in (fund, plain):
        desk.match(account, seller, [(desk.call(3_000), 20 * SIZE), (desk.put_on(2_500), 5 * SIZE)])
    return fund, plain, seller


@pytest.mark.parametrize("price", [300, 2_000, 4_000, 30_000])
def test_the_pool_s_price_is_nothing_to_an_option(price):
    """From a tenth of the index to ten times of it: assessments and marks stay, to the wei."""
    desk = ListedDesk.create(exchange=True).with_options()
    accounts = holders(desk)
    before = [desk.assess(one) for one in accounts], desk.mark(desk.call(3_000))
    whale = desk.actor("whale")
    for asset, amount in ((QUOTE, 10**10 * USDC), (WETH, 10**7 * 10**18)):
        desk.mint(whale, asset, amount)
    desk.exchange.move_to(desk.exchange.pool(WETH, QUOTE), price * PRICE, sender=whale)
    # Marks move with the time that it took, by a second or two of theta at most.
    after = [desk.assess(one) for one in accounts], desk.mark(desk.call(3_000))
    for old, new in zip(before[0], after[0], strict=True):
        assert abs(new.equity - old.equity) <= 20 * 10**15 and new.state == old.state
    assert abs(after[1] - before[1]) <= 10**7
    assert [one[:5] for one in after[0]] == [tuple(desk.twin(one)) for one in accounts]


def test_the_attack_itself_borrows_nothing_more():
    """Move the pool, borrow against the option, move back: what may be borrowed is what could be before."""
    desk = ListedDesk.create(exchange=True).with_options()
    fund, _, _ = holders(desk)
    found = desk.assess(fund)
    too_much = (found.equity // 10**12) + USDC
    whale = desk.actor("whale")
    for asset, amount in ((QUOTE, 10**10 * USDC), (WETH, 10**7 * 10**18)):
        desk.mint(whale, asset, amount)
    owner = desk.owner(fund)
    for price in (3_000, 9_000, 1_000):
        desk.exchange.move_to(desk.exchange.pool(WETH, QUOTE), price * PRICE, sender=whale)
        desk.fresh()
        with expect("BelowInitialMargin") as caught:
            desk.act(fund, borrow(fund, QUOTE, too_much), withdraw(fund, QUOTE, too_much, owner))
        assert caught.value.values[0] == fund
    assert desk.debt(fund, QUOTE) == 0


@pytest.mark.parametrize("name", ["assess", "assessWitness", "poolEquity", "lendingOf", "observeExpiry"])
def test_a_token_s_callback_sees_no_value(monkeypatch, name):
    """While it is paid out of an account with options: each question is refused by the lock, each call too."""
    desk = _hooked(monkeypatch)
    fund, _, _ = holders(desk)
    arguments = {
        "assess": (fund,),
        "assessWitness": (fund, b"\0\0\0"),
        "poolEquity": (),
        "lendingOf": (QUOTE,),
        "observeExpiry": (ETH, desk.expiry),
    }[name]
    hook(desk, QUOTE, desk.vault(QUOTE).address, SEND, desk.engine, name, *arguments)
    desk.act(fund, withdraw(fund, QUOTE, USDC, desk.owner(fund)))
    assert told(desk, QUOTE) == "Locked"


def _hooked(monkeypatch):
    artifacts = contracts.load()
    with monkeypatch.context() as patch:
        patch.setattr("plimsoll.deploy.deployment.load", lambda: Substituted(artifacts, "HookERC20"))
        return ListedDesk.create().with_options()

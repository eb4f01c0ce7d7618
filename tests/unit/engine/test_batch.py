"""The door: unknown codes, broken data, one lock, prices first."""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import Kind, deposit, settle, trade_perp, transfer, withdraw
from plimsoll.errors import Reverted

KNOWN = {int(kind) for kind in Kind}


@pytest.fixture
def alice(desk):
    return desk.trader("alice", 10_000)


@pytest.mark.parametrize("reducing", [False, True])
def test_all_256_codes(desk, alice, reducing):
    """Fifteen are known; every other one reverts by name, whatever comes with it. In a reducing batch it is risk
    first."""
    refused = set()
    for code in range(256):
        for data in (b"", bytes(320)):
            try:
                desk.act(alice, (code, alice, data), reducing=reducing)
            except Reverted as error:
                found = (error.name, error.values)
            else:
                found = ("", ())
            if code in KNOWN:
                assert found[0] != "UnknownAction"
                continue
            assert found == (("RiskInReducingBatch", (alice, code)) if reducing else ("UnknownAction", (code,)))
            refused.add(code)
    assert len(refused) == 241
    assert set(range(15)) == KNOWN


@pytest.mark.parametrize("kind", list(Kind))
def test_broken_data_changes_nothing(desk, alice, kind):
    before = desk.assess(alice)
    for data in (b"", b"\0", b"\xff" * 31, b"\xff" * 64, b"\xff" * 320):
        with pytest.raises(Reverted):
            desk.act(alice, (kind, alice, data))
    assert desk.assess(alice) == before


def test_an_empty_batch_is_nothing(desk, alice):
    receipt = desk.act(alice)
    assert desk.events(receipt) == []


def test_one_failing_action_undoes_all(desk, alice):
    with expect("UnknownMarket", 60):
        desk.act(
            alice,
            trade_perp(alice, ETH, SIZE),
            withdraw(alice, QUOTE, USDC, desk.owner(alice)),
            trade_perp(alice, 60, 1),
        )
    assert (desk.position(alice, ETH), desk.held(alice)) == ((0, 0), 10_000 * USDC)


def test_the_check_comes_once_at_the_end(desk, alice):
    """Far below IM in between, enough at the end: a deposit after the trade counts."""
    desk.mint(desk.owner(alice), QUOTE, 10_000 * USDC)
    with expect("BelowInitialMargin"):
        desk.trade(alice, ETH, 120 * SIZE)
    desk.act(alice, trade_perp(alice, ETH, 120 * SIZE), deposit(alice, QUOTE, 10_000 * USDC))


def test_every_touched_account_is_checked(desk, alice):
    """The first of several too, and both ends of a transfer: 60 ETH on the 5,000 that it leaves behind."""
    second = desk.trader("alice", 10_000, index=1)
    cost = desk.fill(ETH, 60 * SIZE).cost - 180_000 * WAD
    with expect("BelowInitialMargin", alice, 5_000 * WAD - cost, 18_000 * WAD):
        desk.act(
            alice,
            trade_perp(alice, ETH, 60 * SIZE),
            transfer(alice, second, QUOTE, 5_000 * USDC),
            trade_perp(second, ETH, SIZE),
        )


def test_an_account_of_another_cannot_be_made_to_act(desk, alice):
    stranger = desk.actor("bob")
    for action in (
        withdraw(alice, QUOTE, 1, stranger),
        trade_perp(alice, ETH, SIZE),
        transfer(alice, desk.account(stranger), QUOTE, 1),
    ):
        with expect("NotAuthorized", alice, stranger):
            desk.execute(stranger, action)


def test_the_prologue_is_stored_before_the_first_action(desk, alice):
    desk.chain.advance(10)
    receipt = desk.act(alice, trade_perp(alice, ETH, SIZE), prices=desk.report({1: 3_100 * PRICE}))
    names = [event.name for event in desk.events(receipt)]
    assert names.index("PricesStored") < names.index("Traded")
    (traded,) = desk.events(receipt, "Traded")
    assert traded.args["index"] == 3_100 * PRICE


def test_a_prologue_that_is_no_report_undoes_all(desk, alice):
    with pytest.raises(Reverted):
        desk.act(alice, trade_perp(alice, ETH, SIZE), prices=b"\1" * 40)
    forged = bytearray(desk.report({1: 1 * PRICE}))
    forged[40] ^= 1
    with pytest.raises(Reverted):
        desk.act(alice, trade_perp(alice, ETH, SIZE), prices=bytes(forged))
    assert desk.position(alice, ETH) == (0, 0)


def test_the_lock_opens_again(desk, alice):
    assert not desk.engine.read("locked")
    desk.trade(alice, ETH, SIZE)
    assert not desk.engine.read("locked")
    with expect("UnknownAction", 99):
        desk.act(alice, (99, alice, b""))
    assert not desk.engine.read("locked")


def test_twenty_accounts_in_one_batch(desk):
    accounts = [desk.trader("alice", 1_000, index=n) for n in range(20)]
    receipt = desk.act(accounts[0], *[trade_perp(account, ETH, SIZE) for account in accounts], settle(ETH, accounts))
    assert len(desk.events(receipt, "Traded")) == 20
    for account in accounts:
        assert desk.assess(account)[:5] == desk.twin(account)


def test_configuration_is_market_config_s_alone(desk, alice):
    for who in (desk.owner(alice), desk.admin):
        with expect("AccessManagedUnauthorized", who):
            desk.engine.write("configure", 0, 0, 0, sender=who)


def test_lenders_claims_are_the_vault_s_alone(desk, alice):
    owner = desk.owner(alice)
    with expect("NotAuthorized", WETH.to_bytes(32, "big"), owner):
        desk.engine.write("changeLent", WETH, 1, 1, sender=owner)


def test_accounts_are_enumerated_in_pages(desk):
    start = desk.engine.read("accountCount")
    made = [desk.trader(f"person {n}", 1) for n in range(7)]
    assert desk.engine.read("accountCount") == start + 7
    assert desk.engine.read("accountsPage", start, 3) == made[:3]
    assert desk.engine.read("accountsPage", start + 5, 100) == made[5:]
    assert desk.engine.read("accountsPage", start + 7, 1) == []
    assert desk.engine.read("accountsPage", 10**30, 10**30) == []


def test_an_account_emptied_and_filled_again_is_listed_once(desk, alice):
    count = desk.engine.read("accountCount")
    desk.act(alice, withdraw(alice, QUOTE, 10_000 * USDC, desk.owner(alice)))
    desk.fund(alice, QUOTE, 5)
    assert desk.engine.read("accountCount") == count
    assert desk.assess(alice).equity == 5 * WAD // USDC

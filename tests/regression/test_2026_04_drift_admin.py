"""1 April 2026, Drift: 285 million dollars.

Two of five signers had signed beforehand what they did not read. In one go a worthless token became collateral, limits
were lifted, and in under twelve minutes 31 withdrawals emptied the vaults. Each step was within the rights of whoever
held the keys.

Property: what adds risk is announced and waits, and a guardian can stop it; a new collateral counts for nothing at
first and grows over a week, whoever lists it; and what may leave a vault per hour is nobody's to change, not even with
all keys and all delays behind him.
"""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest
from desk import PRICE, QUOTE, USDC, WAD, WETH, Desk, expect

from plimsoll import ledger
from plimsoll.actions import borrow, deposit, withdraw
from plimsoll.deploy.parameters import Roles
from plimsoll.margin.words import AssetParams, Balance, Totals
from plimsoll.testing import deployment

DAY, WEEK = 86_400, 7 * 86_400
CAP = 10**24  # a million of the worthless token, at 3,000 by the feed that it was given


def params(desk, **changes):
    word = AssetParams.from_word(ledger.read(desk.engine, [ledger.asset(WETH)])[0])
    fields = {"cap": CAP, "borrow_cap": CAP, "velocity": 10_000, "reserve": 1_000} | changes
    return (*astuple(word)[:6], *fields.values())


@pytest.fixture
def governed():
    """As it is deployed: RISK and ADMIN act after two days."""
    plain = deployment.parameters()
    return Desk.create(parameters=replace(plain, roles=Roles(risk_delay=2 * DAY, admin_delay=2 * DAY)))


def worthless(desk, number=3):
    """A token that anyone mints, and a vault of this engine over it."""
    token = desk.put("MockERC20", "Nothing", "NIL", 18)
    vault = desk.put("CollateralVault", desk.engine.address, number, token.address, "lent", "lent", 10_000, 0)
    return token, vault


WEAPONS = {
    "listAsset": lambda desk: (worthless(desk)[0].address, worthless(desk)[1].address, params(desk)),
    "setAsset": lambda desk: (WETH, params(desk, cap=10**30)),
    "listPair": lambda desk: (WETH, 2, 300, 200),
    "setPair": lambda desk: (WETH, QUOTE, 300, 200),
    "setInsuranceCap": lambda desk: (0, 10**12),
    "setDebtInsurance": lambda desk: (QUOTE, 10**12),
    "setModel": lambda desk: (desk.deployed["RuleMargin"].address, 2, 10),
    "setQuoteFeed": lambda desk: (0, 0, 0),
}


@pytest.mark.parametrize("weapon", WEAPONS)
def test_nothing_that_adds_risk_happens_at_once(governed, weapon):
    """Signed beforehand or not: unannounced it is refused, to the holder of the role himself."""
    with expect("AccessManagerNotScheduled"):
        governed.config.write(weapon, *WEAPONS[weapon](governed), sender=governed.admin)


def test_announced_it_waits_two_days_and_can_be_stopped(governed):
    desk = governed
    token, vault = worthless(desk)
    authority = desk.deployed["Authority"]
    data = desk.config.encode("listAsset", token.address, vault.address, params(desk))
    authority.write("schedule", desk.config.address, data, 0, sender=desk.admin)
    desk.chain.advance(2 * DAY - 60)
    with expect("AccessManagerNotReady"):
        authority.write("execute", desk.config.address, data, sender=desk.admin)
    authority.write("cancel", desk.admin, desk.config.address, data, sender=desk.admin)
    desk.chain.advance(DAY)
    with expect("AccessManagerNotScheduled"):
        authority.write("execute", desk.config.address, data, sender=desk.admin)
    assert desk.config.read("assetCount") == 3


@pytest.fixture
def listed(desk):
    """The delay is over, the keys are his: the token is listed, at 3,000 a piece, and he has a million million."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    token, vault = worthless(desk)
    desk.config.write("listAsset", token.address, vault.address, params(desk), sender=desk.admin)
    thief = desk.actor("thief")
    token.write("mint", thief, 10**30, sender=thief)
    token.write("approve", vault.address, 2**255, sender=thief)
    desk.since = desk.now
    return desk, desk.account(thief)


@pytest.mark.parametrize("seconds", [0, 1, 720, 3_600, DAY, WEEK - 1, WEEK])
def test_a_new_collateral_grows_from_nothing(listed, seconds):
    """In the block of its listing nothing of it enters; in Drift's twelve minutes 0.12 %."""
    desk, account = listed
    desk.chain.advance(seconds)
    cap = CAP * (desk.now - desk.since) // WEEK
    if cap:
        desk.act(account, deposit(account, 3, cap))
    with expect("SupplyCapExceeded", 3, cap + 1, cap):
        desk.act(account, deposit(account, 3, 1))
    assert seconds != 720 or cap * 100_000 // CAP == 119


def test_what_twelve_minutes_are_worth(listed):
    """A real token would be listed with a cap that its market bears; here a million of nothing at 3,000 each, and still
    the borrow velocity and the brake stand behind it."""
    desk, account = listed
    desk.set_limits(QUOTE, borrow_cap=500_000 * USDC, borrow_velocity=1_000)
    desk.chain.advance(720)
    desk.post({})
    desk.act(account, deposit(account, 3, CAP * 719 // WEEK))
    owner = desk.owner(account)
    with expect("BorrowVelocityExceeded", QUOTE, 50_001 * USDC, 50_000 * USDC):
        desk.act(account, borrow(account, QUOTE, 50_001 * USDC), withdraw(account, QUOTE, 50_001 * USDC, owner))
    desk.act(account, borrow(account, QUOTE, 50_000 * USDC), withdraw(account, QUOTE, 50_000 * USDC, owner))
    assert desk.assess(account).equity > 3_000_000 * WAD  # by the feed: so much would have been lent at once


@pytest.mark.parametrize("factor", [2, 1_000, 10**5])
def test_a_lifted_cap_grows_from_where_it_stands(desk, factor):
    """Not from zero, which would stop those who are there, and not to the top, which would be instant."""
    before = desk.loans(WETH).room
    cap = 10**24
    desk.config.write("setAsset", WETH, params(desk, cap=cap * factor, borrow_cap=cap), sender=desk.admin)
    assert abs(desk.loans(WETH).room - before) <= cap * factor // WEEK  # a second's growth
    desk.chain.advance(DAY)
    assert desk.loans(WETH).room <= before + cap * factor // 7 + cap * factor // 1_000


# ---------------------------------------------------------------- the brake


@pytest.fixture
def braked():
    """A quarter of the vault per hour, as shipped; and all keys with one man, without delay."""
    plain = deployment.parameters()
    assets = (replace(plain.assets[0], brake_bps=2_500, brake_floor=0), *plain.assets[1:])
    desk = Desk.create(parameters=replace(plain, assets=assets))
    desk.chain.advance(3_600)
    return desk


def own_everything(desk):
    """What a hole, or a listing, may come to in the end: all that the vault has is one account's balance."""
    thief = desk.account(desk.actor("thief"))
    there = desk.vault(QUOTE).read("balance")
    word = Balance.from_word(desk.chain.storage(desk.engine.address, ledger.balance(thief, QUOTE)))
    desk.fund(thief, QUOTE, 1)
    desk.chain.set_storage(desk.engine.address, ledger.balance(thief, QUOTE), replace(word, held=there).to_word())
    totals = Totals.from_word(desk.chain.storage(desk.engine.address, ledger.totals(QUOTE)))
    desk.chain.set_storage(
        desk.engine.address, ledger.totals(QUOTE), replace(totals, held=totals.held + there).to_word()
    )
    return thief, there


def test_thirty_one_withdrawals_in_twelve_minutes(braked):
    """A quarter leaves, the rest stands in a queue, and there is an hour to look at it."""
    desk = braked
    thief, there = own_everything(desk)
    owner = desk.owner(thief)
    for _ in range(31):
        desk.act(thief, withdraw(thief, QUOTE, there // 31, owner))
        desk.vault(QUOTE).write("process", 10, sender=owner)
        desk.chain.advance(720 // 31)
    got = desk.token(QUOTE).read("balanceOf", owner)
    assert there // 5 < got <= there // 4 + 1
    # Without it: all of it, in the first of them.
    assert desk.vault(QUOTE).read("queued") > there * 7 // 10


def test_no_key_lifts_the_brake(braked):
    """There is nothing to turn: no function of vault, engine or configuration names it, and the vault stays."""
    desk = braked
    for contract in (desk.vault(QUOTE), desk.engine, desk.config):
        writes = {e["name"] for e in contract.artifact.abi if e.get("stateMutability") == "nonpayable" and "name" in e}
        assert not [name for name in writes if "rake" in name or "vault" in name.lower() or "upgrade" in name.lower()]
    vault = desk.vault(QUOTE)
    assert (vault.read("BRAKE_BPS"), vault.read("BRAKE_FLOOR")) == (2_500, 0)
    assert "setAuthority" not in {e.get("name") for e in vault.artifact.abi}
    # A second vault for the same token is another asset: nobody's balance moves to it.
    other = desk.put("CollateralVault", desk.engine.address, 3, desk.token(QUOTE).address, "x", "x", 10_000, 0)
    word = (6, 1, *params(desk)[2:])
    desk.config.write("listAsset", desk.token(QUOTE).address, other.address, word, sender=desk.admin)
    assert desk.deployed.vaults[QUOTE].address == vault.address
    assert ledger.read(desk.engine, [ledger.vault(QUOTE)])[0] == int(vault.address, 16)


def test_no_parameter_lifts_it_either(braked):
    """All of them at their loosest: the same quarter."""
    desk = braked
    thief, there = own_everything(desk)
    desk.set_asset(QUOTE, supply_cap=10**18)
    desk.engine.write("pauseRisk", desk.now + 1_000, sender=desk.admin)
    desk.set_limits(QUOTE, supply_cap=2**104 - 1, borrow_cap=2**104 - 1, borrow_velocity=10_000)
    desk.post({1: 3_000 * PRICE})
    owner = desk.owner(thief)
    desk.act(thief, withdraw(thief, QUOTE, there - 1, owner))
    desk.vault(QUOTE).write("process", 10, sender=desk.admin)
    assert desk.token(QUOTE).read("balanceOf", owner) <= there // 4 + 1

"""28 February 2024, Seneca: 6 million dollars; Silo's leverage helper and Size's `leverageUpWithSwap` in 2025.

A contract that users had given an allowance called any address with any data that its caller chose, and so could be
told to call the token: `transferFrom(user, attacker, everything)`.

Property: what users permit is given to vaults, pool and staked insurance, which take from their caller and nobody else;
the one contract that calls strangers, Executor, is permitted nothing, holds nothing between two calls, leaves no
allowance, and calls no token, vault or part of the protocol, for anyone.
"""

from __future__ import annotations

import pytest
from desk import QUOTE, USDC, WAD, WBTC, WETH, expect

from plimsoll.actions import MAX_UINT256, call, deposit, liquidate
from plimsoll.errors import Reverted

RICH = 1_000_000 * USDC


@pytest.fixture
def victim(desk):
    """An owner with a wallet, and an unlimited allowance for everything that asks for one."""
    owner = desk.actor("victim")
    for asset, amount in ((QUOTE, RICH), (WETH, 1_000 * WAD), (WBTC, 10**10)):
        desk.mint(owner, asset, amount)
    for spender in (desk.pool, desk.stake):
        desk.token(QUOTE).write("approve", spender.address, MAX_UINT256, sender=owner)
    desk.execute(owner, deposit(desk.account(owner), QUOTE, 1_000 * USDC))
    return owner


@pytest.fixture
def mallory(desk):
    """With an account, and allowances of her own; her wallet is empty."""
    account = desk.trader("mallory", 10_000)
    owner = desk.owner(account)
    for asset in range(3):
        desk.mint(owner, asset, 0)
    for spender in (desk.pool, desk.stake):
        desk.token(QUOTE).write("approve", spender.address, MAX_UINT256, sender=owner)
    return account


def wallet(desk, owner):
    return [desk.token(asset).read("balanceOf", owner) for asset in range(3)]


WAYS = {
    "deposit": lambda d, m, v: (d.engine, "execute", (b"", False, [deposit(m, QUOTE, 5 * USDC)])),
    "deposit_for_him": lambda d, m, v: (d.engine, "execute", (b"", False, [deposit(d.account(v), QUOTE, 5 * USDC)])),
    "a_share_for_her": lambda d, m, v: (d.vault(QUOTE), "deposit", 5 * USDC, d.owner(m)),
    "minted": lambda d, m, v: (d.vault(QUOTE), "mint", 5 * USDC, d.owner(m)),
    "stake": lambda d, m, v: (d.stake, "deposit", 5 * USDC, d.owner(m)),
    "request": lambda d, m, v: (d.pool, "requestDeposit", 5 * USDC, d.owner(m)),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_part_takes_from_its_caller(desk, victim, mallory, way):
    """Mallory calls, so it is her empty wallet that is asked, for whomever it is meant."""
    before = wallet(desk, victim)
    contract, name, *args = WAYS[way](desk, mallory, victim)
    owner = desk.owner(mallory)
    with expect("ERC20InsufficientBalance", owner, 0, 5 * USDC):
        contract.write(name, *args, sender=owner)
    assert wallet(desk, victim) == before


def test_custody_and_executor_answer_the_engine_only(desk, victim, mallory):
    owner, executor, before = desk.owner(mallory), desk.deployed["Executor"], wallet(desk, victim)
    for asset in range(3):
        vault = desk.vault(asset)
        for name, args in (("pull", (victim, 1)), ("push", (owner, 1)), ("pay", (owner, 1)), ("count", (1,))):
            with expect("OnlyEngine", owner):
                vault.write(name, *args, sender=owner)
    take = desk.token(QUOTE).encode("transferFrom", victim, owner, 1)
    with expect("OnlyEngine", owner):
        quote, weth = desk.token(QUOTE).address, desk.token(WETH).address
        executor.write("run", quote, 0, owner, weth, owner, quote, take, sender=owner)
    assert wallet(desk, victim) == before


def targets(desk):
    named = ("MarginEngine", "OracleRouter", "Executor", "MarketConfig", "Authority", "LiquidityPool", "InsuranceStake")
    parts = [desk.deployed[name].address for name in named]
    return parts + [part(asset).address for asset in range(3) for part in (desk.token, desk.vault)]


def test_no_call_reaches_a_token_or_a_part(desk, victim, mallory):
    """Whatever the data: his allowances are to vaults, and Executor cannot even speak to them."""
    owner, before = desk.owner(mallory), wallet(desk, victim)
    for target in targets(desk):
        for data in (
            b"",
            desk.token(QUOTE).encode("transferFrom", victim, owner, 1),
            desk.vault(QUOTE).encode("pull", victim, 1),
            desk.token(QUOTE).encode("approve", owner, MAX_UINT256),
        ):
            with expect("CallTargetForbidden", target):
                desk.act(mallory, call(mallory, QUOTE, 0, WETH, 0, target, data))
    assert wallet(desk, victim) == before


@pytest.fixture
def exchange(desk, put):
    made = put(desk, "MockExchange")
    made.write("setPrice", desk.token(QUOTE).address, desk.token(WETH).address, 10**18, 3_000 * USDC, sender=desk.admin)
    desk.token(WETH).write("mint", made.address, 100 * WAD, sender=desk.admin)
    return made


@pytest.mark.parametrize("source", ["victim", "engine", "vault", "pool", "stake"])
def test_a_target_of_hers_finds_no_allowance_anywhere(desk, victim, mallory, exchange, source):
    """`collect` is transferFrom for whatever address it is given: the caller of a call is never the spender of one."""
    address = {
        "victim": victim,
        "engine": desk.engine.address,
        "vault": desk.vault(QUOTE).address,
        "pool": desk.pool.address,
        "stake": desk.stake.address,
    }[source]
    for asset in range(3):
        steal = exchange.encode("collect", desk.token(asset).address, address, 1)
        with pytest.raises(Reverted) as caught:
            desk.act(mallory, call(mallory, QUOTE, USDC, WETH, 0, exchange.address, steal))
        assert caught.value.name == "CallReverted"
        assert caught.value.reason.name == "ERC20InsufficientAllowance"


@pytest.mark.parametrize("left", [0, 1, 5_000, 10_000])
def test_nothing_stays_with_executor(desk, mallory, exchange, left):
    """However much the target leaves: back in the account, and the allowance is zero again."""
    exchange.write("misbehave", 0, left, "0x" + "00" * 20, b"", sender=desk.admin)
    quote, weth, executor = desk.token(QUOTE), desk.token(WETH), desk.deployed["Executor"].address
    data = exchange.encode("swap", quote.address, weth.address, 3_000 * USDC)
    desk.act(mallory, call(mallory, QUOTE, 3_000 * USDC, WETH, 0, exchange.address, data))
    assert quote.read("allowance", executor, exchange.address) == 0
    assert [token.read("balanceOf", executor) for token in (quote, weth)] == [0, 0]
    assert desk.held(mallory) == 10_000 * USDC - 3_000 * USDC * (10_000 - left) // 10_000


def test_a_slice_pays_nobody_s_wallet(desk, victim, mallory):
    """A liquidator's account pays, never his wallet, nor another's: without margin in it, it is refused."""
    target = desk.trader("target", 1_000)
    desk.trade(target, 0, 6 * 10**8)
    desk.post({1: desk.price_for(target, 0, desk.assess(target).mm // 2)})
    poor, before = desk.account(desk.actor("poor")), wallet(desk, victim)
    with expect("BelowInitialMargin"):
        desk.act(poor, liquidate(poor, target))
    assert desk.position(poor, 0) == (0, 0)
    assert wallet(desk, victim) == before


def test_what_one_allowance_would_have_cost(desk, victim):
    """All that is in the wallet, in three calls: that is what Seneca's users had permitted."""
    assert wallet(desk, victim) == [RICH - 1_000 * USDC, 1_000 * WAD, 10**10]
    for asset in range(3):
        assert desk.token(asset).read("allowance", victim, desk.deployed["Executor"].address) == 0
        assert desk.token(asset).read("allowance", victim, desk.vault(asset).address) > 10**30

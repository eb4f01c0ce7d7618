"""30 April 2022, Rari Capital on Fei: 80 million dollars.

Every market had a lock of its own. While ETH was being paid out by one market, its receiver called another contract,
the comptroller, and took the collateral that was to secure the unfinished loan out of its account (`exitMarket`).
DeFiHackLabs src/test/2022-04/Rari_exp.sol.

Property: one lock spans all there is. From the middle of a batch nothing that writes can be called, in the engine, in
any vault, in the pool, in the staked insurance or in the configuration: every function of every contract, by its ABI.
"""

from __future__ import annotations

import pytest
from desk import QUOTE, USDC, WAD, WETH
from reentry import RECEIVE, arguments, hook, speak, told

from plimsoll.actions import MAX_UINT256, batch, borrow, deposit, withdraw

#: What answers before the lock is asked: whoever calls has no right at any time.
NO_RIGHT = {"AccessManagedUnauthorized", "OnlyEngine", "NotAuthorized", "OnlyDeployer", "AccessManagedUnauthorizedCall"}
#: What may be called at any time, and why that changes no account.
FREE = {
    "approve": "an allowance over one's own shares",
    "transfer": "shares change hands, none is made or paid",
    "transferFrom": "as above",
    "cooldown": "begins a wait of seven days",
    "update": "prices, signed: tests/attacks/test_r01",
    "poke": "prices, polled",
    "endRamps": "ends what has run out",
}
CONTRACTS = (
    "MarginEngine",
    "CollateralVault",
    "InsuranceStake",
    "LiquidityPool",
    "MarketConfig",
    "OracleRouter",
    "Executor",
)


@pytest.fixture
def desk(hooked):
    hooked.lender("lender", QUOTE, 1_000_000 * USDC)
    return hooked


@pytest.fixture
def mallory(desk):
    """With a loan to take: 10 WETH, and everything that an account, a lender, an LP and a staker can have."""
    account = desk.trader("mallory")
    desk.fund(account, WETH, 10 * WAD)
    token = desk.token(QUOTE).address  # who the hook speaks as
    for asset, amount in ((QUOTE, 10_000 * USDC), (WETH, 20 * WAD)):
        desk.token(asset).write("mint", token, amount, sender=desk.admin)
    for asset, spender in (
        (QUOTE, desk.pool),
        (QUOTE, desk.stake),
        (QUOTE, desk.vault(QUOTE)),
        (WETH, desk.vault(WETH)),
    ):
        speak(desk, QUOTE, desk.token(asset), "approve", spender.address, MAX_UINT256)
    own = desk.account(token)
    speak(desk, QUOTE, desk.engine, "execute", batch([deposit(own, WETH, 10 * WAD)]))
    speak(desk, QUOTE, desk.vault(QUOTE), "deposit", 1_000 * USDC, token)
    speak(desk, QUOTE, desk.stake, "deposit", 1_000 * USDC, token)
    speak(desk, QUOTE, desk.stake, "cooldown", desk.stake.read("balanceOf", token) // 2)
    number = desk.pool.read("requestCount")
    speak(desk, QUOTE, desk.pool, "requestDeposit", 1_000 * USDC, token)
    desk.chain.advance(desk.pool.read("delay") + 1)
    desk.post({})
    desk.pool.write("execute", [number + 1], sender=desk.admin)
    return account


def loan(desk, account):
    return borrow(account, QUOTE, 1_000 * USDC), withdraw(account, QUOTE, 1_000 * USDC, desk.owner(account))


def writes(contract):
    return [e for e in contract.artifact.abi if e["type"] == "function" and e["stateMutability"] == "nonpayable"]


@pytest.mark.parametrize("name", CONTRACTS)
def test_nothing_that_writes_can_be_called_from_the_middle(desk, mallory, name):
    """Every function of the ABI, of each of the vaults: refused by the lock, or for want of a right."""
    token, seen = desk.token(QUOTE).address, 0
    own = desk.account(token)
    contracts = [desk.vault(asset) for asset in range(3)] if name == "CollateralVault" else [desk.deployed[name]]
    for contract in contracts:
        for function in writes(contract):
            what = function["name"]
            if what in FREE:
                continue
            point = desk.chain.snapshot()
            args = arguments(function, own, token)
            if what == "execute" and name == "MarginEngine":
                args = [batch([])]
            hook(desk, QUOTE, desk.owner(mallory), RECEIVE, contract, what, *args)
            desk.act(mallory, *loan(desk, mallory))
            answer = told(desk, QUOTE)
            assert answer == "Locked" or answer in NO_RIGHT, (contract.address, what, answer)
            seen += 1
            desk.chain.revert(point)
    assert seen >= {"MarginEngine": 13, "CollateralVault": 27, "InsuranceStake": 4, "LiquidityPool": 7}.get(name, 1)


COLLATERAL_OUT = {
    "by_the_engine": lambda desk, own, token: (desk.engine, "execute", batch([withdraw(own, WETH, 10 * WAD, token)])),
    "by_another_vault": lambda desk, own, token: (desk.vault(WETH), "deposit", 1, token),
    "a_lender_leaves": lambda desk, own, token: (desk.vault(QUOTE), "redeem", 1_000 * USDC, token, token),
    "a_lender_enters": lambda desk, own, token: (desk.vault(QUOTE), "mint", USDC, token),
    "a_staker_leaves": lambda desk, own, token: (desk.stake, "redeem", 10**12, token, token),
    "a_staker_enters": lambda desk, own, token: (desk.stake, "deposit", USDC, token),
    "an_lp_enters": lambda desk, own, token: (desk.pool, "requestDeposit", USDC, token),
    "an_lp_leaves": lambda desk, own, token: (desk.pool, "requestRedeem", WAD, token),
    "the_reserve": lambda desk, own, token: (desk.engine, "collectReserve", QUOTE),
    "the_queue": lambda desk, own, token: (desk.vault(QUOTE), "process", 1),
    "a_lockdown": lambda desk, own, token: (desk.engine, "lockdown"),
}


@pytest.mark.parametrize("way", COLLATERAL_OUT)
def test_rari_s_way_around_through_what_would_be_granted(desk, mallory, way):
    """The caller has every right to it; before or after the batch it goes through, in the middle it does not."""
    token = desk.token(QUOTE).address
    contract, what, *args = COLLATERAL_OUT[way](desk, desk.account(token), token)
    if way == "a_staker_leaves":
        desk.chain.advance(desk.stake.read("period"))
        desk.post({})
    if way == "a_lender_leaves":
        desk.calm()
    hook(desk, QUOTE, desk.owner(mallory), RECEIVE, contract, what, *args)
    desk.act(mallory, *loan(desk, mallory))
    assert told(desk, QUOTE) == "Locked"
    if way != "by_another_vault":
        speak(desk, QUOTE, contract, what, *args)


def test_the_lock_is_open_again_after_success_and_failure(desk, mallory):
    for _ in range(2):
        desk.act(mallory, *loan(desk, mallory))
        assert not desk.engine.read("locked")
        try:
            desk.act(mallory, withdraw(mallory, WETH, 10 * WAD, desk.owner(mallory)))
        except Exception as refused:
            assert refused.name == "BelowInitialMargin"
        assert not desk.engine.read("locked")

"""10 February 2023, dForce: 3.65 million dollars; in the same year Sentiment, Sturdy and Conic, 5 million more.

Nothing of theirs was re-entered. In the middle of a withdrawal from a Curve or Balancer pool, its receiver asked them
for a loan, and they asked the pool for its price: tokens had left, shares had not yet been burned, and the view that
gave the price did not know of the lock. DeFiHackLabs src/test/2023-02/dForce_exp.sol.

Property: every view that carries a price or a value of accounts or shares refuses an answer in the middle of a batch:
of the engine, the vaults, the staked insurance, the pool and the lens. What answers is listed here, by the ABI, and is
raw words, amounts, constants or signed prices: a third contract that makes a price of them asks `locked()` first.
"""

from __future__ import annotations

import pytest
from desk import QUOTE, USDC, WAD, WETH
from reentry import RECEIVE, arguments, hook, told

from plimsoll import contracts
from plimsoll.actions import call

ERC20 = {"name", "symbol", "decimals", "totalSupply", "balanceOf", "allowance", "asset", "engine"}
MANAGED = {"authority", "isConsumingScheduledOp"}
ERC4626 = {"totalAssets", "convertToAssets", "convertToShares", "maxDeposit", "maxMint", "maxWithdraw", "maxRedeem"}
PREVIEWS = {"previewDeposit", "previewMint", "previewWithdraw", "previewRedeem"}
LOCKED = {
    "MarginEngine": {"assess", "assessAt", "poolEquity", "lendingOf", "lentOf", "debtOf", "exitsWait"}
    | {"assessWitness"},
    "CollateralVault": ERC4626 | PREVIEWS,
    "InsuranceStake": ERC4626 | PREVIEWS,
    "LiquidityPool": {"totalAssets", "convertToAssets", "convertToShares", "waitOf", "requirement"},
    "Lens": {"health", "healthPage", "assets", "globals", "markets", "lending", "rawAccounts", "rawPage"}
    | {"liquidationPrice", "liquidationPriceOfAsset"},
}
FREE = {
    "MarginEngine": MANAGED
    | {"EXECUTOR", "NO_MARKET", "QUOTE_UNIT", "ROUTER", "accountCount", "accountsPage", "insuranceAccount"}
    | {"poolAccount", "locked", "held", "position", "totals", "slots", "options", "settlementOf"},
    "CollateralVault": ERC20
    | {"BRAKE_BPS", "BRAKE_FLOOR", "assetIndex", "balance", "brake", "claimable", "payment", "queue", "queued"},
    "InsuranceStake": ERC20
    | {"MAX_PERIOD", "MIN_PERIOD", "MIN_WINDOW", "account", "cooling", "period", "window", "treasury"},
    "LiquidityPool": ERC20
    | MANAGED
    | {"MAX_DELAY", "MAX_WINDOW", "MIN_WINDOW", "RECLAIM_AFTER", "account", "anchor", "claimable", "delay", "window"}
    | {"escrowedAssets", "request", "requestCount"},
    "Lens": {"engine", "router"},
}
AMOUNT = 3_000 * USDC


def views(contract):
    return [e for e in contract.artifact.abi if e["type"] == "function" and e["stateMutability"] in ("view", "pure")]


def instances(desk, name):
    return [desk.vault(asset) for asset in range(3)] if name == "CollateralVault" else [desk.deployed[name]]


@pytest.fixture
def exchange(desk, put):
    made = put(desk, "MockExchange")
    made.write("setPrice", desk.token(QUOTE).address, desk.token(WETH).address, 10**18, 3_000 * USDC, sender=desk.admin)
    desk.token(WETH).write("mint", made.address, 1_000 * WAD, sender=desk.admin)
    return made


@pytest.fixture
def mallory(desk):
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    return desk.trader("mallory", 100_000)


def asked(desk, exchange, account, contract, function):
    """Asks in the middle of a swap, when the input has left and the output has not come; "" when it was answered.

    The account is 3,000 short in that moment: by the answer whoever lends on it would be wrong by that much.
    """
    question = contract.encode(function["name"], *arguments(function, account, desk.owner(account)))
    exchange.write("misbehave", 0, 0, contract.address, question, sender=desk.admin)
    data = exchange.encode("swap", desk.token(QUOTE).address, desk.token(WETH).address, AMOUNT)
    try:
        desk.act(account, call(account, QUOTE, AMOUNT, WETH, 0, exchange.address, data))
    except Exception as refused:
        assert refused.name == "CallReverted"
        reason = refused.values[1]
        return contracts.decode_error(reason)[0] if reason else "nothing"
    return ""


@pytest.mark.parametrize("name", LOCKED)
def test_the_lists_are_complete(desk, name):
    """A view that somebody adds belongs to one of them."""
    for contract in instances(desk, name):
        assert {view["name"] for view in views(contract)} == LOCKED[name] | FREE[name]
    assert not LOCKED[name] & FREE[name]


@pytest.mark.parametrize("name", LOCKED)
def test_no_price_and_no_value_in_the_middle_of_a_batch(desk, exchange, mallory, name):
    for contract in instances(desk, name):
        for view in views(contract):
            if view["name"] in LOCKED[name]:
                assert asked(desk, exchange, mallory, contract, view) == "Locked", view["name"]


@pytest.mark.parametrize("name", LOCKED)
def test_what_answers_is_what_stands(desk, exchange, mallory, name):
    """Constants, words, amounts: never refused by the lock."""
    for contract in instances(desk, name):
        for view in views(contract):
            if view["name"] in FREE[name]:
                point = desk.chain.snapshot()
                assert asked(desk, exchange, mallory, contract, view) != "Locked", view["name"]
                desk.chain.revert(point)


PAYOUTS = {
    "a_lender": lambda desk, owner: desk.vault(QUOTE).write("redeem", 100 * USDC, owner, owner, sender=owner),
    "a_staker": lambda desk, owner: desk.stake.write(
        "redeem", desk.stake.read("maxRedeem", owner), owner, owner, sender=owner
    ),
}


@pytest.mark.parametrize("who", PAYOUTS)
def test_outside_of_a_batch_the_receiver_sees_what_will_stand_or_nothing(hooked, who):
    """A share is burned before its payment: the price that the hook reads is the price afterwards; a staker's, who
    is paid by the engine, is refused."""
    desk = hooked
    owner = desk.actor("mallory")
    desk.token(QUOTE).write("mint", owner, 2_000 * USDC, sender=desk.admin)
    shares = desk.vault(QUOTE) if who == "a_lender" else desk.stake
    desk.token(QUOTE).write("approve", shares.address, 2**255, sender=owner)
    shares.write("deposit", 1_000 * USDC, owner, sender=owner)
    if who == "a_staker":
        shares.write("cooldown", shares.read("balanceOf", owner) // 2, sender=owner)
        desk.chain.advance(shares.read("period") + 1)
    hook(desk, QUOTE, owner, RECEIVE, shares, "convertToAssets", 10**15)
    PAYOUTS[who](desk, owner)
    if who == "a_staker":
        assert told(desk, QUOTE) == "Locked"
        return
    assert told(desk, QUOTE) == ""
    seen = int.from_bytes(desk.token(QUOTE).read("lastResult"), "big")
    assert seen == shares.read("convertToAssets", 10**15)

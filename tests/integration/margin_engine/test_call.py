"""MarginEngine: Call, through Executor."""

import pytest
from helpers import ANY, only, reverts
from world import BITCOIN, ETH, ETHER, NOBODY, QUOTE, SIZE, USDC, WAD, WBTC, WETH

from plimsoll.abi import keccak
from plimsoll.actions import call, deposit, trade_perp


@pytest.fixture
def exchange(world, trader):
    """Sells WETH at 3,000 and WBTC at 60,000, and buys them back; well stocked."""
    exchange = world.put("MockExchange")
    for asset, numerator, denominator in ((WETH, 10**12, 3000), (WBTC, 1, 600)):
        quote, token = world.tokens[QUOTE], world.tokens[asset]
        exchange.setPrice(quote, token, numerator, denominator, {"from": trader})
        exchange.setPrice(token, quote, denominator, numerator, {"from": trader})
        token.mint(exchange, 10_000 * 10 ** token.decimals(), {"from": trader})
    world.tokens[QUOTE].mint(exchange, 10_000_000 * USDC, {"from": trader})
    return exchange


def swap(world, exchange, account, asset_in, amount, asset_out, min_out=0):
    data = exchange.swap.encode_input(world.tokens[asset_in], world.tokens[asset_out], amount)
    return call(account, asset_in, amount, asset_out, min_out, exchange.address, bytes.fromhex(data[2:]))


@pytest.mark.parametrize(
    "name", ["MarginEngine", "OracleRouter", "MarketConfig", "Executor", "LiquidityPool", "Authority"]
)
def test_no_contract_of_the_protocol(world, trader, account, name):
    """What could act with the protocol's rights is no target."""
    target = world.contract(name).address
    with reverts("CallTargetForbidden", target):
        world.execute(trader, call(account, QUOTE, 1, WETH, 0, target, b""))


@pytest.mark.parametrize("asset", [QUOTE, WETH, WBTC])
@pytest.mark.parametrize("kind", ["tokens", "vaults"])
def test_no_token_and_no_vault(world, trader, account, asset, kind):
    """A token would hand out a lasting approval."""
    target = getattr(world, kind)[asset].address
    with reverts("CallTargetForbidden", target):
        world.execute(trader, call(account, QUOTE, 1, WETH, 0, target, b""))


def test_not_permit2(world, trader, account):
    """Nor the contract in which others keep approvals."""
    permit2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3"
    with reverts("CallTargetForbidden", permit2):
        world.execute(trader, call(account, QUOTE, 1, WETH, 0, permit2, b""))


def test_only_the_owner(world, stranger, account, exchange):
    """Nobody else spends an account's assets."""
    with reverts("NotAuthorized", account, stranger):
        world.execute(stranger, swap(world, exchange, account, QUOTE, USDC, WETH))


@pytest.mark.parametrize("asset", [QUOTE, WETH])
def test_into_the_same_asset(world, trader, account, exchange, asset):
    """What comes back is measured per vault, so they must differ."""
    with reverts("AssetNotAllowed", account, asset):
        world.execute(trader, swap(world, exchange, account, asset, 1, asset))


@pytest.mark.parametrize(("asset_in", "asset_out", "unknown"), [(7, WETH, 7), (QUOTE, 8, 8)])
def test_an_unknown_asset(world, trader, account, exchange, asset_in, asset_out, unknown):
    """Both sides need a vault."""
    with reverts("UnknownAsset", unknown):
        world.execute(trader, call(account, asset_in, 1, asset_out, 0, exchange.address, b""))


def test_more_than_is_held(world, trader, account, exchange):
    """Never on credit."""
    with reverts("InsufficientBalance", account, QUOTE, 10_000 * USDC, 10_001 * USDC):
        world.execute(trader, swap(world, exchange, account, QUOTE, 10_001 * USDC, WETH))


@pytest.mark.parametrize("shortfall", [1, 500, 10_000])
def test_less_than_the_minimum_comes_back(world, trader, account, exchange, shortfall):
    """A bad fill reverts the whole batch."""
    exchange.misbehave(shortfall, 0, NOBODY, b"", {"from": trader})
    with reverts("OutputBelowMinimum", WETH, ETHER - ETHER * shortfall // 10_000, ETHER):
        world.execute(trader, swap(world, exchange, account, QUOTE, 3000 * USDC, WETH, ETHER))


def test_a_target_that_reverts(world, trader, account, exchange):
    """Its reason comes through inside CallReverted."""
    exchange.setPrice(world.tokens[QUOTE], world.tokens[WETH], 0, 0, {"from": trader})
    with reverts("CallReverted", exchange, ANY):
        world.execute(trader, swap(world, exchange, account, QUOTE, 3000 * USDC, WETH))


def test_a_target_that_comes_back_in(world, trader, account, exchange):
    """The lock stands during the call: re-entry finds Locked."""
    data = bytes.fromhex(world.engine.lockdown.encode_input()[2:])
    exchange.misbehave(0, 0, world.engine.address, data, {"from": trader})
    with reverts("CallReverted", exchange, ANY) as caught:
        world.execute(trader, swap(world, exchange, account, QUOTE, 3000 * USDC, WETH))
    reason = keccak(b"Locked()")[:4]
    assert str(reason)[2:-1] in caught.value.revert_msg


def test_not_below_initial_margin(world, trader, account, exchange):
    """A swap is held to the same check as a withdrawal."""
    world.execute(trader, trade_perp(account, ETH, 30 * SIZE))
    exchange.misbehave(9000, 0, NOBODY, b"", {"from": trader})
    with reverts("BelowInitialMargin", account, ANY, ANY):
        world.execute(trader, swap(world, exchange, account, QUOTE, 3000 * USDC, WETH))


def test_beyond_the_supply_cap(world, deployer, trader, account, exchange):
    """What is bought counts toward the cap as a deposit does."""
    world.config.setAsset(WETH, (18, 1, 2000, 1000, 60, 10_000, ETHER // 2, 0, 0, 0), {"from": deployer})
    with reverts("SupplyCapExceeded", WETH, ETHER, ETHER // 2):
        world.execute(trader, swap(world, exchange, account, QUOTE, 3000 * USDC, WETH))


@pytest.mark.parametrize(
    ("asset_in", "amount", "asset_out", "received"),
    [
        (QUOTE, 3000 * USDC, WETH, ETHER),
        (QUOTE, 600 * USDC, WBTC, BITCOIN // 100),
        (WETH, ETHER, QUOTE, 3000 * USDC),
        (WBTC, BITCOIN // 2, QUOTE, 30_000 * USDC),
    ],
)
def test_a_swap_changes_one_holding_for_another(
    world, trader, account, exchange, asset_in, amount, asset_out, received
):
    """Spent here, received there, the same in custody; Executor keeps nothing."""
    if asset_in != QUOTE:
        world.execute(trader, deposit(account, asset_in, amount))
    spent, got = world.held(account, asset_in), world.held(account, asset_out)
    vaults = world.vaults[asset_in].balance(), world.vaults[asset_out].balance()
    tx = world.execute(trader, swap(world, exchange, account, asset_in, amount, asset_out, received))
    assert (spent - amount, got + received) == (world.held(account, asset_in), world.held(account, asset_out))
    assert (vaults[0] - amount, vaults[1] + received) == (
        world.vaults[asset_in].balance(),
        world.vaults[asset_out].balance(),
    )
    assert {"account": account, "target": exchange, "spent": amount, "received": received} == only(tx, "Called")
    assert sum(token.balanceOf(world.executor) for token in world.tokens) == 0


@pytest.mark.parametrize("left_bps", [1, 2500, 10_000])
def test_what_is_not_spent_comes_back(world, trader, account, exchange, left_bps):
    """Input that the target leaves is credited again, and the approval is taken back."""
    exchange.misbehave(0, left_bps, NOBODY, b"", {"from": trader})
    tx = world.execute(trader, swap(world, exchange, account, QUOTE, 3000 * USDC, WETH))
    left = 3000 * USDC * left_bps // 10_000
    assert 3000 * USDC - left == only(tx, "Called")["spent"]
    assert 7000 * USDC + left == world.held(account)
    assert world.tokens[QUOTE].allowance(world.executor, exchange) == 0


def test_equity_is_what_it_was(world, trader, account, exchange):
    """At the feed's price a swap changes no equity."""
    world.execute(trader, swap(world, exchange, account, QUOTE, 6000 * USDC, WETH))
    assert world.assess(account).equity == 10_000 * WAD


def test_a_newly_forbidden_target(world, deployer, trader, account, exchange):
    """Forbidding is for good and at once."""
    world.config.forbidCallTarget(exchange, {"from": deployer})
    with reverts("CallTargetForbidden", exchange):
        world.execute(trader, swap(world, exchange, account, QUOTE, USDC, WETH))

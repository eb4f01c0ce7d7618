"""Call: a swap through Executor, with what it may spend and must bring; what is credited is what was measured."""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WBTC, WETH, expect

from plimsoll import contracts
from plimsoll.actions import batch, call, deposit, liquidate, margin_call, trade_perp
from plimsoll.margin import position_math

NOBODY = "0x" + "00" * 20


@pytest.fixture
def exchange(desk, put):
    """3,000 USDC for a WETH, and back."""
    made = put(desk, "MockExchange")
    quote, weth = desk.token(QUOTE).address, desk.token(WETH).address
    made.write("setPrice", quote, weth, WAD, 3_000 * USDC, sender=desk.admin)
    made.write("setPrice", weth, quote, 3_000 * USDC, WAD, sender=desk.admin)
    desk.token(WETH).write("mint", made.address, 1_000 * WAD, sender=desk.admin)
    desk.token(QUOTE).write("mint", made.address, 10**6 * USDC, sender=desk.admin)
    return made


@pytest.fixture
def alice(desk):
    return desk.trader("alice", 9_000)


def swap(desk, exchange, account, amount, least=0, *, sell=QUOTE, buy=WETH, asked=None):
    """Spends `amount`; what the exchange is asked to take may differ."""
    taken = amount if asked is None else asked
    data = exchange.encode("swap", desk.token(sell).address, desk.token(buy).address, taken)
    return call(account, sell, amount, buy, least, exchange.address, data)


def test_only_the_owner_and_not_when_called(desk, exchange, alice):
    with expect("NotAuthorized", alice, desk.actor("mallory")):
        desk.execute(desk.actor("mallory"), swap(desk, exchange, alice, USDC))
    caller = desk.trader("caller", 1)
    desk.trade(alice, ETH, 50 * SIZE)
    desk.post({1: 2_930 * PRICE})
    desk.act(caller, margin_call(caller, alice))
    with expect("AccountCalled", alice, desk.now + 3_600):
        desk.act(alice, swap(desk, exchange, alice, USDC))


def test_unknown_and_equal_assets(desk, exchange, alice):
    for spend, receive, missing in ((7, WETH, 7), (QUOTE, 7, 7)):
        with expect("UnknownAsset", missing):
            desk.act(alice, call(alice, spend, 1, receive, 0, exchange.address, b""))
    with expect("AssetNotAllowed", alice, QUOTE):
        desk.act(alice, call(alice, QUOTE, 1, QUOTE, 0, exchange.address, b""))


@pytest.mark.parametrize("name", ["engine", "router", "executor", "config", "pool", "authority", "token", "vault"])
def test_forbidden_targets(desk, alice, name):
    address = {
        "engine": desk.engine.address,
        "router": desk.router.address,
        "executor": desk.deployed["Executor"].address,
        "config": desk.config.address,
        "pool": desk.pool.address,
        "authority": desk.deployed["Authority"].address,
        "token": desk.token(WBTC).address,
        "vault": desk.vault(WBTC).address,
    }[name]
    with expect("CallTargetForbidden", address):
        desk.act(alice, call(alice, QUOTE, 1, WETH, 0, address, b""))


def test_a_target_can_be_forbidden_later_and_for_good(desk, exchange, alice):
    desk.act(alice, swap(desk, exchange, alice, 3_000 * USDC))
    desk.config.write("forbidCallTarget", exchange.address, sender=desk.admin)
    with expect("CallTargetForbidden", exchange.address):
        desk.act(alice, swap(desk, exchange, alice, 3_000 * USDC))


def test_executor_listens_to_the_engine_alone(desk, alice):
    executor = desk.deployed["Executor"]
    quote, weth = desk.token(QUOTE).address, desk.token(WETH).address
    with expect("OnlyEngine", desk.owner(alice)):
        vault = desk.vault(QUOTE).address
        executor.write("run", quote, 0, vault, weth, vault, quote, b"", sender=desk.owner(alice))


def test_more_than_is_held(desk, exchange, alice):
    with expect("InsufficientBalance", alice, QUOTE, 9_000 * USDC, 9_000 * USDC + 1):
        desk.act(alice, swap(desk, exchange, alice, 9_000 * USDC + 1))


@pytest.mark.parametrize(
    "shortfall, least, enough", [(0, WAD, True), (1, WAD, False), (1, 9_999 * WAD // 10_000, True)]
)
def test_least_output(desk, exchange, alice, shortfall, least, enough):
    exchange.write("misbehave", shortfall, 0, NOBODY, b"", sender=desk.admin)
    brought = WAD - WAD * shortfall // 10_000
    if not enough:
        with expect("OutputBelowMinimum", WETH, brought, least):
            desk.act(alice, swap(desk, exchange, alice, 3_000 * USDC, least))
        assert (desk.held(alice), desk.held(alice, WETH)) == (9_000 * USDC, 0)
        return
    receipt = desk.act(alice, swap(desk, exchange, alice, 3_000 * USDC, least))
    assert (desk.held(alice), desk.held(alice, WETH)) == (6_000 * USDC, brought)
    (told,) = desk.events(receipt, "Called")
    assert told.args == {"account": alice, "target": exchange.address, "spent": 3_000 * USDC, "received": brought}
    for asset in (QUOTE, WETH):
        held, _ = desk.engine.read("totals", asset)
        assert held == desk.vault(asset).read("balance")
        assert desk.token(asset).read("balanceOf", desk.deployed["Executor"].address) == 0


@pytest.mark.parametrize("left", [1, 2_500, 10_000])
def test_input_that_was_not_taken_comes_back(desk, exchange, alice, left):
    exchange.write("misbehave", 0, left, NOBODY, b"", sender=desk.admin)
    desk.act(alice, swap(desk, exchange, alice, 3_000 * USDC))
    taken = 3_000 * USDC - 3_000 * USDC * left // 10_000
    assert desk.held(alice) == 9_000 * USDC - taken
    assert desk.held(alice, WETH) == taken * WAD // (3_000 * USDC)
    assert desk.token(QUOTE).read("allowance", desk.deployed["Executor"].address, exchange.address) == 0


def test_an_exchange_that_takes_more_than_it_was_given(desk, exchange, alice):
    with expect("CallReverted") as caught:
        desk.act(alice, swap(desk, exchange, alice, USDC, asked=2 * USDC))
    target, reason = caught.value.values
    assert target == exchange.address
    error, values, _ = contracts.decode_error(reason)
    assert (error, values) == ("ERC20InsufficientAllowance", (exchange.address, USDC, 2 * USDC))


def test_a_refusal_comes_through(desk, exchange, alice):
    with expect("CallReverted") as caught:
        desk.act(alice, swap(desk, exchange, alice, USDC, buy=WBTC))
    error, values, _ = contracts.decode_error(caught.value.values[1])
    assert (error, values) == ("SwapRefused", (desk.token(QUOTE).address, desk.token(WBTC).address))


def test_an_address_without_code_brings_nothing_and_gets_nothing(desk, alice):
    nobody = desk.actor("nobody")
    with expect("OutputBelowMinimum", WETH, 0, 1):
        desk.act(alice, call(alice, QUOTE, USDC, WETH, 1, nobody, b""))
    desk.act(alice, call(alice, QUOTE, USDC, WETH, 0, nobody, b""))
    assert desk.held(alice) == 9_000 * USDC


def test_re_entry_is_locked_out(desk, exchange, alice):
    data = desk.engine.encode("execute", batch([deposit(alice, QUOTE, 1)]))
    exchange.write("misbehave", 0, 0, desk.engine.address, data, sender=desk.admin)
    with expect("CallReverted") as caught:
        desk.act(alice, swap(desk, exchange, alice, USDC))
    assert contracts.decode_error(caught.value.values[1])[0] == "Locked"


def test_a_gift_to_executor_goes_to_whoever_calls_next(desk, exchange, alice):
    """It keeps nothing: what lies there is nobody's."""
    desk.token(WETH).write("mint", desk.deployed["Executor"].address, 5, sender=desk.admin)
    desk.act(alice, swap(desk, exchange, alice, 3_000 * USDC))
    assert desk.held(alice, WETH) == WAD + 5


def test_supply_cap_of_what_comes(desk, exchange, alice):
    desk.set_asset(WETH, supply_cap=WAD - 1)
    with expect("SupplyCapExceeded", WETH, WAD, WAD - 1):
        desk.act(alice, swap(desk, exchange, alice, 3_000 * USDC))


def test_margin_is_asked_for_afterwards(desk, exchange, alice):
    """Quote counts in full, WETH with its haircut in IM: too much of it does not carry the position any more."""
    desk.trade(alice, ETH, 45 * SIZE)
    with expect("BelowInitialMargin"):
        desk.act(alice, swap(desk, exchange, alice, 8_000 * USDC))


def test_isolated_accounts_take_no_other_asset(desk, exchange):
    account = desk.trader("alice", 9_000, market=ETH)
    with expect("AssetNotAllowed", account, WETH):
        desk.act(account, swap(desk, exchange, account, 3_000 * USDC))


def test_take_over_sell_the_collateral_and_close_in_one_batch(desk, exchange):
    """Liquidate, sell the WETH that came with it, close the position; the taker began with nothing."""
    target, keeper = desk.trader("bob"), desk.trader("keeper")
    desk.fund(target, WETH, 10 * WAD)
    desk.trade(target, ETH, -60 * SIZE)
    while desk.assess(target).state < 3:
        desk.post({1: desk.prices[1] + 20 * PRICE})
    exchange.write(
        "setPrice",
        desk.token(WETH).address,
        desk.token(QUOTE).address,
        desk.prices[1] * USDC // PRICE,
        WAD,
        sender=desk.admin,
    )
    piece = desk.slice(target)
    weth = 10 * WAD * piece.fraction // WAD
    size = -position_math.slice(*desk.position(target, ETH), piece.fraction)[0]
    desk.act(
        keeper,
        liquidate(keeper, target),
        swap(desk, exchange, keeper, weth, sell=WETH, buy=QUOTE),
        trade_perp(keeper, ETH, size),
    )
    assert desk.held(keeper, WETH) == 0
    assert desk.position(keeper, ETH) == (0, 0)
    assert desk.assess(keeper).equity > 0

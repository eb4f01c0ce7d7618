"""MarginEngine: setOperator, lockdown, and what an operator may do."""

import pytest
from helpers import ANY, only, reverts
from world import BTC, DAY, ETH, HOUR, QUOTE, SIZE, USDC, WAD, WETH

from plimsoll.actions import call, deposit, liquidate, margin_call, settle, trade_perp, transfer, withdraw

FOREVER = 2**32 - 1


def limits(*, markets=1, notional=1_000_000, leverage=2000, reduce_only=False, expiry=FOREVER, ppm=10_000, daily=1000):
    return (markets, notional, leverage, reduce_only, expiry, ppm, daily)


def name(text):
    return text.encode().ljust(32, b"\0")


@pytest.fixture
def appoint(world, trader, account, operator):
    def appoint(**changed):
        return world.engine.setOperator(account, operator, limits(**changed), {"from": trader})

    return appoint


@pytest.fixture
def appointed(appoint):
    return appoint()


def test_only_the_owner_appoints(world, stranger, operator, account):
    """Nobody appoints for another."""
    with reverts("NotAuthorized", account, stranger):
        world.engine.setOperator(account, operator, limits(), {"from": stranger})


def test_an_operator_appoints_nobody(world, operator, stranger, account, appointed):
    """Rights are not passed on."""
    with reverts("NotAuthorized", account, operator):
        world.engine.setOperator(account, stranger, limits(), {"from": operator})


@pytest.mark.parametrize(
    "action",
    [
        lambda a, b, me: withdraw(a, QUOTE, 1, me),
        lambda a, b, me: transfer(a, b, QUOTE, 1),
        lambda a, b, me: call(a, QUOTE, 1, WETH, 0, me, b""),
        lambda a, b, me: liquidate(a, b),
        lambda a, b, me: margin_call(a, b),
        lambda a, b, me: deposit(a, WETH, 1),
    ],
    ids=["withdraw", "transfer", "call", "liquidate", "margin_call", "deposit of a new asset"],
)
def test_he_only_trades(world, operator, account, appointed, action):
    """Nothing that moves value belongs to him."""
    with reverts("NotAuthorized", account, operator):
        world.execute(operator, action(account, world.account(operator), operator.address))


@pytest.mark.parametrize("market", [BTC, 2, 4])
def test_only_in_his_markets(world, operator, account, appointed, market):
    """One bit per market."""
    with reverts("OperatorLimitExceeded", account, operator, name("markets"), market, 1):
        world.execute(operator, trade_perp(account, market, SIZE))


@pytest.mark.parametrize("field", ["expired", "removed", "never"])
def test_without_a_valid_grant(world, operator, account, appoint, field):
    """Expired, removed or never given: he is a stranger."""
    if field == "expired":
        appoint(expiry=world.now + 10)
        world.later(11)
    if field == "removed":
        appoint()
        appoint(markets=0, notional=0, leverage=0, expiry=0, ppm=0, daily=0)
    with reverts("NotAuthorized", account, operator):
        world.execute(operator, trade_perp(account, ETH, SIZE))


def test_a_lockdown_revokes_every_grant(world, trader, operator, account, appointed):
    """All operators of all accounts, at once."""
    tx = world.engine.lockdown({"from": trader})
    assert {"owner": trader, "epoch": 1} == only(tx, "Lockdown")
    with reverts("NotAuthorized", account, operator):
        world.execute(operator, trade_perp(account, ETH, SIZE))


def test_another_owners_lockdown_changes_nothing(world, counterparty, operator, account, appointed):
    """A lockdown is one's own."""
    world.engine.lockdown({"from": counterparty})
    world.execute(operator, trade_perp(account, ETH, SIZE))
    assert world.position(account)[0] == SIZE


def test_a_grant_after_the_lockdown_counts(world, trader, operator, account, appoint):
    """Whoever is appointed anew is meant."""
    world.engine.lockdown({"from": trader})
    appoint()
    world.execute(operator, trade_perp(account, ETH, SIZE))
    assert world.position(account)[0] == SIZE


def test_each_lockdown_has_its_number(world, trader):
    """They count up."""
    world.engine.lockdown({"from": trader})
    assert only(world.engine.lockdown({"from": trader}), "Lockdown")["epoch"] == 2


@pytest.mark.parametrize(("most", "size"), [(2999, SIZE), (20_000, 7 * SIZE)])
def test_the_largest_notional(world, operator, account, appoint, most, size):
    """Gross, after the batch, whole quote."""
    appoint(notional=most)
    expected = size * 3000 * 10**10
    with reverts("OperatorLimitExceeded", account, operator, name("maxNotional"), expected, most * WAD):
        world.execute(operator, trade_perp(account, ETH, size))


@pytest.mark.parametrize("leverage", [100, 250])
def test_the_largest_leverage(world, operator, account, appoint, leverage):
    """In hundredths of the equity."""
    appoint(leverage=leverage)
    size = (leverage * 100 // 3000 + 1) * SIZE
    with reverts("OperatorLimitExceeded", account, operator, name("maxLeverage"), size * 3000 * 10**10, ANY):
        world.execute(operator, trade_perp(account, ETH, size))


@pytest.mark.parametrize("ppm", [0, 100, 500])
def test_what_a_trade_may_cost(world, operator, account, appoint, ppm):
    """In millionths of the notional traded: spread and fee cost more than this."""
    appoint(ppm=ppm)
    with reverts("OperatorLimitExceeded", account, operator, name("maxCostPpm"), ANY, 3000 * WAD * ppm // 10**6):
        world.execute(operator, trade_perp(account, ETH, SIZE))


def test_what_a_day_may_cost(world, operator, account, appoint):
    """Churning ends at the daily limit, and the next day begins anew."""
    appoint(daily=20)
    for _ in range(2):
        world.execute(operator, trade_perp(account, ETH, 2 * SIZE))
    with reverts("OperatorLimitExceeded", account, operator, name("maxCostDaily"), ANY, 20 * WAD):
        world.execute(operator, trade_perp(account, ETH, 5 * SIZE), trade_perp(account, ETH, -5 * SIZE))
    world.later(DAY)
    world.post()
    world.execute(operator, trade_perp(account, ETH, 2 * SIZE))
    assert world.position(account)[0] == 6 * SIZE


def test_a_new_grant_is_no_new_allowance(world, operator, account, appoint):
    """What was spent today stays spent."""
    appoint(daily=20)
    tx = world.execute(operator, trade_perp(account, ETH, 3 * SIZE))
    spent = only(tx, "OperatorCost")["spent"]
    assert spent > 0
    appoint(daily=20)
    tx = world.execute(operator, trade_perp(account, ETH, SIZE))
    assert only(tx, "OperatorCost")["spent"] > spent


@pytest.mark.parametrize("size", [SIZE, -11 * SIZE])
def test_reduce_only_means_it(world, trader, operator, account, appoint, size):
    """Neither more nor the other side."""
    world.execute(trader, trade_perp(account, ETH, 10 * SIZE))
    appoint(reduce_only=True)
    with reverts("OperatorLimitExceeded", account, operator, name("reduceOnly"), 1, 0):
        world.execute(operator, trade_perp(account, ETH, size))


def test_reduce_only_reduces(world, trader, operator, account, appoint):
    """Whatever the size limits say of what remains."""
    world.execute(trader, trade_perp(account, ETH, 10 * SIZE))
    appoint(reduce_only=True, notional=0, leverage=0)
    world.execute(operator, trade_perp(account, ETH, -4 * SIZE))
    assert world.position(account)[0] == 6 * SIZE


def test_he_trades_within_his_limits(world, operator, account, appointed):
    """The fill is the account's; what it cost is booked on him."""
    before = world.assess(account).equity
    tx = world.execute(operator, trade_perp(account, ETH, SIZE))
    cost = only(tx, "OperatorCost")
    assert (account, operator, tx.timestamp // DAY) == (cost["account"], cost["operator"], cost["day"])
    assert abs(before - world.assess(account).equity - cost["spent"]) < 10**14
    assert only(tx, "Traded")["size"] == SIZE


def test_not_in_another_account_of_the_owner(world, trader, operator, appointed):
    """A grant is for one account."""
    other = world.account(trader, 1)
    with reverts("NotAuthorized", other, operator):
        world.execute(operator, trade_perp(other, ETH, SIZE))


def test_a_deposit_in_front_does_not_hide_him(world, operator, account, appoint):
    """A top-up by the operator himself is not netted against what he costs."""
    appoint(ppm=0)
    world.equip(operator, QUOTE, 1000 * USDC)
    with reverts("OperatorLimitExceeded", account, operator, name("maxCostPpm"), ANY, 0):
        world.execute(operator, deposit(account, QUOTE, 1000 * USDC), trade_perp(account, ETH, SIZE))


def test_setting_is_told(world, operator, account, appoint):
    """OperatorSet carries all limits."""
    tx = appoint(markets=0b101, expiry=world.now + HOUR)
    event = tx.events["OperatorSet"]
    assert (account, operator) == (bytes(event["account"]), event["operator"])
    assert event["limits"][0] == 0b101


def test_anyone_settles_without_a_grant(world, operator, account):
    """Settle is nobody's privilege."""
    tx = world.execute(operator, settle(ETH, [account]))
    assert tx.status == 1

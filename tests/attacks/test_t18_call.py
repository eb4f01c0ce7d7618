"""T-18: `Call(asset, approve(attacker))` leaves an approval in `Executor`; a hook token runs while output sits
there; a third
contract reads views in the middle of a batch.

Targets are never a listed token, vault, feed, pool, Permit2 or the core; what is credited is the measured
difference; the approval
is taken back; and one lock covers the engine and every view that carries a price.
"""

from __future__ import annotations

import pytest
from desk import QUOTE, USDC, WAD, WETH, expect

from plimsoll import contracts
from plimsoll.actions import MAX_UINT256, batch, borrow, call, deposit, lend, recall, repay

PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3"


@pytest.fixture
def mallory(desk):
    return desk.trader("mallory", 100_000)


@pytest.fixture
def exchange(desk, put):
    """Pays 1 WETH for 3,000 USDC; with WETH enough."""
    made = put(desk, "MockExchange")
    made.write("setPrice", desk.token(QUOTE).address, desk.token(WETH).address, 10**18, 3_000 * USDC, sender=desk.admin)
    desk.token(WETH).write("mint", made.address, 1_000 * WAD, sender=desk.admin)
    return made


def swap(desk, exchange, amount):
    return exchange.encode("swap", desk.token(QUOTE).address, desk.token(WETH).address, amount)


def targets(desk):
    named = ("MarginEngine", "OracleRouter", "Executor", "MarketConfig", "Authority", "LiquidityPool")
    named += ("InsuranceStake",)
    found = {name: desk.deployed[name].address for name in named}
    for asset in range(3):
        found[f"token {asset}"] = desk.token(asset).address
        found[f"vault {asset}"] = desk.vault(asset).address
    return found | {"Permit2": PERMIT2}


def test_t18_no_target_through_which_executor_could_hand_out_a_right(desk, mallory):
    approve = desk.token(WETH).encode("approve", desk.owner(mallory), MAX_UINT256)
    for address in targets(desk).values():
        with expect("CallTargetForbidden", address):
            desk.act(mallory, call(mallory, QUOTE, USDC, WETH, 0, address, approve))
    # Without the rule: the next honest Call's WETH are taken out of Executor by transferFrom as they arrive.


def test_t18_an_exchange_that_leaves_input_behind_can_collect_nothing_later(desk, mallory, exchange):
    exchange.write("misbehave", 0, 5_000, "0x" + "00" * 20, b"", sender=desk.admin)
    data = swap(desk, exchange, 6_000 * USDC)
    desk.act(mallory, call(mallory, QUOTE, 6_000 * USDC, WETH, WAD, exchange.address, data))
    executor = desk.deployed["Executor"].address
    assert desk.held(mallory) == 97_000 * USDC  # the half not taken came back
    assert desk.token(QUOTE).read("allowance", executor, exchange.address) == 0
    assert desk.token(QUOTE).read("balanceOf", executor) == 0
    with expect("ERC20InsufficientAllowance", exchange.address, 0, USDC):
        exchange.write("collect", desk.token(QUOTE).address, executor, USDC, sender=desk.owner(mallory))


VIEWS = {
    "assess": lambda desk, a: (desk.engine, "assess", a),
    "poolEquity": lambda desk, a: (desk.engine, "poolEquity"),
    "lendingOf": lambda desk, a: (desk.engine, "lendingOf", QUOTE),
    "lentOf": lambda desk, a: (desk.engine, "lentOf", a, QUOTE),
    "debtOf": lambda desk, a: (desk.engine, "debtOf", a, QUOTE),
    "exitsWait": lambda desk, a: (desk.engine, "exitsWait", QUOTE),
    "collectReserve": lambda desk, a: (desk.engine, "collectReserve", QUOTE),
    "observeExits": lambda desk, a: (desk.engine, "observeExits"),
    "convertToAssets of the stake": lambda desk, a: (desk.stake, "convertToAssets", WAD),
    "process of a queue": lambda desk, a: (desk.vault(QUOTE), "process", 1),
    "totalAssets of a vault": lambda desk, a: (desk.vault(QUOTE), "totalAssets"),
    "totalAssets of the pool": lambda desk, a: (desk.pool, "totalAssets"),
    "convertToAssets": lambda desk, a: (desk.pool, "convertToAssets", WAD),
    "health": lambda desk, a: (desk.lens, "health", [a]),
    "execute": lambda desk, a: (desk.engine, "execute", batch([])),
    "refreshPool": lambda desk, a: (desk.engine, "refreshPool", [0]),
    "lockdown": lambda desk, a: (desk.engine, "lockdown"),
    "deposit into a vault": lambda desk, a: (desk.vault(QUOTE), "deposit", 1, a[:20]),
    "withdraw from a vault": lambda desk, a: (desk.vault(QUOTE), "withdraw", 1, a[:20], a[:20]),
    "requestDeposit": lambda desk, a: (desk.pool, "requestDeposit", 1, a[:20]),
    "observe": lambda desk, a: (desk.pool, "observe"),
}


@pytest.mark.parametrize("view", VIEWS)
def test_t18_what_a_third_contract_reads_in_mid_batch_is_refused(desk, mallory, exchange, view):
    """The exchange asks in the middle of the swap, when the input has left and the output has not come."""
    contract, *question = VIEWS[view](desk, mallory)
    question = [desk.owner(mallory) if part == mallory[:20] else part for part in question]
    exchange.write("misbehave", 0, 0, contract.address, contract.encode(*question), sender=desk.admin)
    with expect("CallReverted") as caught:
        desk.act(
            mallory, call(mallory, QUOTE, 3_000 * USDC, WETH, 0, exchange.address, swap(desk, exchange, 3_000 * USDC))
        )
    target, reason = caught.value.values
    assert target == exchange.address
    assert contracts.decode_error(reason)[0] == "Locked"


def test_t18_a_hook_that_runs_while_output_sits_in_executor_gains_nothing(hooked):
    """The input's vault is paid back first; its hook runs with the WETH still in Executor, and has no right to it."""
    desk, exchange, mallory = hooked
    executor = desk.deployed["Executor"].address
    thief = desk.owner(mallory)
    take = desk.token(WETH).encode("transferFrom", executor, thief, WAD)
    exchange.write("misbehave", 0, 5_000, "0x" + "00" * 20, b"", sender=desk.admin)
    desk.token(QUOTE).write(
        "setHook", desk.vault(QUOTE).address, True, desk.token(WETH).address, False, take, sender=thief
    )
    before = desk.held(mallory, WETH)
    desk.act(
        mallory, call(mallory, QUOTE, 6_000 * USDC, WETH, WAD, exchange.address, swap(desk, exchange, 6_000 * USDC))
    )
    assert desk.token(QUOTE).read("calls") == 1
    assert not desk.token(QUOTE).read("lastSucceeded")
    assert contracts.decode_error(desk.token(QUOTE).read("lastResult"))[0] == "ERC20InsufficientAllowance"
    assert desk.held(mallory, WETH) - before == WAD


def test_t18_nor_does_one_that_re_enters(hooked):
    desk, exchange, mallory = hooked
    steal = desk.engine.encode("execute", batch([deposit(mallory, QUOTE, 1)]))
    desk.token(QUOTE).write(
        "setHook", exchange.address, True, desk.engine.address, False, steal, sender=desk.owner(mallory)
    )
    desk.act(
        mallory, call(mallory, QUOTE, 3_000 * USDC, WETH, WAD, exchange.address, swap(desk, exchange, 3_000 * USDC))
    )
    assert not desk.token(QUOTE).read("lastSucceeded")
    assert contracts.decode_error(desk.token(QUOTE).read("lastResult"))[0] == "Locked"


def test_t18_what_is_credited_is_what_came(desk, mallory, exchange):
    exchange.write("misbehave", 100, 0, "0x" + "00" * 20, b"", sender=desk.admin)
    data = swap(desk, exchange, 3_000 * USDC)
    with expect("OutputBelowMinimum", WETH, 99 * WAD // 100, WAD):
        desk.act(mallory, call(mallory, QUOTE, 3_000 * USDC, WETH, WAD, exchange.address, data))
    desk.act(mallory, call(mallory, QUOTE, 3_000 * USDC, WETH, 0, exchange.address, data))
    assert desk.held(mallory, WETH) == 99 * WAD // 100


# ---------------------------------------------------------------- with borrowed money


@pytest.fixture
def lent(desk):
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    return desk


def test_t18_a_target_takes_what_the_call_gives_it_and_nothing_that_was_borrowed(lent, mallory, exchange):
    """100,000 borrowed beside it in the same batch: the allowance is of the call's amount."""
    desk = lent
    data = swap(desk, exchange, 6_001 * USDC)
    with expect("CallReverted") as caught:
        desk.act(
            mallory,
            borrow(mallory, QUOTE, 100_000 * USDC),
            call(mallory, QUOTE, 6_000 * USDC, WETH, 0, exchange.address, data),
        )
    assert contracts.decode_error(caught.value.values[1])[0] == "ERC20InsufficientAllowance"
    assert (desk.held(mallory), desk.debt(mallory, QUOTE)) == (100_000 * USDC, 0)


def test_t18_a_loan_without_its_swap_is_off(lent, mallory, exchange):
    desk = lent
    exchange.write("setPrice", desk.token(QUOTE).address, desk.token(WETH).address, 0, 0, sender=desk.admin)
    data = swap(desk, exchange, 300_000 * USDC)
    with expect("CallReverted"):
        desk.act(
            mallory,
            borrow(mallory, QUOTE, 200_000 * USDC),
            call(mallory, QUOTE, 300_000 * USDC, WETH, 0, exchange.address, data),
        )
    assert desk.loans(QUOTE).borrowed == 0


@pytest.mark.parametrize("left", [0, 2_500, 9_999])
def test_t18_what_comes_back_of_a_loan_is_held_and_can_repay_it(lent, mallory, exchange, left):
    desk = lent
    exchange.write("misbehave", 0, left, "0x" + "00" * 20, b"", sender=desk.admin)
    data = swap(desk, exchange, 300_000 * USDC)
    desk.act(
        mallory,
        borrow(mallory, QUOTE, 200_000 * USDC),
        call(mallory, QUOTE, 300_000 * USDC, WETH, 0, exchange.address, data),
    )
    back = 300_000 * USDC - (300_000 * USDC - 300_000 * USDC * left // 10_000)
    assert desk.held(mallory) == back
    if back > USDC:
        desk.act(mallory, repay(mallory, QUOTE, back))
    assert desk.assess(mallory).equity == pytest.approx(100_000 * WAD, abs=10**13)
    assert 0 <= desk.surplus(QUOTE) <= 3


INSIDE = {
    "borrow": lambda a: borrow(a, QUOTE, USDC),
    "repay": lambda a: repay(a, QUOTE),
    "lend": lambda a: lend(a, QUOTE, USDC),
    "recall": lambda a: recall(a, QUOTE),
}


@pytest.mark.parametrize("what", INSIDE)
def test_t18_from_inside_a_swap_nothing_is_borrowed_or_repaid(lent, mallory, exchange, what):
    desk = lent
    again = desk.engine.encode("execute", batch([INSIDE[what](mallory)]))
    exchange.write("misbehave", 0, 0, desk.engine.address, again, sender=desk.admin)
    with expect("CallReverted") as caught:
        desk.act(
            mallory,
            borrow(mallory, QUOTE, 1_000 * USDC),
            call(mallory, QUOTE, 3_000 * USDC, WETH, 0, exchange.address, swap(desk, exchange, 3_000 * USDC)),
        )
    assert contracts.decode_error(caught.value.values[1])[0] == "Locked"


def test_t18_the_output_is_not_lent_before_it_is_there(lent, mallory, exchange):
    """Lent in the same batch it is what arrived; lent before the swap it is not there."""
    desk = lent
    trade = call(mallory, QUOTE, 3_000 * USDC, WETH, WAD, exchange.address, swap(desk, exchange, 3_000 * USDC))
    with expect("InsufficientBalance", mallory, WETH, 0, WAD):
        desk.act(mallory, lend(mallory, WETH, WAD), trade)
    desk.act(mallory, trade, lend(mallory, WETH, WAD))
    assert (desk.held(mallory, WETH), desk.lent(mallory, WETH)) == (0, WAD)

"""20 October 2025, Sharwa: 146,000 dollars.

A margin account could borrow and swap in one call. Whether it was solvent was asked before the swap, or of what the
swap was to bring; through a pool that the attacker had skewed beforehand it brought much less, and what was missing had
gone to him.

Property: the check comes after the swap, wherever in the batch the swap stands, and counts what arrived: not what was
asked for, promised, quoted or sent.
"""

from __future__ import annotations

from itertools import permutations

import pytest
from desk import QUOTE, USDC, WAD, WETH, Desk, expect
from listed_desk import ListedDesk

from plimsoll.actions import borrow, call, deposit, trade_perp, withdraw

MILLION = 1_000_000
OWN, LOAN = 10_000, 30_000  # 40,000 of WETH bought with 10,000 of one's own: four fifths of it are 32,000


@pytest.fixture
def mallory(desk):
    desk.lender("lender", QUOTE, MILLION * USDC)
    return desk.trader("mallory", OWN)


@pytest.fixture
def exchange(desk, put):
    """3,000 USDC for a WETH, or as much less as it is told."""
    made = put(desk, "MockExchange")
    made.write("setPrice", desk.token(QUOTE).address, desk.token(WETH).address, 10**18, 3_000 * USDC, sender=desk.admin)
    desk.token(WETH).write("mint", made.address, 1_000 * WAD, sender=desk.admin)
    return made


def leverage(desk, exchange, account, least=0):
    """Borrow, swap all of it; what comes is the collateral."""
    amount = (OWN + LOAN) * USDC
    data = exchange.encode("swap", desk.token(QUOTE).address, desk.token(WETH).address, amount)
    return [borrow(account, QUOTE, LOAN * USDC), call(account, QUOTE, amount, WETH, least, exchange.address, data)]


@pytest.mark.parametrize("missing", [0, 600, 650, 2_000, 5_000, 10_000])
def test_the_check_counts_what_came(desk, mallory, exchange, missing):
    """Equity 40,000·(1 − missing) − 30,000 against a fifth of it: 6.25 % may be missing, not 6.5."""
    exchange.write("misbehave", missing, 0, "0x" + "00" * 20, b"", sender=desk.admin)
    worth = (OWN + LOAN) * (10_000 - missing) // 10_000
    if missing <= 600:
        desk.act(mallory, *leverage(desk, exchange, mallory))
        assert desk.assess(mallory).equity == pytest.approx((worth - LOAN) * WAD, abs=10**13)
        return
    with expect("BelowInitialMargin") as caught:
        desk.act(mallory, *leverage(desk, exchange, mallory))
    account, equity, required = caught.value.values
    assert account == mallory
    assert equity == pytest.approx((worth - LOAN) * WAD, abs=10**13)
    assert required == pytest.approx(max(worth // 5, 15) * WAD, abs=10**13)
    # Judged before the swap, or by its quote, it would have passed, and `missing` of the lenders' would be his.
    assert OWN + LOAN - LOAN >= (OWN + LOAN) // 5
    assert (desk.held(mallory), desk.debt(mallory, QUOTE)) == (OWN * USDC, 0)


@pytest.mark.parametrize("missing", [1, 650, 10_000])
def test_a_promise_is_kept_or_the_batch_is_off(desk, mallory, exchange, missing):
    exchange.write("misbehave", missing, 0, "0x" + "00" * 20, b"", sender=desk.admin)
    promised = (OWN + LOAN) * WAD // 3_000
    came = promised - promised * missing // 10_000
    with expect("OutputBelowMinimum", WETH, came, promised):
        desk.act(mallory, *leverage(desk, exchange, mallory, promised))


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_wherever_the_swap_stands(desk, mallory, exchange, order):
    """Loan, swap at a loss of a tenth, a small trade, a deposit: in every order it is the end that is judged."""
    exchange.write("misbehave", 1_000, 0, "0x" + "00" * 20, b"", sender=desk.admin)
    desk.fund(mallory, QUOTE, 60_000 * USDC)  # so that each step can come first
    desk.mint(desk.owner(mallory), QUOTE, USDC)
    amount = 80_000 * USDC
    data = exchange.encode("swap", desk.token(QUOTE).address, desk.token(WETH).address, amount)
    owner = desk.owner(mallory)
    steps = [
        [borrow(mallory, QUOTE, 51_500 * USDC), withdraw(mallory, QUOTE, 51_400 * USDC, owner)],
        [call(mallory, QUOTE, 69_000 * USDC, WETH, 0, exchange.address, data[:-32] + (69_000 * USDC).to_bytes(32))],
        [trade_perp(mallory, 0, 10**6)],
        [deposit(mallory, QUOTE, USDC)],
    ]
    with expect("BelowInitialMargin") as caught:
        desk.act(mallory, *[action for at in order for action in steps[at]])
    # 62,100 of WETH and 1,100 of cash against 51,500: short of the fifth that it needs.
    assert caught.value.values[1] < 11_710 * WAD
    assert desk.held(mallory, WETH) == 0


def test_on_the_real_exchange_against_a_skewed_pool():
    """The attack itself: the pool is skewed first, the swap of a loan pays for it; the loan is refused."""
    desk = Desk.create(exchange=True)
    desk.lender("lender", QUOTE, 10 * MILLION * USDC)
    account, whale = desk.trader("mallory", 200_000), desk.actor("whale")
    pool, route = desk.exchange.pool(WETH, QUOTE), desk.exchange.routes(QUOTE, WETH)[0]
    loan, spent = 700_000 * USDC, 900_000 * USDC
    action = desk.exchange.sell_action(account, QUOTE, spent, WETH, 0, route=route)
    point = desk.chain.snapshot()
    desk.act(account, borrow(account, QUOTE, loan), action)
    honest = desk.assess(account)
    assert honest.equity >= honest.im
    desk.chain.revert(point)

    desk.mint(whale, QUOTE, 10**9 * USDC)
    desk.exchange.move_to(pool, 3_300 * 10**10, sender=whale)
    with expect("BelowInitialMargin") as caught:
        desk.act(account, borrow(account, QUOTE, loan), action)
    assert caught.value.values[1] < honest.equity - 70_000 * WAD
    assert (desk.held(account), desk.debt(account, QUOTE)) == (200_000 * USDC, 0)


@pytest.mark.parametrize("mode", ["portfolio", "cross"])
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_with_options_it_comes_last_as_well(put, mode, order):
    """Sell calls, swap the premium at a loss of a tenth, take cash out: in every order the end is judged."""
    desk = ListedDesk.create().with_options()
    made = put(desk, "MockExchange")
    made.write("setPrice", desk.token(QUOTE).address, desk.token(WETH).address, 10**18, 3_000 * USDC, sender=desk.admin)
    made.write("misbehave", 1_000, 0, "0x" + "00" * 20, b"", sender=desk.admin)
    desk.token(WETH).write("mint", made.address, 1_000 * WAD, sender=desk.admin)
    account = desk.portfolio("mallory", OWN) if mode == "portfolio" else desk.trader("mallory", OWN)
    buyer, owner = desk.trader("buyer", 100_000), desk.owner(account)
    point = desk.chain.snapshot()
    for size, taken, passes in ((2, 500, True), (30, 500, False), (4, 8_800, False)):
        amount = 1_000 * USDC
        data = made.encode("swap", desk.token(QUOTE).address, desk.token(WETH).address, amount)
        steps = [
            desk.filling(buyer, account, [(desk.call(3_000), size * 10**8)]),
            call(account, QUOTE, amount, WETH, 0, made.address, data),
            withdraw(account, QUOTE, taken * USDC, owner),
        ]
        actions = [steps[at] for at in order]
        if passes:
            desk.execute(owner, *actions)
            found = desk.assess(account)
            assert found.equity >= found.im and found[:5] == desk.twin(account)
        else:
            with expect("BelowInitialMargin") as caught:
                desk.execute(owner, *actions)
            assert caught.value.values[0] == account
        desk.chain.revert(point)
        point = desk.chain.snapshot()

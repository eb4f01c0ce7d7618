"""25 March 2025, Abracadabra's gmCauldrons: 6,260 ETH, about 13 million dollars.

Collateral could be on its way into a GMX market: an order waited, and counted. After a liquidation the order that had
failed still counted, although what it stood for had been taken away: the attacker borrowed against collateral that was
counted twice.

Property: what is on its way, into the queue of withdrawals, into or out of the pool, out of insurance, counts for
nobody's margin and at most once in what the protocol owes; and an account that was called or taken over can do
nothing more in that batch.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WAD, WBTC, Desk, expect
from levels import sink

from plimsoll import contracts
from plimsoll.actions import borrow, deposit, lend, liquidate, margin_call, recall, repay, trade_perp, withdraw
from plimsoll.testing import deployment

HOUR = 3_600


@pytest.fixture
def braked():
    """A desk whose quote vault lets a tenth leave per hour, an hour old."""
    plain = deployment.parameters()
    assets = (replace(plain.assets[0], brake_bps=1_000, brake_floor=0), *plain.assets[1:])
    desk = Desk.create(parameters=replace(plain, assets=assets), liquidity=0)
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    desk.chain.advance(HOUR)
    desk.post({})
    return desk


def queued(desk, account, amount):
    """A withdrawal that has to wait; its number."""
    receipt = desk.act(account, withdraw(account, QUOTE, amount, desk.owner(account)))
    (event,) = desk.events(receipt, "WithdrawalQueued")
    return event.args["id"]


def test_a_withdrawal_that_waits_is_no_longer_margin(braked):
    """Out of the balance, out of the totals, owed once by the vault; a loan against it is refused."""
    desk = braked
    account = desk.trader("mallory", 500_000)
    desk.chain.advance(HOUR)
    desk.post({})
    whole, (held, _) = desk.total_equity(), desk.engine.read("totals", QUOTE)
    queued(desk, account, 400_000 * USDC)
    assert desk.vault(QUOTE).read("queued") == 400_000 * USDC
    assert desk.assess(account).equity == 100_000 * WAD
    assert desk.engine.read("totals", QUOTE)[0] == held - 400_000 * USDC
    assert desk.total_equity() == whole - 400_000 * WAD
    assert 0 <= desk.surplus(QUOTE) <= 1
    amount = 300_000 * USDC
    with expect("BelowInitialMargin"):
        desk.act(account, borrow(account, QUOTE, amount), withdraw(account, QUOTE, amount, desk.owner(account)))
    # Counted twice, 500,000 of margin would have stood under it.


def test_nobody_takes_it_back_into_an_account_by_halves(braked):
    """There is no cancelling: paid to its receiver in parts, and each part once."""
    desk = braked
    account = desk.trader("mallory", 500_000)
    owner, vault = desk.owner(account), desk.vault(QUOTE)
    desk.chain.advance(HOUR)
    queued(desk, account, 400_000 * USDC)
    for _ in range(40):
        vault.write("process", 5, sender=owner)
        desk.chain.advance(HOUR)
        paid = desk.token(QUOTE).read("balanceOf", owner)
        assert paid + vault.read("queued") == 400_000 * USDC
        if vault.read("queued") == 0:
            break
    assert paid == 400_000 * USDC
    assert desk.held(account) == 100_000 * USDC


def test_a_request_of_the_pool_counts_for_nobody(desk):
    """On the way in it is escrow and not the pool's; on the way out the shares are locked and still the pool's debt,
    once. Neither is collateral of whoever asked."""
    account = desk.trader("mallory", 1_000)
    owner = desk.owner(account)
    desk.token(QUOTE).write("mint", owner, 500_000 * USDC, sender=desk.admin)
    desk.token(QUOTE).write("approve", desk.pool.address, 500_000 * USDC, sender=owner)
    pool, mine = desk.pool_equity(), desk.assess(account)
    receipt = desk.pool.write("requestDeposit", 500_000 * USDC, owner, sender=owner)
    (event,) = contracts.events(receipt.logs, "DepositRequested")
    assert (desk.pool_equity(), desk.assess(account)) == (pool, mine)
    assert desk.pool.read("escrowedAssets") == 500_000 * USDC
    with expect("BelowInitialMargin"):
        desk.trade(account, ETH, 10 * SIZE)
    desk.chain.advance(desk.pool.read("delay") + 1)
    desk.post({})
    desk.pool.write("execute", [event.args["id"]], sender=owner)
    assert desk.pool.read("escrowedAssets") == 0
    assert desk.pool_equity()[1] == pool[1] + 500_000 * WAD
    assert desk.assess(account) == mine
    # Executed twice it is unknown.
    receipt = desk.pool.write("execute", [event.args["id"]], sender=owner)
    assert [e.args["reason"] for e in desk.events(receipt, "RequestPassedOver")] == [1]

    shares, supply = desk.pool.read("balanceOf", owner), desk.pool.read("totalSupply")
    desk.pool.write("requestRedeem", shares, owner, sender=owner)
    assert (desk.pool.read("balanceOf", owner), desk.pool.read("totalSupply")) == (0, supply)
    assert desk.pool_equity()[1] == pool[1] + 500_000 * WAD
    assert desk.assess(account) == mine
    with expect("ERC20InsufficientBalance"):
        desk.pool.write("requestRedeem", 1, owner, sender=owner)


def test_neither_do_shares_of_vaults_and_insurance(desk):
    """They are tokens of their holder: no account has them, so none is liquidated for them or borrows on them."""
    account = desk.trader("mallory", 1_000)
    owner = desk.owner(account)
    desk.token(QUOTE).write("mint", owner, 500_000 * USDC, sender=desk.admin)
    desk.token(QUOTE).write("approve", desk.vault(QUOTE).address, 2**255, sender=owner)
    desk.token(QUOTE).write("approve", desk.stake.address, 2**255, sender=owner)
    mine = desk.assess(account)
    desk.vault(QUOTE).write("deposit", 200_000 * USDC, owner, sender=owner)
    desk.stake.write("deposit", 200_000 * USDC, owner, sender=owner)
    desk.stake.write("cooldown", desk.stake.read("balanceOf", owner), sender=owner)
    assert desk.assess(account) == mine
    with expect("BelowInitialMargin"):
        desk.trade(account, ETH, 10 * SIZE)


@pytest.fixture
def target(desk):
    """A borrower with a position, below maintenance margin."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    account = desk.trader("mallory", 20_000)
    desk.fund(account, WBTC, 5 * 10**7)
    desk.trade(account, ETH, 100 * SIZE)
    desk.act(account, borrow(account, QUOTE, 15_000 * USDC), withdraw(account, QUOTE, 15_000 * USDC, account[:20]))
    sink(desk, account, ETH, 0.5)
    desk.mint(desk.owner(account), QUOTE, 100_000 * USDC)
    return account


AFTER = {
    "deposit": lambda a: deposit(a, QUOTE, USDC),
    "borrow": lambda a: borrow(a, QUOTE, USDC),
    "repay": lambda a: repay(a, QUOTE, USDC),
    "lend": lambda a: lend(a, QUOTE, USDC),
    "recall": lambda a: recall(a, QUOTE, USDC),
    "withdraw": lambda a: withdraw(a, QUOTE, 1, a[:20]),
    "trade": lambda a: trade_perp(a, ETH, -SIZE),
}


@pytest.mark.parametrize("take", [liquidate, margin_call])
@pytest.mark.parametrize("after", AFTER)
def test_what_was_taken_borrows_nothing_more_in_that_batch(desk, target, after, take):
    """Self-liquidation from a second account, then a loan against what is left: before or after, it is refused."""
    partner = desk.trader("mallory", 500_000, index=1)
    with expect("AccountCalled" if (take, after) == (margin_call, "withdraw") else "DeferredAccount"):
        desk.act(target, take(partner, target), AFTER[after](target))
    if after in ("lend", "recall"):
        return  # refused by themselves here, wherever they stand
    with expect("DeferredAccount", target):
        desk.act(target, AFTER[after](target), take(partner, target))


def test_after_it_the_loan_stands_on_what_is_left(desk, target):
    """A batch later: the same account, by what it still has and nothing else."""
    partner = desk.trader("mallory", 500_000, index=1)
    desk.act(partner, liquidate(partner, target))
    left = desk.assess(target)
    amount = (left.equity // 10**12) + 1
    with expect("BelowInitialMargin"):
        desk.act(target, borrow(target, QUOTE, amount), withdraw(target, QUOTE, amount, target[:20]))
    assert left.equity < 30_000 * WAD

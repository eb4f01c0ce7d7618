"""What the campaign found in the contracts, each as the shortest test that failed before its fix."""

from __future__ import annotations

from plimsoll import contracts
from plimsoll.actions import WAD, borrow, call, deposit, liquidate, repay, trade_perp
from plimsoll.contracts import Contract
from plimsoll.margin import position_math
from plimsoll.prices import PRICE
from plimsoll.testing import World

USDC = 10**6


def test_a1_what_lies_in_executor_blocks_no_call():
    """A donation larger than what a call spends made the event's subtraction underflow: small calls were blocked."""
    world = World.create()
    artifact = contracts.load()["MockExchange"]
    exchange = Contract(world.chain, world.chain.deploy(world.admin, artifact.creation()).contract_address, artifact)
    usdc, weth, executor = world.token(0), world.token(1), world.deployed["Executor"]
    exchange.write("setPrice", usdc.address, weth.address, 10**12, 3000, sender=world.admin)
    weth.write("mint", exchange.address, 10**18, sender=world.admin)
    usdc.write("mint", executor.address, 500 * USDC, sender=world.admin)
    trader = world.actor("trader")
    account = world.account(trader)
    world.fund(account, 0, 1000 * USDC)

    data = exchange.encode("swap", usdc.address, weth.address, 300 * USDC)
    receipt = world.execute(trader, call(account, 0, 300 * USDC, 1, 10**17, exchange.address, data))

    assert world.events(receipt, "Called")[0].args["spent"] == 0
    assert (world.held(account, 0), world.held(account, 1)) == (1200 * USDC, 10**17)


def test_r1_a_slice_of_a_short_rounds_against_its_taker():
    """Size toward zero left the account with a part of its short but without the proceeds of that part."""
    for size, cost in ((-35_476_320, -25_700 * WAD), (35_476_320, 25_700 * WAD)):
        for fraction in (WAD // 3, WAD * 2 // 7, 1, WAD - 1):
            price = 72_557 * PRICE
            part, part_cost = position_math.slice(size, cost, fraction)
            exact = position_math.pnl(size, cost, price, 0) * fraction

            assert position_math.pnl(part, part_cost, price, 0) * WAD <= exact


def test_r1_a_liquidated_short_loses_no_more_than_the_rule():
    """The same on the contracts: bonus and insurance share of the slice, and not a unit of size more."""
    world = World.create()
    trader, keeper = world.actor("trader"), world.actor("keeper")
    account, taker = world.account(trader), world.account(keeper)
    world.fund(account, 0, 2_000 * USDC)
    world.fund(taker, 0, 1_000_000 * USDC)
    world.execute(trader, trade_perp(account, 1, -25_476_323))
    world.post({2: 66_200 * PRICE})
    before = world.assess(account)
    assert 0 < before.equity < before.mm

    receipt = world.execute(keeper, liquidate(taker, account))

    fact = world.events(receipt, "Liquidated")[0].args
    after = world.assess(account)
    worth = before.equity * fact["fraction"] // WAD
    lost = worth - fact["paid"]
    assert fact["fraction"] < WAD
    assert before.equity - after.equity <= lost + 2
    assert after.mm < before.mm


def test_l4_the_last_lender_leaves_with_his_last_share():
    """Without a loan left the shares of all cash rounded down to one less than there were: nobody could redeem it."""
    world = World.create()
    lender, borrower = world.actor("lender"), world.actor("borrower")
    account, vault = world.account(borrower), world.vault(0)
    world.mint(lender, 0, 1000 * USDC)
    vault.write("deposit", 1000 * USDC, lender, sender=lender)
    world.fund(account, 1, 10**18)
    world.post({})
    world.execute(borrower, borrow(account, 0, 700 * USDC))
    for days in (3, 11, 29):
        world.chain.advance(days * 86_400)
        world.engine.write("collectReserve", 0, sender=lender)
    missing = world.engine.read("debtOf", account, 0) - world.held(account)
    world.mint(borrower, 0, missing)
    world.execute(borrower, deposit(account, 0, missing), repay(account, 0))
    world.engine.write("collectReserve", 0, sender=lender)

    shares = vault.read("balanceOf", lender)
    assert vault.read("maxRedeem", lender) == shares
    vault.write("redeem", shares, lender, lender, sender=lender)

    assert vault.read("totalSupply") == 0
    assert world.engine.read("debtOf", account, 0) == 0

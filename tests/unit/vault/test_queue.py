"""The withdrawal brake: a share of the vault per hour, net; the rest waits in order, and nobody holds up anybody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lenders import balance, lender

from plimsoll.actions import call, deposit, withdraw
from plimsoll.testing import World, deployment

USDC = 10**6
MILLION = 10**6 * USDC
HOUR = 3600


def braked(bps=2500, floor=100 * USDC, **options):
    plain = deployment.parameters()
    assets = (replace(plain.assets[0], brake_bps=bps, brake_floor=floor), *plain.assets[1:])
    return World.create(parameters=replace(plain, assets=assets), liquidity=0, insurance=0, **options)


@pytest.fixture
def world():
    """A million in the vault, of one account, and an hour over: a quarter of it may leave."""
    world = braked()
    world.fund(world.account(world.actor("whale")), 0, MILLION)
    world.chain.advance(HOUR)
    return world


def take(world, name, amount):
    owner = world.actor(name)
    return world.execute(owner, withdraw(world.account(owner), 0, amount, owner))


def tokens(world, name):
    return balance(world, 0, world.actor(name))


# ---------------------------------------------------------------- refusals


def test_a_vault_without_a_brake_cannot_be_made(world, reverts):
    for bps, floor in ((0, 0), (10_001, 0), (2500, 2**104)):
        with reverts("BrakeOutOfRange", bps, floor):
            world.put("CollateralVault", world.engine.address, 9, world.token(0).address, "", "", bps, floor)


def test_nothing_to_claim(world, reverts):
    with reverts("NothingToClaim", world.actor("whale")):
        world.vault(0).write("claim", world.actor("whale"), sender=world.actor("whale"))


def test_an_external_call_cannot_wait_so_it_is_refused(world, put, reverts):
    """Call is a way out as well: what it does not bring back counts, and beyond the hour's limit it reverts."""
    exchange, whale = put(world, "MockExchange"), world.actor("whale")
    own, weth = world.account(whale), world.token(1)
    exchange.write("setPrice", world.token(0).address, weth.address, 10**18, 3_000 * USDC, sender=world.admin)
    weth.write("mint", exchange.address, 1_000 * 10**18, sender=world.admin)

    def swap(amount):
        data = exchange.encode("swap", world.token(0).address, weth.address, amount)
        world.execute(whale, call(own, 0, amount, 1, 0, exchange.address, data))

    limit = MILLION // 4
    with reverts("BrakeReached", limit + 3 * USDC, limit):
        swap(limit + 3 * USDC)
    swap(limit)
    with reverts("BrakeReached", 3 * USDC, 0):
        swap(3 * USDC)


# ---------------------------------------------------------------- the limit


def test_up_to_the_limit_at_once_beyond_it_in_the_queue(world):
    take(world, "whale", MILLION // 4)
    assert tokens(world, "whale") == MILLION // 4
    (event,) = world.events(take(world, "whale", 1), "WithdrawalQueued")
    assert event.args == {"id": 0, "to": world.actor("whale"), "amount": 1}
    vault = world.vault(0)
    assert tokens(world, "whale") == MILLION // 4
    assert (vault.read("queued"), vault.read("queue"), vault.read("payment", 0)[1]) == (1, (0, 1), 1)
    held, _ = world.engine.read("totals", 0)
    assert vault.read("balance") == held + vault.read("queued")


def test_the_floor_leaves_whatever_the_share(world):
    world = braked(bps=1, floor=1_000 * USDC)
    world.fund(world.account(world.actor("whale")), 0, MILLION)
    world.chain.advance(HOUR)
    take(world, "whale", 1_000 * USDC)
    assert tokens(world, "whale") == 1_000 * USDC
    take(world, "whale", 1)
    assert world.vault(0).read("queued") == 1


@pytest.mark.parametrize("times", [1, 20])
def test_in_and_out_spends_nothing_of_what_others_may_take(world, times):
    """T-16 against the brake: ten vaults' worth, in one batch each time."""
    mallory = world.actor("mallory")
    account = world.account(mallory)
    world.mint(mallory, 0, 10 * MILLION)
    for _ in range(times):
        world.execute(mallory, deposit(account, 0, 10 * MILLION), withdraw(account, 0, 10 * MILLION, mallory))
    assert world.vault(0).read("brake")[1:] == (MILLION // 4, 0)
    take(world, "whale", MILLION // 4)
    assert tokens(world, "whale") == MILLION // 4


def test_tokens_that_come_in_do_not_raise_the_hour_s_limit(world):
    """It is taken from what was there before the batch that begins the hour: a flash loan widens nothing."""
    mallory = world.actor("mallory")
    world.fund(world.account(mallory), 0, 8 * MILLION)
    assert world.vault(0).read("brake")[1:] == (MILLION // 4, -8 * MILLION)


# ---------------------------------------------------------------- the queue


def test_first_in_first_out_as_capacity_frees_up(world):
    """And nobody passes: a small withdrawal behind a large one waits, though it would fit."""
    other = world.account(world.actor("other"))
    world.fund(other, 0, 40_000 * USDC)
    vault = world.vault(0)
    take(world, "whale", MILLION // 4 + 40_000 * USDC)
    take(world, "whale", 300_000 * USDC)
    take(world, "other", 40_000 * USDC)
    paid = tokens(world, "whale")
    assert (paid, tokens(world, "other")) == (MILLION // 4 + 40_000 * USDC, 0)
    assert vault.write("process", 10, sender=world.admin) and vault.read("queued") == 340_000 * USDC
    world.chain.advance(HOUR)
    # 750,000 are there: 187,500 an hour; the first is paid in parts.
    for _ in range(3):
        before = tokens(world, "whale") + tokens(world, "other")
        vault.write("process", 10, sender=world.admin)
        left = tokens(world, "whale") + tokens(world, "other") - before
        assert 0 < left <= vault.read("brake")[1]
        if tokens(world, "whale") < paid + 300_000 * USDC:
            assert tokens(world, "other") == 0
        world.chain.advance(HOUR)
    assert vault.read("queued") == 0
    assert vault.read("queue") == (3 - 1, 2)
    assert tokens(world, "whale") == paid + 300_000 * USDC
    assert tokens(world, "other") == 40_000 * USDC


def test_while_somebody_waits_everybody_waits(world):
    take(world, "whale", 300_000 * USDC)
    other = world.actor("other")
    world.fund(world.account(other), 0, 1_000 * USDC)
    world.chain.advance(HOUR)
    take(world, "other", 1_000 * USDC)
    assert tokens(world, "other") == 0
    world.vault(0).write("process", 2, sender=other)
    assert tokens(world, "other") == 0 or tokens(world, "whale") == 300_000 * USDC


def test_lenders_redeem_through_the_same_queue(world):
    vault, resident = world.vault(0), lender(world, "resident", 0, MILLION)
    vault.write("deposit", MILLION, resident, sender=resident)
    world.chain.advance(HOUR)
    vault.write("redeem", 600_000 * USDC, resident, resident, sender=resident)
    assert balance(world, 0, resident) == 0
    assert (vault.read("totalAssets"), vault.read("queued")) == (400_000 * USDC, 600_000 * USDC)
    vault.write("process", 1, sender=resident)
    assert balance(world, 0, resident) == 500_000 * USDC
    assert vault.read("payment", 0) == (resident, 100_000 * USDC)


# ---------------------------------------------------------------- nobody holds it up


def test_a_head_whom_the_token_refuses_does_not_block_those_behind(world_of, monkeypatch):
    from plimsoll import contracts
    from plimsoll.testing.deployment import Substituted

    artifacts = contracts.load()
    monkeypatch.setattr("plimsoll.deploy.deployment.load", lambda: Substituted(artifacts, "BlacklistERC20"))
    world = braked()
    vault = world.vault(0)
    for name in ("bad", "good"):
        world.fund(world.account(world.actor(name)), 0, MILLION)
    world.chain.advance(HOUR)
    take(world, "good", MILLION // 2)
    take(world, "bad", 1_000 * USDC)
    take(world, "good", 1_000 * USDC)
    world.token(0).write("setBlacklisted", world.actor("bad"), True, sender=world.admin)
    world.chain.advance(HOUR)
    receipt = vault.write("process", 10, sender=world.admin)
    assert [e.args["paid"] for e in world.events(receipt, "WithdrawalProcessed")] == [False, True]
    assert tokens(world, "good") == MILLION // 2 + 1_000 * USDC
    assert vault.read("claimable", world.actor("bad")) == vault.read("queued") == 1_000 * USDC
    # He is refused for as long as he is listed, unless he names another address.
    vault.write("claim", world.actor("friend"), sender=world.actor("bad"))
    assert tokens(world, "friend") == 1_000 * USDC
    assert vault.read("queued") == 0


def test_a_hook_that_calls_back_is_paid_once(world_of, monkeypatch):
    from plimsoll import contracts
    from plimsoll.testing.deployment import Substituted

    artifacts = contracts.load()
    monkeypatch.setattr("plimsoll.deploy.deployment.load", lambda: Substituted(artifacts, "HookERC20"))
    world = braked()
    vault, token = world.vault(0), world.token(0)
    world.fund(world.account(world.actor("whale")), 0, MILLION)
    world.chain.advance(HOUR)
    take(world, "whale", MILLION // 4)
    take(world, "whale", 1_000 * USDC)
    world.chain.advance(HOUR)
    token.write(
        "setHook", world.actor("whale"), True, vault.address, False, vault.encode("process", 5), sender=world.admin
    )
    vault.write("process", 5, sender=world.admin)
    assert tokens(world, "whale") == MILLION // 4 + 1_000 * USDC
    assert vault.read("queued") == 0


def test_too_little_gas_is_no_way_to_set_a_payment_aside(world, reverts):
    """Whoever sends the transaction cannot make the transfer fail by its gas limit."""
    take(world, "whale", 300_000 * USDC)
    world.chain.advance(HOUR)
    with reverts("GasShortage"):
        world.vault(0).write("process", 1, sender=world.actor("mallory"), gas=220_000)
    world.vault(0).write("process", 1, sender=world.admin)
    assert world.vault(0).read("claimable", world.actor("whale")) == 0


def test_the_queue_comes_to_its_end_when_everybody_leaves():
    """Without a floor, everything that is there queued: each hour a quarter of what is left, at least a unit."""
    world = braked(floor=0)
    world.fund(world.account(world.actor("whale")), 0, 1_000)
    world.chain.advance(HOUR)
    take(world, "whale", 1_000)
    for _ in range(40):
        world.vault(0).write("process", 5, sender=world.admin)
        world.chain.advance(HOUR)
    assert tokens(world, "whale") == 1_000
    assert world.vault(0).read("queued") == world.vault(0).read("balance") == 0

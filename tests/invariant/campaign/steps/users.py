"""What owners do with their accounts besides trading: deposit, withdraw, move things between them."""

from __future__ import annotations

from campaign.cast import ASSETS, MARKETS, TRADERS, UNIT
from campaign.steps import choose
from campaign.steps.prices import freshen
from plimsoll.actions import MAX_UINT256
from plimsoll.margin import account as twin
from plimsoll.margin.account import PriceUse


def deposit(run, rng) -> None:
    name = rng.choice((*TRADERS, "keeper", "operator"))
    account = (
        choose.account(run, rng, name)
        if rng.random() < 0.85 and run.arena.of(name)
        else rng.choice(run.arena.everything)
    )
    asset = rng.choices(ASSETS, (6, 2, 1, 1))[0]
    purse = run.book.holdings[asset][run.arena.holders.index(run.address(name))]
    amount = min(rng.choice((1, purse // 100, purse // 1000, purse // 20_000, purse + 1)), MAX_UINT256)
    if account == run.arena.pool_account and asset == 0 and run.book.held(account):
        amount = min(amount, 1000 * 10**6)
    run.batch(name, run.deposit(account, asset, amount))


def withdraw(run, rng) -> None:
    freshen(run, rng)
    name = choose.trader(rng)
    account = choose.account(run, rng, name)
    held = [asset for asset in ASSETS if run.book.held(account, asset)]
    asset = rng.choice(held or ASSETS)
    run.batch(name, run.withdraw(account, asset, choose.part(rng, run.book.held(account, asset)), name))


def withdraw_to_the_limit(run, rng) -> None:
    """All that the check allows, and then one unit more."""
    freshen(run, rng)
    name = choose.trader(rng)
    account = choose.account(run, rng, name)
    if run.book.held(account) <= 0 or not run.book.all_good:
        return
    found = run.book.assess(account, PriceUse.OPEN)
    spare = (found.equity - twin.removal_margin(found)) // UNIT
    amount = min(spare, run.book.held(account))
    if amount <= 0 or run.book.accounts[account].header.call_deadline:
        return
    run.batch(name, run.withdraw(account, 0, amount, name), must="L-1")
    if run.book.accounts[account].header.markets:
        run.batch(name, run.withdraw(account, 0, 1, name), refused="S-1")


def transfer(run, rng) -> None:
    freshen(run, rng)
    name = choose.trader(rng)
    own = run.arena.of(name)
    account, to = rng.choice(own), rng.choice(own)
    asset = rng.choice(ASSETS)
    run.batch(name, run.transfer(account, to, asset, choose.part(rng, run.book.held(account, asset))))


def move(run, rng) -> None:
    """A position to another account of one's own, mostly with the margin that it needs."""
    freshen(run, rng)
    name = choose.trader(rng)
    own = run.arena.of(name)
    held = [entry for entry in choose.with_position(run) if len(run.arena.of(run.arena.owner(entry[0]))) > 1]
    if held and rng.random() < 0.9:
        account, market = rng.choice(held)
        name = run.arena.owner(account)
        to = rng.choice([other for other in run.arena.of(name) if other != account])
    else:
        account, to = rng.choice(own), rng.choice(own)
        market = choose.market(run, rng, account)
    size = run.book.size(account, market)
    part = size if rng.random() < 0.5 else int(size * rng.random())
    extra = []
    if rng.random() < 0.6 and run.book.held(account) > 0:
        extra = [run.transfer(account, to, 0, run.book.held(account) * rng.randint(0, 100) // 100)]
    run.batch(name, run.transfer_position(account, to, market, part or rng.choice((1, -1))), *extra)


def settle(run, rng) -> None:
    market = rng.choice(MARKETS)
    chosen = rng.sample(list(run.arena.accounts), rng.randint(1, 6))
    if rng.random() < 0.2:
        chosen += chosen[:1]
    run.batch(rng.choice(("alice", "keeper", "mallory")), run.settle(market, chosen))

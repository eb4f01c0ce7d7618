"""What operations cost, whole transactions, from receipts of a local Anvil.

Every figure is one transaction as a user sends it: 21,000 and calldata included, every slot cold as a first touch is,
refunds taken off. Five markets are listed; accounts, balances and wallets are in use unless the name says first; the
prices were stored before, by somebody else's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from plimsoll import gas_options
from plimsoll.actions import Action, borrow, deposit, lend, limit, liquidate, margin_call, repay, trade_perp, withdraw
from plimsoll.chain import Anvil, LocalChain
from plimsoll.errors import PlimsollError
from plimsoll.prices import PRICE, Quote
from plimsoll.testing.spot import SpotScene
from plimsoll.testing.world import SIZE, World

USDC, BTC, ETHER = 10**6, 10**8, 10**18
#: CI fails when a figure moves by more than this share of the recorded one.
TOLERANCE_PERCENT = 1
CODE_LIMIT = 24_576


class GasDrift(PlimsollError):
    """Figures that moved by more than the tolerance, contracts that are too large, or a record that is missing."""


class _Scene:
    """A world in which somebody has done everything once, so that nothing measured is anyone's first time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.trader, self.keeper = world.actor("trader"), world.actor("keeper")
        self.account, self.own = world.account(self.trader), world.account(self.keeper)
        world.fund(self.account, 0, 200_000 * USDC)
        world.mint(self.trader, 0, 1_000_000 * USDC)
        world.fund(self.own, 0, 1_000_000 * USDC)
        for market in range(5):
            other = world.actor("other")
            crowd = world.account(other, market)
            world.fund(crowd, 0, 500_000 * USDC)
            world.execute(other, trade_perp(crowd, market, SIZE))
        world.execute(self.keeper, trade_perp(self.own, 0, SIZE))
        world.execute(self.trader, trade_perp(self.account, 0, SIZE))

    def cost(self, sender: str, *actions: Action) -> int:
        """Gas of one batch, undone afterwards."""
        chain = self.world.chain
        point = chain.snapshot()
        gas = self.world.execute(sender, *actions).gas_used
        chain.revert(point)
        return gas

    def weak(self, count: int, leverage: int = 18) -> list[bytes]:
        """Accounts of different owners, one long each, margin 1,000."""
        targets = []
        for number in range(count):
            owner = self.world.actor(f"weak {number}")
            account = self.world.account(owner)
            self.world.fund(account, 0, 1_000 * USDC)
            self.world.execute(owner, trade_perp(account, 0, leverage * 1_000 * SIZE // 3_000))
            targets.append(account)
        return targets


def measure(progress: Callable[[str], None] = lambda _: None) -> dict[str, int]:
    """All figures, by name."""
    with Anvil(accounts=20) as chain:
        progress("setting the scene")
        scene = _Scene(World.create(chain))
        figures: dict[str, int] = {}
        for part in (_custody, _trading, _enforcement, _lending, _prices):
            progress(part.__name__.strip("_"))
            figures |= part(scene)
        progress("zero capital")
        figures |= _zero_capital(chain)
    with Anvil(accounts=20) as chain:
        progress("leverage")
        figures |= _leverage(World.create(chain, exchange=True))
    with Anvil(accounts=20) as chain:
        progress("options")
        return figures | gas_options.measure(chain)


def _leverage(world: World) -> dict[str, int]:
    """10 WETH made 30 in one batch: a loan, a swap on Uniswap v3, a limit. The account has done it before, and lent."""
    lender, owner = world.actor("lender"), world.actor("lever")
    account, lent = world.account(owner), world.account(lender)
    world.fund(lent, 0, 1_000_000 * USDC)
    world.execute(lender, lend(lent, 0, 1_000_000 * USDC))
    world.fund(account, 1, 10 * ETHER)
    world.fund(account, 0, USDC)
    exchange = world.exchange

    def loop(amount: int) -> list[Action]:
        best = exchange.best_in(0, amount, 1)
        swap = exchange.sell_action(account, 0, amount, 1, best.amount_out, route=best.route)
        return [borrow(account, 0, amount), swap, limit(account, 310)]

    world.execute(owner, *loop(100 * USDC))
    world.post({})
    return {"loop_3x": world.execute(owner, *loop(60_000 * USDC)).gas_used}


def _custody(scene: _Scene) -> dict[str, int]:
    return {"deposit": scene.cost(scene.trader, deposit(scene.account, 0, 1_000 * USDC))}


def _trading(scene: _Scene) -> dict[str, int]:
    world = scene.world
    increase = trade_perp(scene.account, 0, SIZE)
    # Time has passed since every market was last touched, as it has in life: checks project the funding of each.
    world.post({})
    alone = scene.cost(scene.trader, increase)
    newcomer = world.actor("newcomer")
    fresh = world.account(newcomer)
    world.fund(fresh, 0, 10_000 * USDC)
    first = scene.cost(newcomer, trade_perp(fresh, 0, SIZE))
    for market in range(1, 5):
        world.execute(scene.trader, trade_perp(scene.account, market, SIZE))
    world.post({})
    crowded = scene.cost(scene.trader, increase)
    return {"perp_increase": alone, "perp_first": first, "held_perp_marginal": -(-(crowded - alone) // 4)}


def _enforcement(scene: _Scene) -> dict[str, int]:
    world, keeper, own = scene.world, scene.keeper, scene.own
    targets = scene.weak(4)
    point = world.chain.snapshot()
    world.post({1: 2925 * PRICE})
    call = scene.cost(keeper, margin_call(own, targets[0]))
    world.chain.revert(point)
    world.post({1: 2885 * PRICE})
    world.post({1: 2880 * PRICE})
    one = scene.cost(keeper, liquidate(own, targets[0]))
    four = scene.cost(keeper, *(liquidate(own, target) for target in targets))
    return {"margin_call": call, "liquidate_one": one, "liquidate_next": -(-(four - one) // 3)}


def _prices(scene: _Scene) -> dict[str, int]:
    """The first price of an hour, signed by a quorum: every feed takes a volatility sample, none has a reference."""
    world, chain = scene.world, scene.world.chain
    chain.advance(3600 - chain.block()[1] % 3600)
    world.post({})  # a whole hour before the sample, whatever the clock says: a calm one, at σ below σ_ref
    for feed in world.prices:
        world.router.write("setVolatility", feed, 10_000, 30_000, 12, sender=world.admin)
    quorum = world.signer.addresses[: world.router.read("quorum")]

    def cost(feeds: list[int]) -> int:
        point = chain.snapshot()
        chain.advance(3600 - chain.block()[1] % 3600 + 2)
        quotes = [Quote(feed, world.prices[feed] * 1003 // 1000, 100) for feed in feeds]
        report = world.signer.report(chain.block()[1], quotes, quorum)
        gas = world.router.write("update", report, sender=scene.keeper).gas_used
        chain.revert(point)
        return gas

    feeds = sorted(world.prices)
    one, all_ = cost(feeds[:1]), cost(feeds)
    return {"price_update_first": one, "price_update_next": -(-(all_ - one) // (len(feeds) - 1))}


def _lending(scene: _Scene) -> dict[str, int]:
    """A loan in use: neither the lender's, the borrower's nor the keeper's words are anyone's first."""
    world = scene.world
    for asset, amount in ((0, 1_000_000 * USDC), (2, 10 * BTC)):
        lender = world.actor(f"lender {asset}")
        account = world.account(lender)
        world.fund(account, asset, amount)
        world.execute(lender, lend(account, asset, amount))
    borrower = world.actor("borrower")
    loan = world.account(borrower)
    world.fund(loan, 1, 10 * ETHER)
    world.fund(loan, 0, 1_000 * USDC)
    world.execute(borrower, borrow(loan, 0, 20_000 * USDC), withdraw(loan, 0, 20_000 * USDC, borrower))
    world.post({})
    alone = scene.cost(borrower, borrow(loan, 0, 1_000 * USDC))
    back = scene.cost(borrower, repay(loan, 0, 1_000 * USDC))
    spot = _liquidate_spot(scene)
    world.fund(loan, 2, BTC)
    world.post({})
    collateral = scene.cost(borrower, borrow(loan, 0, 1_000 * USDC)) - alone
    world.execute(borrower, withdraw(loan, 2, BTC, borrower), borrow(loan, 2, BTC // 100))
    world.post({})
    debt = scene.cost(borrower, borrow(loan, 0, 1_000 * USDC)) - alone
    figures = {"borrow": alone, "repay": back, "liquidate_spot": spot}
    return figures | {"check_collateral_marginal": collateral, "check_debt_marginal": debt}


def _liquidate_spot(scene: _Scene) -> int:
    """An account of the WETH/USDC pair; the keeper holds both assets, and owes some of what he takes over."""
    world, keeper, own = scene.world, scene.keeper, scene.own
    owner = world.actor("pair")
    loan = world.account(owner, market=0x8000 | 1 << 6)
    world.fund(loan, 1, 10 * ETHER)
    world.execute(owner, borrow(loan, 0, 20_000 * USDC), withdraw(loan, 0, 20_000 * USDC, owner))
    world.fund(own, 1, 10 * ETHER)
    world.execute(keeper, borrow(own, 0, 1_000 * USDC))
    point = world.chain.snapshot()
    world.post({1: 2_400 * PRICE})
    gas = scene.cost(keeper, liquidate(own, loan))
    world.chain.revert(point)
    return gas


def _zero_capital(chain: LocalChain) -> dict[str, int]:
    """The keeper's own batch for an account of a spot pair: slice, swap, repayment, profit out. His account was used
    before, and holds crumbs of quote and nothing else."""
    from plimsoll.keeper.cycle import Keeper
    from plimsoll.keeper.select import look
    from plimsoll.keeper.settings import Settings
    from plimsoll.keeper.wallet import ProcessWallet

    scene = SpotScene(World.create(chain, parameters=SpotScene.parameters()))
    world, sender, cold = scene.world, scene.world.actor("keeper"), scene.world.actor("cold")
    world.fund(world.account(sender), 0, 1)
    world.mint(cold, 0, 1)
    scene.loan("borrower")
    scene.fall(2_700)
    keeper = Keeper(world, Settings(profit_to=cold, reserve=0), ProcessWallet(chain, sender))
    view = keeper.mirror.follow()
    assert view is not None
    batch = keeper.planner(view, look(view)).liquidations(look(view).liquidatable)
    assert batch is not None and batch.withdrawn
    world.post({})  # planning may take longer than a price is good for
    return {"liquidate_spot_zero_capital": world.execute(sender, *batch.actions).gas_used}


# ---------------------------------------------------------------------------------------------- the record


def code_sizes() -> dict[str, int]:
    """Runtime bytes of every deployable contract of ours, the ones for testing included."""
    from plimsoll import contracts

    artifacts = contracts.load()
    return {name: len(artifacts[name].deployed_bytecode) // 2 for name in sorted(artifacts) if artifacts[name].bytecode}


def check(figures: Mapping[str, int], record: Path) -> None:
    """Compares with the record. Raises GasDrift naming every figure that moved, and every contract over the limit."""
    try:
        known: dict[str, int] = json.loads(record.read_text())
    except (OSError, ValueError) as error:
        raise GasDrift(f"no gas record at {record} ({error}); write one with `plimsoll gas --write {record}`") from None
    drift = [
        f"{name}: {known.get(name)} recorded, {figures.get(name)} measured"
        for name in sorted(known.keys() | figures.keys())
        if abs(figures.get(name, 0) - known.get(name, 0)) * 100 > TOLERANCE_PERCENT * known.get(name, 0)
    ]
    drift += [
        f"{name}: {size} bytes of code, {CODE_LIMIT} allowed"
        for name, size in code_sizes().items()
        if size > CODE_LIMIT
    ]
    if drift:
        raise GasDrift("; ".join(drift) + f". If that is meant, run `plimsoll gas --write {record}`")

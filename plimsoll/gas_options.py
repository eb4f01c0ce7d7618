"""What options cost: part of `plimsoll gas`.

Matches and liquidations are whole transactions. A check alone is what `assess` executes in a transaction of its own,
every slot cold: 21,000 and calldata are taken off, as in the figures of those it is compared with. Every option has a
strike of its own, calls and puts in turn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from plimsoll import accounts
from plimsoll.abi import keccak
from plimsoll.accounts import Mode
from plimsoll.actions import Action, liquidate, match, withdraw
from plimsoll.chain import AnvilChain, Receipt
from plimsoll.deploy.defaults import SURFACES, local_signer_keys
from plimsoll.margin.fixed_math import WAD, YEAR
from plimsoll.margin.option_series import Series, pack, unpack
from plimsoll.margin.rule_options import ExpiryExposure, Holding, marks
from plimsoll.orders import MAX_LEGS, ONE, Domain, Leg, Order, OrderSigner
from plimsoll.prices import PRICE
from plimsoll.surfaces import Fit, Quoted, Smile, Surface, SurfaceSigner, Terms
from plimsoll.testing.deployment import parameters
from plimsoll.testing.world import World

USDC = 10**6
ETH, FEED, SPOT = 0, 1, 3_000
#: Days to the expiries of a portfolio.
DAYS = (2, 7, 14, 30, 60, 90, 180)
DAY = 1_440  # minutes
TENTH = ONE // 10
SCENARIOS = 36
INTRINSIC = 21_000

Legs = list[tuple[int, int]]


def measure(chain: AnvilChain) -> dict[str, int]:
    """All figures, by name."""
    desk = _Desk(chain)
    return _matches(desk) | _checks(desk) | _slices(desk)


def _matches(desk: _Desk) -> dict[str, int]:
    """Two accounts, of owners who traded before: the first option of both, one more beside it, what four more add."""
    legs = [(desk.series(SPOT + 100 * number, put=False), TENTH) for number in range(6)]
    desk.fill(desk.account("maker", index=1), desk.account("taker", index=1), legs)
    sides = desk.account("maker"), desk.account("taker")
    desk.refresh()
    first = desk.cost(sides, legs[:1])
    desk.fill(*sides, legs[:1])
    desk.refresh()
    one, five = desk.cost(sides, legs[1:2]), desk.cost(sides, legs[1:])
    return {"option_match_first": first, "option_match": one, "option_leg_marginal": -(-(five - one) // 4)}


def _checks(desk: _Desk) -> dict[str, int]:
    """By rule 128 options of one expiry, long and short in turn; by scenarios one short call, and 80 options of seven
    expiries. The witness is the one that proves most."""
    other = desk.account("other side")
    rule, single, crowd = desk.account("by rule"), desk.account("single", Mode.PORTFOLIO), desk.crowd("crowd", 80)
    desk.fill(rule, other, [(desk.series(1_700 + 20 * n, put=n % 2 == 1), TENTH * (-1) ** n) for n in range(128)])
    desk.fill(single, desk.account("buyer"), [(desk.series(SPOT, put=False), -TENTH)])
    desk.refresh()
    return {
        "rule_128_options": desk.check(rule),
        "portfolio_1": desk.check(single),
        "portfolio_80_full": desk.check(crowd),
        "portfolio_80_witness": desk.check(crowd, desk.witness(crowd)),
    }


def _slices(desk: _Desk) -> dict[str, int]:
    """A portfolio account in part taken into an empty one, which is checked by all scenarios after; the proof is a
    witness."""
    targets = {size: desk.crowd(f"target of {size}", size) for size in (64, 128)}
    for target in targets.values():
        desk.drain(target)
    figures = {}
    for size, target in targets.items():
        desk.fall_under(target)
        taker = desk.account(f"taker of {size}", Mode.PORTFOLIO)
        desk.refresh()
        action = liquidate(taker, target, witness=desk.witness(target))
        figures[f"portfolio_slice_{size}"] = desk.execute(f"taker of {size}", action).gas_used
    return figures


class _Desk:
    """A world with surfaces for ether, and people who sign orders."""

    def __init__(self, chain: AnvilChain) -> None:
        chain.rpc.request("anvil_autoImpersonateAccount", True)  # owners sign orders with keys that the node has not
        plain = parameters()
        ether = replace(plain.markets[0], surfaces=SURFACES)
        self.world = World.create(chain, parameters=replace(plain, markets=(ether, *plain.markets[1:])))
        deployed = self.world.deployed
        self.surfaces = SurfaceSigner(local_signer_keys(), deployed.surfaces.address, chain.chain_id)
        self.domain = Domain(deployed.verifier.address, chain.chain_id)
        self.signers: dict[str, OrderSigner] = {}
        self.nonces = count()
        self.today = chain.block()[1] // 86_400 * DAY
        self.refresh()

    # ---------------------------------------------------------------- people

    def signer(self, name: str) -> OrderSigner:
        if name not in self.signers:
            self.signers[name] = OrderSigner(keccak(b"option owner " + name.encode()), self.domain)
            self.world.chain.set_balance(self.signers[name].address, 10**24)
        return self.signers[name]

    def account(self, name: str, mode: Mode = Mode.CROSS, index: int = 0) -> bytes:
        """With two million quote."""
        account = accounts.pack(self.signer(name).address, mode, 0, index)
        self.world.fund(account, 0, 2_000_000 * USDC)
        return account

    def crowd(self, name: str, size: int) -> bytes:
        """A portfolio account short of options spread over all expiries."""
        account = self.account(name, Mode.PORTFOLIO)
        legs = [(self.series(2_400 + 60 * (n // 7), n % 7, put=n % 2 == 1), -TENTH) for n in range(size)]
        self.fill(account, self.account(f"{name}, other side"), legs)
        return account

    def drain(self, account: bytes) -> None:
        """Leaves it a twentieth above what it needs to withdraw."""
        self.refresh()
        seen = self.world.assess(account)
        spare = seen.equity - max(seen.im, seen.notional // 10) * 21 // 20
        owner = "0x" + account[:20].hex()
        self.world.execute(owner, withdraw(account, 0, spare // 10**12, owner))

    def fall_under(self, account: bytes) -> None:
        """The price moves until the account may be liquidated, and is not bankrupt."""
        price = SPOT
        while (seen := self.world.assess(account)).equity >= seen.mm:
            price += SPOT // 100
            self.world.post({FEED: price * PRICE})
        assert seen.equity > 0

    # ---------------------------------------------------------------- prices

    def series(self, strike: int, expiry: int = 3, *, put: bool) -> int:
        return pack(ETH, self.today + DAYS[expiry] * DAY, strike * PRICE, put=put)

    def refresh(self) -> None:
        """Prices and surfaces of now."""
        self.world.post({})
        now = self.world.chain.block()[1]
        quoted = [Quoted(ETH, self.today + days * DAY, self.surface(days, now)) for days in DAYS]
        report = self.surfaces.report(now, quoted)
        self.world.deployed.surfaces.write("update", report, sender=self.world.admin)

    def surface(self, days: int, now: int) -> Surface:
        """A vol of some 60 % at the money, more for puts."""
        tau = ((self.today + days * DAY) * 60 - now) * WAD // YEAR
        width = 0.6 * math.sqrt(tau / WAD)
        smile = Smile(int(width**2 * WAD / 2), int(width * 0.45 * WAD), -3 * WAD // 10, int(-0.2 * width * WAD))
        fit = Fit(int(width * WAD), SPOT * PRICE, tau)
        return Surface(smile, fit, Terms(WAD + tau // 50, WAD // 50, 100, 200, 300))

    def mark(self, instrument: int) -> int:
        """Its price by rule, which a fill has to be near."""
        series: Series = unpack(instrument)
        words = self.world.deployed.surfaces.read("read", [series.market << 32 | series.expiry])
        mantissa, exponent = instrument >> 1 & 0xFFFFFF, instrument >> 25 & 15
        left = series.expiry * 60 - self.world.chain.block()[1]
        holding = Holding(mantissa, exponent, series.put, ONE)
        exposure = ExpiryExposure(series.market, series.expiry, (holding,), self.world.prices[FEED], left, tuple(words))
        return marks(exposure)[0] // ONE

    # ---------------------------------------------------------------- doing

    def fill(self, maker: bytes, taker: bytes, legs: Legs) -> None:
        """As many orders as it takes."""
        legs = sorted(legs)
        for first in range(0, len(legs), MAX_LEGS):
            self.refresh()
            self.world.execute(self.world.admin, self.matching((maker, taker), legs[first : first + MAX_LEGS]))

    def cost(self, sides: tuple[bytes, bytes], legs: Legs) -> int:
        """Gas of a fill, sent by a third and undone afterwards."""
        chain = self.world.chain
        action = self.matching(sides, legs)
        point = chain.snapshot()
        gas = self.world.execute(self.world.admin, action).gas_used
        chain.revert(point)
        return gas

    def matching(self, sides: tuple[bytes, bytes], legs: Legs) -> Action:
        """Both sides signed. No limits: the band holds prices."""
        end = self.world.chain.block()[1] + 3_600
        signed = []
        for account, sign in zip(sides, (1, -1), strict=True):
            wanted = tuple(Leg(instrument, sign * quantity) for instrument, quantity in legs)
            order = Order(account, wanted, ONE, 2**100, end, next(self.nonces))
            signer = next(one for one in self.signers.values() if one.address == order.owner)
            signed.append((order.values(), signer.sign(order)))
        return match(signed[0], signed[1], ONE, [self.mark(instrument) for instrument, _ in legs])

    def execute(self, name: str, action: Action) -> Receipt:
        return self.world.execute(self.signer(name).address, action)

    def check(self, account: bytes, witness: bytes = b"") -> int:
        engine, arguments = self.world.engine, (account, witness) if witness else (account,)
        name = "assessWitness" if witness else "assess"
        receipt = engine.write(name, *arguments, sender=self.world.admin)
        return receipt.gas_used - INTRINSIC - sum(16 if byte else 4 for byte in engine.encode(name, *arguments))

    def witness(self, account: bytes) -> bytes:
        """Of those that name one scenario for everything the one that proves the most."""
        named: Sequence[bytes] = [bytes([k, k, k]) for k in range(SCENARIOS)]
        return max(named, key=lambda one: self.world.engine.read("assessWitness", account, one)[3])

"""A deployment on which options are traded: people with keys of their own, surfaces, signed orders that are matched.

desk = OptionDesk.open(chain, fall, directory)
fund = desk.person("fund", Mode.PORTFOLIO)
desk.fund(fund, 400_000)
desk.tell(moment)                                   prices and surfaces, signed, in one block
desk.match(fund, bank, {instrument: quantity}, moment)   fund gets the legs, bank gives them, at the marks
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plimsoll import accounts
from plimsoll.abi import keccak
from plimsoll.accounts import Mode
from plimsoll.actions import Action, batch, deposit, match
from plimsoll.chain.base import LocalChain, Receipt, Tx
from plimsoll.chain.signer import Signer
from plimsoll.deploy import Deployment, deploy, local, local_signer_keys
from plimsoll.margin.option_series import expiry_of, is_put, market_of, strike_of
from plimsoll.orders import MAX_LEGS, ONE, Domain, Leg, Order, OrderSigner
from plimsoll.prices import PRICE, Quote, ReportSigner
from plimsoll.pricing import black76
from plimsoll.sim.scene import CAPS_GROW, CONFIDENCE, must
from plimsoll.sim.smiles import Fall, Moment
from plimsoll.surfaces import Quoted, SurfaceSigner

GAS = 30_000_000
UNIT = 10**6  # of the quote asset
STILL = {3: 150 * PRICE, 4: 60 * PRICE, 5: 15 * PRICE}  # feeds of markets that nobody trades here
DEAR = 101  # percent of the net price that an order allows


@dataclass(frozen=True)
class Person:
    """One account and the key that signs its orders."""

    name: str
    account: bytes
    signer: OrderSigner

    @property
    def address(self) -> str:
        return self.signer.address


@dataclass
class OptionDesk:
    """`markets`: numbers by underlying. `nonces`: of orders, by owner."""

    chain: LocalChain
    deployment: Deployment
    admin: str
    prices: ReportSigner
    surfaces: SurfaceSigner
    markets: Mapping[str, int]
    people: list[Person] = field(default_factory=list)
    nonces: dict[str, int] = field(default_factory=dict)

    @classmethod
    def open(cls, chain: LocalChain, fall: Fall, directory: Path | None = None) -> OptionDesk:
        """Deploys the default protocol, at the fall's first prices, to be ready when the fall begins."""
        chosen = local(references=False, risk_delay=0, admin_delay=0, exchange=False)
        admin = chain.accounts[0]
        deployment = deploy(chain, admin, chosen, directory=directory)
        markets = {m.symbol: n for n, m in enumerate(chosen.markets) if m.symbol in fall.index}
        chain_id, keys = chain.chain_id, local_signer_keys()
        prices = ReportSigner(keys, deployment.feed.address, chain_id)
        surfaces = SurfaceSigner(keys, deployment.surfaces.address, chain_id)
        return cls(chain, deployment, admin, prices, surfaces, markets)

    # ---------------------------------------------------------------- transactions

    def call(self, sender: str, contract: Any, function: str, *args: object) -> Tx:
        return Tx(sender, contract.address, contract.encode(function, *args), 0, GAS)

    def execute(self, sender: str, *actions: Action) -> Receipt:
        """One batch of `sender`, in a block of its own; its error is raised."""
        tx = self.call(sender, self.deployment.engine, "execute", batch(actions))
        receipt = self.chain.send_many([tx])[0]
        if receipt.error is not None:
            raise receipt.error
        return receipt

    # ---------------------------------------------------------------- people and money

    def person(self, name: str, mode: Mode, key: bytes | None = None) -> Person:
        """Somebody whose key follows from his name; `key` instead for one who has a key already."""
        key = key or keccak(b"plimsoll option desk " + name.encode())
        domain = Domain(self.deployment.verifier.address, self.chain.chain_id)
        signer = OrderSigner(key, domain)
        person = Person(name, accounts.pack(Signer(key).address, mode, 0, 0), signer)
        self.people.append(person)
        return person

    def deposited(self, owner: str, account: bytes, asset: int, amount: int) -> list[Tx]:
        """Tokens out of nothing, and into `account`."""
        token, vault = self.deployment.tokens[asset], self.deployment.vaults[asset]
        return [
            self.call(owner, token, "mint", owner, amount),
            self.call(owner, token, "approve", vault.address, amount),
            self.call(owner, self.deployment.engine, "execute", batch([deposit(account, asset, amount)])),
        ]

    def fund(self, account: bytes, owner: str, quote: int) -> None:
        """Whole quote."""
        must(self.chain, self.deposited(owner, account, 0, quote * UNIT))

    def open_pool(self, moment: Moment, liquidity: int, insurance: int) -> None:
        """A week goes by until supply caps have grown; then one LP comes in, and insurance is endowed."""
        pool, lp = self.deployment.pool, self.chain.accounts[1]
        self.chain.advance(CAPS_GROW)
        must(self.chain, [self.price_tx(moment, self.chain.block()[1])])
        token = self.deployment.tokens[0]
        must(self.chain, [
            self.call(lp, token, "mint", lp, liquidity * UNIT),
            self.call(lp, token, "approve", pool.address, liquidity * UNIT),
            self.call(lp, pool, "requestDeposit", liquidity * UNIT, lp),
        ])  # fmt: skip
        self.chain.advance(self.deployment.parameters.pool.delay + 60)
        must(self.chain, [self.price_tx(moment, self.chain.block()[1])])
        must(self.chain, [self.call(lp, pool, "execute", [1])])
        self.fund(self.deployment.insurance_account, self.chain.accounts[2], insurance)

    # ---------------------------------------------------------------- prices and surfaces

    def price_tx(self, moment: Moment, at: int) -> Tx:
        feeds = {self.feed(name): moment.price(name) for name in self.markets}
        quotes = [Quote(feed, value, CONFIDENCE) for feed, value in sorted((STILL | feeds).items())]
        return self.call(self.admin, self.deployment.router, "update", self.prices.report(at, quotes))

    def surface_tx(self, quoted: Sequence[Quoted], at: int) -> Tx:
        return self.call(self.admin, self.deployment.surfaces, "update", self.surfaces.report(at, quoted))

    def told(self, moment: Moment, at: int) -> list[Tx]:
        """Reports of all prices and surfaces of the moment, published at `at`; what would be refused is not signed."""
        rules = {self.markets[name]: self.rules(name) for name in self.markets}
        return [self.price_tx(moment, at), self.surface_tx(moment.quoted(self.markets, rules, at), at)]

    def rules(self, name: str) -> Any:
        return self.deployment.parameters.markets[self.markets[name]].surfaces

    def feed(self, name: str) -> int:
        return self.deployment.parameters.markets[self.markets[name]].feed

    # ---------------------------------------------------------------- trading

    def matched(self, maker: Person, taker: Person, legs: Mapping[int, int], moment: Moment) -> list[Action]:
        """Both sign for all legs, at most sixteen to an order, at the marks. Quantities (1e-8) are the maker's."""
        found = sorted(legs.items())
        return [self._match(maker, taker, found[at : at + MAX_LEGS], moment) for at in range(0, len(found), MAX_LEGS)]

    def _match(self, maker: Person, taker: Person, legs: Sequence[tuple[int, int]], moment: Moment) -> Action:
        prices = [self.mark(instrument, moment) for instrument, _ in legs]
        net = sum(quantity * price for (_, quantity), price in zip(legs, prices, strict=True)) // ONE
        slack = abs(net) * (DEAR - 100) // 100 + PRICE
        signed = []
        for person, side in ((maker, 1), (taker, -1)):
            nonce = self.nonces[person.address] = self.nonces.get(person.address, -1) + 1
            mirror = tuple(Leg(instrument, side * quantity) for instrument, quantity in legs)
            order = Order(person.account, mirror, ONE, side * net + slack, moment.time + 86_400, nonce)
            signed.append((order.values(), person.signer.sign(order)))
        return match(signed[0], signed[1], ONE, prices)

    def mark(self, instrument: int, moment: Moment) -> int:
        """Black-76 on the moment's surface, or the index for a perp; 1e-10 quote."""
        name = next(name for name, market in self.markets.items() if market == market_of(instrument))
        if not expiry_of(instrument):
            return moment.price(name)
        smile, strike = moment.smile(name, expiry_of(instrument) * 60), strike_of(instrument) / PRICE
        call = not is_put(instrument)
        price = black76.price(smile.forward, strike, smile.vol(strike), smile.years, call)
        return round(float(price) * PRICE)

    # ---------------------------------------------------------------- what there is

    def assess(self, accounts: Iterable[bytes]) -> list[tuple[Any, int]]:
        return [self.deployment.engine.read("assess", account) for account in accounts]

    def options(self, account: bytes) -> dict[int, int]:
        instruments, quantities = self.deployment.engine.read("options", account)
        return dict(zip(instruments, quantities, strict=True))

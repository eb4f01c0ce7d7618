"""A portfolio account with recorded option chains in a fall, until the keeper takes what its margin no longer holds.

    fall = load_fall(data)
    result = run(fall, AnvilBackend(fall.begin - LEAD), step=900)
    data_of(result)                 what the report shows (plimsoll.sim.option_page)

A fund is short put spreads and strangles over five expiries on two underlyings, hedged a little with perps, at nearly
all of the margin that it may use; a bank and a dealer are on the other side. A writer with a rule account sold puts.
Index and surfaces go from the first recorded chain to the second; the keeper is a process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from plimsoll.accounts import Mode
from plimsoll.chain.base import Receipt
from plimsoll.contracts import events
from plimsoll.margin.option_series import pack, perp
from plimsoll.orders import ONE
from plimsoll.prices import PRICE
from plimsoll.sim.anvil import KEY, AnvilBackend
from plimsoll.sim.option_books import Books, books
from plimsoll.sim.option_desk import OptionDesk, Person
from plimsoll.sim.option_gas import compare
from plimsoll.sim.scene import LEAD, must
from plimsoll.sim.smiles import Fall, Moment

BEFORE, AFTER = "deribit_chain_20260204T213308Z.csv.gz", "deribit_chain_20260205T155132Z.csv.gz"
UNDERLYINGS = ("ETH", "BTC")
HORIZON = 25 * 86_400  # seconds: expiries beyond it are not listed
STEP = 1_800
SLACK = 600  # seconds besides what opening the pool takes
EXPIRIES = slice(1, 6)  # the first expires on the way
LIQUIDITY, INSURANCE, FLOAT = 20_000_000, 500_000, 100
KEEPER = 1_500_000  # whole quote in the keeper's portfolio account
STATES = ("healthy", "restricted", "called", "liquidatable", "bankrupt")
UNITS = {"BTC": (500, 10), "ETH": (25, 300)}  # between strikes, and what one spread is of
#: strike / index, put, units: a spread, and a strangle around it whose far calls are bought
BOOK = ((0.99, True, -1.0), (0.92, True, 1.0), (0.945, True, -0.3), (1.055, False, -0.3), (1.2, False, 0.3))
HEDGE = -0.5  # units of the perp
WRITTEN = ((0.99, True, -0.5), (0.95, True, -0.3), (0.85, True, 0.15))
CASH = {"fund": 458_000, "writer": 72_500, "bank": 6_000_000, "dealer": 6_000_000}


class Health(NamedTuple):
    """One account at a step's close; quote."""

    equity: float
    im: float
    im0: float
    mm: float
    state: str


@dataclass
class Result:
    """`health`: by account and step. `acts`: calls and liquidations, in order. `books`: at every step. `taken`: series
    that each account ends with. `opening`: gas of the fund's batch."""

    times: list[int] = field(default_factory=list)
    index: dict[str, list[float]] = field(default_factory=dict)
    health: dict[str, list[Health]] = field(default_factory=dict)
    acts: list[dict[str, Any]] = field(default_factory=list)
    books: list[Books] = field(default_factory=list)
    series: int = 0
    expiries: int = 0
    opening: int = 0
    taken: dict[str, int] = field(default_factory=dict)
    keeper_log: str = ""


def load_fall(folder: Path) -> Fall:
    return Fall.load(folder / BEFORE, folder / AFTER, UNDERLYINGS, HORIZON)


def backend_for(fall: Fall) -> AnvilBackend:
    """A node whose clock is as long before the fall as the stage takes."""
    return AnvilBackend(fall.begin - LEAD - SLACK)


# ---------------------------------------------------------------- who has what


def portfolio_legs(desk: OptionDesk, moment: Moment, name: str) -> dict[int, int]:
    """Of one underlying: spreads and strangles over its expiries, and a perp against the way they lean."""
    market, (grid, unit) = desk.markets[name], UNITS[name]
    legs: dict[int, int] = {perp(market): round(HEDGE * unit * ONE)}
    for expiry in list(moment.smiles[name])[EXPIRIES]:
        legs |= _legs(market, moment.index[name], grid, unit, expiry, BOOK)
    return legs


def rule_legs(desk: OptionDesk, moment: Moment, name: str) -> dict[int, int]:
    """Of one expiry: puts."""
    expiry = list(moment.smiles[name])[EXPIRIES][2]
    return _legs(desk.markets[name], moment.index[name], *UNITS[name], expiry, WRITTEN)


def _legs(market: int, index: float, grid: int, unit: int, expiry: int, book: Any) -> dict[int, int]:
    strikes = [(round(index * share / grid) * grid, put, units) for share, put, units in book]
    return {
        pack(market, expiry // 60, strike * PRICE, put=put): round(units * unit * ONE) for strike, put, units in strikes
    }


# ---------------------------------------------------------------- the run


def run(fall: Fall, backend: AnvilBackend, step: int = STEP) -> Result:
    """Everything, from the deployment to the last chain. The backend is closed by who opened it."""
    return Walk(fall, backend).run(step)


class Walk:
    """One run on one node."""

    def __init__(self, fall: Fall, backend: AnvilBackend) -> None:
        self.fall, self.backend, self.result = fall, backend, Result()
        self.desk = OptionDesk.open(backend.chain, fall, backend.directory)
        self.people = {name: self._person(name) for name in CASH}
        self.keeper = self.desk.person("keeper", Mode.PORTFOLIO, KEY)

    def _person(self, name: str) -> Person:
        return self.desk.person(name, Mode.CROSS if name == "writer" else Mode.PORTFOLIO)

    def run(self, step: int) -> Result:
        first = self.fall.at(self.fall.begin)
        self.desk.open_pool(first, LIQUIDITY, INSURANCE)
        self._fund()
        self._open(first)
        self.backend.start_keeper(self.desk, FLOAT)
        for moment in list(self.fall.moments(step))[1:]:
            self._step(moment)
        everybody = [*self.people.values(), self.keeper]
        self.result.taken = {person.name: len(self.desk.options(person.account)) for person in everybody}
        self.result.keeper_log = self.backend.keeper_log()
        return self.result

    def _fund(self) -> None:
        for name, person in self.people.items():
            self.desk.fund(person.account, person.address, CASH[name])
        self.desk.fund(self.keeper.account, self.keeper.address, KEEPER)

    def _open(self, moment: Moment) -> None:
        """Prices and surfaces, and in the blocks after it every trade: one batch each for fund and writer."""
        who, desk = self.people, self.desk
        self.backend.begin(moment.time)
        must(desk.chain, desk.told(moment, moment.time))
        deals = [(who["fund"], who["bank"], "BTC"), (who["fund"], who["dealer"], "ETH")]
        legs = [portfolio_legs(desk, moment, name) for _, _, name in deals]
        actions = [
            action
            for (maker, taker, _), some in zip(deals, legs, strict=True)
            for action in desk.matched(maker, taker, some, moment)
        ]
        self.result.opening = desk.execute(who["fund"].address, *actions).gas_used
        written = rule_legs(desk, moment, "ETH")
        desk.execute(who["writer"].address, *desk.matched(who["writer"], who["dealer"], written, moment))
        options = desk.options(who["fund"].account)
        self.result.series = len(options)
        self.result.expiries = len({instrument >> 29 for instrument in options})
        self._record(moment)

    def _step(self, moment: Moment) -> None:
        desk, backend = self.desk, self.backend
        backend.begin(moment.time)
        must(desk.chain, desk.told(moment, moment.time))
        number = desk.chain.block()[0]
        backend.turns(number, moment.time)
        for block in range(number + 1, desk.chain.block()[0] + 1):
            for receipt in backend.receipts(block):
                self._note(moment, receipt)
        self._record(moment)

    # ---------------------------------------------------------------- what is written down

    def _record(self, moment: Moment) -> None:
        result, people = self.result, [*self.people.values(), self.keeper]
        result.times.append(moment.time)
        for name in UNDERLYINGS:
            result.index.setdefault(name, []).append(moment.index[name])
        for person, (found, state) in zip(people, self.desk.assess(p.account for p in people), strict=True):
            equity, im, im0, mm, _ = (value / 10**18 for value in found)
            result.health.setdefault(person.name, []).append(Health(equity, im, im0, mm, STATES[state]))
        result.books.append(books(self.desk))

    def _note(self, moment: Moment, receipt: Receipt) -> None:
        """What the keeper did, with the gas of the same transaction had every scenario been looked at."""
        names = {person.account: person.name for person in (*self.people.values(), self.keeper)}
        for event in events(receipt.logs):
            if event.name not in ("MarginCalled", "Liquidated"):
                continue
            target = event.args["target" if event.name == "Liquidated" else "account"]
            found = compare(self.desk, receipt, target)
            act = {"time": moment.time, "event": event.name, "account": names.get(target, target.hex())}
            act |= {"gas": receipt.gas_used, "gas_by_witness": found.proven, "gas_in_full": found.full}
            act |= {"witness": list(found.witness), "scenarios": found.scenarios}
            if event.name == "Liquidated":
                act |= {name: event.args[name] / 10**18 for name in ("fraction", "equity", "mm", "paid")}
                act["to"] = names[event.args["liquidator"]]
            self.result.acts.append(act)

"""Two markets with options on a chain in process: a smile per expiry as anyone could have fitted it, people, a keeper.

A year has 365 days. The fall is of a fifth in ten hours, with volatility from 60 to 90 %.
"""

from __future__ import annotations

from plimsoll import accounts
from plimsoll.accounts import Mode
from plimsoll.chain.signer import Signer
from plimsoll.keeper.cycle import Keeper
from plimsoll.keeper.settings import Settings
from plimsoll.keeper.wallet import ProcessWallet
from plimsoll.margin.option_series import pack
from plimsoll.orders import ONE
from plimsoll.prices import PRICE
from plimsoll.pricing.svi import Slice
from plimsoll.sim.anvil import KEY
from plimsoll.sim.option_desk import OptionDesk
from plimsoll.sim.scene import LEAD, must
from plimsoll.sim.smiles import Fall, Line

BEGIN = 1_770_240_000
HOUR, DAY, YEAR = 3_600, 86_400, 365 * 86_400
DAYS = (3, 10, 30)
INDEX = {"ETH": (2_000.0, 1_600.0), "BTC": (70_000.0, 56_000.0)}


def smile(index, years, vol):
    return Slice(a=0.6 * vol**2 * years, b=2 * vol**2 * years, rho=-0.3, m=0.0, sigma=0.2, forward=index, years=years)


def line(days, index, end=BEGIN + 10 * HOUR):
    expiry = BEGIN + days * DAY
    first = smile(index[0], (expiry - BEGIN) / YEAR, 0.6)
    last = smile(index[1], (expiry - end) / YEAR, 0.9) if expiry > end else None
    return Line(expiry, first, last, (1.0, 1.0))


def fall(days=DAYS):
    lines = {name: tuple(line(day, index) for day in days) for name, index in INDEX.items()}
    return Fall(BEGIN, BEGIN + 10 * HOUR, INDEX, lines, {})


class OptionTown:
    """A fund (portfolio) and a writer (by rule) that sell, a bank that buys, a keeper with a portfolio account."""

    def __init__(self, chain, *, keeper_cash=1_000_000):
        self.fall = fall()
        self.chain = chain
        self.desk = OptionDesk.open(chain, self.fall)
        self.desk.open_pool(self.fall.at(BEGIN), 5_000_000, 100_000)
        self.bank = self.desk.person("bank", Mode.PORTFOLIO)
        self.desk.fund(self.bank.account, self.bank.address, 5_000_000)
        self.signer = Signer(KEY)
        self.keeper = Keeper(self.desk.deployment, Settings(reserve=0), ProcessWallet(chain, self.signer.address))
        if keeper_cash:
            self.desk.fund(self.keeper.portfolio, self.signer.address, keeper_cash)
        self.at(BEGIN)

    @classmethod
    def genesis(cls):
        return BEGIN - LEAD - 600

    def at(self, time):
        """Prices and surfaces of that moment."""
        self.now = self.fall.at(time)
        if self.chain.block()[1] < time:
            self.chain.set_timestamp(time)
        must(self.chain, self.desk.told(self.now, self.chain.block()[1]))

    def sell(self, name, cash, puts, *, mode=Mode.PORTFOLIO, underlying="ETH", days=10):
        """Somebody who sold `puts`, strike → how many, to the bank."""
        person = self.desk.person(name, mode)
        self.desk.fund(person.account, person.address, cash)
        self.trade(person, {self.put(strike, underlying, days): -round(q * ONE) for strike, q in puts.items()})
        return person

    def trade(self, person, legs):
        self.desk.execute(person.address, *self.desk.matched(person, self.bank, legs, self.now))

    def put(self, strike, underlying="ETH", days=10):
        market = self.desk.markets[underlying]
        return pack(market, (BEGIN + days * DAY) // 60, strike * PRICE, put=True)

    def assess(self, account):
        ((found, state),) = self.desk.assess([account])
        return found, state

    def header_accounts(self):
        return [person.account for person in self.desk.people]


__all__ = ["BEGIN", "DAY", "HOUR", "OptionTown", "accounts", "fall", "line", "smile"]

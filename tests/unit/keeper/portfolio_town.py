"""Two markets with options on a chain in process: a smile per expiry as anyone could have fitted it, people, a keeper.

A year has 365 days. The fall is of a fifth in ten hours, with volatility from 60 to 90 %.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

from plimsoll import accounts
from plimsoll.accounts import Mode
from plimsoll.actions import withdraw
from plimsoll.chain.base import Tx
from plimsoll.chain.signer import Signer
from plimsoll.contracts import events
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
    expiry = round(BEGIN + days * DAY)
    first = smile(index[0], (expiry - BEGIN) / YEAR, 0.6)
    last = smile(index[1], (expiry - end) / YEAR, 0.9) if expiry > end else None
    return Line(expiry, first, last, (1.0, 1.0))


def fall(days=DAYS):
    lines = {name: tuple(line(day, index) for day in days) for name, index in INDEX.items()}
    return Fall(BEGIN, BEGIN + 10 * HOUR, INDEX, lines, {})


class Mempool(ProcessWallet):
    """What is sent waits until the next block, as on a real chain."""

    def __init__(self, chain, address):
        super().__init__(chain, address)
        self.waiting, self.mined = {}, {}

    def broadcast(self, prepared):
        tx_hash = f"0x{len(self.waiting) + len(self.mined) + 1:064x}"
        self.waiting[tx_hash] = prepared.request
        return tx_hash

    def mine(self):
        """One block with all of it, a second later."""
        if not self.waiting:
            return
        self.chain.advance(1)
        self.chain.still = True
        for tx_hash, (to, data) in self.waiting.items():
            (self.mined[tx_hash],) = self.chain.send_many([Tx(self.address, to, data, 0, None)])
        self.waiting, self.chain.still = {}, False

    def receipt(self, tx_hash):
        return self.mined.get(tx_hash)

    def knows(self, tx_hash):
        return tx_hash in self.waiting or tx_hash in self.mined


class OptionTown:
    """A fund (portfolio) and a writer (by rule) that sell, a bank that buys, a keeper with a portfolio account."""

    def __init__(self, chain, *, keeper_cash=1_000_000, days=DAYS):
        self.fall = fall(days)
        self.chain = chain
        self.desk = OptionDesk.open(chain, self.fall)
        self.desk.open_pool(self.fall.at(BEGIN), 5_000_000, 100_000)
        self.bank = self.desk.person("bank", Mode.PORTFOLIO)
        self.desk.fund(self.bank.account, self.bank.address, 5_000_000)
        self.signer = Signer(KEY)
        self.keep()
        if keeper_cash:
            self.desk.fund(self.keeper.portfolio, self.signer.address, keeper_cash)
        self.at(BEGIN)

    @classmethod
    def genesis(cls):
        return BEGIN - LEAD - 600

    def keep(self, *, dry=False, **settings):
        """A keeper that knows nothing yet, with other settings."""
        wallet = None if dry else Mempool(self.chain, self.signer.address)
        settings |= {"profit_to": self.signer.address} if dry else {}
        self.keeper = Keeper(self.desk.deployment, Settings(**{"reserve": 0} | settings), wallet)
        return self.keeper

    def at(self, time):
        """Prices and surfaces of that moment."""
        self.now = self.fall.at(time)
        if self.chain.block()[1] < time:
            self.chain.set_timestamp(time)
        must(self.chain, self.desk.told(self.now, self.chain.block()[1]))

    def price(self, time, factor=1.0):
        """ETH at `factor` times what it is at that time, and no surfaces."""
        self.chain.set_timestamp(time)
        moment = self.fall.at(time)
        other = replace(moment, index=moment.index | {"ETH": moment.index["ETH"] * factor})
        must(self.chain, [self.desk.price_tx(other, self.chain.block()[1])])

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
        return pack(market, round(BEGIN + days * DAY) // 60, strike * PRICE, put=True)

    def drain(self, keep):
        """Takes out of the keeper's portfolio account what is above `keep`."""
        account, sender = self.keeper.portfolio, self.signer.address
        held = self.desk.deployment.engine.read("held", account, 0)
        self.desk.execute(sender, withdraw(account, 0, held - keep * 10**6, sender))

    def cycle(self):
        """What the keeper did with the block, and its events: all it sent is in the next block."""
        mark = len(self.chain.kept)
        done = self.keeper.cycle()
        if self.keeper.wallet is not None:
            self.keeper.wallet.mine()
        return done, events([log for _, _, log in self.chain.kept[mark:]])

    def until(self, person, reached):
        """Hours go by until `reached` what the account is assessed at."""
        for hour in range(1, 11):
            self.at(BEGIN + hour * HOUR)
            found, _ = self.assess(person.account)
            if reached(found):
                return found
        raise AssertionError("the fall ends before that")

    def below_mm(self, person):
        return self.until(person, lambda found: found[0] < found[3])

    def below_call_margin(self, person):
        return self.until(person, lambda found: found[0] < found[3] + (found[2] - found[3]) * 3 // 10)

    def perp(self, account, market=0):
        """The size of its position."""
        return self.desk.deployment.engine.read("position", account, market)[0]

    def delta(self, account, feed=1):
        """As OptionLens has it, units of the underlying."""
        found = self.desk.deployment.option_lens.read("greeks", account)
        return sum(entry.delta for entry in found if entry.feed == feed) / 10**18

    def assess(self, account):
        ((found, state),) = self.desk.assess([account])
        return found, state

    def header_accounts(self):
        return [person.account for person in self.desk.people]

    @contextmanager
    def restored(self):
        """The town as it is now, again at the end, with a keeper that has seen nothing."""
        chain, people, now = self.chain, list(self.desk.people), self.now
        snapshot, nonces, kept = chain.snapshot(), dict(self.desk.nonces), len(chain.kept)
        try:
            yield self
        finally:
            chain.revert(snapshot)
            del chain.kept[kept:]
            self.desk.people[:], self.desk.nonces, self.now = people, nonces, now
            self.keep()


__all__ = ["BEGIN", "DAY", "HOUR", "OptionTown", "accounts", "fall", "line", "smile"]

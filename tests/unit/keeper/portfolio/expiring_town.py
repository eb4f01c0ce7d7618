"""The town of options with an expiry eight hours into the fall, and who lets time go by there."""

from __future__ import annotations

from portfolio_town import BEGIN, HOUR, OptionTown

from plimsoll import ledger
from plimsoll.margin.words import Header

SOON = 1 / 3  # days: eight hours
END = BEGIN + 8 * HOUR
WINDOW, MINUTE = 1_800, 60


class ExpiringTown(OptionTown):
    def __init__(self, chain, **options):
        super().__init__(chain, days=(SOON, 10, 30), **options)

    @property
    def engine(self):
        return self.desk.deployment.engine

    def soon(self, strike, underlying="ETH"):
        """A put of the expiry that comes soon."""
        return self.put(strike, underlying, SOON)

    def settlement(self, market=0):
        return tuple(self.engine.read("settlementOf", market, END // 60))

    def through(self, first, last, step=MINUTE):
        """Prices every `step` seconds and a cycle of the keeper after each; what it did."""
        done = []
        for time in range(first, last + 1, step):
            self.at(time)
            done.append(self.cycle()[0])
        return done

    def flat(self, account):
        """Whether it has neither options nor perps."""
        (word,) = ledger.read(self.engine, [ledger.header(account)])
        header = Header.from_word(word)
        return not header.options and not header.markets

"""A desk where options are traded by the real contracts: models, verifier, volatility feed (plimsoll.testing.options).

desk = ListedDesk.create().with_options()
desk.match(maker, taker, [(desk.call(3000), SIZE)])
assert desk.assess(taker)[:5] == desk.twin(taker)
"""

from __future__ import annotations

from dataclasses import replace

from desk import Desk

from plimsoll.keeper.options import witness_of
from plimsoll.margin.option_series import expiry_of, key_of, market_of
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.testing.options import OptionMixin


class ListedDesk(OptionMixin, Desk):
    def snapshot_words(self):
        plain = super().snapshot_words()
        surfaces, settlements = {}, {}
        for market, expiry in self.keys():
            key = key_of(market, expiry)
            surfaces[key] = tuple(self.surfaces.read("read", [key]))
            settlements[key] = self.settlement(market, expiry)
        model = PortfolioMargin(self.deployed.parameters.portfolio)
        return replace(plain, portfolio=model, surfaces=surfaces, settlements=settlements)

    def keys(self):
        """Every market and expiry that somebody has an option of."""
        found = {series for account in self.everyone() for series in self.options(account)}
        return {(market_of(series), expiry_of(series)) for series in found}

    def mirror(self, account):
        return replace(super().mirror(account), options=self.options(account))

    def witness(self, account):
        """The best proof there is: what a keeper sends."""
        return witness_of(self.mirror(account), self.snapshot_words())

    def fall_below(self, account, level=1.0, feed=1, *, step=0.01, up=True):
        """Moves the price until the account's equity is below `level` of its MM; surfaces with it."""
        for _ in range(200):
            found = self.assess(account)
            if found.equity < found.mm * level:
                return found
            self.fresh({feed: int(self.prices[feed] * (1 + step if up else 1 - step))})
        raise AssertionError(found)

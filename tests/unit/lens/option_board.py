"""Two expiries of options on one market, with real surfaces, and accounts that have some of them."""

from __future__ import annotations

import math
from dataclasses import astuple, replace

import numpy as np

from plimsoll import ledger
from plimsoll.actions import trade_perp
from plimsoll.deploy.defaults import SURFACES, local_signer_keys
from plimsoll.margin.option_series import expiry_of, key_of, market_of, pack
from plimsoll.margin.settlement_math import known_of
from plimsoll.margin.volatility_math import ONE
from plimsoll.margin.words import Settlement
from plimsoll.prices import PRICE
from plimsoll.surfaces import Fit, Quoted, Smile, Surface, SurfaceSigner, Terms
from plimsoll.testing.world import SIZE, World

WAD, YEAR, DAY = 10**18, 365 * 86_400, 1440
VOL, CARRY = 0.8, 1.01
STRIKES = (1500, 2400, 3000, 3100, 4000, 9000)


class Board(World):
    """Surfaces of two expiries on market 0, and positions written into storage: who traded them is another test's."""

    def with_options(self):
        self.feed = self.deployed.surfaces
        self.feed.write("setRules", 0, astuple(replace(SURFACES, max_age=86_400)), sender=self.admin)
        self.surface_signer = SurfaceSigner(local_signer_keys(), self.feed.address, self.chain.chain_id)
        self.near, self.far = ((self.now // 60 // DAY + days) * DAY for days in (7, 60))
        self.show(VOL)
        return self

    @property
    def now(self):
        return self.chain.block()[1]

    def show(self, vol, slope=0.5):
        """A skewed smile in both expiries, fitted at a forward that is not the one of now."""
        self.chain.advance(1)
        quoted = [self._quoted(expiry, vol, slope) for expiry in (self.near, self.far)]
        self.feed.write("update", self.surface_signer.report(self.now, quoted), sender=self.admin)
        assert list(self.feed.read("expiries", 0)) == [self.near, self.far]

    def _quoted(self, expiry, vol, slope):
        years = (expiry * 60 - self.now) / YEAR
        w = vol * vol * years
        width = math.sqrt(w)
        shape = (0.5 * w, slope * 0.5 * width * 0.9, -0.3, -0.1 * width)
        fit = Fit(int(width * 0.9 * WAD), 2950 * PRICE, (expiry * 60 - self.now) * WAD // YEAR)
        return Quoted(0, expiry, Surface(Smile(*(int(x * WAD) for x in shape)), fit, Terms(int(CARRY * WAD))))

    def give(self, account, options):
        """(instrument, quantity) pairs into an account's storage and header."""
        header = ledger.header(account)
        (word,) = ledger.read(self.engine, [header])
        word = word & ~(0xFFFF << 128) | len(options) << 128
        self.chain.set_storage(self.engine.address, header, word)
        halves = [(quantity % 2**64) << 64 | instrument for instrument, quantity in options]
        for n in range(0, len(halves), 2):
            slot = halves[n] | (halves[n + 1] << 128 if n + 1 < len(halves) else 0)
            self.chain.set_storage(self.engine.address, ledger.options(account, n // 2), slot)

    def quote(self, instrument):
        return self.deployed.option_lens.read("quotes", [instrument])[0]

    def greeks(self, account):
        return {found.feed: found for found in self.deployed.option_lens.read("greeks", account)}

    def model_mark(self, instrument):
        """One unit alone, by the deployed model: what a fill is compared with."""
        market, expiry = market_of(instrument), expiry_of(instrument)
        spot = self.router.read("read", [market + 1])[0] & (1 << 72) - 1
        first = market | market + 1 << 8 | 1 << 16 | (expiry * 60 - self.now) << 32 | ONE << 72 | ONE << 96
        words = [first, spot, *self.feed.read("read", [key_of(market, expiry)])]
        (word,) = ledger.read(self.engine, [ledger.settlement(market, expiry)])
        known = known_of(Settlement.from_word(word), expiry, self.now, failed=False)
        words = known.enter(words) if known else words
        answer = self.deployed["RuleMargin"].read("assessOptions", [], [], [], words, [instrument << 64 | SIZE], b"")
        return answer.equity // SIZE

    def series(self):
        """Calls and puts of every strike, near and far."""
        dates = (self.near, self.far)
        return [pack(0, expiry, k * PRICE, put=put) for expiry in dates for k in STRIKES for put in (0, 1)]

    def book(self, account, quote=500_000):
        """Longs and shorts of every series, a perp, and WETH."""
        owner = "0x" + account[:20].hex()
        self.fund(account, 0, quote * 10**6)
        self.fund(account, 1, 3 * WAD)
        self.execute(owner, trade_perp(account, 0, 5 * SIZE), prices=self.report({}))
        rng = np.random.default_rng(4)
        held = [(instrument, int(rng.integers(-20, 20) * SIZE // 3)) for instrument in self.series()]
        self.give(account, [(instrument, quantity) for instrument, quantity in held if quantity])
        return account

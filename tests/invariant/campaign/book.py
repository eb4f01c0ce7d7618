"""`Book`: everything the arena holds at one moment.

A book is read from raw storage, about 500 words, so that nothing in it is what the contracts' own views say. The exact
twins (plimsoll.margin) are then asked about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from campaign.cast import ASSETS, MARKETS, PAIRS
from campaign.parts import MARKET_WORDS, Loans, Outside, account_of, decode
from campaign.worth import Worth
from plimsoll.margin import account as twin
from plimsoll.margin import epoch_math, interest_math, words
from plimsoll.margin.asset_math import QUOTE_PRICE
from plimsoll.margin.interest_math import INDEX_ONE
from plimsoll.margin.volatility_math import INTERVAL, ONE, STEP, multipliers


class Book(Worth):
    """One moment. Values WAD unless said otherwise."""

    def __init__(self, arena, number: int, time: int, raw: list[int], prices: dict[int, int], outside: Outside) -> None:
        self.arena, self.number, self.time = arena, number, time
        self.raw, self.raw_prices, self.outside = raw, prices, outside
        self.holdings, self.shares, self.supplies = outside.holdings, outside.shares, outside.supplies
        self.lp, self.lp_supply, self.escrowed = outside.lp, outside.lp_supply, outside.escrowed
        self.claimable = outside.claimable
        self.globals = decode(words.Globals, raw[0])
        self.pool = decode(words.Pool, raw[1])
        self.terms = decode(words.Terms, raw[2])
        self.listed_markets, self.account_count = raw[3], raw[4]
        self.model_ramp = decode(words.ModelRamp, raw[5])
        self._take_apart(iter(raw[6:]))
        self.prices = {feed: decode(words.Price, word) for feed, word in prices.items()}
        replaced = None
        if self.globals.flags & 1:
            replaced = twin.ModelReplaced(arena.models[self.model_ramp.model], self.model_ramp.end)
        self.snapshot = twin.Snapshot(
            time=time,
            model=arena.models[self.globals.model],
            globals=self.globals,
            terms=self.terms,
            assets=self.assets,
            markets=self.markets,
            prices=self.prices,
            block=number,
            lending=self.lending,
            pairs=self.pairs,
            replaced=replaced,
            debt_insurance=self.debt_insurance,
        )
        self.index = {
            market: twin.index_now(m.state, m.risk, self.price(market), time) for market, m in self.markets.items()
        }
        self.loans = {asset: self._loans(asset) for asset in ASSETS}
        self._assessed: dict[tuple[bytes, int], twin.Assessment] = {}

    def _take_apart(self, rest: Iterator[int]) -> None:
        """Markets, assets and accounts from their words, in the order in which the arena asks for them."""
        self.markets: dict[int, twin.Market] = {}
        self.untouched: dict[tuple[int, bool], words.Untouched] = {}
        for market in MARKETS:
            parts = [decode(kind, next(rest)) for kind in MARKET_WORDS]
            for long in (True, False):
                self.untouched[market, long] = decode(words.Untouched, next(rest))
            epochs = self.arena.epochs(market, parts[0].epoch)
            state, risk, costs, trade, insurance, ramp, loss, closing = parts
            self.markets[market] = twin.Market(risk, state, costs, trade, insurance, ramp, loss, closing, epochs)
        self.assets: dict[int, words.AssetParams] = {}
        self.totals: dict[int, words.Totals] = {}
        self.lending: dict[int, words.Lending] = {}
        self.debts: dict[int, words.Debts] = {}
        self.limits: dict[int, words.Limits] = {}
        self.flows: dict[int, words.Flow] = {}
        self.debt_insurance: dict[int, words.MarketInsurance] = {}
        for asset in ASSETS:
            self.assets[asset] = decode(words.AssetParams, next(rest))
            self.totals[asset] = decode(words.Totals, next(rest))
            self.lending[asset] = decode(words.Lending, next(rest))
            self.debts[asset] = decode(words.Debts, next(rest))
            self.limits[asset] = decode(words.Limits, next(rest))
            self.flows[asset] = decode(words.Flow, next(rest))
            self.debt_insurance[asset] = decode(words.MarketInsurance, next(rest))
        self.pairs = {code: decode(words.Pair, next(rest)) for code in PAIRS}
        self.accounts: dict[bytes, twin.Account] = {}
        self.words: dict[bytes, tuple[int, ...]] = {}
        width = 1 + len(ASSETS) + len(MARKETS)
        for account in self.arena.everything:
            row = tuple(islice(rest, width))
            self.words[account] = row
            self.accounts[account] = account_of(account, row)

    def _loans(self, asset: int) -> Loans:
        lending, debts, lent_shares = self.lending[asset], self.debts[asset], self.totals[asset].lent_shares
        debt_index, lent_index = twin.indices(lending, self.time)
        paid = debts.shares * (debt_index - lending.debt_index)
        earned = lent_shares * (lent_index - lending.lent_index)
        reserve = debts.reserve + max(paid - earned, 0) // INDEX_ONE
        return Loans(debt_index, lent_index, lent_shares, debts.shares, reserve)

    # ---------------------------------------------------------------- parts

    def held(self, account: bytes, asset: int = 0) -> int:
        return self.accounts[account].balances[asset].held

    def position(self, account: bytes, market: int) -> words.Position:
        """As the next touch would write it."""
        return self.snapshot.touched(self.accounts[account].positions[market], market)

    def size(self, account: bytes, market: int) -> int:
        return self.position(account, market).size

    def is_stale(self, position: words.Position, market: int) -> bool:
        """Whether it has not met its side's last epoch."""
        m = self.markets[market]
        if position.size == 0 or position.epoch == m.state.epoch:
            return False
        long = position.size > 0
        latest = (epoch_math.latest(m.epochs, number, long) for number in (position.epoch, m.state.epoch))
        return next(latest) != next(latest)

    def stale(self, market: int) -> int:
        """How many have not."""
        if not self.markets[market].state.epoch:
            return 0
        return sum(self.is_stale(entry.positions[market], market) for entry in self.accounts.values())

    def lent(self, account: bytes, asset: int) -> int:
        balance = self.accounts[account].balances[asset]
        lent = balance.kind == twin.LENT
        return interest_math.amount_down(balance.shares, self.loans[asset].lent_index) if lent else 0

    def debt(self, account: bytes, asset: int) -> int:
        balance = self.accounts[account].balances[asset]
        owed = balance.kind == twin.DEBT
        return interest_math.amount_up(balance.shares, self.loans[asset].debt_index) if owed else 0

    def crumbs(self, account: bytes) -> int:
        """What rounding may cost the account in a slice: a share and a unit of each asset lent or owed. WAD."""
        balances = self.accounts[account].balances
        return sum(3 * self.value(asset, 1) + 3 for asset in ASSETS if balances[asset].shares)

    def at_risk(self, account: bytes) -> bool:
        """Whether the account has anything that could make it unhealthy."""
        header = self.accounts[account].header
        return bool(header.markets or header.debts)

    def price(self, market: int) -> int:
        return self.snapshot.price_in(self.markets[market]).value

    def asset_price(self, asset: int) -> int:
        return QUOTE_PRICE if asset == 0 else self.prices[self.assets[asset].feed].value

    def value(self, asset: int, amount: int) -> int:
        return amount * self.asset_price(asset) * 10**8 // 10 ** self.assets[asset].decimals

    def good(self, market: int) -> bool:
        risk = self.markets[market].risk
        return twin.is_good(self.snapshot.price_in(self.markets[market]), risk.max_age, self.time)

    @property
    def all_good(self) -> bool:
        return all(twin.is_good(price, 60, self.time) for feed, price in self.prices.items() if feed <= 3)

    def assess(self, account: bytes, use: twin.PriceUse = twin.PriceUse.TARGET) -> twin.Assessment:
        key = (account, use)
        if key not in self._assessed:
            self._assessed[key] = twin.assess(self.accounts[account], self.snapshot, use)
        return self._assessed[key]

    def with_prices(self, later: Book) -> Book:
        """This moment's volatility at a later one's prices and time."""
        kept = {}
        for feed, price in later.prices.items():
            mine = self.prices[feed]
            kept[feed] = replace(price, mm_from=mine.mm_from, multiplier=mine.multiplier, phase=mine.phase)
            if price.published_at // INTERVAL != mine.published_at // INTERVAL:
                # A ramp's start is told from its sample's interval: what it has come to, as a constant.
                code = multipliers(mine.to_word(), later.time)[1]
                code = -(-(code - ONE) // STEP)
                kept[feed] = replace(price, mm_from=code, multiplier=code, phase=0)
        raw = {feed: price.to_word() for feed, price in kept.items()}
        return Book(self.arena, later.number, later.time, later.raw, raw, later.outside)

    def state(self, account: bytes) -> twin.AccountState:
        return twin.account_state(self.accounts[account], self.assess(account), self.snapshot)

"""`Book`: everything the arena holds at one moment.

A book is read from raw storage, about 300 words, so that nothing in it is what the contracts' own views say. The exact
twins (plimsoll.margin) are then asked about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from campaign.cast import ASSETS, MARKETS, PEOPLE, UNIT, WAD
from plimsoll.margin import account as twin
from plimsoll.margin import words
from plimsoll.margin.asset_math import QUOTE_PRICE


@lru_cache(maxsize=1 << 18)
def decode(kind: type, word: int):
    """A word taken apart; most words do not change from step to step."""
    return kind.from_word(word)


class Book:
    """One moment. Values WAD unless said otherwise."""

    def __init__(
        self, arena, number, time, raw, prices, holdings, shares, supplies, lp, lp_supply, escrowed, claimable
    ) -> None:
        self.arena, self.number, self.time = arena, number, time
        self.raw, self.raw_prices = raw, prices
        self.holdings, self.shares, self.supplies = holdings, shares, supplies
        self.lp, self.lp_supply, self.escrowed, self.claimable = lp, lp_supply, escrowed, claimable
        self.globals = decode(words.Globals, raw[0])
        self.pool = decode(words.Pool, raw[1])
        self.terms = decode(words.Terms, raw[2])
        self.listed_markets, self.account_count = raw[3], raw[4]
        self._take_apart(iter(raw[5:]))
        self.prices = {feed: decode(words.Price, word) for feed, word in prices.items()}
        self.snapshot = twin.Snapshot(
            time=time,
            model=arena.model,
            globals=self.globals,
            terms=self.terms,
            assets=self.assets,
            markets=self.markets,
            prices=self.prices,
            block=number,
        )
        self.index = {
            market: twin.index_now(m.state, m.risk, self.prices[m.risk.feed].value, time)
            for market, m in self.markets.items()
        }
        self._assessed: dict[tuple[bytes, int], twin.Assessment] = {}

    def _take_apart(self, rest: Iterator[int]) -> None:
        """Markets, assets and accounts from their words, in the order in which the arena asks for them."""
        self.markets: dict[int, twin.Market] = {}
        for market in MARKETS:
            state, risk, costs, trade, insurance = islice(rest, 5)
            self.markets[market] = twin.Market(
                risk=decode(words.MarketRisk, risk),
                state=decode(words.MarketState, state),
                costs=decode(words.MarketCosts, costs),
                trade=decode(words.MarketTrade, trade),
                insurance=decode(words.MarketInsurance, insurance),
            )
        self.assets: dict[int, words.AssetParams] = {}
        self.totals: dict[int, words.Totals] = {}
        for asset in ASSETS:
            self.assets[asset] = decode(words.AssetParams, next(rest))
            self.totals[asset] = decode(words.Totals, next(rest))
        self.accounts: dict[bytes, twin.Account] = {}
        self.words: dict[bytes, tuple[int, ...]] = {}
        width = 1 + len(ASSETS) + len(MARKETS)
        for account in self.arena.everything:
            row = tuple(islice(rest, width))
            self.words[account] = row
            self.accounts[account] = account_of(account, row)

    # ---------------------------------------------------------------- parts

    def held(self, account: bytes, asset: int = 0) -> int:
        return self.accounts[account].balances[asset].held

    def size(self, account: bytes, market: int) -> int:
        return self.accounts[account].positions[market].size

    def price(self, market: int) -> int:
        return self.prices[self.markets[market].risk.feed].value

    def asset_price(self, asset: int) -> int:
        return QUOTE_PRICE if asset == 0 else self.prices[self.assets[asset].feed].value

    def value(self, asset: int, amount: int) -> int:
        return amount * self.asset_price(asset) * 10**8 // 10 ** self.assets[asset].decimals

    def good(self, market: int) -> bool:
        risk = self.markets[market].risk
        return twin.is_good(self.prices[risk.feed], risk.max_age, self.time)

    @property
    def all_good(self) -> bool:
        return all(twin.is_good(price, 60, self.time) for feed, price in self.prices.items() if feed <= 3)

    def assess(self, account: bytes, use: twin.PriceUse = twin.PriceUse.TARGET) -> twin.Assessment:
        key = (account, use)
        if key not in self._assessed:
            self._assessed[key] = twin.assess(self.accounts[account], self.snapshot, use)
        return self._assessed[key]

    def state(self, account: bytes) -> twin.AccountState:
        return twin.account_state(self.accounts[account], self.assess(account), self.snapshot)

    # ---------------------------------------------------------------- worth, at last prices whatever their age

    def pnl(self, account: bytes, market: int) -> int:
        position = self.accounts[account].positions[market]
        return position.size * (self.price(market) - self.index[market]) - position.cost

    def equity(self, account: bytes) -> int:
        entry = self.accounts[account]
        worth = sum(self.value(asset, balance.held) for asset, balance in entry.balances.items() if balance.held)
        for market in twin.bits(entry.header.markets):
            worth += self.pnl(account, market)
        return worth

    def potential(self) -> int:
        """Φ: what the traders would be paid in premium if all of them closed at index."""
        total = 0
        for market, m in self.markets.items():
            skew = m.state.skew
            total += -(-abs(skew) * self.price(market) * abs(skew) // (2 * m.trade.skew_scale))
        return total

    def pool_equity(self) -> int:
        """From the positions themselves, not from the market's sums."""
        worth = self.held(self.arena.pool_account) * UNIT
        for account in self.arena.accounts:
            for market in twin.bits(self.accounts[account].header.markets):
                worth -= self.pnl(account, market)
        return worth

    def close_out(self) -> int:
        return self.pool_equity() - self.potential()

    def wealth(self, name: str, close_out: int, pending: dict) -> int:
        """All that a person owns anywhere in and around the protocol."""
        arena = self.arena
        place = PEOPLE.index(name)
        worth = sum(self.equity(account) for account in arena.of(name))
        for asset in ASSETS:
            amount = self.holdings[asset][place]
            amount += self.shares[asset][place]  # nobody borrows here: the index stays at one
            worth += self.value(asset, amount)
        lp = self.lp[place]
        for kind, controller, amount in pending.values():
            if controller != name:
                continue
            if kind == "deposit":
                worth += amount * UNIT
            else:
                lp += amount
        worth += lp * (max(close_out, 0) + WAD) // (self.lp_supply + WAD)
        return worth + self.claimable[name] * UNIT


@lru_cache(maxsize=1 << 16)
def account_of(account: bytes, row: tuple[int, ...]) -> twin.Account:
    header = decode(words.Header, row[0])
    return twin.Account(
        account,
        header,
        {asset: decode(words.Balance, row[1 + n]) for n, asset in enumerate(ASSETS)},
        {market: decode(words.Position, row[1 + len(ASSETS) + n]) for n, market in enumerate(MARKETS)},
    )

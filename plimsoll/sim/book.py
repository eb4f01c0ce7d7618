"""Reads the whole state of a chain's accounts in one call per step.

Nothing is remembered between steps but which slots to ask for: what a page says is what the chain says.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from plimsoll import ledger
from plimsoll.abi import encoder
from plimsoll.deploy import Deployment
from plimsoll.margin.account import Market, Price, Snapshot
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.margin.words import (
    AssetParams,
    Globals,
    MarketCosts,
    MarketInsurance,
    MarketRisk,
    MarketState,
    MarketTrade,
    Terms,
    Totals,
)
from plimsoll.sim.page import Page

PAGE = 2_000
MARKET_WORDS = (ledger.STATE, ledger.RISK, ledger.COSTS, ledger.TRADE, ledger.INSURANCE)
_slots = encoder("(bytes32[])")
_SLOTS_GAS = 900_000_000


class Book:
    """Reads pages of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment, self.chain = deployment, deployment.chain
        p = deployment.parameters
        self.assets, self.markets = len(p.assets), len(p.markets)
        self.model = RuleMargin(p.model.mm_floor, p.model.im_floor, p.model.pnl_share)
        self.ids: list[bytes] = []
        self.row_of: dict[bytes, int] = {}
        keys = [ledger.GLOBALS, ledger.TERMS]
        for a in range(self.assets):
            keys += [ledger.asset(a), ledger.totals(a)]
        for m in range(self.markets):
            keys += [ledger.market(m, word) for word in MARKET_WORDS]
        self._heads = [key.to_bytes(32, "big") for key in keys]
        self._keys: list[bytes] = []
        self._data = b""
        self._feeds = [feed.number for feed in p.oracle.feeds]

    def read(self) -> Page:
        self._discover()
        heads, body = self._ask(self._data)
        width = 1 + self.assets + self.markets
        words = np.frombuffer(body, np.uint8).reshape(len(self.ids), width, 32)
        tokens = tuple(
            int(token.read("balanceOf", vault.address))
            for token, vault in zip(self.deployment.tokens, self.deployment.vaults, strict=True)
        )
        return self._page(words, heads, tokens)

    def repriced(self, page: Page) -> Page:
        """The page of a block in which nothing was sent but prices: the words of accounts and the tokens stand."""
        function = self.deployment.engine.artifact.function("slots")
        heads, _ = self._ask(function.selector + _slots((self._heads,)))
        return self._page(page.words, heads, page.tokens)

    def _ask(self, data: bytes) -> tuple[bytes, bytes]:
        raw = self.chain.call(self.deployment.engine.address, data, gas=_SLOTS_GAS)[64:]
        return raw[: 32 * len(self._heads)], raw[32 * len(self._heads) :]

    def _page(self, words: NDArray[np.uint8], heads: bytes, tokens: tuple[int, ...]) -> Page:
        snapshot, totals = self._snapshot([int.from_bytes(heads[i : i + 32], "big") for i in range(0, len(heads), 32)])
        equity, close_out = self.deployment.engine.read("poolEquity")
        return Page(self.ids[:], dict(self.row_of), words, self.assets, snapshot, totals, tokens, equity, close_out)

    def _discover(self) -> None:
        engine = self.deployment.engine
        count = engine.read("accountCount")
        while len(self.ids) < count:
            new = engine.read("accountsPage", len(self.ids), PAGE)
            for id in map(bytes, new):
                self.row_of[id] = len(self.ids)
                self.ids.append(id)
                slots = [ledger.header(id)]
                slots += [ledger.balance(id, a) for a in range(self.assets)]
                slots += [ledger.position(id, m) for m in range(self.markets)]
                self._keys += [slot.to_bytes(32, "big") for slot in slots]
            self._data = b""
        if not self._data:
            function = engine.artifact.function("slots")
            self._data = function.selector + _slots((self._heads + self._keys,))

    def _snapshot(self, words: list[int]) -> tuple[Snapshot, tuple[Totals, ...]]:
        assets, totals, markets = {}, [], {}
        at = 2
        for a in range(self.assets):
            assets[a] = AssetParams.from_word(words[at])
            totals.append(Totals.from_word(words[at + 1]))
            at += 2
        for m in range(self.markets):
            state, risk, costs, trade, insurance = words[at : at + 5]
            markets[m] = Market(
                MarketRisk.from_word(risk),
                MarketState.from_word(state),
                MarketCosts.from_word(costs),
                MarketTrade.from_word(trade),
                MarketInsurance.from_word(insurance),
            )
            at += 5
        prices = self.deployment.router.read("read", self._feeds)
        block, time = self.chain.block()
        snapshot = Snapshot(
            time=time,
            model=self.model,
            globals=Globals.from_word(words[0]),
            terms=Terms.from_word(words[1]),
            assets=assets,
            markets=markets,
            prices={feed: Price.from_word(int(word)) for feed, word in zip(self._feeds, prices, strict=True)},
            block=block,
        )
        return snapshot, tuple(totals)

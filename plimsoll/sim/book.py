"""Reads the whole state of a chain's accounts in one call per step.

Nothing is remembered between steps but which slots to ask for: what a page says is what the chain says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from plimsoll import ledger
from plimsoll.abi import encoder
from plimsoll.deploy import Deployment
from plimsoll.margin.account import PAIR, Market, Price, Snapshot, pair_of
from plimsoll.margin.epoch_math import Epoch, unpack
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.margin.words import (
    AssetParams,
    Debts,
    Globals,
    Lending,
    MarketClosing,
    MarketCosts,
    MarketInsurance,
    MarketLoss,
    MarketRamp,
    MarketRisk,
    MarketState,
    MarketTrade,
    Pair,
    Terms,
    Totals,
)
from plimsoll.sim.page import Custody, Page
from plimsoll.sim.table import Table
from plimsoll.sim.touch import touched

PAGE = 2_000
MARKET_KINDS: dict[int, Any] = {
    ledger.RISK: MarketRisk,
    ledger.STATE: MarketState,
    ledger.COSTS: MarketCosts,
    ledger.TRADE: MarketTrade,
    ledger.INSURANCE: MarketInsurance,
    ledger.RAMP: MarketRamp,
    ledger.LOSS: MarketLoss,
    ledger.CLOSING: MarketClosing,
}
_slots = encoder("(bytes32[])")
_SLOTS_GAS = 900_000_000


class Book:
    """Reads pages of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment, self.chain = deployment, deployment.chain
        p = deployment.parameters
        self.assets, self.markets = len(p.assets), len(p.markets)
        self.model = RuleMargin(p.model.mm_floor, p.model.im_floor, p.model.pnl_share, p.model.options)
        self.ids: list[bytes] = []
        self.row_of: dict[bytes, int] = {}
        self.rows: dict[int, list[int]] = {}
        self._epochs: dict[int, dict[int, Epoch]] = {}
        self.pairs = [PAIR | pair.collateral << 6 | pair.debt for pair in p.pairs]
        keys = [ledger.GLOBALS, ledger.TERMS]
        for a in range(self.assets):
            keys += [ledger.asset(a), ledger.lending(a), ledger.totals(a), ledger.debts(a)]
        keys += [ledger.pair(code) for code in self.pairs]
        for m in range(self.markets):
            keys += [ledger.market(m, word) for word in MARKET_KINDS]
        self._heads = [key.to_bytes(32, "big") for key in keys]
        self._keys: list[bytes] = []
        self._data = b""
        self._feeds = [feed.number for feed in p.oracle.feeds]

    def read(self) -> Page:
        self._discover()
        heads, body = self._ask(self._data)
        width = 1 + self.assets + self.markets
        words = np.frombuffer(body, np.uint8).reshape(len(self.ids), width, 32)
        return self._page(Table(self.ids, self.rows, words, self.assets), heads, self._vaults())

    def repriced(self, page: Page) -> Page:
        """The page of a block in which nothing was sent but prices: the words of accounts and the vaults stand."""
        function = self.deployment.engine.artifact.function("slots")
        heads, _ = self._ask(function.selector + _slots((self._heads,)))
        vaults = [(c.tokens, c.queued, c.outside) for c in page.custody]
        return self._page(page.table, heads, vaults, page.late)

    def _vaults(self) -> list[tuple[int, int, int]]:
        """Tokens, queued tokens and shares of the vault's own lenders, by asset."""
        pairs = zip(self.deployment.tokens, self.deployment.vaults, strict=True)
        return [
            (token.read("balanceOf", vault.address), vault.read("queued"), vault.read("totalSupply"))
            for token, vault in pairs
        ]

    def _ask(self, data: bytes) -> tuple[bytes, bytes]:
        raw = self.chain.call(self.deployment.engine.address, data, gas=_SLOTS_GAS)[64:]
        return raw[: 32 * len(self._heads)], raw[32 * len(self._heads) :]

    def _page(
        self, table: Table, heads: bytes, vaults: list[tuple[int, int, int]], late: dict[int, int] | None = None
    ) -> Page:
        """`late` of a table whose positions have met all epochs already."""
        numbers = [int.from_bytes(heads[i : i + 32], "big") for i in range(0, len(heads), 32)]
        snapshot, owned = self._snapshot(numbers)
        custody = tuple(
            Custody(totals, debts, snapshot.lending[asset], *vault)
            for asset, ((totals, debts), vault) in enumerate(zip(owned, vaults, strict=True))
        )
        if late is None:
            table, late = touched(table, snapshot)
        equity, close_out = self.deployment.engine.read("poolEquity")
        return Page(self.row_of, table, snapshot, custody, late, equity, close_out)

    def _discover(self) -> None:
        engine = self.deployment.engine
        count = engine.read("accountCount")
        while len(self.ids) < count:
            new = engine.read("accountsPage", len(self.ids), PAGE)
            # Pages that were read keep theirs.
            self.ids, self.row_of = self.ids[:], dict(self.row_of)
            self.rows = {code: rows[:] for code, rows in self.rows.items()}
            for id in map(bytes, new):
                self.rows.setdefault(pair_of(id), []).append(len(self.ids))
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

    def _epochs_of(self, market: int, last: int) -> dict[int, Epoch]:
        """All epochs of a market up to `last`; what has been read of them never changes."""
        known = self._epochs.setdefault(market, {})
        for number in range(len(known) + 1, last + 1):
            known[number] = unpack(*ledger.read(self.deployment.engine, ledger.epoch(market, number)))
        return known

    def _snapshot(self, words: list[int]) -> tuple[Snapshot, list[tuple[Totals, Debts]]]:
        """What `_heads` asked for, in its order."""
        take = iter(words)
        globals_, terms = Globals.from_word(next(take)), Terms.from_word(next(take))
        assets, lending, owned = {}, {}, []
        for a in range(self.assets):
            assets[a], lending[a] = AssetParams.from_word(next(take)), Lending.from_word(next(take))
            owned.append((Totals.from_word(next(take)), Debts.from_word(next(take))))
        pairs = {code: Pair.from_word(next(take)) for code in self.pairs}
        markets = {}
        for m in range(self.markets):
            words_ = [kind.from_word(next(take)) for kind in MARKET_KINDS.values()]
            risk, state = words_[:2]
            markets[m] = replace(Market(risk, state, *words_[2:]), epochs=self._epochs_of(m, state.epoch))
        prices = self.deployment.router.read("read", self._feeds)
        block, time = self.chain.block()
        snapshot = Snapshot(
            time=time,
            model=self.model,
            globals=globals_,
            terms=terms,
            assets=assets,
            markets=markets,
            prices={feed: Price.from_word(int(word)) for feed, word in zip(self._feeds, prices, strict=True)},
            block=block,
            lending=lending,
            pairs=pairs,
        )
        return snapshot, owned

"""A deployed protocol seen twice: as transactions on the bytecode, and as the exact twins would have it.

desk = Desk.create()
alice = desk.trader("alice", 10_000)             # a cross account with so much of the quote asset
desk.trade(alice, ETH, 5 * SIZE)
assert desk.assess(alice)[:5] == desk.twin(alice)
"""

from __future__ import annotations

from collections import namedtuple
from contextlib import contextmanager
from dataclasses import astuple, replace
from functools import lru_cache

import pytest

from plimsoll import ledger
from plimsoll.abi import checksum
from plimsoll.actions import lend, trade_perp
from plimsoll.errors import Reverted
from plimsoll.margin import account as accounts
from plimsoll.margin import epoch_math, preview
from plimsoll.margin.account import Account, Market, PriceUse, Snapshot
from plimsoll.margin.decimal_float import decode
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.margin.words import (
    AssetParams,
    Balance,
    Globals,
    Header,
    Lending,
    Limits,
    MarketClosing,
    MarketCosts,
    MarketInsurance,
    MarketLoss,
    MarketRamp,
    MarketRisk,
    MarketState,
    MarketTrade,
    Pair,
    Position,
    Price,
    Terms,
)
from plimsoll.prices import PRICE, Quote
from plimsoll.testing.world import SIZE, WAD, World

__all__ = ["BTC", "ETH", "PRICE", "QUOTE", "SIZE", "SOL", "UNIT", "USDC", "WAD", "WBTC", "WETH", "Desk", "expect"]

QUOTE, WETH, WBTC = 0, 1, 2
ETH, BTC, SOL = 0, 1, 2
USDC = 10**6
UNIT = 10**12  # quote WAD per unit of the quote token
HEALTHY, RESTRICTED, CALLED, LIQUIDATABLE, BANKRUPT = range(5)
WIDE, DEVIATES, REFERENCE_DOWN = 1, 2, 4
Loans = namedtuple("Loans", "lent lent_shares lent_index borrowed debt_shares debt_index reserve cash room")
#: WETH/USDC and WBTC/USDC, as listed by default.
PAIRS = (0x8000 | 1 << 6, 0x8000 | 2 << 6)
NOBODY = "0x" + "00" * 20
REFERENCE = b"reference".ljust(32, b"\0")


@contextmanager
def expect(name, *values):
    """The call fails with exactly this error and, when given, exactly these values."""
    with pytest.raises(Reverted) as caught:
        yield caught
    assert name == caught.value.name, str(caught.value)
    if values:
        assert values == caught.value.values, str(caught.value)


class Desk(World):
    # ---------------------------------------------------------------- people

    def trader(self, name, quote=0, *, index=0, market=None):
        """An account of `name` with `quote` whole units."""
        account = self.account(self.actor(name), index, market=market)
        if quote:
            self.fund(account, QUOTE, int(quote * USDC))
        return account

    @staticmethod
    def owner(account):
        return checksum(account[:20])

    def act(self, account, *actions, prices=b"", reducing=False):
        return self.execute(self.owner(account), *actions, prices=prices, reducing=reducing)

    def trade(self, account, market, size, **order):
        return self.act(account, trade_perp(account, market, size, **order))

    @property
    def now(self):
        return self.chain.block()[1]

    # ---------------------------------------------------------------- parameters

    def set_trade(self, market, **changes):
        """Fields by the names of plimsoll.margin.words."""
        word = replace(self.market_words(market).trade, **changes)
        self.config.write("setMarketTrade", market, astuple(word), sender=self.admin)

    def set_risk(self, market, **changes):
        r = replace(self.market_words(market).risk, **changes)
        mm, im = (r.mm_rate1, r.mm_rate2, r.mm_rate3), (r.im_rate1, r.im_rate2, r.im_rate3)
        bounds, interest = (decode(r.bound1), decode(r.bound2)), (decode(r.oi_lower), decode(r.oi_upper))
        rest = (r.feed, r.max_age, r.sigma, r.funding_velocity, r.max_funding_rate, bool(r.flags & 1))
        self.config.write("setMarketRisk", market, (mm, im, *bounds, *rest, *interest), sender=self.admin)

    def set_terms(self, **changes):
        word = replace(Terms.from_word(ledger.read(self.engine, [ledger.TERMS])[0]), **changes)
        self.config.write("setTerms", astuple(word)[:11], sender=self.admin)

    def set_asset(self, asset, **changes):
        words = ledger.read(self.engine, [ledger.asset(asset), ledger.limits(asset)])
        limits = Limits.from_word(words[1])
        cap = changes.pop("supply_cap", limits.supply_cap)
        lending = (min(limits.borrow_cap, cap), limits.borrow_velocity, 1000)
        word = replace(AssetParams.from_word(words[0]), **changes)
        self.config.write("setAsset", asset, (*astuple(word)[:6], cap, *lending), sender=self.admin)

    def set_limits(self, asset, **changes):
        """Written straight into the engine."""
        slot = ledger.limits(asset)
        word = replace(Limits.from_word(ledger.read(self.engine, [slot])[0]), **changes)
        self.chain.set_storage(self.engine.address, slot, word.to_word())

    # ---------------------------------------------------------------- lending

    def lender(self, name, asset, amount):
        """An account of `name` that has lent `amount`, and a borrow cap with room for all of it."""
        account = self.trader(name)
        self.fund(account, asset, amount)
        self.act(account, lend(account, asset, amount))
        self.set_limits(asset, borrow_cap=10 * amount, borrow_velocity=10_000)
        return account

    def calm(self):
        """Lets the recognition window pass without a move, so that lenders may leave."""
        self.post({})
        self.engine.write("observeExits", sender=self.admin)
        self.post({}, seconds=3_600)

    def loans(self, asset):
        """The asset's loans now: a tuple with names."""
        return Loans(*self.engine.read("lendingOf", asset))

    def debt(self, account, asset):
        return int(self.engine.read("debtOf", account, asset))

    def lent(self, account, asset):
        return int(self.engine.read("lentOf", account, asset))

    def surplus(self, asset):
        """Token units in the vault that nobody has a claim on: never below zero, and in tests a few units (I-1)."""
        held, _ = self.engine.read("totals", asset)
        loans, vault = self.loans(asset), self.vault(asset)
        owed = held + loans.lent - loans.borrowed + loans.reserve + vault.read("queued")
        return vault.read("balance") - owed

    def refer(self, feed, put, *, deviation=100):
        """Gives `feed` a reference that answers what it is told; returns the mock."""
        source = put(self, "MockPriceSource")
        source.write("set", REFERENCE, True, self.router_value(feed), 0, self.now, sender=self.admin)
        config = (source.address, deviation, 20_000, NOBODY, REFERENCE, bytes(32))
        self.router.write("setFeed", feed, config, sender=self.admin)
        return source

    def router_time(self, feed):
        """When the last good price of `feed` was published."""
        return Price.from_word(self.router.read("read", [feed])[0]).published_at

    def router_value(self, feed):
        """The last good price of `feed`."""
        return Price.from_word(self.router.read("read", [feed])[0]).value

    def send_price(self, feed, value, *, confidence=100, seconds=2):
        """A report of one feed only; the others grow old."""
        self.chain.advance(seconds)
        report = self.signer.report(self.now, [Quote(feed, value, confidence)])
        self.prices = {**self.prices, feed: value}
        return self.router.write("update", report, sender=self.admin)

    # ---------------------------------------------------------------- the same in the twins

    def market_words(self, market):
        keys = [ledger.market(market, word) for word in range(8)]
        state, risk, costs, trade, insurance, ramp, loss, closing = ledger.read(self.engine, keys)
        return Market(
            risk=MarketRisk.from_word(risk),
            state=MarketState.from_word(state),
            costs=MarketCosts.from_word(costs),
            trade=MarketTrade.from_word(trade),
            insurance=MarketInsurance.from_word(insurance),
            ramp=MarketRamp.from_word(ramp),
            loss=MarketLoss.from_word(loss),
            closing=MarketClosing.from_word(closing),
            epochs=self.epochs(market, MarketState.from_word(state).epoch),
        )

    def epochs(self, market, count):
        """Every record of a market, by its number."""
        keys = [key for number in range(1, count + 1) for key in ledger.epoch(market, number)]
        words = ledger.read(self.engine, keys)
        return {number: epoch_math.unpack(*words[2 * number - 2 : 2 * number]) for number in range(1, count + 1)}

    def snapshot_words(self):
        """Everything but the account, as the twins take it."""
        globals_, terms = ledger.read(self.engine, [ledger.GLOBALS, ledger.TERMS])
        feeds = list(range(1, 6))
        number, time = self.chain.block()
        return Snapshot(
            time=time,
            model=_model(self),
            globals=Globals.from_word(globals_),
            terms=Terms.from_word(terms),
            assets={a: AssetParams.from_word(ledger.read(self.engine, [ledger.asset(a)])[0]) for a in range(3)},
            lending={a: Lending.from_word(ledger.read(self.engine, [ledger.lending(a)])[0]) for a in range(3)},
            markets={m: self.market_words(m) for m in range(5)},
            prices={f: Price.from_word(w) for f, w in zip(feeds, self.router.read("read", feeds), strict=True)},
            block=number,
            pairs={code: Pair.from_word(ledger.read(self.engine, [ledger.pair(code)])[0]) for code in PAIRS},
        )

    def header(self, account):
        return Header.from_word(ledger.read(self.engine, [ledger.header(account)])[0])

    def mirror(self, account):
        """The account as the twins take it."""
        header = self.header(account)
        balances = {a: Balance.from_word(ledger.read(self.engine, [ledger.balance(account, a)])[0]) for a in range(3)}
        positions = {
            m: Position.from_word(ledger.read(self.engine, [ledger.position(account, m)])[0]) for m in range(5)
        }
        return Account(id=account, header=header, balances=balances, positions=positions)

    def twin(self, account, use=PriceUse.TARGET):
        return accounts.assess(self.mirror(account), self.snapshot_words(), use)

    def fill(self, market, size):
        """What an order would cost now."""
        snap = self.snapshot_words()
        return preview.fill(snap.markets[market], snap, size)

    def slice(self, account, fraction=WAD):
        return preview.liquidation(self.mirror(account), self.snapshot_words(), fraction)

    def call_margin(self, account):
        snap = self.snapshot_words()
        return accounts.call_margin(self.twin(account), snap.terms, snap.time)

    def target_margin(self, account):
        return accounts.target(self.twin(account), self.snapshot_words().terms)

    def pool_equity(self):
        return self.engine.read("poolEquity")

    def price_for(self, account, market, equity):
        """The price at which the holder of one position has just at most `equity` WAD, funding aside."""
        size, _ = self.position(account, market)
        have = self.assess(account).equity
        feed = self.market_words(market).risk.feed
        now = self.prices[feed]
        step = (have - equity) // abs(size) + 1
        return now - step if size > 0 else now + step

    def position_pnl(self, account, market):
        """(pnl,) of one position at the prices a target is liquidated at."""
        exposures = accounts.perps(self.mirror(account), self.snapshot_words(), PriceUse.TARGET)
        return (exposures[market].pnl,)

    # ---------------------------------------------------------------- what must always hold

    def everyone(self):
        return self.engine.read("accountsPage", 0, 10_000)

    def total_equity(self):
        """Of all accounts (pool's PnL included), quote WAD. Nothing that happens inside may change it."""
        snap = self.snapshot_words()
        total = sum(accounts.assess(self.mirror(one), snap, PriceUse.REDUCE).equity for one in self.everyone())
        return total + sum(preview.market_contribution(market, snap) for market in snap.markets.values())


def _model(desk):
    return _model_at(desk.deployed["RuleMargin"])


@lru_cache(maxsize=64)
def _model_at(contract):
    return RuleMargin.of(contract.read)

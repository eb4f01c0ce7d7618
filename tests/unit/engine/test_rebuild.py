"""E-1: everything the engine stores can be rebuilt from its events alone, after random sequences of the campaign."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from plimsoll import contracts, ledger
from plimsoll.abi import keccak
from plimsoll.chain import ProcessChain
from plimsoll.margin import epoch_math, interest_math, words
from plimsoll.margin.epoch_book import EpochBook

sys.path.insert(0, str(Path(__file__).parents[2] / "invariant"))
from campaign.arena import Arena
from campaign.cast import ASSETS
from campaign.sequences import play, sequence

OPERATORS, LOCKDOWNS, FORBIDDEN, ACCOUNTS = 11, 12, 13, 14
UNIT = 10**12
DEBT = 2
CLOSING = 4  # of a market's flags


class Recorder(ProcessChain):
    """Keeps every log with the time of its block; what is undone is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[tuple[int, object]] = []
        self._marks: dict[int, int] = {}

    def _done(self, sender, created):
        receipt = super()._done(sender, created)
        self.logs += [(self.block()[1], log) for log in receipt.logs]
        return receipt

    def snapshot(self) -> int:
        number = super().snapshot()
        self._marks[number] = len(self.logs)
        return number

    def revert(self, snapshot: int) -> None:
        super().revert(snapshot)
        del self.logs[self._marks[snapshot] :]


class Rebuilt:
    """The engine's state by its events, and nothing else."""

    def __init__(self) -> None:
        self.accounts: list[bytes] = []
        self.headers = defaultdict(words.Header)
        self.balances = defaultdict(words.Balance)
        self.books = defaultdict(EpochBook)
        self.losses = defaultdict(words.MarketLoss)
        self.markets = defaultdict(lambda: {"state": words.MarketState(), "risk": 0, "trade": 0, "contribution": 0})
        self.insurance = defaultdict(words.MarketInsurance)
        self.debt_insurance = defaultdict(words.MarketInsurance)
        self.closing = defaultdict(words.MarketClosing)
        self.risk_ramps: dict[int, int] = {}
        self.model_ramp = self.stake = 0
        self.anchors: dict[int, tuple[int, int, int, int]] = {}
        self.lending = defaultdict(lambda: words.Lending(debt_index=10**12, lent_index=10**12))
        self.shares = defaultdict(lambda: (0, 0, 0))
        self.flows, self.caps, self.pairs = {}, {}, {}
        self.assets, self.vaults, self.forbidden = {}, {}, {}
        self.globals, self.terms, self.pool_owner, self.listed = words.Globals(), 0, 0, 0
        self.limits, self.spent = {}, defaultdict(words.OperatorSpent)
        self.lockdowns = defaultdict(int)

    def apply(self, time: int, event) -> None:
        handler = getattr(self, f"on_{event.name}", None)
        if handler:
            handler(time, **event.args)

    # ---------------------------------------------------------------- accounts

    def on_AccountOpened(self, time, account, number):
        assert number == len(self.accounts)
        self.accounts.append(account)
        self.headers[account] = replace(self.headers[account], listed=1)

    def on_HeldChanged(self, time, account, asset, held):
        self._balance(account, asset, held=held)

    def on_SharesChanged(self, time, account, asset, kind, shares):
        was = self.balances[account, asset]
        owed = (kind == DEBT and shares > 0) - (was.kind == DEBT)
        self.headers[account] = replace(self.headers[account], debts=self.headers[account].debts + owed)
        self._balance(account, asset, shares=shares, kind=kind if shares else 0)

    def _balance(self, account, asset, **changes):
        word = self.balances[account, asset] = replace(self.balances[account, asset], **changes)
        header = self.headers[account]
        bit = 1 << asset
        here = word.held or word.shares
        self.headers[account] = replace(header, assets=header.assets | bit if here else header.assets & ~bit)

    def on_PositionChanged(self, time, account, market, size, cost):
        self.books[market].changed(account, size, cost)
        header = self.headers[account]
        bit = 1 << market
        here = size or cost
        self.headers[account] = replace(header, markets=header.markets | bit if here else header.markets & ~bit)

    def on_MarginCalled(self, time, account, deadline, **_):
        self.headers[account] = replace(self.headers[account], call_deadline=deadline)

    def on_MarginCallCleared(self, time, account):
        self.headers[account] = replace(self.headers[account], call_deadline=0)

    def on_LiquidationClock(self, time, account, startedAt):
        self.headers[account] = replace(self.headers[account], clock_start=startedAt)

    # ---------------------------------------------------------------- markets

    def on_MarketAccrued(self, time, market, fundingIndex, fundingRate):
        entry = self.markets[market]
        entry["state"] = replace(entry["state"], funding_index=fundingIndex, funding_rate=fundingRate, accrued_at=time)

    def on_SideCharged(self, time, market, epoch, long, amount, net, mark):
        self.books[market].charged(epoch, long, amount, net, mark)

    def on_SideShrunk(self, time, market, epoch, long, mark, to, **rest):
        self.books[market].shrunk(epoch, long, rest["from"], to, mark)

    def on_PoolWindowSpent(self, time, market, windowStart, spent):
        self.losses[market] = replace(self.losses[market], window_start=windowStart, pool_spent=spent)

    def on_PoolContribution(self, time, market, contribution):
        self.markets[market]["contribution"] = contribution

    def on_InsuranceWindowSpent(self, time, market, windowStart, spent):
        self.insurance[market] = replace(self.insurance[market], window_start=windowStart, spent=spent)

    def on_DebtInsuranceSpent(self, time, asset, windowStart, spent):
        self.debt_insurance[asset] = replace(self.debt_insurance[asset], window_start=windowStart, spent=spent)

    def on_MarketClosingOpened(self, time, market, endsAt):
        entry = self.markets[market]
        risk = words.MarketRisk.from_word(entry["risk"])
        entry["risk"] = replace(risk, flags=risk.flags | CLOSING).to_word()
        self.closing[market] = words.MarketClosing(opened_at=time, observed_at=time)

    def on_ClosingObserved(self, time, market, price, covered):
        was = self.closing[market]
        weighted = was.weighted + price * (covered - was.covered)
        self.closing[market] = replace(was, weighted=weighted, covered=covered, observed_at=time)

    def on_MarketFinal(self, time, market, price):
        self.closing[market] = replace(self.closing[market], final_price=price, weighted=0)
        entry = self.markets[market]
        risk = words.MarketRisk.from_word(entry["risk"])
        entry["risk"] = replace(risk, funding_velocity=0, max_funding_rate=0).to_word()

    def on_LendingAccrued(self, time, asset, debtIndex, lentIndex, rateAtTarget):
        self.lending[asset] = replace(
            self.lending[asset],
            debt_index=debtIndex,
            lent_index=lentIndex,
            accrued_at=time,
            rate_at_target=rateAtTarget,
        )

    def on_LendingTotals(self, time, asset, lentShares, debtShares, reserve):
        self.shares[asset] = (lentShares, debtShares, reserve)
        word = self.lending[asset]
        used = interest_math.utilisation_of(lentShares * word.lent_index, debtShares * word.debt_index)
        self.lending[asset] = replace(word, utilisation=used)

    def on_BorrowFlow(self, time, asset, windowStart, netBorrowed):
        self.flows[asset] = words.Flow(windowStart, netBorrowed).to_word()

    def on_ExitAnchor(self, time, key, price, moved):
        before, _, _, moved_at = self.anchors.get(key, (0, 0, 0, 0))
        self.anchors[key] = (price, price, time, time) if moved else (price, before, time, moved_at)

    # ---------------------------------------------------------------- operators and configuration

    def on_OperatorSet(self, time, account, operator, limits):
        owner = account[:20]
        markets, notional, leverage, reduce_only, expiry, ppm, daily = limits
        self.limits[account, operator] = words.OperatorLimits(
            markets, notional, leverage, int(reduce_only), expiry, ppm, self.lockdowns[owner]
        )
        self.spent[account, operator] = replace(self.spent[account, operator], max_cost_daily=daily)

    def on_OperatorCost(self, time, account, operator, day, spent):
        self.spent[account, operator] = replace(self.spent[account, operator], day=day, spent=spent)

    def on_Lockdown(self, time, owner, epoch):
        self.lockdowns[bytes.fromhex(owner[2:])] = epoch

    def on_RiskPaused(self, time, until):
        self.globals = replace(self.globals, paused_until=until)

    def on_Configured(self, time, what, id, word):
        if what == 0:
            new = words.Globals.from_word(word)
            kept = self.globals
            self.globals = replace(kept, model=new.model, block_time=new.block_time, kappa=new.kappa)
        elif what == 1:
            self.terms = word
        elif what == 2:
            self.assets[id] = word
        elif what == 3:
            self.vaults[id] = word
        elif what in (4, 5):
            self.markets[id]["risk" if what == 4 else "trade"] = word
            self.listed |= 1 << id if what == 4 else 0
        elif what == 6:
            self.insurance[id] = replace(self.insurance[id], cap=word)
        elif what == 7:
            self.pool_owner = word
        elif what == 8:
            self.forbidden[id] = int(word != 0)
        elif what == 9:
            self.stake = word
        elif what == 10:
            self.caps[id] = word
        elif what == 11:
            self.lending[id] = replace(self.lending[id], reserve_share=word)
        elif what == 12:
            self.pairs[id] = word
        elif what == 13:
            self.risk_ramps[id] = word
        elif what == 14:
            self.model_ramp, self.globals = word, replace(self.globals, flags=int(word != 0))
        elif what == 15:
            new = words.Globals.from_word(word)
            fields = ("quote_feed", "depeg_threshold", "depeg_factor")
            self.globals = replace(self.globals, **{name: getattr(new, name) for name in fields})
        elif what == 16:
            self.debt_insurance[id] = replace(self.debt_insurance[id], cap=word)

    # ---------------------------------------------------------------- as storage words

    def storage(self) -> dict[int, int]:
        """Slot → word of everything that is known."""
        contributions = sum(entry["contribution"] for entry in self.markets.values()) * UNIT
        out = {
            ledger.GLOBALS: self.globals.to_word(),
            ledger.POOL: words.Pool(self.pool_owner, contributions).to_word(),
            ledger.TERMS: self.terms,
            ledger.LISTED_MARKETS: self.listed,
            ledger.MODEL_RAMP: self.model_ramp,
            ledger.STAKE: self.stake,
            ACCOUNTS: len(self.accounts),
        }
        first = int.from_bytes(keccak(ACCOUNTS.to_bytes(32, "big")), "big")
        out |= {first + n: int.from_bytes(account, "big") for n, account in enumerate(self.accounts)}
        out |= {ledger.header(account): header.to_word() for account, header in self.headers.items()}
        held = defaultdict(int)
        for (account, asset), balance in self.balances.items():
            out[ledger.balance(account, asset)] = balance.to_word()
            held[asset] += balance.held
        for market, book in self.books.items():
            out |= {ledger.position(account, market): p.to_word() for account, p in book.stored.items()}
            for number, epoch in book.epochs.items():
                out |= dict(zip(ledger.epoch(market, number), epoch_math.pack(epoch), strict=True))
            for long, part in book.untouched.items():
                out[ledger.untouched(market, long)] = words.Untouched(part.size, part.cost).to_word()
        for asset, word in self.assets.items():
            out[ledger.asset(asset)] = word
            out[ledger.vault(asset)] = self.vaults[asset]
            lent, owed, reserve = self.shares[asset]
            out[ledger.totals(asset)] = words.Totals(held[asset], lent).to_word()
            out[ledger.debts(asset)] = words.Debts(owed, reserve).to_word()
            out[ledger.lending(asset)] = self.lending[asset].to_word()
            out[ledger.limits(asset)] = self.caps[asset]
            out[ledger.flows(asset)] = self.flows.get(asset, 0)
            out[ledger.debt_insurance(asset)] = self.debt_insurance[asset].to_word()
        for key, (price, before, at, moved_at) in self.anchors.items():
            out[ledger.entry(key, ledger.ANCHORS)] = price | before << 72 | at << 144 | moved_at << 176
        out |= {ledger.pair(code): word for code, word in self.pairs.items()}
        for market, entry in self.markets.items():
            out |= self._market(market, entry)
        for (account, operator), limits in self.limits.items():
            slot = ledger.entry(bytes.fromhex(operator[2:]), ledger.entry(account, OPERATORS))
            out[slot], out[slot + 1] = limits.to_word(), self.spent[account, operator].to_word()
        out |= {ledger.entry(owner, LOCKDOWNS): epoch for owner, epoch in self.lockdowns.items()}
        out |= {ledger.entry(target, FORBIDDEN): flag for target, flag in self.forbidden.items()}
        return out

    def _market(self, market: int, entry: dict) -> dict[int, int]:
        book = self.books[market]
        longs, shorts, long_cost, short_cost = book.sums()
        state = replace(entry["state"], long_size=longs, short_size=shorts, epoch=book.now)
        costs = words.MarketCosts(long_cost, short_cost, entry["contribution"])
        return {
            ledger.market(market, ledger.STATE): state.to_word(),
            ledger.market(market, ledger.RISK): entry["risk"],
            ledger.market(market, ledger.COSTS): costs.to_word(),
            ledger.market(market, ledger.TRADE): entry["trade"],
            ledger.market(market, ledger.INSURANCE): self.insurance[market].to_word(),
            ledger.market(market, ledger.RAMP): self.risk_ramps.get(market, 0),
            ledger.market(market, ledger.CLOSING): self.closing[market].to_word(),
            ledger.market(market, ledger.LOSS): replace(self.losses[market], flat_cost=book.flat_cost()).to_word(),
        }


def rebuild(chain: Recorder, engine: str) -> Rebuilt:
    state = Rebuilt()
    for time, log in chain.logs:
        if log.address == engine and (event := contracts.decode_event(log)):
            state.apply(time, event)
    return state


@pytest.fixture(scope="module")
def arena():
    return Arena.build(Recorder())


@pytest.mark.parametrize("chunk", range(4))
def test_e1_state_rebuilt_from_events_equals_storage(arena, chunk):
    chain, engine = arena.world.chain, arena.world.engine
    seen: Counter[str] = Counter()

    def compare(run) -> None:
        rebuilt = rebuild(chain, engine.address)
        expected = rebuilt.storage()
        # What no event has spoken of is zero: also for the accounts and assets that exist.
        for account in arena.everything:
            for slot in (
                ledger.header(account),
                *(ledger.balance(account, asset) for asset in ASSETS),
                *(ledger.position(account, market) for market in range(5)),
            ):
                expected.setdefault(slot, 0)
        stored = {slot: chain.storage(engine.address, slot) for slot in expected}

        assert {slot: (word, stored[slot]) for slot, word in expected.items() if word != stored[slot]} == {}
        seen.update(account=len(rebuilt.accounts), operator=len(rebuilt.limits), window=len(rebuilt.insurance))
        seen.update(lockdown=len(rebuilt.lockdowns), words=len(expected))

    for number in range(chunk * 15, chunk * 15 + 15):
        play(arena, sequence(11, number), Counter(), finish=compare, enforced=())

    assert seen["account"] > 100
    assert seen["operator"] > 0
    assert seen["words"] > 3000

"""`State`: what this machine's accounts hold at one moment, from raw storage, and what the exact twins make of it."""

from __future__ import annotations

from functools import cached_property

from option_campaign.arena import ASSETS, FEEDS, MARKETS, PRICES_SLOT, UNIT, Arena
from plimsoll import ledger
from plimsoll.keeper.options import witness_of
from plimsoll.margin import account as twin
from plimsoll.margin import option_values, words
from plimsoll.margin.account import PriceUse
from plimsoll.margin.option_series import expiry_of, key_of, market_of, payoff


class State:
    """One moment. Values WAD."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.number, self.time = arena.world.chain.block()
        self.rows: dict[bytes, tuple] = {}
        self.accounts: dict[bytes, twin.Account] = {}
        for account in arena.everything:
            self._read(account)
        self.totals = {a: words.Totals.from_word(arena.word(ledger.totals(a))) for a in ASSETS}
        self.lending = {a: words.Lending.from_word(arena.word(ledger.lending(a))) for a in ASSETS}
        keys = [(market, expiry) for market, found in arena.expiries.items() for expiry in found]
        self.settlements = {at: words.Settlement.from_word(arena.word(ledger.settlement(*at))) for at in keys}
        self.settled = {at: word.price for at, word in self.settlements.items()}
        flat = arena.world.surfaces.read("read", [key_of(*at) for at in keys])
        self.surfaces = {key_of(*at): tuple(flat[3 * n : 3 * n + 3]) for n, at in enumerate(keys)}
        self._assessed: dict[tuple[bytes, int, bytes], twin.Assessment] = {}

    def _read(self, account: bytes) -> None:
        word = self.arena.word
        header = words.Header.from_word(word(ledger.header(account)))
        balances = {a: words.Balance.from_word(word(ledger.balance(account, a))) for a in ASSETS}
        positions = {m: words.Position.from_word(word(ledger.position(account, m))) for m in MARKETS}
        # One slot more than there should be: what was removed must be gone.
        slots = [word(ledger.options(account, n)) for n in range((header.options + 1) // 2 + 1)]
        halves = [half for slot in slots for half in (slot % 2**128, slot >> 128)]
        self.rows[account] = (header, balances, positions, tuple(halves))
        options = {half % 2**64: _signed(half >> 64) for half in halves if half}
        self.accounts[account] = twin.Account(account, header, balances, positions, options)

    # ---------------------------------------------------------------- parts

    def held(self, account: bytes, asset: int = 0) -> int:
        return self.accounts[account].balances[asset].held

    def options(self, account: bytes) -> dict[int, int]:
        return self.accounts[account].options

    def halves(self, account: bytes) -> tuple[int, ...]:
        return self.rows[account][3]

    def sums(self) -> dict[int, int]:
        """Σ quantity of every series."""
        found: dict[int, int] = {}
        for entry in self.accounts.values():
            for series, quantity in entry.options.items():
                found[series] = found.get(series, 0) + quantity
        return found

    def owed(self, market: int) -> int:
        """What the settled options that are left are worth together: what the clearing account must hold."""
        total = 0
        for series, quantity in self.sums().items():
            price = self.settled.get((market_of(series), expiry_of(series)), 0)
            if market_of(series) == market and price:
                total += quantity * payoff(series, price)
        return total

    def at_risk(self, account: bytes) -> bool:
        entry = self.accounts[account]
        return bool(entry.header.markets or entry.header.debts or any(q < 0 for q in entry.options.values()))

    # ---------------------------------------------------------------- the twins

    @cached_property
    def snapshot(self) -> twin.Snapshot:
        arena = self.arena
        storage, router = arena.world.chain._evm.storage, arena.world.router.address
        markets = {}
        for market in MARKETS:
            state, risk, costs, trade, insurance, ramp, loss, closing = arena.market(market)
            markets[market] = twin.Market(risk, state, costs, trade, insurance, ramp, loss, closing)
        return twin.Snapshot(
            time=self.time,
            model=arena.rule,
            globals=words.Globals.from_word(arena.word(ledger.GLOBALS)),
            terms=words.Terms.from_word(arena.word(ledger.TERMS)),
            assets={a: words.AssetParams.from_word(arena.word(ledger.asset(a))) for a in ASSETS},
            markets=markets,
            prices={f: words.Price.from_word(storage(router, PRICES_SLOT + f)) for f in FEEDS},
            block=self.number,
            lending=self.lending,
            portfolio=arena.portfolio,
            surfaces=self.surfaces,
            settlements={key_of(*at): word for at, word in self.settlements.items()},
        )

    def price(self, market: int) -> int:
        return self.snapshot.prices[market + 1].value

    def assess(self, account: bytes, use: PriceUse = PriceUse.TARGET, witness: bytes = b"") -> twin.Assessment:
        key = (account, use, witness)
        if key not in self._assessed:
            entry = self.accounts[account]
            known = option_values.applies(entry)
            found = option_values.assess(entry, self.snapshot, use, witness) if known else None
            self._assessed[key] = found or twin.assess(entry, self.snapshot, use)
        return self._assessed[key]

    def state(self, account: bytes) -> twin.AccountState:
        return twin.account_state(self.accounts[account], self.assess(account), self.snapshot)

    def witness(self, account: bytes) -> bytes:
        """The best proof there is."""
        return witness_of(self.accounts[account], self.snapshot)

    def perp_pnl(self) -> dict[int, int]:
        """Of all accounts by market, at last prices."""
        total = dict.fromkeys(MARKETS, 0)
        for market, m in self.snapshot.markets.items():
            index = twin.index_now(m.state, m.risk, self.snapshot.price_in(m).value, self.time)
            mark = self.price(market) - index
            for entry in self.accounts.values():
                position = self.snapshot.touched(entry.positions[market], market)
                total[market] += position.size * mark - position.cost
        return total

    def cash(self) -> int:
        """Quote WAD that all hold: people, lender, insurance, pool and clearing accounts."""
        return sum(self.held(account) for account in self.accounts) * UNIT


def _signed(word: int) -> int:
    return word - 2**64 if word >> 63 else word

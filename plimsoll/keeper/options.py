"""Accounts with options: what the keeper reads of them, and what proves them.

Their series are read once and then followed through `OptionChanged`; surfaces, settlement prices and the portfolio
model are read anew each block, and not at all while nobody has options.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from plimsoll import contracts, ledger
from plimsoll.contracts import Contract
from plimsoll.errors import PlimsollError
from plimsoll.margin.account import Account, ModelReplaced, PriceUse, Snapshot
from plimsoll.margin.option_series import expiry_of, key_of, market_of
from plimsoll.margin.option_values import Sheet, assess, fading, gather, is_portfolio
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_words import AccountView
from plimsoll.margin.words import ModelRamp, Settlement
from plimsoll.reading import portfolio_model

ADDRESS, RAMPING = 2**160 - 1, 1
Series = dict[int, int]  # instrument → quantity, 1e-8


# ---------------------------------------------------------------- reading


class OptionReader:
    """Reads for accounts with options, each answer pinned to a block."""

    def __init__(self, engine: Contract) -> None:
        self.engine = engine
        self._models: dict[int, PortfolioMargin] = {}

    def held(self, ids: Sequence[bytes], block: int) -> list[Series]:
        """The series of each account, in one exchange where the chain can."""
        answers = self._ask(self.engine, "options", [(id,) for id in ids], block) if ids else []
        return [dict(zip(*answer, strict=True)) for answer in answers]

    def snapshot(self, plain: Snapshot, held: Collection[int], block: int) -> Snapshot:
        """`plain` with what options are valued by; `held` are the instruments that somebody has."""
        series = sorted({(market_of(instrument), expiry_of(instrument)) for instrument in held})
        slots = [ledger.OPTION_SETUP, ledger.PORTFOLIO_RAMP, ledger.SURFACES]
        words = ledger.read(self.engine, [*slots, *(ledger.settlement(*pair) for pair in series)], block=block)
        setup, ramp, feed = words[0], ModelRamp.from_word(words[1]), words[2] & ADDRESS
        keys = [key_of(*pair) for pair in series]
        settlements = map(Settlement.from_word, words[3:])
        ramping = setup >> 160 & RAMPING
        return replace(
            plain,
            portfolio=self._model(setup & ADDRESS, block),
            portfolio_replaced=ModelReplaced(self._model(ramp.model, block), ramp.end) if ramping else None,  # type: ignore[arg-type]
            surfaces=self._surfaces(feed, keys, block),
            settlements=dict(zip(keys, settlements, strict=True)),
        )

    def _surfaces(self, feed: int, keys: list[int], block: int) -> dict[int, tuple[int, int, int]]:
        if not feed or not keys:
            return {}
        words = self._contract(feed, "VolatilityFeed").read("read", keys, block=block)
        return {key: (words[3 * n], words[3 * n + 1], words[3 * n + 2]) for n, key in enumerate(keys)}

    def _model(self, address: int, block: int) -> PortfolioMargin | None:
        """What its contract was made with; read once per model."""
        if not address:
            return None
        if address not in self._models:
            self._models[address] = portfolio_model(self.engine, address, block)
        return self._models[address]

    def _contract(self, address: int, name: str) -> Contract:
        text = "0x" + address.to_bytes(20, "big").hex()
        return Contract(self.engine.chain, text, contracts.load()[name])

    def _ask(self, contract: Contract, name: str, wanted: Sequence[tuple[Any, ...]], block: int) -> list[Any]:
        chain: Any = contract.chain
        if not hasattr(chain, "call_many"):
            return [contract.read(name, *args, block=block) for args in wanted]
        calls = [(contract.address, contract.encode(name, *args)) for args in wanted]
        results = []
        for answer in chain.call_many(calls, block=block):
            if isinstance(answer, PlimsollError):
                raise answer
            results.append(contract.artifact.function(name).result(answer))
        return results


# ---------------------------------------------------------------- deciding


def witness_of(account: Account, snapshot: Snapshot) -> bytes:
    """The scenarios that show a portfolio account at its worst, which is all that its requirement rests on; where
    something settles now, of whole moves or of what it has left of them, whichever proves more."""
    if not is_portfolio(account) or not isinstance(snapshot.portfolio, PortfolioMargin):
        return b""
    sheet = gather(account, snapshot, PriceUse.TARGET)
    found = [_best(snapshot.portfolio, sheet)]
    if sheet.ending:
        found.append(_best(snapshot.portfolio, replace(sheet, expiries=fading(sheet.expiries))))
    if len(found) == 1:
        return found[0]
    return max(found, key=lambda witness: assess(account, snapshot, PriceUse.TARGET, witness).mm)


def _best(model: PortfolioMargin, sheet: Sheet) -> bytes:
    return model.best_witness(
        AccountView.of(sheet.assets, sheet.tags, sheet.perps, sheet.expiries, sheet.options)
    ).witness

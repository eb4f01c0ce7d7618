"""What the keeper asks the chain, each answer pinned to one block. Words stay words: plimsoll.keeper.rows keeps them.

A table (markets, assets, globals) is small and read anew each block; accounts are read in pages once, and then followed
through events.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from plimsoll import contracts, ledger
from plimsoll.chain.base import Chain, Log
from plimsoll.contracts import Contract
from plimsoll.errors import BadInput
from plimsoll.keeper import loans
from plimsoll.keeper.slots import Slots
from plimsoll.margin.account import (
    AssetParams,
    Globals,
    Market,
    MarketClosing,
    MarketCosts,
    MarketInsurance,
    MarketLoss,
    MarketRamp,
    MarketRisk,
    MarketState,
    MarketTrade,
    ModelReplaced,
    Price,
    Snapshot,
    Terms,
    Totals,
)
from plimsoll.margin.epoch_math import Epoch, unpack
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.margin.words import Pool

WORD = 32
PAGE_GAS = 2**53 - 1  # eth_call is otherwise capped at the block's gas on some nodes

Words = NDArray[np.uint8]


class Protocol_(Protocol):
    """Handles the keeper needs: a Deployment has them, and the World of the tests too."""

    @property
    def engine(self) -> Contract: ...
    @property
    def router(self) -> Contract: ...
    @property
    def lens(self) -> Contract: ...


class Head(NamedTuple):
    """A block. The hash is empty on a chain in process, which never reorganises."""

    number: int
    time: int
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything of one block that is not an account: a Snapshot, and what plans need besides."""

    snapshot: Snapshot
    pool: Pool
    listed: int
    count: int
    asset_mask: int
    market_mask: int
    pool_cash: int = 0
    insurance_cash: int = 0
    lent_cash: Mapping[int, int] = field(default_factory=dict)  # what may be recalled, by asset, token units

    @property
    def width(self) -> int:
        return 2 + self.asset_mask.bit_count() + self.market_mask.bit_count()


class Reader:
    """The only one that reads. `protocol` is a Deployment, or a World of the tests."""

    def __init__(self, protocol: Any) -> None:
        self.chain: Chain = protocol.engine.chain
        self.engine: Contract = protocol.engine
        self.router: Contract = protocol.router
        self.lens: Contract = protocol.lens
        self._rpc = getattr(self.chain, "rpc", None)
        self._models: dict[int, RuleMargin] = {}
        self._listed = 0  # the assets when last read
        self._epochs: dict[int, dict[int, Epoch]] = {}
        self.pool_account = bytes(self.engine.read("poolAccount"))
        self.insurance_account = bytes(self.engine.read("insuranceAccount"))

    # ---------------------------------------------------------------- blocks

    def head(self) -> Head:
        return self._header("latest") or self._missing("latest")

    def header(self, number: int) -> Head | None:
        """The block of that number on the chain as it is now; None when there is none (any more)."""
        return self._header(hex(number)) if self._rpc else Head(*self.chain.block())

    def _header(self, which: str) -> Head | None:
        if self._rpc is None:
            return Head(*self.chain.block())
        raw = self._rpc.request("eth_getBlockByNumber", which, False)
        return Head(int(raw["number"], 16), int(raw["timestamp"], 16), raw["hash"]) if raw else None

    def _missing(self, which: str) -> Head:
        raise BadInput("block", which, "the node has none yet; wait until it has synchronised")

    def logs(self, first: int, last: int) -> list[Log]:
        """All events of the engine in blocks `first` to `last`, in order."""
        found = self.chain.logs([self.engine.address], first, last)  # type: ignore[attr-defined]
        return [log for _, _, log in sorted(found, key=lambda entry: entry[:2])]

    @property
    def parallel(self) -> bool:
        """Whether several threads may ask at once."""
        return self._rpc is not None

    @property
    def has_logs(self) -> bool:
        return hasattr(self.chain, "logs")

    # ---------------------------------------------------------------- tables

    def tables(self, head: Head) -> Tables:
        """Parameters, market states and prices at `head`, and the cash of pool and insurance."""
        answers = self._answers(head.number)
        listed = sum(1 << row[0] for row in _rows(answers[1], 5))
        if listed != self._listed:  # the slots that were asked for are those of another listing
            self._listed = listed
            answers = self._answers(head.number)
        words, slots = _rows(answers[2], 7)[0], Slots.of(listed, [int.from_bytes(word, "big") for word in answers[5]])
        markets, prices = {}, {}
        for number, *of_market, price in _rows(answers[0], 10):
            market = _market(*of_market)
            epochs = self._epochs_of(number, market.state.epoch, head.number)
            markets[number], prices[market.risk.feed] = replace(market, epochs=epochs), Price.from_word(price)
        assets, totals = {}, {}
        for number, params, total, _vault, price in _rows(answers[1], 5):
            assets[number], totals[number] = AssetParams.from_word(params), Totals.from_word(total)
            prices[assets[number].feed] = Price.from_word(price)
        settings = Globals.from_word(words[0])
        if settings.quote_feed:
            prices.setdefault(settings.quote_feed, self._price(settings.quote_feed, head.number))
        snapshot = Snapshot(
            time=head.time,
            block=head.number,
            model=self._model(settings.model),
            globals=settings,
            terms=Terms.from_word(words[2]),
            assets=assets,
            markets=markets,
            prices=prices,
            lending=slots.lending,
            pairs=slots.pairs,
            debt_insurance=slots.insurance,
            replaced=ModelReplaced(self._model(slots.model.model), slots.model.end) if settings.flags & 1 else None,
        )
        return Tables(
            snapshot=snapshot,
            pool=Pool.from_word(words[1]),
            listed=words[3],
            count=words[4],
            asset_mask=listed,
            market_mask=sum(1 << number for number in markets),
            pool_cash=answers[3],
            insurance_cash=answers[4],
            lent_cash={asset: loans.cash(asset, totals[asset], slots.debts[asset], snapshot) for asset in assets},
        )

    def forget(self) -> None:
        """The chain may have been another one."""
        self._epochs.clear()

    def _epochs_of(self, market: int, count: int, block: int) -> dict[int, Epoch]:
        """A market's records, by number; each is written once."""
        known = self._epochs.setdefault(market, {})
        missing = [number for number in range(1, count + 1) if number not in known]
        words = (
            ledger.read(self.engine, [k for n in missing for k in ledger.epoch(market, n)], block=block)
            if missing
            else []
        )
        known |= {n: unpack(*words[2 * at : 2 * at + 2]) for at, n in enumerate(missing)}
        return dict(known)

    def _price(self, feed: int, block: int) -> Price:
        return Price.from_word(self.router.read("read", [feed], block=block)[0])

    def lent_cash(self, assets: Collection[int], tables: Tables, block: int) -> dict[int, int]:
        """What may be recalled of these assets: nothing while their lenders have to wait."""
        there = {asset: tables.lent_cash[asset] for asset in assets if tables.lent_cash[asset]}
        return {asset: cash for asset, cash in there.items() if not self.engine.read("exitsWait", asset, block=block)}

    def _answers(self, block: int) -> list[Any]:
        """The reads of `tables`, in one exchange where the chain can."""
        keys = [key.to_bytes(WORD, "big") for key in Slots.keys(self._listed)]
        wanted: list[tuple[Contract, str, tuple[Any, ...]]]
        wanted = [(self.lens, name, ()) for name in ("markets", "assets", "globals")]
        wanted += [(self.engine, "held", (account, 0)) for account in (self.pool_account, self.insurance_account)]
        wanted.append((self.engine, "slots", (keys,)))
        if self._rpc is None:
            return [contract.read(name, *args, block=block) for contract, name, args in wanted]
        calls = [(contract.address, contract.encode(name, *args)) for contract, name, args in wanted]
        results = []
        answers = self.chain.call_many(calls, block=block)  # type: ignore[attr-defined]
        for (contract, name, _), answer in zip(wanted, answers, strict=True):
            if isinstance(answer, Exception):
                raise answer
            results.append(contract.artifact.function(name).result(answer))
        return results

    def _model(self, address: int) -> RuleMargin:
        """The model's immutables; read once per model."""
        if address not in self._models:
            text = "0x" + address.to_bytes(20, "big").hex()
            model = Contract(self.chain, text, contracts.load()["RuleMargin"])
            self._models[address] = RuleMargin.of(model.read)
        return self._models[address]

    # ---------------------------------------------------------------- accounts

    def page(self, start: int, count: int, tables: Tables, block: int) -> Words:
        """Raw state of accounts `start`…: (rows, words, 32) bytes in the order of Lens.rawPage."""
        data = self.lens.encode("rawPage", start, count, tables.asset_mask, tables.market_mask)
        gas = PAGE_GAS if self._rpc else None
        answer = self.chain.call(self.lens.address, data, block=block, gas=gas)
        return decode_page(answer, tables.width)

    def accounts(self, ids: list[bytes], tables: Tables, block: int) -> Words:
        """The same for accounts of one's choice."""
        data = self.lens.encode("rawAccounts", ids, tables.asset_mask, tables.market_mask)
        return decode_page(self.chain.call(self.lens.address, data, block=block), tables.width)


def decode_page(answer: bytes, width: int) -> Words:
    """The bytes that a lens function returned (offset, length, records) as an array of words."""
    length = int.from_bytes(answer[WORD : 2 * WORD], "big")
    if length % (width * WORD) or len(answer) < 2 * WORD + length:
        raise BadInput("page", f"{length} bytes", f"records have {width} words; the lens is of another deployment")
    flat = np.frombuffer(answer, dtype=np.uint8, count=length, offset=2 * WORD)
    return flat.reshape(-1, width, WORD)


def _rows(raw: bytes, width: int) -> list[list[int]]:
    words = [int.from_bytes(raw[at : at + WORD], "big") for at in range(0, len(raw), WORD)]
    return [words[at : at + width] for at in range(0, len(words), width)]


def _market(
    state: int, risk: int, costs: int, trade: int, insurance: int, ramp: int, loss: int, closing: int
) -> Market:
    return Market(
        risk=MarketRisk.from_word(risk),
        state=MarketState.from_word(state),
        costs=MarketCosts.from_word(costs),
        trade=MarketTrade.from_word(trade),
        insurance=MarketInsurance.from_word(insurance),
        ramp=MarketRamp.from_word(ramp),
        loss=MarketLoss.from_word(loss),
        closing=MarketClosing.from_word(closing),
    )

"""A published portfolio as an account of the compiled engine, in process: its words are written, its views asked.

Collateral, cash and the spot's asset are assets with words of their own; options and perp are two markets with two
feeds; prices and surfaces lie where OracleRouter and VolatilityFeed keep them. Whoever owes nothing and is short of
nothing needs no margin here; in the published cases he does, so he is given a perp of size zero. Confidences are kept
in whole units, as feeds do, and expiries on whole minutes: where a case has others (Case.kept), the deployed model is
asked itself, with the account's words as the engine would hand them over, and the engine tells the gas alone.
"""

from __future__ import annotations

from typing import Any

from pyrevm import EVM, AccountInfo, BlockEnv

from plimsoll import accounts, ledger
from plimsoll.chain.process import raise_typed
from plimsoll.contracts import Artifacts, load
from plimsoll.margin.black76 import TABLE_FILE
from plimsoll.margin.option_series import key_of
from plimsoll.margin.portfolio_parameters import Parameters
from plimsoll.margin.portfolio_words import AccountView, ExpiryView, Perp, Tag
from plimsoll.margin.rule_margin import Assessment, AssetExposure
from plimsoll.margin.words import (
    AssetParams,
    Balance,
    Globals,
    Header,
    Lending,
    MarketRisk,
    MarketState,
    Position,
    Price,
)
from plimsoll.vectors.pmrm2_case import MINUTE, Case
from plimsoll.vectors.pmrm2_parameters import PERP_FEED, SPOT_FEED

BASE_GAS = 21_000
CALLER, OWNER = "0x" + "d1" * 20, "0x" + "5a" * 20
ACCOUNT = accounts.pack(OWNER, accounts.Mode.PORTFOLIO, 0, 0)
QUOTE_FEED = 40
OPTION_MARKET, PERP_MARKET = 1, 2
DECIMALS = 18
DEBT = 2
INDEX, PAR = 10**12, 10**10
AGE = 3_600
FIRST_EXPIRY = 29_012_160  # minutes since 1970

Storage = dict[tuple[str, int], int]


class EngineChain:
    """Engine, router, surfaces and table deployed once; each account in an EVM of its own, where every slot is cold."""

    def __init__(self, artifacts: Artifacts | None = None):
        self._artifacts = artifacts or load()
        self._evm: Any = EVM()
        self._places: dict[str, str] = {}
        self._parameters: Parameters | None = None
        self.router = self._deploy("OracleRouter", CALLER, [CALLER], 1)
        self.surfaces = self._deploy("VolatilityFeed", CALLER, [CALLER], 1)
        self._table = self._deploy("NormalTable", TABLE_FILE.read_bytes())
        self.engine = self._deploy("MarginEngine", CALLER, self.router, CALLER, DECIMALS)

    def ask(self, case: Case, witness: bytes = b"") -> tuple[Assessment, int]:
        """What the engine says of the account, and the gas of asking without 21,000 and calldata."""
        evm, function = self._filled(case), self._artifacts["MarginEngine"].function("assess")
        data = function.encode([ACCOUNT])
        if witness:
            function = self._artifacts["MarginEngine"].function("assessWitness")
            data = function.encode([ACCOUNT, witness])
        found = function.result(_called(evm, self.engine, data))
        gas = int(evm.result.gas_used) - BASE_GAS - sum(16 if byte else 4 for byte in data)
        return Assessment(*(found if witness else found[0])), gas

    def ask_model(self, case: Case) -> Assessment:
        """What the case's model, deployed, says of the account."""
        function = self._artifacts["PortfolioMargin"].function("assessOptions")
        data = function.encode([*case.exact.to_words(), b""])
        return Assessment(*function.result(_called(self._evm, self._model(case), data)))

    def _deploy(self, name: str, *arguments: Any) -> str:
        """With the libraries that it needs."""
        if name not in self._places:
            artifact = self._artifacts[name]
            libraries = {library: self._deploy(library) for library in artifact.libraries}
            self._places[name] = str(self._evm.deploy(CALLER, artifact.creation(*arguments, libraries=libraries)))
        return self._places[name]

    def _model(self, case: Case) -> str:
        """Of the case's parameters; the one before it is forgotten."""
        if case.parameters != self._parameters:
            self._places.pop("PortfolioMargin", None)
            self._parameters = case.parameters
        return self._deploy("PortfolioMargin", self._table, case.parameters.to_words())

    def _filled(self, case: Case) -> Any:
        model = self._model(case)
        function = self._artifacts["PortfolioMargin"].function("PARAMETERS")
        parameters = function.result(bytes(self._evm.message_call(CALLER, model, function.encode(()))))
        now, minutes = clock(case.view.expiries)
        evm: Any = EVM()
        for place in (*self._places.values(), parameters):
            evm.insert_account_info(place, AccountInfo(nonce=1, code=bytes(self._evm.get_code(place))))
        for (place, slot), word in self._storage(case.view, int(model, 16), now, minutes).items():
            store_cold(evm, place, slot, word)
        evm.set_block_env(BlockEnv(number=1, timestamp=now))
        return evm

    # ---------------------------------------------------------------- words

    def _storage(self, view: AccountView, model: int, now: int, minutes: list[int]) -> Storage:
        dated = zip(view.expiries, minutes, strict=True)
        options = [_at(word, minute) for expiry, minute in dated for word in expiry.option_words()]
        perp = view.perps[0] if view.perps else None
        shorts = any(o.quantity < 0 for e in view.expiries for o in e.options)
        owes = any(asset.value < 0 for asset in view.assets)
        markets = 1 << PERP_MARKET if perp or not (shorts or owes) else 0
        header = Header((1 << len(view.assets)) - 1, markets, len(options), debts=int(owes))
        words = {
            ledger.header(ACCOUNT): header.to_word(),
            ledger.GLOBALS: Globals(block_time=12, kappa=20, quote_feed=QUOTE_FEED).to_word(),
            ledger.OPTION_SETUP: model,
            ledger.SURFACES: int(self.surfaces, 16),
        }
        for slot in range(0, len(options), 2):
            pair = options[slot : slot + 2]
            words[ledger.options(ACCOUNT, slot // 2)] = sum(word << 128 * i for i, word in enumerate(pair))
        words |= _markets(perp, bool(markets), now)
        prices = {QUOTE_FEED: Price(view.tags[0].price, published_at=now)}
        for number, (asset, tag) in enumerate(zip(view.assets, view.tags, strict=True)):
            words |= _asset(number, asset, tag, now)
            if number:
                prices[tag.feed] = Price(tag.price, nearest(tag.doubt, tag.fine), now)
        if perp and perp.size:
            prices[PERP_FEED] = Price(perp.notional // perp.size, nearest(perp.doubt, perp.fine), now)
        found = {(self.engine, slot): word for slot, word in words.items()}
        router, surfaces = self._slot("OracleRouter", "_prices"), self._slot("VolatilityFeed", "_surfaces")
        found |= {(self.router, router + feed): known.to_word() for feed, known in prices.items()}
        for expiry, minute in zip(view.expiries, minutes, strict=True):
            place = surfaces + 3 * key_of(OPTION_MARKET, minute)
            fines, smile = expiry.fines, expiry.smile
            smile = smile._replace(
                doubt_forward=nearest(smile.doubt_forward, fines[1]),
                doubt_rate=nearest(smile.doubt_rate, fines[2]),
                doubt_vol=nearest(smile.doubt_vol, fines[3]),
            )
            first, second, third = smile.to_words()
            for n, word in enumerate((first, second | now << 200, third)):
                found[self.surfaces, place + n] = word
        return found

    def _slot(self, contract: str, label: str) -> int:
        return next(int(e["slot"]) for e in self._artifacts.storage(contract) if e["label"] == label)


def store_cold(evm: Any, place: str, slot: int, word: int) -> None:
    """The first word of an account that is not loaded goes beneath the journal, where it is cold. It loads the account,
    and with it a second word would be warm: so that is taken back."""
    before = evm.snapshot()
    evm.insert_account_storage(place, slot, word)
    evm.revert(before)


def nearest(units: int, fine: int) -> int:
    """A confidence as a feed keeps it."""
    return min(units + (fine >> 15), 2**24 - 1)


def clock(expiries: tuple[ExpiryView, ...]) -> tuple[int, list[int]]:
    """A time, and the expiries' minutes since 1970 that are then as far off as they should be, to half a minute or to
    what keeps them apart."""
    now = FIRST_EXPIRY * MINUTE - max(1, min((e.secs for e in expiries), default=0))
    minutes: list[int] = []
    for expiry in expiries:
        minutes.append(max(round((now + expiry.secs) / MINUTE), minutes[-1] + 1 if minutes else FIRST_EXPIRY))
    return now, minutes


def _called(evm: Any, place: str, data: bytes) -> bytes:
    try:
        return bytes(evm.message_call(CALLER, place, data))
    except RuntimeError as error:
        raise_typed(error)


def _at(word: int, minute: int) -> int:
    """An option's word of the model as it lies in storage: quantity above the instrument, which gets its expiry."""
    instrument = word >> 64 & ~(((1 << 27) - 1) << 29) | minute << 29
    return (word & 2**64 - 1) << 64 | instrument


def _markets(perp: Perp | None, open_: bool, now: int) -> dict[int, int]:
    options = MarketRisk(feed=SPOT_FEED, max_age=AGE)
    found = {ledger.market(OPTION_MARKET, ledger.RISK): options.to_word()}
    if not open_:
        return found
    feed = PERP_FEED if perp and perp.size else SPOT_FEED
    found[ledger.market(PERP_MARKET, ledger.RISK)] = MarketRisk(feed=feed, max_age=AGE).to_word()
    found[ledger.market(PERP_MARKET, ledger.STATE)] = MarketState(accrued_at=now).to_word()
    if perp:
        size = -perp.size if perp.short else perp.size
        cost = (-perp.notional if perp.short else perp.notional) - perp.pnl
        found[ledger.position(ACCOUNT, PERP_MARKET)] = Position(size, cost).to_word()
    return found


def _asset(number: int, asset: AssetExposure, tag: Tag, now: int) -> dict[int, int]:
    """Its parameters and the balance; what is owed is at an index of one."""
    feed = tag.feed if number else 0
    params = AssetParams(DECIMALS, feed, asset.haircut_im, asset.haircut_mm, AGE)
    amount = abs(asset.value) * PAR // tag.price if number else abs(asset.value)
    balance = Balance(held=amount) if asset.value >= 0 else Balance(shares=amount, kind=DEBT)
    found = {ledger.asset(number): params.to_word(), ledger.balance(ACCOUNT, number): balance.to_word()}
    if asset.value < 0:
        found[ledger.lending(number)] = Lending(INDEX, INDEX, now).to_word()
    return found

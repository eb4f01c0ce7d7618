"""`assess` of account.py against MarginCheck and RuleMargin over a storage written word by word."""

from __future__ import annotations

from dataclasses import fields, replace

import books
import option_books
import pytest
from eth_utils import keccak
from exposed import TIME, Exposed, Reverted, word

from plimsoll.margin import epoch_math
from plimsoll.margin.account import (
    AccountState,
    Assessment,
    NegativeBalance,
    PriceUnusable,
    PriceUse,
    account_state,
    assess,
    moved,
)
from plimsoll.margin.rule_margin import AssetExposure, PerpExposure
from plimsoll.margin.words import (
    Balance,
    Debts,
    Flow,
    Lending,
    Limits,
    MarketClosing,
    MarketLoss,
    MarketRamp,
    ModelRamp,
    Pair,
    Position,
    Totals,
    Untouched,
    Word,
)

UNUSABLE = keccak(text="PriceUnusable(uint256,uint256,uint256)")[:4]
NEGATIVE = keccak(text="NegativeBalance(bytes32,uint256,int256)")[:4]


@pytest.fixture(scope="module")
def check(artifacts):
    rule = option_books.rule_margin(artifacts, books.MODEL)
    old = books.OLD_MODEL
    before = option_books.rule_margin(artifacts, old, evm=rule.evm)
    check = Exposed(artifacts["ExposedCheck"], evm=rule.evm)
    return CheckedStorage(check, artifacts["ExposedCheck"], rule.address, before.address)


class CheckedStorage:
    """Writes a snapshot and accounts where docs/storage.md says they are, by the compiler's own layout."""

    def __init__(self, exposed: Exposed, artifact, model: str, before: str):
        self.exposed, self.model, self.before = exposed, int(model, 16), int(before, 16)
        self.layout = artifact["storageLayout"]
        roots = {entry["label"]: int(entry["slot"]) for entry in self.layout["storage"]}
        state = next(entry for entry in self.layout["storage"] if entry["label"] == "state")
        self.members = self._members(state["type"], roots["state"])
        self.prices = roots["prices"]

    def _members(self, kind: str, base: int = 0) -> dict[str, int]:
        return {m["label"]: base + int(m["slot"]) for m in self.layout["types"][kind]["members"]}

    def market_offsets(self) -> dict[str, int]:
        kind = next(name for name in self.layout["types"] if name.startswith("t_struct(Market)"))
        return self._members(kind)

    def packed(self, name: str) -> list[tuple[int, int]]:
        """(shift, bits) of a struct's fields as the compiler lays them out."""
        kind = next(name_ for name_ in self.layout["types"] if name_.startswith(f"t_struct({name})"))
        types = self.layout["types"]
        return [
            (256 * int(m["slot"]) + 8 * m["offset"], 8 * int(types[m["type"]]["numberOfBytes"]))
            for m in types[kind]["members"]
        ]

    def write(self, slots: dict[int, int]) -> None:
        keys, values = list(slots), list(slots.values())
        data = word(64) + word(96 + 32 * len(keys))
        for array in (keys, values):
            data += word(len(array)) + b"".join(map(word, array))
        self.exposed.call("store", data)

    def put_snapshot(self, snap) -> None:
        ramping = snap.replaced is not None
        slots = {
            self.members["globals"]: replace(snap.globals, flags=ramping).to_word() | self.model,
            self.members["modelRamp"]: self.before | (snap.replaced.end << 160 if ramping else 0),
            self.members["terms"]: snap.terms.to_word(),
        }
        for feed, price in snap.prices.items():
            slots[entry(self.prices, feed)] = price.to_word()
        for index, params in snap.assets.items():
            slots[entry(self.members["assets"], index)] = params.to_word()
        for name in ("lending", "pairs"):
            for index, item in getattr(snap, name).items():
                slots[entry(self.members[name], index)] = item.to_word()
        offsets = self.market_offsets()
        for index, market in snap.markets.items():
            base = entry(self.members["markets"], index)
            for part in ("risk", "state", "costs", "trade", "insurance", "ramp", "loss", "closing"):
                slots[base + offsets[part]] = getattr(market, part).to_word()
            records = entry(self.members["epochs"], index)
            for number, epoch in market.epochs.items():
                slots[entry(records, number)], slots[entry(records, number) + 1] = epoch_math.pack(epoch)
        self.write(slots)

    def put_account(self, account) -> None:
        id = int.from_bytes(account.id, "big")
        slots = {entry(self.members["headers"], id): account.header.to_word()}
        for name, entries in (("balances", account.balances), ("positions", account.positions)):
            for index, item in entries.items():
                slots[entry(entry(self.members[name], id), index)] = item.to_word()
        self.write(slots)

    def assess(self, account, use: PriceUse) -> tuple[Assessment, AccountState]:
        *numbers, state = self.exposed_words("assess", account.id + word(use))
        equity = numbers[0] - 2**256 if numbers[0] >> 255 else numbers[0]
        return Assessment(equity, *numbers[1:]), AccountState(state)

    def exposed_words(self, name: str, data: bytes) -> list[int]:
        out = self.exposed.call(name, data)
        return [int.from_bytes(out[i : i + 32], "big") for i in range(0, len(out), 32)]


def entry(slot: int, key: int) -> int:
    return int.from_bytes(keccak(word(key) + word(slot)), "big")


@pytest.mark.parametrize("failing", [0.0, 0.5])
def test_assessment_and_state_equal_the_contracts_in_every_use_of_prices(failing, check, draw):
    """Thousands of generated accounts, healthy and not, with live, stale, disputed and doubted feeds."""
    seen = set()
    for _ in range(40):
        snap = books.snapshot(draw, failing=failing)
        check.put_snapshot(snap)
        for number in range(8):
            account = books.account(draw, snap, number)
            check.put_account(account)
            for use in PriceUse:
                seen.add(_compare(check, account, snap, use))

    expected = {*AccountState, "PriceUnusable"} if failing else {*AccountState}
    assert expected <= seen | {AccountState.CALLED}


def _compare(check, account, snap, use):
    try:
        expected = check.assess(account, use)
    except Reverted as reverted:
        assert reverted.data[:4] == UNUSABLE
        with pytest.raises(PriceUnusable) as raised:
            assess(account, snap, use)
        error = raised.value
        assert reverted.data[4:] == word(error.feed) + word(error.age) + word(error.status)
        return "PriceUnusable"
    found = assess(account, snap, use)

    assert expected == (found, account_state(account, found, snap)), (account, use)
    return expected[1]


def test_a_negative_balance_is_refused(check, draw):
    """A liquidator who paid more than he has ends his batch with this error."""
    snap = books.snapshot(draw, failing=0)
    account = books.Account.holding(b"\x01" * 32, {0: -5}, {})
    check.put_snapshot(snap)
    check.put_account(account)

    with pytest.raises(Reverted) as reverted:
        check.assess(account, PriceUse.OPEN)
    with pytest.raises(NegativeBalance):
        assess(account, snap, PriceUse.OPEN)
    assert reverted.value.data == NEGATIVE + account.id + word(0) + word(-5)


def test_moved_price_equals_the_contract(check, draw):
    """e^{±κσ√age}, up to e^5 and far beyond."""
    for _ in range(1_000):
        price, sigma, kappa, secs, up = draw.bits(72), draw.bits(16), draw.bits(8), draw.bits(33), draw.bits(1)

        assert check.exposed.moved(price, sigma, kappa, secs, up) == moved(price, sigma, kappa, secs, up=bool(up))


@pytest.mark.parametrize(
    ("struct", "kind"),
    [
        ("Globals", books.Globals),
        ("Terms", books.Terms),
        ("Header", books.Account.__dataclass_fields__["header"].default_factory),
        ("Balance", Balance),
        ("Position", Position),
        ("Asset", books.AssetParams),
        ("MarketState", books.MarketState),
        ("MarketRisk", books.MarketRisk),
        ("MarketCosts", books.MarketCosts),
        ("MarketTrade", books.MarketTrade),
        ("MarketRamp", MarketRamp),
        ("MarketLoss", MarketLoss),
        ("MarketClosing", MarketClosing),
        ("Untouched", Untouched),
        ("ModelRamp", ModelRamp),
        ("Lending", Lending),
        ("Debts", Debts),
        ("Limits", Limits),
        ("Flow", Flow),
        ("Pair", Pair),
        ("Totals", Totals),
        ("InsuranceCap", books.Market.__dataclass_fields__["insurance"].default_factory),
    ],
)
def test_packed_fields_lie_where_the_compiler_puts_them(struct, kind, check):
    """A field added in the middle of a struct fails here, not in a keeper."""
    shift, layout = 0, []
    for item in fields(kind):
        layout.append((shift, item.metadata["bits"]))
        shift += item.metadata["bits"]

    assert check.packed(struct) == layout


def test_decoding_undoes_encoding_and_refuses_what_does_not_fit(draw):
    """Negative fields included."""
    for kind in Word.__subclasses__():
        for _ in range(50):
            values = {
                item.name: draw.signed(item.metadata["bits"] - 1)
                if item.metadata["signed"]
                else draw.bits(item.metadata["bits"])
                for item in fields(kind)
            }
            packed = kind(**values)

            assert packed == kind.from_word(packed.to_word())
        widest = fields(kind)[0]
        with pytest.raises(OverflowError, match=widest.name):
            kind(**{widest.name: 1 << widest.metadata["bits"]}).to_word()


def test_model_words_are_what_the_contract_reads(artifacts, draw):
    """RuleMargin alone, called as the engine calls it."""
    rule = option_books.rule_margin(artifacts, books.MODEL)
    for _ in range(1_000):
        assets = [
            AssetExposure(draw.signed(200), draw.bits(16), draw.bits(16), draw.bits(16))
            for _ in range(draw.randint(0, 3))
        ]
        perps = [
            PerpExposure(draw.choice([0, draw.bits(135)]), draw.signed(160), books.risk(draw, 1), *_terms(draw))
            for _ in range(draw.randint(0, 3))
        ]
        out = rule.call("assess", _arrays(assets, perps))
        expected = [int.from_bytes(out[i : i + 32], "big", signed=i == 0) for i in range(0, len(out), 32)]

        assert expected == list(books.MODEL.assess(assets, perps))


def _terms(draw):
    """Multipliers, interest share, old table and its share."""
    share = draw.choice([0, 1, 10_000, draw.randint(0, 10_000)])
    old = MarketRamp(**books.tiers(draw)).to_word() if share else 0
    return draw.bits(24), draw.bits(24), draw.choice([0, draw.randint(0, 10_000)]), old, share


def _arrays(assets, perps) -> bytes:
    flat = [value for perp in perps for value in perp.to_words()]
    data = word(64) + word(96 + 32 * len(assets))
    for array in ([asset.to_word() for asset in assets], flat):
        data += word(len(array)) + b"".join(map(word, array))
    return data


assert TIME == books.TIME

"""What a check hands a portfolio model, as the words of interfaces/IOptionModel.sol and as names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from plimsoll.margin.rule_margin import AssetExposure
from plimsoll.margin.settlement_math import Known

ONE = 1 << 14
U24, U40, U64, U72 = 2**24 - 1, 2**40 - 1, 2**64 - 1, 2**72 - 1


class Tag(NamedTuple):
    """Of an asset: its feed, 1 − confidence in ppm and in 2^-16 ppm beyond it, its index, its price (1e-10)."""

    feed: int
    doubt: int = 0
    asset: int = 0
    price: int = 0
    fine: int = 0

    def to_word(self) -> int:
        return self.feed | self.doubt << 8 | self.asset << 32 | self.price << 40 | self.fine << 112

    @classmethod
    def of(cls, word: int) -> Tag:
        return cls(word & 0xFF, word >> 8 & U24, word >> 32 & 0xFF, word >> 40 & U72, word >> 112 & 0xFFFF)


class Perp(NamedTuple):
    """notional and pnl in quote WAD, |size| at 1e-8, multipliers in 2^14; at most what a word holds is kept of each."""

    notional: int
    pnl: int
    feed: int
    short: bool = False
    size: int = 0
    doubt: int = 0
    fine: int = 0
    mult_im: int = ONE
    mult_mm: int = ONE

    def to_words(self) -> tuple[int, int, int, int]:
        first = self.notional | self.mult_im << 136 | self.mult_mm << 160 | int(self.short) << 200
        return first | self.doubt << 201 | self.fine << 225, self.pnl % 2**256, self.feed << 144, self.size << 144


class Smile(NamedTuple):
    """A surface's three words as VolatilityFeed has them: WAD, the forward 1e-10, doubts in units of a confidence."""

    a: int = 0
    b: int = 0
    rho: int = 0
    m: int = 0
    sigma: int = 0
    forward_ref: int = 0
    tau: int = 0
    carry: int = 0
    rate: int = 0
    doubt_forward: int = 0
    doubt_rate: int = 0
    doubt_vol: int = 0

    def to_words(self) -> tuple[int, int, int]:
        first = sum(value % 2**64 << 64 * i for i, value in enumerate((self.a, self.b, self.rho, self.m)))
        second = self.sigma | self.forward_ref << 64 | self.tau << 136
        third = self.carry | self.rate % 2**64 << 64
        return first, second, third | self.doubt_forward << 128 | self.doubt_rate << 152 | self.doubt_vol << 176

    @classmethod
    def of(cls, first: int, second: int, third: int) -> Smile:
        return cls(
            a=signed64(first),
            b=signed64(first >> 64),
            rho=signed64(first >> 128),
            m=signed64(first >> 192),
            sigma=second & U64,
            forward_ref=second >> 64 & U72,
            tau=second >> 136 & U64,
            carry=third & U64,
            rate=signed64(third >> 64),
            doubt_forward=third >> 128 & U24,
            doubt_rate=third >> 152 & U24,
            doubt_vol=third >> 176 & U24,
        )


class Option(NamedTuple):
    """Strike as its 28-bit code (mantissa 24, exponent 4), quantity at 1e-8."""

    code: int
    put: bool
    quantity: int

    @property
    def strike(self) -> int:
        """1e-10 quote."""
        return int((self.code & U24) * 10 ** (self.code >> 24))


@dataclass(frozen=True, slots=True)
class ExpiryView:
    """One (market, expiry) of an account with its options; doubt and fines of spot, forward, rate and volatility."""

    market: int
    feed: int
    secs: int
    spot: int
    smile: Smile
    options: tuple[Option, ...]
    doubt: int = 0
    fines: tuple[int, int, int, int] = (0, 0, 0, 0)
    settled: bool = False
    mult_im: int = ONE
    mult_mm: int = ONE
    minutes: int = 0
    #: of a settlement price that is partly known; and whether shocks reach it only as far as the spot does
    known: Known | None = None
    fading: bool = False

    def to_words(self) -> tuple[int, ...]:
        first = self.market | self.feed << 8 | len(self.options) << 16 | self.secs << 32 | int(self.settled) << 64
        first |= int(self.fading) << 65 | (self.known.to_bits() if self.known else 0)
        first |= self.mult_im << 72 | self.mult_mm << 96
        second = self.spot | self.doubt << 72 | sum(fine << 96 + 16 * i for i, fine in enumerate(self.fines))
        return first, second, *self.smile.to_words()

    def option_words(self) -> list[int]:
        base = self.minutes << 29 | self.market << 56
        return [(base | o.code << 1 | int(o.put)) << 64 | o.quantity % 2**64 for o in self.options]


@dataclass(frozen=True, slots=True)
class AccountView:
    """All that a model is given."""

    assets: tuple[AssetExposure, ...] = ()
    tags: tuple[Tag, ...] = ()
    perps: tuple[Perp, ...] = ()
    expiries: tuple[ExpiryView, ...] = ()

    def to_words(self) -> tuple[list[int], list[int], list[int], list[int], list[int]]:
        """assets, tags, perps, expiries, options: the arguments of assessOptions before the witness."""
        return (
            [asset.to_word() for asset in self.assets],
            [tag.to_word() for tag in self.tags],
            [word for perp in self.perps for word in perp.to_words()],
            [word for expiry in self.expiries for word in expiry.to_words()],
            [word for expiry in self.expiries for word in expiry.option_words()],
        )

    @classmethod
    def of(
        cls,
        assets: Sequence[int],
        tags: Sequence[int],
        perps: Sequence[int],
        expiries: Sequence[int],
        options: Sequence[int],
    ) -> AccountView:
        views, at = [], 0
        for i in range(0, len(expiries), 5):
            count = expiries[i] >> 16 & 0xFFFF
            views.append(_expiry(expiries[i : i + 5], options[at : at + count]))
            at += count
        return cls(
            tuple(map(_asset, assets)),
            tuple(map(Tag.of, tags)),
            tuple(_perp(perps[i : i + 4]) for i in range(0, len(perps), 4)),
            tuple(views),
        )


def signed64(value: int) -> int:
    value &= U64
    return value - 2**64 if value >> 63 else value


def strike_code(strike: int) -> int:
    """The canonical code of a strike in 1e-10 quote; seven significant digits are kept, so others are refused."""
    exponent = max(0, len(str(strike)) - 7)
    mantissa, rest = divmod(strike, 10**exponent)
    if rest or exponent > 15:
        raise ValueError(f"strike {strike} (1e-10) has more than seven digits or is too large")
    return mantissa | exponent << 24


def _asset(word: int) -> AssetExposure:
    value = word >> 48
    value -= 2**208 if value >> 207 else 0
    return AssetExposure(value, word >> 32 & 0xFFFF, word >> 16 & 0xFFFF, word & 0xFFFF)


def _perp(words: Sequence[int]) -> Perp:
    first, pnl = words[0], words[1] - (2**256 if words[1] >> 255 else 0)
    mults = (first >> 136 & U24, first >> 160 & U24)
    doubt, fine = first >> 201 & U24, first >> 225 & 0xFFFF
    size = words[3] >> 144 & (2**56 - 1)
    return Perp(first & (2**136 - 1), pnl, words[2] >> 144 & 0xFF, bool(first >> 200 & 1), size, doubt, fine, *mults)


def _expiry(words: Sequence[int], options: Sequence[int]) -> ExpiryView:
    first, second = words[0], words[1]
    fines = [second >> 96 + 16 * i & 0xFFFF for i in range(4)]
    legs = [Option(w >> 65 & (2**28 - 1), bool(w >> 64 & 1), signed64(w)) for w in options]
    return ExpiryView(
        market=first & 0xFF,
        feed=first >> 8 & 0xFF,
        secs=first >> 32 & (2**32 - 1),
        spot=second & U72,
        smile=Smile.of(words[2], words[3], words[4]),
        options=tuple(legs),
        doubt=second >> 72 & U24,
        fines=(fines[0], fines[1], fines[2], fines[3]),
        settled=bool(first >> 64 & 1),
        mult_im=first >> 72 & U24,
        mult_mm=first >> 96 & U24,
        minutes=options[0] >> 93 & (2**27 - 1) if options else 0,
        known=Known.of_bits(first),
        fading=bool(first >> 65 & 1),
    )

"""The twins of models, asked as the engine asks the contracts: words in, an assessment out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from plimsoll.margin.option_series import EXPONENT_BIT, expiry_of, is_put
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_words import AccountView, signed64
from plimsoll.margin.rule_margin import Assessment, AssetExposure, PerpExposure, RuleMargin
from plimsoll.margin.rule_options import SETTLED, ExpiryExposure, Holding
from plimsoll.margin.words import MarketRisk

U24, U32, U72, U128 = 2**24 - 1, 2**32 - 1, 2**72 - 1, 2**128 - 1
MANTISSA, EXPONENT = 2**24 - 1, 15


class OptionModel(Protocol):
    """Twin of IOptionModel."""

    def assess_options(
        self,
        assets: Sequence[int],
        tags: Sequence[int],
        perps: Sequence[int],
        expiries: Sequence[int],
        options: Sequence[int],
        witness: bytes = b"",
    ) -> Assessment: ...


def ask(model: object, words: tuple[Sequence[int], ...], witness: bytes = b"") -> Assessment:
    """`words`: assets, tags, perps, expiries, options as interfaces/IOptionModel.sol has them."""
    if isinstance(model, PortfolioMargin):
        return model.assess(AccountView.of(*words), witness)
    if isinstance(model, RuleMargin):
        return _by_rule(model, *words)
    return model.assess_options(*words, witness)  # type: ignore[attr-defined]


def _by_rule(
    model: RuleMargin,
    assets: Sequence[int],
    tags: Sequence[int],
    perps: Sequence[int],
    expiries: Sequence[int],
    options: Sequence[int],
) -> Assessment:
    exposures = [_expiry(expiries[at : at + 5]) for at in range(0, len(expiries), 5)]
    todo = iter(options)
    filled = []
    for words, exposure in zip(range(0, len(expiries), 5), exposures, strict=True):
        own = [next(todo) for _ in range(expiries[words] >> 16 & 0xFFFF)]
        minutes = expiry_of(own[0] >> 64) if own else 0
        filled.append(exposure._replace(expiry=minutes, holdings=tuple(map(_holding, own))))
    return model.assess_options(
        [_asset(*pair) for pair in zip(assets, tags, strict=True)],
        [_perp(perps[at : at + 4]) for at in range(0, len(perps), 4)],
        filled,
    )


def _asset(word: int, tag: int) -> AssetExposure:
    value = word >> 48
    value -= 2**208 if value >> 207 else 0
    return AssetExposure(value, word >> 32 & 0xFFFF, word >> 16 & 0xFFFF, word & 0xFFFF, tag >> 8 & U24)


def _perp(words: Sequence[int]) -> PerpExposure:
    first, pnl, risk, old = words
    pnl -= 2**256 if pnl >> 255 else 0
    return PerpExposure(
        notional=first & (2**136 - 1),
        pnl=pnl,
        risk=MarketRisk.from_word(risk),
        mult_im=first >> 136 & U24,
        mult_mm=first >> 160 & U24,
        oi_share=first >> 184 & 0xFFFF,
        old=old & U128,
        old_share=old >> 128 & 0xFFFF,
        short=bool(first >> 200 & 1),
        doubt=first >> 201 & U24,
    )


def _expiry(words: Sequence[int]) -> ExpiryExposure:
    first, second, *surface = words
    return ExpiryExposure(
        market=first & 0xFF,
        expiry=0,
        holdings=(),
        spot=second & U72,
        seconds=first >> 32 & U32,
        surface=(surface[0], surface[1], surface[2]),
        doubt=second >> 72 & U24,
        settled=bool(first >> 64 & SETTLED),
        mult_im=first >> 72 & U24,
        mult_mm=first >> 96 & U24,
        feed=first >> 8 & 0xFF,
    )


def _holding(word: int) -> Holding:
    instrument = word >> 64
    mantissa, exponent = instrument >> 1 & MANTISSA, instrument >> EXPONENT_BIT & EXPONENT
    return Holding(mantissa, exponent, is_put(instrument), signed64(word))

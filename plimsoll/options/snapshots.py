"""A recorded option chain as a market of a local chain: its smiles, on the chain's clock.

    imported = place(load_chain(path, "ETH"), market=0, rules=rules, now=chain_time)
    report = SurfaceSigner(keys, feed, chain_id).report(imported.published_at, imported.quoted)

Every time in the file is moved by one number of seconds, so that the moment of the recording falls on `at`: what is
kept is the time to expiry. A smile is kept as volatilities: when some seconds have passed between `at` and the report,
or an expiry falls on a minute, its total variance shrinks with the time that is left. A rate is what makes the forward
of the index; of an expiry that is hours away that says nothing, and it is held within what the market's rules allow.
"""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.errors import BadInput
from plimsoll.margin.fixed_math import WAD, YEAR
from plimsoll.margin.option_series import MINUTE
from plimsoll.margin.surface_checks import Rules, crossing, examine
from plimsoll.prices import PRICE
from plimsoll.pricing.chain import Chain
from plimsoll.pricing.surfaces import Surface as Fitted
from plimsoll.pricing.surfaces import fit_chain
from plimsoll.surfaces import Fit, Quoted, Smile, Surface, Terms

CONFIDENCE = 300  # ppm, of forward, rate and volatility, as of local prices


@dataclass(frozen=True, slots=True)
class Placed:
    """One expiry: what was fitted, and what is signed."""

    fitted: Fitted
    quoted: Quoted

    @property
    def at_the_money(self) -> float:
        return float(self.fitted.smile.vol(self.fitted.smile.forward))


@dataclass(frozen=True, slots=True)
class Imported:
    """`shift`: seconds between the file's clock and the chain's. `index`: 1e-10. `gone`: expiries already past."""

    underlying: str
    shift: int
    index: int
    published_at: int
    expiries: tuple[Placed, ...]
    skipped: tuple[int, ...]
    gone: tuple[int, ...]

    @property
    def quoted(self) -> list[Quoted]:
        return [placed.quoted for placed in self.expiries]


def shift_of(chain: Chain, at: int) -> int:
    """What moves the moment of the recording to `at`, whole minutes: expiries stay on whole minutes."""
    return round((at - chain.time) / MINUTE) * MINUTE


def place(chain: Chain, market: int, rules: Rules, *, shift: int, now: int) -> Imported:
    """The chain's smiles as they are published at `now`, a time of the chain."""
    if shift % MINUTE:
        raise BadInput("shift", shift, "it is a whole number of minutes, in seconds")
    surfaces = fit_chain(chain)
    placed, gone = [], []
    for fitted in surfaces.surfaces:
        expiry = (fitted.expiry + shift) // MINUTE
        if expiry * MINUTE <= now + MINUTE:
            gone.append(expiry)
        else:
            placed.append(Placed(fitted, _quoted(fitted, market, expiry, now, surfaces.index, rules)))
    if not placed:
        raise BadInput("shift", shift, f"every expiry of the chain lies before the chain's time {now}: use --at")
    skipped = tuple((time + shift) // MINUTE for time in surfaces.skipped)
    return Imported(chain.underlying, shift, round(surfaces.index * PRICE), now, tuple(placed), skipped, tuple(gone))


def _quoted(fitted: Fitted, market: int, expiry: int, now: int, index: float, rules: Rules) -> Quoted:
    smile = fitted.smile
    tau = (expiry * MINUTE - now) * WAD // YEAR
    left = tau / WAD / smile.years
    words = Smile(_wad(smile.a * left), _wad(smile.b * left), _wad(smile.rho), _wad(smile.m))
    most = rules.max_rate * WAD // 10_000
    rate = max(-most, min(most, _wad(fitted.rate)))
    terms = Terms(_wad(smile.forward / index), rate, CONFIDENCE, CONFIDENCE, CONFIDENCE)
    return Quoted(market, expiry, Surface(words, Fit(_wad(smile.sigma), round(smile.forward * PRICE), tau), terms))


def _wad(value: float) -> int:
    return round(value * WAD)


def judge(imported: Imported, rules: Rules, now: int) -> dict[int, str]:
    """Key → why the contract would refuse it, for what it would. Surfaces stored for other expiries are not known."""
    found: dict[int, str] = {}
    before: Quoted | None = None
    for quoted in imported.quoted:
        refusal = examine(rules, quoted.surface, quoted.expiry * MINUTE, imported.published_at, now)
        if refusal:
            found[quoted.key] = f"{refusal.reason.name}: {refusal.value} against {refusal.limit}"
            continue
        if before and (crossed := crossing(before.surface, quoted.surface)):
            found[quoted.key] = f"CALENDAR_NEARER: {crossed[1]} against {crossed[0]}"
            continue
        before = quoted
    return found

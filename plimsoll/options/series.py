"""Series and expiries as text.

    parse("ETH-20261225T0800-3000-C", ["ETH", "BTC"])      Series(market=0, expiry=…, strike=…, put=False)
    parse("ETH-PERP", …)                                   a perp as a leg of an order: its instrument
    text(instrument, symbols)                              the inverse

Expiries are UTC: 20261225T0800, 2026-12-25T08:00, 2026-12-25 (08:00, as venues have it), or minutes since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from plimsoll import units
from plimsoll.errors import BadInput
from plimsoll.margin import option_series
from plimsoll.margin.option_series import MAX_EXPIRY, MINUTE, Series, SeriesInvalid

COMPACT = "%Y%m%dT%H%M"
FORMS = (COMPACT, "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")
DAY_FORMS = ("%Y-%m-%d", "%Y%m%d")
EARLIEST = 20_000_000  # minutes: fewer digits are a date
KINDS = {"C": False, "P": True, "CALL": False, "PUT": True}
PERP = "PERP"
_SERIES = "write MARKET-EXPIRY-STRIKE-C or -P, such as ETH-20261225T0800-3000-C, or MARKET-PERP"


def moment(text: str, what: str = "time") -> int:
    """Unix seconds of a UTC time, or of a number of them."""
    if text.isdigit() and len(text) >= 9 and "T" not in text:
        return int(text)
    for form in (*FORMS, *DAY_FORMS):
        try:
            found = datetime.strptime(text.removesuffix("Z"), form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return int(found.timestamp()) + (8 * 3600 if form in DAY_FORMS else 0)
    raise BadInput(what, text, "write a UTC time such as 2026-12-25T08:00, a date (08:00), or a number")


def expiry(text: str) -> int:
    """Minutes since 1970."""
    if text.isdigit() and EARLIEST <= int(text) <= MAX_EXPIRY and len(text) == 8 and not _is_date(text):
        return int(text)
    seconds = moment(text, "expiry")
    if seconds % MINUTE or seconds // MINUTE > MAX_EXPIRY:
        raise BadInput("expiry", text, "it is a whole minute, before the year 2225")
    return seconds // MINUTE


def _is_date(text: str) -> bool:
    """20261225 is a date, 29956320 (minutes) is none."""
    return 1 <= int(text[4:6]) <= 12 and 1 <= int(text[6:]) <= 31 and text.startswith("20")


def expiry_text(minutes: int) -> str:
    return datetime.fromtimestamp(minutes * MINUTE, UTC).strftime(COMPACT)


def readable(minutes: int) -> str:
    return datetime.fromtimestamp(minutes * MINUTE, UTC).strftime("%Y-%m-%d %H:%M")


def text(instrument: int, symbols: Sequence[str]) -> str:
    """As `parse` takes it."""
    market = option_series.market_of(instrument)
    symbol = symbols[market] if market < len(symbols) else str(market)
    if not option_series.expiry_of(instrument):
        return f"{symbol}-{PERP}"
    kind = "P" if option_series.is_put(instrument) else "C"
    strike = units.price(option_series.strike_of(instrument))
    return f"{symbol}-{expiry_text(option_series.expiry_of(instrument))}-{strike}-{kind}"


def parse(written: str, symbols: Sequence[str]) -> int:
    """The instrument; BadInput names the part that is wrong."""
    parts = written.strip().split("-")
    if len(parts) < 2:
        raise BadInput("series", written, _SERIES)
    market = _market(parts[0], symbols)
    if len(parts) == 2 and parts[1].upper() == PERP:
        return option_series.perp(market)
    if len(parts) < 4 or parts[-1].upper() not in KINDS:
        raise BadInput("series", written, _SERIES)
    strike = units.parse(parts[-2], units.PRICE_DECIMALS, "strike")
    try:
        return Series(market, expiry("-".join(parts[1:-2])), strike, KINDS[parts[-1].upper()]).instrument
    except SeriesInvalid as error:
        raise BadInput("series", written, str(error)) from None


def _market(name: str, symbols: Sequence[str]) -> int:
    known = [symbol.lower() for symbol in symbols]
    if name.lower() not in known:
        raise BadInput("market of a series", name, f"there are {', '.join(symbols)}")
    return known.index(name.lower())

"""A small recorded chain as a file, and two people with accounts, for tests of the option commands."""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime, timedelta
from statistics import NormalDist

MOMENT = datetime(2026, 2, 4, 21, 33, tzinfo=UTC)
INDEX = 3000.0
HEADER = (
    "timestamp,expiry_datetime,currency,underlying,index_price,option_type,strike,mark_price,bid_price,ask_price,"
    "implied_volatility,open_interest"
)


def write_chain(path, *, days=(7, 30), vol=0.8, currency="ETH", carry=1.002):
    """Marks of a smile that bends: 15 strikes per expiry, calls and puts."""
    rows = []
    for day in days:
        expiry = MOMENT + timedelta(days=day)
        forward = INDEX * carry
        for step in range(-7, 8):
            k = 0.35 * step / 7 * math.sqrt(day / 7)
            strike = round(forward * math.exp(k) / 10) * 10
            sigma = vol * (1 + 0.4 * math.log(strike / forward) ** 2 - 0.1 * math.log(strike / forward))
            for kind in ("call", "put"):
                price = black(forward, strike, sigma, day / 365, kind == "call") / forward
                times = (MOMENT.isoformat(), expiry.isoformat(), currency)
                rows.append((*times, forward, INDEX, kind, strike, price, price, price, sigma, 1))
    with path.open("w", newline="") as file:
        file.write(HEADER + "\n")
        csv.writer(file).writerows(rows)
    return path


def black(forward, strike, vol, years, call, discount=1.0):
    """Written out once more, with the standard library's normal distribution."""
    deviation = vol * math.sqrt(years)
    d1 = math.log(forward / strike) / deviation + deviation / 2
    n = NormalDist().cdf
    value = forward * n(d1) - strike * n(d1 - deviation)
    return discount * (value if call else value + strike - forward)

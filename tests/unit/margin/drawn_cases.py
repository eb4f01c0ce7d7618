"""Random cases in the schemas of `plimsoll vectors pmrm2` and `srm`: what published cases do not have, too."""

from __future__ import annotations

import math
from copy import deepcopy
from random import Random

import portfolio_reference
from portfolio_reference import DAY

E18 = 10**18
KINDS = ("Up", "Down", "None", "LINEAR", "ABS")
#: To expiry: inside the settlement window and around its edge, around the month where powers change, and far.
SECONDS = (1, 59, 1_799, 1_800, 1_801, 4 * 3_600, 3 * DAY, 30 * DAY, 30 * DAY + 1, 200 * DAY, 3 * 365 * DAY)


def portfolio(seed: int) -> dict:
    """Odd seeds: expiries on one clock, and numbers of few digits, as venues have them. Even ones: any; every eighth in
    amounts that are small for a contract."""
    r = Random(seed)
    tidy, unit = seed % 2 == 1, 1e-5 if seed % 8 == 0 else 1.0
    spot = r.choice([95_663.5, 2_681.6, 0.0731])
    secs = r.sample(SECONDS, r.choice([0, 1, 3, 7]))
    if tidy:
        secs = [60 * (1 + s // 60) + seed % 60 for s in secs if s > 1]
    feeds = [_feed(r, s, spot * r.uniform(0.9, 1.1)) for s in sorted(set(secs))]
    options = [leg | {"Amount": leg["Amount"] * unit} for feed in feeds for leg in _legs(r, feed, tidy)]
    perps = _amount(r, tidy) * unit if r.random() < 0.7 else 0
    scenario = portfolio_reference.account(
        Cash=str(round(r.uniform(-50, 50) * spot * unit, 6)),
        Collaterals=[_collateral(r, spot, tidy) for _ in range(r.choice([0, 1, 5]) if unit == 1 else 0)],
        SpotPrice=repr(spot),
        SpotConfidence=_confidence(r, tidy),
        NumPerps=perps,
        PerpPrice=spot * r.uniform(0.98, 1.02) if perps else 0,
        PerpConfidence=_confidence(r, tidy) if perps else 0,
        UnrealisedPerpPNL=r.choice([0.0, spot * unit * r.uniform(-3, 3)]),
        StablePrice=r.choice([1.0, 1.0002, 0.97, 0.5]),
        Options=options,
        OptionFeeds=feeds,
    )
    return {"Scenario": scenario, "Parameters": _parameters(r)}


def _parameters(r: Random) -> dict:
    p = deepcopy(portfolio_reference.PARAMETERS)
    p["Scenarios"] = [_scenario(r) for _ in range(r.choice([1, 8, 40]))]
    p["VolShock"] |= {"VOLRANGEDOWN": r.choice([0, 0.3, 2]), "MIN_VOL_EVAL_SHOCKED": r.choice([0, 0.4, 1.5])}
    p["VolShock"] |= {"DTE_FLOOR": r.choice([0, 1, 399]), "SHORTTERMPOWER": r.choice([0, 0.3, 2])}
    p["SkewShock"] |= {"LINEAR_SCALE_CAP": r.choice([0.15, 2, 9]), "ABS_CBASE": r.choice([-0.05, 1])}
    p["Margin"] |= {"BASE_STATIC_DISCOUNT": r.choice([0, 0.95, 1.1]), "SHORT_RATE_ADDSCALE": r.choice([0, 0.08, 10])}
    p["BasisContingency"] |= {"BASIS_CONT_ADD_FACTOR": r.choice([0, 0.5, 20]), "SCENARIO_SPOT_UP": r.choice([1.0, 2.9])}
    p["OtherContingency"] |= {"CONF_THRESHOLD": r.choice([0, 0.55, 1]), "PEG_LOSS_FACTOR": r.choice([0, 2, 10])}
    return p


def _scenario(r: Random) -> dict:
    kind = r.choice(KINDS)
    spot = 1 if kind in ("LINEAR", "ABS") else r.choice([1, 0.85, 1.135, 0.34, 3, r.uniform(0.1, 5)])
    return {"SpotShock": spot, "VolShockDirection": kind, "DampeningFactor": r.choice([1, 1, 0, 0.072, 2.5])}


def _feed(r: Random, secs: int, forward: float) -> dict:
    years = secs / (365 * DAY)
    vol, width, rho = r.uniform(0.2, 1.5), r.uniform(0.05, 0.4), r.uniform(-0.7, 0.7)
    slope = vol**2 * years * r.uniform(0.1, 0.9)
    svi = [f"{x:.18f}" for x in (vol**2 * years - slope * width, slope, rho, r.uniform(-0.1, 0.1), width)]
    made = portfolio_reference.feed(secs, forward, r.choice([0, 0.15, -0.2]), r.choice([1.0, 0.5, r.random()]))
    return made | {"SVIparam": [*svi, forward * r.choice([1, 0.97]), repr(years)]}


def _legs(r: Random, feed: dict, tidy: bool) -> list[dict]:
    found = []
    for distance in [0.0] + [r.choice([r.gauss(0, 0.4), r.uniform(-3, 3)]) for _ in range(r.choice([0, 2, 12]))]:
        strike = float(f"{feed['Forward'] * math.exp(distance):.{3 if tidy else 11}e}")
        found += [
            portfolio_reference.option(feed["FeedExpiry"], strike, call, _amount(r, tidy))
            for call in r.choice([(True,), (False,), (True, False)])
        ]
    return found


def _amount(r: Random, tidy: bool) -> float:
    amount = r.choice([1, -1, 0, -20, r.uniform(-30, 30), r.uniform(-0.01, 0.01)])
    return round(amount, 6) if tidy else amount


def _collateral(r: Random, spot: float, tidy: bool) -> dict:
    made = portfolio_reference.collateral("ANY", abs(_amount(r, tidy)), r.choice([spot, 1.147]), r.random() < 0.5)
    haircuts = {"IMHaircut": r.uniform(0, 0.1), "MMHaircut": r.uniform(0, 0.4)}
    return made | {"Confidence": _confidence(r, tidy)} | ({} if tidy else haircuts)


def _confidence(r: Random, tidy: bool) -> float:
    confidence = r.choice([1, 0.3, r.random()])
    return round(confidence, 4) if tidy else confidence


# ---------------------------------------------------------------- margin by rule


def rule_account(seed: int, surfaces: list[list[float]]) -> dict:
    """Two underlyings, in whole 1e-18."""
    r = Random(seed)
    svi = r.choice(surfaces)
    made = {"Cash": _wad(r.uniform(-1e5, 1e5)), "USDCValue": _wad(r.choice([1, 0.97, 0.3])), "SVIParams": svi}
    made |= {"PerpPrice": [], "SpotPerpConfidences": [], "OptionUnderlying": [], "OptionVols": []}
    made |= {name: [] for name in ("OptionExpiries", "OptionStrikes", "OptionIsCall", "OptionAmounts", "FeedExpiries")}
    made |= {name: [] for name in ("OptionVolConfidences", "Forwards", "ForwardConfidences")}
    for name, spot in (("ETH", 2_000.5), ("BTC", 28_000.0)):
        perps = r.choice([0, -3, r.uniform(-20, 20)])
        made |= {f"{name}SpotPrice": _wad(spot), f"Perps_{name}": _wad(perps), f"w{name}": _wad(r.choice([0, 7.25]))}
        made |= {f"LastEntry{name}": _wad(spot * 1.05) if perps else None}
        made |= {f"Account{name}FundingIndex": _wad(2) if perps else None, f"{name}GlobalFundingIndex": _wad(-5)}
        made |= {f"PercentFixed{name}": r.choice([None, 0, 0.75]), f"TWAP_{name}": _wad(spot * 0.97)}
        made["PerpPrice"].append(_wad(spot * r.uniform(0.98, 1.02)))
        made["SpotPerpConfidences"].append([_wad(r.choice([1, 0.2])), _wad(r.choice([1, 0.3]))])
        for secs in r.sample((900, 5_000, 500_400, 31_536_000), r.choice([0, 1, 3])):
            _rule_legs(r, made, name, secs, spot * r.uniform(0.95, 1.1))
    return made


def _rule_legs(r: Random, made: dict, name: str, secs: int, forward: float) -> None:
    confidences = _wad(r.choice([1, 0.35])), _wad(r.choice([1, 0.1]))
    digits = r.choice([2, 9])
    strikes = {float(f"{forward * math.exp(r.gauss(0, 0.5)):.{digits}e}") for _ in range(r.choice([1, 4, 16]))}
    for strike, call in ((strike, call) for strike in sorted(strikes) for call in r.choice([(0,), (1,), (0, 1)])):
        row = {"OptionUnderlying": name, "OptionExpiries": secs, "FeedExpiries": secs, "OptionIsCall": call}
        row |= {"OptionStrikes": _wad(strike), "OptionAmounts": _wad(r.choice([1, -2, r.uniform(-5, 5)]))}
        row |= {"OptionVols": _wad(_vol(made["SVIParams"], math.log(strike / forward))), "Forwards": _wad(forward)}
        row |= {"ForwardConfidences": confidences[0], "OptionVolConfidences": confidences[1]}
        for column, value in row.items():
            made[column].append(value)


def _vol(svi: list[float], k: float) -> float:
    a, b, rho, m, sigma = svi
    return math.sqrt(a + b * (rho * (k - m) + math.hypot(k - m, sigma)))


def _wad(value: float) -> int:
    return round(value * 10**9) * 10**9

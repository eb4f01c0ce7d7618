"""Margin by rule from its formulas in mpmath, sharing nothing with the package: net IM, net MM and mark of a case."""

from __future__ import annotations

from mpmath import log, mp, mpf, ncdf, sqrt

YEAR, WINDOW, E18 = mpf(365 * 86_400), 1_800, mpf(10**18)


def result(account: dict, parameters: dict) -> dict[str, mpf]:
    """At 40 digits."""
    with mp.workdps(40):
        p = {part: {name: mpf(v) for name, v in values.items()} for part, values in parameters.items() if part in PARTS}
        p["base"] = {name: mpf(v) for name, v in parameters["base_margin"]["test_cases_json"].items()}
        total = {"IM": account["Cash"] / E18, "MM": account["Cash"] / E18, "mark": account["Cash"] / E18}
        for place, name in enumerate(("ETH", "BTC")):
            for part in (_perp, _base, _options):
                for figure, value in part(account, p, place, name).items():
                    total[figure] += value
        return total


PARTS = ("perp", "option", "oracleContingency", "depeg")


def _wad(account: dict, name: str) -> mpf:
    return (account[name] or 0) / E18


def _lost_peg(account: dict, p: dict, spot: mpf, size: mpf) -> mpf:
    gap = p["depeg"]["threshold"] - _wad(account, "USDCValue")
    return max(gap, 0) * p["depeg"]["depegFactor"] * spot * size


def _doubt(p: dict, kind: str, confidence: mpf, value: mpf) -> mpf:
    doubts = p["oracleContingency"]
    return (1 - confidence) * doubts["OCFactor"] * value if confidence < doubts[f"{kind}Threshold"] else mpf(0)


def _perp(account: dict, p: dict, place: int, name: str) -> dict[str, mpf]:
    size, spot, price = (
        _wad(account, f"Perps_{name}"),
        _wad(account, f"{name}SpotPrice"),
        account["PerpPrice"][place] / E18,
    )
    if not size:
        return {}
    funding = _wad(account, f"Account{name}FundingIndex") - _wad(account, f"{name}GlobalFundingIndex")
    pnl = size * (price - _wad(account, f"LastEntry{name}") + funding)
    extra = _doubt(p, "perp", min(account["SpotPerpConfidences"][place]) / E18, spot * abs(size))
    extra += _lost_peg(account, p, spot, abs(size))
    im, mm = (abs(size) * price * p["perp"][rate] for rate in ("imPerpReq", "mmPerpReq"))
    return {"IM": pnl - im - extra, "MM": pnl - mm, "mark": pnl}


def _base(account: dict, p: dict, place: int, name: str) -> dict[str, mpf]:
    value, factor = _wad(account, f"w{name}") * _wad(account, f"{name}SpotPrice"), p["base"]["marginFactor"]
    extra = _doubt(p, "base", account["SpotPerpConfidences"][place][0] / E18, value)
    return {"IM": value * factor * p["base"]["IMScale"] - extra, "MM": value * factor, "mark": value}


def _options(account: dict, p: dict, place: int, name: str) -> dict[str, mpf]:
    mine = [i for i, held in enumerate(account["OptionUnderlying"]) if held == name]
    total = {"IM": mpf(0), "MM": mpf(0), "mark": mpf(0)}
    for secs in {account["OptionExpiries"][i] for i in mine}:
        rows = [i for i in mine if account["OptionExpiries"][i] == secs]
        for figure, value in _expiry(account, p, place, name, rows).items():
            total[figure] += value
    return total


def _expiry(account: dict, p: dict, place: int, name: str, rows: list[int]) -> dict[str, mpf]:
    spot, first, o = _wad(account, f"{name}SpotPrice"), rows[0], p["option"]
    secs, forward = account["OptionExpiries"][first], account["Forwards"][first] / E18
    share = mpf(account[f"PercentFixed{name}"] or 0) if secs < WINDOW else mpf(0)
    forward = share * _wad(account, f"TWAP_{name}") + (1 - share) * forward
    legs = []
    for i in rows:
        strike, vol, amount = (account[c][i] / E18 for c in ("OptionStrikes", "OptionVols", "OptionAmounts"))
        call = account["OptionIsCall"][i]
        legs.append((strike, call, amount, _value(forward, strike, vol * sqrt(secs / YEAR), call)))
    alone = [sum(amount * _short(o, spot, *leg)[n] for *leg, amount in _sold(legs)) for n in (0, 1)]
    worst = min(min(sum(a * _paid(k, c, at) for k, c, a, _ in legs), 0) for at in (0, *(leg[0] for leg in legs)))
    calls = min(sum(a for _, c, a, _ in legs if c), 0) * forward
    bounded = worst + calls * o["unpairedIMScale"], worst + calls * o["unpairedMMScale"]
    size = sum(max(-a, 0) for _, _, a, _ in legs)
    known = min(account["SpotPerpConfidences"][place][0], account["ForwardConfidences"][first])
    confidence = min(known, account["OptionVolConfidences"][first]) / E18
    extra = _doubt(p, "option", confidence, spot * size) + _lost_peg(account, p, spot, size)
    mark = sum(a * value for _, _, a, value in legs)
    return {"IM": max(alone[0], bounded[0]) - extra, "MM": max(alone[1], bounded[1]), "mark": mark}


def _value(forward: mpf, strike: mpf, total: mpf, is_call: int) -> mpf:
    d1 = log(forward / strike) / total + total / 2
    call = forward * ncdf(d1) - strike * ncdf(d1 - total)
    return call if is_call else call - forward + strike


def _sold(legs: list[tuple]) -> list[tuple]:
    return [(strike, call, value, amount) for strike, call, amount, value in legs if amount < 0]


def _short(o: dict, spot: mpf, strike: mpf, call: int, value: mpf) -> tuple[mpf, mpf]:
    """What one option sold needs, initially and to stay."""
    out = max(strike - spot if call else spot - strike, 0) / spot
    im = value + max(o["maxSpotReq"] - out, o["minSpotReq"]) * spot
    if call:
        return im, value + o["mmCallSpotReq"] * spot
    mm = value + max(o["mmPutSpotReq"] * spot, o["MMPutMtMReq"] * value)
    return max(im, o["mmOffsetScale"] * mm), mm


def _paid(strike: mpf, call: int, at: mpf) -> mpf:
    return max(at - strike if call else strike - at, 0)

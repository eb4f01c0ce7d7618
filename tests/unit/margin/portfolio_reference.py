"""Portfolio margin from its formulas in mpmath, sharing nothing with the package, and the cases that are checked in.

    python tests/unit/margin/portfolio_reference.py        writes tests/unit/margin/portfolio_cases/*.json

A case has the schema of `plimsoll vectors pmrm2`: Scenario (the account), Parameters, Result.
"""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

from mpmath import exp, log, mp, mpf, ncdf, sqrt

CASES = Path(__file__).with_name("portfolio_cases")
YEAR, AVERAGING = mpf(365 * 86_400), 1800


def result(case: dict) -> dict:
    """IM and MM net, mark-to-market, and every scenario's gain, at 40 digits."""
    with mp.workdps(40):
        return _Portfolio(case).result()


class _Portfolio:
    def __init__(self, case: dict):
        self.account, self.p = case["Scenario"], case["Parameters"]
        self.spot, self.stable = mpf(self.account["SpotPrice"]), mpf(self.account["StablePrice"])
        feeds = {feed["FeedExpiry"]: feed for feed in self.account["OptionFeeds"]}
        secs = sorted({option["Expiry"] for option in self.account["Options"]})
        self.expiries = [
            _Expiry(s, feeds[s], [o for o in self.account["Options"] if o["Expiry"] == s], self.p) for s in secs
        ]
        self.collateral = [(c, mpf(c["Amount"]) * c["Price"] / self.stable) for c in self.account["Collaterals"]]

    def result(self) -> dict:
        margin, other = self.p["Margin"], self.p["OtherContingency"]
        gains = [self._gain(scenario) for scenario in self.p["Scenarios"]]
        span = min([*gains, sum((e.basis() for e in self.expiries), mpf(0))])
        value = sum(e.mark for e in self.expiries) + sum(v for _, v in self.collateral) + mpf(self.account["Cash"])
        value += mpf(self.account["UnrealisedPerpPNL"]) + self.account["UnrealisedFunding"]
        mm = self._contingency(other["MM_PERP_PERCENT"], other["MM_OPTION_PERCENT"], "MMHaircut")
        im = mm + self._contingency(other["IM_PERP_PERCENT"], other["IM_OPTION_PERCENT"], "IMHaircut") + self._doubts()
        peg = max(mpf(other["PEG_LOSS_THRESHOLD"]) - self.stable, 0) * other["PEG_LOSS_FACTOR"]
        return {
            "IM": value - im + span * (margin["IM_LOSS_FACTOR"] + peg),
            "MM": value - mm + span * margin["MM_LOSS_FACTOR"],
            "PortfolioMTM": value,
            "gains": gains,
        }

    def _gain(self, scenario: dict):
        shock, kind = mpf(scenario["SpotShock"]), scenario["VolShockDirection"]
        total = sum(e.gain(shock, kind) for e in self.expiries)
        total += mpf(self.account["NumPerps"]) * self.account["PerpPrice"] * (shock - 1)
        total += sum(v * (shock - 1) for c, v in self.collateral if c["IsRiskCancelling"])
        return total * scenario["DampeningFactor"]

    def _contingency(self, perp: float, option: float, haircut: str):
        naked = sum(e.naked() for e in self.expiries)
        total = abs(mpf(self.account["NumPerps"])) * self.spot * perp + naked * self.spot * option
        return total + sum(v * c[haircut] for c, v in self.collateral)

    def _doubts(self):
        size = abs(mpf(self.account["NumPerps"])) * self.spot
        known = mpf(self.account["SpotConfidence"])
        least = min(known, self.account["PerpConfidence"]) if size else known
        total = self._doubt(least, size)
        for e in self.expiries:
            total += self._doubt(min(least, *e.confidences), e.gross() * self.spot)
        for c, value in self.collateral:
            total += self._doubt(min(known, c["Confidence"]), value)
        return total

    def _doubt(self, confidence, value):
        other = self.p["OtherContingency"]
        return (1 - confidence) * other["CONF_MARGIN"] * value if confidence < other["CONF_THRESHOLD"] else mpf(0)


class _Expiry:
    def __init__(self, secs: int, feed: dict, options: list[dict], p: dict):
        self.years, self.share = secs / YEAR, min(mpf(secs) / AVERAGING, 1)
        self.forward, self.rate = mpf(feed["Forward"]), max(mpf(feed["Rate"]), 0)
        self.confidences = [feed[k] for k in ("ForwardConfidence", "RateConfidence", "OptionVolConfidences")]
        self.options, self.p, self.root = options, p, sqrt(self.years)
        self.svi = [mpf(x) for x in feed["SVIparam"]]
        vol, margin = p["VolShock"], p["Margin"]
        days = mpf(secs) / 86_400
        power = vol["SHORTTERMPOWER"] if days <= 30 else vol["LONGTERMPOWER"]
        scale = (30 / max(days, vol["DTE_FLOOR"])) ** mpf(power)
        self.up, self.down = 1 + vol["VOLRANGEUP"] * scale, max(1 - vol["VOLRANGEDOWN"] * scale, 0)
        self.discount = exp(-self.rate * self.years)
        long = self.rate * margin["LONG_RATE_MULTSCALE"] + margin["LONG_RATE_ADDSCALE"]
        short = self.rate * margin["SHORT_RATE_MULTSCALE"] + margin["SHORT_RATE_ADDSCALE"]
        self.long = margin["BASE_STATIC_DISCOUNT"] * exp(-long * self.years)
        self.short = min(1 / self.discount, margin["BASE_STATIC_DISCOUNT_NEG"] * exp(short * self.years))
        self.mark = self.value(mpf(1), "None")

    def value(self, shock, kind: str):
        forward = self.forward * (1 + (shock - 1) * self.share)
        return self.discount * sum(mpf(o["Amount"]) * self._price(o, forward, kind) for o in self.options)

    def gain(self, shock, kind: str):
        value = self.value(shock, kind)
        change = value * (self.long if value >= 0 else self.short) - self.mark
        return -abs(change) if kind in ("LINEAR", "ABS") else change

    def basis(self):
        basis = self.p["BasisContingency"]
        ends = [self.value(mpf(basis[k]), "None") for k in ("SCENARIO_SPOT_UP", "SCENARIO_SPOT_DOWN")]
        factor = basis["BASIS_CONT_ADD_FACTOR"] + basis["BASIS_CONT_MULT_FACTOR"] * self.years
        return min(min(ends) - self.mark, 0) * factor

    def gross(self):
        return sum(abs(mpf(o["Amount"])) for o in self.options)

    def naked(self):
        strikes = {o["Strike"] for o in self.options}
        nets = [sum(mpf(o["Amount"]) for o in self.options if o["Strike"] == strike) for strike in strikes]
        return sum(max(-net, 0) for net in nets)

    def _price(self, option: dict, forward, kind: str):
        strike = mpf(option["Strike"])
        total = self._vol(strike, kind) * self.root
        if total < mpf("1e-14"):
            call = max(forward - strike, 0)
        else:
            d1 = log(forward / strike) / total + total / 2
            call = forward * ncdf(d1) - strike * ncdf(d1 - total)
        return call if option["IsCall"] else call - forward + strike

    def _vol(self, strike, kind: str):
        a, b, rho, m, sigma, reference, tau = self.svi
        k = log(strike / reference)
        reach = 4 * sqrt(a + b * sigma)
        k = min(max(k, -reach), reach)
        vol = sqrt(max(a + b * (rho * (k - m) + sqrt((k - m) ** 2 + sigma**2)), 0) / tau)
        if kind == "Up":
            return max(vol * self.up, self.p["VolShock"]["MIN_VOL_EVAL_SHOCKED"])
        if kind == "Down":
            return vol * self.down
        return vol if kind == "None" else vol * max(self._skew(log(strike / self.forward), kind), 0)

    def _skew(self, k, kind: str):
        p = self.p["SkewShock"]
        cap = p[f"{kind}_SCALE_CAP"] + p[f"{kind}_CBASE"] * self.root
        width = p["MIN_WIDTH_SCALE"] * (p["VOL_PARAM_STATIC"] + p["VOL_PARAM_SCALE"] * self.root)
        star = max(p["MIN_K_STAR"], self.root * width)
        k = abs(k) if kind == "ABS" else k
        return 1 + (min(cap, k * cap / star) if k >= 0 else max(-cap, k * cap / star))


# ---------------------------------------------------------------- the cases

PARAMETERS = {
    "Scenarios": [
        {"SpotShock": spot, "VolShockDirection": kind, "DampeningFactor": 1}
        for spot in (0.84, 0.92, 1, 1.07, 1.16)
        for kind in ("Up", "None", "Down")
    ]
    + [
        {"SpotShock": 0.4, "VolShockDirection": "Up", "DampeningFactor": 0.08},
        {"SpotShock": 2.5, "VolShockDirection": "Up", "DampeningFactor": 0.03},
        {"SpotShock": 1, "VolShockDirection": "LINEAR", "DampeningFactor": 1},
        {"SpotShock": 1, "VolShockDirection": "ABS", "DampeningFactor": 1},
    ],
    "SkewShock": {
        "LINEAR_SCALE_CAP": 0.2,
        "LINEAR_CBASE": -0.08,
        "ABS_SCALE_CAP": 0.12,
        "ABS_CBASE": -0.03,
        "MIN_K_STAR": 0.02,
        "MIN_WIDTH_SCALE": 3.5,
        "VOL_PARAM_STATIC": 0.7,
        "VOL_PARAM_SCALE": -0.15,
    },
    "VolShock": {
        "VOLRANGEUP": 0.6,
        "MIN_VOL_EVAL_SHOCKED": 0.4,
        "VOLRANGEDOWN": 0.3,
        "SHORTTERMPOWER": 0.3,
        "LONGTERMPOWER": 0.13,
        "DTE_FLOOR": 0.5,
    },
    "Margin": {
        "MM_LOSS_FACTOR": 0.85,
        "IM_LOSS_FACTOR": 1.1,
        "SHORT_RATE_MULTSCALE": 0.6,
        "LONG_RATE_MULTSCALE": 1.2,
        "SHORT_RATE_ADDSCALE": 0.07,
        "LONG_RATE_ADDSCALE": 0.09,
        "BASE_STATIC_DISCOUNT": 0.96,
        "BASE_STATIC_DISCOUNT_NEG": 1.03,
    },
    "BasisContingency": {
        "SCENARIO_SPOT_UP": 1.06,
        "SCENARIO_SPOT_DOWN": 0.94,
        "BASIS_CONT_ADD_FACTOR": 0.6,
        "BASIS_CONT_MULT_FACTOR": 1.5,
    },
    "OtherContingency": {
        "PEG_LOSS_THRESHOLD": 0.99,
        "PEG_LOSS_FACTOR": 3.0,
        "CONF_THRESHOLD": 0.6,
        "CONF_MARGIN": 0.9,
        "MM_PERP_PERCENT": 0.02,
        "IM_PERP_PERCENT": 0.01,
        "MM_OPTION_PERCENT": 0.004,
        "IM_OPTION_PERCENT": 0.003,
    },
}
DAY = 86_400


def feed(secs: int, forward: float, rate: float = 0.04, confidence: float = 1.0) -> dict:
    svi = ["0.0041", "0.083", "-0.31", "-0.02", "0.17", forward * 0.99, repr(secs / (365 * DAY) + 1e-6)]
    return {
        "FeedExpiry": secs,
        "Forward": forward,
        "ForwardConfidence": confidence,
        "Rate": rate,
        "RateConfidence": 1.0,
        "SVIparam": svi,
        "OptionVolConfidences": 0.9,
    }


def option(secs: int, strike: float, call: bool, amount: float) -> dict:
    return {"Expiry": secs, "Strike": strike, "IsCall": int(call), "Amount": amount}


def collateral(name: str, amount: float, price: float, cancels: bool, confidence: float = 1.0) -> dict:
    haircuts = {"IMHaircut": 0.02, "MMHaircut": 0.06}
    known = {"Name": name, "Amount": amount, "Price": price, "Confidence": confidence}
    return known | {"IsRiskCancelling": cancels} | haircuts


def account(**fields: object) -> dict:
    empty = {
        "Cash": 0.0,
        "Collaterals": [],
        "SpotPrice": 2140.0,
        "SpotConfidence": 1.0,
        "NumPerps": 0.0,
        "PerpPrice": 2143.5,
        "PerpConfidence": 1.0,
        "UnrealisedPerpPNL": 0.0,
        "UnrealisedFunding": 0.0,
        "StablePrice": 1.0,
        "Options": [],
        "OptionFeeds": [],
    }
    return empty | fields


NEAR, MONTH, FAR, LAST = 3 * DAY + 3600, 27 * DAY, 193 * DAY, 412
ACCOUNTS = {
    "short_straddle": account(
        Cash=9000.0, Options=[option(MONTH, 2200.0, c, -4.0) for c in (True, False)], OptionFeeds=[feed(MONTH, 2151.0)]
    ),
    "condors_and_hedges": account(
        Cash=-41000.0,
        Collaterals=[collateral("ETH", 31.5, 2140.0, True), collateral("OTHER", 2500.0, 4.25, False, 0.97)],
        NumPerps=-12.25,
        UnrealisedPerpPNL=-830.5,
        UnrealisedFunding=21.125,
        StablePrice=0.984,
        Options=[
            *(option(NEAR, k, k > 2100, q) for k, q in ((1800.0, 9.0), (2000.0, -9.0), (2300.0, -9.0), (2500.0, 9.0))),
            *(
                option(MONTH, k, k < 2400, q)
                for k, q in ((1500.0, 2.5), (2100.0, -7.75), (2400.0, -3.5), (3300.0, 8.0))
            ),
            option(FAR, 2800.0, True, -6.0),
            option(FAR, 2800.0, False, 6.0),
            option(FAR, 1000.0, False, 40.0),
        ],
        OptionFeeds=[feed(NEAR, 2141.0), feed(MONTH, 2152.5, 0.06), feed(FAR, 2230.0, -0.02)],
    ),
    "doubtful_prices": account(
        Cash=150000.0,
        Collaterals=[collateral("ETH", 10.0, 2140.0, True, 0.41)],
        SpotConfidence=0.41,
        NumPerps=18.0,
        PerpConfidence=0.35,
        Options=[option(MONTH, 2000.0, False, -30.0), option(FAR, 3000.0, True, -11.0)],
        OptionFeeds=[feed(MONTH, 2150.0, 0.05, 0.2), feed(FAR, 2233.0, 0.05)],
    ),
    "long_only": account(Options=[option(FAR, 2500.0, True, 12.0)], OptionFeeds=[feed(FAR, 2228.0)]),
    "wings": account(
        Cash=800000.0,
        Options=[
            option(MONTH, k, c, q) for k, c, q in ((5.0, True, -3.0), (150000.0, False, 2.0), (9000.0, True, -50.0))
        ],
        OptionFeeds=[feed(MONTH, 2150.0)],
    ),
    "minutes_to_expiry": account(
        Cash=5000.0,
        Options=[option(LAST, 2140.0, True, -25.0), option(LAST, 2150.0, False, 10.0)],
        OptionFeeds=[feed(LAST, 2140.25)],
    ),
}


def case_of(name: str) -> dict:
    case = {"Scenario": deepcopy(ACCOUNTS[name]), "Parameters": deepcopy(PARAMETERS)}
    found = result(case)
    shown = {key: mp.nstr(found[key], 25) for key in ("IM", "MM", "PortfolioMTM")}
    return case | {"Result": shown | {"gains": [mp.nstr(gain, 25) for gain in found["gains"]]}}


if __name__ == "__main__":
    CASES.mkdir(exist_ok=True)
    for title in ACCOUNTS:
        (CASES / f"{title}.json").write_text(json.dumps(case_of(title), indent=1) + "\n")

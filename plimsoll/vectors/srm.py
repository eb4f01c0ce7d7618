"""Published cases of margin by rule on the deployed RuleMargin, in process: `run(folder)`.

Their margin is what ours leaves: equity − IM and equity − MM. How a case becomes the words of `assessOptions`:

- cash, and the perps' profit as if it had been settled, are one asset without haircut; each base asset is another;
- a perp is margined at its own price, and what its confidence asks for is taken of the spot price: a second perp of
  that size with rates of zero;
- an account that owes nothing is healthy by definition here, the cases state its margin all the same: a perp of 1e-18
  quote makes every account one that has something to secure;
- what the quote asset lacks of its peg is MarginCheck's, not the model's: it is added here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from math import ceil, floor
from pathlib import Path
from typing import Any

from plimsoll import contracts
from plimsoll.chain import ProcessChain
from plimsoll.contracts import Contract
from plimsoll.errors import BadInput, Reverted
from plimsoll.margin.black76 import TABLE_FILE
from plimsoll.margin.fixed_math import BPS, WAD
from plimsoll.margin.rule_margin import Assessment, AssetExposure, PerpExposure
from plimsoll.margin.words import MarketRisk
from plimsoll.vectors.srm_cases import PARAMETERS, Case, Rules, Underlying, cases, rules

TOLERANCE = 1e-8
#: Floors as low as the contract takes them: the cases know of none.
FLOORS = (1, 2)
BASE_GAS = 21_000
_DUST = PerpExposure(1, 0, MarketRisk())


@dataclass(frozen=True)
class Result:
    """Quote; errors relative to what was published, or to one quote if that is more. `gas`: of the call's execution."""

    name: str
    options: int
    im: float
    mm: float
    mtm: float
    rel_error_im: float
    rel_error_mm: float
    rel_error_mtm: float
    gas: int

    @property
    def passed(self) -> bool:
        return max(self.rel_error_im, self.rel_error_mm, self.rel_error_mtm) <= TOLERANCE


@dataclass(frozen=True)
class Report:
    per_case: tuple[Result, ...]

    @property
    def passed(self) -> int:
        return sum(result.passed for result in self.per_case)

    def to_json(self) -> dict[str, Any]:
        return {
            "cases": len(self.per_case),
            "passed": self.passed,
            "worst_rel_error_im": max((result.rel_error_im for result in self.per_case), default=0.0),
            "worst_rel_error_mm": max((result.rel_error_mm for result in self.per_case), default=0.0),
            "worst_rel_error_mtm": max((result.rel_error_mtm for result in self.per_case), default=0.0),
            "per_case": [asdict(result) | {"passed": result.passed} for result in self.per_case],
        }

    def lines(self) -> list[str]:
        rows = [f"{'case':24} {'options':>7} {'IM':>18} {'MM':>18} {'worst error':>12} {'gas':>10}"]
        for r in self.per_case:
            worst = max(r.rel_error_im, r.rel_error_mm, r.rel_error_mtm)
            mark = "" if r.passed else "  differs"
            rows.append(f"{r.name:24} {r.options:>7} {r.im:>18,.6f} {r.mm:>18,.6f} {worst:>12.1e} {r.gas:>10,}{mark}")
        return [*rows, f"{self.passed} of {len(self.per_case)} agree within {TOLERANCE:g}"]


def run(folder: Path) -> Report:
    """Every case of every file in `folder` but the parameters."""
    files = sorted(path for path in folder.glob("*.json") if path.name != PARAMETERS)
    if not files:
        raise BadInput("folder", str(folder), f"it must hold {PARAMETERS} and files of cases")
    chain = ProcessChain()
    table = _deploy(chain, "NormalTable", TABLE_FILE.read_bytes())
    results: list[Result] = []
    for path in files:
        rule = rules(folder, path.name)
        found = cases(path)
        model = _model(chain, rule, table.address)
        results += map(partial(_result, model, rule), found)
    return Report(tuple(results))


def _deploy(chain: ProcessChain, name: str, *args: Any) -> Contract:
    artifact = contracts.load()[name]
    receipt = chain.deploy(chain.accounts[0], artifact.creation(*args))
    return Contract(chain, str(receipt.contract_address), artifact)


def _model(chain: ProcessChain, rule: Rules, table: str) -> Contract:
    try:
        return _deploy(chain, "RuleMargin", *FLOORS, BPS, rule.options.to_word(), table)
    except Reverted as error:
        raise BadInput(PARAMETERS, rule.options, f"the contract refuses them: {error}") from None


def _result(model: Contract, rule: Rules, case: Case) -> Result:
    words = _words(rule, case)
    found = Assessment(*model.read("assessOptions", *words, b""))
    data = model.encode("assessOptions", *words, b"")
    receipt = model.chain.send(_caller(model), model.address, data)
    depeg = _depeg(rule, case)
    im, mm = (Fraction(found.equity - needed, WAD) for needed in (found.im + depeg, found.mm))
    mtm = Fraction(found.equity, WAD)
    return Result(
        name=case.name,
        options=sum(len(expiry.holdings) for one in case.underlyings for expiry in one.expiries),
        im=float(im),
        mm=float(mm),
        mtm=float(mtm),
        rel_error_im=_error(im, case.im),
        rel_error_mm=_error(mm, case.mm),
        rel_error_mtm=_error(mtm, case.mtm),
        gas=receipt.gas_used - BASE_GAS - sum(16 if byte else 4 for byte in data),
    )


def _caller(model: Contract) -> str:
    chain = model.chain
    assert isinstance(chain, ProcessChain)
    return chain.accounts[0]


def _error(found: Fraction, published: Fraction) -> float:
    return float(abs(found - published) / max(abs(published), Fraction(1)))


# ---------------------------------------------------------------- words


def _words(rule: Rules, case: Case) -> tuple[list[int], ...]:
    """assets, tags, perps, expiries, options as `assessOptions` takes them."""
    cash = case.cash + sum(one.pnl for one in case.underlyings)
    assets = [AssetExposure(_wad(cash), 0, 0, 0)]
    perps = [_DUST]
    for one in case.underlyings:
        if one.base:
            value = _wad(one.base * one.spot)
            assets.append(AssetExposure(value, rule.base_im, rule.base_mm, rule.base_im, one.spot_doubt))
        if one.perp:
            perps += _perp(rule, one)
    expiries = [expiry for one in case.underlyings for expiry in one.expiries]
    return (
        [asset.to_word() for asset in assets],
        [asset.to_tag(index=index) for index, asset in enumerate(assets)],
        [word for perp in perps for word in perp.to_words()],
        [word for expiry in expiries for word in expiry.to_words()],
        [holding.to_word(expiry.market, expiry.expiry) for expiry in expiries for holding in expiry.holdings],
    )


def _perp(rule: Rules, one: Underlying) -> tuple[PerpExposure, PerpExposure]:
    risk = MarketRisk(*(rule.perp_mm,) * 3, *(rule.perp_im,) * 3)
    size = abs(one.perp)
    doubted = PerpExposure(_wad(size * one.spot), 0, MarketRisk(), doubt=one.perp_doubt)
    return PerpExposure(_wad(size * one.perp_price), 0, risk, short=one.perp < 0), doubted


def _depeg(rule: Rules, case: Case) -> int:
    """WAD, up: (threshold − price)·factor of perps and shorts at their spot."""
    gap = max(Fraction(rule.depeg_threshold, BPS) - case.stable, Fraction(0)) * rule.depeg_factor
    sizes = (one.spot * (abs(one.perp) + _sold(one)) for one in case.underlyings)
    return ceil(gap * sum(sizes) * WAD)


def _sold(one: Underlying) -> Fraction:
    sold = sum(max(-holding.quantity, 0) for expiry in one.expiries for holding in expiry.holdings)
    return Fraction(sold, 10**8)


def _wad(value: Fraction) -> int:
    return floor(value * WAD)

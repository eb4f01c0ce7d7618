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

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

from plimsoll import contracts
from plimsoll.chain import ProcessChain
from plimsoll.contracts import Contract
from plimsoll.errors import BadInput, PlimsollError, Reverted
from plimsoll.margin.black76 import TABLE_FILE
from plimsoll.margin.fixed_math import BPS, WAD
from plimsoll.margin.rule_margin import Assessment, AssetExposure, PerpExposure
from plimsoll.margin.words import MarketRisk
from plimsoll.vectors.field import Field
from plimsoll.vectors.report import Case as Figure
from plimsoll.vectors.report import Folder, Watch, refusals
from plimsoll.vectors.srm_cases import PARAMETERS, Case, Rules, Underlying, is_case, read_case, rules
from plimsoll.vectors.srm_options import E8

TOLERANCE = 1e-8
#: Floors as low as the contract takes them: the cases know of none.
FLOORS = (1, 2)
BASE_GAS = 21_000
_DUST = PerpExposure(1, 0, MarketRisk())


@dataclass(frozen=True)
class Result:
    """Net IM, net MM and mark of one case, each against what was published; `gas`: of the call's execution."""

    name: str
    options: int
    im: Figure
    mm: Figure
    mtm: Figure
    gas: int

    @property
    def figures(self) -> tuple[Figure, Figure, Figure]:
        return self.im, self.mm, self.mtm

    @property
    def passed(self) -> bool:
        return all(figure.passed for figure in self.figures)

    def to_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name).got for name in ("im", "mm", "mtm")}
        errors = {f"rel_error_{name}": getattr(self, name).rel_error for name in values}
        return {"name": self.name, "options": self.options, **values, **errors, "gas": self.gas, "passed": self.passed}


@dataclass(frozen=True)
class Report:
    """Errors are relative to gross notional (Case.gross)."""

    results: tuple[Result, ...]
    refused: tuple[PlimsollError, ...] = ()
    passed_over: tuple[str, ...] = ()
    name: str = "srm"

    @property
    def cases(self) -> int:
        return len(self.results)

    @property
    def passed(self) -> int:
        return sum(result.passed for result in self.results)

    @property
    def worst(self) -> list[Figure]:
        """The worst figure of each case, the worst case first."""
        worst = [max(result.figures, key=lambda figure: figure.rel_error) for result in self.results]
        return sorted(worst, key=lambda figure: figure.rel_error, reverse=True)

    def to_json(self) -> dict[str, Any]:
        head: dict[str, Any] = {"set": self.name, "cases": self.cases, "passed": self.passed}
        for name in ("im", "mm", "mtm"):
            errors = [getattr(result, name).rel_error for result in self.results]
            head[f"worst_rel_error_{name}"] = max(errors, default=None)
        return head | {"per_case": [result.to_json() for result in self.results]} | refusals(self.refused)


def run(place: Path, watch: Watch = iter) -> Report:
    """Every case of every file under `place`, with the parameters beside it. What cannot be run is in the report."""
    folder, chain, results = Folder(place, ".json"), ProcessChain(), list[Result]()
    table = _deploy(chain, "NormalTable", TABLE_FILE.read_bytes())
    for path in watch([path for path in folder.paths if path.name != PARAMETERS]):
        name = folder.name(path)
        with folder.keeping(name):
            content = Field.read(path, name)
            cases = [content[case] for case in content.names()] if isinstance(content.value, dict) else []
            if not any(map(is_case, cases)):
                folder.passed_over.append(name)
                continue
            rule = rules(path)
            model = _model(chain, rule, table.address)
            for case in cases:
                with folder.keeping(case.where):
                    results.append(_result(chain, model, rule, read_case(case)))
    folder.checked(len(results), f"{PARAMETERS} and a .json of cases")
    return Report(tuple(results), tuple(folder.refused), tuple(folder.passed_over))


def _deploy(chain: ProcessChain, name: str, *args: Any) -> Contract:
    artifact = contracts.load()[name]
    receipt = chain.deploy(chain.accounts[0], artifact.creation(*args))
    return Contract(chain, str(receipt.contract_address), artifact)


def _model(chain: ProcessChain, rule: Rules, table: str) -> Contract:
    try:
        return _deploy(chain, "RuleMargin", *FLOORS, BPS, rule.options.to_word(), table)
    except Reverted as error:
        raise BadInput(PARAMETERS, rule.options, f"the contract refuses them: {error}") from None


def _result(chain: ProcessChain, model: Contract, rule: Rules, case: Case) -> Result:
    words = _words(rule, case)
    found = Assessment(*model.read("assessOptions", *words, b""))
    data = model.encode("assessOptions", *words, b"")
    receipt = chain.send(chain.accounts[0], model.address, data)
    return Result(
        name=case.name,
        options=case.options,
        im=_figure(case, "IM", case.im, found.equity - found.im - _depeg(rule, case)),
        mm=_figure(case, "MM", case.mm, found.equity - found.mm),
        mtm=_figure(case, "mark", case.mtm, found.equity),
        gas=receipt.gas_used - BASE_GAS - sum(16 if byte else 4 for byte in data),
    )


def _figure(case: Case, name: str, published: Fraction, wad: int) -> Figure:
    got = float(Fraction(wad, WAD * case.size))
    return Figure(f"{case.name} {name}", float(published), got, float(case.gross), TOLERANCE)


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
    return Fraction(sold, E8)


def _wad(value: Fraction) -> int:
    return floor(value * WAD)

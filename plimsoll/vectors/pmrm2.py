"""Published portfolios (PMRM_2) on the compiled engine and its PortfolioMargin, in process.

Each file sets up parameters, feeds, surfaces and an account: `run(folder)`. Errors are relative to gross notional:
options at spot, perps, collateral and cash. Gas is that of a view of the engine with every slot cold, less 21,000 and
calldata.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyrevm import EVM, AccountInfo

from plimsoll.contracts import Artifacts
from plimsoll.errors import BadInput
from plimsoll.margin.black76 import TABLE_FILE
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_parameters import Parameters
from plimsoll.margin.portfolio_words import AccountView
from plimsoll.margin.rule_margin import Assessment
from plimsoll.vectors import pmrm2_case
from plimsoll.vectors.pmrm2_engine import EngineChain
from plimsoll.vectors.report import Case

TOLERANCE = 1e-8
CALLER = "0x" + "d1" * 20
BASE_GAS = 21_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case; im and mm are net. worst_scenario counts from zero; one past the scenarios is the basis contingency."""

    name: str
    options: int
    scenarios: int
    im: float
    mm: float
    mtm: float
    worst_scenario: int
    rel_error_im: float
    rel_error_mm: float
    gas_full: int
    gas_witness: int

    @property
    def passed(self) -> bool:
        return self.rel_error_im <= TOLERANCE and self.rel_error_mm <= TOLERANCE


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a folder. `worst` has the worse of IM and MM of each case, the worst case first."""

    per_case: tuple[Outcome, ...]
    worst: tuple[Case, ...]
    name: str = "pmrm2"

    @property
    def cases(self) -> int:
        return len(self.per_case)

    @property
    def passed(self) -> int:
        return sum(outcome.passed for outcome in self.per_case)

    def to_json(self) -> dict[str, Any]:
        return {
            "cases": self.cases,
            "passed": self.passed,
            "worst_rel_error_im": max(outcome.rel_error_im for outcome in self.per_case),
            "worst_rel_error_mm": max(outcome.rel_error_mm for outcome in self.per_case),
            "per_case": [asdict(outcome) for outcome in self.per_case],
        }


class ModelChain:
    """The model of one set of parameters, deployed in process: its answers, and what a call of it costs."""

    def __init__(self, artifacts: Artifacts, parameters: Parameters):
        self._evm: Any = EVM()
        normal = self._evm.deploy(CALLER, artifacts["NormalTable"].creation(TABLE_FILE.read_bytes()))
        self._artifact = artifacts["PortfolioMargin"]
        creation = self._artifact.creation(normal, parameters.to_words())
        self.address = self._evm.deploy(CALLER, creation)
        self._function = self._artifact.function("assessOptions")
        places = (normal, self.address, self._read("PARAMETERS"))
        self._codes = {place: self._evm.get_code(place) for place in places}

    def answer(self, view: AccountView, witness: bytes = b"") -> Assessment:
        """In the one EVM, as fast as it goes."""
        data = self._function.encode([*view.to_words(), witness])
        return Assessment(*self._function.result(bytes(self._evm.message_call(CALLER, self.address, data))))

    def gas(self, view: AccountView, witness: bytes = b"") -> int:
        """In an EVM of its own, where nothing is warm; without 21,000 and calldata."""
        evm: Any = EVM()
        for place, code in self._codes.items():
            evm.insert_account_info(place, AccountInfo(nonce=1, code=code))
        data = self._function.encode([*view.to_words(), witness])
        evm.message_call(CALLER, self.address, data)
        return int(evm.result.gas_used) - BASE_GAS - sum(16 if byte else 4 for byte in data)

    def parameters(self) -> list[int]:
        """The words that the contract keeps."""
        return list(self._read("parameters"))

    def is_strict(self) -> bool:
        return bool(self._read("isStrict"))

    def claims(self, feed: int) -> bool:
        return bool(self._read("claims", feed))

    def _read(self, name: str, *arguments: int) -> Any:
        function = self._artifact.function(name)
        return function.result(bytes(self._evm.message_call(CALLER, self.address, function.encode(arguments))))


def run(folder: Path, artifacts: Artifacts | None = None) -> Report:
    """All cases of a folder, by name."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise BadInput("folder", str(folder), "it holds no .json files")
    cases = [pmrm2_case.load(path) for path in paths]
    chain = EngineChain(artifacts)
    outcomes = tuple(outcome_of(case, chain) for case in cases)
    worst = sorted(map(_worse, cases, outcomes), key=lambda figure: figure.rel_error, reverse=True)
    return Report(outcomes, tuple(worst))


def outcome_of(case: pmrm2_case.Case, chain: EngineChain) -> Outcome:
    worst = PortfolioMargin(case.parameters).best_witness(case.view)
    full, gas_full = chain.ask(case)
    _, gas_witness = chain.ask(case, worst.witness)
    im, mm = full.equity - full.im, full.equity - full.mm
    return Outcome(
        name=case.name,
        options=case.options,
        scenarios=case.parameters.scenario_count,
        im=im / WAD,
        mm=mm / WAD,
        mtm=full.equity / WAD,
        worst_scenario=worst.scenarios.get(0, 0),
        rel_error_im=error(im, case.im, case.gross),
        rel_error_mm=error(mm, case.mm, case.gross),
        gas_full=gas_full,
        gas_witness=gas_witness,
    )


def _worse(case: pmrm2_case.Case, outcome: Outcome) -> Case:
    scale = max(float(case.gross), 1.0)
    if outcome.rel_error_im > outcome.rel_error_mm:
        return Case(f"{case.name} IM", float(case.im), outcome.im, scale, TOLERANCE)
    return Case(f"{case.name} MM", float(case.mm), outcome.mm, scale, TOLERANCE)


def error(got: int, expected: Decimal, gross: Decimal) -> float:
    """Relative to gross notional, at least one."""
    return float(abs(Decimal(got) / WAD - expected) / max(gross, Decimal(1)))

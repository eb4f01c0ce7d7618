"""Published portfolios (PMRM_2) on the compiled engine and its PortfolioMargin, in process.

Each file sets up parameters, feeds, surfaces and an account: `run(folder)`. Errors are relative to gross notional:
options at spot, perps, collateral and cash, at least one quote. Gas is that of a view of the engine with every slot
cold, less 21,000 and calldata.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pyrevm import EVM, AccountInfo

from plimsoll.contracts import Artifacts
from plimsoll.errors import PlimsollError
from plimsoll.margin.black76 import TABLE_FILE
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_parameters import Parameters
from plimsoll.margin.portfolio_words import AccountView
from plimsoll.margin.rule_margin import Assessment
from plimsoll.vectors import pmrm2_case
from plimsoll.vectors.field import Field
from plimsoll.vectors.pmrm2_engine import EngineChain
from plimsoll.vectors.report import Case as Figure
from plimsoll.vectors.report import Folder, Watch, refusals

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
    worst: tuple[Figure, ...]
    refused: tuple[PlimsollError, ...] = ()
    passed_over: tuple[str, ...] = ()
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
            "worst_rel_error_im": max((outcome.rel_error_im for outcome in self.per_case), default=None),
            "worst_rel_error_mm": max((outcome.rel_error_mm for outcome in self.per_case), default=None),
            "per_case": [asdict(outcome) for outcome in self.per_case],
        } | refusals(self.refused)


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


def run(place: Path, artifacts: Artifacts | None = None, watch: Watch = iter) -> Report:
    """All cases under a folder, by name, or one file. What cannot be run is in the report, beside the rest."""
    folder, chain = Folder(place, ".json"), EngineChain(artifacts)
    outcomes, worst = [], []
    for path in watch(folder.paths):
        name = folder.name(path)
        with folder.keeping(name):
            content = Field.read(path, name)
            if not pmrm2_case.is_case(content):
                folder.passed_over.append(name)
                continue
            case = pmrm2_case.parse(content)
            outcomes.append(outcome_of(case, chain))
            worst.append(_worse(case, outcomes[-1]))
    folder.checked(len(outcomes), f".json files with {', '.join(pmrm2_case.PARTS)}")
    worst.sort(key=lambda figure: figure.rel_error, reverse=True)
    return Report(tuple(outcomes), tuple(worst), tuple(folder.refused), tuple(folder.passed_over))


def outcome_of(case: pmrm2_case.Case, chain: EngineChain) -> Outcome:
    model = PortfolioMargin(case.parameters)
    found, gas_full = chain.ask(case)
    worst = model.best_witness(case.view)
    _, gas_witness = chain.ask(case, worst.witness)
    if not case.kept:
        found, worst = chain.ask_model(case), model.best_witness(case.exact)
    im, mm = (Fraction(found.equity - required, WAD * case.enlarged) for required in (found.im, found.mm))
    return Outcome(
        name=case.name,
        options=case.options,
        scenarios=case.parameters.scenario_count,
        im=float(im),
        mm=float(mm),
        mtm=found.equity / (WAD * case.enlarged),
        worst_scenario=worst.scenarios.get(0, 0),
        rel_error_im=error(im, case.im, case.gross),
        rel_error_mm=error(mm, case.mm, case.gross),
        gas_full=gas_full,
        gas_witness=gas_witness,
    )


def _worse(case: pmrm2_case.Case, outcome: Outcome) -> Figure:
    scale = float(case.gross)
    if outcome.rel_error_im > outcome.rel_error_mm:
        return Figure(f"{case.name} IM", float(case.im), outcome.im, scale, TOLERANCE)
    return Figure(f"{case.name} MM", float(case.mm), outcome.mm, scale, TOLERANCE)


def error(got: Fraction, expected: Fraction, gross: Fraction) -> float:
    """Relative to gross notional."""
    return float(abs(got - expected) / gross)

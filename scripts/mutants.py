"""Breaks the contracts in known ways; a named invariant of the campaign, or a named test, must notice each.

    python scripts/mutants.py                          all; the table goes to docs/mutants.md
    python scripts/mutants.py --only short-cost-side   some, nothing written
    python scripts/mutants.py --head --jobs 2 --json   of the last commit, two at a time
    python scripts/mutants.py --list

Each mutant is (name, file, exact old text, new text, expected killer). It is made in a copy of the tree, what imports
its file is compiled again, and three rounds run against the artifacts until one fails: the campaign without comparison
with the Python twins (so that an invariant must notice), the campaign with it, the unit tests and attacks.
Old text that is not there exactly once is an error, and nothing runs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "mutants.md"
UNIT_TESTS = ["-m", "pytest", "-p", "no:pytest-brownie", "-p", "no:cacheprovider", "-q"]
UNIT_TESTS += [f"tests/unit/{name}" for name in ("engine", "margin", "pool", "vault", "oracle")] + ["tests/attacks"]
IMPORT = re.compile(r'\bimport\b[^"\';]*["\'](\.[^"\']+)["\']|\bfrom\s+["\'](\.[^"\']+)["\']')


class Mutant(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    killer: str  # expected; the table shows what really noticed
    reason: str = ""  # of a survivor that is known


def contract(path: str) -> str:
    return f"contracts/{path}.sol"


#: What the campaign deploys and a mutant can change; compiling the rest (mocks, lens, configuration) would be waiting.
DEPLOYED = {
    contract(name)
    for name in ("MarginEngine", "PerpTrading", "MarginCheck", "LiquidityPool", "CollateralVault")
    + ("logic/LiquidationLogic", "logic/LossLogic", "logic/LendingLogic", "logic/ExitLogic", "logic/PoolLogic")
    + ("logic/MarketClosing", "libraries/OperatorGrants", "margin/RuleMargin", "oracle/OracleRouter")
    + ("MarketConfig", "InsuranceStake")
}
LEDGER, ENGINE, PERP = contract("Ledger"), contract("MarginEngine"), contract("PerpTrading")
LIQUIDATION, LOSS, MODEL = (
    contract("logic/LiquidationLogic"),
    contract("logic/LossLogic"),
    contract("margin/RuleMargin"),
)
FILL, LEVELS = contract("libraries/FillMath"), contract("libraries/LiquidationMath")
LENDING, LOANS, EPOCHS = contract("logic/LendingLogic"), contract("LendingBook"), contract("EpochLedger")
OPERATORS, ROUTER, POOL = (
    contract("libraries/OperatorGrants"),
    contract("oracle/OracleRouter"),
    contract("LiquidityPool"),
)

MUTANTS = (
    # ---------------------------------------------------------------- ledger
    Mutant("asset-bit-stays", LEDGER, "else if (held == 0) _setAsset", "else if (held == 1) _setAsset", "I-3"),
    Mutant("take-one-too-many", LEDGER, "if (taken > held) revert", "if (taken > held + 1) revert", "O-1"),
    Mutant("short-cost-side", LEDGER, "costs.shortCost -= old.cost;", "costs.longCost -= old.cost;", "I-3"),
    Mutant("zero-counts-short", LEDGER, "        if (size < 0) {\n", "        if (size <= 0) {\n", "I-3"),
    Mutant(
        "market-bit-stays",
        LEDGER,
        "            delete s.positions[id][market];\n            _setMarket(s, id, market, false);",
        "            delete s.positions[id][market];",
        "I-3",
    ),
    # ---------------------------------------------------------------- engine
    Mutant("taken-may-be-touched", ENGINE, "if (t.taken) revert DeferredAccount(id);", "", "S-3"),
    Mutant("deferred-may-be-taken", ENGINE, "if (!t.taken) revert DeferredAccount(target);", "", "S-3"),
    Mutant("profit-counts-fully", ENGINE, "uint256 required = a.im;", "uint256 required = a.im0;", "S-1"),
    Mutant("no-removal-share", ENGINE, "if (share > required) required = share;", "", "S-1"),
    Mutant(
        "reducing-ignores-mm",
        ENGINE,
        "if (overMm < t.overMm) revert NotReducing(t.id, t.overMm, overMm);",
        "",
        "S-1",
    ),
    Mutant(
        "reducing-ignores-im",
        ENGINE,
        "if (overIm < t.overIm) revert NotReducing(t.id, t.overIm, overIm);",
        "",
        "S-1",
    ),
    Mutant(
        "called-may-withdraw",
        ENGINE,
        "_requireUncalled(id);\n        Touched memory t = _touch(ctx, id);\n"
        "        (t.risk, t.strict, t.removed) = (true, true, true);\n        address vault",
        "Touched memory t = _touch(ctx, id);\n"
        "        (t.risk, t.strict, t.removed) = (true, true, true);\n        address vault",
        "S-4",
    ),
    Mutant(
        "withdraw-unchecked",
        ENGINE,
        "(t.risk, t.strict, t.removed) = (true, true, true);\n        address vault",
        "(t.strict, t.removed) = (true, true);\n        address vault",
        "S-1",
    ),
    Mutant(
        "strangers-add-assets",
        ENGINE,
        "if (state.headers[id].assets & 1 << order.asset == 0 && id != _insurance()) _requireOwner(ctx, id);",
        "",
        "A-1",
    ),
    Mutant(
        "withdraw-for-anyone",
        ENGINE,
        "_requireOwner(ctx, id);\n        _requireUncalled(id);\n        Touched memory t = _touch(ctx, id);\n"
        "        (t.risk, t.strict, t.removed) = (true, true, true);\n        address vault",
        "_requireUncalled(id);\n        Touched memory t = _touch(ctx, id);\n"
        "        (t.risk, t.strict, t.removed) = (true, true, true);\n        address vault",
        "A-1",
    ),
    Mutant("quote-may-be-owed", ENGINE, "if (quote < 0) revert NegativeBalance(t.id, Ledger.QUOTE, quote);", "", "O-1"),
    Mutant("totals-keep-withdrawn", ENGINE, "state.totals[asset].held -= amount.toUint128();", "", "I-1"),
    Mutant("opening-on-old-check", ENGINE, "if (opening) t.strict = true;", "", "S-1"),
    Mutant("operator-may-open", ENGINE, "if (operated && opening) OperatorGrants", "if (false) OperatorGrants", "A-2"),
    Mutant("operator-costs-anything", ENGINE, "if (t.operated) OperatorGrants", "if (false) OperatorGrants", "A-2"),
    # ---------------------------------------------------------------- perp trading
    Mutant(
        "funding-entry-sign",
        PERP,
        "fill.cost - int256(order.size) * state.fundingIndex",
        "fill.cost + int256(order.size) * state.fundingIndex",
        "S-6",
    ),
    Mutant("no-allocation-limit", PERP, "if (needed > share) revert", "if (false) revert", "S-1"),
    Mutant("pool-pays-what-it-lacks", PERP, "if (units > cash) units = cash;", "", "O-1"),
    Mutant(
        "loss-in-units-down",
        PERP,
        "AssetMath.toUnitsUp(uint256(cost), env.unit) * env.unit",
        "AssetMath.toUnitsDown(uint256(cost), env.unit) * env.unit",
        "test_",
    ),
    Mutant(
        "transfer-to-other-side",
        PERP,
        "closed != newCost || _crosses(source.size, newSize)",
        "closed != newCost",
        "I-3",
        "equivalent: a part moved lies across from its source only if what it met did, and that is asked too",
    ),
    Mutant(
        "transfer-meets-other-side",
        PERP,
        "&& _crosses(source.size, sink.size)",
        "&& false",
        "I-3",
    ),
    Mutant("accrual-forgets-time", PERP, "        state.accruedAt = uint32(block.timestamp);\n", "", "S-2"),
    Mutant("no-limit-price", PERP, "if (worth > limit) revert", "if (false) revert", "R-1"),
    Mutant("reducing-at-any-age", PERP, "PriceWord.age(word) <= REDUCING_AGE;", "true;", "F-1"),
    # ---------------------------------------------------------------- liquidation and loss
    Mutant(
        "healthy-may-be-taken", LIQUIDATION, "if (!MarginCheck.isLiquidatable(s, header, a)) {", "if (false) {", "S-2"
    ),
    Mutant("slices-of-any-size", LIQUIDATION, "if (fraction < least || fraction == 0)", "if (fraction == 0)", "S-5"),
    Mutant("insurance-share-sign", LIQUIDATION, "-toAccount - toInsurance", "-toAccount + toInsurance", "I-1"),
    Mutant("any-slice-stops-clock", LIQUIDATION, "if (slice.full) clear", "clear", "S-4"),
    Mutant("clock-starts-anew", LIQUIDATION, "if (header.clockStart != 0) return;", "", "S-4"),
    Mutant("slice-of-assets-up", LIQUIDATION, "FixedMath.mulDivDown(held,", "FixedMath.mulDivUp(held,", "P-1"),
    Mutant(
        "bounty-out-of-margin",
        LIQUIDATION,
        "if (a.equity <= int256(a.mm)) return 0;\n        uint256 spare = uint256(a.equity) - a.mm;",
        "if (a.equity <= 0) return 0;\n        uint256 spare = uint256(a.equity);",
        "S-2",
    ),
    Mutant(
        "insurance-pays-ramped",
        LIQUIDATION,
        "FixedMath.mulDivDown(a.mm, s.terms.bonusStart, FixedMath.BPS);",
        "a.mm;",
        "S-3",
    ),
    Mutant("writes-down-all", LOSS, "losses, claim.deficit - paid);", "losses, claim.deficit);", "O-2"),
    Mutant("window-forgets", LOSS, "window.spent += uint128(drawn);", "", "S-3"),
    Mutant(
        "slice-of-short-down",
        contract("libraries/PositionMath"),
        "FixedMath.floorDivSigned(size * int256(fraction), FixedMath.WAD)",
        "size * int256(fraction) / int256(FixedMath.WAD)",
        "S-4",
    ),
    Mutant("insurance-share-uncapped", LEVELS, "if (share > worth - keep) share = worth - keep;", "", "L-2"),
    # ---------------------------------------------------------------- lending
    Mutant(
        "debt-shares-down",
        LENDING,
        "uint256 shares = InterestMath.sharesUp(amount, b.debtIndex);",
        "uint256 shares = InterestMath.sharesDown(amount, b.debtIndex);",
        "I-1",
    ),
    Mutant(
        "repaid-shares-up",
        LENDING,
        "part = InterestMath.sharesDown(amount, b.debtIndex);\n            if (part == 0) revert",
        "part = InterestMath.sharesUp(amount, b.debtIndex);\n            if (part == 0) revert",
        "I-1",
    ),
    Mutant(
        "reserve-forgotten",
        LOANS,
        "if (paid > earned) b.reserve += (paid - earned)",
        "if (false) b.reserve += (paid - earned)",
        "I-1",
    ),
    Mutant(
        "lenders-lose-too-little",
        LENDING,
        "(claims - lost) / b.lentShares : 0",
        "(claims - lost) / b.lentShares + 1 : 0",
        "I-6",
    ),
    Mutant(
        "recall-without-cash",
        LENDING,
        "b.requireCash(asset, amount);\n        b.lentShares -= part;",
        "b.lentShares -= part;",
        "I-5",
    ),
    Mutant("no-borrow-cap", LENDING, "if (owed > limits.borrowCap) revert", "if (false) revert", "F-2"),
    Mutant("no-borrow-velocity", LENDING, "if (uint256(sum) > most) revert", "if (false) revert", "F-2"),
    Mutant("debts-not-counted-down", LEDGER, "if (kind == DEBT) --s.headers[id].debts;", "", "I-4"),
    Mutant(
        "borrow-for-anyone",
        ENGINE,
        "_requireOwner(ctx, id);\n        Touched memory t = _touch(ctx, id);\n        if (kind ==",
        "Touched memory t = _touch(ctx, id);\n        if (kind ==",
        "A-1",
    ),
    Mutant(
        "borrow-unchecked",
        ENGINE,
        "(t.risk, t.strict) = (true, true);\n        }\n        (uint256 asset",
        "t.strict = true;\n        }\n        (uint256 asset",
        "S-1",
    ),
    Mutant(
        "foreign-debts-in-pairs",
        contract("libraries/AccountId"),
        "|| debt && asset != debtOf(market)",
        "",
        "O-1",
    ),
    Mutant(
        "slice-of-debt-down",
        LIQUIDATION,
        "? FixedMath.mulDivUp(shares, fraction, FixedMath.WAD)",
        "? FixedMath.mulDivDown(shares, fraction, FixedMath.WAD)",
        "P-1",
    ),
    Mutant(
        "queue-not-counted",
        contract("WithdrawalBrake"),
        "_queued += uint128(amount);\n        emit WithdrawalQueued",
        "emit WithdrawalQueued",
        "I-1",
    ),
    Mutant(
        "exits-never-wait",
        contract("EngineControl"),
        "if (amount < 0) ExitLogic.requireQuiet(state, ROUTER, asset);",
        "",
        "O-2",
    ),
    # ---------------------------------------------------------------- losses, epochs, ramps
    Mutant("charge-not-in-sum", EPOCHS, "side.sum.cost += int256(amount << EpochMath.COST_BITS);", "", "I-3"),
    Mutant(
        "debts-are-not-causes",
        LOSS,
        "if (causes[i].debt) _writeOffDebt(s, env, claim.target, causes[i], share);\n            else _writeOff",
        "if (!causes[i].debt) _writeOff",
        "W-1",
    ),
    Mutant(
        "side-charged-twice",
        LOSS,
        "uint256 left = amount - fromPool - fromSide;",
        "uint256 left = amount - fromPool;",
        "W-1",
    ),
    Mutant(
        "haircuts-jump",
        contract("libraries/ConfigRamps"),
        "return (nowIm | nowMm << 16 | time + RampMath.RAMP << 32, true);",
        "return (0, nowIm + nowMm < type(uint256).max);",
        "S-2",
    ),
    # ---------------------------------------------------------------- prices, fills, model, operators, pool
    Mutant("premium-rounds-down", FILL, "return FixedMath.ceilDivSigned(", "return FixedMath.floorDivSigned(", "R-1"),
    Mutant(
        "fee-swapped",
        FILL,
        "reducing * makerFeePpm + (absSize - reducing) * takerFeePpm",
        "reducing * takerFeePpm + (absSize - reducing) * makerFeePpm",
        "R-1",
    ),
    Mutant("no-maintenance-floor", MODEL, "if (a.mm < MM_FLOOR) a.mm = MM_FLOOR;", "", "P-1"),
    Mutant("operator-day-forgotten", OPERATORS, "(grant.day == day ? grant.spent : 0) + cost", "cost", "A-2"),
    Mutant("two-prices-a-block", ROUTER, " && current.writtenBlock() != uint32(block.number)", "", "F-1"),
    Mutant("stale-book-for-exits", POOL, "_move(book, -int256(assets));", "", "S-6"),
)


# ---------------------------------------------------------------- copies of the tree


def copy_tree(to: Path, head: bool) -> None:
    """Tracked files as they are now (or, with `head`, as committed); packages are linked, not copied."""
    if head:
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
        to.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", str(to)], input=archive, check=True)
    else:
        skip = shutil.ignore_patterns(".git", ".venv", "node_modules", "build", "data", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, to, ignore=skip)
    (to / "node_modules").symlink_to(ROOT / "node_modules")


def run(command: list[str], tree: Path, limit: float, artifacts: Path | None = None) -> tuple[int, str]:
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    if artifacts:
        environment["PLIMSOLL_ARTIFACTS"] = str(artifacts)
    try:
        done = subprocess.run(
            ["nice", sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return 124, f"timeout after {limit:.0f} s"
    return done.returncode, done.stdout + done.stderr


def importers(tree: Path, file: str) -> list[str]:
    """`file` and every source that imports it, directly or not, less interfaces (their code is nobody's)."""
    imports: dict[str, set[str]] = {}
    for path in (tree / "contracts").rglob("*.sol"):
        name = path.relative_to(tree).as_posix()
        found = {first or second for first, second in IMPORT.findall(path.read_text())}
        imports[name] = {os.path.normpath(Path(name).parent / target) for target in found}
    affected, grown = {file}, True
    while grown:
        more = {name for name, targets in imports.items() if targets & affected} - affected
        affected |= more
        grown = bool(more)
    return sorted(affected & DEPLOYED) or [file]


def artifacts_of(tree: Path, files: list[str], out: Path) -> dict[str, object]:
    command = ["scripts/toolchain/compile.py", *(["--only", *files] if files else []), "--force", "--out", str(out)]
    code, text = run(command, tree, 900)
    if code:
        raise RuntimeError(f"it does not compile: {text[-600:]}")
    return json.loads(out.read_text())


# ---------------------------------------------------------------- one mutant


class Verdict(NamedTuple):
    mutant: Mutant
    killer: str
    how: str
    seconds: float


def judge(mutant: Mutant, tree: Path, base: dict, out: Path, known: list[str]) -> Verdict:
    started = time.monotonic()
    path = tree / mutant.file
    original = path.read_text()
    path.write_text(original.replace(mutant.old, mutant.new))
    try:
        changed = artifacts_of(tree, importers(tree, mutant.file), out)
        out.write_text(json.dumps(base | {"contracts": base["contracts"] | changed["contracts"]}))
        killer, how = kill(tree, out, known)
    except RuntimeError as error:
        killer, how = "compiler", str(error)
    finally:
        path.write_text(original)
    return Verdict(mutant, killer, how, time.monotonic() - started)


def kill(tree: Path, artifacts: Path, known: list[str]) -> tuple[str, str]:
    """Who notices first: an invariant by itself, the twins, or a test that is not among the `known` failures."""
    campaign = ["tests/invariant/campaign", "--quick", "--seed", "5", "--count"]
    for extra in (["150", "--without", "P-1"], ["60"]):
        code, text = run([*campaign, *extra], tree, 400, artifacts)
        if code:
            return named(text)
    code, text = run([*UNIT_TESTS, "-x", *(f"--deselect={name}" for name in known)], tree, 600, artifacts)
    if code == 0:
        return "", ""
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", text, re.MULTILINE)
    return (failed[1].split("::", 1)[-1] if failed else "pytest"), failed[0] if failed else text[-300:]


def named(text: str) -> tuple[str, str]:
    broken = re.search(r"^([A-Z]-\d+): (.*)$", text, re.MULTILINE)
    if broken:
        return broken[1], broken[2][:160]
    last = text.strip().splitlines()[-1] if text.strip() else ""
    return "set-up", last[:160]


# ---------------------------------------------------------------- all of them


def check_texts(mutants: list[Mutant], tree: Path) -> None:
    wrong = []
    for mutant in mutants:
        count = (tree / mutant.file).read_text().count(mutant.old)
        if count != 1:
            wrong.append(f"{mutant.name}: its text is {count} times in {mutant.file}, it must be there once")
    if wrong:
        sys.exit("mutants: " + "\nmutants: ".join(wrong))


def table(verdicts: list[Verdict]) -> str:
    rows = ["| mutant | file | expected | killed by | how it was noticed |", "|---|---|---|---|---|"]
    for mutant, killer, how, _ in verdicts:
        shown = how.replace("|", "/")[:110] if killer else mutant.reason or "**no reason known**"
        rows.append(
            f"| {mutant.name} | `{mutant.file.removeprefix('contracts/')}` | {mutant.killer} "
            f"| {killer or '**survives**'} | {shown} |"
        )
    return "\n".join(rows)


def document(verdicts: list[Verdict], elapsed: float) -> str:
    killed = sum(bool(verdict.killer) for verdict in verdicts)
    alone = sum(bool(re.fullmatch(r"[A-Z]-\d+", v.killer)) and v.killer != "P-1" for v in verdicts)
    return (
        "# Mutants\n\n"
        "The contracts broken in known ways, and what notices (`make mutants`). *Killed by* names the\n"
        "invariant of docs/invariants.md that the campaign found broken, with the comparison against the Python\n"
        "twins (P-1) switched off first, or the test that failed.\n\n"
        f"{len(verdicts)} mutants, {killed} killed, {alone} of them by an invariant without any twin;"
        f" {elapsed / 60:.0f} minutes.\n\n"
        f"{table(verdicts)}\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these mutants; nothing is written to docs")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
    parser.add_argument("--head", action="store_true", help="of the last commit, not of the working tree")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    mutants = [m for m in MUTANTS if not args.only or m.name in args.only]
    if args.only and len(mutants) != len(set(args.only)):
        sys.exit(f"mutants: unknown among {', '.join(args.only)}; --list shows the names")
    if args.list:
        print("\n".join(f"{m.name:28} {m.file:42} {m.killer}" for m in mutants))
        return 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="plimsoll-mutants-") as folder:
        verdicts = run_all(mutants, Path(folder), args)
    elapsed = time.monotonic() - started
    survivors = [v for v in verdicts if not v.killer]
    if args.json:
        print(json.dumps([v.mutant._asdict() | {"killed_by": v.killer, "how": v.how} for v in verdicts], indent=1))
    else:
        print(table(verdicts))
    print(f"mutants: {len(verdicts) - len(survivors)} of {len(verdicts)} killed, {elapsed:.0f} s", file=sys.stderr)
    if not args.only:
        REPORT.write_text(document(verdicts, elapsed))
    return 1 if any(not v.mutant.reason for v in survivors) else 0


def run_all(mutants: list[Mutant], folder: Path, args: argparse.Namespace) -> list[Verdict]:
    trees = [folder / f"tree{number}" for number in range(args.jobs)]
    for tree in trees:
        copy_tree(tree, args.head)
    check_texts(mutants, trees[0])
    base = artifacts_of(trees[0], [], folder / "base.json")
    # A test that fails without any mutant proves nothing about one.
    _, text = run(UNIT_TESTS, trees[0], 900, folder / "base.json")
    known = re.findall(r"^(?:FAILED|ERROR) (\S+)", text, re.MULTILINE)
    if known:
        print(f"mutants: not counted, they fail already: {', '.join(known)}", file=sys.stderr)
    killer, how = kill(trees[0], folder / "base.json", known)
    if killer:
        sys.exit(f"mutants: the unbroken contracts already fail {killer}: {how}")
    free = list(trees)

    def work(mutant: Mutant) -> Verdict:
        tree = free.pop()
        try:
            verdict = judge(mutant, tree, base, folder / f"{mutant.name}.json", known)
        finally:
            free.append(tree)
        print(
            f"mutants: {mutant.name}: {verdict.killer or 'SURVIVES'} ({verdict.seconds:.0f} s) {verdict.how}"[:150],
            file=sys.stderr,
            flush=True,
        )
        return verdict

    with ThreadPoolExecutor(args.jobs) as pool:
        return list(pool.map(work, mutants))


if __name__ == "__main__":
    sys.exit(main())

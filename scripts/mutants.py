"""Breaks the contracts in known ways; a named invariant of the campaign, or a named test, must notice each.

    python scripts/mutants.py                          all; the table goes to docs/mutants.md
    python scripts/mutants.py --only short-cost-side   some, nothing written
    python scripts/mutants.py --only NAME --expected   by the expected killer alone, where that is a test
    python scripts/mutants.py --head --jobs 2 --json   of the last commit, two at a time
    python scripts/mutants.py --list

Each mutant of scripts/mutant_table is (name, file, exact old text, new text, expected killer). It is made in a copy
of the tree, what imports its file is compiled again, and rounds run against the artifacts until one fails: the campaign
without comparison with the Python twins (so that an invariant must notice), the campaign with it, both again of
options, the unit tests and attacks.
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

from mutant_table import DEPLOYED, MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "mutants.md"
PYTEST = ["-m", "pytest", "-p", "no:pytest-brownie", "-p", "no:cacheprovider", "-q"]
UNIT_TESTS = (
    PYTEST
    + [f"tests/unit/{name}" for name in ("engine", "margin", "options", "orders", "pool", "vault", "oracle")]
    + ["tests/attacks"]
)
IMPORT = re.compile(r'\bimport\b[^"\';]*["\'](\.[^"\']+)["\']|\bfrom\s+["\'](\.[^"\']+)["\']')


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


def judge(mutant: Mutant, tree: Path, base: dict, out: Path, known: list[str], expected: bool) -> Verdict:
    started = time.monotonic()
    path = tree / mutant.file
    original = path.read_text()
    path.write_text(original.replace(mutant.old, mutant.new))
    try:
        changed = artifacts_of(tree, list(mutant.units) or importers(tree, mutant.file), out)
        out.write_text(json.dumps(base | {"contracts": base["contracts"] | changed["contracts"]}))
        test = expected and mutant.killer.startswith("test_")
        killer, how = ask(tree, out, mutant.killer) if test else kill(tree, out, known)
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
    options = ["tests/invariant/option_campaign", "--quick", "--seed", "5", "--count", "40"]
    for extra in (["--without-twins"], []):
        code, text = run([*options, *extra], tree, 400, artifacts)
        if code:
            return named(text)
    code, text = run([*UNIT_TESTS, "-x", *(f"--deselect={name}" for name in known)], tree, 600, artifacts)
    if code == 0:
        return "", ""
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", text, re.MULTILINE)
    return (failed[1].split("::", 1)[-1] if failed else "pytest"), failed[0] if failed else text[-300:]


def ask(tree: Path, artifacts: Path, test: str) -> tuple[str, str]:
    """Whether the one test notices, in whatever file it is."""
    files = [path for path in (tree / "tests").rglob("test_*.py") if f"\ndef {test}(" in path.read_text()]
    if not files:
        return "set-up", f"there is no {test}"
    nodes = [f"{path.relative_to(tree)}::{test}" for path in files]
    code, text = run([*PYTEST, "-x", *nodes], tree, 600, artifacts)
    failed = re.search(r"^(?:FAILED|ERROR) .*", text, re.MULTILINE)
    if code == 0:
        return "", ""
    return (test, failed[0]) if code == 1 and failed else ("set-up", text[-300:])


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
    parser.add_argument("--expected", action="store_true", help="ask the expected test alone, where it is one")
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
    if not args.only and not args.expected:
        REPORT.write_text(document(verdicts, elapsed))
    return 1 if any(not v.mutant.reason for v in survivors) else 0


def base_of(tree: Path, out: Path, head: bool) -> dict[str, object]:
    """The artifacts without a mutant: those of the last build where it is of this tree."""
    built = ROOT / "build" / "plimsoll" / "artifacts.json"
    code, key = run(["scripts/toolchain/compile.py", "--print-key"], tree, 60)
    if code == 0 and not head and built.exists() and json.loads(built.read_text())["key"] == key.strip():
        shutil.copy(built, out)
        return json.loads(out.read_text())
    return artifacts_of(tree, [], out)


def unbroken(mutants: list[Mutant], tree: Path, artifacts: Path, expected: bool) -> list[str]:
    """The tests that fail without any mutant, which prove nothing about one; ends the program where more does."""
    if expected:
        for test in sorted({mutant.killer for mutant in mutants if mutant.killer.startswith("test_")}):
            killer, how = ask(tree, artifacts, test)
            if killer:
                sys.exit(f"mutants: the unbroken contracts already fail {test}: {how}")
        if all(mutant.killer.startswith("test_") for mutant in mutants):
            return []
    _, text = run(UNIT_TESTS, tree, 900, artifacts)
    known = re.findall(r"^(?:FAILED|ERROR) (\S+)", text, re.MULTILINE)
    if known:
        print(f"mutants: not counted, they fail already: {', '.join(known)}", file=sys.stderr)
    killer, how = kill(tree, artifacts, known)
    if killer:
        sys.exit(f"mutants: the unbroken contracts already fail {killer}: {how}")
    return known


def run_all(mutants: list[Mutant], folder: Path, args: argparse.Namespace) -> list[Verdict]:
    trees = [folder / f"tree{number}" for number in range(args.jobs)]
    for tree in trees:
        copy_tree(tree, args.head)
    check_texts(mutants, trees[0])
    base = base_of(trees[0], folder / "base.json", args.head)
    known = unbroken(mutants, trees[0], folder / "base.json", args.expected)
    free = list(trees)

    def work(mutant: Mutant) -> Verdict:
        tree = free.pop()
        try:
            verdict = judge(mutant, tree, base, folder / f"{mutant.name}.json", known, args.expected)
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

"""Compiles contracts/ and interfaces/ without brownie, into build/plimsoll/artifacts.json.

    python scripts/toolchain/compile.py                       everything, skipped when nothing changed
    python scripts/toolchain/compile.py --incremental         only what changed since, while developing (units.py)
    python scripts/toolchain/compile.py --check               types only, all files, no code, nothing written (seconds)
    python scripts/toolchain/compile.py --only FILE...        types only, these files and what they import
    python scripts/toolchain/compile.py --only FILE... --out X.json    the same with code, into X.json

The settings are those of brownie-config.yaml, the compiler is scripts/toolchain/solc: both builds agree to the byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import units
import yaml

ROOT = Path(__file__).resolve().parents[2]
SOLC = ROOT / "scripts" / "toolchain" / "solc" / "solc-v0.8.30"
ARTIFACTS = ROOT / "build" / "plimsoll" / "artifacts.json"
SOURCE_DIRS = ("contracts", "interfaces")
FORMAT = 1  # of artifacts.json; raise it when its layout changes

CODE = [
    "abi",
    "evm.bytecode.object",
    "evm.bytecode.linkReferences",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.linkReferences",
    "evm.deployedBytecode.immutableReferences",
    "evm.methodIdentifiers",
    "storageLayout",
]


def settings() -> dict[str, Any]:
    """The solc settings, from the one place that holds them."""
    solc = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]["solc"]
    return {
        "viaIR": solc["viaIR"],
        "evmVersion": solc["evm_version"],
        "optimizer": solc["optimizer"],
        "remappings": solc["remappings"],
        "metadata": {"bytecodeHash": "none"},
    }


def all_sources() -> list[Path]:
    return sorted(path for folder in SOURCE_DIRS for path in (ROOT / folder).rglob("*.sol"))


def tree_key(paths: list[Path]) -> str:
    """Changes when a source, a setting, the compiler or a library version does."""
    digest = hashlib.sha256(json.dumps([FORMAT, settings()], sort_keys=True).encode())
    for path in [*paths, SOLC, ROOT / "package-lock.json"]:
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def run_solc(paths: list[Path], outputs: list[str]) -> dict[str, Any]:
    names = [path.relative_to(ROOT).as_posix() for path in paths]
    request = {
        "language": "Solidity",
        "sources": {name: {"content": (ROOT / name).read_text()} for name in names},
        "settings": settings() | {"outputSelection": {name: {"*": outputs} for name in names}},
    }
    try:
        solc = subprocess.run([SOLC], input=json.dumps(request), capture_output=True, text=True, cwd=ROOT)
    except OSError as error:
        sys.exit(f"compile: cannot run {SOLC.relative_to(ROOT)}: {error.strerror}; run scripts/toolchain/bootstrap.sh")
    if solc.returncode != 0 or not solc.stdout.startswith("{"):
        sys.exit(f"compile: the compiler failed (exit {solc.returncode})\n{(solc.stderr or solc.stdout)[-2000:]}")
    return json.loads(solc.stdout)


def report(messages: list[dict[str, Any]]) -> int:
    """Prints what solc said, our warnings but not those in libraries; returns the number of errors."""
    errors = warnings = 0
    for message in messages:
        file = message.get("sourceLocation", {}).get("file", "")
        if message["severity"] == "error":
            errors += 1
        elif file.startswith("node_modules/"):
            continue
        else:
            warnings += 1
        print(message.get("formattedMessage", message["message"]).rstrip() + "\n", file=sys.stderr)
    if errors or warnings:
        print(f"compile: {errors} error(s), {warnings} warning(s)", file=sys.stderr)
    return errors


def generate(paths: list[Path], types_only: bool = False) -> dict[str, dict[str, Any]]:
    """What solc makes of `paths`, by file and contract; ends the program on an error."""
    output = run_solc(paths, ["abi"] if types_only else CODE)
    if report(output.get("errors", [])):
        sys.exit(1)
    names = [path.relative_to(ROOT).as_posix() for path in paths]
    return {name: output["contracts"][name] for name in names if name in output["contracts"]}


def artifact(path: str, contract: dict[str, Any]) -> dict[str, Any]:
    evm = contract["evm"]
    return {
        "sourcePath": path,
        "abi": contract["abi"],
        "bytecode": evm["bytecode"]["object"],
        "linkReferences": evm["bytecode"]["linkReferences"],
        "deployedBytecode": evm["deployedBytecode"]["object"],
        "deployedLinkReferences": evm["deployedBytecode"]["linkReferences"],
        "immutableReferences": evm["deployedBytecode"].get("immutableReferences", {}),
        "methodIdentifiers": evm["methodIdentifiers"],
        "storageLayout": contract.get("storageLayout"),
    }


def collect(contracts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By contract name, which brownie too wants unique; where an interface shares a name, the contract wins."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(contracts):  # contracts/ before interfaces/
        for name, contract in contracts[path].items():
            if name not in found:
                found[name] = artifact(path, contract)
            elif not path.startswith("interfaces/"):
                sys.exit(f"compile: {name} is defined in {found[name]['sourcePath']} and in {path}; rename one of them")
    return dict(sorted(found.items()))


def write(out: Path, content: dict[str, Any]) -> None:
    """All or nothing: a reader never sees half a file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=out.name)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(content, file, separators=(",", ":"))
        Path(name).chmod(0o644)
        Path(name).replace(out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def up_to_date(out: Path, key: str) -> bool:
    try:
        return json.loads(out.read_text())["key"] == key
    except (OSError, ValueError, KeyError, TypeError):
        return False


def sizes(contracts: dict[str, dict[str, Any]], limit: int = 24_576) -> None:
    """The largest few, and every contract that could not be deployed."""
    by_size = sorted(((len(c["deployedBytecode"]) // 2, name) for name, c in contracts.items()), reverse=True)
    largest = ", ".join(f"{name} {size:,}" for size, name in by_size[:4] if size)
    print(f"compile: largest (limit {limit:,} bytes): {largest or 'no code'}")
    for size, name in by_size:
        if size > limit:
            print(f"compile: {name} is {size - limit:,} bytes too large to be deployed", file=sys.stderr)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--force", action="store_true", help="compile even if nothing changed")
    option("--incremental", action="store_true", help="keep compiled files one by one; a full build decides")
    option("--check", action="store_true", help="types only: no code, finds no 'stack too deep', nothing written")
    option("--only", nargs="+", type=Path, metavar="FILE", help="these files and what they import")
    option("--out", type=Path, metavar="JSON", help="where the artifacts go (build/plimsoll/artifacts.json)")
    option("--print-key", action="store_true", help="print the hash of the sources and settings, and exit")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    paths = [path.resolve() for path in args.only] if args.only else all_sources()
    if missing := [str(path) for path in paths if not path.is_file()]:
        sys.exit(f"compile: no such file: {', '.join(missing)}")
    if outside := [str(path) for path in paths if not path.is_relative_to(ROOT)]:
        sys.exit(f"compile: not inside {ROOT}: {', '.join(outside)}")
    if not paths:
        sys.exit("compile: there is no .sol file under contracts/ or interfaces/")

    key = tree_key(paths)
    if args.print_key:
        print(key)
        return 0
    types_only = args.check or bool(args.only and not args.out)
    out = args.out or ARTIFACTS
    if not types_only and not args.force and up_to_date(out, key):
        return 0

    started = time.monotonic()
    incremental = args.incremental and not types_only
    compiled = units.compiled(ROOT, paths, tree_key, generate) if incremental else generate(paths, types_only)
    elapsed = f"{time.monotonic() - started:.1f} s"
    if types_only:
        print(f"compile: {len(paths)} files are well-typed, {elapsed}")
        return 0
    contracts = collect(compiled)
    write(out, {"key": key, "compiler": "0.8.30", "settings": settings(), "contracts": contracts})
    print(f"compile: {len(contracts)} contracts from {len(paths)} files, {elapsed}")
    sizes(contracts)
    return 0


if __name__ == "__main__":
    sys.exit(main())

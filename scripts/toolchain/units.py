"""Compiled files kept one by one, for `compile.py --incremental`: again only when a file, or what it imports, changed.

A unit's key is a hash of the settings and of the file's whole closure of imports. Code generation by IR numbers its
functions over all sources given, so the bytes may differ from those of a full build; what is measured comes from one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

IMPORT = re.compile(r"""^\s*import\s[^;]*?["'](\.[^"']+)["']\s*;""", re.M)
Contracts = dict[str, dict[str, Any]]
Key = Callable[[list[Path]], str]


def closure(path: Path, found: set[Path] | None = None) -> set[Path]:
    """The file and all that it imports by relative paths."""
    found = set() if found is None else found
    if path not in found:
        found.add(path)
        for relative in IMPORT.findall(path.read_text()):
            closure((path.parent / relative).resolve(), found)
    return found


def compiled(root: Path, paths: list[Path], key: Key, run: Callable[[list[Path]], Contracts]) -> Contracts:
    """What `run` gives for `paths`, asking it only for files without a unit of the same key."""
    folder = Path(os.environ.get("PLIMSOLL_UNITS", root / "build" / "plimsoll" / "units"))
    folder.mkdir(parents=True, exist_ok=True)
    units = {path: folder / f"{_key(root, path, key)}.json" for path in paths}
    stale = [path for path, unit in units.items() if not unit.exists()]
    print(f"compile: {len(stale)} of {len(paths)} files have changed, or what they import", flush=True)
    fresh = run(stale) if stale else {}
    found: Contracts = {}
    for path, unit in units.items():
        name = path.relative_to(root).as_posix()
        if path in stale:
            partial = unit.with_suffix(f".{os.getpid()}")
            partial.write_text(json.dumps(fresh.get(name, {})))
            partial.replace(unit)
        found[name] = json.loads(unit.read_text())
    return found


def _key(root: Path, path: Path, key: Key) -> str:
    name = path.relative_to(root).as_posix()
    return hashlib.sha256(f"{name} {key(sorted(closure(path)))}".encode()).hexdigest()

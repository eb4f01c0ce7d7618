"""The compiled contracts of Uniswap v3, exactly as its authors published them on npm."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from plimsoll.abi import keccak
from plimsoll.contracts import ROOT, Artifacts, register
from plimsoll.errors import ArtifactsMissing

#: Contract -> package and folder of its artefact.
PLACES = {
    "UniswapV3Factory": "v3-core/artifacts/contracts",
    "UniswapV3Pool": "v3-core/artifacts/contracts",
    "SwapRouter": "v3-periphery/artifacts/contracts",
    "NonfungiblePositionManager": "v3-periphery/artifacts/contracts",
    "QuoterV2": "v3-periphery/artifacts/contracts/lens",
    "UniswapInterfaceMulticall": "v3-periphery/artifacts/contracts/lens",
}

REMEDY = "run `scripts/toolchain/bootstrap.sh runtime`, which installs them from npm"


def packages() -> Path:
    return ROOT / "node_modules" / "@uniswap"


def load() -> Artifacts:
    """All of PLACES; read once. Their events and errors can be decoded afterwards."""
    return _load(packages())


@cache
def _load(folder: Path) -> Artifacts:
    artifacts = Artifacts({name: _read(folder / place, name) for name, place in PLACES.items()}, "uniswap v3")
    register(artifacts)
    return artifacts


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = folder / f"{name}.sol" / f"{name}.json"
    try:
        raw = json.loads(path.read_text())
        code = {key: raw[key].removeprefix("0x") for key in ("bytecode", "deployedBytecode")}
        return {"abi": raw["abi"], "linkReferences": raw["linkReferences"], **code}
    except OSError as error:
        raise ArtifactsMissing(f"no Uniswap contract at {path} ({error.strerror}); {REMEDY}") from None
    except (ValueError, KeyError, AttributeError) as error:
        raise ArtifactsMissing(f"{path} is damaged ({error}); delete node_modules and {REMEDY}") from None


@cache
def pool_init_code_hash() -> bytes:
    """What CREATE2 of a pool depends on; the same wherever the published code was deployed."""
    return keccak(load()["UniswapV3Pool"].creation())

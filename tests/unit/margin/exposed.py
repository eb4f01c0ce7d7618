"""Calls the internal libraries through contracts/testing in pyrevm: every argument and result is one 32-byte word."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from pyrevm import EVM, BlockEnv

ROOT = Path(__file__).resolve().parents[3]
DEPLOYER = "0x" + "d1" * 20
TIME = 1_700_000_000
SOURCES = (
    "contracts/testing/ExposedMath.sol",
    "contracts/testing/ExposedCheck.sol",
    "contracts/testing/ExposedEpochs.sol",
    "contracts/testing/ExposedSettlement.sol",
    "contracts/testing/ExposedSurfaces.sol",
    "contracts/testing/ExposedVolatility.sol",
    "contracts/testing/ExposedBlack76.sol",
    "contracts/testing/ExposedSvi.sol",
    "contracts/margin/NormalTable.sol",
    "contracts/margin/RuleMargin.sol",
)


class Reverted(Exception):
    """The call reverted; `data` is what it returned."""

    def __init__(self, data: bytes):
        super().__init__(data.hex())
        self.data = data


def compile_exposed(out: Path) -> dict[str, Any]:
    command = [sys.executable, ROOT / "scripts/toolchain/compile.py", "--only", *(ROOT / s for s in SOURCES)]
    done = subprocess.run([*command, "--out", out], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return json.loads(out.read_text())["contracts"]


def word(value: int) -> bytes:
    return (value % 2**256).to_bytes(32, "big")


class Exposed:
    """One deployed contract; attributes are its functions, which take and return integers."""

    def __init__(self, artifact: dict[str, Any], *arguments: int, evm: EVM | None = None):
        self.evm = evm or EVM()
        self.set_time(TIME)
        code = bytes.fromhex(artifact["bytecode"]) + b"".join(map(word, arguments))
        self.address = self.evm.deploy(DEPLOYER, code)
        self._selectors = {
            signature.partition("(")[0]: bytes.fromhex(selector)
            for signature, selector in artifact["methodIdentifiers"].items()
        }
        self._signed = {
            entry["name"]: [kind["type"].startswith("int") for kind in entry["outputs"]]
            for entry in artifact["abi"]
            if entry["type"] == "function"
        }

    def set_time(self, time: int) -> None:
        self.evm.set_block_env(BlockEnv(number=1, timestamp=time))

    def call(self, name: str, data: bytes) -> bytes:
        try:
            return bytes(self.evm.message_call(DEPLOYER, self.address, self._selectors[name] + data))
        except RuntimeError as error:
            found = re.search(r"output: (0x[0-9a-f]*)", str(error))
            raise Reverted(bytes.fromhex(found[1][2:]) if found else b"") from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def function(*arguments: int) -> Any:
            data = self.call(name, b"".join(map(word, arguments)))
            words = [
                int.from_bytes(data[32 * i : 32 * i + 32], "big", signed=signed)
                for i, signed in enumerate(self._signed[name])
            ]
            return words[0] if len(words) == 1 else tuple(words)

        return function

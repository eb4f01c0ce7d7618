"""Everything that Plimsoll raises on purpose. Each error names the value that was wrong and what to do about it.

    PlimsollError                     exit code
    ├── BadInput                          2      a value the caller gave
    ├── ArtifactsMissing                  3      nothing is compiled yet
    ├── ChainError                        4
    │   ├── ChainUnreachable                     no answer, or the connection broke
    │   ├── RpcRefused                           the node answered with an error
    │   ├── ReceiptMissing                       sent, but not seen in a block in time
    │   ├── NodeFailed                           Anvil did not start
    │   └── Unsupported                          this kind of chain cannot do it (set the clock, take a snapshot)
    ├── TransactionFailed                 5
    │   ├── Reverted                             a typed error of a contract: `.name`, `.values`
    │   └── Halted                               out of gas, invalid opcode, code too large …
    ├── DeploymentError                   6      see plimsoll.deploy.errors
    └── KeyMissing                        7      a key is needed and none (or an unreadable one) was given

The exit codes are part of the command line's promise (docs/cli.md).
"""

from __future__ import annotations

from typing import Any

from plimsoll.remedies import REMEDIES


class PlimsollError(Exception):
    """Root of the tree. The command line returns `exit_code`; `--json` shows `fields` beside the message."""

    exit_code = 1

    @property
    def fields(self) -> dict[str, Any]:
        return {}


class BadInput(PlimsollError):
    """A value the caller gave cannot be used. `what` names it, `remedy` says what would be accepted."""

    exit_code = 2

    def __init__(self, what: str, value: object, remedy: str) -> None:
        super().__init__(f"{what} {value!r} cannot be used: {remedy}")
        self.what, self.value, self.remedy = what, value, remedy

    @property
    def fields(self) -> dict[str, Any]:
        return {"what": self.what, "value": str(self.value), "remedy": self.remedy}


class ArtifactsMissing(PlimsollError):
    """The compiled contracts, or one of them, are not where they should be."""

    exit_code = 3


class ChainError(PlimsollError):
    """The chain, or the way to it, failed; the state of the chain is what it was or is not known."""

    exit_code = 4


class ChainUnreachable(ChainError):
    """No answer from `url`. Nothing is known about a transaction that was under way."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(f"no answer from {url}: {reason}; check that the node runs and that the address is right")
        self.url = url


class RpcRefused(ChainError):
    """The node answered `method` with an error of its own (not with a revert)."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"the node refused {method} ({code}): {message}")
        self.method, self.code, self.message = method, code, message


class ReceiptMissing(ChainError):
    """A transaction was sent and is in no block after `seconds`. It may still be mined."""

    def __init__(self, tx_hash: str, seconds: float) -> None:
        super().__init__(
            f"transaction {tx_hash} is in no block after {seconds:g} s; look it up before sending it again"
        )
        self.tx_hash = tx_hash


class NodeFailed(ChainError):
    """A local node could not be started, or ended by itself."""


class Unsupported(ChainError):
    """This kind of chain cannot do what was asked."""


class TransactionFailed(PlimsollError):
    """A call or transaction failed and changed nothing. `receipt` is set when it had reached a block."""

    exit_code = 5
    receipt: Any = None


class Reverted(TransactionFailed):
    """A contract refused. `data` is the raw revert data; `name` and `values` are decoded against every known error.

    `name` is the error's name; "Error" and "Panic" are Solidity's own, "" is empty data, "0x…" an unknown selector.
    Compare both: `error.matches("ZeroAmount")`, `error.matches("UnknownMarket", 7)`.
    """

    def __init__(self, data: bytes, gas_used: int = 0) -> None:
        super().__init__(data)
        self.data, self.gas_used = data, gas_used
        self._decoded: tuple[str, tuple[Any, ...], tuple[str, ...]] | None = None

    @property
    def decoded(self) -> tuple[str, tuple[Any, ...], tuple[str, ...]]:
        """(name, values, names of the values)."""
        if self._decoded is None:
            from plimsoll.contracts import decode_error

            self._decoded = decode_error(self.data)
        return self._decoded

    @property
    def name(self) -> str:
        return self.decoded[0]

    @property
    def values(self) -> tuple[Any, ...]:
        return self.decoded[1]

    @property
    def remedy(self) -> str | None:
        """What to do about it, where that can be said."""
        return REMEDIES.get(self.name)

    @property
    def reason(self) -> Reverted | None:
        """Why the target of a `Call` refused, when this is CallReverted."""
        return Reverted(self.values[1], self.gas_used) if self.name == "CallReverted" else None

    def matches(self, name: str, *values: Any) -> bool:
        """True if it is the error `name`, and, when values are given, with exactly these."""
        return self.name == name and (not values or self.values == values)

    @property
    def fields(self) -> dict[str, Any]:
        told: dict[str, Any] = {"error": self.name, "values": [_text(value) for value in self.values]}
        if self.remedy:
            told["remedy"] = self.remedy
        return told | {"data": "0x" + self.data.hex()}

    def __str__(self) -> str:
        name, values, names = self.decoded
        if not name:
            return "reverted without a reason"
        if (reason := self.reason) is not None:
            return f"reverted: CallReverted(target={values[0]}), because its target {reason}"
        shown = ", ".join(
            f"{key}={_text(value)}" if key else _text(value) for key, value in zip(names, values, strict=True)
        )
        return f"reverted: {name}({shown})" + (f"; {self.remedy}" if self.remedy else "")


class Halted(TransactionFailed):
    """Execution ended without a revert: out of gas, an invalid opcode, code over 24,576 bytes."""

    def __init__(self, reason: str, gas_used: int = 0) -> None:
        super().__init__(f"execution halted: {reason}")
        self.reason, self.gas_used = reason, gas_used


class KeyMissing(PlimsollError):
    """A key is needed. Its value never appears in a message."""

    exit_code = 7


def _text(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)

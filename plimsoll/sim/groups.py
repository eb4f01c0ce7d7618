"""What became of groups of accounts: each tier at its maximum, each kind of borrower. Fed by the engine's events."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from plimsoll.contracts import Event
from plimsoll.units import quote


@dataclass
class Group:
    """Counts and quote WAD. `deficit`: what its bankrupt accounts lacked; `uninsured`: what of it others paid."""

    accounts: int = 0
    liquidations: int = 0
    bankrupt: int = 0
    deficit: int = 0
    insurance_paid: int = 0
    uninsured: int = 0

    def data(self) -> dict[str, Any]:
        return {
            "accounts": self.accounts,
            "liquidations": self.liquidations,
            "bankrupt_liquidations": self.bankrupt,
            "deficit": quote(self.deficit),
            "insurance_paid": quote(self.insurance_paid),
            "bad_debt": quote(self.uninsured),
        }


@dataclass
class Groups:
    """`of`: an account's group; others are not counted. `listed`: the most leverage that parameters give a group."""

    of: dict[bytes, str] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    found: dict[str, Group] = field(default_factory=lambda: defaultdict(Group))

    def join(self, account: bytes, name: str, rate: int) -> None:
        """`rate`: the group's initial margin without volatility, bps."""
        self.of[account] = name
        self.listed[name] = f"{10_000 / rate:.1f}"
        self.found[name].accounts += 1

    def event(self, event: Event) -> None:
        name = self.of.get(event.args.get("target", b""))
        if name is None:
            return
        group = self.found[name]
        if event.name == "Liquidated":
            group.liquidations += 1
            group.bankrupt += event.args["equity"] < 0
        elif event.name == "InsurancePaid":
            group.insurance_paid += event.args["amount"]
        elif event.name == "LossRecognised":
            group.deficit += event.args["deficit"]
            group.uninsured += event.args["deficit"] - event.args["insured"]

    def data(self) -> dict[str, Any]:
        return {name: group.data() for name, group in self.found.items()}

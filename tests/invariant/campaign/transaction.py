"""A transaction that took effect: what was sent, the books before and after, and what its actions imply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from campaign.actions import Act
from campaign.arena import Arena
from campaign.book import Book
from plimsoll import contracts

WATCHED = (
    "Liquidated(bytes32,bytes32,uint256,int256,uint256,uint256,uint256)",
    "InsurancePaid(bytes32,bytes32,uint256)",
    "LossWrittenDown(bytes32,uint256,uint256)",
    "MarginCalled(bytes32,uint256,int256,uint256,uint256)",
    "Traded(bytes32,uint256,int256,uint256,int256,uint256)",
    "DepositRequested(uint256,address,address,uint256,uint256)",
    "RedeemRequested(uint256,address,address,uint256,uint256)",
    "DepositExecuted(uint256,address,uint256,uint256)",
    "RedeemExecuted(uint256,address,uint256,uint256)",
    "RequestReclaimed(uint256,address)",
    "PricesStored(uint256[])",
    "PriceRejected(uint256,uint256,uint256,uint256,uint256)",
    "Settled(bytes32,uint256,int256)",
    "MarginCallCleared(bytes32)",
    "LiquidationSkipped(bytes32,int256,uint256)",
    "LiquidationClock(bytes32,uint256)",
    "RequestPassedOver(uint256,uint8)",
    "Called(bytes32,address,uint256,uint256)",
    "OperatorCost(bytes32,address,uint256,uint256)",
    "InsuranceWindowSpent(uint256,uint256,uint256)",
    "DebtInsuranceSpent(uint256,uint256,uint256)",
    "LossRecognised(bytes32,uint256,uint256)",
    "PoolPaid(uint256,uint256,uint256)",
    "SideCharged(uint256,uint256,bool,uint256,uint256,int256)",
    "SideShrunk(uint256,uint256,bool,uint256,uint256,int256)",
    "Deleveraged(uint256,bool,uint256,uint256,int256,uint256)",
    "LendersLost(uint256,uint256,uint256)",
    "DebtForgiven(bytes32,uint256,uint256,uint256,uint256)",
    "LendingTotals(uint256,uint256,uint256,uint256)",
    "SharesChanged(bytes32,uint256,uint256,uint256)",
    "MarketClosingOpened(uint256,uint256)",
    "MarketFinal(uint256,uint256)",
    "WithdrawalQueued(uint256,address,uint256)",
    "WithdrawalProcessed(uint256,address,uint256,bool)",
    "ParameterRamped(uint256,uint256,uint256)",
    "Withdrawn(bytes32,uint256,address,uint256)",
)
TOPICS = {contracts.topic(signature): signature.partition("(")[0] for signature in WATCHED}


@dataclass
class Risk:
    strict: bool = False
    removed: bool = False


@dataclass
class Tx:
    """One transaction that took effect."""

    label: str
    sender: str
    actors: frozenset[str]
    start: Book
    before: Book
    after: Book
    logs: Any
    pending_before: dict[int, tuple[str, str, int]]
    is_batch: bool = False
    reducing: bool = False
    accounts: set[bytes] = field(default_factory=set)
    traders: set[bytes] = field(default_factory=set)
    targets: set[bytes] = field(default_factory=set)
    operated: set[bytes] = field(default_factory=set)
    risk: dict[bytes, Risk] = field(default_factory=dict)
    contributed: set[int] = field(default_factory=set)
    orders: list[dict[str, Any]] = field(default_factory=list)
    removed: set[bytes] = field(default_factory=set)
    rounded: set[bytes] = field(default_factory=set)  # repaid or recalled, and so lost a share and a unit
    borrowed: dict[int, int] = field(default_factory=dict)  # by asset, where nothing was paid back
    supplied: set[int] = field(default_factory=set)
    commons: int = 0
    _events: dict[str, list[Any]] | None = None

    def found(self, name: str) -> list[Any]:
        """The watched events of that name."""
        if self._events is None:
            self._events = {}
            for log in self.logs:
                if log.topics and log.topics[0] in TOPICS:
                    event = contracts.decode_event(log)
                    self._events.setdefault(event.name, []).append(event)
        return self._events.get(name, [])

    def executed(self) -> list[int]:
        """LP requests that were executed, by id."""
        return [event.args["id"] for name in ("DepositExecuted", "RedeemExecuted") for event in self.found(name)]


def classify(arena: Arena, tx: Tx, action: Act) -> None:
    """What the engine should have found out about each account, worked out from the actions alone."""
    name, account, about = action.name, action.account, action.about
    owner = arena.owner(account)
    if name == "settle":
        tx.contributed.add(about["market"])
        tx.targets |= set(about["accounts"])
        return
    tx.accounts.add(account)
    if name == "deposit":
        tx.supplied.add(about["asset"])
        return
    if name in ("borrow", "repay", "lend", "recall"):
        tx.rounded.add(account)
    if owner == tx.sender:
        tx.actors |= {owner}
    if name == "trade":
        tx.traders.add(account)
        tx.orders.append(about)
        if owner != tx.sender:
            tx.operated.add(account)
            tx.actors |= {owner}
        if not tx.found("Liquidated"):
            tx.contributed.add(about["market"])
        risk = tx.risk.setdefault(account, Risk())
        sizes = tx.__dict__.setdefault("sizes", {})
        key = (account, about["market"])
        old = sizes.get(key, tx.before.size(*key))
        new = sizes[key] = old + about["size"]
        opening = abs(new) > abs(old) or new * old < 0
        if opening and not tx.found("Liquidated") and "moved" not in tx.__dict__:
            risk.strict = True
    elif name in ("borrow", "lend"):
        tx.removed.add(account)
        tx.risk.setdefault(account, Risk()).strict = True
        if name == "borrow" and not tx.__dict__.get("repaid"):
            tx.borrowed[about["asset"]] = tx.borrowed.get(about["asset"], 0) + about["amount"]
    elif name == "repay":
        tx.__dict__["repaid"] = True
        tx.borrowed.clear()
    elif name in ("withdraw", "exchange"):
        tx.removed.add(account)
        risk = tx.risk.setdefault(account, Risk())
        risk.strict = risk.removed = True
    elif name in ("transfer", "move"):
        tx.removed.add(account)
        risk = tx.risk.setdefault(account, Risk())
        risk.strict = risk.removed = True
        tx.risk.setdefault(about["to"], Risk()).strict = True
        tx.accounts.add(about["to"])
        tx.__dict__["moved"] = True
    elif name == "liquidate":
        tx.risk.setdefault(account, Risk())
        tx.targets.add(about["target"])
    elif name == "call":
        tx.targets.add(about["target"])

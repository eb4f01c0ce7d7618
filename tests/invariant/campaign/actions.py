"""The actions of a batch, as steps build them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from campaign.arena import Arena
from plimsoll import actions as act


class Act(NamedTuple):
    """One action of a batch with what the checks need to know of it."""

    name: str
    account: bytes
    raw: act.Action
    about: dict[str, Any]


class Actions:
    """Builds them; `address` and the arena are those of the run."""

    arena: Arena

    def address(self, name: str) -> str:
        return (
            self.arena.world.admin if name == "admin" else self.arena.people.get(name) or self.arena.world.actor(name)
        )

    def deposit(self, account: bytes, asset: int, amount: int) -> Act:
        return Act("deposit", account, act.deposit(account, asset, amount), {"asset": asset, "amount": amount})

    def withdraw(self, account: bytes, asset: int, amount: int, to: str) -> Act:
        raw = act.withdraw(account, asset, amount, self.address(to))
        return Act("withdraw", account, raw, {"asset": asset, "amount": amount, "receiver": to})

    def transfer(self, account: bytes, to: bytes, asset: int, amount: int) -> Act:
        return Act("transfer", account, act.transfer(account, to, asset, amount), {"to": to, "amount": amount})

    def transfer_position(self, account: bytes, to: bytes, market: int, size: int) -> Act:
        raw = act.transfer_position(account, to, market, size)
        return Act("move", account, raw, {"to": to, "market": market, "size": size})

    def trade(self, account: bytes, market: int, size: int, **how: Any) -> Act:
        about = {"market": market, "size": size} | how
        return Act("trade", account, act.trade_perp(account, market, size, **how), about)

    def liquidate(self, account: bytes, target: bytes, fraction: int = act.WAD, **how: Any) -> Act:
        raw = act.liquidate(account, target, fraction, **how)
        return Act("liquidate", account, raw, {"target": target, "fraction": fraction})

    def margin_call(self, account: bytes, target: bytes, *, skip: bool = False) -> Act:
        return Act("call", account, act.margin_call(account, target, skip=skip), {"target": target})

    def settle(self, market: int, accounts: Sequence[bytes]) -> Act:
        return Act("settle", bytes(32), act.settle(market, accounts), {"market": market, "accounts": accounts})

    def borrow(self, account: bytes, asset: int, amount: int) -> Act:
        return Act("borrow", account, act.borrow(account, asset, amount), {"asset": asset, "amount": amount})

    def repay(self, account: bytes, asset: int, amount: int = act.MAX_UINT256) -> Act:
        return Act("repay", account, act.repay(account, asset, amount), {"asset": asset, "amount": amount})

    def lend(self, account: bytes, asset: int, amount: int) -> Act:
        return Act("lend", account, act.lend(account, asset, amount), {"asset": asset, "amount": amount})

    def recall(self, account: bytes, asset: int, amount: int = act.MAX_UINT256) -> Act:
        return Act("recall", account, act.recall(account, asset, amount), {"asset": asset, "amount": amount})

    def exchange(
        self, account: bytes, asset_in: int, amount: int, asset_out: int, least: int, target: str, data: bytes
    ) -> Act:
        raw = act.call(account, asset_in, amount, asset_out, least, target, data)
        return Act("exchange", account, raw, {"out": asset_out})


def shown(arena: Arena, actions: Sequence[Act]) -> str:
    """As they appear in a trace."""

    def value(item: Any) -> str:
        if isinstance(item, bytes) and len(item) == 32:
            return f"{arena.owner(item) or 'special'}:{item[20:23].hex()}/{item[-1]}"
        return str([value(entry) for entry in item]) if isinstance(item, list) else str(item)

    return "".join(
        f"\n        {a.name} {value(a.account)} " + " ".join(f"{k}={value(v)}" for k, v in a.about.items())
        for a in actions
    )

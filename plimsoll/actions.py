"""Builders for batches: each returns the (kind, account, data) that `execute` takes.

    engine.write("execute", batch([deposit(account, 0, 10**6), trade_perp(account, 1, 5 * 10**7)]), sender=owner)

Units are the engine's (docs/storage.md): sizes 1e-8 of a unit, prices 1e-10 quote, token amounts in the token's own
units, fractions and bonuses in WAD. Values that do not fit their field raise ValueError. Accounts are 32 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any

from plimsoll.abi import encoder

WAD = 10**18
MAX_UINT256 = (1 << 256) - 1
NO_MARKET = MAX_UINT256

Action = tuple[int, bytes, bytes]
Batch = tuple[bytes, bool, list[Action]]
#: An order's fields and its signature, as the ABI takes IOrderVerifier.SignedOrder.
SignedOrder = tuple[Any, ...]


class Kind(IntEnum):
    DEPOSIT = 0
    WITHDRAW = 1
    TRANSFER = 2
    TRADE_PERP = 3
    LIQUIDATE = 4
    MARGIN_CALL = 5
    SETTLE = 6
    CALL = 7
    BORROW = 8
    REPAY = 9
    LEND = 10
    RECALL = 11
    LIMIT = 12
    MATCH = 13
    SETTLE_OPTIONS = 14


_deposit = encoder("(uint256,uint256)")
_withdraw = encoder("(uint256,uint256,address)")
_transfer = encoder("(bytes32,uint256,uint256,uint256,int64)")
_trade_perp = encoder("(uint256,int64,uint256,uint256)")
_liquidate = encoder("((bytes32,uint256,uint256,bool,bytes))")
_margin_call = encoder("((bytes32,bool,bytes))")
_lending = encoder("(uint256,uint256)")
_limit = encoder("(uint256)")
_settle = encoder("((uint256,bytes32[]))")
_call = encoder("((uint256,uint256,uint256,uint256,address,bytes))")
_ORDER = "(bytes32,(uint64,int64)[],uint64,int128,uint32,uint256,uint64,uint32,uint32,address,bool)"
_match = encoder(f"((({_ORDER},bytes),({_ORDER},bytes),uint64,uint80[]))")
_settle_options = encoder("((uint256,uint256,bytes32[]))")


def deposit(account: bytes, asset: int, amount: int) -> Action:
    """Pulls `amount` of `asset` from the sender into `account`."""
    return (Kind.DEPOSIT, account, _deposit((asset, amount)))


def withdraw(account: bytes, asset: int, amount: int, to: str | bytes) -> Action:
    """Pays `amount` of a held balance to `to`."""
    return (Kind.WITHDRAW, account, _withdraw((asset, amount, to)))


def transfer(account: bytes, to: bytes, asset: int, amount: int) -> Action:
    """Moves collateral to another account of the same owner."""
    return (Kind.TRANSFER, account, _transfer((to, asset, amount, NO_MARKET, 0)))


def transfer_position(account: bytes, to: bytes, market: int, size: int) -> Action:
    """Moves `size` of a position, with its pro-rata cost, to another account of the same owner."""
    return (Kind.TRANSFER, account, _transfer((to, 0, 0, market, size)))


def trade_perp(
    account: bytes, market: int, size: int, limit_price: int | None = None, deadline: int = MAX_UINT256
) -> Action:
    """Trades `size` (positive buys). Without `limit_price` any fill price is accepted."""
    if limit_price is None:
        limit_price = (1 << 72) - 1 if size > 0 else 0
    return (Kind.TRADE_PERP, account, _trade_perp((market, size, limit_price, deadline)))


def transfer_option(account: bytes, to: bytes, instrument: int, size: int) -> Action:
    """Moves `size` of an option series to another account of the same owner."""
    return transfer_position(account, to, instrument, size)


def liquidate(
    account: bytes,
    target: bytes,
    fraction: int = WAD,
    min_bonus: int = 0,
    *,
    skip: bool = False,
    witness: bytes = b"",
) -> Action:
    """Takes up to `fraction` of `target` into `account`; with `skip` a healthy target is passed over.

    `witness` names the scenarios that prove a portfolio account to be liquidatable; empty evaluates all of them.
    """
    return (Kind.LIQUIDATE, account, _liquidate(((target, fraction, min_bonus, skip, witness),)))


def margin_call(account: bytes, target: bytes, *, skip: bool = False, witness: bytes = b"") -> Action:
    """Calls margin on `target`, or clears a call that has been cured; the bounty, without `witness`, to `account`."""
    return (Kind.MARGIN_CALL, account, _margin_call(((target, skip, witness),)))


def settle(market: int, accounts: Sequence[bytes]) -> Action:
    """Realises the perp PnL of `accounts` in `market`; list losers first."""
    return (Kind.SETTLE, bytes(32), _settle(((market, accounts),)))


def call(
    account: bytes, asset_in: int, amount_in: int, asset_out: int, min_out: int, target: str | bytes, data: bytes
) -> Action:
    """Spends up to `amount_in` at `target` through Executor and must bring back `min_out` of `asset_out`."""
    return (Kind.CALL, account, _call(((asset_in, amount_in, asset_out, min_out, target, data),)))


def borrow(account: bytes, asset: int, amount: int) -> Action:
    """Borrows `amount` of `asset` from its lenders, into what `account` holds."""
    return (Kind.BORROW, account, _lending((asset, amount)))


def repay(account: bytes, asset: int, amount: int = MAX_UINT256) -> Action:
    """Pays back `amount` of what `account` holds, or the whole debt when that is less."""
    return (Kind.REPAY, account, _lending((asset, amount)))


def lend(account: bytes, asset: int, amount: int) -> Action:
    """Lends `amount` of what `account` holds: it earns, and bears the asset's losses."""
    return (Kind.LEND, account, _lending((asset, amount)))


def recall(account: bytes, asset: int, amount: int = MAX_UINT256) -> Action:
    """Takes `amount` of what `account` lent back into what it holds, or all of it."""
    return (Kind.RECALL, account, _lending((asset, amount)))


def limit(account: bytes, max_leverage: int) -> Action:
    """The batch fails if it leaves `account` with more than `max_leverage`, hundredths."""
    return (Kind.LIMIT, account, _limit((max_leverage,)))


def match(maker: SignedOrder, taker: SignedOrder, size: int, prices: Sequence[int]) -> Action:
    """Fills `size` packages of two orders with each other, at `prices` per leg.

    Orders as plimsoll.signed_orders.SignedOrder.values has them; without a signature its owner sends the batch.
    """
    return (Kind.MATCH, bytes(32), _match(((maker, taker, size, prices),)))


def settle_options(market: int, expiry: int, accounts: Sequence[bytes]) -> Action:
    """Pays out what `accounts` have of the options of one expiry (minutes since 1970); list losers first."""
    return (Kind.SETTLE_OPTIONS, bytes(32), _settle_options(((market, expiry, accounts),)))


def batch(actions: Iterable[Action], prices: bytes = b"", reducing: bool = False) -> Batch:
    """What `execute` takes."""
    return (prices, reducing, list(actions))

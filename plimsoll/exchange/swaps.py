"""Routes through pools, and call data of Uniswap's SwapRouter and QuoterV2 for them.

Without a deadline and, inside a `Call`, without the router's own minimum: the engine measures what arrives and refuses
less than the `Call` promises (OutputBelowMinimum).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from plimsoll.abi import checksum, keccak
from plimsoll.actions import MAX_UINT256
from plimsoll.exchange.artifacts import load, pool_init_code_hash
from plimsoll.exchange.pair import Pair


@dataclass(frozen=True)
class Pool:
    """One pool: two assets by number, its fee in millionths, its address."""

    name: str
    base: int
    quote: int
    fee: int
    address: str
    pair: Pair = field(compare=False)

    def __repr__(self) -> str:
        return f"<Pool {self.name} {self.fee}>"

    def token(self, asset: int) -> str:
        return self.pair.base if asset == self.base else self.pair.quote

    def other(self, asset: int) -> int:
        return self.quote if asset == self.base else self.base


class Hop(NamedTuple):
    """Through `pool`, `asset` going in."""

    pool: Pool
    asset: int

    @property
    def zero_for_one(self) -> bool:
        return self.pool.pair.base_is_token0 == (self.asset == self.pool.base)

    @property
    def token_in(self) -> str:
        return self.pool.token(self.asset)

    @property
    def token_out(self) -> str:
        return self.pool.token(self.pool.other(self.asset))


Route = tuple[Hop, ...]


def pool_address(factory: str, pair: Pair, fee: int) -> str:
    """Where the factory creates the pool (CREATE2); nothing needs to be there."""
    salt = keccak(
        b"".join(bytes.fromhex(token[2:]).rjust(32, b"\0") for token in pair.tokens) + fee.to_bytes(32, "big")
    )
    return checksum(keccak(b"\xff" + bytes.fromhex(factory[2:]) + salt + pool_init_code_hash())[12:])


def path(route: Route, *, backwards: bool = False) -> bytes:
    """token, fee, token, …; exact output is asked for from the last token to the first."""
    steps = [(hop.token_in, hop.pool.fee, hop.token_out) for hop in route]
    if backwards:
        steps = [(out, fee, into) for into, fee, out in reversed(steps)]
    encoded = bytes.fromhex(steps[0][0][2:])
    for _, fee, token in steps:
        encoded += fee.to_bytes(3, "big") + bytes.fromhex(token[2:])
    return encoded


def exact_in(route: Route, amount: int, recipient: str, least: int = 0, limit: int = 0) -> bytes:
    """For SwapRouter: `amount` in, `least` out or more. `limit`: the sqrt price at which a single pool stops, or 0."""
    if len(route) == 1:
        hop = route[0]
        single = (hop.token_in, hop.token_out, hop.pool.fee, recipient, MAX_UINT256, amount, least, limit)
        return _router("exactInputSingle", single)
    return _router("exactInput", (path(route), recipient, MAX_UINT256, amount, least))


def exact_out(route: Route, amount: int, recipient: str, most: int) -> bytes:
    """For SwapRouter: `amount` out, at most `most` in."""
    if len(route) == 1:
        hop = route[0]
        single = (hop.token_in, hop.token_out, hop.pool.fee, recipient, MAX_UINT256, amount, most, 0)
        return _router("exactOutputSingle", single)
    return _router("exactOutput", (path(route, backwards=True), recipient, MAX_UINT256, amount, most))


def _router(function: str, values: tuple[object, ...]) -> bytes:
    return load()["SwapRouter"].function(function).encode((values,))


def quote_in(route: Route, amount: int) -> bytes:
    """For QuoterV2."""
    return load()["QuoterV2"].function("quoteExactInput").encode((path(route), amount))


def quote_out(route: Route, amount: int) -> bytes:
    return load()["QuoterV2"].function("quoteExactOutput").encode((path(route, backwards=True), amount))


def quote_to(hop: Hop, limit: int) -> tuple[bytes, bytes]:
    """For QuoterV2: what leaves and what enters a pool until its sqrt price is `limit`."""
    quoter, endless = load()["QuoterV2"], 1 << 127
    values = ((hop.token_in, hop.token_out, endless, hop.pool.fee, limit),)
    return (
        quoter.function("quoteExactInputSingle").encode(values),
        quoter.function("quoteExactOutputSingle").encode(values),
    )

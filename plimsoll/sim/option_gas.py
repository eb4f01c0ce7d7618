"""What a call or a liquidation by witness cost, and what it would have cost had every scenario been looked at.

The keeper's transaction once more on the state that it met (eth_simulateV1), with its witness and without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from plimsoll.abi import decoder, encoder, to_bytes
from plimsoll.actions import Action, Kind, batch, liquidate, margin_call
from plimsoll.chain.base import Receipt
from plimsoll.errors import PlimsollError
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_parameters import Kind as Volatility
from plimsoll.margin.portfolio_parameters import Parameters, Scenario

if TYPE_CHECKING:
    from plimsoll.sim.option_desk import OptionDesk

_EXECUTE = decoder("((bytes,bool,(uint8,bytes32,bytes)[]))")
_SPAN = encoder("(uint256,uint256)")
_ORDERS = {
    Kind.LIQUIDATE: decoder("((bytes32,uint256,uint256,bool,bytes))"),
    Kind.MARGIN_CALL: decoder("((bytes32,bool,bytes))"),
}
_WORDS = {
    Volatility.NONE: "volatility as it is",
    Volatility.UP: "volatility up",
    Volatility.DOWN: "volatility down",
    Volatility.LINEAR: "skew steeper",
    Volatility.ABSOLUTE: "both wings up",
    Volatility.JOINT_LINEAR: "skew steeper",
    Volatility.JOINT_ABSOLUTE: "both wings up",
}


class GasUnknown(PlimsollError):
    """The node did not answer what a transaction would have cost."""


class Compared(NamedTuple):
    """Gas with the witness and without; the witness, and what it names in words."""

    proven: int
    full: int
    witness: bytes
    scenarios: list[str]


def compare(desk: OptionDesk, receipt: Receipt, target: bytes) -> Compared:
    """Of what a mined transaction did to `target`. Without a witness both figures are the same."""
    rpc: Any = desk.chain.rpc  # type: ignore[attr-defined]
    raw = rpc.request("eth_getTransactionByHash", receipt.tx_hash)
    ((_, _, actions),) = _EXECUTE(to_bytes(raw["input"])[4:])
    place = next(n for n, action in enumerate(actions) if action[0] in _ORDERS and _order(action)[0] == target)
    kind, account, _ = actions[place]
    order = _order(actions[place])
    sender, block = raw["from"], receipt.block - 1

    def gas(witness: bytes) -> int:
        """Of the whole batch, hedges and all."""
        again = [*actions[:place], _again(kind, account, order, witness), *actions[place + 1 :]]
        return _gas(desk, sender, again, block)

    proven, full = (gas(witness) for witness in (bytes(order[-1]), b""))
    parameters = desk.deployment.parameters.portfolio
    assert parameters is not None
    return Compared(proven, full, bytes(order[-1]), named(parameters, bytes(order[-1]), feeds(desk)))


def _order(action: Any) -> Any:
    return _ORDERS[action[0]](action[2])[0]


def _again(kind: int, account: bytes, order: Any, witness: bytes) -> Action:
    if kind == Kind.LIQUIDATE:
        target, fraction, bonus, skip, _ = order
        return liquidate(account, target, fraction, bonus, skip=skip, witness=witness)
    return margin_call(account, order[0], skip=order[1], witness=witness)


def _gas(desk: OptionDesk, sender: str, actions: Sequence[Action], block: int) -> int:
    engine = desk.deployment.engine
    data = engine.encode("execute", batch(actions))
    call = {"from": sender, "to": engine.address, "input": "0x" + data.hex(), "gas": hex(30_000_000)}
    request = {"blockStateCalls": [{"calls": [call]}]}
    answer = desk.chain.rpc.request("eth_simulateV1", request, hex(block))  # type: ignore[attr-defined]
    found = answer[0]["calls"][0]
    if int(found["status"], 16) != 1:
        raise GasUnknown(f"{engine.address}.execute fails on block {block}: {found.get('error')}")
    return int(found["gasUsed"], 16)


# ---------------------------------------------------------------- in words


def feeds(desk: OptionDesk) -> dict[int, str]:
    return {desk.feed(name): name for name in desk.markets}


def named(parameters: Parameters, witness: bytes, names: dict[int, str]) -> list[str]:
    """ "BTC: spot −13.5 %, volatility up", and "together: …" for the joint term."""
    found = []
    heads = ["together", *(names.get(u.feed, f"feed {u.feed}") for u in parameters.underlyings)]
    for place, head in enumerate(heads[: len(witness)]):
        k, underlying = witness[place], parameters.underlyings[max(place - 1, 0)]
        if k > len(underlying.scenarios):
            continue
        text = "basis" if k == len(underlying.scenarios) else scenario(underlying.scenarios[k])
        found.append(f"{head}: {text}")
    return found


def scenario(shock: Scenario) -> str:
    move = 100 * (shock.spot - WAD) / WAD
    spot = f"spot {'+' if move > 0 else '−'}{abs(move):g} %" if move else "spot as it is"
    damped = f", counted {100 * shock.damping / WAD:g} %" if shock.damping != WAD else ""
    return f"{spot}, {_WORDS[shock.kind]}{damped}"

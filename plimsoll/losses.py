"""Losses as they were recognised: who paid how much of what a bankrupt account lacked, read from the engine's events.

    for loss in losses.read(deployment, first, last):
        loss.deficit, [(step.payer, step.amount) for step in loss.steps]

Payers of a market's part: insurance, the pool up to its allocation, the winning side, the lenders of the quote asset,
and the pool again for what is left; of a debt's: insurance, the asset's reserve, insurance's holding, its lenders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plimsoll import contracts, units
from plimsoll.keeper.logs import name_of

if TYPE_CHECKING:
    from plimsoll.chain.rpc import RpcChain
    from plimsoll.deploy import Deployment

PAGE = 5_000  # blocks per request
EVENTS = ("LossRecognised", "SideCharged", "PoolPaid", "LendersLost", "DebtForgiven")


@dataclass(frozen=True, slots=True)
class Step:
    """One payer's part. `amount` is in whole units of `asset`, exact decimal text."""

    payer: str
    asset: str
    amount: str


@dataclass(slots=True)
class Loss:
    """What one slice of a bankrupt account lacked. `deficit` and `insured`: quote, exact decimal text."""

    block: int
    account: str
    deficit: str
    insured: str
    steps: list[Step] = field(default_factory=list)


def read(deployment: Deployment, first: int, last: int) -> Iterator[Loss]:
    """All losses of blocks `first` to `last`, in order, in pages of `PAGE` blocks."""
    chain: RpcChain = deployment.chain  # type: ignore[assignment]
    topics = [_topics()]
    for start in range(first, last + 1, PAGE):
        page = chain.logs([deployment.engine.address], start, min(start + PAGE - 1, last), topics)
        found = ((block, contracts.decode_event(log)) for block, _, log in page)
        yield from collect(deployment, ((block, event) for block, event in found if event is not None))


def collect(deployment: Deployment, events: Iterable[tuple[int, contracts.Event]]) -> Iterator[Loss]:
    """Losses out of decoded events: each begins with LossRecognised and takes in what follows it."""
    loss: Loss | None = None
    for block, event in events:
        args = event.args
        if event.name == "LossRecognised":
            if loss is not None:
                yield loss
            deficit, insured = units.quote(args["deficit"]), units.quote(args["insured"])
            loss = Loss(block, name_of(args["target"]), deficit, insured)
            if args["insured"]:
                loss.steps.append(Step("insurance", _symbol(deployment, 0), insured))
        elif loss is not None and event.name in EVENTS:
            loss.steps += _steps(deployment, event.name, args)
    if loss is not None:
        yield loss


def _topics() -> list[str]:
    """Topic 0 of each of EVENTS."""
    entries = (entry for entry in contracts.load().entries("event") if entry["name"] in EVENTS)
    signatures = {f"{e['name']}({','.join(field['type'] for field in e['inputs'])})" for e in entries}
    return sorted("0x" + contracts.topic(signature).hex() for signature in signatures)


def _steps(deployment: Deployment, name: str, args: dict[str, Any]) -> list[Step]:
    parts: tuple[tuple[str, int], ...]
    if name == "SideCharged":
        side = "longs" if args["long"] else "shorts"
        payer = f"{side} of {_market(deployment, args['market'])}"
        return [Step(payer, _symbol(deployment, 0), units.quote(args["amount"]))]
    if name == "PoolPaid":
        market, quote = _market(deployment, args["market"]), _symbol(deployment, 0)
        parts = ((f"pool, {market}", args["amount"]), (f"pool beyond its allocation, {market}", args["beyond"]))
        return [Step(payer, quote, units.quote(amount)) for payer, amount in parts if amount]
    asset = args["asset"]
    symbol, decimals = _symbol(deployment, asset), deployment.parameters.assets[asset].decimals
    if name == "LendersLost":
        shares = [(f"lenders of {symbol}", args["amount"])]
    else:
        shares = [(f"reserve of {symbol}", args["fromReserve"]), (f"insurance's {symbol}", args["fromInsurance"])]
    return [Step(payer, symbol, units.show(amount, decimals)) for payer, amount in shares if amount]


def _symbol(deployment: Deployment, asset: int) -> str:
    return deployment.parameters.assets[asset].symbol


def _market(deployment: Deployment, market: int) -> str:
    return deployment.parameters.markets[market].symbol

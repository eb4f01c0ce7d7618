"""Options of `plimsoll keeper` about accounts with options, which its commands share.

@takes(about_options)
def run(rpc: Rpc, …, **given: Any): …           `given` has what about_options names
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from plimsoll import units

F = TypeVar("F", bound=Callable[..., Any])

Hedge = Annotated[
    bool,
    typer.Option(
        "--hedge/--no-hedge",
        envvar="PLIMSOLL_KEEPER_HEDGE",
        help="Trade perps against the delta of the options that it holds.",
    ),
]
HedgeBand = Annotated[
    int,
    typer.Option(
        "--hedge-band",
        envvar="PLIMSOLL_KEEPER_HEDGE_BAND",
        help="Bps of the portfolio account's equity that its delta may be worth.",
    ),
]
HedgeSlippage = Annotated[
    int,
    typer.Option(
        "--hedge-slippage",
        envvar="PLIMSOLL_KEEPER_HEDGE_SLIPPAGE",
        help="Bps by which a hedge may be filled worse than index.",
    ),
]
HedgeLeast = Annotated[
    str,
    typer.Option("--hedge-least", envvar="PLIMSOLL_KEEPER_HEDGE_LEAST", help="Quote; smaller hedges are not sent."),
]
Headroom = Annotated[
    int,
    typer.Option(
        "--headroom",
        envvar="PLIMSOLL_KEEPER_HEADROOM",
        help="Bps of its initial margin that the portfolio account keeps free when it takes options.",
    ),
]
Settle = Annotated[
    str,
    typer.Option(
        "--settle",
        envvar="PLIMSOLL_KEEPER_SETTLE",
        help="Expiries to look after: own (its options, and who pays for them), all, or off.",
    ),
]
ObserveEvery = Annotated[
    int,
    typer.Option(
        "--observe-every",
        envvar="PLIMSOLL_KEEPER_OBSERVE_EVERY",
        help="Seconds between looks at a price that an expiry settles at.",
    ),
]
OptionGas = Annotated[
    int,
    typer.Option(
        "--option-gas", envvar="PLIMSOLL_KEEPER_OPTION_GAS", help="Most gas of one transaction about options."
    ),
]
Orders = Annotated[
    Path | None,
    typer.Option(
        "--orders",
        envvar="PLIMSOLL_KEEPER_ORDERS",
        help="File or folder (*.json) of signed orders that it may fill to sell what it holds.",
    ),
]
OrderDiscount = Annotated[
    int,
    typer.Option(
        "--order-discount",
        envvar="PLIMSOLL_KEEPER_ORDER_DISCOUNT",
        help="Bps of the mark that it gives up to sell; the fee comes on top.",
    ),
]


def about_options(
    hedge: Hedge = True,
    hedge_band: HedgeBand = 500,
    hedge_slippage: HedgeSlippage = 100,
    hedge_least: HedgeLeast = "100",
    headroom: Headroom = 1_000,
    settle: Settle = "own",
    observe_every: ObserveEvery = 60,
    option_gas: OptionGas = 12_000_000,
    orders: Orders = None,
    order_discount: OrderDiscount = 100,
) -> dict[str, Any]:
    """As Settings takes them."""
    given = dict(locals())
    return given | {"hedge_least": units.parse(hedge_least, units.WAD_DECIMALS, "hedge-least")}


def takes(more: Callable[..., Any]) -> Callable[[F], F]:
    """Gives a command that ends in `**given` the parameters of `more` besides its own: typer reads signatures."""

    def decorate(command: F) -> F:
        own, others = (inspect.signature(function, eval_str=True) for function in (command, more))
        kept = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        parameters = [*kept, *others.parameters.values()]
        command.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": own.return_annotation}
        return command

    return decorate

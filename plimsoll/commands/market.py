"""plimsoll market volatility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from plimsoll import units
from plimsoll.commands.common import DIRECTORY, LOCAL_RPC, Deployments, Json, Rpc, emit, handled, read_only

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

market_app = typer.Typer(help="Markets and the feeds under them.", no_args_is_help=True)
HEADER = ("feed", "σ", "σ_ref", "IM", "MM", "cap", "sampled", "ramp")


def register(app: typer.Typer) -> None:
    market_app.command()(volatility)
    app.add_typer(market_app, name="market")


@market_app.callback()
def _group() -> None:
    """Keeps `volatility` a subcommand while it is the only one."""


@handled
def volatility(rpc: Rpc = LOCAL_RPC, deployments: Deployments = DIRECTORY, as_json: Json = False) -> None:
    """How much each feed moves, and what that makes of its margins: σ, multipliers, and the end of MM's ramp.

    Example: plimsoll market volatility --json
    """
    deployment = read_only(rpc, deployments)
    number, time = deployment.chain.block()
    data = {"block": number, "time": time, "feeds": _feeds(deployment, number)}
    emit(as_json, data, _lines(data))


def _feeds(d: Deployment, block: int) -> list[dict[str, Any]]:
    markets: dict[int, list[str]] = {}
    for market in d.parameters.markets:
        markets.setdefault(market.feed, []).append(market.symbol)
    found = []
    for feed in d.parameters.oracle.feeds:
        v = d.router.read("volatility", feed.number, block=block)
        found.append(
            {
                "feed": feed.number,
                "symbol": feed.symbol,
                "markets": markets.get(feed.number, []),
                "sigma_percent": units.show(v.sigma, 2),
                "sigma_ref_percent": units.show(v.sigmaRef, 2) if v.sigmaRef else None,
                "im_multiplier": _multiplier(v.imMultiplier),
                "mm_multiplier": _multiplier(v.mmMultiplier),
                "max_multiplier": units.show(v.maxMultiplier, 4),
                "half_life_hours": v.halfLife,
                "sampled_at": v.sampledAt,
                "ramp_end": v.rampEnd,
            }
        )
    return found


def _multiplier(fixed: int) -> str:
    """2^14 is one; rounded up, as margins are."""
    return units.show(-(-fixed * 10_000 // 2**14), 4)


def _lines(data: dict[str, Any]) -> list[str]:
    rows = [HEADER]
    for f in data["feeds"]:
        if f["sigma_ref_percent"] is None:
            rows.append((f["symbol"], "-", "off", f["im_multiplier"], f["mm_multiplier"], "-", "-", "-"))
            continue
        left = f["ramp_end"] - data["time"]
        rows.append(
            (
                f["symbol"],
                f"{f['sigma_percent']} %",
                f"{f['sigma_ref_percent']} %",
                f"{f['im_multiplier']}x",
                f"{f['mm_multiplier']}x",
                f"{f['max_multiplier']}x",
                f"{data['time'] - f['sampled_at']} s ago" if f["sampled_at"] else "never",
                f"{left} s left" if left > 0 else "done",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]

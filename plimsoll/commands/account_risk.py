"""plimsoll account greeks, plimsoll account heatmap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll import units
from plimsoll.accounts import AccountId
from plimsoll.commands.common import DIRECTORY, LOCAL_RPC, Deployments, Json, Rpc, emit, handled, read_only
from plimsoll.commands.status import account_app
from plimsoll.errors import BadInput

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

HEADER = ("underlying", "index", "options", "delta", "gamma", "vega", "theta/day")
Moves = tuple[float, ...]
FIELDS = ("marks", "delta", "gamma", "vega", "theta")

Account = Annotated[str, typer.Argument(metavar="ID", help="0xOWNER/cross/0, 0xOWNER/portfolio/0, or 32 bytes.")]


def register(app: typer.Typer) -> None:
    account_app.command()(greeks)
    account_app.command()(heatmap)


@handled
def greeks(account: Account, rpc: Rpc = LOCAL_RPC, deployments: Deployments = DIRECTORY, as_json: Json = False) -> None:
    """What moves an account, per underlying: options, perps, and what it holds, lends and owes of it.

    Delta in units of the underlying, gamma in units per quote of the index, vega in quote per 100 points of volatility,
    theta in quote per day.

    Example: plimsoll account greeks 0x70997970C51812dc3A010C7d01b50e0d17dc79C8/portfolio/0
    """
    identity = AccountId.parse(account)
    deployment = read_only(rpc, deployments)
    block = deployment.chain.block()[0]
    symbols = _symbols(deployment)
    rows = [
        {"feed": found.feed, "symbol": symbols[found.feed], "spot": units.price(found.spot)}
        | {name: units.quote(getattr(found, name)) for name in FIELDS}
        for found in deployment.option_lens.read("greeks", bytes(identity), block=block)
    ]
    data = {"account": str(identity), "id": "0x" + bytes(identity).hex(), "block": block, "underlyings": rows}
    emit(as_json, data, _greek_lines(rows))


def _greek_lines(rows: list[dict[str, Any]]) -> list[str]:
    from plimsoll.commands.tables import columns

    if not rows:
        return ["nothing moves this account"]
    shown = [HEADER]
    for row in rows:
        cells = (f"{float(row['spot']):,.2f}", f"{float(row['marks']):,.2f}", f"{float(row['delta']):,.4f}")
        rest = (f"{float(row['gamma']):.6g}", f"{float(row['vega']):,.2f}", f"{float(row['theta']):,.2f}")
        shown.append((row["symbol"], *cells, *rest))
    return columns(shown)


@handled
def heatmap(
    account: Account,
    underlying: Annotated[str | None, typer.Option("--underlying", help="Move this one only; all by default.")] = None,
    spots: Annotated[str | None, typer.Option("--spots", help="Moves of spot in percent: -30,-10,0,10,30.")] = None,
    vols: Annotated[str | None, typer.Option("--vols", help="Moves of volatility, of itself: -25,0,50.")] = None,
    png: Annotated[Path | None, typer.Option("--png", help="A picture, to this file.")] = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    as_json: Json = False,
) -> None:
    """What an account gains or loses when spot and volatility move, as a grid: text, JSON, and a picture with --png.

    Equity there less equity now, in quote, at index: options at their marks, perps, collateral and debts. Time stands
    still.

    Example: plimsoll account heatmap 0x7099…79C8/portfolio/0 --spots=-30,-15,0,15,30 --vols=-25,0,50 --png heat.png
    """
    from plimsoll.options import heatmap as grids

    identity = AccountId.parse(account)
    deployment = read_only(rpc, deployments)
    moves = _moves("spots", spots, grids.SPOTS), _moves("vols", vols, grids.VOLS)
    book = grids.read(deployment, bytes(identity))
    grid = grids.heatmap(book, *moves, _feed(deployment, underlying))
    data = {"account": str(identity), "id": "0x" + bytes(identity).hex(), "block": book.block}
    data |= {"underlying": underlying, "spot_moves": list(moves[0]), "vol_moves": list(moves[1])}
    data |= {"pnl": [[round(value, 6) for value in row] for row in grid]}
    if png is not None:
        _draw(png, grid, moves, str(identity), book.block)
        data["png"] = str(png)
    emit(as_json, data, _grid_lines(grid, *moves))


def _moves(name: str, text: str | None, default: Moves) -> Moves:
    """Shares, ascending; nothing falls by more than all of it."""
    if text is None:
        return default
    try:
        found = tuple(sorted({float(item) / 100 for item in text.split(",")}))
    except ValueError:
        raise BadInput(name, text, "write percentages with commas: -30,0,30") from None
    if found[0] < -1 or not all(abs(move) < 1e3 for move in found):
        raise BadInput(name, text, "a move lies between -100 and 100000 percent")
    return found


def _symbols(d: Deployment) -> dict[int, str]:
    return {feed.number: feed.symbol for feed in d.parameters.oracle.feeds}


def _feed(d: Deployment, symbol: str | None) -> int | None:
    if symbol is None:
        return None
    known = {name.lower(): number for number, name in _symbols(d).items()}
    if symbol.lower() not in known:
        raise BadInput("underlying", symbol, f"there are {', '.join(_symbols(d).values())}")
    return known[symbol.lower()]


def _draw(path: Path, grid: list[list[float]], moves: tuple[Moves, Moves], name: str, block: int) -> None:
    from plimsoll.options.heatmap_chart import png
    from plimsoll.sim.files import write

    spots, vols = moves
    picture = png(grid, spots, vols, f"{name[:8]}…{name[38:]}: gains and losses", f"quote, at index, block {block}")
    try:
        write(path, picture)
    except OSError as error:
        raise BadInput("png", str(path), f"it cannot be written ({error.strerror})") from None


def _grid_lines(grid: list[list[float]], spots: Moves, vols: Moves) -> list[str]:
    from plimsoll.commands.tables import columns

    rows = [("spot", *(f"vol {100 * vol:+.0f} %" for vol in vols))]
    rows += [
        (f"{100 * spot:+.0f} %", *(f"{value:,.0f}" for value in row)) for spot, row in zip(spots, grid, strict=True)
    ]
    return columns(rows, right=True)

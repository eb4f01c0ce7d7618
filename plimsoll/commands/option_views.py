"""What option commands show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from plimsoll import units
from plimsoll.commands.tables import columns
from plimsoll.errors import BadInput
from plimsoll.margin.option_series import Series, SeriesInvalid, expiry_of
from plimsoll.options import board, series

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

YEAR = 365 * 86_400
WAD = 10**18
COLUMNS = ("call", "Δ", "strike", "vol %", "put", "Δ", "Γ", "vega", "Θ/day")


def chain_data(d: Deployment, market: int, expiry: str | None, strikes: list[int] | None, rows: int) -> dict[str, Any]:
    if d.parameters.markets[market].surfaces is None:
        symbols = [found.symbol for found in d.parameters.markets if found.surfaces]
        raise BadInput("market", d.parameters.markets[market].symbol, f"options are listed on {', '.join(symbols)}")
    block, time = d.chain.block()
    known = board.expiries(d, market, block=block)
    chosen = _choose(d, market, known, expiry)
    if strikes is None:
        at_forward = d.option_lens.read("quotes", [_around(d, market, chosen, block)], block=block)[0]
        years = max(chosen * 60 - time, 60) / YEAR
        strikes = board.strikes(at_forward.forward or at_forward.spot, at_forward.vol / WAD or 1.0, years, rows)
    try:
        pairs = [Series(market, chosen, k, put).instrument for k in strikes for put in (False, True)]
    except SeriesInvalid as error:
        raise BadInput("strikes", [units.price(k) for k in strikes], str(error)) from None
    found = board.quotes(d, pairs, block=block)
    head: dict[str, Any] = {
        "market": d.parameters.markets[market].symbol,
        "block": block,
        "time": time,
        "expiry": chosen,
    }
    first = found[0]
    head |= {"seconds": chosen * 60 - time, "index": units.price(_index(d, market, block))}
    head |= {"spot": units.price(first.spot), "forward": units.price(first.forward)}
    listed = [{"call": found[2 * n].data(), "put": found[2 * n + 1].data()} for n in range(len(strikes))]
    return head | {"surface": board.STATUS[first.status], "expiries": known, "strikes": listed}


def _choose(d: Deployment, market: int, known: list[int], expiry: str | None) -> int:
    if expiry is not None:
        return series.expiry(expiry)
    if not known:
        symbol = d.parameters.markets[market].symbol
        raise BadInput("market", symbol, "it has no surface: `plimsoll market import-chain` publishes some")
    return known[0]


def _around(d: Deployment, market: int, expiry: int, block: int) -> int:
    """A series whose strike is the spot, to seven digits."""
    spot = _index(d, market, block)
    digits = max(len(str(spot)) - 7, 0)
    return Series(market, expiry, spot // 10**digits * 10**digits, False).instrument


def _index(d: Deployment, market: int, block: int) -> int:
    feed = d.parameters.markets[market].feed
    price = int(d.router.read("read", [feed], block=block)[0] & (1 << 72) - 1)
    if not price:
        raise BadInput("feed", feed, "it has no price yet: send one (--price on a local chain)")
    return price


def show_chain(data: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(data, indent=1))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    days = data["seconds"] / 86_400
    title = f"{data['market']} options, {series.readable(data['expiry'])} UTC, {days:.2f} days"
    forward = f"index {float(data['index']):,.2f}, forward {float(data['forward']):,.2f}, surface {data['surface']}"
    if data["spot"] != data["index"]:
        forward += f"\nsettlement at {float(data['spot']):,.2f} if the index stays"
    table = Table(title=f"{title}\n{forward}", title_justify="left", title_style="", box=SIMPLE_HEAD)
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True, style="bold" if name == "strike" else "")
    for row in data["strikes"]:
        table.add_row(*_chain_row(row["call"], row["put"]))
    console = Console()
    console.print(table)
    others = [series.expiry_text(expiry) for expiry in data["expiries"] if expiry != data["expiry"]]
    console.print("other expiries: " + (", ".join(others) or "none"), highlight=False)


def _chain_row(call: dict[str, Any], put: dict[str, Any]) -> list[str]:
    cells = [f"{float(call['mark']):,.2f}", f"{float(call['delta']):.3f}"]
    cells += [f"{float(call['strike']):,g}", f"{100 * float(call['vol']):.1f}"]
    cells += [f"{float(put['mark']):,.2f}", f"{float(put['delta']):.3f}", f"{float(call['gamma']):.2g}"]
    return [*cells, f"{float(call['vega']):,.2f}", f"{float(call['theta']):,.2f}"]


def positions_data(d: Deployment, account: bytes, *, block: int | None = None) -> list[dict[str, Any]]:
    """One entry per series, by expiry and strike."""
    instruments, quantities = d.engine.read("options", account, block=block)
    symbols = [market.symbol for market in d.parameters.markets]
    found = []
    for quoted, quantity in zip(board.quotes(d, instruments, block=block), quantities, strict=True):
        entry: dict[str, Any] = {
            "series": series.text(quoted.instrument, symbols),
            "instrument": str(quoted.instrument),
        }
        entry |= {"expiry": expiry_of(quoted.instrument), "quantity": units.size(quantity)}
        found.append(entry | {"value": units.quote(quantity * quoted.mark)} | quoted.data())
    return found


def positions_lines(options: list[dict[str, Any]]) -> list[str]:
    return [f"{o['quantity']} {o['series']}, mark {o['mark']}, worth {o['value']}" for o in options]


def settle_lines(data: dict[str, Any]) -> list[str]:
    head = f"{data['market']} {series.readable(data['expiry'])} UTC"
    if not data["final"]:
        lines = [f"{head}: not final, {data['covered']} of {data['needed']} s seen"]
        if data["observation"]:
            lines.append(f"cannot be observed now: {data['observation']}")
        elif data["dry_run"]:
            lines.append("dry run: it would be observed; set PLIMSOLL_KEY, or --from on a local node, to send")
        else:
            lines.append("observed; call again in two minutes or less until it is final")
        return lines
    rows = [("account", "series", "worth", "paid", "left")]
    rows += [(r["account"], str(r["series"]), r["worth"], r["paid"] or "-", r["left"] or "-") for r in data["accounts"]]
    lines = [f"{head}: settled at {data['price']}"]
    lines += columns(rows) if data["accounts"] else ["no account has any of it"]
    if data["dry_run"] and data["accounts"]:
        lines.append("dry run: set PLIMSOLL_KEY, or --from on a local node, to settle them")
    return lines

"""plimsoll market import-chain: a recorded option chain becomes a market's surfaces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll import units
from plimsoll.commands.common import (
    DIRECTORY,
    LOCAL_RPC,
    Deployments,
    From,
    Json,
    Rpc,
    emit,
    handled,
    market_number,
)
from plimsoll.commands.market import market_app
from plimsoll.commands.sending import Session
from plimsoll.errors import BadInput

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment
    from plimsoll.options.snapshots import Imported

HEADER = ("expiry (UTC)", "days", "forward", "ATM vol", "fit error", "largest", "verdict")
At = Annotated[
    str | None, typer.Option("--at", help="Time of the chain on which the recording falls; its newest block's.")
]
Shift = Annotated[int | None, typer.Option("--shift", help="The same as seconds added to every time in the file.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write the report to this file instead of sending it.")]


def register(app: typer.Typer) -> None:
    market_app.command("import-chain")(import_chain)


@handled
def import_chain(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Option chain as CSV, gzip too (data/README.md).")],
    underlying: Annotated[str | None, typer.Option("--underlying", help="Of those in the file, such as ETH.")] = None,
    market: Annotated[
        str | None, typer.Option("--market", help="Symbol or number; the underlying's by default.")
    ] = None,
    at: At = None,
    shift: Shift = None,
    out: Out = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Fit a recorded option chain and publish it: index price and one surface per expiry, signed with the local keys.

    Times to expiry are kept: all times of the file move by as much as brings the recording to the chain's present, or
    to --at. A second recording keeps the first one's expiries with the --shift that the first import shows. Where the
    signers are not the local ones, --out FILE writes what they have to sign. Without a key: what would be said of it.

    Example: plimsoll market import-chain data/deribit_chain_20260204T213308Z.csv.gz --underlying ETH --from 0xf39F…2266
    """
    from plimsoll.options import publishing, snapshots
    from plimsoll.pricing.chain import load_chain

    chain = load_chain(file, underlying)
    session = Session.open(rpc, deployments, sender)
    d = session.deployment
    number = market_number(d, market or chain.underlying)
    rules = d.parameters.markets[number].surfaces
    if rules is None:
        raise BadInput("market", d.parameters.markets[number].symbol, "it has no rules for surfaces, so no options")
    moved = _shift(d, chain, at, shift)
    sending = out is None and not session.wallet.dry
    if sending:
        if publishing.signer_of(d) is None:
            raise BadInput("signers", list(d.parameters.oracle.signers), "their keys are not the local ones: use --out")
        index = round(chain.index * 10**units.PRICE_DECIMALS)
        publishing.post_index(d, d.parameters.markets[number].feed, index, session.asker)
    now = d.chain.block()[1]
    imported = snapshots.place(chain, number, rules, shift=moved, now=now)
    data: dict[str, Any] = {"dry_run": not sending, "market": number, "symbol": d.parameters.markets[number].symbol}
    if sending:
        keys = [quoted.key for quoted in imported.quoted]
        published = publishing.publish(d, publishing.signed(d, imported), keys, session.asker)
        verdicts = published.verdicts
        receipt = published.receipt
        data |= {"transaction": receipt.tx_hash, "block": receipt.block, "gas": receipt.gas_used}
    else:
        verdicts = dict(snapshots.judge(imported, rules, now))
        if out is not None:
            data["report"] = _write(d, imported, out)
    data |= _data(imported, verdicts)
    emit(as_json, data, _lines(data))


def _shift(d: Deployment, chain: Any, at: str | None, shift: int | None) -> int:
    from plimsoll.options import series, snapshots

    if at is not None and shift is not None:
        raise BadInput("shift", shift, "--at says the same: give one of them")
    if shift is not None:
        return shift
    return snapshots.shift_of(chain, d.chain.block()[1] if at is None else series.moment(at, "at"))


def _write(d: Deployment, imported: Imported, out: Path) -> str:
    """Signed as hex where the keys are known, else the fields to be signed as JSON."""
    from plimsoll.options import publishing
    from plimsoll.sim.files import write

    known = publishing.signer_of(d) is not None
    content = publishing.signed(d, imported).hex() if known else json.dumps(publishing.unsigned(d, imported), indent=1)
    try:
        write(out, content + "\n")
    except OSError as error:
        raise BadInput("out", str(out), f"it cannot be written ({error.strerror})") from None
    return "signed" if known else "unsigned"


def _data(imported: Imported, verdicts: Any) -> dict[str, Any]:
    rows = []
    for placed in imported.expiries:
        quoted, fitted = placed.quoted, placed.fitted
        refusal = verdicts.get(quoted.key)
        rows.append(
            {
                "expiry": quoted.expiry,
                "days": round((quoted.expiry * 60 - imported.published_at) / 86_400, 3),
                "forward": units.price(quoted.surface.fit.forward_ref),
                "rate": units.quote(quoted.surface.terms.rate),
                "atm_vol": round(placed.at_the_money, 6),
                "quotes": fitted.miss.quotes,
                "fit_error_points": round(fitted.miss.vol_rms, 4),
                "largest_error_points": round(fitted.miss.vol_max, 4),
                "accepted": refusal is None,
                "reason": refusal,
            }
        )
    head = {"underlying": imported.underlying, "index": units.price(imported.index), "shift": imported.shift}
    rest = {"skipped": list(imported.skipped), "past": list(imported.gone)}
    return head | {"published_at": imported.published_at, "expiries": rows} | rest


def _lines(data: dict[str, Any]) -> list[str]:
    from plimsoll.commands.tables import columns
    from plimsoll.options.series import readable

    said = ("would be accepted", "would be rejected") if data["dry_run"] else ("accepted", "rejected")
    rows = [HEADER]
    for row in data["expiries"]:
        verdict = said[0] if row["accepted"] else f"{said[1]}: {row['reason']}"
        vol, error, most = f"{100 * row['atm_vol']:.2f} %", row["fit_error_points"], row["largest_error_points"]
        shown = (readable(row["expiry"]), f"{row['days']:.2f}", f"{float(row['forward']):,.2f}", vol)
        rows.append((*shown, f"{error:.2f}", f"{most:.2f}", verdict))
    head = f"{data['underlying']} at {data['index']} for market {data['symbol']}; times moved by {data['shift']} s"
    lines = [head, *columns(rows)]
    lines += [f"skipped {readable(expiry)}: too few quotes" for expiry in data["skipped"]]
    if data["past"]:
        lines.append(f"{len(data['past'])} expiries are past")
    if data.get("report"):
        return [*lines, f"the report ({data['report']}) was written and nothing was sent"]
    if data["dry_run"]:
        return [*lines, "dry run: set PLIMSOLL_KEY, or --from on a local node, to publish"]
    return [*lines, f"published in block {data['block']}: {data['transaction']} ({data['gas']:,} gas)"]

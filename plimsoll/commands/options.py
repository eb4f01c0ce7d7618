"""plimsoll option chain, quote, trade, settle, positions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll import units
from plimsoll.accounts import AccountId
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
    read_only,
)
from plimsoll.commands.sending import Prices, Report, Session, chosen_prices, prologue
from plimsoll.errors import BadInput

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment
    from plimsoll.options.trading import Fill
    from plimsoll.previews import Preview

option_app = typer.Typer(help="Options: prices, orders, fills, settlement.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(metavar="ID", help="0xOWNER/cross/0, 0xOWNER/portfolio/0, or 32 bytes.")]
Market = Annotated[str, typer.Argument(help="Symbol or number.")]
Size = Annotated[str | None, typer.Option("--size", help="Packages of the legs; one, or what is left.")]
Limit = Annotated[str | None, typer.Option("--limit", help="Most to pay per package; negative: least to receive.")]
NAMES = ("equity", "im", "mm", "notional")


def register(app: typer.Typer) -> None:
    for command in (chain, quote, trade, settle, positions):
        option_app.command()(command)
    app.add_typer(option_app, name="option")


@handled
def chain(
    market: Market,
    expiry: Annotated[str | None, typer.Option("--expiry", help="UTC; the nearest by default.")] = None,
    strikes: Annotated[str | None, typer.Option("--strikes", help="Such as 2800,3000,3200.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, max=101, help="Strikes to choose around the money.")] = 13,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    as_json: Json = False,
) -> None:
    """Marks, volatilities and Greeks by strike, of one expiry of a market, as the contracts have them now.

    Example: plimsoll option chain ETH --expiry 2026-12-25 --strikes 2800,3000,3200
    """
    from plimsoll.commands.option_views import chain_data, show_chain

    deployment = read_only(rpc, deployments)
    number = market_number(deployment, market)
    chosen = None
    if strikes is not None:
        chosen = [units.parse(strike, units.PRICE_DECIMALS, "strike") for strike in strikes.split(",")]
    data = chain_data(deployment, number, expiry, chosen, rows)
    show_chain(data, as_json)


@handled
def positions(
    account: Account, rpc: Rpc = LOCAL_RPC, deployments: Deployments = DIRECTORY, as_json: Json = False
) -> None:
    """The options of an account with their marks, what they are worth and what moves them.

    Example: plimsoll option positions 0x70997970C51812dc3A010C7d01b50e0d17dc79C8/portfolio/0
    """
    from plimsoll.commands.option_views import positions_data, positions_lines

    identity = AccountId.parse(account)
    deployment = read_only(rpc, deployments)
    data: dict[str, Any] = {"account": str(identity), "options": positions_data(deployment, bytes(identity))}
    emit(as_json, data, positions_lines(data["options"]) or ["no options"])


@handled
def quote(
    account: Account,
    legs: Annotated[list[str], typer.Argument(metavar="LEG…", help="SERIES:QUANTITY per package; negative sells.")],
    limit: Limit = None,
    size: Size = None,
    valid: Annotated[int, typer.Option("--valid", min=1, help="Seconds for which the order is good.")] = 300,
    taker: Annotated[str | None, typer.Option("--taker", help="Owner of the only account that may take it.")] = None,
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="No leg may grow.")] = False,
    group: Annotated[int, typer.Option("--group", help="Cancelled together with the others of this number.")] = 0,
    nonce: Annotated[int | None, typer.Option("--nonce", help="Chosen by the clock unless given.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="File for the signed order.")] = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Sign an order for others to fill with `option trade`; at the marks of now unless --limit says otherwise.

    A leg is SERIES:QUANTITY: ETH-20261225T0800-3000-C:1 buys a call, ETH-PERP:-0.5 sells half a perp. Without a key:
    the order that is to be signed, such as for a request for quotes.

    Example: plimsoll option quote 0x7099…79C8/cross/0 ETH-20261225T0800-3000-C:-1 --limit=-120 --out ask.json
    """
    from plimsoll.options import trading
    from plimsoll.orders import ANYONE
    from plimsoll.signed_orders import SignedOrder

    session = Session.open(rpc, deployments, sender)
    d, identity = session.deployment, AccountId.parse(account)
    parsed = trading.parse_legs(d, legs)
    at_mark = trading.marks(d, parsed)
    fair = trading.package_price(parsed, at_mark)
    wanted = trading.to_limit(fair) if limit is None else units.parse(limit, units.PRICE_DECIMALS, "limit")
    order = trading.order_of(
        bytes(identity),
        parsed,
        trading.Terms.read(d, identity.owner, group=group, nonce=nonce),
        size=units.parse(size or "1", units.SIZE_DECIMALS, "size"),
        limit=wanted,
        expiry=d.chain.block()[1] + valid,
        taker=taker or ANYONE,
        reduce_only=reduce_only,
    )
    domain = trading.domain_of(d)
    signed = SignedOrder(order, _signature(session, order, domain), domain)
    data: dict[str, Any] = {
        "signed": bool(signed.signature),
        "hash": "0x" + signed.digest.hex(),
        "order": signed.to_json(),
    }
    data |= {"mark": units.quote(fair), "legs": trading.leg_data(d, parsed, at_mark)}
    if out is not None:
        _write_order(out, signed.text())
    said = "signed" if signed.signature else "not signed: set PLIMSOLL_KEY, or --from on a local node"
    lines = [f"{leg['quantity']} {leg['series']}, mark {leg['mark']}" for leg in data["legs"]]
    lines.append(f"a package is worth {data['mark']}, limit {units.price(order.limit)}; {said}")
    emit(as_json, data, [*lines, f"written to {out}" if out else signed.text().rstrip()])


def _signature(session: Session, order: Any, domain: Any) -> bytes:
    """By PLIMSOLL_KEY, or by the local node; empty without either."""
    from plimsoll.chain.signer import Signer

    wallet = session.wallet
    if wallet.address is None:
        return b""
    if order.owner != wallet.address:
        raise BadInput("account", str(AccountId.unpack(order.account)), f"its owner signs, not {wallet.address}")
    digest = domain.digest(order)
    if signer := (None if wallet.unlocked else Signer.find()):
        return signer.sign_digest(digest)
    text = wallet.chain.rpc.request("eth_signTypedData_v4", wallet.address, domain.typed_data(order))
    return bytes.fromhex(str(text).removeprefix("0x"))


def _write_order(out: Path, text: str) -> None:
    try:
        out.write_text(text)
    except OSError as error:
        raise BadInput("out", str(out), f"it cannot be written ({error.strerror})") from None


@handled
def trade(
    account: Account,
    order: Annotated[str, typer.Argument(metavar="ORDER", help="File with the maker's signed order; - is stdin.")],
    size: Size = None,
    limit: Limit = None,
    prices: Annotated[str | None, typer.Option("--prices", help="Per leg, in the order's order: 120.5,3000.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, and do not send.")] = False,
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Fill a signed order, with an account that takes the other side. Both margins are shown first, then it is sent.

    The legs are filled at the maker's limit, each as far from its mark, or at --prices. Without a key: dry run.

    Example: plimsoll option trade 0x3C44…93BC/cross/0 ask.json --price ETH=3000 --from 0x3C44…93BC
    """
    from plimsoll.options.trading import Fill, domain_of
    from plimsoll.signed_orders import SignedOrder

    session = Session.open(rpc, deployments, sender)
    d, identity = session.deployment, AccountId.parse(account)
    maker = SignedOrder.read(order, domain_of(d))
    prefix = prologue(d, report, price)
    fill = Fill.of(
        d,
        maker,
        bytes(identity),
        size=None if size is None else units.parse(size, units.SIZE_DECIMALS, "size"),
        prices=None if prices is None else [units.parse(p, units.PRICE_DECIMALS, "price") for p in prices.split(",")],
        limit=None if limit is None else units.parse(limit, units.PRICE_DECIMALS, "limit"),
        sender=session.wallet.address or identity.owner,
        report=prefix,
    )
    data = _fill_data(d, fill)
    lines = _fill_lines(data)
    if dry_run or session.wallet.dry:
        outcome = data["refusal"] or "would succeed"
        hint = "" if dry_run else "; set PLIMSOLL_KEY, or --from on a local node, to send"
        emit(as_json, {"dry_run": True} | data, [*lines, f"dry run: {outcome}{hint}"])
        return
    if fill.after.refusal:
        raise fill.after.refusal
    from plimsoll.actions import batch

    receipt = d.engine.write("execute", batch([fill.action], prefix), sender=session.asker)
    sent = {"transaction": receipt.tx_hash, "block": receipt.block, "gas": receipt.gas_used}
    done = f"done in block {receipt.block}: {receipt.tx_hash} ({receipt.gas_used:,} gas)"
    emit(as_json, {"dry_run": False} | data | sent, [*lines, done])


def _fill_data(d: Deployment, fill: Fill) -> dict[str, Any]:
    from plimsoll.options.trading import leg_data

    maker, taker = fill.maker.order.account, fill.taker.account
    legs = leg_data(d, fill.maker.order.legs, fill.at_mark)
    for leg, price in zip(legs, fill.prices, strict=True):
        leg["price"] = units.price(price)
    sides = {
        name: {"account": str(AccountId.unpack(account))}
        | {"before": _outcome(fill.before, account), "after": _outcome(fill.after, account)}
        for name, account in (("maker", maker), ("taker", taker))
    }
    refusal = str(fill.after.refusal) if fill.after.refusal else None
    return (
        {"size": units.size(fill.size), "maker_pays": units.quote(fill.premium), "legs": legs}
        | sides
        | {"refusal": refusal}
    )


def _outcome(found: Preview, account: bytes) -> dict[str, str] | None:
    outcome = found.outcomes.get(account)
    if outcome is None:
        return None
    return {name: units.quote(getattr(outcome, name)) for name in NAMES} | {"state": outcome.state.name}


def _fill_lines(data: dict[str, Any]) -> list[str]:
    from plimsoll.commands.tables import columns

    lines = [
        f"{data['size']} × {leg['quantity']} {leg['series']} at {leg['price']} (mark {leg['mark']})"
        for leg in data["legs"]
    ]
    lines.append(f"the maker pays {data['maker_pays']} in all, fees apart")
    rows: list[tuple[str, ...]] = [("", *NAMES, "state")]
    for side in ("maker", "taker"):
        for when in ("before", "after"):
            found = data[side][when]
            shown = [f"{float(found[name]):,.2f}" for name in NAMES] if found else ["-"] * len(NAMES)
            rows.append((f"{side} {when}", *shown, found["state"] if found else "refused"))
    return lines + columns(rows)


@handled
def settle(
    market: Market,
    expiry: Annotated[str, typer.Argument(help="UTC, such as 2026-12-25T08:00, or minutes since 1970.")],
    batch_size: Annotated[int, typer.Option("--batch", min=1, help="Accounts per transaction.")] = 20,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Observe an expiry's settlement price; when it is final, settle every account that has some of it, losers first.

    The price is a mean over the half hour before the expiry: call this every two minutes or so until it is final (20
    minutes must have been seen). Without a key: what there is to do.

    Example: plimsoll option settle ETH 2026-12-25T08:00 --price ETH=3000 --from 0xf39F…2266
    """
    from plimsoll.commands.option_views import settle_lines
    from plimsoll.options import series
    from plimsoll.options.rounds import Round

    session = Session.open(rpc, deployments, sender)
    number = market_number(session.deployment, market)
    found = Round(session.deployment, number, series.expiry(expiry), session.wallet.address)
    data = found.run(chosen_prices(session.deployment, price or []), batch_size)
    emit(as_json, data, settle_lines(data))

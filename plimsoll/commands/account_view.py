"""What `plimsoll account show` says of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plimsoll import units
from plimsoll.actions import batch
from plimsoll.leverage.text import HUNDREDTHS, flip_data, flip_text
from plimsoll.margin.account import Account, Snapshot, bits
from plimsoll.margin.flip_search import nearest
from plimsoll.margin.interest_math import amount_down, amount_up
from plimsoll.margin.option_series import market_of
from plimsoll.options.flips import nearest_of_options

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

NAMES = ("equity", "im", "im0", "mm", "notional", "exposure", "leverage")


def account_lines(data: dict[str, Any]) -> list[str]:
    lines = [f"{data['account']}: {data['state']}"]
    shown = ("equity", "im", "mm", "notional", "leverage")
    lines += [f"  {name} {data[name]}" for name in shown if data[name] is not None]
    for item in data["balances"]:
        lines.append(f"  {item['held']} {item['symbol']}")
        lines += [f"  {item[kind]} {item['symbol']} {kind}" for kind in ("lent", "owed") if item[kind] != "0"]
    lines += [f"  {item['size']} {item['symbol']}-PERP, cost {item['cost']}" for item in data["positions"]]
    options = data["options"]
    lines += [f"  {o['quantity']} {o['series']}, mark {o['mark']}, worth {o['value']}" for o in options]
    return lines + [f"  liquidation at {item['symbol']} {flip_text(item)}" for item in data["liquidation_prices"]]


def margin(d: Deployment, account: bytes, block: int) -> dict[str, Any]:
    from plimsoll.abi import checksum
    from plimsoll.previews import preview

    found = preview(d.engine, batch([]), [account], sender=checksum(account[:20]), block=block)
    outcome = found.outcomes.get(account)
    if outcome is None:
        return {"state": f"unknown: {found.refusal}", **dict.fromkeys(NAMES)}
    values = {name: units.quote(getattr(outcome, name)) for name in NAMES[:-1]}
    leverage = None if outcome.leverage is None else units.show(outcome.leverage, HUNDREDTHS)
    return {"state": outcome.state.name, **values, "leverage": leverage}


def holdings(d: Deployment, account: Account, snapshot: Snapshot) -> dict[str, Any]:
    from plimsoll.margin.account import DEBT, LENT, indices

    balances = []
    for n in bits(account.header.assets):
        asset, balance = d.parameters.assets[n], account.balances[n]
        debt_index, lent_index = indices(snapshot.lending[n], snapshot.time) if balance.kind else (0, 0)
        amounts = {
            "held": balance.held,
            "lent": amount_down(balance.shares, lent_index) if balance.kind == LENT else 0,
            "owed": amount_up(balance.shares, debt_index) if balance.kind == DEBT else 0,
        }
        shown = {name: units.show(amount, asset.decimals) for name, amount in amounts.items()}
        balances.append({"symbol": asset.symbol} | shown)
    positions = []
    for n in bits(account.header.markets):
        held, symbol = snapshot.touched(account.positions[n], n), d.parameters.markets[n].symbol
        positions.append({"symbol": symbol, "size": units.size(held.size), "cost": units.quote(held.cost)})
    deadline = account.header.call_deadline or None
    return {"margin_call_deadline": deadline, "balances": balances, "positions": positions}


def options(d: Deployment, account: Account, snapshot: Snapshot) -> list[dict[str, Any]]:
    """By expiry and strike, with their marks."""
    from plimsoll.commands.option_views import positions_data

    return positions_data(d, account.id, block=snapshot.block) if account.header.options else []


def liquidation_prices(d: Deployment, account: Account, snapshot: Snapshot) -> list[dict[str, Any]]:
    """Per feed that the account depends on, where its state flips; `liquidatable` now: where it no longer would be.

    With options there may be several such prices on a side: the nearest of those that a search in steps finds.
    """
    search = nearest_of_options if account.header.options else nearest
    feeds = {snapshot.assets[n].feed for n in bits(account.header.assets)}
    markets = {*bits(account.header.markets), *map(market_of, account.options)}
    feeds |= {snapshot.markets[n].risk.feed for n in markets}
    symbols = {feed.number: feed.symbol for feed in d.parameters.oracle.feeds}
    found = []
    for feed in sorted(feeds - {0}):
        if not snapshot.prices[feed].published_at:
            continue
        flip = search(account, snapshot, feed)
        if flip.below is None and flip.above is None:
            continue
        found.append({"feed": feed, "symbol": symbols[feed], "liquidatable": flip.liquidatable} | flip_data(flip))
    return found

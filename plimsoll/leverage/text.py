"""A plan for people and for JSON: decimal text in whole units, shares as such (0.05 is five percent)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plimsoll import units
from plimsoll.accounts import AccountId

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment
    from plimsoll.leverage.plan import LeverPlan
    from plimsoll.margin.flip_search import Flip
    from plimsoll.previews import Outcome

RATE_DECIMALS, PPM_DECIMALS, HUNDREDTHS = 13, 6, 2


def as_data(d: Deployment, what: str, plan: LeverPlan) -> dict[str, Any]:
    def amount(asset: int, value: int) -> str:
        return units.show(value, d.parameters.assets[asset].decimals)

    symbols = [asset.symbol for asset in d.parameters.assets]
    return {
        "plan": what,
        "account": str(AccountId.unpack(plan.account)),
        "block": plan.block,
        "asset": symbols[plan.asset],
        "debt_asset": symbols[plan.debt_asset],
        "before": _outcome(plan.before) | {"liquidation_price": flip_data(plan.liquidation_before)},
        "after": None
        if plan.after is None
        else _outcome(plan.after) | {"liquidation_price": flip_data(plan.liquidation_after)},
        "swap": _swap(d, plan),
        "borrowed": amount(plan.debt_asset, plan.borrowed),
        "repaid": amount(plan.debt_asset, plan.repaid),
        "borrow_rate": units.show(plan.borrow_rate, RATE_DECIMALS),
        "borrow_rate_after": units.show(plan.borrow_rate_after, RATE_DECIMALS),
        "break_even": units.show(plan.break_even, PPM_DECIMALS),
        "max_leverage": units.show(plan.max_leverage, HUNDREDTHS),
        "refusal": str(plan.refusal) if plan.refusal else None,
    }


def _swap(d: Deployment, plan: LeverPlan) -> dict[str, Any]:
    swap = plan.swap
    sold, bought = (d.parameters.assets[asset] for asset in (swap.asset_in, swap.asset_out))
    return {
        "in": f"{units.show(swap.amount_in, sold.decimals)} {sold.symbol}",
        "out": f"{units.show(swap.amount_out, bought.decimals)} {bought.symbol}",
        "most_in": units.show(swap.most_in, sold.decimals),
        "least_out": units.show(swap.least_out, bought.decimals),
        "impact_bps": swap.impact,
        "fee": units.quote(swap.fee),
        "cost": units.quote(plan.cost),
    }


def _outcome(found: Outcome) -> dict[str, Any]:
    leverage = found.leverage
    return {
        "leverage": None if leverage is None else units.show(leverage, HUNDREDTHS),
        "equity": units.quote(found.equity),
        "im": units.quote(found.im),
        "mm": units.quote(found.mm),
        "state": found.state.name,
    }


def flip_data(flip: Flip) -> dict[str, str | None]:
    return {
        "below": None if flip.below is None else units.price(flip.below),
        "above": None if flip.above is None else units.price(flip.above),
    }


def as_lines(data: dict[str, Any]) -> list[str]:
    before, after, swap = data["before"], data["after"] or {}, data["swap"]
    lines = [f"{data['plan']} {data['account']}: {data['asset']} against {data['debt_asset']}, block {data['block']}"]
    names = ("leverage", "equity", "im", "mm", "state")
    lines += [f"  {name:18}{_short(before[name])} → {_short(after.get(name))}" for name in names]
    prices = [flip_text(one.get("liquidation_price") or {}) for one in (before, after)]
    lines.append(f"  {'liquidation price':18}{prices[0]} → {prices[1]}")
    rates = [f"{float(data[name]) * 100:.2f} %" for name in ("borrow_rate", "borrow_rate_after")]
    lines.append(f"  {'borrow rate':18}{rates[0]} → {rates[1]} a year")
    lines.append(f"  {'borrowed, repaid':18}{data['borrowed']}, {data['repaid']} {data['debt_asset']}")
    lines.append(f"  {'swap':18}{swap['in']} → {swap['out']}")
    lines.append(f"  {'swap limits':18}at most {swap['most_in']} in, at least {swap['least_out']} out")
    lines.append(
        f"  {'swap cost':18}{_short(swap['cost'])}: impact {swap['impact_bps']} bps, of it fee {_short(swap['fee'])}"
    )
    lines.append(f"  {'break-even move':18}{float(data['break_even']) * 100:.3f} %")
    return [*lines, f"  {'leverage limit':18}{data['max_leverage']}"]


def flip_text(flip: Mapping[str, str | None]) -> str:
    found = [f"{side} {_short(flip[side])}" for side in ("below", "above") if flip.get(side) is not None]
    return " and ".join(found) or "none"


def _short(value: str | None) -> str:
    """Text for people: two decimals; the JSON has all of them."""
    try:
        return f"{float(value):,.2f}" if value is not None else "-"
    except ValueError:
        return str(value)

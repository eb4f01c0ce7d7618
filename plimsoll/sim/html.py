"""The report's page: figures first, then pictures, then tables. One file, no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

Data = dict[str, Any]

CSS = """
:root { --ink: #1b2a3a; --muted: #6b7a89; --line: #e3e8ed; --good: #128a7e; --bad: #c8382e; --paper: #ffffff; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f6f8; color: var(--ink); }
body { font: 16px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 28px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 20px; margin: 48px 0 8px; }
p { max-width: 74ch; margin: 8px 0; }
.note { color: var(--muted); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 12px; margin: 28px 0 12px; }
.tile { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
.tile b { display: block; font-size: 24px; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: 13px; }
.good b { color: var(--good); } .bad b { color: var(--bad); }
figure { margin: 16px 0; background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 12px; }
figure svg { width: 100%; height: auto; display: block; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; background: var(--paper); border: 1px solid var(--line); }
th, td { padding: 8px 12px; text-align: right; border-bottom: 1px solid var(--line); }
td { font-variant-numeric: tabular-nums; }
th { color: var(--muted); font-weight: 600; font-size: 13px; }
th:first-child, td:first-child { text-align: left; }
tr:last-child td { border-bottom: 0; }
"""

#: label, key of the result, whether it is money
ROWS = (
    ("trades", "trades", False),
    ("margin calls", "margin_calls", False),
    ("of these cured", "margin_calls_cured", False),
    ("liquidations", "liquidations", False),
    ("of these partial", "partial_liquidations", False),
    ("of these bankrupt", "bankrupt_liquidations", False),
    ("accounts liquidated", "accounts_liquidated", False),
    ("insurance at the end", "insurance_end", True),
    ("insurance paid", "insurance_paid", True),
    ("bad debt", "bad_debt", True),
    ("bad debt, at worst", "bad_debt_peak", True),
    ("owed when bankrupt, at worst", "open_deficit_peak", True),
    ("PnL of the pool", "pool_pnl", True),
    ("conservation error", "conservation_error", True),
    ("lowest health at a close", "min_health_unliquidated", False),
)


def document(
    data: Data,
    others: dict[str, Data],
    charts: dict[str, str],
    headline: tuple[str, str],
    by_step: dict[str, Data],
    opposite: Data | None,
    spot: list[str],
) -> str:
    head, note = headline
    parts = [f"<h1>{escape(head)}</h1>", f'<p class="note">{escape(note)}</p>', tiles(data)]
    parts += [f"<p>{escape(_steepest(data))}</p>"]
    parts += [_figure(charts, name) for name in ("prices", "actions", "insurance", "pool", "health")]
    parts += spot
    if opposite is not None:
        bare, kept = (data, opposite) if not data["setup"]["keeper"] else (opposite, data)
        parts += ["<h2>What the keeper prevents</h2>", f"<p>{escape(_prevented(bare, kept))}</p>"]
        parts += [_figure(charts, "deficits"), table({"with keeper": kept, "no keeper": bare})]
    if len(by_step) > 1:
        parts += ["<h2>The step decides what a keeper can do</h2>", f"<p>{escape(STEP_NOTE)}</p>"]
        parts += [_figure(charts, "steps"), table(by_step, largest=True)]
    parts += ["<h2>How to read this</h2>", *(f"<p>{escape(text)}</p>" for text in NOTES)]
    return shell(head, "\n".join(parts))


def shell(head: str, body: str) -> str:
    """A whole page around `body`, which is HTML already."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>Plimsoll replay: {escape(head)}'
        f"</title><style>{CSS}</style></head><body><main>\n{body}\n</main></body></html>\n"
    )


STEP_NOTE = (
    "Between two steps nobody can act: an account whose equity a single step eats is bankrupt before anyone sees it. "
    "The same people, prices and parameters, with other steps:"
)
NOTES = (
    "Prices are hourly candles; inside one the price moves in straight lines from open over the extremes to the close. "
    "Real markets jump, so a 1-minute step flatters and a 15-minute step exaggerates what a keeper is up against.",
    "Bad debt is loss that insurance did not cover: what was written down at liquidations, and what bankrupt accounts "
    "still owe at the end beyond what is left in the fund. Pool equity without a keeper counts such debts as if they "
    "were paid.",
    "Conservation is computed each step from the chain's own words: per asset what accounts hold and lend against the "
    "vault's tokens, and the PnL of all accounts against the pool's. Its largest error is shown, in quote.",
    "Traders, their leverage, orders and reactions to margin calls are drawn from the seed before the first step and "
    "are the same in every run on this page.",
)


def tiles(data: Data) -> str:
    bad, low = float(data["bad_debt"]), float(data["insurance_end"])
    items = [
        ("bad debt", full(data["bad_debt"]), "bad" if bad else "good"),
        ("insurance at the end", full(data["insurance_end"]), "good" if low > 0 else "bad"),
        ("insurance paid", full(data["insurance_paid"]), ""),
        ("margin calls (cured)", f"{data['margin_calls']} ({data['margin_calls_cured']})", ""),
        ("liquidations (partial)", f"{data['liquidations']} ({data['partial_liquidations']})", ""),
        ("steps from liquidatable to liquidated, p50 / p99 / max", _delay(data), ""),
        ("PnL of the pool", full(data["pool_pnl"]), ""),
        (
            "conservation error",
            full(data["conservation_error"]),
            "bad" if float(data["conservation_error"]) else "good",
        ),
    ]
    inner = "".join(
        f'<div class="tile {kind}"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value, kind in items
    )
    return f'<div class="tiles">{inner}</div>'


def table(runs: dict[str, Data], *, largest: bool = False) -> str:
    rows = []
    if largest:
        for symbol in next(iter(runs.values()))["prices"]["markets"]:
            cells = [f"{float(run['prices']['largest_step'][symbol]['change']):+.2%}" for run in runs.values()]
            rows.append((f"largest single step, {symbol}", cells))
    for name, key, is_money in ROWS:
        rows.append((name, [full(run[key]) if is_money else str(run[key]) for run in runs.values()]))
    return grid(("", *runs), rows)


def grid(header: Iterable[str], rows: Iterable[tuple[str, Iterable[str]]]) -> str:
    """A table; its first column names the rows."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(_row(*row) for row in rows)}</table></div>'


def _row(name: str, cells: Iterable[str]) -> str:
    return f"<tr><td>{escape(name)}</td>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _figure(charts: dict[str, str], name: str) -> str:
    return f"<figure>{charts[name]}</figure>" if name in charts else ""


def _delay(data: Data) -> str:
    delay = data["liquidation_delay_steps"]
    return f"{delay['p50']} / {delay['p99']} / {delay['max']}"


def _steepest(data: Data) -> str:
    steps = data["prices"]["largest_step"]
    falls = data["prices"]["largest_fall"]
    moves = [
        f"{symbol} {float(step['change']):+.2%} until {step['until']}, "
        f"the largest fall {float(falls[symbol]['change']):+.2%}"
        for symbol, step in steps.items()
    ]
    return f"Largest single step of {data['setup']['step_seconds']} s: {'; '.join(moves)}."


def _prevented(bare: Data, kept: Data) -> str:
    return (
        f"The same days and people with nobody keeping: at the worst moment {bare['bankrupt_accounts_peak']} accounts "
        f"are bankrupt and owe {full(bare['open_deficit_peak'])}, {full(bare['bad_debt_peak'])} more than insurance "
        f"holds; at the end {full(bare['open_deficit'])} are still owed. With the keeper the most that is owed at a "
        f"step's close is {full(kept['open_deficit_peak'])}, and insurance pays {full(kept['insurance_paid'])}."
    )


def full(text: str) -> str:
    """Whole quote units with thin grouping; cents below a hundred."""
    value = float(text)
    return f"{value:,.0f}" if abs(value) >= 100 or value == 0 else f"{value:,.2f}"

"""The three plans. Each reads one block, sizes its swap against the exchange, and lets the engine preview the batch."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from plimsoll import actions, units
from plimsoll.actions import Action
from plimsoll.deploy import Deployment
from plimsoll.exchange import Exchange, Quote
from plimsoll.leverage import rates
from plimsoll.leverage.book import Book
from plimsoll.leverage.errors import CannotLever
from plimsoll.leverage.finish import Draft, finished
from plimsoll.leverage.plan import LeverPlan
from plimsoll.margin.fixed_math import BPS, YEAR, ceil_div, positive
from plimsoll.previews import HUNDRED, leverage

SLIPPAGE = 50
#: Interest accrues until the batch is in a block: a whole debt is bought with that of so many seconds on top.
CUSHION = 3600
_ROUNDS = 10
_TOLERANCE = 10**5  # one part in so many of the equity
_RATE_ONE = 10**13

Leverage = str | int | float | Decimal
Swap = Callable[[int], Quote]
Excess = Callable[[int, Quote | None], int]


def plan_lever(
    deployment: Deployment,
    account: bytes,
    to: Leverage,
    *,
    asset: int | None = None,
    debt_asset: int | None = None,
    slippage: int = SLIPPAGE,
    max_leverage: Leverage | None = None,
    prices: bytes = b"",
) -> LeverPlan:
    """More of `asset`, bought with what is held of `debt_asset` (default: the quote asset), then with a loan of it.

    `to` and `max_leverage` as in 3.5; `slippage` in bps of what the swap is quoted now. `prices`: a signed report.
    Raises CannotLever, or NoRoute and TooLarge of the exchange.
    """
    book, goal = Book.read(deployment, account, prices), hundredths(to)
    asset, owed = book.assets(asset, debt_asset)
    exchange = Exchange.of(deployment)
    start = _excess(book, goal, owed, asset)
    book.require_fresh(asset, owed)
    _require_room_for(book, goal, start(0, None) < 0, "delever")
    amount, swap = _solve(lambda n: exchange.best_in(owed, n, asset), start, owed, book)
    borrowed = positive(amount - book.held(owed))
    loans = rates.loans(book, owed) if borrowed else None
    if loans:
        rates.require_room(book, owed, loans, borrowed)
    least = swap.amount_out * (BPS - slippage) // BPS
    steps = [actions.borrow(account, owed, borrowed)] if borrowed else []
    steps.append(exchange.sell_action(account, owed, amount, asset, least, route=swap.route))
    draft = Draft(book, asset, owed, asset, swap, amount, least, borrowed, 0, tuple(steps), loans)
    return finished(draft, slippage, goal, _bound(max_leverage), prices)


def plan_delever(
    deployment: Deployment,
    account: bytes,
    to: Leverage,
    *,
    asset: int | None = None,
    debt_asset: int | None = None,
    slippage: int = SLIPPAGE,
    max_leverage: Leverage | None = None,
    prices: bytes = b"",
) -> LeverPlan:
    """Less of `asset`: sells it for exactly so much of `debt_asset`, and repays. Terms as in `plan_lever`."""
    book, goal = Book.read(deployment, account, prices), hundredths(to)
    asset, owed = book.assets(asset, debt_asset)
    exchange = Exchange.of(deployment)
    start = _excess(book, goal, owed, asset, buying=False)
    book.require_fresh(asset, owed)
    _require_room_for(book, goal, start(0, None) > 0, "lever")
    amount, swap = _solve(lambda n: exchange.best_out(asset, owed, n), start, owed, book)
    debt = _debt(book, owed)
    repaid = min(amount + book.held(owed), debt) if amount >= debt else amount
    return _reduced(book, asset, owed, swap, debt, repaid, slippage, goal, _bound(max_leverage), prices)


def plan_close(
    deployment: Deployment,
    account: bytes,
    *,
    asset: int | None = None,
    debt_asset: int | None = None,
    slippage: int = SLIPPAGE,
    max_leverage: Leverage | None = None,
    prices: bytes = b"",
) -> LeverPlan:
    """No debt: sells as much of `asset` as it takes to repay all that is owed of `debt_asset`."""
    book = Book.read(deployment, account, prices)
    asset, owed = book.assets(asset, debt_asset)
    debt = _debt(book, owed)
    if not debt:
        raise CannotLever("account", "0x" + account.hex(), f"it owes no {book.symbol(owed)}: there is nothing to close")
    missing = positive(debt - book.held(owed))
    swap = Exchange.of(deployment).best_out(asset, owed, missing) if missing else None
    return _reduced(book, asset, owed, swap, debt, debt, slippage, 0, _bound(max_leverage), prices)


def hundredths(value: Leverage) -> int:
    return units.parse(str(value), 2, "leverage")


def _bound(value: Leverage | None) -> int | None:
    return None if value is None else hundredths(value)


# ---------------------------------------------------------------- amounts


def _excess(book: Book, goal: int, owed: int, asset: int, *, buying: bool = True) -> Excess:
    """How far exposure is over the goal, WAD hundredths, when `amount` of the debt asset goes out (or comes in)."""

    def excess(amount: int, swap: Quote | None) -> int:
        other = (swap.amount_out if buying else -swap.amount_in) if swap else 0
        exposure, equity = book.measure({owed: -amount if buying else amount, asset: other})
        return exposure * HUNDRED - goal * equity

    return excess


def _solve(swap: Swap, excess: Excess, owed: int, book: Book) -> tuple[int, Quote]:
    """The amount at which the excess is just not above zero, by secants from the one that a perfect swap would take."""
    last, error = 0, excess(0, None)
    margin = abs(book.measure({})[1]) * HUNDRED // _TOLERANCE
    amount = max(1, book.units(owed, abs(error) // HUNDRED))
    best: tuple[int, int, Quote] | None = None
    for _ in range(_ROUNDS):
        found = swap(amount)
        now = excess(amount, found)
        if now <= 0 and (best is None or now > best[0]):
            best = (now, amount, found)
        if -margin <= now <= 0 or now == error:
            break
        step = (now + margin // 2) * (amount - last) // (now - error)
        last, error, amount = amount, now, max(1, amount - step)
        if amount == last:
            break
    if best is None:
        raise CannotLever("leverage", None, "swaps cost more than they change: the amounts are too small, or too large")
    return best[1], best[2]


def _require_room_for(book: Book, goal: int, fits: bool, other: str) -> None:
    exposure, equity = book.measure({})
    if equity <= 0:
        raise CannotLever("equity", units.quote(equity), "nothing backs the account: deposit first")
    if not fits:
        now = units.show(leverage(exposure, equity) or 0, 2)
        raise CannotLever("leverage", units.show(goal, 2), f"the account is at {now}: use `{other}`")


def _debt(book: Book, owed: int) -> int:
    """What to have ready to repay all: with the interest of the time until the batch is in a block."""
    debt = book.owed(owed)
    if not debt:
        return 0
    rate = rates.loans(book, owed).rate()
    return debt + ceil_div(debt * rate * CUSHION, _RATE_ONE * YEAR) + 1


# ---------------------------------------------------------------- less


def _reduced(
    book: Book,
    asset: int,
    owed: int,
    swap: Quote | None,
    debt: int,
    repaid: int,
    slippage: int,
    goal: int,
    bound: int | None,
    prices: bytes,
) -> LeverPlan:
    """Sells for exactly what the swap was quoted for, and repays: `debt` or more is all of it."""
    account, steps, most = book.account.id, list[Action](), 0
    if swap:
        most = min(ceil_div(swap.amount_in * (BPS + slippage), BPS), book.held(asset))
        if most < swap.amount_in:
            remedy = f"it takes {swap.amount_in}; recall what is lent, or ask for less"
            raise CannotLever(f"{book.symbol(asset)} held", book.held(asset), remedy)
        steps.append(
            Exchange.of(book.deployment).buy_action(account, asset, most, owed, swap.amount_out, route=swap.route)
        )
    whole = debt > 0 and repaid >= debt
    if repaid:
        steps.append(actions.repay(account, owed) if whole else actions.repay(account, owed, repaid))
    loans = rates.loans(book, owed) if repaid else None
    least = swap.amount_out if swap else 0
    draft = Draft(book, asset, owed, owed, swap, most, least, 0, repaid, tuple(steps), loans)
    return finished(draft, slippage, goal, bound, prices)

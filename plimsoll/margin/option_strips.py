"""The options of an account, expiry by expiry, in every scenario. Twin of contracts/margin/OptionStrips.sol."""

from __future__ import annotations

from plimsoll.margin import black76, strike_records
from plimsoll.margin.fixed_math import WAD, YEAR, exp_wad, ln_wad, sqrt_years, truncate_div
from plimsoll.margin.portfolio_book import Book, Group, down, up
from plimsoll.margin.portfolio_parameters import Kind, Scenario, Underlying
from plimsoll.margin.portfolio_words import ExpiryView

EXPONENT_LIMIT = 20 * WAD


def ln(ratio: int) -> int:
    """The logarithm of a WAD ratio as strips take it, Q64."""
    return strike_records.q64(ln_wad(ratio))


class Strip:
    """One expiry of one account: its records, what its calls and puts sum to, its discounts."""

    def __init__(self, book: Book, group: Group, view: ExpiryView):
        self.view, self.group, self.ln = view, group, book.ln
        carry = view.smile.carry
        self.forward = max(1, view.spot * carry // WAD if carry else view.spot)
        window = book.parameters.settlement_window
        self.share = view.secs * WAD // window if view.secs < window else WAD
        if view.settled:
            self.share = 0
        if view.fading:
            self.share = min(self.share, view.known.rest * WAD // view.known.total if view.known else 0)
        self._set_rates(group.params)
        common = strike_records.shared(view, self.forward, sqrt_years(view.secs), group.params)
        self.chain = strike_records.write(view.options, common)
        self.raw_mark = self.value(Kind.NONE, 0, WAD)
        self.mark = self.raw_mark * self.discount >> 64

    def _set_rates(self, p: Underlying) -> None:
        rate, time = max(self.view.smile.rate, 0), self.view.secs * WAD // YEAR
        discount = decay(rate, time)
        long = p.long_discount * decay(rate * p.long_mult // WAD + p.long_add, time) // WAD
        short = p.short_discount * WAD // decay(rate * p.short_mult // WAD + p.short_add, time)
        self.discount = (discount << 64) // WAD
        self.long = (long * discount << 64) // WAD**2
        self.short = (min(short, WAD * WAD // discount) * discount << 64) // WAD**2

    def value(self, kind: int, ln_shock: int, shock: int) -> int:
        """Undiscounted: calls of all strikes, and for each put the strike less the forward."""
        forward = self.forward * shock // WAD
        calls = black76.strip(self.chain.records, kind, ln_shock, forward)
        return calls + self.chain.strikes - self.chain.puts * forward

    def shock(self, spot: int) -> tuple[int, int]:
        if self.share != WAD:
            spot = WAD + truncate_div((spot - WAD) * self.share, WAD)
        return self.ln(spot), spot

    def discounted(self, raw: int) -> int:
        return raw * (self.short if raw < 0 else self.long) >> 64

    def basis(self) -> int:
        p = self.group.params
        values = [self.value(Kind.NONE, *self.shock(spot)) for spot in (p.basis_up, p.basis_down)]
        worst = (min(values) * self.discount >> 64) - self.mark
        return down(worst, p.basis_add + p.basis_mult * self.view.secs // YEAR) if worst < 0 else 0

    def change(self, scenario: Scenario) -> int:
        """What the expiry gains in a scenario, damping included."""
        return down(self._undamped(scenario), scenario.damping)

    def _undamped(self, scenario: Scenario) -> int:
        kind, same = scenario.kind, scenario.kind == Kind.NONE and scenario.spot == WAD
        if same:
            return self.discounted(self.raw_mark) - self.mark
        ln_shock, shock = self.shock(scenario.spot)
        if kind < Kind.JOINT_LINEAR:
            pnl = self.discounted(self.value(kind, ln_shock, shock)) - self.mark
            return pnl if kind < Kind.LINEAR or pnl < 0 else -pnl
        level = self.discounted(self.value(Kind.NONE, ln_shock, shock))
        skewed = self.discounted(self.value(kind - 2, ln_shock, shock))
        return level - self.mark - abs(skewed - level)


def spots(book: Book, expiries: tuple[ExpiryView, ...]) -> None:
    for view in expiries:
        group = book.group_of(view.feed)
        group.mult_im, group.mult_mm = max(group.mult_im, view.mult_im), max(group.mult_mm, view.mult_mm)
        if not group.spot and not view.settled:
            group.spot = 0 if view.known else view.spot
            group.spot_doubt = group.doubt = book.doubt_of(view.doubt, view.fines[0])


def run(book: Book, expiries: tuple[ExpiryView, ...]) -> None:
    """Marks into the book's equity, scenarios into its underlyings."""
    for view in expiries:
        group = book.group_of(view.feed)
        strip = Strip(book, group, view)
        book.equity += strip.mark
        _charge(book, group, strip)
        for k in group.scenarios():
            pnl = strip.basis() if k == book.scenarios else strip.change(group.params.scenarios[k])
            group.pnl[k] += pnl


def decay(rate: int, time: int) -> int:
    return exp_wad(-min(rate * time // WAD, EXPONENT_LIMIT))


def _charge(book: Book, group: Group, strip: Strip) -> None:
    view, p = strip.view, group.params
    book.exposed |= any(o.quantity < 0 for o in view.options)
    size, shorts = strip.chain.gross * view.spot, strip.chain.naked * view.spot
    book.notional += size
    group.size += size
    mm = up(shorts, p.mm_option)
    im = mm + up(shorts, p.im_option)
    book.mm, book.im0, book.im = book.mm + mm, book.im0 + im, book.im + im
    if view.secs:
        smile, (_, forward, rate, vol) = view.smile, view.fines
        doubts = (
            book.doubt_of(smile.doubt_forward, forward),
            book.doubt_of(smile.doubt_rate, rate),
            book.doubt_of(smile.doubt_vol, vol),
        )
        book.im += book.doubtful(max(group.doubt, *doubts), size)

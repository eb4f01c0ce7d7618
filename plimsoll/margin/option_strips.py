"""The options of an account, expiry by expiry, in every scenario asked for. Twin of contracts/margin/OptionStrips.sol."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from plimsoll.margin import black76, svi_math
from plimsoll.margin.fixed_math import WAD, YEAR, exp_wad, ln_wad, sqrt_years, truncate_div
from plimsoll.margin.portfolio_book import Book, Group, doubt_of, down, up
from plimsoll.margin.portfolio_parameters import Kind, Scenario, Underlying
from plimsoll.margin.portfolio_words import ExpiryView

MONTH = 30 * 86_400
EXPONENT_LIMIT, POWER_LIMIT = 20 * WAD, 40 * WAD
VOL_LIMIT = 64 << 64


def ln(ratio: int) -> int:
    """The logarithm of a WAD ratio as strips take it, Q64."""
    return _q64(ln_wad(ratio))


@dataclass(slots=True)
class Smile:
    """Twin of the struct: factors in WAD, the rest in Q64."""

    up: int
    down: int
    least: int
    slope_linear: int = 0
    cap_linear: int = 0
    slope_absolute: int = 0
    cap_absolute: int = 0


class Strip:
    """One expiry of one account: its records, what its calls and puts sum to, its discounts."""

    def __init__(self, book: Book, group: Group, view: ExpiryView):
        self.view, self.group, self.ln = view, group, book.ln
        carry = view.smile.carry
        self.forward = max(1, view.spot * carry // 10**10 if carry else view.spot * 10**8)
        self.root = sqrt_years(view.secs)
        window = book.parameters.settlement_window
        self.share = view.secs * WAD // window if view.secs < window else WAD
        if view.settled:
            self.share = 0
        self._set_rates(group.params)
        self.puts = self.strikes = self.naked = 0
        self.gross = sum(abs(o.quantity) for o in view.options)
        self.records: list[black76.Record] = []
        self._set_records(_smile(view, self.root, group))
        self.raw_mark = self.value(Kind.NONE, 0, WAD)
        self.mark = down(self.raw_mark, self.discount)

    def _set_rates(self, p: Underlying) -> None:
        rate, time = max(self.view.smile.rate, 0), self.view.secs * WAD // YEAR
        self.discount = decay(rate, time)
        long = decay(rate * p.long_mult // WAD + p.long_add, time)
        self.long = p.long_discount * long // WAD * self.discount // WAD
        short = p.short_discount * WAD // decay(rate * p.short_mult // WAD + p.short_add, time)
        self.short = up(min(short, WAD * WAD // self.discount), self.discount)

    def _set_records(self, smile: Smile) -> None:
        ln_forward = ln_wad(self.forward)
        for _, same in groupby(self.view.options, key=lambda option: option.code):
            legs = list(same)
            strike, net = legs[0].strike, sum(o.quantity for o in legs)
            puts = sum(o.quantity for o in legs if o.put)
            self.puts += puts
            self.strikes += puts * strike
            if not net:
                continue
            self.naked += max(-net, 0)
            ln_strike = ln_wad(strike * 10**8 or 1)
            self.records.append(self._record(smile, strike, net, ln_strike, ln_forward))

    def _record(self, smile: Smile, strike: int, net: int, ln_strike: int, ln_forward: int) -> black76.Record:
        p, s = self.view.smile, self.view.smile
        k = _q64(ln_strike - ln_forward)
        vol = svi_math.total_vol(p.a, p.b, p.rho, p.m, p.sigma, p.tau, s.forward_ref, self.view.secs, ln_strike)
        vols = (
            vol,
            max(smile.least, vol * smile.up // WAD),
            vol * smile.down // WAD,
            skewed(vol, k, smile.slope_linear, smile.cap_linear),
            skewed(vol, abs(k), smile.slope_absolute, smile.cap_absolute),
        )
        return black76.Record(k, strike, net, tuple(min(v, VOL_LIMIT) for v in vols))

    def value(self, kind: int, ln_shock: int, shock: int) -> int:
        """Undiscounted: calls of all strikes, and for each put the strike less the forward."""
        forward = self.forward * shock // WAD
        calls = black76.strip(self.records, kind, ln_shock, forward)
        return calls + self.strikes + -self.puts * forward // 10**8

    def shock(self, spot: int) -> tuple[int, int]:
        if self.share != WAD:
            spot = WAD + truncate_div((spot - WAD) * self.share, WAD)
        return self.ln(spot), spot

    def discounted(self, raw: int) -> int:
        return down(raw, self.short if raw < 0 else self.long)

    def basis(self) -> int:
        p = self.group.params
        values = [self.value(Kind.NONE, *self.shock(spot)) for spot in (p.basis_up, p.basis_down)]
        worst = min(down(value, self.discount) for value in values) - self.mark
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
            group.spot = view.spot
            group.spot_doubt = group.doubt = doubt_of(view.doubt, view.fines[0])


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


def _smile(view: ExpiryView, root: int, group: Group) -> Smile:
    p = group.params
    power = p.short_power if view.secs <= MONTH else p.long_power
    base = MONTH * WAD // max(view.secs, p.dte_floor, 1)
    scale = exp_wad(min(truncate_div(ln_wad(base) * power, WAD), POWER_LIMIT))
    smile = Smile(
        up=WAD + p.vol_up * scale // WAD,
        down=max(0, WAD - p.vol_down * scale // WAD),
        least=((p.min_vol * root // WAD) << 64) // WAD,
    )
    star = down(down(root, p.width), down(p.vol_scale, root) + p.vol_static)
    star = max(star, p.min_k_star, 1)
    cap = down(p.linear_base, root) + p.linear_cap
    smile.slope_linear, smile.cap_linear = truncate_div(cap << 64, star), _q64(cap)
    cap = down(p.abs_base, root) + p.abs_cap
    smile.slope_absolute, smile.cap_absolute = truncate_div(cap << 64, star), _q64(cap)
    return smile


def skewed(vol: int, k: int, slope: int, cap: int) -> int:
    more = k * slope >> 64
    more = max(-cap, more) if k < 0 else min(cap, more)
    return max(0, vol * (more + 2**64) >> 64)


def _q64(x: int) -> int:
    return truncate_div(x << 64, WAD)


def _charge(book: Book, group: Group, strip: Strip) -> None:
    view, p = strip.view, group.params
    book.exposed |= any(o.quantity < 0 for o in view.options)
    size, shorts = strip.gross * view.spot, strip.naked * view.spot
    book.notional += size
    group.size += size
    mm = up(shorts, p.mm_option)
    im = mm + up(shorts, p.im_option)
    book.mm, book.im0, book.im = book.mm + mm, book.im0 + im, book.im + im
    if view.secs:
        smile, (_, forward, rate, vol) = view.smile, view.fines
        doubts = (doubt_of(smile.doubt_forward, forward), doubt_of(smile.doubt_rate, rate), doubt_of(smile.doubt_vol, vol))
        book.im += book.doubtful(max(group.doubt, *doubts), size)

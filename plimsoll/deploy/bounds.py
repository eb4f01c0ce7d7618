"""What parameters may be. The same bounds as on chain (ConfigBounds), checked before anything is sent, and a few that a
chain cannot see: mocks, distinct signers, delays.

    violations(parameters, chain_id)      every broken bound, each an error of its own class
    require_safe(parameters, chain_id)    raises UnsafeParameters when there is one
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from plimsoll.deploy import errors as e
from plimsoll.deploy.parameters import Asset, Feed, Market, Oracle, Parameters, Roles, Stake, Terms
from plimsoll.margin import decimal_float
from plimsoll.margin.fill_math import spread_rate
from plimsoll.margin.option_terms import broken_bounds

BPS, PPM, WAD = 10**4, 10**6, 10**18
LOCAL_CHAINS = (31337, 1337)
MAX_AGE = 3600
MAX_SIGMA = 50_000
MAX_SIZE = 2**55 - 1
MAX_FEE = 10_000
MAX_CAP = 2**104 - 1
MAX_RESERVE_SHARE = 5_000
MIN_HAIRCUT = 100
MIN_PAIR_HAIRCUT = 200
NO_CAP = 2**256 - 1
HOUR, DAY = 3600, 86_400
MAX_LISTED = 64
Found = Iterator[e.Violation]


def require_safe(parameters: Parameters, chain_id: int) -> None:
    """Raises UnsafeParameters with every violation at once."""
    if found := list(violations(parameters, chain_id)):
        raise e.UnsafeParameters(found)


def violations(p: Parameters, chain_id: int) -> Found:
    if p.mocks and chain_id not in LOCAL_CHAINS:
        yield e.MockOnPublicChain("mocks", p.mocks, f"chain {chain_id} is not local: give the addresses of real ones")
    if not 1 <= len(p.assets) <= MAX_LISTED or not 1 <= len(p.markets) <= MAX_LISTED:
        yield e.NothingListed("assets and markets", (len(p.assets), len(p.markets)), f"list 1 to {MAX_LISTED} of each")
    feeds = {feed.number for feed in p.oracle.feeds}
    for number, asset in enumerate(p.assets):
        yield from _asset(asset, quote=number == 0, feeds=feeds)
    for market in p.markets:
        yield from _market(market, feeds)
        yield from _bounds(market)
        yield from _fill_cost(market, p)
    yield from _pairs(p)
    yield from _quote_feed(p, feeds)
    total = sum(market.allocation for market in p.markets)
    if total > BPS:
        yield e.AllocationsExceedPool("Σ allocation", total, f"together the markets may have {BPS} bps of the pool")
    yield from _terms(p.terms)
    yield from _protocol(p)
    yield from _oracle(p.oracle)
    yield from _stake(p.stake)
    yield from _roles(p.roles)


def _asset(a: Asset, *, quote: bool, feeds: set[int]) -> Found:
    at = f"asset {a.symbol}"
    if not 0 <= a.decimals <= 18:
        yield e.DecimalsOutOfRange(f"{at} decimals", a.decimals, "from 0 to 18")
    if quote and (a.feed or a.haircut_im or a.haircut_mm):
        value = (a.feed, a.haircut_im, a.haircut_mm)
        yield e.QuoteNotPlain(f"{at} (feed, haircuts)", value, "the first asset is the quote asset, all three are 0")
    if not quote and a.feed not in feeds:
        yield e.FeedUnknown(f"{at} feed", a.feed, f"the feeds are {sorted(feeds)}")
    if not quote:
        yield from _haircuts(at, a.haircut_im, a.haircut_mm, MIN_HAIRCUT)
    yield from _age_and_sigma(at, a.max_age, a.sigma, lowest_sigma=0 if quote else 1)
    yield from _limits(at, a)


def _haircuts(at: str, im: int, mm: int, lowest: int) -> Found:
    if not 0 <= im <= BPS:
        yield e.HaircutOutOfRange(f"{at} haircut_im", im, f"from 0 to {BPS} bps")
    if mm < lowest:
        yield e.HaircutTooLow(f"{at} haircut_mm", mm, f"at least {lowest} bps")
    if im <= mm:
        yield e.HaircutsNotMonotone(f"{at} haircut_mm", mm, f"below haircut_im, {im} bps")


def _limits(at: str, a: Asset) -> Found:
    if not 0 < a.supply_cap <= MAX_CAP:
        yield e.SupplyCapOutOfRange(f"{at} supply_cap", a.supply_cap, "above 0 and below 2^104 token units")
    if not 0 <= a.borrow_cap <= a.supply_cap:
        yield e.BorrowCapAboveSupplyCap(f"{at} borrow_cap", a.borrow_cap, f"at most supply_cap, {a.supply_cap}")
    least = 1 if a.borrow_cap else 0
    yield from _within(
        e.BorrowVelocityOutOfRange, f"{at} borrow_velocity", a.borrow_velocity, least, BPS, "bps of borrow_cap"
    )
    share = a.reserve_share
    yield from _within(e.ReserveShareOutOfRange, f"{at} reserve_share", share, 0, MAX_RESERVE_SHARE, "bps")
    if not 0 <= a.insurance_cap < 2**64:
        yield e.InsuranceCapOutOfRange(f"{at} insurance_cap", a.insurance_cap, "from 0 to 2^64 - 1 whole quote")


def _pairs(p: Parameters) -> Found:
    listed = [(pair.collateral, pair.debt) for pair in p.pairs]
    for pair, key in zip(p.pairs, listed, strict=True):
        at = f"pair {key}"
        if pair.collateral == pair.debt or not all(0 <= number < len(p.assets) for number in key):
            yield e.PairInvalid(f"{at} (collateral, debt)", key, "two different assets, by their number")
        if listed.count(key) > 1:
            yield e.PairAlreadyListed(f"{at} (collateral, debt)", key, "list each pair once")
        yield from _haircuts(at, pair.haircut_im, pair.haircut_mm, MIN_PAIR_HAIRCUT)


def _quote_feed(p: Parameters, feeds: set[int]) -> Found:
    if (rule := p.quote_feed) is None:
        return
    if rule.feed not in feeds:
        yield e.FeedUnknown("quote_feed feed", rule.feed, f"the feeds are {sorted(feeds)}")
    yield from _within(e.DepegThresholdOutOfRange, "quote_feed threshold", rule.threshold, 9_000, BPS, "bps")
    yield from _within(e.DepegFactorOutOfRange, "quote_feed factor", rule.factor, 1, 100, "tenths")


def _age_and_sigma(at: str, max_age: int, sigma: int, *, lowest_sigma: int) -> Found:
    if not 0 < max_age <= MAX_AGE:
        yield e.MaxAgeOutOfRange(f"{at} max_age", max_age, f"from 1 to {MAX_AGE} seconds")
    if not lowest_sigma <= sigma <= MAX_SIGMA:
        yield e.SigmaOutOfRange(f"{at} sigma", sigma, f"from {lowest_sigma} to {MAX_SIGMA} bps per √year")


def _market(m: Market, feeds: set[int]) -> Found:
    at = f"market {m.symbol}"
    if m.feed not in feeds:
        yield e.FeedUnknown(f"{at} feed", m.feed, f"the feeds are {sorted(feeds)}")
    yield from _rates(at, m)
    yield from _age_and_sigma(at, m.max_age, m.sigma, lowest_sigma=1)
    if not 0 <= m.funding_velocity < 2**32 or not 0 <= m.max_funding_rate <= BPS:
        value = (m.funding_velocity, m.max_funding_rate)
        yield e.FundingOutOfRange(
            f"{at} funding (velocity, max rate)", value, f"below 2^32, and at most {BPS} bps a day"
        )
    if not 0 < m.max_oi <= MAX_SIZE or not 0 < m.skew_scale < 2**64:
        yield e.SizeOutOfRange(f"{at} (max_oi, skew_scale)", (m.max_oi, m.skew_scale), "above 0, max_oi below 2^55")
    if not 0 < m.max_skew <= m.max_oi:
        yield e.SkewCapAboveOpenInterestCap(f"{at} max_skew", m.max_skew, f"above 0 and at most max_oi, {m.max_oi}")
    if m.max_skew >= m.skew_scale:
        yield e.SkewCapNotBelowScale(f"{at} max_skew", m.max_skew, f"below skew_scale, {m.skew_scale}")
    if not 0 <= m.taker_fee <= MAX_FEE:
        yield e.FeeOutOfRange(f"{at} taker_fee", m.taker_fee, f"at most {MAX_FEE} ppm")
    if not 0 <= m.maker_fee <= m.taker_fee:
        yield e.MakerFeeAboveTaker(f"{at} maker_fee", m.maker_fee, f"at most the taker fee, {m.taker_fee} ppm")
    if not 0 < m.move <= BPS:
        yield e.MoveOutOfRange(f"{at} move", m.move, f"from 1 to {BPS} bps; 0 would switch the pool's limit off")
    if not 0 < m.gap <= BPS:
        yield e.GapOutOfRange(f"{at} gap", m.gap, f"from 1 to {BPS} bps; 0 would switch the pool's limit off")
    if not 0 <= m.insurance_cap < 2**64:
        yield e.InsuranceCapOutOfRange(f"{at} insurance_cap", m.insurance_cap, "from 0 to 2^64 - 1 whole quote")


def _rates(at: str, m: Market) -> Found:
    for name, rates in (("mm_rates", m.mm_rates), ("im_rates", m.im_rates)):
        if not (rates[0] > 0 and max(rates) <= BPS):
            yield e.MarginRateOutOfRange(f"{at} {name}", rates, f"from 1 to {BPS} bps")
        if list(rates) != sorted(rates):
            yield e.MarginRatesNotConvex(f"{at} {name}", rates, "a higher tier never has a lower rate")
    if any(im <= mm for im, mm in zip(m.im_rates, m.mm_rates, strict=True)):
        yield e.InitialRateNotAboveMaintenance(
            f"{at} (im_rates, mm_rates)", (m.im_rates, m.mm_rates), "IM above MM in each tier"
        )


def _bounds(m: Market) -> Found:
    at = f"market {m.symbol}"
    if not 0 < m.bound1 < m.bound2:
        value = (m.bound1, m.bound2)
        yield e.TierBoundsNotAscending(f"{at} (bound1, bound2)", value, "0 < bound1 < bound2, thousands of quote")
    if (m.oi_lower or m.oi_upper) and not 0 <= m.oi_lower < m.oi_upper:
        value = (m.oi_lower, m.oi_upper)
        yield e.InterestBoundsUnordered(f"{at} (oi_lower, oi_upper)", value, "oi_lower < oi_upper, or both 0")
    for name in ("bound1", "bound2", "oi_lower", "oi_upper"):
        value = getattr(m, name)
        if value < 0 or not decimal_float.encode(value)[0]:
            yield e.BoundNotRepresentable(f"{at} {name}", value, "up to 4095 and zeros behind it, 15 at most")


def _fill_cost(m: Market, p: Parameters) -> Found:
    if m.skew_scale <= 0 or min(m.max_skew, m.sigma, m.max_age, p.kappa, p.block_time) < 0:
        return  # reported by its own bound
    spread = spread_rate(p.kappa, m.sigma, m.max_age, p.block_time, NO_CAP)
    cost = -(-m.max_skew * WAD // m.skew_scale) + m.taker_fee * (WAD // PPM) + spread
    maximum = m.mm_rates[0] * (WAD // BPS) // 2
    if cost > maximum:
        remedy = f"skew premium, taker fee and spread may take half the MM rate, {maximum / WAD:.4%}: lower one of them"
        yield e.FillCostAboveHalfMaintenance(f"market {m.symbol} worst fill", f"{cost / WAD:.4%}", remedy)


def _within(kind: type[e.Violation], what: str, value: int, low: int, high: int, unit: str) -> Found:
    if not low <= value <= high:
        yield kind(what, value, f"from {low} to {high} {unit}")


def _terms(t: Terms) -> Found:
    if not 0 < t.lambda_ < t.beta <= BPS:
        yield e.CallLevelsUnordered("terms (lambda, beta)", (t.lambda_, t.beta), f"0 < lambda < beta <= {BPS} bps")
    total = t.bonus_start + t.insurance_share
    if min(t.bonus_start, t.insurance_share) < 0 or total >= BPS:
        yield e.BonusAndInsuranceShareTooHigh("terms bonus_start + insurance_share", total, f"together below {BPS} bps")
    yield from _within(e.BonusSlopeOutOfRange, "terms bonus_slope", t.bonus_slope, 0, BPS, "bps")
    yield from _within(e.BonusRampOutOfRange, "terms bonus_ramp", t.bonus_ramp, 60, DAY, "seconds")
    yield from _within(e.MinSliceOutOfRange, "terms min_slice", t.min_slice, 1, BPS, "bps")
    yield from _within(e.CallPeriodOutOfRange, "terms call_period", t.call_period, 60, 7 * DAY, "seconds")
    window = t.insurance_window
    yield from _within(e.InsuranceWindowOutOfRange, "terms insurance_window", window, 3600, 30 * DAY, "seconds")
    yield from _within(e.BountyOutOfRange, "terms bounty", t.bounty, 0, 10_000, "hundredths of quote")
    yield from _within(e.DustOutOfRange, "terms dust", t.dust, 0, 1_000_000, "hundredths of quote")


def _protocol(p: Parameters) -> Found:
    yield from _within(e.KappaOutOfRange, "kappa", p.kappa, 20, 100, "tenths")
    yield from _within(e.BlockTimeOutOfRange, "block_time", p.block_time, 1, 60, "seconds")
    if not 0 < p.model.mm_floor < p.model.im_floor:
        value = (p.model.mm_floor, p.model.im_floor)
        yield e.FloorsUnordered("model (mm_floor, im_floor)", value, "0 < mm_floor < im_floor, quote WAD")
    if p.terms.dust * WAD // 100 < p.model.im_floor:
        floor = p.model.im_floor * 100 // WAD
        yield e.DustBelowFloor("terms dust", p.terms.dust, f"at least im_floor, {floor} hundredths of quote")
    yield from _within(e.PnlShareOutOfRange, "model pnl_share", p.model.pnl_share, 0, BPS, "bps")
    for broken in broken_bounds(p.model.options):
        yield getattr(e, broken.error)("model options", broken.values, broken.remedy)
    if not 300 <= p.pool.window <= min(DAY, p.pool.delay) or p.pool.delay > 7 * DAY:
        value = (p.pool.delay, p.pool.window)
        yield e.PoolTimingOutOfRange(
            "pool (delay, window)", value, "300 s <= window <= delay, one day, seven days at most"
        )


def _stake(s: Stake) -> Found:
    if not (HOUR <= s.window <= s.period <= 30 * DAY):
        yield e.StakeTimingOutOfRange(
            "stake (period, window)", (s.period, s.window), "an hour <= window <= period <= thirty days"
        )
    if s.treasury is not None and not _is_address(s.treasury):
        yield e.TreasuryInvalid("stake treasury", s.treasury, "an address, or none for the admin")


def _oracle(o: Oracle) -> Found:
    addresses = {signer.lower() for signer in o.signers}
    if len(addresses) != len(o.signers) or not o.signers or not all(map(_is_address, o.signers)):
        yield e.SignersNotDistinct("signers", o.signers, "name at least one, each a different address")
    if 2 * o.quorum <= len(addresses) or o.quorum > len(addresses):
        yield e.QuorumUnsafe(
            "quorum", o.quorum, f"more than half of the {len(addresses)} signers, and no more than all"
        )
    numbers = [feed.number for feed in o.feeds]
    if len(set(numbers)) != len(numbers) or not all(0 < number < 256 for number in numbers):
        yield e.FeedUnknown("feeds", numbers, "each has a number of its own, from 1 to 255")
    for feed in o.feeds:
        yield from _feed(feed)


def _feed(f: Feed) -> Found:
    at = f"feed {f.symbol}"
    lowest = 1 if f.reference else 0
    yield from _within(e.DeviationOutOfRange, f"{at} max_deviation", f.max_deviation, lowest, BPS, "bps")
    yield from _within(e.ConfidenceOutOfRange, f"{at} max_confidence", f.max_confidence, 1, 2**24 - 1, "ppm")
    if f.reference:
        yield from _within(e.HeartbeatOutOfRange, f"{at} heartbeat", f.reference.heartbeat, 1, 2 * DAY, "seconds")
    if f.sigma_ref:
        yield from _within(e.SigmaRefOutOfRange, f"{at} sigma_ref", f.sigma_ref, 100, MAX_SIGMA, "bps per √year")
        yield from _within(e.MaxMultiplierOutOfRange, f"{at} max_multiplier", f.max_multiplier, BPS, 49_843, "bps")
        yield from _within(e.HalfLifeOutOfRange, f"{at} half_life", f.half_life, 1, 720, "hours")
    if f.fallback:
        yield from _within(e.FallbackAgeOutOfRange, f"{at} fallback age", f.fallback.age, 60, DAY, "seconds")


def _roles(r: Roles) -> Found:
    for name in ("admin", "risk", "guardian"):
        address = getattr(r, name)
        if address is not None and not _is_address(address):
            yield e.RoleAddressInvalid(f"roles {name}", address, "an address, or none for the deployer")
    for name in ("admin_delay", "risk_delay"):
        yield from _within(e.DelayOutOfRange, f"roles {name}", getattr(r, name), 0, 30 * DAY, "seconds")


def _is_address(text: str) -> bool:
    return re.fullmatch("0x[0-9a-fA-F]{40}", text) is not None and int(text, 16) != 0

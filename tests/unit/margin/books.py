"""Random snapshots and accounts for the tests: realistic ones, and ones at the ends of every field."""

from __future__ import annotations

from plimsoll.margin.account import (
    Account,
    AssetParams,
    Globals,
    Market,
    MarketCosts,
    MarketRisk,
    MarketState,
    MarketTrade,
    Price,
    Snapshot,
    Terms,
)
from plimsoll.margin.rule_margin import RuleMargin

WAD = 10**18
TIME = 1_700_000_000
TERMS = Terms(
    lambda_=2_500,
    beta=6_000,
    bonus_start=500,
    bonus_slope=2_500,
    insurance_share=1_000,
    min_slice=1_000,
    bonus_ramp=600,
    call_period=1_800,
    insurance_window=86_400,
    bounty=200,
    dust=2_000,
)
MODEL = RuleMargin(mm_floor=20 * WAD, im_floor=30 * WAD, pnl_share=5_000)


def risk(draw, feed: int) -> MarketRisk:
    mm = sorted(draw.randint(10, 4_000) for _ in range(3))
    im = sorted(max(rate, draw.randint(20, 9_000)) for rate in mm)
    im = [max(pair) for pair in zip(im, mm, strict=True)]
    bound1 = draw.randint(1, 2_000)
    return MarketRisk(
        *mm,
        *im,
        bound1=bound1,
        bound2=bound1 + draw.randint(0, 20_000),
        feed=feed,
        max_age=60,
        sigma=draw.randint(1_000, 15_000),
        funding_velocity=draw.randint(0, 10**6),
        max_funding_rate=draw.randint(0, 10_000),
    )


def price(draw, *, time: int = TIME, failing: float = 0.2) -> Price:
    fails = draw.random() < failing
    return Price(
        value=draw.choice([draw.randint(10**10, 10**15), draw.bits(72) or 1]),
        confidence=draw.bits(24),
        published_at=time - (draw.choice([61, 3_600, 10**6, draw.bits(30)]) if fails else draw.randint(-1, 60)),
        seen_at=time,
        disputed_until=draw.choice([0, time, time + 1]) if fails else draw.choice([0, time]),
        status=draw.choice([0, 1, 2, 4]) if fails else 0,
    )


def market(draw, feed: int, *, time: int = TIME) -> Market:
    long_size, short_size = draw.bits(54), draw.bits(54)
    trade = MarketTrade(skew_scale=max(draw.bits(63), 10**10), max_skew=2**54, max_oi=2**55, maker_fee=200)
    return Market(
        risk=risk(draw, feed),
        state=MarketState(
            long_size=long_size,
            short_size=short_size,
            funding_index=draw.signed(50),
            funding_rate=draw.signed(30),
            accrued_at=time - draw.bits(20),
            epoch=draw.bits(16),
        ),
        costs=MarketCosts(draw.signed(94), draw.signed(94), draw.signed(62)),
        trade=trade,
    )


def snapshot(draw, *, assets: int = 3, markets: int = 5, failing: float = 0.2) -> Snapshot:
    """Feed 0 is the quote asset, 1… the assets, then the markets; some share a feed."""
    decimals = [draw.choice([6, 8, 18]) for _ in range(assets)]
    params = {
        asset: AssetParams(
            decimals=decimals[asset],
            feed=asset,
            haircut_im=0 if asset == 0 else draw.randint(500, 3_000),
            haircut_mm=0 if asset == 0 else draw.randint(0, 500),
            max_age=60,
            sigma=draw.randint(1_000, 15_000),
        )
        for asset in range(assets)
    }
    feeds = [draw.choice([1, assets + index]) for index in range(markets)]
    return Snapshot(
        time=TIME,
        model=MODEL,
        globals=Globals(block_time=2, kappa=draw.randint(20, 40)),
        terms=TERMS,
        assets=params,
        markets={index: market(draw, feed) for index, feed in enumerate(feeds)},
        prices={feed: price(draw, failing=failing) for feed in range(1, assets + markets)},
    )


def account(draw, snap: Snapshot, number: int, *, extreme: float = 0.3) -> Account:
    """Holds something of some assets, is in some markets; costs are near the position's value unless extreme."""
    id = number.to_bytes(32, "big")
    held = {}
    for asset, params in snap.assets.items():
        if draw.random() < 0.7:
            plain = draw.randint(1, 50_000 * 10**params.decimals)
            held[asset] = max(draw.bits(100), 1) if draw.random() < extreme else plain
    positions = {}
    for index, listed in snap.markets.items():
        if draw.random() < 0.5:
            positions[index] = _position(draw, snap.price(listed.risk.feed).value, extreme)
    deadline = draw.choice([0, 0, snap.time - 1, snap.time, snap.time + 1])
    return Account.holding(id, held, positions, call_deadline=deadline, clock_start=draw.choice([0, snap.time - 60]))


def _position(draw, value: int, extreme: float) -> tuple[int, int]:
    if draw.random() < extreme:
        return draw.choice([draw.signed(55), draw.signed(62), 0]), draw.signed(94)
    size = draw.randint(1, min(max(10**23 // value, 1), 2**55)) * draw.choice([1, -1])
    cost = size * value * draw.randint(80, 120) // 100
    return size, max(min(cost, 2**94), -(2**94))

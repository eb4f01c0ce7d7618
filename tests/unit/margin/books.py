"""Random snapshots and accounts for the tests: realistic ones, and ones at the ends of every field."""

from __future__ import annotations

from dataclasses import replace

from plimsoll.margin import decimal_float, epoch_math
from plimsoll.margin.account import (
    Account,
    AssetParams,
    Balance,
    Globals,
    Lending,
    Market,
    MarketClosing,
    MarketCosts,
    MarketRamp,
    MarketRisk,
    MarketState,
    MarketTrade,
    ModelReplaced,
    Pair,
    Position,
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


OLD_MODEL = RuleMargin(mm_floor=15 * WAD, im_floor=60 * WAD, pnl_share=7_000)
PAIRED = 0x8000 | 1 << 6  # asset 1 secures a debt in asset 0


def bound(draw, least: int = 1) -> int:
    """A decimal float above `least` thousand quote."""
    return decimal_float.exactly(least + draw.randint(1, 40) * 100)


def tiers(draw) -> dict[str, int]:
    """Rates and bounds as MarketConfig demands them."""
    mm = sorted(draw.randint(10, 4_000) for _ in range(3))
    im = sorted(max(rate, draw.randint(20, 9_000)) for rate in mm)
    im = [max(pair) for pair in zip(im, mm, strict=True)]
    bound1 = draw.randint(1, 20) * 100
    rates = {f"mm_rate{tier + 1}": mm[tier] for tier in range(3)} | {
        f"im_rate{tier + 1}": im[tier] for tier in range(3)
    }
    return rates | {"bound1": decimal_float.exactly(bound1), "bound2": bound(draw, bound1)}


def risk(draw, feed: int) -> MarketRisk:
    lower = draw.randint(0, 4_000)
    upper = draw.choice([0, lower + 1, 10_000, 10**8, 10**12])
    return MarketRisk(
        **tiers(draw),
        oi_lower=decimal_float.exactly(lower),
        oi_upper=decimal_float.exactly(upper),
        feed=feed,
        max_age=60,
        sigma=draw.randint(1_000, 15_000),
        funding_velocity=draw.randint(0, 10**6),
        max_funding_rate=draw.randint(0, 10_000),
        flags=draw.choice([0, 0, 1, 2, 3, 4, 6]),
    )


def ramp_end(draw, time: int) -> int:
    return draw.choice([0, time, time + 1, time + draw.randint(0, 86_400), time + 86_400])


def price(draw, *, time: int = TIME, failing: float = 0.2) -> Price:
    fails = draw.random() < failing
    return Price(
        value=draw.choice([draw.randint(10**10, 10**15), draw.bits(72) or 1]),
        confidence=draw.bits(24),
        published_at=time - (draw.choice([61, 3_600, 10**6, draw.bits(30)]) if fails else draw.randint(-1, 60)),
        seen_at=time,
        disputed_until=draw.choice([0, time, time + 1]) if fails else draw.choice([0, time]),
        status=draw.choice([0, 1, 2, 4]) if fails else 0,
        **volatility(draw),
    )


def volatility(draw) -> dict[str, int]:
    """Calm, in the middle of a ramp up or down, or anything."""
    if draw.random() < 0.4:
        return {}
    return {"mm_from": draw.bits(8), "multiplier": draw.bits(8), "phase": draw.choice([0, 1, draw.bits(8)])}


def market(draw, feed: int, *, time: int = TIME) -> Market:
    long_size, short_size = draw.bits(54), draw.bits(54)
    records = epochs(draw)
    trade = MarketTrade(skew_scale=max(draw.bits(63), 10**10), max_skew=2**54, max_oi=2**55, maker_fee=200)
    return Market(
        risk=risk(draw, feed),
        state=MarketState(
            long_size=long_size,
            short_size=short_size,
            funding_index=draw.signed(50),
            funding_rate=draw.signed(30),
            accrued_at=time - draw.bits(20),
            epoch=len(records),
        ),
        closing=MarketClosing(final_price=draw.choice([0, draw.randint(10**10, 10**15)]), opened_at=1),
        epochs=records,
        ramp=MarketRamp(**tiers(draw), end=ramp_end(draw, time)),
        costs=MarketCosts(draw.signed(94), draw.signed(94), draw.signed(62)),
        trade=trade,
    )


def epochs(draw) -> dict[int, epoch_math.Epoch]:
    """None, or a few of both sides. Marks such that sizes times marks stay within a cost."""
    records: dict[int, epoch_math.Epoch] = {}
    last = {True: 0, False: 0}
    for number in range(1, draw.choice([0, 0, 1, 2, 6]) + 1):
        long = draw.random() < 0.5
        before = records.get(last[long], epoch_math.Epoch())
        epoch = replace(before, long=long, other=last[not long])
        mark, net = draw.signed(34), draw.randint(1, 10**24)
        if draw.random() < 0.4:
            epoch, _, _ = epoch_math.shrink(epoch, mark, 1, draw.randint(1, 2**16), last[long])
        else:
            epoch = epoch_math.charge(epoch, mark, draw.choice([net, draw.randint(0, net)]), net)
        records[number], last[long] = epoch, number
    return records


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
            **({} if asset == 0 else haircut_ramp(draw)),
        )
        for asset in range(assets)
    }
    feeds = [draw.choice([1, assets + index]) for index in range(markets)]
    return Snapshot(
        time=TIME,
        model=MODEL,
        globals=Globals(block_time=2, kappa=draw.randint(20, 40), **depeg(draw, assets)),
        terms=replace(TERMS, lambda_from=draw.choice([0, 1_000, 5_000]), lambda_ramp_end=ramp_end(draw, TIME)),
        assets=params,
        lending={asset: lending(draw) for asset in range(assets)},
        pairs={PAIRED: Pair(haircut_im=800, haircut_mm=400, listed=1, **haircut_ramp(draw))},
        replaced=draw.choice([None, ModelReplaced(OLD_MODEL, ramp_end(draw, TIME))]),
        markets={index: market(draw, feed) for index, feed in enumerate(feeds)},
        prices={feed: price(draw, failing=failing) for feed in range(1, assets + markets)},
    )


def haircut_ramp(draw) -> dict[str, int]:
    return {"from_im": draw.randint(500, 3_000), "from_mm": draw.randint(0, 500), "ramp_end": ramp_end(draw, TIME)}


def depeg(draw, feed: int) -> dict[str, int]:
    """Without a feed for the quote asset, or with the first market's."""
    if draw.random() < 0.7:
        return {}
    return {"quote_feed": feed, "depeg_threshold": draw.choice([9_900, 0, 65_535]), "depeg_factor": draw.bits(8)}


def lending(draw) -> Lending:
    return Lending(
        debt_index=10**12 + draw.bits(40),
        lent_index=10**12 + draw.bits(40),
        accrued_at=TIME - draw.choice([0, 1, draw.bits(25)]),
        utilisation=draw.choice([0, 9 * 10**6, 10**7, draw.randint(0, 10**7)]),
        rate_at_target=draw.choice([4 * 10**11, 10**10, 2 * 10**13]),
        reserve_share=draw.randint(0, 5_000),
    )


def account(draw, snap: Snapshot, number: int, *, extreme: float = 0.3) -> Account:
    """Holds something of some assets, is in some markets; costs are near the position's value unless extreme."""
    paired = draw.random() < 0.2 and len(snap.assets) > 1
    id = (1 << 88 | PAIRED << 72 | number if paired else number).to_bytes(32, "big")
    balances, positions = {}, {}
    for asset, params in snap.assets.items():
        if draw.random() < 0.7 and not (paired and asset > 1):
            plain = draw.randint(1, 50_000 * 10**params.decimals)
            held = max(draw.bits(100), 1) if draw.random() < extreme else plain
            kind = draw.choice([0, 0, 1, 2])
            shares = draw.choice([plain, draw.bits(100)]) if kind else 0
            balances[asset] = Balance(held * draw.choice([0, 1]) if kind else held, shares, kind)
    for index, listed in snap.markets.items():
        if draw.random() < 0.5 and not paired:
            size, cost = _position(draw, snap.price(listed.risk.feed).value, extreme)
            positions[index] = Position(size, cost, draw.randint(0, listed.state.epoch))
    deadline = draw.choice([0, 0, snap.time - 1, snap.time, snap.time + 1])
    clock = draw.choice([0, snap.time - 60])
    plain_positions = {index: (position.size, position.cost) for index, position in positions.items()}
    found = Account.of(id, balances, plain_positions, call_deadline=deadline, clock_start=clock)
    return replace(found, positions=positions)


def _position(draw, value: int, extreme: float) -> tuple[int, int]:
    if draw.random() < extreme:
        return draw.choice([draw.signed(55), draw.signed(56), 0]), draw.signed(94)
    size = draw.randint(1, min(max(10**23 // value, 1), 2**55)) * draw.choice([1, -1])
    cost = size * value * draw.randint(80, 120) // 100
    return size, max(min(cost, 2**94), -(2**94))

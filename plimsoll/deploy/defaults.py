"""The parameters of a local chain: mock tokens and references, five markets, three signers whose keys everybody knows.

    local()                                       every role is the deployer's, two days' delay for what loosens risk
    local(risk_delay=0, admin_delay=0)            parameters can be changed at once: tests
    local(references=False)                       signed prices are not compared with anything
    local(exchange=False)                         without a Uniswap beside it

Rates, fees and scales are of the order of those of large venues; a local chain needs no better.
"""

from __future__ import annotations

from typing import Any

from coincurve import PrivateKey

from plimsoll.abi import keccak
from plimsoll.deploy.parameters import (
    Asset,
    Feed,
    Market,
    Model,
    Oracle,
    Pair,
    Parameters,
    Pool,
    Reference,
    Roles,
    Terms,
)
from plimsoll.deploy.portfolio_defaults import portfolio
from plimsoll.exchange.listing import local_exchange
from plimsoll.margin.surface_checks import Rules
from plimsoll.prices import PRICE, address_of

SIZE, WAD, DAY, HOUR = 10**8, 10**18, 86_400, 3600


def _asset(
    symbol: str,
    name: str,
    decimals: int,
    feed: int,
    haircuts: tuple[int, int],
    max_age: int,
    sigma: int,
    cap: int,
) -> Asset:
    """Half of the cap (whole tokens) may be borrowed, a fifth of that in an hour; a thousandth may always leave."""
    supply = cap * 10**decimals
    lending = {"borrow_cap": supply // 2, "borrow_velocity": 2000, "reserve_share": 1000, "brake_floor": supply // 1000}
    lending["insurance_cap"] = 100_000
    return Asset(symbol, name, decimals, feed, *haircuts, max_age, sigma, supply, **lending)


ASSETS = (
    _asset("USDC", "USD Coin", 6, 0, (0, 0), HOUR, 0, 10**9),
    _asset("WETH", "Wrapped Ether", 18, 1, (1500, 1000), 60, 8000, 200_000),
    _asset("WBTC", "Wrapped Bitcoin", 8, 2, (1200, 800), 60, 6500, 10_000),
)

#: WETH/USDC and WBTC/USDC: up to 83 % and 86 % may be owed on the collateral.
PAIRS = (Pair(1, 0, 2000, 1700), Pair(2, 0, 1700, 1400))

#: Feed number, symbol, the price a mock reference starts with, σ_ref. XRP in lots of 100: a unit is worth at least one
#: quote.
FEEDS = (
    (1, "ETH", 3000 * PRICE, 8000),
    (2, "BTC", 60_000 * PRICE, 6500),
    (3, "SOL", 150 * PRICE, 11_000),
    (4, "XRP100", 60 * PRICE, 10_000),
    (5, "LINK", 15 * PRICE, 11_000),
)


#: For options on ETH and BTC: stale after 20 minutes, up to two years, vol of 5 % to 400 %, a forward within 3 % of
#: spot and 50 % a year.
SURFACES = Rules(1_200, 2 * 365 * 1_440, 500, 40_000, 300, 5_000, 50_000)


def _market(
    symbol: str,
    feed: int,
    mm: tuple[int, int, int],
    bounds: tuple[int, int],
    oi: tuple[int, int],
    sigma: int,
    scale: int,
    skew: int,
    **rest: Any,
) -> Market:
    """A market with IM twice its MM. `bounds` of tiers and `oi`, between which IM grows, in thousands of quote; `scale`
    and `skew` in whole units; the worst fill premium is skew / scale."""
    return Market(
        symbol=symbol,
        feed=feed,
        mm_rates=mm,
        im_rates=(2 * mm[0], 2 * mm[1], 2 * mm[2]),
        bound1=bounds[0],
        bound2=bounds[1],
        max_age=60,
        sigma=sigma,
        funding_velocity=9 * 10**12 // scale,  # 900 % per day² at a skew of the whole scale
        max_funding_rate=500,
        skew_scale=scale * SIZE,
        max_skew=skew * SIZE,
        max_oi=scale * SIZE // 5,
        oi_lower=oi[0],
        oi_upper=oi[1],
        maker_fee=200,
        taker_fee=500,
        move=2500,
        gap=1000,
        **rest,
    )


MARKETS = (
    _market(
        "ETH",
        1,
        (250, 350, 500),
        (1_000, 5_000),
        (200_000, 600_000),
        8000,
        1_000_000,
        8_000,
        allocation=3000,
        insurance_cap=100_000,
        surfaces=SURFACES,
    ),
    _market(
        "BTC",
        2,
        (200, 300, 450),
        (2_000, 10_000),
        (400_000, 1_200_000),
        6500,
        100_000,
        700,
        allocation=3000,
        insurance_cap=100_000,
        surfaces=SURFACES,
    ),
    _market(
        "SOL",
        3,
        (400, 600, 900),
        (500, 2_500),
        (100_000, 300_000),
        11_000,
        10_000_000,
        120_000,
        allocation=1500,
        insurance_cap=50_000,
    ),
    _market(
        "XRP100",
        4,
        (400, 600, 900),
        (500, 2_500),
        (40_000, 120_000),
        10_000,
        10_000_000,
        120_000,
        allocation=1000,
        insurance_cap=25_000,
    ),
    _market(
        "LINK",
        5,
        (500, 750, 1000),
        (250, 1_000),
        (20_000, 60_000),
        11_000,
        20_000_000,
        300_000,
        allocation=1000,
        insurance_cap=25_000,
    ),
)

TERMS = Terms(
    lambda_=3000,
    beta=6000,
    bonus_start=1000,
    bonus_slope=5000,
    insurance_share=1000,
    min_slice=2000,
    bonus_ramp=900,
    call_period=HOUR,
    insurance_window=DAY,
    bounty=100,
    dust=4000,
)


def local_signer_keys(count: int = 3) -> list[bytes]:
    """Private keys of the price signers of local chains. Public knowledge; never use them anywhere else."""
    return [keccak(b"plimsoll local price signer %d" % number) for number in range(count)]


def local(
    *,
    references: bool = True,
    risk_delay: int = 2 * DAY,
    admin_delay: int = 2 * DAY,
    block_time: int = 12,
    exchange: bool = True,
) -> Parameters:
    """The default deployment of a local chain."""
    signers = tuple(address_of(PrivateKey(key).public_key) for key in local_signer_keys())
    reference = Reference(heartbeat=DAY, confidence=5000) if references else None
    feeds = tuple(Feed(number, symbol, 200, 10_000, price, reference, sigma) for number, symbol, price, sigma in FEEDS)
    return Parameters(
        assets=ASSETS,
        pairs=PAIRS,
        markets=MARKETS,
        terms=TERMS,
        model=Model(mm_floor=20 * WAD, im_floor=40 * WAD, pnl_share=8000),
        portfolio=portfolio(),
        oracle=Oracle(signers=signers, quorum=2, feeds=feeds),
        pool=Pool(delay=HOUR, window=HOUR),
        roles=Roles(risk_delay=risk_delay, admin_delay=admin_delay),
        block_time=block_time,
        exchange=local_exchange({"WETH": FEEDS[0][2], "WBTC": FEEDS[1][2]}) if exchange else None,
    )

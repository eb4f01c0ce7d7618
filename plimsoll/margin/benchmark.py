"""How fast the screen is: `plimsoll bench keeper` prints this."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numba import get_num_threads

from plimsoll.margin.account import (
    Account,
    AssetParams,
    Globals,
    Market,
    MarketRisk,
    MarketState,
    Price,
    Snapshot,
    Terms,
)
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.margin.screen import Mirror, score

TIME = 1_700_000_000
MARKETS = 5
PRICES = (40_000, 2_500, 100, 20, 5)  # quote per unit


def screen_speed(
    *, accounts: int = 1_000_000, positions: int = 3, assets: int = 2, rounds: int = 5, seed: int = 1
) -> dict[str, Any]:
    """Accounts scored per second (compilation not counted), and changed accounts written per second."""
    rng = np.random.default_rng(seed)
    snapshot, mirror = _snapshot(), _mirror(rng, accounts, positions, assets)
    score(mirror, snapshot)  # compiles, or loads what was compiled before
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        scores = score(mirror, snapshot)
        times.append(time.perf_counter() - started)
    best = min(times)
    return {
        "accounts": accounts,
        "positions": positions,
        "assets": assets,
        "threads": get_num_threads(),
        "candidates": int(scores.candidate.sum()),
        "seconds": round(best, 6),
        "accounts_per_second": int(accounts / best),
        "updates_per_second": int(_update_speed(mirror)),
    }


def _snapshot() -> Snapshot:
    risk = [
        MarketRisk(
            100, 200, 400, 200, 400, 800, 500, 5_000, feed=10 + i, max_age=60, sigma=8_000, funding_velocity=1000
        )
        for i in range(MARKETS)
    ]
    prices = {10 + i: Price(value=PRICES[i] * 10**10, published_at=TIME) for i in range(MARKETS)}
    prices |= {1: Price(value=2_500 * 10**10, published_at=TIME)}
    return Snapshot(
        time=TIME,
        model=RuleMargin(mm_floor=20 * WAD, im_floor=30 * WAD, pnl_share=5_000),
        globals=Globals(block_time=2, kappa=20),
        terms=Terms(lambda_=2_500, beta=6_000),
        assets={0: AssetParams(decimals=6), 1: AssetParams(18, 1, 1_000, 500, 60, 8_000)},
        markets={i: Market(risk[i], MarketState(long_size=10**12, accrued_at=TIME - 60)) for i in range(MARKETS)},
        prices=prices,
    )


def _mirror(rng: np.random.Generator, accounts: int, positions: int, assets: int) -> Mirror:
    """Accounts with about 1,000 quote of equity and a leverage that puts a few per cent below their call margin."""
    total = accounts * positions
    market = np.sort(rng.integers(0, MARKETS, (accounts, positions)), axis=1).ravel().astype(np.uint8)
    price = np.array(PRICES, dtype=float)[market]
    notional = rng.uniform(100, 6_000, total) * rng.choice([-1, 1], total)
    size = np.round(notional / price * 1e8)
    cost = size * price / 1e8 + rng.normal(0, 100, total)
    asset = np.tile(np.arange(assets, dtype=np.uint8) % 2, accounts)
    held = np.where(asset == 0, rng.uniform(1e8, 1e9, asset.size), rng.uniform(1e16, 4e17, asset.size))
    mirror = Mirror()
    mirror.load(
        [row.to_bytes(32, "big") for row in range(accounts)],
        {"count": np.full(accounts, positions), "market": market, "size": size, "cost": cost},
        {"count": np.full(accounts, assets), "asset": asset, "held": np.round(held)},
    )
    return mirror


def _update_speed(mirror: Mirror, changed: int = 5_000) -> float:
    """Accounts per second that `Mirror.put` writes anew, with one position more or less than before."""
    held = {0: 10**9, 1: 10**17}
    accounts = [
        Account.holding(mirror.ids[row], held, dict.fromkeys(range(2 + row % 3), (10**8, 10**20)))
        for row in range(min(changed, len(mirror)))
    ]
    started = time.perf_counter()
    mirror.put_all(accounts)
    return len(accounts) / (time.perf_counter() - started)

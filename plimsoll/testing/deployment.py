"""What tests deploy: round numbers, no references, no delays, every role with the chain's first account."""

from __future__ import annotations

from dataclasses import replace

from plimsoll.chain import LocalChain
from plimsoll.contracts import Artifact, Artifacts
from plimsoll.deploy import Deployment, deploy
from plimsoll.deploy.defaults import local
from plimsoll.deploy.parameters import Asset, Market, Model, Parameters, Terms

SIZE, WAD, HOUR = 10**8, 10**18, 3600


def _asset(symbol: str, name: str, decimals: int, feed: int, cap: int) -> Asset:
    """All of it may be borrowed within an hour, and leave within another. The quote asset has no haircuts."""
    haircut_im, haircut_mm, sigma = (2000, 1000, 10_000) if feed else (0, 0, 0)
    plain = Asset(symbol, name, decimals, feed, haircut_im, haircut_mm, 60, sigma, cap)
    return replace(plain, borrow_cap=cap, borrow_velocity=10_000, brake_floor=cap)


ASSETS = (
    _asset("USDC", "USD Coin", 6, 0, 10**16),
    _asset("WETH", "Wrapped Ether", 18, 1, 10**24),
    _asset("WBTC", "Wrapped Bitcoin", 8, 2, 10**13),
)
TERMS = Terms(
    lambda_=5000,
    beta=7500,
    bonus_start=500,
    bonus_slope=5000,
    insurance_share=500,
    min_slice=1000,
    bonus_ramp=HOUR,
    call_period=HOUR,
    insurance_window=HOUR,
    bounty=100,
    dust=4000,
)


def _market(symbol: str, feed: int, scale: int, oi: int, *, mm: int = 250) -> Market:
    """IM twice MM, the worst premium half a percent. `scale` and `oi` in whole units."""
    return Market(
        symbol=symbol,
        feed=feed,
        mm_rates=(mm, mm + 100, mm + 250),
        im_rates=(2 * mm, 2 * mm + 200, 2 * mm + 500),
        bound1=5_000,
        bound2=20_000,
        max_age=60,
        sigma=10_000,
        funding_velocity=9 * 10**12 // scale,
        max_funding_rate=2000,
        skew_scale=scale * SIZE,
        max_skew=scale * SIZE // 200,
        max_oi=oi * SIZE,
        maker_fee=100,
        taker_fee=350,
        allocation=1500,
        move=2000,
        gap=500,
        insurance_cap=20_000,
    )


MARKETS = (
    _market("ETH", 1, 1_000_000, 200_000),
    _market("BTC", 2, 50_000, 10_000),
    _market("SOL", 3, 20_000_000, 4_000_000, mm=400),
    _market("XRP100", 4, 100_000_000, 20_000_000, mm=400),
    _market("LINK", 5, 200_000_000, 30_000_000, mm=400),
)


def parameters(*, exchange: bool = False) -> Parameters:
    """The parameters of `World`."""
    plain = local(references=False, risk_delay=0, admin_delay=0, block_time=2, exchange=exchange)
    oracle = replace(
        plain.oracle, feeds=tuple(replace(f, max_confidence=20_000, sigma_ref=0) for f in plain.oracle.feeds)
    )
    return replace(
        plain, assets=ASSETS, markets=MARKETS, terms=TERMS, model=Model(10 * WAD, 15 * WAD, 9000), oracle=oracle
    )


class Substituted(dict[str, Artifact]):
    """Artifacts with mock tokens of another kind, such as HookERC20; all kinds have the same constructor."""

    def __init__(self, artifacts: Artifacts, kind: str) -> None:
        super().__init__(artifacts)
        self["MockERC20"] = artifacts[kind]
        self.key = artifacts.key


def deploy_local(chain: LocalChain, chosen: Parameters | None = None) -> Deployment:
    """Deploys `chosen`, or the parameters above, from the chain's first account, and keeps no files."""
    return deploy(chain, chain.accounts[0], chosen or parameters())

"""What a deployment is made of: assets, markets, terms, prices, roles. Frozen, in the units of the contracts.

Rates, haircuts, shares, moves, deviations: basis points. Fees, confidences: millionths. Sizes: 1e-8 of a unit. Times:
seconds. Amounts of a token: its own units. Floors: quote WAD. Bounty and dust: hundredths of quote. An address of None
is deployed as a mock, which only local chains accept. `plimsoll.deploy.bounds` says what is safe.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from plimsoll.deploy.typed_json import build
from plimsoll.exchange.listing import ExchangeListing
from plimsoll.margin.option_terms import OptionTerms
from plimsoll.margin.portfolio_parameters import Parameters as Portfolio
from plimsoll.margin.surface_checks import Rules

Rates = tuple[int, int, int]


@dataclass(frozen=True)
class Asset:
    """A collateral asset. The first one is the quote asset: feed 0, no haircuts.

    Caps in token units; a velocity (bps of the borrow cap per hour) and a reserve share (bps of the interest) matter
    where something may be borrowed. The vault lets `brake_bps` of what is there leave per hour, net, or `brake_floor`
    token units if that is more.
    """

    symbol: str
    name: str
    decimals: int
    feed: int
    haircut_im: int
    haircut_mm: int
    max_age: int
    sigma: int
    supply_cap: int
    token: str | None = None
    borrow_cap: int = 0
    borrow_velocity: int = 0
    reserve_share: int = 1000
    brake_bps: int = 2500
    brake_floor: int = 0
    insurance_cap: int = 0


@dataclass(frozen=True)
class Pair:
    """Accounts of their own for one collateral and one debt, by number of the assets."""

    collateral: int
    debt: int
    haircut_im: int
    haircut_mm: int


@dataclass(frozen=True)
class QuoteFeed:
    """The feed of the quote asset: below `threshold` (bps of the peg) IM rises by the gap times `factor` (tenths)."""

    feed: int
    threshold: int
    factor: int


@dataclass(frozen=True)
class Market:
    """A perp market: its risk word, its trade word, and what insurance pays for it per window (whole quote). Bounds of
    tiers and of open interest in thousands of quote. Without rules of surfaces it has no options."""

    symbol: str
    feed: int
    mm_rates: Rates
    im_rates: Rates
    bound1: int
    bound2: int
    max_age: int
    sigma: int
    funding_velocity: int
    max_funding_rate: int
    skew_scale: int
    max_skew: int
    max_oi: int
    maker_fee: int
    taker_fee: int
    allocation: int
    move: int
    gap: int
    insurance_cap: int
    reduce_only: bool = False
    oi_lower: int = 0
    oi_upper: int = 0
    surfaces: Rules | None = None


@dataclass(frozen=True)
class Terms:
    """Margin calls, liquidations, insurance; as in IMarketConfig.Terms."""

    lambda_: int
    beta: int
    bonus_start: int
    bonus_slope: int
    insurance_share: int
    min_slice: int
    bonus_ramp: int
    call_period: int
    insurance_window: int
    bounty: int
    dust: int


@dataclass(frozen=True)
class Model:
    """RuleMargin's immutables."""

    mm_floor: int
    im_floor: int
    pnl_share: int
    options: OptionTerms = field(default_factory=OptionTerms)


@dataclass(frozen=True)
class Reference:
    """A Chainlink aggregator that a feed is compared with. The band is in the aggregator's own units."""

    heartbeat: int
    confidence: int
    decimals: int = 8
    min_answer: int = 0
    max_answer: int = 0
    aggregator: str | None = None


@dataclass(frozen=True)
class Fallback:
    """The price source (IPriceSource) that stands in for a feed whose last good price is older than `age` seconds."""

    source: str
    age: int
    id: str


@dataclass(frozen=True)
class Feed:
    """A signed price. `initial` is the price a mock reference starts with, 1e-10 quote.

    Margin rises with the feed's volatility above `sigma_ref` (bps per √year; 0: never), up to `max_multiplier` (bps);
    half of the estimate is younger than `half_life` (hours).
    """

    number: int
    symbol: str
    max_deviation: int
    max_confidence: int
    initial: int
    reference: Reference | None = None
    sigma_ref: int = 0
    max_multiplier: int = 30_000
    half_life: int = 12
    fallback: Fallback | None = None


@dataclass(frozen=True)
class Oracle:
    """Signers are addresses; any strict majority of them makes a price."""

    signers: tuple[str, ...]
    quorum: int
    feeds: tuple[Feed, ...]
    sequencer: str | None = None
    sequencer_grace: int = 3600


@dataclass(frozen=True)
class Pool:
    """LP requests: the wait before execution, and the window in which losses must show."""

    delay: int
    window: int


@dataclass(frozen=True)
class Stake:
    """Staked insurance: the wait before redemption, the window in which it may be redeemed, and who owns what insurance
    held before anyone staked (None: who is admin)."""

    period: int = 7 * 86_400
    window: int = 2 * 86_400
    treasury: str | None = None


@dataclass(frozen=True)
class Roles:
    """Who holds which role; None is the deployer. Delays in seconds."""

    admin: str | None = None
    risk: str | None = None
    guardian: str | None = None
    admin_delay: int = 2 * 86_400
    risk_delay: int = 2 * 86_400


@dataclass(frozen=True)
class Parameters:
    """One deployment. `kappa` in tenths; `block_time` in seconds, added to the age of every price. There are portfolio
    accounts where there is a `portfolio` model."""

    assets: tuple[Asset, ...]
    markets: tuple[Market, ...]
    terms: Terms
    model: Model
    oracle: Oracle
    pool: Pool
    stake: Stake = field(default_factory=Stake)
    roles: Roles = field(default_factory=Roles)
    block_time: int = 12
    kappa: int = 20
    exchange: ExchangeListing | None = None
    pairs: tuple[Pair, ...] = ()
    quote_feed: QuoteFeed | None = None
    portfolio: Portfolio | None = None

    @property
    def mocks(self) -> list[str]:
        """What would be deployed as a mock."""
        tokens = [asset.symbol for asset in self.assets if asset.token is None]
        references = [f.symbol for f in self.oracle.feeds if f.reference and f.reference.aggregator is None]
        own = ["exchange"] if self.exchange and self.exchange.addresses is None else []
        return [f"token {symbol}" for symbol in tokens] + [f"aggregator {symbol}" for symbol in references] + own

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, raw: Any) -> Parameters:
        """The parameters in `raw`; unknown, missing or ill-typed fields are a BadInput that names them."""
        return build(cls, raw, "parameters")

"""What an account is worth and must hold, and the state that follows. Twin of contracts/MarginCheck.sol.

What it reads is in `snapshot`, what its parts mean in `valuation`; both are at hand here.
"""

from __future__ import annotations

from plimsoll.margin import fixed_math, liquidation_math, option_values, ramp_math
from plimsoll.margin.epoch_math import Epoch
from plimsoll.margin.fixed_math import BPS, ceil_div
from plimsoll.margin.rule_margin import Assessment
from plimsoll.margin.snapshot import (
    CLOSING,
    DEBT,
    HELD_ONLY,
    LENT,
    PAIR,
    QUOTE,
    RAMPING,
    REDUCE_ONLY,
    Account,
    AccountState,
    Market,
    ModelReplaced,
    NegativeBalance,
    PriceUnusable,
    PriceUse,
    Snapshot,
    SurfaceUnusable,
)
from plimsoll.margin.valuation import (
    asset_price,
    assets,
    bits,
    haircuts,
    index_now,
    indices,
    is_good,
    market_terms,
    moved,
    net_amount,
    pair_of,
    perps,
    price_age,
    scaled_sigma,
    used_price,
)
from plimsoll.margin.words import (
    AssetParams,
    Balance,
    Globals,
    Header,
    Lending,
    MarketClosing,
    MarketCosts,
    MarketInsurance,
    MarketLoss,
    MarketRamp,
    MarketRisk,
    MarketState,
    MarketTrade,
    Pair,
    Pool,
    Position,
    Price,
    Terms,
    Totals,
)

__all__ = [
    "CLOSING",
    "DEBT",
    "HELD_ONLY",
    "LENT",
    "PAIR",
    "QUOTE",
    "RAMPING",
    "REDUCE_ONLY",
    "Account",
    "AccountState",
    "Assessment",
    "AssetParams",
    "Balance",
    "Epoch",
    "Globals",
    "Header",
    "Lending",
    "Market",
    "MarketClosing",
    "MarketCosts",
    "MarketInsurance",
    "MarketLoss",
    "MarketRamp",
    "MarketRisk",
    "MarketState",
    "MarketTrade",
    "ModelReplaced",
    "NegativeBalance",
    "Pair",
    "Pool",
    "Position",
    "Price",
    "PriceUnusable",
    "PriceUse",
    "Snapshot",
    "SurfaceUnusable",
    "Terms",
    "Totals",
    "account_state",
    "assess",
    "asset_price",
    "assets",
    "bits",
    "call_margin",
    "haircuts",
    "index_now",
    "indices",
    "is_good",
    "is_liquidatable",
    "lambda_now",
    "market_terms",
    "moved",
    "net_amount",
    "pair_of",
    "perps",
    "price_age",
    "removal_margin",
    "scaled_sigma",
    "target",
    "used_price",
]

REMOVAL_BPS = 1000
QUOTE_BPS = 10**6
DEPEG_UNIT = 10**11


def assess(account: Account, snapshot: Snapshot, use: PriceUse = PriceUse.OPEN) -> Assessment:
    """Equity, IM, IM₀, MM and notional as MarginCheck.assess would return them, or its errors."""
    if option_values.applies(account):
        return option_values.assess(account, snapshot, use)
    found = list(assets(account, snapshot, use).values())
    traded = list(perps(account, snapshot, use).values())
    result = snapshot.model.assess(found, traded)
    if snapshot.replaced and (share := ramp_math.old_share(snapshot.replaced.end, snapshot.time)):
        was = snapshot.replaced.model.assess(found, traded)
        im0 = ramp_math.between(was.im0, result.im0, share)
        result = result._replace(im0=im0, mm=ramp_math.between(was.mm, result.mm, share))
    owed = sum(-asset.value for asset in found if asset.value < 0)
    if gap := _depeg(account, snapshot, owed, use):
        result = result._replace(im=result.im + ceil_div((result.notional + owed) * gap, DEPEG_UNIT))
    return result


def _depeg(account: Account, snapshot: Snapshot, owed: int, use: PriceUse) -> int:
    """What the quote asset trades below its threshold, times the factor, 1e-11; zero without a feed for it."""
    g = snapshot.globals
    if not g.quote_feed:
        return 0
    price = snapshot.price(g.quote_feed)
    good = is_good(price, snapshot.assets[QUOTE].max_age, snapshot.time)
    if use == PriceUse.OPEN and not good and (account.header.markets or owed):
        raise PriceUnusable(g.quote_feed, price_age(price, snapshot.time), price.status)
    return fixed_math.positive(g.depeg_threshold * QUOTE_BPS - price.value) * g.depeg_factor


# ---------------------------------------------------------------- levels and state


def lambda_now(terms: Terms, time: int) -> int:
    """λ on its ramp, bps."""
    return ramp_math.value_at(terms.lambda_from, terms.lambda_, terms.lambda_ramp_end, time)


def call_margin(assessment: Assessment, terms: Terms, time: int) -> int:
    return liquidation_math.call_margin(assessment.im0, assessment.mm, lambda_now(terms, time))


def target(assessment: Assessment, terms: Terms) -> int:
    return liquidation_math.target(assessment.im0, assessment.mm, terms.beta)


def removal_margin(assessment: Assessment) -> int:
    """What must stay when margin is withdrawn or transferred."""
    return max(assessment.im, ceil_div(assessment.notional * REMOVAL_BPS, BPS))


def is_liquidatable(account: Account, assessment: Assessment, snapshot: Snapshot) -> bool:
    """Below MM; or below the call margin with the deadline passed."""
    if assessment.equity < assessment.mm:
        return True
    deadline = account.header.call_deadline
    if deadline == 0 or snapshot.time <= deadline:
        return False
    return assessment.equity < call_margin(assessment, snapshot.terms, snapshot.time)


def account_state(account: Account, assessment: Assessment, snapshot: Snapshot) -> AccountState:
    """Twin of MarginCheck.stateOf."""
    if assessment.equity < 0:
        return AccountState.BANKRUPT
    if is_liquidatable(account, assessment, snapshot):
        return AccountState.LIQUIDATABLE
    if account.header.call_deadline != 0:
        return AccountState.CALLED
    return AccountState.RESTRICTED if assessment.equity < assessment.im else AccountState.HEALTHY

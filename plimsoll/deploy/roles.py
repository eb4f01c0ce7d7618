"""Roles of the protocol's Authority (OpenZeppelin AccessManager), and which function belongs to which.

ADMIN      grants roles and moves functions between them; acts after `admin_delay`
RISK       listings, parameters, feeds, signers, the end of a market; acts after `risk_delay`
GUARDIAN   pauses new risk, disputes a feed or surfaces (for a bounded time), cancels what RISK has scheduled; no delay
CONFIG     MarketConfig and OptionConfig alone: write finished words into the engine
"""

from __future__ import annotations

from collections.abc import Iterator

from plimsoll.contracts import Artifacts

ADMIN, RISK, GUARDIAN, CONFIG = 0, 1, 2, 3
LABELS = {RISK: "RISK", GUARDIAN: "GUARDIAN", CONFIG: "CONFIG"}

#: (contract's name in the plan, role): its functions
FUNCTIONS: dict[tuple[str, int], tuple[str, ...]] = {
    ("MarginEngine", CONFIG): ("configure",),
    ("MarginEngine", RISK): ("closeMarket",),
    ("MarginEngine", GUARDIAN): ("pauseRisk",),
    ("OracleRouter", GUARDIAN): ("dispute",),
    ("OracleRouter", RISK): ("setFeed", "setFallback", "setVolatility", "setSigner", "setQuorum"),
    ("VolatilityFeed", GUARDIAN): ("dispute",),
    ("VolatilityFeed", RISK): ("setRules", "setSigner", "setQuorum"),
    ("ChainlinkAdapter", RISK): ("list",),
    ("LiquidityPool", RISK): ("setTiming",),
    ("MarketConfig", RISK): (
        "listAsset",
        "listPair",
        "listMarket",
        "setAsset",
        "setPair",
        "setMarketRisk",
        "setMarketTrade",
        "setInsuranceCap",
        "setDebtInsurance",
        "setTerms",
        "setModel",
        "setQuoteFeed",
        "setPool",
        "setStake",
        "forbidCallTarget",
    ),
    ("OptionConfig", RISK): ("setPortfolioModel", "setSurfaces", "setVerifier"),
}


def selectors(artifacts: Artifacts) -> Iterator[tuple[str, int, list[bytes]]]:
    """(contract, role, its selectors), in the order of FUNCTIONS."""
    for (contract, role), names in FUNCTIONS.items():
        yield contract, role, [artifacts[contract].function(name).selector for name in names]

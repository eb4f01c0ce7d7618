"""MarketConfig: every bound, each with its own error; then what is written."""

from __future__ import annotations

import pytest
from config_world import (
    BLOCK_TIME,
    BTC,
    ETH,
    INSURANCE_CAP,
    KAPPA,
    NOBODY,
    PERMIT2,
    QUOTE,
    RISK,
    TERMS,
    TRADE,
    UNIT,
    UNKNOWN,
    WETH,
    reverts,
    values,
)

from plimsoll.contracts import events

ASSETS, VAULTS, MARKETS, FORBIDDEN, LENDING, LIMITS, PAIRS = 7, 9, 10, 13, 15, 17, 19
WAD = 10**18

# ---------------------------------------------------------------- bounds: (what is changed, error, its values)

BAD_ASSETS = [
    ({"decimals": 19}, "DecimalsOutOfRange", (19, 18)),
    ({"decimals": 17}, "DecimalsMismatch", None),
    ({"haircutMm": 1_500}, "HaircutsNotMonotone", (1_500, 1_500)),
    ({"haircutMm": 99}, "HaircutTooLow", (99, 100)),
    ({"haircutIm": 10_001}, "HaircutOutOfRange", (10_001, 10_000)),
    ({"maxAge": 0}, "MaxAgeOutOfRange", (0, 3_600)),
    ({"maxAge": 3_601}, "MaxAgeOutOfRange", (3_601, 3_600)),
    ({"sigma": 0}, "SigmaOutOfRange", (0, 50_000)),
    ({"sigma": 50_001}, "SigmaOutOfRange", (50_001, 50_000)),
    ({"supplyCap": 2**104}, "SupplyCapOutOfRange", (2**104, 2**104 - 1)),
    ({"borrowCap": 10**15 + 1}, "BorrowCapAboveSupplyCap", (10**15 + 1, 10**15)),
    ({"borrowVelocity": 0}, "BorrowVelocityOutOfRange", (0, 10_000)),
    ({"borrowVelocity": 10_001}, "BorrowVelocityOutOfRange", (10_001, 10_000)),
    ({"reserveShare": 5_001}, "ReserveShareOutOfRange", (5_001, 5_000)),
    ({"feed": UNKNOWN}, "FeedUnknown", (UNKNOWN,)),
    ({"feed": 0}, "FeedUnknown", (0,)),
    ({"feed": 257}, "FeedUnknown", (257,)),
]
BAD_RISKS = [
    ({"mmRates": [0, 400, 501]}, "MarginRateOutOfRange", (1, 0, 10_000)),
    ({"imRates": [600, 801, 10_001]}, "MarginRateOutOfRange", (3, 10_001, 10_000)),
    ({"mmRates": [300, 299, 501]}, "MarginRatesNotConvex", (2, 299, 300)),
    ({"mmRates": [300, 400, 399]}, "MarginRatesNotConvex", (3, 399, 400)),
    ({"imRates": [600, 599, 1_002]}, "MarginRatesNotConvex", (2, 599, 600)),
    ({"imRates": [300, 801, 1_002]}, "InitialRateNotAboveMaintenance", (1, 300, 300)),
    ({"imRates": [399, 399, 1_002]}, "InitialRateNotAboveMaintenance", (2, 399, 400)),
    ({"imRates": [401, 450, 501]}, "InitialRateNotAboveMaintenance", (3, 501, 501)),
    ({"bound1": 0}, "TierBoundsNotAscending", (0, 5_010)),
    ({"bound1": 5_010}, "TierBoundsNotAscending", (5_010, 5_010)),
    ({"bound1": 4_097}, "BoundNotRepresentable", (4_097,)),
    ({"bound2": 5_011}, "BoundNotRepresentable", (5_011,)),
    ({"bound2": 4_096 * 10**15}, "BoundNotRepresentable", (4_096 * 10**15,)),
    ({"oiLower": 40_011}, "BoundNotRepresentable", (40_011,)),
    ({"oiUpper": 900_001}, "BoundNotRepresentable", (900_001,)),
    ({"oiLower": 900_000}, "InterestBoundsUnordered", (900_000, 900_000)),
    ({"oiUpper": 0}, "InterestBoundsUnordered", (40_010, 0)),
    ({"maxAge": 0}, "MaxAgeOutOfRange", (0, 3_600)),
    ({"maxAge": 3_601}, "MaxAgeOutOfRange", (3_601, 3_600)),
    ({"sigma": 0}, "SigmaOutOfRange", (0, 50_000)),
    ({"sigma": 50_001}, "SigmaOutOfRange", (50_001, 50_000)),
    ({"fundingVelocity": 2**32}, "FundingVelocityOutOfRange", (2**32, 2**32 - 1)),
    ({"maxFundingRate": 10_001}, "FundingRateOutOfRange", (10_001, 10_000)),
    ({"maxAge": 3_600}, "FillCostAboveHalfMaintenance", None),
    ({"sigma": 50_000}, "FillCostAboveHalfMaintenance", None),
    ({"mmRates": [150, 400, 501]}, "FillCostAboveHalfMaintenance", None),
]
BAD_TRADES = [
    ({"maxOi": 2**55}, "SizeOutOfRange", (2**55, 2**55 - 1)),
    ({"skewScale": 2**64}, "SizeOutOfRange", (2**64, 2**64 - 1)),
    ({"maxOi": 4_999 * UNIT}, "SkewCapAboveOpenInterestCap", (5_000 * UNIT, 4_999 * UNIT)),
    ({"skewScale": 5_000 * UNIT}, "SkewCapNotBelowScale", (5_000 * UNIT, 5_000 * UNIT)),
    ({"takerFee": 10_001}, "FeeOutOfRange", (10_001, 10_000)),
    ({"makerFee": 501}, "MakerFeeAboveTaker", (501, 500)),
    ({"allocation": 10_001}, "AllocationsExceedPool", (10_001, 10_000)),
    ({"allocation": 2**256 - 1}, "AllocationsExceedPool", (2**256 - 1, 10_000)),
    ({"move": 0}, "MoveOutOfRange", (0, 10_000)),
    ({"move": 10_001}, "MoveOutOfRange", (10_001, 10_000)),
    ({"gap": 0}, "GapOutOfRange", (0, 10_000)),
    ({"gap": 10_001}, "GapOutOfRange", (10_001, 10_000)),
    ({"skewScale": 400_000 * UNIT}, "FillCostAboveHalfMaintenance", None),
    ({"takerFee": 10_000}, "FillCostAboveHalfMaintenance", None),
]
BAD_TERMS = [
    ({"lambda": 0}, "CallLevelsUnordered", (0, 6_000)),
    ({"lambda": 6_000}, "CallLevelsUnordered", (6_000, 6_000)),
    ({"beta": 10_001}, "CallLevelsUnordered", (3_000, 10_001)),
    ({"bonusStart": 9_499}, "BonusAndInsuranceShareTooHigh", (10_000, 10_000)),
    ({"insuranceShare": 9_500}, "BonusAndInsuranceShareTooHigh", (10_000, 10_000)),
    ({"bonusSlope": 10_001}, "BonusSlopeOutOfRange", (10_001, 10_000)),
    ({"bonusRamp": 59}, "BonusRampOutOfRange", (59, 60, 86_400)),
    ({"bonusRamp": 86_401}, "BonusRampOutOfRange", (86_401, 60, 86_400)),
    ({"minSlice": 0}, "MinSliceOutOfRange", (0, 10_000)),
    ({"minSlice": 10_001}, "MinSliceOutOfRange", (10_001, 10_000)),
    ({"callPeriod": 59}, "CallPeriodOutOfRange", (59, 60, 604_800)),
    ({"callPeriod": 604_801}, "CallPeriodOutOfRange", (604_801, 60, 604_800)),
    ({"insuranceWindow": 3_599}, "InsuranceWindowOutOfRange", (3_599, 3_600, 2_592_000)),
    ({"insuranceWindow": 2_592_001}, "InsuranceWindowOutOfRange", (2_592_001, 3_600, 2_592_000)),
    ({"bounty": 10_001}, "BountyOutOfRange", (10_001, 10_000)),
    ({"dust": 1_000_001}, "DustOutOfRange", (1_000_001, 1_000_000)),
]


@pytest.fixture
def second(ready):
    """A token and a vault for asset 2."""
    token = ready.deploy("MockERC20", "Ether again", "WETH2", 18)
    return token, ready.vault(2, token)


@pytest.mark.parametrize(("change", "error", "expected"), BAD_ASSETS)
def test_an_asset_out_of_bounds_is_not_listed(ready, second, change, error, expected):
    """Each bound has its own error, which carries the value and the bound."""
    with reverts(error, *(expected or ())):
        ready.list_asset(*second, WETH | change)

    assert ready["MarketConfig"].read("assetCount") == 2


@pytest.mark.parametrize(("change", "error", "expected"), BAD_RISKS)
def test_a_risk_word_out_of_bounds_is_refused(ready, change, error, expected):
    """When listing, and when changing what is listed."""
    with reverts(error, *(expected or ())):
        ready.list_market(RISK | change)
    ready.list_market()
    with reverts(error, *(expected or ())):
        ready.configure("setMarketRisk", 0, values(RISK | change))


@pytest.mark.parametrize(("change", "error", "expected"), BAD_TRADES)
def test_a_trade_word_out_of_bounds_is_refused(ready, change, error, expected):
    """When listing, and when changing what is listed."""
    with reverts(error, *(expected or ())):
        ready.list_market(trade=TRADE | change)
    ready.list_market()
    with reverts(error, *(expected or ())):
        ready.configure("setMarketTrade", 0, values(TRADE | change))


@pytest.mark.parametrize(("change", "error", "expected"), BAD_TERMS)
def test_terms_out_of_bounds_are_refused(blank, change, error, expected):
    """λ < β ≤ 1, d₀ + φ < 1, and periods in which someone can act."""
    with reverts(error, *expected):
        blank.configure("setTerms", values(TERMS | change))


@pytest.mark.parametrize(
    ("block_time", "kappa", "error", "expected"),
    [
        (12, 19, "KappaOutOfRange", (19, 20, 100)),
        (12, 101, "KappaOutOfRange", (101, 20, 100)),
        (0, 20, "BlockTimeOutOfRange", (0, 60)),
        (61, 20, "BlockTimeOutOfRange", (61, 60)),
    ],
)
def test_globals_out_of_bounds_are_refused(blank, block_time, kappa, error, expected):
    """κ ≥ 2: below it, whoever picks among prices gains (T-3)."""
    with reverts(error, *expected):
        blank.configure("setModel", blank["RuleMargin"].address, block_time, kappa)


@pytest.mark.parametrize("cap", [2**64, 2**256 - 1])
def test_an_insurance_cap_beyond_its_field_is_refused(listed, cap):
    """It would be cut off."""
    with reverts("InsuranceCapOutOfRange", cap, 2**64 - 1):
        listed.list_market(cap=cap, trade=TRADE | {"allocation": 0})
    with reverts("InsuranceCapOutOfRange", cap, 2**64 - 1):
        listed.configure("setInsuranceCap", 0, cap)


# ---------------------------------------------------------------- the spread bound (T-13)


def test_a_wider_kappa_must_fit_every_market(listed):
    """Premium 0.5 % + fee 0.05 % + spread at κ = 2 leaves room in half of 3 %; κ = 10 does not."""
    with reverts("FillCostAboveHalfMaintenance"):
        listed.configure("setModel", listed["RuleMargin"].address, BLOCK_TIME, 100)


def test_the_spread_bound_is_exact(ready):
    """To the wei: at the largest scale one more unit of skew costs less than one, and rounds up to it."""
    risk = RISK | {"mmRates": [97, 400, 501]}
    spread = spread_rate(KAPPA, risk["sigma"], risk["maxAge"] + BLOCK_TIME)
    maximum = 97 * WAD // 20_000
    room = maximum - spread - TRADE["takerFee"] * 10**12
    largest = room * (2**64 - 1) // WAD
    trade = TRADE | {"skewScale": 2**64 - 1, "maxSkew": largest, "maxOi": 2**55 - 1}

    with reverts("FillCostAboveHalfMaintenance", maximum + 1, maximum):
        ready.list_market(risk, trade | {"maxSkew": largest + 1})
    ready.list_market(risk, trade)


def spread_rate(kappa, sigma, age):
    """FillMath.spreadRate once more, in the one line of docs/storage.md."""
    from math import isqrt

    root = isqrt(age * 10**36 // (365 * 86_400))
    return -(-kappa * sigma * root // 100_000)


# ---------------------------------------------------------------- what stays as it is


def test_a_feed_is_not_replaced(listed):
    """Another feed is another price, at once."""
    with reverts("FeedNotReplaceable", ETH, BTC):
        listed.configure("setMarketRisk", 0, values(RISK | {"feed": BTC}))
    with reverts("FeedNotReplaceable", ETH, BTC):
        listed.configure("setAsset", 1, values(WETH | {"feed": BTC}))


def test_decimals_are_not_changed(listed):
    """They were the token's when it was listed."""
    with reverts("DecimalsMismatch", NOBODY, 18, 8):
        listed.configure("setAsset", 1, values(WETH | {"decimals": 8}))


def test_the_pool_is_not_replaced(ready):
    """Its cash lies in its account."""
    with reverts("PoolNotReplaceable", ready["MockPriceSource"].address):
        ready.configure("setPool", ready["OracleRouter"].address)


def test_new_funding_terms_do_not_charge_for_past_time(listed):
    """Accrued up to now at the old ones: without it a higher velocity would reach back to the last trade."""
    listed.chain.advance(86_400)
    receipt = listed.configure("setMarketRisk", 0, values(RISK | {"fundingVelocity": 2**32 - 1}))

    assert [event.args["market"] for event in events(receipt.logs, "MarketAccrued")] == [0]
    assert listed.chain.block()[1] == listed.entry(MARKETS, 0) >> 208 & 2**32 - 1


# ---------------------------------------------------------------- listings


def test_the_first_asset_is_a_plain_quote_asset(blank):
    """Its price is one and it needs no haircut."""
    for change in ({"feed": ETH}, {"haircutIm": 1}, {"haircutIm": 1, "haircutMm": 1}):
        params = QUOTE | change
        with reverts("QuoteNotPlain", params["feed"], params["haircutIm"], params["haircutMm"]):
            blank.list_asset(blank["quote"], blank["quote vault"], params)


def test_the_quote_asset_stays_plain(ready):
    """Also later."""
    with reverts("QuoteNotPlain", 0, 5, 0):
        ready.configure("setAsset", 0, values(QUOTE | {"haircutIm": 5}))


def test_a_vault_must_be_of_this_engine_index_and_token(ready, second):
    """Each of the three, one at a time; and neither may be an empty address."""
    token, vault = second
    other_token = ready.deploy("MockERC20", "Else", "ELSE", 18)
    strange = ready.deploy("CollateralVault", ready["OracleRouter"].address, 2, token.address, "V", "V", 2_500, 0)

    for bad in (strange, ready.vault(3, token), ready.vault(2, other_token)):
        with reverts("VaultMismatch"):
            ready.list_asset(token, bad, WETH)
    with reverts("AddressWithoutCode", ready.stranger):
        ready.configure("listAsset", token.address, ready.stranger, values(WETH))
    with reverts("AddressWithoutCode", ready.stranger):
        ready.configure("listAsset", ready.stranger, vault.address, values(WETH))


def test_a_market_needs_model_terms_and_pool(blank):
    """Without any of them the engine would divide by zero or trade against nobody."""
    with reverts("ModelMissing"):
        blank.configure("setTerms", values(TERMS))
    blank.configure("setModel", blank["RuleMargin"].address, BLOCK_TIME, KAPPA)
    with reverts("TermsMissing"):
        blank.list_market()
    blank.configure("setTerms", values(TERMS))
    with reverts("PoolMissing"):
        blank.list_market()
    blank.configure("setPool", blank["MockPriceSource"].address)
    blank.list_market()


def test_dust_is_not_below_the_floor(ready):
    """A slice that left an account at the floors could only be followed by one that lowers its health (S-4)."""
    floor = ready["RuleMargin"].read("IM_FLOOR")
    least = floor // 10**16
    with reverts("DustBelowFloor", floor - 10**16, floor):
        ready.configure("setTerms", values(TERMS | {"dust": least - 1}))
    ready.configure("setTerms", values(TERMS | {"dust": least}))


def test_without_a_skew_the_scale_may_change(ready):
    """With one it may not: tests/attacks/test_r04_another_scale.py."""
    ready.list_market()
    for scale in (2 * TRADE["skewScale"], TRADE["skewScale"]):
        ready.configure("setMarketTrade", 0, values(TRADE | {"skewScale": scale}))
        assert scale == ready.entry(MARKETS, 0, 3) & (2**64 - 1)


def test_a_model_or_pool_without_code_is_refused(blank):
    """A typing error in an address."""
    for call in (("setModel", blank.stranger, BLOCK_TIME, KAPPA), ("setPool", blank.stranger)):
        with reverts("AddressWithoutCode", blank.stranger):
            blank.configure(*call)


def test_a_market_needs_a_known_feed(ready):
    """One that the router knows."""
    with reverts("FeedUnknown", UNKNOWN):
        ready.list_market(RISK | {"feed": UNKNOWN})


def test_the_allocations_of_all_markets_share_one_pool(listed):
    """Σ a_m ≤ 1, whether a market comes or changes."""
    with reverts("AllocationsExceedPool", 10_001, 10_000):
        listed.list_market(trade=TRADE | {"allocation": 6_001})
    listed.list_market(trade=TRADE | {"allocation": 6_000})
    with reverts("AllocationsExceedPool", 10_001, 10_000):
        listed.configure("setMarketTrade", 0, values(TRADE | {"allocation": 4_001}))
    listed.configure("setMarketTrade", 1, values(TRADE | {"allocation": 1_000}))
    listed.configure("setMarketTrade", 0, values(TRADE | {"allocation": 9_000}))

    assert listed["MarketConfig"].read("allocationSum") == 10_000


def test_what_is_not_listed_cannot_be_set(listed):
    """The next free index included."""
    for call in (
        ("setMarketRisk", 1, values(RISK)),
        ("setMarketTrade", 1, values(TRADE)),
        ("setInsuranceCap", 1, 1),
    ):
        with reverts("MarketUnknown", 1):
            listed.configure(*call)
    with reverts("AssetUnknown", 2):
        listed.configure("setAsset", 2, values(WETH))


def test_no_more_than_64_markets_and_64_assets_are_listed(ready):
    """A header has one bit for each."""
    for _ in range(64):
        ready.list_market(trade=TRADE | {"allocation": 0})
    with reverts("MarketLimitReached", 64):
        ready.list_market(trade=TRADE | {"allocation": 0})

    for asset in range(2, 64):
        ready.list_asset(ready["weth"], ready.vault(asset, ready["weth"]), WETH)
    with reverts("AssetLimitReached", 64):
        ready.list_asset(ready["weth"], ready.vault(64, ready["weth"]), WETH)


def test_strangers_set_nothing(listed):
    """A-1: every privileged selector rejects random callers, the reads are free."""
    address = listed["quote"].address
    calls = [
        ("listAsset", address, address, values(WETH)),
        ("listMarket", values(RISK), values(TRADE), 1),
        ("setAsset", 1, values(WETH)),
        ("setMarketRisk", 0, values(RISK)),
        ("setMarketTrade", 0, values(TRADE)),
        ("setInsuranceCap", 0, 1),
        ("setTerms", values(TERMS)),
        ("setModel", address, BLOCK_TIME, KAPPA),
        ("setDebtInsurance", 0, 1),
        ("setPool", address),
        ("setStake", address),
        ("forbidCallTarget", address),
        ("listPair", 1, 0, 800, 400),
        ("setPair", 1, 0, 800, 400),
        ("setQuoteFeed", ETH, 9_900, 12),
    ]
    functions = listed["MarketConfig"].artifact.functions.values()
    changing = {function.name for function in functions if function.changes_state} - {"setAuthority", "endRamps"}

    assert changing == {call[0] for call in calls}
    for call in calls:
        with reverts("AccessManagedUnauthorized", listed.stranger):
            listed.configure(*call, sender=listed.stranger)


# ---------------------------------------------------------------- what is written


def pack_asset(p):
    places = {"decimals": 0, "feed": 8, "haircutIm": 16, "haircutMm": 32, "maxAge": 48, "sigma": 64}
    return sum(p[name] << place for name, place in places.items())


def pack_limits(p):
    places = {"supplyCap": 0, "borrowCap": 104, "borrowVelocity": 240}
    return sum(p[name] << place for name, place in places.items())


def pack_risk(p):
    word = sum(rate << 16 * place for place, rate in enumerate([*p["mmRates"], *p["imRates"]]))
    places = {
        "feed": 144,
        "maxAge": 152,
        "sigma": 168,
        "fundingVelocity": 184,
        "maxFundingRate": 216,
        "reduceOnly": 232,
    }
    rounds = {"bound1": 96, "bound2": 112, "oiLower": 128, "oiUpper": 240}
    word += sum(p[name] << place for name, place in places.items())
    return word + sum(decimal(p[name]) << place for name, place in rounds.items())


def decimal(value):
    """Mantissa of 12 bits, exponent of 4."""
    exponent = 0
    while value > 4_095:
        value, exponent = value // 10, exponent + 1
    return value << 4 | exponent


def pack_trade(p):
    places = dict(zip(p, (0, 64, 120, 176, 192, 208, 224, 240), strict=True))
    return sum(p[name] << place for name, place in places.items())


def pack_terms(p):
    places = dict(zip(p, (0, 16, 32, 48, 64, 80, 96, 120, 144, 168, 184), strict=True))
    return sum(p[name] << place for name, place in places.items())


def test_every_word_is_packed_as_documented(listed):
    """docs/storage.md against the engine's own slots."""
    model = int(listed["RuleMargin"].address, 16)

    assert model | BLOCK_TIME << 200 | KAPPA << 208 == listed.slot(0)
    assert int(listed["MockPriceSource"].address, 16) == listed.slot(1)
    assert pack_terms(TERMS) == listed.slot(2)
    assert [pack_asset(QUOTE), pack_asset(WETH)] == [listed.entry(ASSETS, asset) for asset in (0, 1)]
    assert [pack_limits(QUOTE), pack_limits(WETH)] == [listed.entry(LIMITS, asset) for asset in (0, 1)]
    start = 10**12 | 10**12 << 64 | listed.chain.block()[1] << 128 | 4 * 10**11 << 184 | 1_003 << 232
    assert [start, start] == [listed.entry(LENDING, asset) for asset in (0, 1)]
    assert [int(listed[f"{name} vault"].address, 16) for name in ("quote", "weth")] == [
        listed.entry(VAULTS, asset) for asset in (0, 1)
    ]
    assert [pack_risk(RISK), pack_trade(TRADE), INSURANCE_CAP] == [listed.entry(MARKETS, 0, word) for word in (1, 3, 4)]


def test_the_extremes_do_not_touch_their_neighbours(ready):
    """Every field at its largest allowed value at once."""
    risk = RISK | {
        "mmRates": [9_998, 9_998, 9_998],
        "imRates": [9_999, 9_999, 10_000],
        "bound1": 4_094 * 10**15,
        "bound2": 4_095 * 10**15,
        "oiLower": 4_094 * 10**15,
        "oiUpper": 4_095 * 10**15,
        "sigma": 50_000,
        "fundingVelocity": 2**32 - 1,
        "maxFundingRate": 10_000,
        "reduceOnly": True,
    }
    trade = {"skewScale": 2**64 - 1, "maxSkew": 2**55 - 1, "maxOi": 2**55 - 1, "makerFee": 10_000, "takerFee": 10_000}
    trade |= {"allocation": 10_000, "move": 10_000, "gap": 10_000}
    ready.list_market(risk, trade, 2**64 - 1)

    assert [pack_risk(risk), pack_trade(trade), 2**64 - 1] == [ready.entry(MARKETS, 0, word) for word in (1, 3, 4)]


def test_changes_are_written_and_what_is_no_parameter_is_kept(listed):
    """Pause and lock beside the globals, the window beside the insurance cap."""
    engine = listed["MarginEngine"]
    until = listed.chain.block()[1] + 1_000
    engine.write("pauseRisk", until, sender=listed.owner)
    listed.configure("setModel", listed["RuleMargin"].address, 13, 21)
    listed.configure("setInsuranceCap", 0, 7)
    listed.configure("setMarketTrade", 0, values(TRADE | {"gap": 900}))

    assert (until, 13, 21) == (listed.slot(0) >> 168 & 2**32 - 1, *(listed.slot(0) >> 200).to_bytes(7, "little")[:2])
    assert (7, pack_trade(TRADE | {"gap": 900})) == (listed.entry(MARKETS, 0, 4), listed.entry(MARKETS, 0, 3))


def test_what_a_call_must_never_reach_is_forbidden(listed):
    """Listed tokens, vaults, price sources, the pool, the core, Permit2; nothing else."""
    listed.list_market(RISK | {"feed": BTC}, TRADE | {"allocation": 0})
    names = ["quote", "weth", "quote vault", "weth vault", "MockPriceSource", "MarginEngine", "OracleRouter"]
    names += ["Executor", "MarketConfig", "Authority"]
    forbidden = [PERMIT2, *(listed[name].address for name in names)]

    assert [1] * len(forbidden) == [listed.entry(FORBIDDEN, int(address, 16)) for address in forbidden]
    assert listed.entry(FORBIDDEN, int(listed.stranger, 16)) == 0

    listed.configure("forbidCallTarget", listed.stranger)

    assert listed.entry(FORBIDDEN, int(listed.stranger, 16)) == 1


def test_listings_are_counted_and_announced(listed):
    """From 0, in order."""
    config = listed["MarketConfig"]
    receipt = listed.list_market(trade=TRADE | {"allocation": 1})
    event = events(receipt.logs, "MarketListed")[0]

    assert tuple(config.read(name) for name in ("assetCount", "marketCount", "allocationSum")) == (2, 2, 4_001)
    assert (1, INSURANCE_CAP, tuple(TRADE.values())[1]) == (
        event.args["market"],
        event.args["insuranceCap"],
        event.args["trade"].maxSkew,
    )

"""MarketConfig: what parameters may be, each bound with its own error."""

import pytest
from helpers import ANY, only, reverts
from world import ETH, SIZE

TERMS = {
    "lambda": 5000,
    "beta": 7500,
    "bonusStart": 500,
    "bonusSlope": 5000,
    "insuranceShare": 500,
    "minSlice": 1000,
    "bonusRamp": 3600,
    "callPeriod": 3600,
    "insuranceWindow": 3600,
    "bounty": 100,
    "dust": 4000,
}
TRADE = {
    "skewScale": 10**6 * SIZE,
    "maxSkew": 5000 * SIZE,
    "maxOi": 200_000 * SIZE,
    "makerFee": 100,
    "takerFee": 350,
    "allocation": 1500,
    "move": 2000,
    "gap": 500,
}
RISK = {
    "mmRates": (250, 350, 500),
    "imRates": (500, 700, 1000),
    "bound1": 5000,
    "bound2": 20_000,
    "feed": 1,
    "maxAge": 60,
    "sigma": 10_000,
    "fundingVelocity": 9_000_000,
    "maxFundingRate": 2000,
    "reduceOnly": False,
    "oiLower": 0,
    "oiUpper": 0,
}
ASSET = {
    "decimals": 18,
    "feed": 1,
    "haircutIm": 2000,
    "haircutMm": 1000,
    "maxAge": 60,
    "sigma": 10_000,
    "supplyCap": 10**24,
    "borrowCap": 10**24,
    "borrowVelocity": 10_000,
    "reserveShare": 1000,
}


@pytest.mark.parametrize(
    ("changes", "error", "values"),
    [
        ({"lambda": 0}, "CallLevelsUnordered", (0, 7500)),
        ({"lambda": 7500}, "CallLevelsUnordered", (7500, 7500)),
        ({"beta": 10_001}, "CallLevelsUnordered", (5000, 10_001)),
        ({"bonusStart": 9500}, "BonusAndInsuranceShareTooHigh", (10_000, 10_000)),
        ({"bonusSlope": 10_001}, "BonusSlopeOutOfRange", (10_001, 10_000)),
        ({"bonusRamp": 59}, "BonusRampOutOfRange", (59, 60, 86_400)),
        ({"bonusRamp": 86_401}, "BonusRampOutOfRange", (86_401, 60, 86_400)),
        ({"minSlice": 0}, "MinSliceOutOfRange", (0, 10_000)),
        ({"minSlice": 10_001}, "MinSliceOutOfRange", (10_001, 10_000)),
        ({"callPeriod": 59}, "CallPeriodOutOfRange", (59, 60, 604_800)),
        ({"insuranceWindow": 3599}, "InsuranceWindowOutOfRange", (3599, 3600, 2_592_000)),
        ({"bounty": 10_001}, "BountyOutOfRange", (10_001, 10_000)),
        ({"dust": 1_000_001}, "DustOutOfRange", (1_000_001, 1_000_000)),
        ({"dust": 1499}, "DustBelowFloor", (1499 * 10**16, 15 * 10**18)),
    ],
)
def test_terms(world, deployer, changes, error, values):
    """Terms out of bounds are refused, by name and value."""
    with reverts(error, *values):
        world.config.setTerms(tuple((TERMS | changes).values()), {"from": deployer})


@pytest.mark.parametrize(
    ("changes", "error", "values"),
    [
        ({"maxOi": 2**55}, "SizeOutOfRange", (2**55, 2**55 - 1)),
        ({"maxSkew": 200_001 * SIZE}, "SkewCapAboveOpenInterestCap", (200_001 * SIZE, 200_000 * SIZE)),
        ({"skewScale": 5000 * SIZE}, "SkewCapNotBelowScale", (5000 * SIZE, 5000 * SIZE)),
        ({"skewScale": 2**64}, "SizeOutOfRange", (2**64, 2**64 - 1)),
        ({"takerFee": 10_001}, "FeeOutOfRange", (10_001, 10_000)),
        ({"makerFee": 351}, "MakerFeeAboveTaker", (351, 350)),
        ({"move": 0}, "MoveOutOfRange", (0, 10_000)),
        ({"gap": 10_001}, "GapOutOfRange", (10_001, 10_000)),
        ({"allocation": 10_001}, "AllocationsExceedPool", (10_001, 10_000)),
        ({"allocation": 4001}, "AllocationsExceedPool", (10_001, 10_000)),
        ({"takerFee": 10_000}, "FillCostAboveHalfMaintenance", (ANY, 125 * 10**14)),
    ],
)
def test_trade(world, deployer, changes, error, values):
    """A market's trading parameters out of bounds."""
    with reverts(error, *values):
        world.config.setMarketTrade(ETH, tuple((TRADE | changes).values()), {"from": deployer})


@pytest.mark.parametrize(
    ("changes", "error", "values"),
    [
        ({"mmRates": (0, 350, 500)}, "MarginRateOutOfRange", (1, 0, 10_000)),
        ({"mmRates": (250, 249, 500)}, "MarginRatesNotConvex", (2, 249, 250)),
        ({"imRates": (250, 700, 1000)}, "InitialRateNotAboveMaintenance", (1, 250, 250)),
        ({"imRates": (500, 700, 10_001)}, "MarginRateOutOfRange", (3, 10_001, 10_000)),
        ({"bound1": 0}, "TierBoundsNotAscending", (0, 20_000)),
        ({"bound2": 5000}, "TierBoundsNotAscending", (5000, 5000)),
        ({"bound2": 20_001}, "BoundNotRepresentable", (20_001,)),
        ({"maxAge": 0}, "MaxAgeOutOfRange", (0, 3600)),
        ({"sigma": 50_001}, "SigmaOutOfRange", (50_001, 50_000)),
        ({"fundingVelocity": 2**32}, "FundingVelocityOutOfRange", (2**32, 2**32 - 1)),
        ({"maxFundingRate": 10_001}, "FundingRateOutOfRange", (10_001, 10_000)),
        ({"feed": 2}, "FeedNotReplaceable", (1, 2)),
        ({"oiLower": 5, "oiUpper": 5}, "InterestBoundsUnordered", (5, 5)),
    ],
)
def test_risk(world, deployer, changes, error, values):
    """A market's risk parameters out of bounds."""
    with reverts(error, *values):
        world.config.setMarketRisk(ETH, tuple((RISK | changes).values()), {"from": deployer})


@pytest.mark.parametrize(
    ("changes", "error", "values"),
    [
        ({"decimals": 19}, "DecimalsOutOfRange", (19, 18)),
        ({"supplyCap": 2**104}, "SupplyCapOutOfRange", (2**104, 2**104 - 1)),
        ({"maxAge": 3601}, "MaxAgeOutOfRange", (3601, 3600)),
        ({"sigma": 0}, "SigmaOutOfRange", (0, 50_000)),
        ({"haircutIm": 10_001}, "HaircutOutOfRange", (10_001, 10_000)),
        ({"haircutIm": 1000}, "HaircutsNotMonotone", (1000, 1000)),
        ({"haircutMm": 99}, "HaircutTooLow", (99, 100)),
        ({"feed": 2}, "FeedNotReplaceable", (1, 2)),
        ({"borrowCap": 10**24 + 1}, "BorrowCapAboveSupplyCap", (10**24 + 1, 10**24)),
        ({"borrowVelocity": 0}, "BorrowVelocityOutOfRange", (0, 10_000)),
        ({"reserveShare": 5001}, "ReserveShareOutOfRange", (5001, 5000)),
    ],
)
def test_asset(world, deployer, changes, error, values):
    """An asset's parameters out of bounds."""
    with reverts(error, *values):
        world.config.setAsset(1, tuple((ASSET | changes).values()), {"from": deployer})


@pytest.mark.parametrize(
    ("block_time", "kappa", "error", "values"),
    [
        (0, 20, "BlockTimeOutOfRange", (0, 60)),
        (61, 20, "BlockTimeOutOfRange", (61, 60)),
        (2, 19, "KappaOutOfRange", (19, 20, 100)),
        (2, 101, "KappaOutOfRange", (101, 20, 100)),
    ],
)
def test_globals(world, deployer, block_time, kappa, error, values):
    """Block time and kappa out of bounds."""
    with reverts(error, *values):
        world.config.setModel(world.contract("RuleMargin"), block_time, kappa, {"from": deployer})


@pytest.mark.parametrize(("asset", "market"), [(3, 5), (63, 63)])
def test_what_is_not_listed(world, deployer, asset, market):
    """Has no parameters."""
    with reverts("AssetUnknown", asset):
        world.config.setAsset(asset, tuple(ASSET.values()), {"from": deployer})
    with reverts("MarketUnknown", market):
        world.config.setInsuranceCap(market, 1, {"from": deployer})


def test_the_pool_is_set_once(world, deployer):
    """Another owner would have neither its cash nor its side of the positions."""
    with reverts("PoolNotReplaceable", world.pool):
        world.config.setPool(world.lens, {"from": deployer})


def test_a_vault_of_another_engine_or_asset(world, deployer):
    """The vault says whose it is."""
    vault = world.vaults[1]
    with reverts("VaultMismatch", vault, world.engine, 1, world.tokens[1]):
        world.config.listAsset(world.tokens[1], vault, tuple(ASSET.values()), {"from": deployer})


@pytest.mark.parametrize("decimals", [6, 17])
def test_wrong_decimals(world, deployer, decimals):
    """The token knows how many it has."""
    token = world.put("MockERC20", "T", "T", 18)
    vault = world.put("CollateralVault", world.engine, 3, token, "L", "L", 2500, 10**30)
    with reverts("DecimalsMismatch", token, 18, decimals):
        world.config.listAsset(token, vault, tuple((ASSET | {"decimals": decimals}).values()), {"from": deployer})


def test_a_listing_is_told_and_counted(world, deployer):
    """With its parameters; its token and vault are no call targets."""
    token = world.put("MockERC20", "T", "T", 18)
    vault = world.put("CollateralVault", world.engine, 3, token, "L", "L", 2500, 10**30)
    tx = world.config.listAsset(token, vault, tuple(ASSET.values()), {"from": deployer})
    assert (3, token, vault) == tuple(only(tx, "AssetListed")[key] for key in ("asset", "token", "vault"))
    assert world.config.assetCount() == 4


def test_a_sixth_market(world, deployer):
    """Listed at once, with its own books."""
    trade = TRADE | {"allocation": 100}
    tx = world.config.listMarket(tuple(RISK.values()), tuple(trade.values()), 5, {"from": deployer})
    assert only(tx, "MarketListed")["market"] == 5
    assert world.config.marketCount() == 6

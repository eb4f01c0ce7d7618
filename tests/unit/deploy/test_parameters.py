"""Unsafe parameters are refused, each with an error of its own, before anything is sent; the chain refuses the same."""

import json
from dataclasses import replace

import pytest

from plimsoll.contracts import load
from plimsoll.deploy import Parameters, deploy, errors, local
from plimsoll.deploy.bounds import violations
from plimsoll.deploy.errors import StepFailed, UnsafeParameters, Violation
from plimsoll.deploy.files import Journal
from plimsoll.deploy.parameters import Fallback, Pair, QuoteFeed, Stake
from plimsoll.deploy.protocol import protocol_plan
from plimsoll.deploy.runner import run
from plimsoll.errors import BadInput
from plimsoll.margin.option_terms import OptionTerms

WAD = 10**18
SAFE = local()
ONE = "0x" + "11" * 20


def asset(number=1, **fields):
    assets = list(SAFE.assets)
    assets[number] = replace(assets[number], **fields)
    return replace(SAFE, assets=tuple(assets))


def market(number=0, **fields):
    markets = list(SAFE.markets)
    markets[number] = replace(markets[number], **fields)
    return replace(SAFE, markets=tuple(markets))


def terms(**fields):
    return replace(SAFE, terms=replace(SAFE.terms, **fields))


def oracle(**fields):
    return replace(SAFE, oracle=replace(SAFE.oracle, **fields))


def feed(**fields):
    first, *rest = SAFE.oracle.feeds
    return oracle(feeds=(replace(first, **fields), *rest))


def other(**fields):
    return replace(SAFE, **fields)


def options(**fields):
    return other(model=replace(SAFE.model, options=OptionTerms(**fields)))


UNSAFE = [
    ("AllocationsExceedPool", market(allocation=9000)),
    ("BlockTimeOutOfRange", other(block_time=0)),
    ("BonusAndInsuranceShareTooHigh", terms(bonus_start=9000)),
    ("BonusRampOutOfRange", terms(bonus_ramp=59)),
    ("BonusSlopeOutOfRange", terms(bonus_slope=10_001)),
    ("BountyOutOfRange", terms(bounty=10_001)),
    ("CallLevelsUnordered", terms(lambda_=6000)),
    ("CallLevelsUnordered", terms(lambda_=0)),
    ("CallLevelsUnordered", terms(beta=10_001)),
    ("CallPeriodOutOfRange", terms(call_period=0)),
    ("DecimalsOutOfRange", asset(decimals=19)),
    ("DelayOutOfRange", other(roles=replace(SAFE.roles, risk_delay=-1))),
    ("DeviationOutOfRange", feed(max_deviation=0)),
    ("ConfidenceOutOfRange", feed(max_confidence=0)),
    ("DustBelowFloor", terms(dust=1999)),
    ("DustOutOfRange", terms(dust=1_000_001)),
    ("FallbackAgeOutOfRange", feed(fallback=Fallback(ONE, 59, "BACKUP"))),
    ("FeeOutOfRange", market(taker_fee=10_001, mm_rates=(2500, 2500, 2500), im_rates=(5000, 5000, 5000))),
    ("FeedUnknown", market(feed=9)),
    ("FeedUnknown", asset(feed=9)),
    ("FillCostAboveHalfMaintenance", market(max_skew=SAFE.markets[0].skew_scale // 80)),
    ("FillCostAboveHalfMaintenance", market(sigma=40_000)),
    ("FillCostAboveHalfMaintenance", market(max_age=3600)),
    ("FloorsUnordered", other(model=replace(SAFE.model, im_floor=SAFE.model.mm_floor))),
    ("FundingOutOfRange", market(funding_velocity=2**32)),
    ("GapOutOfRange", market(gap=0)),
    ("HaircutOutOfRange", asset(haircut_im=10_001)),
    ("HalfLifeOutOfRange", feed(half_life=721)),
    ("HaircutsNotMonotone", asset(haircut_mm=1500)),
    ("HeartbeatOutOfRange", feed(reference=replace(SAFE.oracle.feeds[0].reference, heartbeat=0))),
    ("InitialRateNotAboveMaintenance", market(im_rates=(250, 700, 1000))),
    ("InsuranceCapOutOfRange", market(insurance_cap=2**64)),
    ("InsuranceWindowOutOfRange", terms(insurance_window=3599)),
    ("KappaOutOfRange", other(kappa=19)),
    ("MakerFeeAboveTaker", market(maker_fee=501)),
    ("MaxMultiplierOutOfRange", feed(max_multiplier=49_844)),
    ("MarginRateOutOfRange", market(im_rates=(5000, 7000, 10_001))),
    ("MarginRatesNotConvex", market(mm_rates=(250, 500, 350))),
    ("MaxAgeOutOfRange", asset(max_age=3601)),
    ("MinSliceOutOfRange", terms(min_slice=0)),
    ("MoveOutOfRange", market(move=0)),
    ("NothingListed", other(markets=())),
    ("PnlShareOutOfRange", other(model=replace(SAFE.model, pnl_share=10_001))),
    ("PoolTimingOutOfRange", other(pool=replace(SAFE.pool, window=3601))),
    ("QuorumUnsafe", oracle(quorum=1)),
    ("QuorumUnsafe", oracle(quorum=4)),
    ("QuoteNotPlain", asset(0, haircut_im=100)),
    ("RoleAddressInvalid", other(roles=replace(SAFE.roles, guardian="0x12"))),
    ("SigmaRefOutOfRange", feed(sigma_ref=99)),
    ("SigmaOutOfRange", asset(sigma=0)),
    ("SignersNotDistinct", oracle(signers=(SAFE.oracle.signers[0],) * 3, quorum=1)),
    ("SizeOutOfRange", market(max_oi=2**55)),
    ("SkewCapAboveOpenInterestCap", market(max_oi=SAFE.markets[0].max_skew - 1)),
    ("SkewCapNotBelowScale", market(max_skew=10**14, max_oi=10**14)),
    ("SupplyCapOutOfRange", asset(supply_cap=2**104)),
    ("TierBoundsNotAscending", market(bound1=5000)),
    ("BorrowCapAboveSupplyCap", asset(borrow_cap=SAFE.assets[1].supply_cap + 1)),
    ("BorrowVelocityOutOfRange", asset(borrow_velocity=0)),
    ("BoundNotRepresentable", market(bound2=5001)),
    ("BoundNotRepresentable", market(oi_lower=4097)),
    ("DepegFactorOutOfRange", other(quote_feed=QuoteFeed(1, 9900, 101))),
    ("DepegThresholdOutOfRange", other(quote_feed=QuoteFeed(1, 10_001, 12))),
    ("FeedUnknown", other(quote_feed=QuoteFeed(9, 9900, 12))),
    ("HaircutTooLow", asset(haircut_mm=99)),
    ("HaircutTooLow", other(pairs=(Pair(1, 0, 800, 199),))),
    ("HaircutsNotMonotone", other(pairs=(Pair(1, 0, 800, 800),))),
    ("InterestBoundsUnordered", market(oi_lower=600_000)),
    ("PairAlreadyListed", other(pairs=(Pair(1, 0, 800, 400),) * 2)),
    ("PairInvalid", other(pairs=(Pair(1, 1, 800, 400),))),
    ("ReserveShareOutOfRange", asset(reserve_share=5001)),
    ("StakeTimingOutOfRange", other(stake=Stake(period=3599, window=3599))),
    ("StakeTimingOutOfRange", other(stake=Stake(period=31 * 86_400))),
    ("StakeTimingOutOfRange", other(stake=Stake(period=86_400, window=86_401))),
    ("TreasuryInvalid", other(stake=Stake(treasury="0x00"))),
    ("SpotRatesUnordered", options(min_spot=1501)),
    ("SpotRatesUnordered", options(min_spot=0, mm_call=0, mm_put=0)),
    ("SpotRatesUnordered", options(max_spot=10_001)),
    ("CallRateOutOfRange", options(mm_call=1301)),
    ("CallRateOutOfRange", options(mm_call=0)),
    ("PutRateOutOfRange", options(mm_put=1301)),
    ("PutRateOutOfRange", options(mm_put=0)),
    ("MarkRateOutOfRange", options(mm_put_mark=0)),
    ("MarkRateOutOfRange", options(mm_put_mark=10_001)),
    ("UnpairedScalesUnordered", options(unpaired_im=10_999)),
    ("UnpairedScalesUnordered", options(unpaired_mm=9_999)),
    ("UnpairedScalesUnordered", options(unpaired_im=30_001)),
    ("OffsetOutOfRange", options(offset=9_999)),
    ("OffsetOutOfRange", options(offset=20_001)),
    ("AssetThresholdOutOfRange", options(asset_threshold=10_001)),
    ("PerpThresholdOutOfRange", options(perp_threshold=10_001)),
    ("OptionThresholdOutOfRange", options(option_threshold=10_001)),
    ("ConfidenceFactorOutOfRange", options(confidence_factor=10_001)),
    ("LongShareOutOfRange", options(long_share=9_001)),
]


def identify(value):
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("name", "parameters"), UNSAFE, ids=identify)
def test_each_unsafe_parameter_has_its_own_error(chain, name, parameters):
    """Named, with value and remedy; and nothing was sent."""
    with pytest.raises(UnsafeParameters) as caught:
        deploy(chain, chain.accounts[0], parameters)
    found = {type(item).__name__: item for item in caught.value.violations}
    assert name in found
    assert found[name].remedy in str(caught.value)
    assert repr(found[name].value) in str(caught.value)
    assert chain.nonce(chain.accounts[0]) == 0


CONFIG_ERRORS = {
    entry["name"] for name in ("IMarketConfig", "RuleMargin") for entry in load()[name].abi if entry["type"] == "error"
}
ON_CHAIN = [(name, parameters) for name, parameters in UNSAFE if name in CONFIG_ERRORS]


@pytest.mark.parametrize(("name", "parameters"), ON_CHAIN, ids=identify)
def test_the_chain_refuses_the_same(chain, artifacts, name, parameters):
    """Sent all the same, the parameters meet the contract's error of the same name."""
    plan = protocol_plan(parameters, artifacts, chain.accounts[0])
    with pytest.raises((StepFailed, BadInput)) as caught:
        run(plan, chain, chain.accounts[0], Journal.open(None, chain.chain_id, ""))
    assert name in str(caught.value) or isinstance(caught.value, BadInput)


def test_every_error_of_the_tree_is_tested():
    """No violation without its case."""
    classes = {kind.__name__ for kind in Violation.__subclasses__()}
    assert classes - {name for name, _ in UNSAFE} == {"MockOnPublicChain"}


def test_mocks_are_refused_on_a_public_chain():
    """A mock token is money that anyone prints."""
    (found,) = violations(SAFE, 1)
    assert isinstance(found, errors.MockOnPublicChain)
    assert "token USDC" in str(found)
    tokens = tuple(replace(asset, token=ONE) for asset in SAFE.assets)
    feeds = tuple(replace(f, reference=replace(f.reference, aggregator=ONE)) for f in SAFE.oracle.feeds)
    real = replace(SAFE, assets=tokens, oracle=replace(SAFE.oracle, feeds=feeds))
    assert real.mocks == ["exchange"]
    assert list(violations(replace(real, exchange=None), 1)) == []


def test_all_violations_are_reported_at_once():
    """Nobody fixes parameters one error at a time."""
    parameters = replace(market(gap=0), kappa=1)
    assert {type(item).__name__ for item in violations(parameters, 31337)} == {"GapOutOfRange", "KappaOutOfRange"}


def test_the_worst_fill_may_take_half_the_maintenance_rate():
    """The bound is exact: one size unit more of skew breaks it."""
    low, high = SAFE.markets[0].max_skew, SAFE.markets[0].skew_scale // 80
    while high - low > 1:
        middle = (low + high) // 2
        if list(violations(market(max_skew=middle), 31337)):
            high = middle
        else:
            low = middle
    (found,) = violations(market(max_skew=high), 31337)
    assert isinstance(found, errors.FillCostAboveHalfMaintenance)


def test_parameters_survive_json():
    """Every field, large numbers too."""
    assert Parameters.from_json(json.loads(json.dumps(SAFE.to_json()))) == SAFE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kappaa": 20}, "kappaa"),
        ({"kappa": 20.5}, "kappa.*must be int"),
        ({"kappa": True}, "kappa.*must be int"),
        ({"terms": []}, "terms.*JSON object"),
        ({"assets": {}}, "assets.*must be a list"),
        ({"pool": {"delay": 5}}, "parameters.pool.*window"),
    ],
    ids=str,
)
def test_ill_formed_parameters_are_named(change, message):
    """With the path to the field."""
    with pytest.raises(BadInput, match=message):
        Parameters.from_json(SAFE.to_json() | change)
    with pytest.raises(BadInput, match=r"mm_rates.*3 items"):
        raw = json.loads(json.dumps(SAFE.to_json()))
        raw["markets"][0]["mm_rates"] = [1, 2]
        Parameters.from_json(raw)

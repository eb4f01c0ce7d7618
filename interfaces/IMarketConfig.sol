// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Listings and parameters
/// @notice Takes parameters in words a reader understands, refuses what cannot be safe, and writes the packed result into the engine.
/// What loosens risk waits in the AccessManager; what would make an account liquidatable in its own block is refused.
/// @dev Fields are uint256 so that a value out of bounds meets its own error and not the ABI decoder's. Rates, haircuts, shares and
/// moves are bps, fees ppm, sizes 1e-8 of a unit, times seconds. Layout of the words: docs/storage.md.
interface IMarketConfig {
    /// @param decimals Of the token; must be what the token says.
    /// @param feed The price feed, fixed at listing; 0 for the quote asset, which is the first one listed.
    /// @param haircutIm Share of the value that counts as initial margin requirement, at least haircutMm.
    /// @param haircutMm The same for maintenance margin.
    /// @param maxAge Oldest price that counts as fresh.
    /// @param sigma Volatility, bps per √year: how far a failed price is moved with its age.
    /// @param supplyCap Most that accounts may hold together, token units.
    struct AssetParams {
        uint256 decimals;
        uint256 feed;
        uint256 haircutIm;
        uint256 haircutMm;
        uint256 maxAge;
        uint256 sigma;
        uint256 supplyCap;
    }

    /// @param mmRates Maintenance rates of the three tiers, never falling. @param imRates Initial rates, each above its mmRate.
    /// @param bound1 Notional at which tier 2 begins, thousands of quote. @param bound2 The same for tier 3.
    /// @param feed The price feed, fixed at listing.
    /// @param fundingVelocity 1e-12 per day² per whole unit of skew. @param maxFundingRate bps per day.
    /// @param reduceOnly Whether the market takes no new risk.
    struct RiskParams {
        uint256[3] mmRates;
        uint256[3] imRates;
        uint256 bound1;
        uint256 bound2;
        uint256 feed;
        uint256 maxAge;
        uint256 sigma;
        uint256 fundingVelocity;
        uint256 maxFundingRate;
        bool reduceOnly;
    }

    /// @param skewScale The skew at which the premium would be 100 %. @param maxSkew Cap of |skew|. @param maxOi Cap of open interest.
    /// @param allocation Share of pool equity that backs this market's skew. @param move The move of the skew it must cover.
    /// @param gap The move of the open interest that pool and insurance together must cover.
    struct TradeParams {
        uint256 skewScale;
        uint256 maxSkew;
        uint256 maxOi;
        uint256 makerFee;
        uint256 takerFee;
        uint256 allocation;
        uint256 move;
        uint256 gap;
    }

    /// @param lambda Call margin = MM + λ(IM₀ − MM). @param beta Target = MM + β(IM₀ − MM).
    /// @param bonusStart d₀. @param bonusSlope Growth of d with the shortfall. @param bonusRamp Seconds in which d grows to its cap.
    /// @param insuranceShare φ. @param minSlice Smallest slice, as a share of the largest allowed.
    /// @param bounty Of a margin call, hundredths of quote. @param dust Least MM a slice may leave, hundredths of quote.
    struct Terms {
        uint256 lambda;
        uint256 beta;
        uint256 bonusStart;
        uint256 bonusSlope;
        uint256 insuranceShare;
        uint256 minSlice;
        uint256 bonusRamp;
        uint256 callPeriod;
        uint256 insuranceWindow;
        uint256 bounty;
        uint256 dust;
    }

    event AssetListed(uint256 indexed asset, address token, address vault, AssetParams params);
    event MarketListed(uint256 indexed market, RiskParams risk, TradeParams trade, uint256 insuranceCap);

    // ------------------------------------------------------------------ who and where

    error AssetUnknown(uint256 asset);
    error AssetLimitReached(uint256 limit);
    error MarketUnknown(uint256 market);
    error MarketLimitReached(uint256 limit);
    error AddressWithoutCode(address account);
    error VaultMismatch(address vault, address engine, uint256 asset, address token);
    error ModelMissing();
    error TermsMissing();
    error PoolMissing();

    // ------------------------------------------------------------------ what only grows along a ramp, or never changes

    error MaintenanceIncreaseNeedsRamp(uint256 current, uint256 proposed);
    error FeedNotReplaceable(uint256 feed, uint256 proposed);
    /// @dev The pool's cash and its side of every position lie in its account; another owner would have neither.
    error PoolNotReplaceable(address pool);
    error StakeMismatch(address stake, address engine);
    error StakeNotReplaceable(address stake, int256 insured);

    // ------------------------------------------------------------------ assets

    error DecimalsMismatch(address token, uint256 actual, uint256 proposed);
    error DecimalsOutOfRange(uint256 decimals, uint256 maximum);
    error HaircutOutOfRange(uint256 haircut, uint256 maximum);
    error HaircutsNotMonotone(uint256 haircutIm, uint256 haircutMm);
    error QuoteNotPlain(uint256 feed, uint256 haircutIm, uint256 haircutMm);
    error SupplyCapOutOfRange(uint256 cap, uint256 maximum);
    error MaxAgeOutOfRange(uint256 maxAge, uint256 maximum);
    error SigmaOutOfRange(uint256 sigma, uint256 maximum);

    // ------------------------------------------------------------------ markets

    error MarginRateOutOfRange(uint256 tier, uint256 rate, uint256 maximum);
    error MarginRatesNotConvex(uint256 tier, uint256 rate, uint256 previous);
    error InitialRateNotAboveMaintenance(uint256 tier, uint256 imRate, uint256 mmRate);
    error TierBoundsNotAscending(uint256 bound1, uint256 bound2);
    error TierBoundOutOfRange(uint256 bound, uint256 maximum);
    error FundingVelocityOutOfRange(uint256 velocity, uint256 maximum);
    error FundingRateOutOfRange(uint256 rate, uint256 maximum);
    error SizeOutOfRange(uint256 size, uint256 maximum);
    error SkewCapAboveOpenInterestCap(uint256 maxSkew, uint256 maxOi);
    error SkewCapNotBelowScale(uint256 maxSkew, uint256 skewScale);
    error FeeOutOfRange(uint256 fee, uint256 maximum);
    error MakerFeeAboveTaker(uint256 makerFee, uint256 takerFee);
    error AllocationsExceedPool(uint256 sum, uint256 maximum);
    error ScaleNotReplaceable(uint256 market, int256 skew);
    error MoveOutOfRange(uint256 move, uint256 maximum);
    error GapOutOfRange(uint256 gap, uint256 maximum);
    /// @dev Premium, fee and spread of the worst fill against half the MM rate, WAD: beyond it taking over a liquidated position
    /// could cost more than it is worth (THREATS T-13).
    error FillCostAboveHalfMaintenance(uint256 cost, uint256 maximum);
    error InsuranceCapOutOfRange(uint256 cap, uint256 maximum);

    // ------------------------------------------------------------------ terms and globals

    error CallLevelsUnordered(uint256 lambda, uint256 beta);
    error BonusAndInsuranceShareTooHigh(uint256 sum, uint256 limit);
    error BonusSlopeOutOfRange(uint256 slope, uint256 maximum);
    error BonusRampOutOfRange(uint256 ramp, uint256 minimum, uint256 maximum);
    error MinSliceOutOfRange(uint256 minSlice, uint256 maximum);
    error CallPeriodOutOfRange(uint256 period, uint256 minimum, uint256 maximum);
    error InsuranceWindowOutOfRange(uint256 window, uint256 minimum, uint256 maximum);
    error BountyOutOfRange(uint256 bounty, uint256 maximum);
    /// @dev WAD. A slice never leaves an account at the model's floor, where a further one would lower its health.
    error DustBelowFloor(uint256 dust, uint256 floor);
    error DustOutOfRange(uint256 dust, uint256 maximum);
    error KappaOutOfRange(uint256 kappa, uint256 minimum, uint256 maximum);
    error BlockTimeOutOfRange(uint256 blockTime, uint256 maximum);

    // ------------------------------------------------------------------ all restricted

    /// @notice Lists an asset and forbids its token, vault and price sources as `Call` targets. The first is the quote asset: feed 0,
    /// no haircut; with it the protocol's own contracts and Permit2 are forbidden too.
    function listAsset(address token, address vault, AssetParams calldata params) external returns (uint256 asset);

    /// @notice Lists a perp market. Model, terms and pool come first.
    /// @param insuranceCap The most that insurance pays for this market per window, whole quote.
    function listMarket(RiskParams calldata risk, TradeParams calldata trade, uint256 insuranceCap)
        external
        returns (uint256 market);

    function setAsset(uint256 asset, AssetParams calldata params) external;

    /// @notice Replaces a market's risk word. Funding up to now is accrued at the old one.
    function setMarketRisk(uint256 market, RiskParams calldata risk) external;

    function setMarketTrade(uint256 market, TradeParams calldata trade) external;

    function setInsuranceCap(uint256 market, uint256 cap) external;

    function setTerms(Terms calldata terms) external;

    /// @param blockTime Seconds, added to the age of a price. @param kappa Tenths; at least 20.
    function setModel(address model, uint256 blockTime, uint256 kappa) external;

    /// @notice Sets, once, who owns the pool's account, and forbids it as a `Call` target.
    function setPool(address pool) external;

    /// @notice Sets which InsuranceStake the insurance account pays, and forbids it as a `Call` target. Another one only while
    /// insurance holds nothing, so that nobody's stake is left behind.
    function setStake(address stake) external;

    /// @notice For good: there is no way to allow a target again.
    function forbidCallTarget(address target) external;

    // ------------------------------------------------------------------ counts

    function assetCount() external view returns (uint256);

    function marketCount() external view returns (uint256);

    /// @notice Σ of the markets' allocations, bps.
    function allocationSum() external view returns (uint256);
}

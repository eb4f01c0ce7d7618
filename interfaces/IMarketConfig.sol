// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Listings and parameters
/// @notice Takes parameters in words a reader understands, refuses what cannot be safe, and writes the packed result into the engine.
/// What loosens risk waits in the AccessManager and is then there at once. What tightens it binds new risk at once, and what calls
/// and liquidates along a ramp of a day, announced by ParameterRamped: no change makes an account liquidatable in its block.
/// @dev Fields are uint256 so that a value out of bounds meets its own error and not the ABI decoder's. Rates, haircuts, shares and
/// moves are bps, fees ppm, sizes 1e-8 of a unit, times seconds. Layout of the words: docs/storage.md.
interface IMarketConfig {
    /// @param decimals Of the token; must be what the token says.
    /// @param feed The price feed, fixed at listing; 0 for the quote asset, which is the first one listed.
    /// @param haircutIm Share of the value that counts as initial margin requirement, at least haircutMm.
    /// @param haircutMm The same for maintenance margin.
    /// @param maxAge Oldest price that counts as fresh.
    /// @param sigma Volatility, bps per √year: how far a failed price is moved with its age.
    /// @param supplyCap Most that may be held and lent together, token units. @param borrowCap Most that may be owed.
    /// @param borrowVelocity Share of the borrow cap that may be borrowed net per hour.
    /// @param reserveShare Share of the interest that is insurance's.
    struct AssetParams {
        uint256 decimals;
        uint256 feed;
        uint256 haircutIm;
        uint256 haircutMm;
        uint256 maxAge;
        uint256 sigma;
        uint256 supplyCap;
        uint256 borrowCap;
        uint256 borrowVelocity;
        uint256 reserveShare;
    }

    /// @param mmRates Maintenance rates of the three tiers, never falling. @param imRates Initial rates, each above its mmRate.
    /// @param bound1 Notional at which tier 2 begins, thousands of quote. @param bound2 The same for tier 3. Like the two below, at
    /// most four digits up to 4095 and zeros behind them: nothing is rounded.
    /// @param feed The price feed, fixed at listing.
    /// @param fundingVelocity 1e-12 per day² per whole unit of skew. @param maxFundingRate bps per day.
    /// @param reduceOnly Whether the market takes no new risk.
    /// @param oiLower Open interest, thousands of quote, from which on IM grows. @param oiUpper At which IM is the whole
    /// notional. Both zero: it does not depend on open interest.
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
        uint256 oiLower;
        uint256 oiUpper;
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

    /// @param what The code of the word (docs/storage.md). @param end When the change has arrived in full.
    event ParameterRamped(uint256 indexed what, uint256 indexed id, uint256 end);
    event PairListed(uint256 indexed collateral, uint256 indexed debt, uint256 haircutIm, uint256 haircutMm);
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

    /// @dev Between two tables or two models there is no third to start from: the next change waits for the end of the last.
    error RampInProgress(uint256 what, uint256 id, uint256 end);
    /// @dev A failed price moves in the favour of who might be liquidated; to trust it longer or move it less takes that away at once.
    error FeedNotFresh(uint256 feed);
    error FeedNotReplaceable(uint256 feed, uint256 proposed);
    /// @dev The pool's cash and its side of every position lie in its account; another owner would have neither.
    error PoolNotReplaceable(address pool);
    error StakeMismatch(address stake, address engine);
    error StakeNotReplaceable(address stake, int256 insured);

    // ------------------------------------------------------------------ assets

    error DecimalsMismatch(address token, uint256 actual, uint256 proposed);
    error DecimalsOutOfRange(uint256 decimals, uint256 maximum);
    error HaircutOutOfRange(uint256 haircut, uint256 maximum);
    error HaircutTooLow(uint256 haircutMm, uint256 minimum);
    error HaircutsNotMonotone(uint256 haircutIm, uint256 haircutMm);
    error QuoteNotPlain(uint256 feed, uint256 haircutIm, uint256 haircutMm);
    error SupplyCapOutOfRange(uint256 cap, uint256 maximum);
    error BorrowCapAboveSupplyCap(uint256 borrowCap, uint256 supplyCap);
    error BorrowVelocityOutOfRange(uint256 velocity, uint256 maximum);
    error ReserveShareOutOfRange(uint256 share, uint256 maximum);
    error PairInvalid(uint256 collateral, uint256 debt);
    error PairUnknown(uint256 collateral, uint256 debt);
    error PairAlreadyListed(uint256 collateral, uint256 debt);
    error MaxAgeOutOfRange(uint256 maxAge, uint256 maximum);
    error SigmaOutOfRange(uint256 sigma, uint256 maximum);

    // ------------------------------------------------------------------ markets

    error MarginRateOutOfRange(uint256 tier, uint256 rate, uint256 maximum);
    error MarginRatesNotConvex(uint256 tier, uint256 rate, uint256 previous);
    error InitialRateNotAboveMaintenance(uint256 tier, uint256 imRate, uint256 mmRate);
    error TierBoundsNotAscending(uint256 bound1, uint256 bound2);
    error BoundNotRepresentable(uint256 bound);
    error InterestBoundsUnordered(uint256 lower, uint256 upper);
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
    error DepegThresholdOutOfRange(uint256 threshold, uint256 minimum, uint256 maximum);
    error DepegFactorOutOfRange(uint256 factor, uint256 maximum);

    // ------------------------------------------------------------------ all restricted

    /// @notice Lists an asset and forbids its token, vault and price sources as `Call` targets. The first is the quote asset: feed 0,
    /// no haircut; with it the protocol's own contracts and Permit2 are forbidden too.
    function listAsset(address token, address vault, AssetParams calldata params) external returns (uint256 asset);

    /// @notice Lists a perp market. Model, terms and pool come first.
    /// @param insuranceCap The most that insurance pays for this market per window, whole quote.
    function listMarket(RiskParams calldata risk, TradeParams calldata trade, uint256 insuranceCap)
        external
        returns (uint256 market);

    /// @notice Haircuts that rise do so along a ramp; a supply cap that rises grows over seven days from where it stands.
    function setAsset(uint256 asset, AssetParams calldata params) external;

    /// @notice Lists a pair: accounts isolated to it hold the collateral, owe the debt, and nothing else.
    /// @param haircutIm Of the collateral's value, bps; 1 − haircutMm is what may be owed on it at most. The debt has none.
    function listPair(uint256 collateral, uint256 debt, uint256 haircutIm, uint256 haircutMm) external;

    function setPair(uint256 collateral, uint256 debt, uint256 haircutIm, uint256 haircutMm) external;

    /// @notice Replaces a market's risk word. Funding up to now is accrued at the old one; a table of rates and bounds that asks more of
    /// any notional arrives along a ramp, and another table waits until it has.
    function setMarketRisk(uint256 market, RiskParams calldata risk) external;

    function setMarketTrade(uint256 market, TradeParams calldata trade) external;

    function setInsuranceCap(uint256 market, uint256 cap) external;

    /// @notice Sets the most that insurance pays for bad debt in an asset per window, whole quote. Zero until set.
    function setDebtInsurance(uint256 asset, uint256 cap) external;

    function setTerms(Terms calldata terms) external;

    /// @notice Another model is ramped to from the one before, and a further one waits until that has happened.
    /// @param blockTime Seconds, added to the age of a price. @param kappa Tenths; at least 20.
    function setModel(address model, uint256 blockTime, uint256 kappa) external;

    /// @notice Names the feed of the quote asset itself. While it is below the threshold, IM rises by what is missing times the factor,
    /// on notional and debts. Never MM: a depeg stops new risk and calls nobody. Feed 0: no such rule.
    /// @param threshold Bps of the peg. @param factor Tenths.
    function setQuoteFeed(uint256 feed, uint256 threshold, uint256 factor) external;

    /// @notice Sets, once, who owns the pool's account, and forbids it as a `Call` target.
    function setPool(address pool) external;

    /// @notice Sets which InsuranceStake the insurance account pays, and forbids it as a `Call` target. Another one only while
    /// insurance holds nothing, so that nobody's stake is left behind.
    function setStake(address stake) external;

    /// @notice For good: there is no way to allow a target again.
    function forbidCallTarget(address target) external;

    // ------------------------------------------------------------------ anyone

    /// @notice Ends the ramps of markets, and that of the model, where they are over: checks are spared a word.
    function endRamps(uint256[] calldata markets) external;

    // ------------------------------------------------------------------ counts

    function assetCount() external view returns (uint256);

    function marketCount() external view returns (uint256);

    /// @notice Σ of the markets' allocations, bps.
    function allocationSum() external view returns (uint256);
}

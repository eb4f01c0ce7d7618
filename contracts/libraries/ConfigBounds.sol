// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarketConfig} from "../../interfaces/IMarketConfig.sol";
import {DecimalFloat} from "./DecimalFloat.sol";
import {FillMath} from "./FillMath.sol";
import {FixedMath} from "./FixedMath.sol";

/// @title What parameters may be, whatever the chain's state
library ConfigBounds {
    uint256 internal constant BPS = FixedMath.BPS;
    uint256 internal constant MAX_DECIMALS = 18;
    uint256 internal constant MAX_AGE = 1 hours;
    uint256 internal constant MAX_SIGMA = 50_000;
    /// @dev Open interest is a sum of int64 sizes in 56 bits; half of that leaves room for one more order while it is checked.
    uint256 internal constant MAX_SIZE = 2 ** 55 - 1;
    uint256 internal constant MAX_FEE = 10_000;
    uint256 internal constant MIN_KAPPA = 20;
    uint256 internal constant MAX_KAPPA = 100;
    uint256 internal constant MAX_BLOCK_TIME = 60;
    uint256 internal constant MAX_CAP = type(uint104).max;
    uint256 internal constant MAX_RESERVE_SHARE = 5000;
    /// @dev A slice must leave something to take it for, whatever the asset.
    uint256 internal constant MIN_HAIRCUT = 100;
    /// @dev In a pair the haircut is all the margin there is.
    uint256 internal constant MIN_PAIR_HAIRCUT = 200;
    uint256 internal constant MIN_DEPEG = 9000;
    uint256 internal constant MAX_DEPEG_FACTOR = 100;

    function requireAsset(IMarketConfig.AssetParams memory p, bool quote) internal pure {
        if (p.decimals > MAX_DECIMALS) revert IMarketConfig.DecimalsOutOfRange(p.decimals, MAX_DECIMALS);
        _requireLimits(p);
        _requireAge(p.maxAge);
        if (quote) {
            if (p.feed | p.haircutIm | p.haircutMm != 0) {
                revert IMarketConfig.QuoteNotPlain(p.feed, p.haircutIm, p.haircutMm);
            }
        } else {
            if (p.sigma == 0) revert IMarketConfig.SigmaOutOfRange(p.sigma, MAX_SIGMA);
            requireHaircuts(p.haircutIm, p.haircutMm, MIN_HAIRCUT);
        }
        if (p.sigma > MAX_SIGMA) revert IMarketConfig.SigmaOutOfRange(p.sigma, MAX_SIGMA);
    }

    /// @notice IM above MM, and MM above zero. LLTV × incentive < 1 follows: whoever takes a slice of debt D on collateral V gains at most
    /// (d + φ)·h·V, h the MM haircut, and (1 − h) / (1 − (d + φ)·h) < 1 for every h > 0 as long as d₀ + φ < 1 (requireTerms).
    function requireHaircuts(uint256 im, uint256 mm, uint256 minimum) internal pure {
        if (im > BPS) revert IMarketConfig.HaircutOutOfRange(im, BPS);
        if (mm < minimum) revert IMarketConfig.HaircutTooLow(mm, minimum);
        if (im <= mm) revert IMarketConfig.HaircutsNotMonotone(im, mm);
    }

    function _requireLimits(IMarketConfig.AssetParams memory p) private pure {
        if (p.supplyCap > MAX_CAP) revert IMarketConfig.SupplyCapOutOfRange(p.supplyCap, MAX_CAP);
        if (p.borrowCap > p.supplyCap) revert IMarketConfig.BorrowCapAboveSupplyCap(p.borrowCap, p.supplyCap);
        if (p.borrowVelocity > BPS || (p.borrowVelocity == 0 && p.borrowCap != 0)) {
            revert IMarketConfig.BorrowVelocityOutOfRange(p.borrowVelocity, BPS);
        }
        if (p.reserveShare > MAX_RESERVE_SHARE) {
            revert IMarketConfig.ReserveShareOutOfRange(p.reserveShare, MAX_RESERVE_SHARE);
        }
    }

    function requireRisk(IMarketConfig.RiskParams memory p) internal pure {
        _requireRates(p.mmRates);
        _requireRates(p.imRates);
        for (uint256 i; i < 3; ++i) {
            if (p.imRates[i] <= p.mmRates[i]) {
                revert IMarketConfig.InitialRateNotAboveMaintenance(i + 1, p.imRates[i], p.mmRates[i]);
            }
        }
        if (p.bound1 == 0 || p.bound1 >= p.bound2) revert IMarketConfig.TierBoundsNotAscending(p.bound1, p.bound2);
        if (p.oiLower >= p.oiUpper && p.oiLower | p.oiUpper != 0) {
            revert IMarketConfig.InterestBoundsUnordered(p.oiLower, p.oiUpper);
        }
        _requireRound(p.bound1);
        _requireRound(p.bound2);
        _requireRound(p.oiLower);
        _requireRound(p.oiUpper);
        _requireAge(p.maxAge);
        if (p.sigma == 0 || p.sigma > MAX_SIGMA) revert IMarketConfig.SigmaOutOfRange(p.sigma, MAX_SIGMA);
        if (p.fundingVelocity > type(uint32).max) {
            revert IMarketConfig.FundingVelocityOutOfRange(p.fundingVelocity, type(uint32).max);
        }
        if (p.maxFundingRate > BPS) revert IMarketConfig.FundingRateOutOfRange(p.maxFundingRate, BPS);
    }

    function requireTrade(IMarketConfig.TradeParams memory p) internal pure {
        if (p.maxOi > MAX_SIZE) revert IMarketConfig.SizeOutOfRange(p.maxOi, MAX_SIZE);
        if (p.maxSkew > p.maxOi) revert IMarketConfig.SkewCapAboveOpenInterestCap(p.maxSkew, p.maxOi);
        if (p.maxSkew >= p.skewScale) revert IMarketConfig.SkewCapNotBelowScale(p.maxSkew, p.skewScale);
        if (p.skewScale > type(uint64).max) revert IMarketConfig.SizeOutOfRange(p.skewScale, type(uint64).max);
        if (p.takerFee > MAX_FEE) revert IMarketConfig.FeeOutOfRange(p.takerFee, MAX_FEE);
        if (p.makerFee > p.takerFee) revert IMarketConfig.MakerFeeAboveTaker(p.makerFee, p.takerFee);
        // A zero would switch the pool's protection off. The sum of allocations is checked where it is kept.
        if (p.move == 0 || p.move > BPS) revert IMarketConfig.MoveOutOfRange(p.move, BPS);
        if (p.gap == 0 || p.gap > BPS) revert IMarketConfig.GapOutOfRange(p.gap, BPS);
    }

    function requireTerms(IMarketConfig.Terms memory p) internal pure {
        if (p.lambda == 0 || p.lambda >= p.beta || p.beta > BPS) {
            revert IMarketConfig.CallLevelsUnordered(p.lambda, p.beta);
        }
        if (p.bonusStart + p.insuranceShare >= BPS) {
            revert IMarketConfig.BonusAndInsuranceShareTooHigh(p.bonusStart + p.insuranceShare, BPS);
        }
        if (p.bonusSlope > BPS) revert IMarketConfig.BonusSlopeOutOfRange(p.bonusSlope, BPS);
        if (p.bonusRamp < 1 minutes || p.bonusRamp > 1 days) {
            revert IMarketConfig.BonusRampOutOfRange(p.bonusRamp, 1 minutes, 1 days);
        }
        if (p.minSlice == 0 || p.minSlice > BPS) revert IMarketConfig.MinSliceOutOfRange(p.minSlice, BPS);
        if (p.callPeriod < 1 minutes || p.callPeriod > 7 days) {
            revert IMarketConfig.CallPeriodOutOfRange(p.callPeriod, 1 minutes, 7 days);
        }
        if (p.insuranceWindow < 1 hours || p.insuranceWindow > 30 days) {
            revert IMarketConfig.InsuranceWindowOutOfRange(p.insuranceWindow, 1 hours, 30 days);
        }
        // Both in hundredths: a bounty of at most 100 quote, dust of at most 10,000.
        if (p.bounty > 10_000) revert IMarketConfig.BountyOutOfRange(p.bounty, 10_000);
        if (p.dust > 1_000_000) revert IMarketConfig.DustOutOfRange(p.dust, 1_000_000);
    }

    function requireGlobals(uint256 blockTime, uint256 kappa) internal pure {
        if (kappa < MIN_KAPPA || kappa > MAX_KAPPA) revert IMarketConfig.KappaOutOfRange(kappa, MIN_KAPPA, MAX_KAPPA);
        if (blockTime == 0 || blockTime > MAX_BLOCK_TIME) {
            revert IMarketConfig.BlockTimeOutOfRange(blockTime, MAX_BLOCK_TIME);
        }
    }

    function requireQuoteFeed(uint256 threshold, uint256 factor) internal pure {
        if (threshold < MIN_DEPEG || threshold > BPS) {
            revert IMarketConfig.DepegThresholdOutOfRange(threshold, MIN_DEPEG, BPS);
        }
        if (factor == 0 || factor > MAX_DEPEG_FACTOR) {
            revert IMarketConfig.DepegFactorOutOfRange(factor, MAX_DEPEG_FACTOR);
        }
    }

    /// @notice The bound of DESIGN section 2: the worst fill must leave half the MM rate to whoever takes a position over.
    /// @dev With σ_ref: a higher volatility multiplies MM as it does σ, and a fill's spread never passes what this bound leaves it
    /// (FillMath.spreadCap, of the unmultiplied rate). @param mmRate The lower one while the market's table moves.
    function requireFillCost(
        IMarketConfig.RiskParams memory risk,
        IMarketConfig.TradeParams memory trade,
        uint256 mmRate,
        uint256 blockTime,
        uint256 kappa
    ) internal pure {
        uint256 cost = FixedMath.mulDivUp(trade.maxSkew, FixedMath.WAD, trade.skewScale) + trade.takerFee
        * (FixedMath.WAD / FixedMath.PPM)
        + FillMath.spreadRate(kappa, risk.sigma, risk.maxAge, blockTime, type(uint256).max);
        uint256 maximum = mmRate * (FixedMath.WAD / BPS) / 2;
        if (cost > maximum) revert IMarketConfig.FillCostAboveHalfMaintenance(cost, maximum);
    }

    function _requireRound(uint256 bound) private pure {
        (bool exact,) = DecimalFloat.encode(bound);
        if (!exact) revert IMarketConfig.BoundNotRepresentable(bound);
    }

    function _requireAge(uint256 maxAge) private pure {
        if (maxAge == 0 || maxAge > MAX_AGE) revert IMarketConfig.MaxAgeOutOfRange(maxAge, MAX_AGE);
    }

    /// @dev Never falling rates make the requirement convex, so a slice cures at least what was computed.
    function _requireRates(uint256[3] memory rates) private pure {
        if (rates[0] == 0) revert IMarketConfig.MarginRateOutOfRange(1, 0, BPS);
        for (uint256 i = 1; i < 3; ++i) {
            if (rates[i] < rates[i - 1]) revert IMarketConfig.MarginRatesNotConvex(i + 1, rates[i], rates[i - 1]);
        }
        if (rates[2] > BPS) revert IMarketConfig.MarginRateOutOfRange(3, rates[2], BPS);
    }
}

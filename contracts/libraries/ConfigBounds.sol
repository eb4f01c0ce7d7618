// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarketConfig} from "../../interfaces/IMarketConfig.sol";
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

    function requireAsset(IMarketConfig.AssetParams memory p, bool quote) internal pure {
        if (p.decimals > MAX_DECIMALS) revert IMarketConfig.DecimalsOutOfRange(p.decimals, MAX_DECIMALS);
        if (p.supplyCap > type(uint128).max) revert IMarketConfig.SupplyCapOutOfRange(p.supplyCap, type(uint128).max);
        _requireAge(p.maxAge);
        if (quote) {
            if (p.feed | p.haircutIm | p.haircutMm != 0) {
                revert IMarketConfig.QuoteNotPlain(p.feed, p.haircutIm, p.haircutMm);
            }
        } else if (p.sigma == 0) {
            revert IMarketConfig.SigmaOutOfRange(p.sigma, MAX_SIGMA);
        }
        if (p.sigma > MAX_SIGMA) revert IMarketConfig.SigmaOutOfRange(p.sigma, MAX_SIGMA);
        if (p.haircutIm > BPS) revert IMarketConfig.HaircutOutOfRange(p.haircutIm, BPS);
        if (p.haircutIm < p.haircutMm) revert IMarketConfig.HaircutsNotMonotone(p.haircutIm, p.haircutMm);
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
        if (p.bound2 > type(uint24).max) revert IMarketConfig.TierBoundOutOfRange(p.bound2, type(uint24).max);
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

    /// @notice The bound of DESIGN section 2: the worst fill must leave half the MM rate to whoever takes a position over.
    function requireFillCost(
        IMarketConfig.RiskParams memory risk,
        IMarketConfig.TradeParams memory trade,
        uint256 blockTime,
        uint256 kappa
    ) internal pure {
        uint256 cost = FixedMath.mulDivUp(trade.maxSkew, FixedMath.WAD, trade.skewScale) + trade.takerFee
        * (FixedMath.WAD / FixedMath.PPM)
        + FillMath.spreadRate(kappa, risk.sigma, risk.maxAge, blockTime, type(uint256).max);
        uint256 maximum = risk.mmRates[0] * (FixedMath.WAD / BPS) / 2;
        if (cost > maximum) revert IMarketConfig.FillCostAboveHalfMaintenance(cost, maximum);
    }

    /// @notice Reverts unless `next` asks of no notional more MM than `current` does.
    /// @dev Compares the marginal rates, which are steps, wherever one of the two changes.
    function requireNoHigherMaintenance(IMarketConfig.RiskParams memory current, IMarketConfig.RiskParams memory next)
        internal
        pure
    {
        uint256[5] memory steps = [0, current.bound1, current.bound2, next.bound1, next.bound2];
        for (uint256 i; i < 5; ++i) {
            uint256 before = _marginalRate(current, steps[i]);
            uint256 proposed = _marginalRate(next, steps[i]);
            if (proposed > before) revert IMarketConfig.MaintenanceIncreaseNeedsRamp(before, proposed);
        }
    }

    /// @dev What the next bit of notional above `notional` (thousands of quote) costs.
    function _marginalRate(IMarketConfig.RiskParams memory p, uint256 notional) private pure returns (uint256) {
        if (notional >= p.bound2) return p.mmRates[2];
        return notional >= p.bound1 ? p.mmRates[1] : p.mmRates[0];
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

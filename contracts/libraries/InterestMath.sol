// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {FixedMath} from "./FixedMath.sol";

/// @title Interest of one lent asset: utilisation moves the rate, the rate moves the two indices
/// @notice Between two changes of what is lent or owed the utilisation is constant, so the rate at target grows (or falls)
/// exponentially up to its bounds, and its average over the time is exact, whatever the number of accruals in between.
/// @dev Python twin: plimsoll/margin/interest_math.py. Curve: Morpho's AdaptiveCurveIRM; its three-point average of the rate
/// is replaced by the integral, which costs one exponential less and does not change when an accrual is split.
/// Nothing here reverts for values as stored (indices u64, rate u48, utilisation u24): a margin check calls it. An index
/// that would leave u64 (18 million times its start) stays at the largest value, and the interest beyond it is not charged.
library InterestMath {
    uint256 internal constant INDEX_ONE = 1e12;
    uint256 internal constant INDEX_MAX = type(uint64).max;
    uint256 internal constant UTILISATION_ONE = 1e7;
    uint256 internal constant TARGET = 9e6; // of UTILISATION_ONE
    int256 internal constant STEEPNESS = 4; // of the curve: the rate at no utilisation is a quarter, at full one four times
    int256 internal constant SPEED = 50; // per year, of the rate at target, at an error of one

    uint256 internal constant RATE_START = 4e11; // 1e-13 per year: 4 %
    uint256 internal constant RATE_MIN = 1e10; // 0.1 %
    uint256 internal constant RATE_MAX = 2e13; // 200 %

    uint256 private constant WAD = 1e18;
    int256 private constant IWAD = 1e18;
    int256 private constant YEAR = 365 days;
    uint256 private constant ONE = 1e27;
    uint256 private constant SHARE_ONE = UTILISATION_ONE * FixedMath.BPS;
    // Beyond it every rate within the bounds meets a bound: e^8 > RATE_MAX / RATE_MIN.
    int256 private constant DRIFT_MAX = 8e18;
    // Below it the series of the third order are exact to 1e-10 of the growth, and cheaper than an exponential.
    int256 private constant DRIFT_SMALL = 1e15;
    uint256 private constant AREA_SMALL = 1e24;
    // Beyond it every index leaves u64.
    uint256 private constant AREA_MAX = 64e27;

    /// @param rateAtTarget 1e-13 per year. @param utilisation 1e-7. @param reserveShare basis points of the interest.
    /// @param elapsed seconds. @param debtIndex @param lentIndex 1e-12 units per share.
    /// @return newRateAtTarget 1e-13 per year, down. @return newDebtIndex up. @return newLentIndex down: with a utilisation
    /// no larger than debt / lent, lenders never get more than borrowers pay.
    function project(
        uint256 rateAtTarget,
        uint256 utilisation,
        uint256 reserveShare,
        uint256 elapsed,
        uint256 debtIndex,
        uint256 lentIndex
    ) internal pure returns (uint256 newRateAtTarget, uint256 newDebtIndex, uint256 newLentIndex) {
        if (elapsed == 0 || debtIndex == 0) return (rateAtTarget, debtIndex, lentIndex);
        uint256 area;
        (newRateAtTarget, area) = integral(rateAtTarget, utilisation, elapsed);
        (, uint256 rise) = compound(area);
        (newDebtIndex, rise) = _charged(debtIndex, rise);
        uint256 share = _lentShare(utilisation, reserveShare);
        unchecked {
            // Now rise < 2^154. Lenders compound at their own rate, or a split accrual would pay them less; never more than
            // their part of what is charged.
            (uint256 lentRise,) = compound(area * share / SHARE_ONE);
            lentRise = FixedPointMathLib.min(lentRise, rise * share / SHARE_ONE);
            newLentIndex = FixedPointMathLib.min(lentIndex + lentIndex * lentRise / ONE, INDEX_MAX);
        }
    }

    /// @notice The debt index of `project` alone: all that a check of a debt needs.
    function debtIndexAt(uint256 rateAtTarget, uint256 utilisation, uint256 elapsed, uint256 debtIndex)
        internal
        pure
        returns (uint256 newDebtIndex)
    {
        if (elapsed == 0 || debtIndex == 0) return debtIndex;
        (, uint256 area) = integral(rateAtTarget, utilisation, elapsed);
        (, uint256 rise) = compound(area);
        (newDebtIndex,) = _charged(debtIndex, rise);
    }

    /// @dev The debt index up, and by how much it rose (1e-27, < 2^154).
    function _charged(uint256 debtIndex, uint256 rise) private pure returns (uint256, uint256) {
        unchecked {
            // rise < 2^183, the index < 2^64.
            uint256 index = debtIndex + (debtIndex * rise + ONE - 1) / ONE;
            if (index <= INDEX_MAX) return (index, rise);
            return (INDEX_MAX, (INDEX_MAX - debtIndex) * ONE / debtIndex);
        }
    }

    /// @notice The rate at target after `elapsed` seconds, and the integral of the borrow rate over them.
    /// @return newRateAtTarget 1e-13 per year, down. @return area 1e-27, down.
    function integral(uint256 rateAtTarget, uint256 utilisation, uint256 elapsed)
        internal
        pure
        returns (uint256 newRateAtTarget, uint256 area)
    {
        rateAtTarget = FixedPointMathLib.clamp(rateAtTarget, RATE_MIN, RATE_MAX);
        elapsed = FixedPointMathLib.min(elapsed, type(uint32).max);
        int256 err = _error(utilisation);
        unchecked {
            uint256 mean;
            (newRateAtTarget, mean) = _drift(rateAtTarget, err * SPEED * int256(elapsed) / YEAR);
            // 2^45 · 2^62 · 2^71 · 2^32
            area = rateAtTarget * _curve(err) * mean * elapsed / (1e22 * uint256(YEAR));
        }
    }

    /// @notice e^area − 1 in 1e-27, as far as any index is concerned. @param area below 2^127.
    function compound(uint256 area) internal pure returns (uint256 down, uint256 up) {
        unchecked {
            if (area < AREA_SMALL) {
                uint256 square = area * area;
                down = area + square / (2 * ONE) + square * area / (6 * ONE * ONE);
                up = down + 1;
            } else {
                area = FixedPointMathLib.min(area, AREA_MAX);
                down = (uint256(FixedPointMathLib.expWad(int256(area / 1e9))) - WAD) * 1e9;
                up = down + 1e9;
            }
        }
    }

    // ------------------------------------------------------------------ rates

    /// @notice What borrowers pay at this moment, 1e-13 per year, up.
    function borrowRate(uint256 rateAtTarget, uint256 utilisation) internal pure returns (uint256) {
        rateAtTarget = FixedPointMathLib.clamp(rateAtTarget, RATE_MIN, RATE_MAX);
        return FixedMath.ceilDiv(rateAtTarget * _curve(_error(utilisation)), WAD);
    }

    /// @notice What lenders get at this moment, 1e-13 per year, down.
    function lendRate(uint256 rateAtTarget, uint256 utilisation, uint256 reserveShare) internal pure returns (uint256) {
        rateAtTarget = FixedPointMathLib.clamp(rateAtTarget, RATE_MIN, RATE_MAX);
        uint256 rate = rateAtTarget * _curve(_error(utilisation)) / WAD;
        return rate * _lentShare(utilisation, reserveShare) / SHARE_ONE;
    }

    /// @notice debt / lent in 1e-7, down, at most one. Nothing lent is not utilised, unless something is owed.
    function utilisationOf(uint256 lent, uint256 debt) internal pure returns (uint256) {
        if (debt >= lent) return debt == 0 ? 0 : UTILISATION_ONE;
        return FixedMath.mulDivDown(debt, UTILISATION_ONE, lent);
    }

    // ------------------------------------------------------------------ shares (< 2^128) and amounts (< 2^128, token units)

    function amountDown(uint256 shares, uint256 index) internal pure returns (uint256) {
        unchecked {
            return shares * index / INDEX_ONE;
        }
    }

    function amountUp(uint256 shares, uint256 index) internal pure returns (uint256) {
        unchecked {
            return FixedMath.ceilDiv(shares * index, INDEX_ONE);
        }
    }

    /// @dev Reverts for an index of zero: what was lent is lost, and nothing can be lent at that price.
    function sharesDown(uint256 amount, uint256 index) internal pure returns (uint256) {
        return amount * INDEX_ONE / index;
    }

    /// @dev See sharesDown.
    function sharesUp(uint256 amount, uint256 index) internal pure returns (uint256) {
        return FixedMath.ceilDiv(amount * INDEX_ONE, index);
    }

    // ------------------------------------------------------------------ the curve

    /// @dev The distance of the utilisation from its target, as a share of the room on that side: −1 … 1 in WAD, toward zero.
    function _error(uint256 utilisation) private pure returns (int256) {
        unchecked {
            int256 distance = int256(FixedPointMathLib.min(utilisation, UTILISATION_ONE)) - int256(TARGET);
            return distance * IWAD / int256(distance < 0 ? TARGET : UTILISATION_ONE - TARGET);
        }
    }

    /// @dev What lenders get per unit lent, over what borrowers pay per unit owed, in 1e-11.
    function _lentShare(uint256 utilisation, uint256 reserveShare) private pure returns (uint256) {
        unchecked {
            return FixedPointMathLib.min(utilisation, UTILISATION_ONE)
                * (FixedMath.BPS - FixedPointMathLib.min(reserveShare, FixedMath.BPS));
        }
    }

    /// @dev The rate over the rate at target, WAD: 1/4 … 4.
    function _curve(int256 err) private pure returns (uint256) {
        unchecked {
            return uint256(IWAD + (err < 0 ? err * (STEEPNESS - 1) / STEEPNESS : err * (STEEPNESS - 1)));
        }
    }

    /// @dev The rate at target after it moved by e^drift within its bounds, and its mean on the way over its start (WAD).
    function _drift(uint256 rate, int256 drift) private pure returns (uint256 newRate, uint256 mean) {
        if (drift == 0 || rate == (drift > 0 ? RATE_MAX : RATE_MIN)) return (rate, WAD);
        unchecked {
            int256 factor;
            if (drift < DRIFT_SMALL && drift > -DRIFT_SMALL) {
                int256 square = drift * drift;
                factor = IWAD + drift + square / (2 * IWAD) + square * drift / (6 * IWAD * IWAD);
                mean = uint256(IWAD + drift / 2 + square / (6 * IWAD));
            } else {
                factor = FixedPointMathLib.expWad(FixedPointMathLib.clamp(drift, -DRIFT_MAX, DRIFT_MAX));
                mean = uint256((factor - IWAD) * IWAD / drift);
            }
            newRate = rate * uint256(factor) / WAD;
            uint256 bound = FixedPointMathLib.clamp(newRate, RATE_MIN, RATE_MAX);
            if (bound == newRate) return (newRate, mean);
            // The bound is met on the way: from there on the rate is constant.
            newRate = bound;
            factor = int256(bound * WAD / rate);
            int256 area = factor - IWAD + factor * (drift - FixedPointMathLib.lnWad(factor)) / IWAD;
            mean = uint256(area * IWAD / drift);
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DecimalFloat} from "./DecimalFloat.sol";
import {FixedMath} from "./FixedMath.sol";

/// @title A convex, continuous table of at most three tiers in notional
/// @dev Python twin: plimsoll/margin/tier_math.py. requirement = notional·rateₙ − deductionₙ (Hyperliquid's form): the deduction makes the
/// function continuous, rising rates make it convex, so a slice cures at least what was computed.
library TierMath {
    /// @dev Bounds are decimal floats in thousands of quote.
    uint256 internal constant BOUND_UNIT = 1000 * FixedMath.WAD;

    /// @notice Maintenance and initial requirement of a notional, WAD, rounded up.
    /// @param table The low half of a market's risk word: three MM rates, three IM rates (bps), two bounds, 16 bits each.
    function requirements(uint256 notional, uint256 table) internal pure returns (uint256 mm, uint256 im) {
        unchecked {
            // notional < 2^136 (size < 2^56 times price < 2^80), rates < 2^16, bounds < 2^132.
            uint256 mmRate = table & 0xffff;
            uint256 imRate = table >> 48 & 0xffff;
            (uint256 mmLess, uint256 imLess) = (0, 0);
            uint256 bound = bound1(table);
            if (notional > bound) {
                (mmRate, mmLess) = _next(table >> 16, mmRate, mmLess, bound);
                (imRate, imLess) = _next(table >> 64, imRate, imLess, bound);
                bound = bound2(table);
                if (notional > bound) {
                    (mmRate, mmLess) = _next(table >> 32, mmRate, mmLess, bound);
                    (imRate, imLess) = _next(table >> 80, imRate, imLess, bound);
                }
            }
            mm = (notional * mmRate - mmLess + FixedMath.BPS - 1) / FixedMath.BPS;
            im = (notional * imRate - imLess + FixedMath.BPS - 1) / FixedMath.BPS;
        }
    }

    function bound1(uint256 table) internal pure returns (uint256) {
        unchecked {
            return DecimalFloat.decode(table >> 96 & 0xffff) * BOUND_UNIT;
        }
    }

    function bound2(uint256 table) internal pure returns (uint256) {
        unchecked {
            return DecimalFloat.decode(table >> 112 & 0xffff) * BOUND_UNIT;
        }
    }

    /// @notice How far the open interest is on its way from the lower to the upper bound, at which a new position is fully margined.
    /// Bps, up; zero without bounds.
    /// @param interest Open interest, quote WAD, under 2^136. @param lower @param upper Decimal floats in thousands of quote.
    function interestShare(uint256 interest, uint256 lower, uint256 upper) internal pure returns (uint256) {
        unchecked {
            if (upper == 0) return 0;
            lower = DecimalFloat.decode(lower) * BOUND_UNIT;
            if (interest <= lower) return 0;
            upper = DecimalFloat.decode(upper) * BOUND_UNIT;
            if (interest >= upper) return FixedMath.BPS;
            return ((interest - lower) * FixedMath.BPS + (upper - lower) - 1) / (upper - lower);
        }
    }

    function _next(uint256 rates, uint256 rate, uint256 less, uint256 bound) private pure returns (uint256, uint256) {
        unchecked {
            uint256 next = rates & 0xffff;
            return (next, less + bound * (next - rate));
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedMath} from "./FixedMath.sol";

/// @title A convex, continuous table of at most three tiers in notional
/// @dev Python twin: plimsoll/margin/tier_math.py. requirement = notional·rateₙ − deductionₙ (Hyperliquid's form): the deduction makes the
/// function continuous, rising rates make it convex, so a slice cures at least what was computed.
library TierMath {
    /// @dev Bounds are in thousands of quote.
    uint256 internal constant BOUND_UNIT = 1000 * FixedMath.WAD;

    /// @param rates bps, lowest 48 bits: rate1, rate2, rate3 (16 bits each, lowest first).
    /// @return WAD, rounded up.
    function requirement(uint256 notional, uint256 rates, uint256 bound1, uint256 bound2)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            // notional < 2^136 (size < 2^56 times price < 2^72, times 2^8 accounts of slack), rates < 2^16.
            uint256 rate = rates & 0xffff;
            uint256 deduction;
            uint256 first = bound1 * BOUND_UNIT;
            if (notional > first) {
                uint256 next = rates >> 16 & 0xffff;
                deduction = first * (next - rate);
                rate = next;
                uint256 second = bound2 * BOUND_UNIT;
                if (notional > second) {
                    next = rates >> 32 & 0xffff;
                    deduction += second * (next - rate);
                    rate = next;
                }
            }
            return (notional * rate - deduction + FixedMath.BPS - 1) / FixedMath.BPS;
        }
    }
}

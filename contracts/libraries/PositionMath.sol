// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedMath} from "./FixedMath.sol";

/// @title What a position is worth, and what a part of it is
/// @dev Python twin: plimsoll/margin/position_math.py. size 1e-8, price and index 1e-10, value WAD: products are exact.
library PositionMath {
    /// @notice pnl = size·(price − index) − cost, exact.
    function pnl(int256 size, int256 cost, uint256 price, int256 index) internal pure returns (int256) {
        unchecked {
            // |size| < 2^63, price and |index| < 2^72, |cost| < 2^97 (the sum of a side's costs twice over).
            return size * (int256(price) - index) - cost;
        }
    }

    function notional(int256 size, uint256 price) internal pure returns (uint256) {
        unchecked {
            return FixedMath.abs(size) * price;
        }
    }

    /// @notice Whether adding `delta` makes a position larger, or turns it round: whether it ends on the side that `delta` goes to.
    function grows(int256 size, int256 delta) internal pure returns (bool) {
        unchecked {
            // Both below 2^128.
            int256 after_ = size + delta;
            return delta > 0 ? after_ > 0 : delta != 0 && after_ < 0;
        }
    }

    /// @notice The part `fraction` (WAD) of a position as its taker gets it: size down and cost up, so that for a long and for a
    /// short what is lost in rounding stays with the account that is liquidated. The whole position at 1.
    function slice(int256 size, int256 cost, uint256 fraction) internal pure returns (int256, int256) {
        if (fraction >= FixedMath.WAD) return (size, cost);
        return (
            FixedMath.floorDivSigned(size * int256(fraction), FixedMath.WAD),
            FixedMath.ceilDivSigned(cost * int256(fraction), FixedMath.WAD)
        );
    }

    /// @notice The cost that goes with `part` of `size`, rounded up for whoever receives it.
    function costOf(int256 part, int256 size, int256 cost) internal pure returns (int256) {
        return FixedMath.ceilDivSigned(cost * int256(FixedMath.abs(part)), FixedMath.abs(size));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

/// @title Fixed-point arithmetic with the rounding in the name
/// @dev Python twin: plimsoll/margin/fixed_math.py. Full 512-bit products come from Solady.
library FixedMath {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 1e4;
    uint256 internal constant PPM = 1e6;
    uint256 internal constant YEAR = 365 days;

    function mulDivDown(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        return FixedPointMathLib.fullMulDiv(x, y, d);
    }

    function mulDivUp(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        return FixedPointMathLib.fullMulDivUp(x, y, d);
    }

    function ceilDiv(uint256 x, uint256 d) internal pure returns (uint256) {
        return FixedPointMathLib.divUp(x, d);
    }

    /// @notice x / d toward +∞, for signed x and positive d.
    function ceilDivSigned(int256 x, uint256 d) internal pure returns (int256) {
        return x > 0 ? int256(ceilDiv(uint256(x), d)) : -int256(abs(x) / d);
    }

    /// @notice x / d toward −∞, for signed x and positive d.
    function floorDivSigned(int256 x, uint256 d) internal pure returns (int256) {
        return -ceilDivSigned(-x, d);
    }

    function abs(int256 x) internal pure returns (uint256) {
        return FixedPointMathLib.abs(x);
    }

    /// @notice max(x, 0) as unsigned.
    function positive(int256 x) internal pure returns (uint256) {
        return x > 0 ? uint256(x) : 0;
    }

    function min(uint256 x, uint256 y) internal pure returns (uint256) {
        return x < y ? x : y;
    }

    /// @notice √((seconds)/year) in WAD, toward zero.
    function sqrtYears(uint256 secs) internal pure returns (uint256) {
        return FixedPointMathLib.sqrt(secs * 1e36 / YEAR);
    }
}

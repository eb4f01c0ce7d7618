// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Sixteen bits for a round number: mantissa (12 bits, highest) · 10^exponent (4 bits)
/// @dev Python twin: plimsoll/margin/decimal_float.py.
library DecimalFloat {
    uint256 internal constant MAX_MANTISSA = 4095;
    uint256 internal constant MAX_EXPONENT = 15;

    function decode(uint256 code) internal pure returns (uint256) {
        unchecked {
            return (code >> 4) * 10 ** (code & 15);
        }
    }

    /// @notice The code with the smallest exponent, and whether there is one: nothing is rounded.
    function encode(uint256 value) internal pure returns (bool exact, uint256 code) {
        uint256 exponent;
        while (value > MAX_MANTISSA) {
            if (value % 10 != 0 || exponent == MAX_EXPONENT) return (false, 0);
            value /= 10;
            ++exponent;
        }
        return (true, value << 4 | exponent);
    }
}

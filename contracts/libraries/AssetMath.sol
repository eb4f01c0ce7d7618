// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedMath} from "./FixedMath.sol";

/// @title Between token units and quote value
/// @dev Python twin: plimsoll/margin/asset_math.py. amount (token units) × price (1e-10) × 1e8 / 10^decimals = WAD.
library AssetMath {
    uint256 internal constant QUOTE_PRICE = 1e10;

    /// @notice Value of an amount, toward zero.
    function valueDown(uint256 amount, uint256 price, uint256 decimals) internal pure returns (uint256) {
        unchecked {
            // amount < 2^128, price < 2^80.
            return amount * price * 1e8 / 10 ** decimals;
        }
    }

    /// @notice Value of a debt, away from zero.
    function valueUp(uint256 amount, uint256 price, uint256 decimals) internal pure returns (uint256) {
        unchecked {
            return FixedMath.ceilDiv(amount * price * 1e8, 10 ** decimals);
        }
    }

    /// @notice Quote WAD to token units of the quote asset, `unit` = 10^(18 − decimals).
    function toUnitsDown(uint256 value, uint256 unit) internal pure returns (uint256) {
        return value / unit;
    }

    function toUnitsUp(uint256 value, uint256 unit) internal pure returns (uint256) {
        return (value + unit - 1) / unit;
    }
}

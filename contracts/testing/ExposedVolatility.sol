// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PriceWord} from "../libraries/PriceWord.sol";
import {VolatilityMath} from "../libraries/VolatilityMath.sol";

/// @title VolatilityMath, callable, for the differential tests of its Python twin
contract ExposedVolatility {
    function packVolatility(uint256 mmFrom, uint256 multiplier, uint256 phase) external pure returns (uint256) {
        return PriceWord.packVolatility(mmFrom, multiplier, phase);
    }

    function multipliers(uint256 word, uint256 time) external pure returns (uint256, uint256) {
        return VolatilityMath.multipliers(word, time);
    }

    function rampStart(uint256 word) external pure returns (uint256) {
        return VolatilityMath.rampStart(word);
    }

    function isDue(uint256 word, uint256 publishedAt) external pure returns (bool) {
        return VolatilityMath.isDue(word, publishedAt);
    }

    function isTimely(uint256 publishedAt, uint256 time) external pure returns (bool) {
        return VolatilityMath.isTimely(publishedAt, time);
    }

    function sampled(uint256 word, uint256 code, uint256 publishedAt, uint256 time) external pure returns (uint256) {
        return VolatilityMath.sampled(word, code, publishedAt, time);
    }

    function held(uint256 word, uint256 time) external pure returns (uint256) {
        return VolatilityMath.held(word, time);
    }

    function next(uint256 variance, uint256 basis, uint256 weight, uint256 price, uint256 last, uint256 elapsed)
        external
        pure
        returns (uint256)
    {
        return VolatilityMath.next(variance, basis, weight, price, last, elapsed);
    }

    function squaredReturn(uint256 price, uint256 last) external pure returns (uint256) {
        return VolatilityMath.squaredReturn(price, last);
    }

    function codeOf(uint256 variance, uint256 basis, uint256 maxCode) external pure returns (uint256) {
        return VolatilityMath.codeOf(variance, basis, maxCode);
    }

    function varianceOf(uint256 sigma) external pure returns (uint256) {
        return VolatilityMath.varianceOf(sigma);
    }

    function sigmaOf(uint256 variance) external pure returns (uint256) {
        return VolatilityMath.sigmaOf(variance);
    }

    function weightOf(uint256 halfLife) external pure returns (uint256) {
        return VolatilityMath.weightOf(halfLife);
    }
}

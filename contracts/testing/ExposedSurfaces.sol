// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SurfaceMath} from "../libraries/SurfaceMath.sol";
import {SurfaceWord} from "../libraries/SurfaceWord.sol";

/// @title SurfaceMath and SurfaceWord, callable, for the differential tests of their Python twins
contract ExposedSurfaces {
    function variance(uint256 word0, uint256 sigma, int256 k) external pure returns (int256) {
        return SurfaceMath.variance(word0, sigma, k);
    }

    function minimum(uint256 word0, uint256 sigma) external pure returns (int256) {
        return SurfaceMath.minimum(word0, sigma);
    }

    function wing(uint256 word0) external pure returns (int256) {
        return SurfaceMath.wing(word0);
    }

    function gridPoint(uint256 i) external pure returns (int256) {
        return SurfaceMath.gridPoint(i);
    }

    function butterfly(uint256 word0, uint256 sigma) external pure returns (int256, int256) {
        return SurfaceMath.butterfly(word0, sigma);
    }

    function durrleman(uint256 word0, int256 sigma, int256 z) external pure returns (int256, int256) {
        return SurfaceMath.durrleman(word0, sigma, z);
    }

    /// @notice Gas of all that SurfaceMath does about one surface: butterfly, then the calendar's grid.
    function cost(uint256 word0, uint256 sigma) external view returns (uint256 shape, uint256 calendar) {
        uint256 before = gasleft();
        SurfaceMath.butterfly(word0, sigma);
        shape = before - gasleft();
        before = gasleft();
        SurfaceMath.grid(word0, sigma);
        calendar = before - gasleft();
    }

    function smile(uint256 word) external pure returns (int256, int256, int256, int256) {
        return (SurfaceWord.a(word), SurfaceWord.b(word), SurfaceWord.rho(word), SurfaceWord.m(word));
    }

    function fit(uint256 word) external pure returns (uint256, uint256, uint256, uint256, uint256) {
        return (
            SurfaceWord.sigma(word),
            SurfaceWord.forwardRef(word),
            SurfaceWord.tau(word),
            SurfaceWord.publishedAt(word),
            SurfaceWord.writtenBlock(word)
        );
    }

    function terms(uint256 word) external pure returns (uint256, int256, uint256, uint256, uint256, uint256) {
        return (
            SurfaceWord.carry(word),
            SurfaceWord.rate(word),
            SurfaceWord.forwardConfidence(word),
            SurfaceWord.rateConfidence(word),
            SurfaceWord.volConfidence(word),
            SurfaceWord.status(word)
        );
    }

    function stamped(uint256 word1, uint256 published, uint256 blockNumber) external pure returns (uint256) {
        return SurfaceWord.stamped(word1, published, blockNumber);
    }

    function keyOf(uint256 market, uint256 expiry) external pure returns (uint256) {
        return SurfaceWord.keyOf(market, expiry);
    }
}

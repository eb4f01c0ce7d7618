// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The packed word of a feed: all that storing a signed price needs besides the price
/// @dev Lowest first: variance (72 bits, WAD per interval) · samplePrice (72) · sampledAt (32) · sigmaRef (16, bps per √year; 0: no
/// scaling) · maxMultiplier (8, a code of VolatilityMath) · weight (24, of a sample) · maxConfidence (24, ppm) · flags (8).
/// Only a sample, a change of configuration, or the turn to or from the fallback writes it.
library FeedWord {
    // Flags; 0 is no feed.
    uint256 internal constant SIGNED = 1 << 248;
    uint256 internal constant POLLED = 1 << 249;
    /// @dev It has a reference to be compared with.
    uint256 internal constant COMPARED = 1 << 250;
    /// @dev The last good price is the fallback's.
    uint256 internal constant ON_FALLBACK = 1 << 251;

    uint256 private constant _FLAGS = uint256(type(uint8).max) << 248;
    uint256 private constant _SAMPLE = (1 << 176) - 1;
    uint256 private constant _RULES = uint256(type(uint32).max) << 224;

    function variance(uint256 word) internal pure returns (uint256) {
        return word & type(uint72).max;
    }

    function samplePrice(uint256 word) internal pure returns (uint256) {
        return word >> 72 & type(uint72).max;
    }

    function sampledAt(uint256 word) internal pure returns (uint256) {
        return word >> 144 & type(uint32).max;
    }

    function sigmaRef(uint256 word) internal pure returns (uint256) {
        return word >> 176 & type(uint16).max;
    }

    function maxMultiplier(uint256 word) internal pure returns (uint256) {
        return word >> 192 & type(uint8).max;
    }

    function weight(uint256 word) internal pure returns (uint256) {
        return word >> 200 & type(uint24).max;
    }

    function maxConfidence(uint256 word) internal pure returns (uint256) {
        return word >> 224 & type(uint24).max;
    }

    function has(uint256 word, uint256 flag) internal pure returns (bool) {
        return word & flag != 0;
    }

    function isKnown(uint256 word) internal pure returns (bool) {
        return word & _FLAGS != 0;
    }

    function withSample(uint256 word, uint256 newVariance, uint256 price, uint256 time)
        internal
        pure
        returns (uint256)
    {
        return word & ~_SAMPLE | newVariance | price << 72 | time << 144;
    }

    function withVolatility(uint256 word, uint256 newSigmaRef, uint256 newMaxMultiplier, uint256 newWeight)
        internal
        pure
        returns (uint256)
    {
        return word & (_SAMPLE | _RULES) | newSigmaRef << 176 | newMaxMultiplier << 192 | newWeight << 200;
    }

    function withRules(uint256 word, uint256 newMaxConfidence, uint256 flags) internal pure returns (uint256) {
        return word & ~_RULES | newMaxConfidence << 224 | flags;
    }
}

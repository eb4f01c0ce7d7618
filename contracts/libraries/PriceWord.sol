// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The packed word of a price
/// @dev Lowest first: value (72 bits, 1e-10 quote) · confidence (24, ppm) · publishedAt (32) · seenAt (32) · writtenBlock (32) ·
/// disputedUntil (32) · status (8) · mmFrom (8) · multiplier (8) · phase (8). Layout and meaning: interfaces/IOracleRouter.sol; the
/// last three are read and written by VolatilityMath.
library PriceWord {
    uint256 internal constant MAX_VALUE = type(uint72).max;
    uint256 internal constant MAX_CONFIDENCE = type(uint24).max;

    // Status bits; 0 is good.
    uint256 internal constant WIDE = 1;
    uint256 internal constant DEVIATES = 2;
    uint256 internal constant REFERENCE_DOWN = 4;

    /// @dev The volatility fields, above everything else.
    uint256 private constant VOLATILITY = uint256(type(uint24).max) << 232;
    /// @dev What a rejected report leaves as it is: value, confidence and publishedAt of the last good one, and the volatility.
    uint256 private constant LAST_GOOD = VOLATILITY | type(uint128).max;

    function value(uint256 word) internal pure returns (uint256) {
        return word & MAX_VALUE;
    }

    function confidence(uint256 word) internal pure returns (uint256) {
        return word >> 72 & MAX_CONFIDENCE;
    }

    function publishedAt(uint256 word) internal pure returns (uint256) {
        return word >> 96 & type(uint32).max;
    }

    function seenAt(uint256 word) internal pure returns (uint256) {
        return word >> 128 & type(uint32).max;
    }

    /// @notice The block of the last change, modulo 2^32.
    function writtenBlock(uint256 word) internal pure returns (uint256) {
        return word >> 160 & type(uint32).max;
    }

    function disputedUntil(uint256 word) internal pure returns (uint256) {
        return word >> 192 & type(uint32).max;
    }

    function status(uint256 word) internal pure returns (uint256) {
        return word >> 224 & type(uint8).max;
    }

    /// @notice What MM's multiplier was at the last sample, (m − 1)·64.
    function mmFrom(uint256 word) internal pure returns (uint256) {
        return word >> 232 & type(uint8).max;
    }

    /// @notice What it moves to, and IM's multiplier already is, (m − 1)·64.
    function multiplier(uint256 word) internal pure returns (uint256) {
        return word >> 240 & type(uint8).max;
    }

    /// @notice When within the interval of publishedAt it began to move, in 1/128 of an interval.
    function phase(uint256 word) internal pure returns (uint256) {
        return word >> 248;
    }

    /// @notice The three volatility fields, in place.
    function volatility(uint256 word) internal pure returns (uint256) {
        return word & VOLATILITY;
    }

    function isDisputed(uint256 word) internal view returns (bool) {
        return block.timestamp < disputedUntil(word);
    }

    /// @notice Seconds since the last good price was published; zero while the signers' clock runs ahead of the chain's.
    function age(uint256 word) internal view returns (uint256) {
        uint256 published = publishedAt(word);
        return block.timestamp > published ? block.timestamp - published : 0;
    }

    /// @notice The volatility fields in place, the rest zero.
    function packVolatility(uint256 newMmFrom, uint256 newMultiplier, uint256 newPhase)
        internal
        pure
        returns (uint256)
    {
        return newMmFrom << 232 | newMultiplier << 240 | newPhase << 248;
    }

    /// @dev Fields that are too wide are the caller's mistake: nothing is masked here but the block number, which wraps.
    function pack(
        uint256 newValue,
        uint256 newConfidence,
        uint256 newPublishedAt,
        uint256 newSeenAt,
        uint256 newWrittenBlock,
        uint256 newDisputedUntil,
        uint256 newStatus
    ) internal pure returns (uint256) {
        return newValue | newConfidence << 72 | newPublishedAt << 96 | newSeenAt << 128
            | (newWrittenBlock & type(uint32).max) << 160 | newDisputedUntil << 192 | newStatus << 224;
    }

    /// @notice `word` after a report that failed its tests: the last good price stays, with why and when it was doubted.
    function rejected(uint256 word, uint256 newSeenAt, uint256 newWrittenBlock, uint256 newStatus)
        internal
        pure
        returns (uint256)
    {
        return (word & LAST_GOOD) | pack(0, 0, 0, newSeenAt, newWrittenBlock, disputedUntil(word), newStatus);
    }

    function withDispute(uint256 word, uint256 until) internal pure returns (uint256) {
        return word & ~(uint256(type(uint32).max) << 192) | until << 192;
    }
}

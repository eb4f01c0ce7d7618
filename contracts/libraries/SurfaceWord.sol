// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The three packed words of a volatility surface
/// @dev Layout and units: interfaces/IVolatilityFeed.sol. In a report word 1 is zero above tau, and word 2 holds the key from bit 200 on.
/// Python twin: plimsoll/margin/surface_word.py.
library SurfaceWord {
    // Status bits, as `read` sets them; 0 is good.
    uint256 internal constant STALE = 1;
    uint256 internal constant DISPUTED = 2;
    uint256 internal constant MISSING = 4;

    // ---------------------------------------------------------------- keys

    /// @param expiry Minutes since 1970.
    function keyOf(uint256 market, uint256 expiry) internal pure returns (uint256) {
        return market << 32 | expiry;
    }

    function marketOf(uint256 key) internal pure returns (uint256) {
        return key >> 32;
    }

    function expiryOf(uint256 key) internal pure returns (uint256) {
        return uint32(key);
    }

    // ---------------------------------------------------------------- word 0: the smile

    function a(uint256 word0) internal pure returns (int256) {
        return int64(uint64(word0));
    }

    function b(uint256 word0) internal pure returns (int256) {
        return int64(uint64(word0 >> 64));
    }

    function rho(uint256 word0) internal pure returns (int256) {
        return int64(uint64(word0 >> 128));
    }

    function m(uint256 word0) internal pure returns (int256) {
        return int64(uint64(word0 >> 192));
    }

    // ---------------------------------------------------------------- word 1: its scale and when

    function sigma(uint256 word1) internal pure returns (uint256) {
        return uint64(word1);
    }

    function forwardRef(uint256 word1) internal pure returns (uint256) {
        return uint72(word1 >> 64);
    }

    function tau(uint256 word1) internal pure returns (uint256) {
        return uint64(word1 >> 136);
    }

    function publishedAt(uint256 word1) internal pure returns (uint256) {
        return uint32(word1 >> 200);
    }

    /// @notice The block of the last change, modulo 2^24.
    function writtenBlock(uint256 word1) internal pure returns (uint256) {
        return word1 >> 232;
    }

    /// @notice Word 1 of a report, with when it was published and written.
    function stamped(uint256 word1, uint256 published, uint256 blockNumber) internal pure returns (uint256) {
        return word1 | published << 200 | blockNumber << 232;
    }

    // ---------------------------------------------------------------- word 2: what surrounds it

    function carry(uint256 word2) internal pure returns (uint256) {
        return uint64(word2);
    }

    function rate(uint256 word2) internal pure returns (int256) {
        return int64(uint64(word2 >> 64));
    }

    function forwardConfidence(uint256 word2) internal pure returns (uint256) {
        return uint24(word2 >> 128);
    }

    function rateConfidence(uint256 word2) internal pure returns (uint256) {
        return uint24(word2 >> 152);
    }

    function volConfidence(uint256 word2) internal pure returns (uint256) {
        return uint24(word2 >> 176);
    }

    function status(uint256 word2) internal pure returns (uint256) {
        return uint8(word2 >> 200);
    }

    /// @notice The key in word 2 of a report.
    function reportedKey(uint256 word2) internal pure returns (uint256) {
        return word2 >> 200;
    }

    /// @notice Word 2 of a report as it is stored.
    function unkeyed(uint256 word2) internal pure returns (uint256) {
        return word2 & type(uint200).max;
    }
}

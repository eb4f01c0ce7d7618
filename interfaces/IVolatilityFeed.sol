// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Volatility surfaces, one per market and expiry
/// @dev Three words per key = market << 32 | expiry in minutes, lowest bits first; all zero: never published.
///  0. a · b · rho · m (int64 each, WAD)
///  1. sigma (64, WAD) · forward that it was fitted at (72, 1e-10) · years it was fitted at (64, WAD) · publishedAt (32) · written block (24)
///  2. carry (64, WAD: forward = spot · carry) · rate (int64, WAD per year) · doubt of forward, rate and volatility (24 each, ppm) ·
///     status (8; 0 is good)
interface IVolatilityFeed {
    function read(uint256[] calldata keys) external view returns (uint256[] memory words);

    /// @notice Seconds for which a surface is good enough for new risk.
    function maxAge() external view returns (uint256);
}

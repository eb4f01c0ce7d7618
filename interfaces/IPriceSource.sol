// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A price another system publishes (Chainlink, later Pyth), seen through an adapter
interface IPriceSource {
    /// @return ok False when the answer must not be used: stale, out of the aggregator's min/max band, zero, sequencer down.
    /// @return value 1e-10 quote per unit.
    /// @return confidence ppm of value.
    /// @return publishedAt Unix seconds.
    function latest(bytes32 id) external view returns (bool ok, uint256 value, uint256 confidence, uint256 publishedAt);
}

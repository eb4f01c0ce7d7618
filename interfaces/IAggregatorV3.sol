// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What Plimsoll uses of a Chainlink price feed (a proxy in front of the aggregator of the day)
interface IAggregatorV3 {
    function decimals() external view returns (uint8);

    /// @return roundId The round of this answer.
    /// @return answer At `decimals`. For an L2 sequencer uptime feed: 0 is up, 1 is down.
    /// @return startedAt When the round began; for an uptime feed, when the answer last changed.
    /// @return updatedAt When the answer was computed; zero for a round that has none.
    /// @return answeredInRound The round in which the answer was computed, in aggregators that carry answers over.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice The aggregator behind the proxy. Not every feed has one to name.
    function aggregator() external view returns (address);

    /// @notice The band into which the aggregator clamps its answers. Not every aggregator has one.
    function minAnswer() external view returns (int192);

    function maxAnswer() external view returns (int192);
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAggregatorV3} from "../../interfaces/IAggregatorV3.sol";

/// @title A Chainlink feed, or a sequencer uptime feed, that says what it is told
contract MockAggregator is IAggregatorV3 {
    error NotOffered();

    uint8 public decimals;
    /// @dev Whether this one offers aggregator(), minAnswer() and maxAnswer(): the older feeds do, some newer do not.
    bool public offersBand;
    int192 private _minAnswer;
    int192 private _maxAnswer;
    uint80 private _roundId;
    uint80 private _answeredInRound;
    int256 private _answer;
    uint256 private _startedAt;
    uint256 private _updatedAt;

    constructor(uint8 newDecimals) {
        decimals = newDecimals;
    }

    /// @notice A next round, answered now.
    function setAnswer(int256 answer) external {
        setRound(_roundId + 1, answer, block.timestamp, block.timestamp, _roundId + 1);
    }

    function setRound(uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
        public
    {
        (_roundId, _answer, _startedAt, _updatedAt, _answeredInRound) =
        (roundId, answer, startedAt, updatedAt, answeredInRound);
    }

    function setBand(int192 newMin, int192 newMax) external {
        (_minAnswer, _maxAnswer, offersBand) = (newMin, newMax, true);
    }

    function setDecimals(uint8 newDecimals) external {
        decimals = newDecimals;
    }

    /// @inheritdoc IAggregatorV3
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (_roundId, _answer, _startedAt, _updatedAt, _answeredInRound);
    }

    /// @inheritdoc IAggregatorV3
    function aggregator() external view returns (address) {
        if (!offersBand) revert NotOffered();
        return address(this);
    }

    /// @inheritdoc IAggregatorV3
    function minAnswer() external view returns (int192) {
        if (!offersBand) revert NotOffered();
        return _minAnswer;
    }

    /// @inheritdoc IAggregatorV3
    function maxAnswer() external view returns (int192) {
        if (!offersBand) revert NotOffered();
        return _maxAnswer;
    }
}

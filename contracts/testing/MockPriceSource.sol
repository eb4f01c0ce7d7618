// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceSource} from "../../interfaces/IPriceSource.sol";

/// @title A price source that answers what it is told, or misbehaves as it is told
contract MockPriceSource is IPriceSource {
    enum Mode {
        ANSWER,
        REVERT,
        BURN_GAS, // an endless loop
        BOMB, // a reverting answer as long as its gas allows
        SHORT, // one word
        GARBAGE // four words of ones: not a bool, not a price
    }

    struct Answer {
        bool ok;
        uint256 value;
        uint256 confidence;
        uint256 publishedAt;
    }

    error Refusal();

    Mode public mode;
    mapping(bytes32 id => Answer) private _answers;

    function setMode(Mode newMode) external {
        mode = newMode;
    }

    function set(bytes32 id, bool ok, uint256 value, uint256 confidence, uint256 publishedAt) external {
        _answers[id] = Answer(ok, value, confidence, publishedAt);
    }

    /// @inheritdoc IPriceSource
    function latest(bytes32 id) external view returns (bool, uint256, uint256, uint256) {
        if (mode != Mode.ANSWER) _misbehave();
        Answer memory answer = _answers[id];
        return (answer.ok, answer.value, answer.confidence, answer.publishedAt);
    }

    function _misbehave() private view {
        if (mode == Mode.REVERT) revert Refusal();
        uint256 sink;
        while (mode == Mode.BURN_GAS) {
            sink = gasleft(); // with a body, or the optimiser asks why
        }
        Mode chosen = mode;
        assembly ("memory-safe") {
            if eq(chosen, 3) { revert(0x80, 200000) }
            if eq(chosen, 4) { return(0x00, 0x20) }
            let start := mload(0x40)
            for { let i := 0 } lt(i, 4) { i := add(i, 1) } { mstore(add(start, mul(i, 0x20)), not(0)) }
            return(start, 0x80)
        }
    }
}

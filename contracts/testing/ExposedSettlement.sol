// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SettlementMath} from "../libraries/SettlementMath.sol";

/// @title SettlementMath from outside
contract ExposedSettlement {
    function step(uint256 observedAt, uint256 end, uint256 time) external pure returns (uint256) {
        return SettlementMath.step(observedAt, end, time);
    }

    function open(uint256 word, uint256 end, uint256 time, bool dead) external pure returns (uint256, uint256) {
        return SettlementMath.open(word, end, time, dead);
    }

    function mean(uint256 word, uint256 rest, uint256 total, uint256 price) external pure returns (uint256) {
        return SettlementMath.mean(SettlementMath.weightedOf(word), rest, total, price);
    }

    function carry(uint256 value, uint256 rest, uint256 total) external pure returns (uint256) {
        return SettlementMath.carry(value, rest, total);
    }
}

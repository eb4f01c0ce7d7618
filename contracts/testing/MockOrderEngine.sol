// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LedgerSlots} from "../libraries/LedgerSlots.sol";

/// @title What OrderVerifier knows of its engine: who fills, and where lockdowns are counted
contract MockOrderEngine {
    function lockdown() external {
        bytes32 key = LedgerSlots.at(uint160(msg.sender), LedgerSlots.LOCKDOWNS);
        assembly ("memory-safe") {
            sstore(key, add(sload(key), 1))
        }
    }

    /// @notice Calls `to` in the engine's name; fails as it fails.
    function run(address to, bytes calldata data) external returns (bytes memory) {
        (bool success, bytes memory result) = to.call(data);
        if (success) return result;
        assembly ("memory-safe") {
            revert(add(result, 32), mload(result))
        }
    }

    function slots(bytes32[] calldata keys) external view returns (bytes32[] memory words) {
        words = new bytes32[](keys.length);
        for (uint256 i; i < keys.length; ++i) {
            bytes32 key = keys[i];
            bytes32 word;
            assembly ("memory-safe") {
                word := sload(key)
            }
            words[i] = word;
        }
    }
}

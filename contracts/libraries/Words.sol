// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Words at memory pointers, for loops over tens of thousands of them
/// @dev All the assembly of Lens. Callers stay inside what `buffer` or `new` gave them.
library Words {
    function get(uint256 at) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(at)
        }
    }

    function put(uint256 at, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(at, word)
        }
    }

    /// @notice Pointer to the first byte.
    function first(bytes memory data) internal pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := add(data, 32)
        }
    }

    /// @notice Pointer to the first element.
    function first(bytes32[] memory list) internal pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := add(list, 32)
        }
    }

    function first(uint256[] memory list) internal pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := add(list, 32)
        }
    }

    /// @notice Room for `count` words, with the selector, offset and length of a call in front (see `exchange`).
    function buffer(uint256 count) internal pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := add(mload(64), 96)
            mstore(64, add(at, shl(5, count)))
        }
    }

    /// @notice Calls `target` with the words as its one list argument, and puts the list it returns in their place: what it is
    /// given and what it gives back are encoded alike, so nothing is copied.
    function exchange(address target, bytes4 selector, uint256 at, uint256 count) internal view {
        assembly ("memory-safe") {
            let size := add(64, shl(5, count))
            mstore(sub(at, 96), shr(224, selector))
            mstore(sub(at, 64), 32)
            mstore(sub(at, 32), count)
            if iszero(staticcall(gas(), target, sub(at, 68), add(size, 4), sub(at, 64), size)) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
            // A list of another length is not an answer.
            if or(lt(returndatasize(), size), iszero(eq(mload(sub(at, 32)), count))) { revert(0, 0) }
        }
    }

    /// @notice As `exchange`, for a list that comes back `factor` times as long: the buffer has room for that.
    function expand(address target, bytes4 selector, uint256 at, uint256 count, uint256 factor) internal view {
        assembly ("memory-safe") {
            mstore(sub(at, 96), shr(224, selector))
            mstore(sub(at, 64), 32)
            mstore(sub(at, 32), count)
            let size := add(64, shl(5, mul(count, factor)))
            if iszero(staticcall(gas(), target, sub(at, 68), add(68, shl(5, count)), sub(at, 64), size)) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
            if or(lt(returndatasize(), size), iszero(eq(mload(sub(at, 32)), mul(count, factor)))) {
                revert(0, 0)
            }
        }
    }
}

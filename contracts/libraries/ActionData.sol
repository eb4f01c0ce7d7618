// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";

/// @title The data of an action whose struct has lists in it, read where it lies
/// @dev Each field is checked when it is read. An encoding that points outside its data names other bytes of the call that it is read in: a
/// library that is handed the same data is told what its caller has read, and compares.
library ActionData {
    function matchOf(bytes calldata data) internal pure returns (IMarginEngine.Match calldata order) {
        assembly ("memory-safe") {
            order := add(data.offset, calldataload(data.offset))
        }
    }

    function liquidateOf(bytes calldata data) internal pure returns (IMarginEngine.Liquidate calldata order) {
        assembly ("memory-safe") {
            order := add(data.offset, calldataload(data.offset))
        }
    }

    function marginCallOf(bytes calldata data) internal pure returns (IMarginEngine.MarginCall calldata order) {
        assembly ("memory-safe") {
            order := add(data.offset, calldataload(data.offset))
        }
    }

    function callOf(bytes calldata data) internal pure returns (IMarginEngine.Call calldata order) {
        assembly ("memory-safe") {
            order := add(data.offset, calldataload(data.offset))
        }
    }
}

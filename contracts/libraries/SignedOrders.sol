// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOrderVerifier} from "../../interfaces/IOrderVerifier.sol";

/// @title Signed orders handed to the verifier as they lie
library SignedOrders {
    /// @notice IOrderVerifier.fill, without taking the order apart.
    function fill(
        IOrderVerifier.SignedOrder calldata signed,
        address verifier,
        address sender,
        address counterparty,
        uint256 lockdown,
        uint256 size
    ) internal returns (bytes32 hash) {
        IOrderVerifier.Order calldata order = signed.order;
        IOrderVerifier.Leg[] calldata legs = order.legs;
        bytes calldata signature = signed.signature;
        bytes4 selector = IOrderVerifier.fill.selector;
        assembly ("memory-safe") {
            let args := add(mload(64), 32)
            mstore(sub(args, 32), shr(224, selector))
            mstore(args, 192)
            mstore(add(args, 64), sender)
            mstore(add(args, 96), counterparty)
            mstore(add(args, 128), lockdown)
            mstore(add(args, 160), size)
            // The order's eleven words, its legs right behind them, its signature behind those.
            let at := add(args, 192)
            calldatacopy(at, order, 352)
            mstore(add(at, 32), 352)
            at := add(at, 352)
            mstore(at, legs.length)
            calldatacopy(add(at, 32), legs.offset, shl(6, legs.length))
            at := add(add(at, 32), shl(6, legs.length))
            mstore(add(args, 32), sub(at, args))
            mstore(at, signature.length)
            calldatacopy(add(at, 32), signature.offset, signature.length)
            let end := add(add(at, 32), and(add(signature.length, 31), not(31)))
            let start := sub(args, 4)
            if iszero(call(gas(), verifier, 0, start, sub(end, start), 0, 32)) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
            if lt(returndatasize(), 32) { revert(0, 0) }
            hash := mload(0)
        }
    }
}

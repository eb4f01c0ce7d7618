// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOrderVerifier} from "../../interfaces/IOrderVerifier.sol";
import {AccountId} from "../libraries/AccountId.sol";

/// @title A verifier that takes every signature but an empty one of somebody else, and remembers what it was asked
contract MockVerifier {
    address public engine;
    address public caller;
    address public counterparty;
    uint256 public lockdown;
    uint256 public fills;

    constructor(address engine_) {
        engine = engine_;
    }

    /// @notice As IOrderVerifier.
    function fill(
        IOrderVerifier.Order calldata order,
        bytes calldata signature,
        address caller_,
        address counterparty_,
        uint256 lockdown_,
        uint64 fillSize
    ) external returns (bytes32) {
        address owner = AccountId.ownerOf(order.account);
        if (signature.length == 0 && owner != caller_) revert IOrderVerifier.SignatureMissing(owner, caller_);
        if (order.lockdown != lockdown_) revert IOrderVerifier.LockdownMismatch(order.lockdown, lockdown_);
        (caller, counterparty, lockdown) = (caller_, counterparty_, lockdown_);
        fills += fillSize;
        return keccak256(abi.encode(order));
    }
}

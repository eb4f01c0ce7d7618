// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MockERC20} from "./MockERC20.sol";

/// @title A token in the manner of ERC-777: a call of one's choice runs before sending, and after receiving
/// @dev The call comes from this token and its outcome is kept, so that a test sees what a re-entrant call was told.
contract HookERC20 is MockERC20 {
    struct Hook {
        address target;
        bool mustSucceed;
        bytes data;
    }

    mapping(address account => Hook) internal sendHooks;
    mapping(address account => Hook) internal receiveHooks;
    uint256 public calls;
    bool public lastSucceeded;
    bytes public lastResult;

    constructor(string memory name_, string memory symbol_, uint8 decimals_) MockERC20(name_, symbol_, decimals_) {}

    /// @param onReceive When the hook runs: after `account` has received, or before it sends.
    /// @param mustSucceed Whether a failed call reverts the transfer.
    function setHook(address account, bool onReceive, address target, bool mustSucceed, bytes calldata data) external {
        (onReceive ? receiveHooks : sendHooks)[account] = Hook(target, mustSucceed, data);
    }

    function _update(address from, address to, uint256 amount) internal override {
        _run(sendHooks[from]);
        super._update(from, to, amount);
        _run(receiveHooks[to]);
    }

    function _run(Hook storage hook) private {
        address target = hook.target;
        if (target == address(0)) return;
        // Once only: the call may move this token again.
        hook.target = address(0);
        (bool ok, bytes memory result) = target.call(hook.data);
        (calls, lastSucceeded, lastResult) = (calls + 1, ok, result);
        if (ok || !hook.mustSucceed) return;
        assembly ("memory-safe") {
            revert(add(result, 32), mload(result))
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IExecutor} from "../../interfaces/IExecutor.sol";

/// @title The sandbox for external calls
/// @dev Has no rights anywhere and keeps nothing: the tokens of a call arrive just before it and leave just after, the approval is
/// taken back. Which targets are allowed is the engine's to say (never a token: it would hand out a lasting approval).
contract Executor is IExecutor {
    using SafeERC20 for IERC20;

    error EngineAlreadySet(address engine);
    error OnlyDeployer(address caller);

    address private immutable deployer;
    address public engine;

    constructor() {
        deployer = msg.sender;
    }

    /// @dev The engine holds this address as an immutable, so it comes second: named once, by the deployer.
    function setEngine(address engine_) external {
        if (msg.sender != deployer) revert OnlyDeployer(msg.sender);
        if (engine != address(0)) revert EngineAlreadySet(engine);
        engine = engine_;
    }

    function run(
        address tokenIn,
        uint256 amountIn,
        address vaultIn,
        address tokenOut,
        address vaultOut,
        address target,
        bytes calldata data
    ) external {
        if (msg.sender != engine) revert OnlyEngine(msg.sender);
        IERC20(tokenIn).forceApprove(target, amountIn);
        (bool ok, bytes memory reason) = target.call(data);
        if (!ok) revert CallReverted(target, reason);
        IERC20(tokenIn).forceApprove(target, 0);
        _returnAll(tokenIn, vaultIn);
        _returnAll(tokenOut, vaultOut);
    }

    function _returnAll(address token, address vault) private {
        uint256 amount = IERC20(token).balanceOf(address(this));
        if (amount != 0) IERC20(token).safeTransfer(vault, amount);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The sandbox for external calls
interface IExecutor {
    error OnlyEngine(address caller);
    error CallReverted(address target, bytes reason);

    /// @notice Engine only. Approves `target` for `amountIn` of `tokenIn` (already here), calls it, resets the approval, and sends
    /// the whole balance of both tokens to their vaults.
    function run(
        address tokenIn,
        uint256 amountIn,
        address vaultIn,
        address tokenOut,
        address vaultOut,
        address target,
        bytes calldata data
    ) external;
}

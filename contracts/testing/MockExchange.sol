// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Swaps tokens it was given beforehand at a set price, well or badly
contract MockExchange {
    using SafeERC20 for IERC20;

    error SwapRefused(address tokenIn, address tokenOut);

    /// @param numerator, denominator Units of tokenOut per unit of tokenIn; a zero denominator refuses.
    struct Price {
        uint128 numerator;
        uint128 denominator;
    }

    mapping(address tokenIn => mapping(address tokenOut => Price)) public prices;
    uint256 public shortfallBps;
    uint256 public leftBps;
    address public reentryTarget;
    bytes public reentryData;

    function setPrice(address tokenIn, address tokenOut, uint128 numerator, uint128 denominator) external {
        prices[tokenIn][tokenOut] = Price(numerator, denominator);
    }

    /// @param shortfallBps_ How much less it pays than it should.
    /// @param leftBps_ How much of the input it leaves with the caller, with its allowance.
    /// @param target Called with `data` in the middle of the swap, unless zero.
    function misbehave(uint256 shortfallBps_, uint256 leftBps_, address target, bytes calldata data) external {
        (shortfallBps, leftBps, reentryTarget, reentryData) = (shortfallBps_, leftBps_, target, data);
    }

    function swap(address tokenIn, address tokenOut, uint256 amountIn) external returns (uint256 amountOut) {
        Price memory price = prices[tokenIn][tokenOut];
        if (price.denominator == 0) revert SwapRefused(tokenIn, tokenOut);
        uint256 taken = amountIn - amountIn * leftBps / 1e4;
        IERC20(tokenIn).safeTransferFrom(msg.sender, address(this), taken);
        if (reentryTarget != address(0)) _reenter();
        amountOut = taken * price.numerator / price.denominator;
        amountOut -= amountOut * shortfallBps / 1e4;
        IERC20(tokenOut).safeTransfer(msg.sender, amountOut);
    }

    /// @dev Tries later what an allowance that was left behind would permit.
    function collect(address token, address from, uint256 amount) external {
        IERC20(token).safeTransferFrom(from, address(this), amount);
    }

    function _reenter() private {
        (bool ok, bytes memory reason) = reentryTarget.call(reentryData);
        if (ok) return;
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "./IMarginEngine.sol";

/// @title A margin model: handed its data, returns numbers
/// @dev assets: one word each: value (uint192, quote WAD, highest bits) · haircut IM (16, bps) · haircut MM (16, bps) in the low
/// 32 bits. perps: three words each: notional (quote WAD), pnl (int256, quote WAD, funding included), the market's packed risk word.
interface IMarginModel {
    function assess(uint256[] calldata assets, uint256[] calldata perps)
        external
        view
        returns (IMarginEngine.Assessment memory);
}

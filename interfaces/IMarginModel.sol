// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "./IMarginEngine.sol";

/// @title A margin model: handed its data, returns numbers
/// @dev assets: one word each: net value (int208, quote WAD, highest bits; a debt is negative) · haircut IM (16, bps) · haircut MM
/// (16) · haircut IM₀ (16, lowest), with ramps and volatility in them, at most 10,000.
/// perps: four words each.
///  1. notional (136 bits, quote WAD, lowest) · IM multiplier (24, 2^14 is one) · MM multiplier (24) · share of the way to full
///     margin for open interest (16, bps)
///  2. pnl (int256, quote WAD, funding included)
///  3. the market's packed risk word
///  4. while the market's table moves: the old table as in the risk word (128 bits, lowest) · share of it that still stands (16,
///     bps); otherwise zero
interface IMarginModel {
    function assess(uint256[] calldata assets, uint256[] calldata perps)
        external
        view
        returns (IMarginEngine.Assessment memory);
}

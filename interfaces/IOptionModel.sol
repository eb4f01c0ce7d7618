// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "./IMarginEngine.sol";

/// @title A margin model that knows options: handed its data, returns numbers
/// @dev assets: as IMarginModel. tags: one word per asset: feed (8 bits, lowest) · confidence (24, ppm; 1e6 is no confidence at
/// all) · asset index (8).
/// perps: four words each as IMarginModel, and in the first also: short (bit 200) · confidence (24, ppm).
/// expiries: five words per (market, expiry), ascending.
///  1. market (8 bits, lowest) · feed (8) · number of options (16) · seconds to expiry (32; 0 when expired) · flags (8; 1: settled, its
///     price is final) · IM multiplier (24, 2^14 is one) · MM multiplier (24)
///  2. spot (72, 1e-10 quote; once settled the settlement price) · its confidence (24, ppm)
///  3.–5. the surface's words (IVolatilityFeed), zero when expired
/// options: one word each, ascending by instrument, grouped as `expiries`: quantity (int64, 1e-8, lowest) · instrument (64).
/// witness: empty for everything, or the scenarios to evaluate.
interface IOptionModel {
    function assessOptions(
        uint256[] calldata assets,
        uint256[] calldata tags,
        uint256[] calldata perps,
        uint256[] calldata expiries,
        uint256[] calldata options,
        bytes calldata witness
    ) external view returns (IMarginEngine.Assessment memory);
}

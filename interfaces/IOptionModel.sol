// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "./IMarginEngine.sol";

/// @title A margin model for accounts with options, and for every portfolio account
/// @dev All words list their fields from the lowest bits upwards. Prices are 1e-10 quote per unit, quantities 1e-8, doubt is one
/// minus a confidence, in ppm (or what a model is told that it is): 1e6 is no confidence at all. A `fine` field refines the doubt before it
/// by 2^-16 of a unit and is zero wherever prices come from PriceFeed.
/// assets: as IMarginModel has them.
/// tags: one word per asset: feed (8) · doubt (24) · asset index (8) · price (72) · fine (16). The first is the quote asset's.
/// perps: four words each, as IMarginModel, and in the first one also: short (bit 200) · doubt (24, bit 201) · fine (16, bit 225); in
/// the fourth one also |size| (56, bit 144; 1e-8).
/// expiries: per (market, expiry) that the account has, ascending, five words.
///  0. market (8) · feed (8) · number of options (16) · seconds to expiry (32; 0: expired) · flags (8; 1: settled, its price is
///     final; 2: shocks reach it only as far as a move of the spot does) · IM multiplier (24) · MM multiplier (24), 2^14 for one · while
///     its settlement price is partly known, else zero: seconds that the spot counts for (16) · of so many (16) · 8 bits free ·
///     Σ price × seconds of the others (96)
///  1. what it is written on (72): the spot, while its settlement price is partly known what that will be if the spot stays, once
///     settled it · the spot's doubt (24) · fine of spot, forward, rate and volatility (16 each)
///  2. to 4. the surface as IVolatilityFeed has it, its carry as far as it is open: zero when expired or never published
/// options: one word each, ascending by instrument and so grouped as `expiries`: quantity (int64) · instrument (64, bit 64).
/// witness: empty evaluates everything. Otherwise bytes that name scenarios, in the model's own order: only those are evaluated, equity
/// is exact and im, im0 and mm are lower bounds. What a witness does not name, or names wrongly, only weakens the bound.
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

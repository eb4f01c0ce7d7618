// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Ledger} from "./Ledger.sol";

/// @title One position, and what it is in its market's sums
/// @dev No prices and no calls, as Ledger.
library PositionBook {
    using SafeCastLib for int256;
    using SafeCastLib for uint256;

    /// @notice Moves one position's entry in the market's sums from `old` to (size, cost). Memory only: the caller stores
    /// both words once. A position of size zero counts on the long side.
    function replace(
        Ledger.MarketState memory state,
        Ledger.MarketCosts memory costs,
        Ledger.Position memory old,
        int256 size,
        int256 cost
    ) internal pure {
        if (old.size < 0) {
            state.shortSize -= uint56(uint64(-old.size));
            costs.shortCost -= old.cost;
        } else {
            state.longSize -= uint56(uint64(old.size));
            costs.longCost -= old.cost;
        }
        if (size < 0) {
            state.shortSize = (state.shortSize + uint256(-size)).toUint56();
            costs.shortCost = (costs.shortCost + cost).toInt96();
        } else {
            state.longSize = (state.longSize + uint256(size)).toUint56();
            costs.longCost = (costs.longCost + cost).toInt96();
        }
    }

    /// @notice Writes a position and the account's bitmap. The sums are `replace`'s, but for that of flat positions.
    function writePosition(
        Ledger.State storage s,
        bytes32 id,
        uint256 market,
        Ledger.Position memory old,
        int256 size,
        int256 cost
    ) internal {
        bool was = old.size != 0 || old.cost != 0;
        bool is_ = size != 0 || cost != 0;
        int256 flat = (size == 0 ? cost : int256(0)) - (old.size == 0 ? old.cost : int256(0));
        if (flat != 0) s.markets[market].loss.flatCost = (s.markets[market].loss.flatCost + flat).toInt96();
        if (is_) {
            s.positions[id][market] = Ledger.Position(size.toInt64(), cost.toInt96(), old.epoch);
            if (!was) Ledger.setMarket(s, id, market, true);
        } else if (was) {
            delete s.positions[id][market];
            Ledger.setMarket(s, id, market, false);
        }
        emit IMarginEngine.PositionChanged(id, market, size, cost);
    }

    function skewOf(Ledger.MarketState memory state) internal pure returns (int256) {
        return int256(uint256(state.longSize)) - int256(uint256(state.shortSize));
    }

    function openInterestOf(Ledger.MarketState memory state) internal pure returns (uint256) {
        return uint256(state.longSize) + state.shortSize;
    }
}

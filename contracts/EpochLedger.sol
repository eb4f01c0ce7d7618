// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Ledger} from "./Ledger.sol";
import {PositionBook} from "./PositionBook.sol";
import {EpochMath} from "./libraries/EpochMath.sol";
import {FixedMath} from "./libraries/FixedMath.sol";

/// @title Side epochs in the ledger: opened in O(1), met by each position when it is next touched
/// @notice A market counts its epochs, each of one side. Its sums change at once; `untouched` says what of a side's sums belongs to positions
/// that have not met its last epoch, so that each touch books its own rounding and nothing else.
/// @dev Formulas: EpochMath. Reasons: docs/decisions/021.
library EpochLedger {
    using SafeCastLib for int256;
    using SafeCastLib for uint256;

    uint256 internal constant LAST_EPOCH = type(uint16).max;

    /// @dev A side's open positions: exact sums of size and cost, in EpochMath's binary places.
    struct Side {
        uint256 number;
        uint256 last;
        EpochMath.Epoch epoch;
        EpochMath.Share sum;
    }

    // ---------------------------------------------------------------- touching

    /// @notice The position of `id`, carried to the market's present epoch and stored if an epoch changed it. Whoever reads a position to
    /// change it reads it here.
    function touch(Ledger.State storage s, bytes32 id, uint256 market)
        internal
        returns (Ledger.Position memory position)
    {
        position = s.positions[id][market];
        uint256 now_ = s.markets[market].state.epoch;
        uint256 at = position.epoch;
        if (at == now_) return position;
        position.epoch = uint16(now_);
        if (position.size == 0) return position;
        bool long = position.size > 0;
        uint256 last = _latest(s, market, now_, long);
        uint256 first = _latest(s, market, at, long);
        if (first == last) return position;

        EpochMath.Epoch memory epoch = _read(s, market, last);
        EpochMath.Share memory part = EpochMath.share(position.size, position.cost);
        part = _carry(s, market, part, first, epoch);
        (int256 size, int256 cost) = EpochMath.settle(part, long, epoch.mark);
        _book(s, market, long, part, FixedMath.abs(size), cost);
        PositionBook.writePosition(s, id, market, position, size, cost);
        (position.size, position.cost) = (size.toInt64(), cost.toInt96());
    }

    /// @notice The same as a view, to the wei. @param at The position's epoch. @param now_ The market's.
    function touched(Ledger.State storage s, uint256 market, int256 size, int256 cost, uint256 at, uint256 now_)
        internal
        view
        returns (int256, int256)
    {
        if (size == 0) return (size, cost);
        bool long = size > 0;
        uint256 last = _latest(s, market, now_, long);
        uint256 first = _latest(s, market, at, long);
        if (first == last) return (size, cost);
        EpochMath.Epoch memory epoch = _read(s, market, last);
        return EpochMath.settle(_carry(s, market, EpochMath.share(size, cost), first, epoch), long, epoch.mark);
    }

    /// @dev In the market's sums the exact share gives way to the rounded position.
    function _book(
        Ledger.State storage s,
        uint256 market,
        bool long,
        EpochMath.Share memory part,
        uint256 size,
        int256 cost
    ) private {
        Ledger.Untouched memory before = s.untouched[market][long];
        uint256 leftSize = before.size > part.size ? before.size - part.size : 0;
        int256 leftCost = int256(before.cost) - part.cost;
        s.untouched[market][long] = Ledger.Untouched(leftSize.toUint120(), leftCost.toInt136());

        uint256 sizes = EpochMath.wholeSize(leftSize) + size;
        uint256 wasSize = EpochMath.wholeSize(before.size);
        int256 change = cost + EpochMath.wholeCost(leftCost) - EpochMath.wholeCost(before.cost);
        Ledger.MarketState storage state = s.markets[market].state;
        Ledger.MarketCosts storage costs = s.markets[market].costs;
        if (long) {
            if (sizes != wasSize) state.longSize = (state.longSize + sizes - wasSize).toUint56();
            if (change != 0) costs.longCost = (costs.longCost + change).toInt96();
        } else {
            if (sizes != wasSize) state.shortSize = (state.shortSize + sizes - wasSize).toUint56();
            if (change != 0) costs.shortCost = (costs.shortCost + change).toInt96();
        }
    }

    // ---------------------------------------------------------------- opening

    /// @notice The net profit of a side's open positions at `price`.
    function net(
        Ledger.MarketState memory state,
        Ledger.MarketCosts memory costs,
        int256 flat,
        bool long,
        uint256 price
    ) internal pure returns (int256) {
        int256 mark = int256(price) - state.fundingIndex;
        return long
            ? int256(uint256(state.longSize)) * mark - (costs.longCost - flat)
            : -int256(uint256(state.shortSize)) * mark - costs.shortCost;
    }

    /// @notice Charges a side `amount` of its net profit, in memory sums that the caller stores. amount ≤ profit.
    function charge(
        Ledger.State storage s,
        uint256 market,
        Ledger.MarketState memory state,
        Ledger.MarketCosts memory costs,
        bool long,
        uint256 price,
        uint256 amount
    ) internal {
        int256 flat = s.markets[market].loss.flatCost;
        uint256 profit = uint256(net(state, costs, flat, long, price));
        Side memory side = _open(s, market, state, costs, flat, long);
        int256 mark = int256(price) - state.fundingIndex;
        EpochMath.charge(side.epoch, mark, amount, profit);
        side.sum.cost += int256(amount << EpochMath.COST_BITS);
        if (long) costs.longCost = (costs.longCost + amount.toInt256()).toInt96();
        else costs.shortCost = (costs.shortCost + amount.toInt256()).toInt96();
        _close(s, market, side);
        emit IMarginEngine.SideCharged(market, side.number, long, amount, profit, mark);
    }

    /// @notice Shrinks a side to `to` of its size at `price`, in memory sums that the caller stores. Nobody's equity changes.
    function shrink(
        Ledger.State storage s,
        uint256 market,
        Ledger.MarketState memory state,
        Ledger.MarketCosts memory costs,
        bool long,
        uint256 price,
        uint256 to
    ) internal {
        int256 flat = s.markets[market].loss.flatCost;
        uint256 from = long ? state.longSize : state.shortSize;
        Side memory side = _open(s, market, state, costs, flat, long);
        int256 mark = int256(price) - state.fundingIndex;
        (uint256 kept, uint256 base) = EpochMath.shrink(side.epoch, mark, to, from, side.last);
        uint256 left = FixedMath.mulDivDown(side.sum.size, kept, base);
        int256 closed = int256(side.sum.size - left) * (long ? mark : -mark);
        side.sum.size = left;
        side.sum.cost -= closed >> EpochMath.SIZE_BITS - EpochMath.COST_BITS;
        int256 cost = EpochMath.wholeCost(side.sum.cost);
        if (long) {
            state.longSize = EpochMath.wholeSize(left).toUint56();
            costs.longCost = (cost + flat).toInt96();
        } else {
            state.shortSize = EpochMath.wholeSize(left).toUint56();
            costs.shortCost = cost.toInt96();
        }
        _close(s, market, side);
        emit IMarginEngine.SideShrunk(market, side.number, long, from, to, mark);
    }

    /// @dev All open positions of the side, those that met its last epoch and those that did not, as one exact sum; and the record that the
    /// new epoch continues.
    function _open(
        Ledger.State storage s,
        uint256 market,
        Ledger.MarketState memory state,
        Ledger.MarketCosts memory costs,
        int256 flat,
        bool long
    ) private view returns (Side memory side) {
        uint256 newest = state.epoch;
        side.last = _latest(s, market, newest, long);
        side.epoch = _read(s, market, side.last);
        side.epoch.long = long;
        side.epoch.other = side.last == newest ? _otherOf(s, market, newest) : newest;
        side.number = newest + 1;
        state.epoch = uint16(side.number);

        Ledger.Untouched memory waiting = s.untouched[market][long];
        (uint256 size, int256 cost) =
            long ? (state.longSize, costs.longCost - flat) : (uint256(state.shortSize), int256(costs.shortCost));
        side.sum.size = (size - EpochMath.wholeSize(waiting.size) << EpochMath.SIZE_BITS) + waiting.size;
        side.sum.cost = (cost - EpochMath.wholeCost(waiting.cost) << EpochMath.COST_BITS) + waiting.cost;
    }

    function _close(Ledger.State storage s, uint256 market, Side memory side) private {
        (uint256 factors, uint256 terms) = EpochMath.pack(side.epoch);
        s.epochs[market][side.number] = Ledger.EpochWords(factors, terms);
        s.untouched[market][side.epoch.long] = Ledger.Untouched(side.sum.size.toUint120(), side.sum.cost.toInt136());
    }

    // ---------------------------------------------------------------- records

    /// @dev The side's last epoch up to the market's epoch `number`; 0 before the first.
    function _latest(Ledger.State storage s, uint256 market, uint256 number, bool long) private view returns (uint256) {
        if (number == 0) return 0;
        uint256 factors = s.epochs[market][number].factors;
        return EpochMath.isLong(factors) == long ? number : EpochMath.otherOf(factors);
    }

    function _otherOf(Ledger.State storage s, uint256 market, uint256 number) private view returns (uint256) {
        return number == 0 ? 0 : EpochMath.otherOf(s.epochs[market][number].factors);
    }

    /// @dev Epoch 0 is the identity.
    function _read(Ledger.State storage s, uint256 market, uint256 number)
        private
        view
        returns (EpochMath.Epoch memory)
    {
        if (number == 0) return EpochMath.identity();
        Ledger.EpochWords storage words = s.epochs[market][number];
        return EpochMath.unpack(words.factors, words.terms);
    }

    /// @dev From the side's epoch `first` to `to`, era by era.
    function _carry(
        Ledger.State storage s,
        uint256 market,
        EpochMath.Share memory part,
        uint256 first,
        EpochMath.Epoch memory to
    ) private view returns (EpochMath.Share memory) {
        if (to.before != 0 && first <= to.before) {
            if (first < to.before) {
                part = _carry(s, market, part, first, _read(s, market, to.before));
            }
            return EpochMath.advance(part, EpochMath.identity(), to);
        }
        return EpochMath.advance(part, _read(s, market, first), to);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibSort} from "solady/utils/LibSort.sol";
import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Ledger} from "./Ledger.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {OptionSeries} from "./libraries/OptionSeries.sol";
import {Words} from "./libraries/Words.sol";

/// @title The options of an account: opened into memory, changed, and closed with each slot written once
/// @notice Slot n of an account holds positions 2n and 2n + 1, each as quantity (64, 1e-8) · instrument (64, lowest); unordered, without gaps.
/// In memory a position is instrument << 64 | quantity. Every change emits the quantity that now stands.
/// @dev No prices and no calls, as Ledger. How many there are is in the account's header.
library OptionBook {
    using SafeCastLib for int256;

    uint256 internal constant MAX_SERIES = 128;
    /// @dev Pairs of market and expiry.
    uint256 internal constant MAX_EXPIRIES = 12;
    /// @dev Of what a slice would leave less of, it takes all: a ten-millionth of a unit.
    uint256 internal constant DUST = 10;

    uint256 private constant _HALF = type(uint128).max;

    /// @dev words: the first `count` count. slots: as they were. spread: a series of another expiry came in.
    struct Book {
        bytes32 id;
        uint256 count;
        uint256[] words;
        uint256[] slots;
        bool spread;
    }

    // ---------------------------------------------------------------- reading

    /// @notice All positions of `id`, ascending by instrument. @param count The header's.
    function sorted(Ledger.State storage s, bytes32 id, uint256 count) internal view returns (uint256[] memory words) {
        words = new uint256[](count);
        mapping(uint256 => uint256) storage slots = s.options[id];
        uint256 at = Words.first(words);
        unchecked {
            for (uint256 end = at + 32 * count; at < end; at += 64) {
                uint256 slot = slots[(at - Words.first(words)) >> 6];
                Words.put(at, _turned(slot & _HALF));
                if (at + 32 < end) Words.put(at + 32, _turned(slot >> 128));
            }
        }
        LibSort.sort(words);
    }

    /// @notice What `id` has of a series.
    function quantityOf(Ledger.State storage s, bytes32 id, uint256 instrument) internal view returns (int256) {
        uint256 count = s.headers[id].options;
        for (uint256 i; i < count; ++i) {
            uint256 half = s.options[id][i >> 1] >> ((i & 1) << 7) & _HALF;
            if (uint64(half) == instrument) return int64(uint64(half >> 64));
        }
        return 0;
    }

    // ---------------------------------------------------------------- changing

    /// @param room How many series may be added.
    function open(Ledger.State storage s, bytes32 id, uint256 room) internal view returns (Book memory b) {
        openInto(b, s, id, room);
    }

    /// @notice The same into a book that is there.
    function openInto(Book memory b, Ledger.State storage s, bytes32 id, uint256 room) internal view {
        uint256 count = s.headers[id].options;
        (b.id, b.count) = (id, count);
        // One more, since the last slot may be half empty.
        b.words = new uint256[](count + room + 1);
        b.slots = new uint256[]((count + 1) >> 1);
        mapping(uint256 => uint256) storage slots = s.options[id];
        (uint256 at, uint256 kept) = (Words.first(b.words), Words.first(b.slots));
        unchecked {
            for (uint256 n; n < b.slots.length; ++n) {
                uint256 slot = slots[n];
                Words.put(kept + 32 * n, slot);
                Words.put(at + 64 * n, _turned(slot & _HALF));
                Words.put(at + 64 * n + 32, _turned(slot >> 128));
            }
        }
    }

    /// @notice Adds `delta` to a series. @return before What was there.
    function change(Book memory b, uint256 instrument, int256 delta) internal returns (int256 before) {
        (uint256 at, bool known) = _find(b, instrument);
        if (at == 0) {
            _add(b, instrument, delta, known);
            return 0;
        }
        before = int64(uint64(Words.get(at)));
        int256 quantity = before + delta;
        Words.put(at, quantity == 0 ? b.words[--b.count] : _word(instrument, quantity));
        emit IMarginEngine.OptionChanged(b.id, instrument, quantity);
    }

    /// @notice Writes what has changed. Refuses more series or expiries than an account may have, unless it had them.
    function close(Ledger.State storage s, Book memory b) internal {
        (uint256 count, uint256 had) = (b.count, b.slots.length);
        if (count > MAX_SERIES) revert IMarginEngine.TooManySeries(b.id, count);
        if (b.spread && count > MAX_EXPIRIES) _requireExpiries(b);
        mapping(uint256 => uint256) storage slots = s.options[b.id];
        (uint256 at, uint256 kept) = (Words.first(b.words), Words.first(b.slots));
        unchecked {
            uint256 end = (count + 1) >> 1;
            for (uint256 n; n < end; ++n) {
                uint256 slot = _turned(Words.get(at + 64 * n));
                if (2 * n + 1 < count) slot |= _turned(Words.get(at + 64 * n + 32)) << 128;
                if (n >= had || slot != Words.get(kept + 32 * n)) slots[n] = slot;
            }
            for (uint256 n = end; n < had; ++n) {
                delete slots[n];
            }
        }
        Ledger.setOptions(s, b.id, count);
    }

    /// @notice Moves the part `fraction` (WAD) of every position: longs rounded down and shorts up, so that for both what is lost in
    /// rounding stays with `from`; of which next to nothing would be left, whole.
    function moveAll(Ledger.State storage s, bytes32 from, bytes32 to, uint256 fraction) external {
        Book memory source = open(s, from, 0);
        Book memory sink = open(s, to, source.count);
        bool empty = sink.count == 0;
        uint256 left;
        for (uint256 i; i < source.count; ++i) {
            uint256 instrument = source.words[i] >> 64;
            int256 quantity = int64(uint64(source.words[i]));
            int256 part = slice(quantity, fraction);
            if (part != quantity) source.words[left++] = _word(instrument, quantity - part);
            if (part == 0) continue;
            emit IMarginEngine.OptionChanged(from, instrument, quantity - part);
            // Into an account without options there is nothing to look for.
            if (empty) _add(sink, instrument, part, false);
            else change(sink, instrument, part);
        }
        source.count = left;
        close(s, source);
        close(s, sink);
    }

    /// @notice The part `fraction` (WAD) of a quantity.
    function slice(int256 quantity, uint256 fraction) internal pure returns (int256 part) {
        part = FixedMath.floorDivSigned(quantity * int256(fraction), FixedMath.WAD);
        if (FixedMath.abs(quantity - part) < DUST) part = quantity;
    }

    // ---------------------------------------------------------------- internals

    /// @return at Where a series is, or zero. @return known Whether another of its expiry is there.
    function _find(Book memory b, uint256 instrument) private pure returns (uint256 at, bool known) {
        at = Words.first(b.words);
        unchecked {
            for (uint256 end = at + 32 * b.count; at < end; at += 32) {
                uint256 difference = Words.get(at) >> 64 ^ instrument;
                if (difference == 0) return (at, true);
                if (OptionSeries.groupOf(difference) == 0) known = true;
            }
        }
        at = 0;
    }

    function _add(Book memory b, uint256 instrument, int256 quantity, bool known) private {
        if (quantity == 0) return;
        AccountId.requireMarket(b.id, OptionSeries.marketOf(instrument));
        b.words[b.count++] = _word(instrument, quantity);
        if (!known) b.spread = true;
        emit IMarginEngine.OptionChanged(b.id, instrument, quantity);
    }

    function _requireExpiries(Book memory b) private pure {
        uint256[] memory groups = new uint256[](MAX_EXPIRIES);
        uint256 found;
        for (uint256 i; i < b.count; ++i) {
            uint256 group = OptionSeries.groupOf(b.words[i] >> 64);
            uint256 j;
            while (j < found && groups[j] != group) ++j;
            if (j < found) continue;
            if (found == MAX_EXPIRIES) revert IMarginEngine.TooManyExpiries(b.id, MAX_EXPIRIES + 1);
            groups[found++] = group;
        }
    }

    function _word(uint256 instrument, int256 quantity) private pure returns (uint256) {
        return instrument << 64 | uint64(quantity.toInt64());
    }

    /// @dev Between the order of a slot's half and that in memory: both ways the same.
    function _turned(uint256 half) private pure returns (uint256) {
        return (half << 64 | half >> 64) & _HALF;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";
import {ILens} from "../../interfaces/ILens.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../../interfaces/IOracleRouter.sol";
import {FlipSearch} from "../libraries/FlipSearch.sol";
import {InterestMath} from "../libraries/InterestMath.sol";
import {LedgerSlots} from "../libraries/LedgerSlots.sol";
import {PriceWord} from "../libraries/PriceWord.sol";
import {Words} from "../libraries/Words.sol";

/// @title Batch reads for keepers, as fixed-width words
/// @dev Asks the engine for slots in two calls per page: headers, then what the headers say is there. Loops write words at raw
/// pointers, since a page is tens of thousands of them.
contract Lens is ILens {
    using Words for uint256;

    uint256 private constant MAX_INDEX = 64;
    uint256 private constant UNASSESSED = 255;
    /// @dev More than the assessment of an account with every asset and market costs. Below it, a failure may be hunger.
    uint256 private constant ASSESS_GAS = 3_000_000;
    uint256 private constant _LENDING_WORDS = 13;

    IMarginEngine public immutable engine;
    IOracleRouter public immutable router;

    modifier whenUnlocked() {
        if (engine.locked()) revert IMarginEngine.Locked();
        _;
    }

    constructor(IMarginEngine engine_, IOracleRouter router_) {
        engine = engine_;
        router = router_;
    }

    // ------------------------------------------------------------------ accounts

    function rawPage(uint256 start, uint256 count, uint256 assetMask, uint256 marketMask)
        external
        view
        whenUnlocked
        returns (bytes memory)
    {
        return _raw(engine.accountsPage(start, count), assetMask, marketMask);
    }

    function rawAccounts(bytes32[] calldata ids, uint256 assetMask, uint256 marketMask)
        external
        view
        whenUnlocked
        returns (bytes memory)
    {
        return _raw(ids, assetMask, marketMask);
    }

    function health(bytes32[] calldata ids) external view whenUnlocked returns (bytes memory) {
        return _health(ids);
    }

    function healthPage(uint256 start, uint256 count) external view whenUnlocked returns (bytes memory) {
        return _health(engine.accountsPage(start, count));
    }

    // ------------------------------------------------------------------ liquidation prices

    function liquidationPrice(bytes32 account, uint256 market)
        external
        view
        whenUnlocked
        returns (bool liquidatable, uint256 below, uint256 above)
    {
        uint256 risk = uint256(_slot(LedgerSlots.marketWord(market, LedgerSlots.RISK)));
        uint256 feed = uint8(risk >> LedgerSlots.FEED_BIT);
        if (feed == 0) revert IMarginEngine.UnknownMarket(market);
        return _liquidationPrice(account, feed);
    }

    function liquidationPriceOfAsset(bytes32 account, uint256 asset)
        external
        view
        whenUnlocked
        returns (bool liquidatable, uint256 below, uint256 above)
    {
        uint256 feed = uint8(uint256(_slot(LedgerSlots.at(asset, LedgerSlots.ASSETS))) >> LedgerSlots.ASSET_FEED_BIT);
        if (feed == 0) revert IMarginEngine.UnknownAsset(asset);
        return _liquidationPrice(account, feed);
    }

    function _liquidationPrice(bytes32 account, uint256 feed) private view returns (bool, uint256, uint256) {
        uint256[] memory feeds = new uint256[](1);
        feeds[0] = feed;
        uint256 price = PriceWord.value(router.read(feeds)[0]);
        return FlipSearch.nearest(FlipSearch.Subject(engine, account, feed), price);
    }

    // ------------------------------------------------------------------ tables

    function markets() external view whenUnlocked returns (bytes memory) {
        uint256[] memory listed = _indices(uint256(_slot(bytes32(LedgerSlots.LISTED_MARKETS))));
        uint256 count = listed.length;
        bytes32[] memory keys = new bytes32[](count * LedgerSlots.MARKET_WORDS);
        for (uint256 i; i < keys.length; ++i) {
            keys[i] = LedgerSlots.marketWord(listed[i / LedgerSlots.MARKET_WORDS], i % LedgerSlots.MARKET_WORDS);
        }
        bytes32[] memory words = engine.slots(keys);
        uint256[] memory feeds = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            feeds[i] = uint8(uint256(words[i * LedgerSlots.MARKET_WORDS + LedgerSlots.RISK]) >> LedgerSlots.FEED_BIT);
        }
        return _table(listed, words, LedgerSlots.MARKET_WORDS, router.read(feeds));
    }

    function assets() external view whenUnlocked returns (bytes memory) {
        uint256[] memory listed = _assetIndices();
        bytes32[] memory keys = new bytes32[](3 * listed.length);
        for (uint256 i; i < listed.length; ++i) {
            keys[3 * i] = LedgerSlots.at(listed[i], LedgerSlots.ASSETS);
            keys[3 * i + 1] = LedgerSlots.at(listed[i], LedgerSlots.TOTALS);
            keys[3 * i + 2] = LedgerSlots.at(listed[i], LedgerSlots.VAULTS);
        }
        bytes32[] memory words = engine.slots(keys);
        uint256[] memory feeds = new uint256[](listed.length);
        for (uint256 i; i < listed.length; ++i) {
            feeds[i] = uint8(uint256(words[3 * i]) >> LedgerSlots.ASSET_FEED_BIT);
        }
        return _table(listed, words, 3, router.read(feeds));
    }

    function lending() external view whenUnlocked returns (bytes memory out) {
        uint256[] memory listed = _assetIndices();
        bytes32[] memory keys = new bytes32[](4 * listed.length);
        for (uint256 i; i < listed.length; ++i) {
            keys[4 * i] = LedgerSlots.at(listed[i], LedgerSlots.LENDING);
            keys[4 * i + 1] = LedgerSlots.at(listed[i], LedgerSlots.DEBTS);
            keys[4 * i + 2] = LedgerSlots.at(listed[i], LedgerSlots.LIMITS);
            keys[4 * i + 3] = LedgerSlots.at(listed[i], LedgerSlots.FLOWS);
        }
        bytes32[] memory words = engine.slots(keys);
        uint256[] memory rows = new uint256[](_LENDING_WORDS * listed.length);
        for (uint256 i; i < listed.length; ++i) {
            uint256 row = _LENDING_WORDS * i;
            rows[row] = listed[i];
            for (uint256 j; j < 4; ++j) {
                rows[row + 1 + j] = uint256(words[4 * i + j]);
            }
            _putLoans(rows, row + 5, listed[i], rows[row + 1]);
        }
        return abi.encodePacked(rows);
    }

    /// @dev Zeros for an asset that is not lent.
    function _putLoans(uint256[] memory rows, uint256 at, uint256 asset, uint256 word) private view {
        if (word == 0) return;
        IMarginEngine.Loans memory loans = engine.lendingOf(asset);
        (uint256 utilisation, uint256 reserveShare) = (word >> 160 & type(uint24).max, word >> 232 & type(uint16).max);
        (uint256 rate,,) = InterestMath.project(
            word >> 184 & type(uint48).max,
            utilisation,
            reserveShare,
            block.timestamp - (word >> 128 & type(uint32).max),
            loans.debtIndex,
            loans.lentIndex
        );
        (rows[at], rows[at + 1], rows[at + 2]) = (loans.lent, loans.borrowed, loans.cash);
        (rows[at + 3], rows[at + 4], rows[at + 5]) = (loans.reserve, loans.lentIndex, loans.debtIndex);
        rows[at + 6] = InterestMath.borrowRate(rate, utilisation);
        rows[at + 7] = InterestMath.lendRate(rate, utilisation, reserveShare);
    }

    function globals() external view whenUnlocked returns (bytes memory) {
        bytes32[] memory keys = new bytes32[](4);
        keys[0] = bytes32(LedgerSlots.GLOBALS);
        keys[1] = bytes32(LedgerSlots.POOL);
        keys[2] = bytes32(LedgerSlots.TERMS);
        keys[3] = bytes32(LedgerSlots.LISTED_MARKETS);
        bytes32[] memory words = engine.slots(keys);
        (int256 equity, int256 closeOut) = engine.poolEquity();
        return abi.encode(words[0], words[1], words[2], words[3], engine.accountCount(), equity, closeOut);
    }

    // ------------------------------------------------------------------ raw state

    function _raw(bytes32[] memory ids, uint256 assetMask, uint256 marketMask) private view returns (bytes memory out) {
        uint256[] memory assetColumns = _indices(assetMask);
        uint256[] memory marketColumns = _indices(marketMask);
        uint256 width = 32 * (2 + assetColumns.length + marketColumns.length);
        out = new bytes(ids.length * width);
        uint256 wanted = _putHeaders(ids, Words.first(out), width, assetMask, marketMask);
        uint256 buffer = Words.buffer(wanted);
        uint256 used = _putKeys(Words.first(out), ids.length, assetColumns, marketColumns, buffer);
        assert(used == wanted);
        _readSlots(buffer, wanted);
        _putWords(Words.first(out), ids.length, assetColumns, marketColumns, buffer);
    }

    /// @dev Writes the first two words of each record. @return wanted How many balances and positions are to be read.
    function _putHeaders(bytes32[] memory ids, uint256 at, uint256 width, uint256 assetMask, uint256 marketMask)
        private
        view
        returns (uint256 wanted)
    {
        uint256 count = ids.length;
        uint256 buffer = Words.buffer(count);
        uint256 id = Words.first(ids);
        for (uint256 i; i < count; ++i) {
            (buffer + 32 * i).put(uint256(LedgerSlots.at((id + 32 * i).get(), LedgerSlots.HEADERS)));
        }
        _readSlots(buffer, count);
        // Both bitmaps of the header at once: assets are its lowest 64 bits, markets the next.
        uint256 mask = uint64(assetMask) | uint256(uint64(marketMask)) << 64;
        for (uint256 i; i < count; ++i) {
            uint256 header = (buffer + 32 * i).get();
            at.put((id + 32 * i).get());
            (at + 32).put(header);
            at += width;
            wanted += LibBit.popCount(header & mask);
        }
    }

    /// @dev A bit that is not set in the header needs no slot: its word stays zero.
    function _putKeys(
        uint256 at,
        uint256 count,
        uint256[] memory assetColumns,
        uint256[] memory marketColumns,
        uint256 buffer
    ) private pure returns (uint256) {
        uint256 key = buffer;
        uint256 width = 32 * (2 + assetColumns.length + marketColumns.length);
        for (uint256 i; i < count; ++i) {
            uint256 id = at.get();
            uint256 header = (at + 32).get();
            if (uint64(header) != 0) key = _keysOf(id, header, LedgerSlots.BALANCES, assetColumns, key);
            if (uint64(header >> 64) != 0) key = _keysOf(id, header >> 64, LedgerSlots.POSITIONS, marketColumns, key);
            at += width;
        }
        return (key - buffer) / 32;
    }

    function _keysOf(uint256 id, uint256 bitmap, uint256 slot, uint256[] memory columns, uint256 key)
        private
        pure
        returns (uint256)
    {
        uint256 map = uint256(LedgerSlots.at(id, slot));
        uint256 column = Words.first(columns);
        uint256 end = column + 32 * columns.length;
        for (; column < end; column += 32) {
            uint256 index = column.get();
            if (bitmap >> index & 1 == 0) continue;
            key.put(uint256(LedgerSlots.at(index, map)));
            key += 32;
        }
        return key;
    }

    /// @dev The same walk as `_putKeys`, with values in place of the keys.
    function _putWords(
        uint256 at,
        uint256 count,
        uint256[] memory assetColumns,
        uint256[] memory marketColumns,
        uint256 value
    ) private pure {
        for (uint256 i; i < count; ++i) {
            uint256 header = (at + 32).get();
            (at, value) = _wordsOf(at + 64, header, assetColumns, value);
            (at, value) = _wordsOf(at, header >> 64, marketColumns, value);
        }
    }

    function _wordsOf(uint256 at, uint256 bitmap, uint256[] memory columns, uint256 value)
        private
        pure
        returns (uint256, uint256)
    {
        uint256 column = Words.first(columns);
        uint256 end = column + 32 * columns.length;
        for (; column < end; column += 32) {
            if (bitmap >> column.get() & 1 == 1) {
                at.put(value.get());
                value += 32;
            }
            at += 32;
        }
        return (at, value);
    }

    /// @dev Replaces the keys at `buffer` by the engine's words.
    function _readSlots(uint256 buffer, uint256 count) private view {
        if (count != 0) Words.exchange(address(engine), IMarginEngine.slots.selector, buffer, count);
    }

    // ------------------------------------------------------------------ health

    function _health(bytes32[] memory ids) private view returns (bytes memory out) {
        out = new bytes(64 * ids.length);
        uint256 at = Words.first(out);
        for (uint256 i; i < ids.length; ++i) {
            if (gasleft() < ASSESS_GAS) revert PageTooLarge(i, ids.length);
            try engine.assess(ids[i]) returns (IMarginEngine.Assessment memory a, IMarginEngine.AccountState state) {
                (uint256 first, uint256 second) = _pack(a, uint256(state));
                at.put(first);
                (at + 32).put(second);
            } catch {
                (at + 32).put(UNASSESSED);
            }
            at += 64;
        }
    }

    /// @dev A number too large for its field is no number: such an account counts as one that cannot be assessed.
    function _pack(IMarginEngine.Assessment memory a, uint256 state) private pure returns (uint256, uint256) {
        bool fits = int128(a.equity) == a.equity && (a.im | a.im0) >> 128 == 0 && a.mm >> 120 == 0;
        if (!fits) return (0, UNASSESSED);
        return (uint256(a.equity) << 128 | a.im, a.im0 << 128 | a.mm << 8 | state);
    }

    // ------------------------------------------------------------------ helpers

    function _table(uint256[] memory listed, bytes32[] memory words, uint256 perRow, uint256[] memory prices)
        private
        pure
        returns (bytes memory out)
    {
        out = new bytes(32 * (perRow + 2) * listed.length);
        uint256 at = Words.first(out);
        for (uint256 i; i < listed.length; ++i) {
            at.put(listed[i]);
            for (uint256 j; j < perRow; ++j) {
                (at + 32 * (j + 1)).put(uint256(words[perRow * i + j]));
            }
            (at + 32 * (perRow + 1)).put(prices[i]);
            at += 32 * (perRow + 2);
        }
    }

    function _assetIndices() private view returns (uint256[] memory) {
        bytes32[] memory keys = new bytes32[](MAX_INDEX);
        for (uint256 i; i < MAX_INDEX; ++i) {
            keys[i] = LedgerSlots.at(i, LedgerSlots.VAULTS);
        }
        bytes32[] memory vaults = engine.slots(keys);
        uint256 bitmap;
        for (uint256 i; i < MAX_INDEX; ++i) {
            if (vaults[i] != 0) bitmap |= 1 << i;
        }
        return _indices(bitmap);
    }

    function _slot(bytes32 key) private view returns (bytes32) {
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = key;
        return engine.slots(keys)[0];
    }

    /// @dev The set bits of a bitmap, ascending.
    function _indices(uint256 bitmap) private pure returns (uint256[] memory indices) {
        bitmap = uint64(bitmap);
        indices = new uint256[](LibBit.popCount(bitmap));
        for (uint256 i; bitmap != 0; ++i) {
            indices[i] = LibBit.ffs(bitmap);
            bitmap &= bitmap - 1;
        }
    }
}

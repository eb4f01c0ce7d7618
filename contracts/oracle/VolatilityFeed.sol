// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";
import {ISignedReports} from "../../interfaces/ISignedReports.sol";
import {IVolatilityFeed} from "../../interfaces/IVolatilityFeed.sol";
import {SurfaceBounds} from "../libraries/SurfaceBounds.sol";
import {SurfaceChecks} from "../libraries/SurfaceChecks.sol";
import {SurfaceMath} from "../libraries/SurfaceMath.sol";
import {SurfaceWord} from "../libraries/SurfaceWord.sol";
import {Words} from "../libraries/Words.sol";
import {SignedReports} from "./SignedReports.sol";

/// @title Three slots per smile, and one for how a market's smiles are judged
/// @dev A market's surfaces are judged as they would stand after the report, all expiries in one line: in which order a report lifts or
/// lowers them does not matter.
contract VolatilityFeed is IVolatilityFeed, SignedReports {
    using SurfaceWord for uint256;

    /// @dev One slot. `maxAge` zero: not listed. The first two fields are what `read` needs.
    struct Market {
        uint32 maxAge;
        uint32 disputedUntil;
        uint8 listed; // expiries
        uint32 maxExpiry;
        uint16 minVol;
        uint24 maxVol;
        uint16 maxBasis;
        uint16 maxRate;
        uint24 maxConfidence;
    }

    /// @dev An expiry in the line. Words of a stored one are loaded when a neighbour needs them; without words it has dropped out.
    struct Slice {
        uint256 key;
        uint256 word0;
        uint256 word1;
        uint256 word2;
        bool isNew;
        bool isListed;
        int256[] grid;
    }

    bytes32 private constant _REPORT_TYPEHASH = keccak256("SurfaceReport(uint256 publishedAt,uint256[] words)");
    uint256 private constant _HEADER_LENGTH = 7;
    uint256 private constant _SURFACE_LENGTH = 87;
    uint256 private constant _MARKETS = 64;
    uint256 private constant _KEYS = _MARKETS << 32;
    /// @dev Three slots of eight.
    uint256 private constant _MAX_EXPIRIES = 24;
    uint256 private constant _PER_SLOT = 8;
    /// @dev How far the clocks of signers may run ahead of the chain's.
    uint256 private constant _MAX_LEAD = 15;
    /// @dev Older reports are no news, as OracleRouter's.
    uint256 private constant _MAX_LAG = 2 minutes;
    uint256 private constant _MAX_DISPUTE = 1 days;

    /// @dev Arrays, not mappings: the place of a surface is computed without a hash.
    uint256[3][_KEYS] private _surfaces;
    Market[_MARKETS] private _markets;
    uint256[3][_MARKETS] private _lists;

    constructor(address initialAuthority, address[] memory initialSigners, uint256 initialQuorum)
        SignedReports(initialAuthority, initialSigners, initialQuorum)
    {}

    /// @inheritdoc IVolatilityFeed
    function update(bytes calldata report) external {
        (uint256 publishedAt, uint256[] memory words) = _verified(report);
        if (publishedAt > block.timestamp + _MAX_LEAD) revert SurfacesFromFuture(publishedAt, block.timestamp);
        _requireAscending(words);
        if (block.timestamp > publishedAt + _MAX_LAG) return;
        for (uint256 first; first < words.length;) {
            uint256 market = words[first + 2].reportedKey().marketOf();
            uint256 end = first;
            while (end < words.length && words[end + 2].reportedKey().marketOf() == market) {
                end += 3;
            }
            _receive(market, publishedAt, words, first, end);
            first = end;
        }
    }

    /// @inheritdoc IVolatilityFeed
    function setRules(uint256 market, Rules calldata r) external restricted {
        if (market >= _MARKETS) revert SurfaceMarketUnknown(market);
        SurfaceBounds.requireRules(r);
        Market storage kept = _markets[market];
        (kept.maxAge, kept.maxExpiry, kept.minVol, kept.maxVol) = (r.maxAge, r.maxExpiry, r.minVol, r.maxVol);
        (kept.maxBasis, kept.maxRate, kept.maxConfidence) = (r.maxBasis, r.maxRate, r.maxConfidence);
        emit SurfaceRulesSet(market, r);
    }

    /// @inheritdoc IVolatilityFeed
    function dispute(uint256 market, uint256 until) external restricted {
        Market storage kept = _known(market);
        uint256 maximum = block.timestamp + _MAX_DISPUTE;
        if (until > maximum) revert SurfaceDisputeTooLong(until, maximum);
        kept.disputedUntil = uint32(until);
        emit SurfacesDisputed(market, until);
    }

    /// @inheritdoc ISignedReports
    function verify(bytes calldata report) external view returns (uint256 publishedAt, uint256[] memory words) {
        return _verified(report);
    }

    /// @inheritdoc IVolatilityFeed
    /// @dev Every check of an account with options asks this: words go straight from their slots to what is returned.
    function read(uint256[] calldata keys) external view returns (uint256[] memory) {
        uint256 list = Words.buffer(3 * keys.length);
        unchecked {
            uint256 at = list;
            for (uint256 i; i < keys.length; (i, at) = (i + 1, at + 96)) {
                uint256 key = keys[i];
                if (key >= _KEYS) revert SurfaceKeyUnknown(key);
                uint256 market = key.marketOf();
                assembly ("memory-safe") {
                    let slot := add(_surfaces.slot, mul(3, key))
                    let word1 := sload(add(slot, 1))
                    mstore(at, sload(slot))
                    mstore(add(at, 32), word1)
                    mstore(add(at, 64), sload(add(slot, 2)))
                    market := sload(add(_markets.slot, market))
                }
                Words.put(at + 64, Words.get(at + 64) | _statusOf(market, Words.get(at + 32)) << 200);
            }
        }
        assembly ("memory-safe") {
            let count := mul(3, keys.length)
            mstore(sub(list, 64), 32)
            mstore(sub(list, 32), count)
            return(sub(list, 64), add(64, shl(5, count)))
        }
    }

    /// @inheritdoc IVolatilityFeed
    function surface(uint256 market, uint256 expiry) external view returns (Surface memory) {
        if (market >= _MARKETS) revert SurfaceMarketUnknown(market);
        uint256 key = SurfaceWord.keyOf(market, expiry);
        if (expiry > type(uint32).max) revert SurfaceKeyUnknown(key);
        (uint256 w0, uint256 w1, uint256 w2) = (_surfaces[key][0], _surfaces[key][1], _surfaces[key][2]);
        return Surface({
            a: w0.a(),
            b: w0.b(),
            rho: w0.rho(),
            m: w0.m(),
            sigma: w1.sigma(),
            forwardRef: w1.forwardRef(),
            tau: w1.tau(),
            publishedAt: w1.publishedAt(),
            writtenBlock: w1.writtenBlock(),
            carry: w2.carry(),
            rate: w2.rate(),
            forwardConfidence: w2.forwardConfidence(),
            rateConfidence: w2.rateConfidence(),
            volConfidence: w2.volConfidence(),
            status: _status(_markets[market], w1)
        });
    }

    /// @inheritdoc IVolatilityFeed
    function expiries(uint256 market) external view returns (uint256[] memory) {
        return _live(market, _known(market).listed);
    }

    /// @inheritdoc IVolatilityFeed
    function rules(uint256 market) external view returns (Rules memory) {
        return _rulesOf(_known(market));
    }

    /// @inheritdoc IVolatilityFeed
    function disputedUntil(uint256 market) external view returns (uint256) {
        return _known(market).disputedUntil;
    }

    // ---------------------------------------------------------------- a report

    function _verified(bytes calldata report) private view returns (uint256 publishedAt, uint256[] memory words) {
        uint256 head = uint256(_load(report, 0));
        uint256 count = uint8(head >> 216);
        uint256 at = _HEADER_LENGTH + count * _SURFACE_LENGTH;
        publishedAt = head >> 224;
        if (report.length < at) revert ReportTooShort(report.length, at);
        words = new uint256[](3 * count);
        for (uint256 i; i < count; ++i) {
            uint256 from = _HEADER_LENGTH + i * _SURFACE_LENGTH;
            words[3 * i] = uint256(_load(report, from));
            words[3 * i + 1] = uint256(_load(report, from + 32)) >> 56;
            words[3 * i + 2] = uint256(_load(report, from + 57)) >> 16;
        }
        bytes32 content = keccak256(abi.encodePacked(words));
        bytes32 digest = _hashTypedData(EfficientHashLib.hash(_REPORT_TYPEHASH, bytes32(publishedAt), content));
        _requireQuorum(digest, report, at, uint16(head >> 200));
    }

    function _requireAscending(uint256[] memory words) private pure {
        uint256 previous;
        for (uint256 i = 2; i < words.length; i += 3) {
            uint256 key = words[i].reportedKey();
            if (key <= previous) revert SurfacesNotAscending(key, previous);
            previous = key;
        }
    }

    /// @dev The surfaces of one market: words[first … end).
    function _receive(uint256 market, uint256 publishedAt, uint256[] memory words, uint256 first, uint256 end) private {
        if (market >= _MARKETS || _markets[market].maxAge == 0) {
            for (; first < end; first += 3) {
                emit SurfaceRejected(words[first + 2].reportedKey(), Reason.MarketUnknown, 0, 0, publishedAt);
            }
            return;
        }
        Market memory kept = _markets[market];
        uint256[] memory live = _live(market, kept.listed);
        (Slice[] memory line, bool any) = _line(kept, live, market, publishedAt, words, first, end);
        if (!any) return;
        while (_dropCrossed(line, kept.maxAge, publishedAt)) {}
        _store(market, kept.listed, line);
    }

    /// @dev Live expiries and the report's in one line, ascending; a surface of the report that fails on its own is left out.
    function _line(
        Market memory kept,
        uint256[] memory live,
        uint256 market,
        uint256 publishedAt,
        uint256[] memory words,
        uint256 first,
        uint256 end
    ) private returns (Slice[] memory line, bool any) {
        line = new Slice[](live.length + (end - first) / 3);
        uint256 count;
        uint256 room = _MAX_EXPIRIES - live.length;
        for (uint256 i; i < live.length || first < end; ++count) {
            uint256 stored = i < live.length ? SurfaceWord.keyOf(market, live[i]) : type(uint256).max;
            uint256 reported = first < end ? words[first + 2].reportedKey() : type(uint256).max;
            Slice memory slice = line[count];
            slice.key = stored < reported ? stored : reported;
            slice.isListed = stored <= reported;
            if (slice.isListed) ++i;
            if (reported > stored) continue;
            if (_admit(kept, slice, publishedAt, words, first, room)) {
                any = true;
                if (!slice.isListed) --room;
            } else if (!slice.isListed) {
                slice.key = 0;
            }
            first += 3;
        }
        assembly ("memory-safe") {
            mstore(line, count)
        }
    }

    /// @dev Takes a surface into the line if it is news and passes what can be said of it alone.
    function _admit(
        Market memory kept,
        Slice memory slice,
        uint256 publishedAt,
        uint256[] memory words,
        uint256 at,
        uint256 room
    ) private returns (bool) {
        uint256 current = _surfaces[slice.key][1];
        if (publishedAt <= current.publishedAt()) return false;
        if (current != 0 && current.writtenBlock() == uint24(block.number)) return false;
        (uint256 word0, uint256 word1, uint256 word2) = (words[at], words[at + 1], words[at + 2].unkeyed());
        uint256 expiry = slice.key.expiryOf() * 1 minutes;
        SurfaceChecks.Refusal memory refusal =
            SurfaceChecks.examine(_rulesOf(kept), word0, word1, word2, expiry, publishedAt);
        if (refusal.reason == Reason.None && room == 0 && !slice.isListed) {
            refusal = SurfaceChecks.Refusal(Reason.ExpiriesFull, int256(_MAX_EXPIRIES + 1), int256(_MAX_EXPIRIES));
        }
        if (refusal.reason != Reason.None) {
            emit SurfaceRejected(slice.key, refusal.reason, refusal.value, refusal.limit, publishedAt);
            return false;
        }
        (slice.word0, slice.word1, slice.word2) = (word0, word1.stamped(publishedAt, uint24(block.number)), word2);
        return slice.isNew = true;
    }

    // ---------------------------------------------------------------- the calendar

    /// @dev Of the first two neighbours that cross the new ones go: of two new ones neither is believed. What was stored takes their
    /// place.
    /// @return Whether there were any: the line must be looked at once more.
    function _dropCrossed(Slice[] memory line, uint256 maxAge, uint256 publishedAt) private returns (bool) {
        Slice memory nearer;
        for (uint256 i; i < line.length; ++i) {
            Slice memory slice = line[i];
            if (!_counts(slice, maxAge)) continue;
            if (nearer.isNew || (slice.isNew && nearer.key != 0)) {
                (bool crossed, int256 lower, int256 upper) = _crossed(nearer, slice);
                if (crossed) {
                    _drop(nearer, Reason.CalendarFarther, lower, upper, publishedAt);
                    _drop(slice, Reason.CalendarNearer, upper, lower, publishedAt);
                    return true;
                }
            }
            nearer = slice;
        }
        return false;
    }

    /// @dev A stale neighbour vetoes nothing: else one expiry that is quoted no more would hold the others where it is.
    function _counts(Slice memory slice, uint256 maxAge) private view returns (bool) {
        if (slice.isNew) return true;
        if (!slice.isListed) return false;
        if (slice.word1 == 0) (slice.word0, slice.word1) = (_surfaces[slice.key][0], _surfaces[slice.key][1]);
        return block.timestamp <= slice.word1.publishedAt() + maxAge;
    }

    /// @return Whether total variance falls from one expiry to the next somewhere on the grid, and both where it does.
    function _crossed(Slice memory nearer, Slice memory farther) private pure returns (bool, int256, int256) {
        (int256[] memory lower, int256[] memory upper) = (_gridOf(nearer), _gridOf(farther));
        for (uint256 i; i < SurfaceMath.GRID; ++i) {
            if (lower[i] > upper[i]) return (true, lower[i], upper[i]);
        }
        return (false, 0, 0);
    }

    function _gridOf(Slice memory slice) private pure returns (int256[] memory) {
        if (slice.grid.length == 0) slice.grid = SurfaceMath.grid(slice.word0, slice.word1.sigma());
        return slice.grid;
    }

    function _drop(Slice memory slice, Reason reason, int256 value, int256 limit, uint256 publishedAt) private {
        if (!slice.isNew) return;
        emit SurfaceRejected(slice.key, reason, value, limit, publishedAt);
        (slice.isNew, slice.word1) = (false, 0);
        delete slice.grid;
    }

    // ---------------------------------------------------------------- storage

    function _store(uint256 market, uint256 listed, Slice[] memory line) private {
        uint256[3] memory slots;
        uint256 count;
        for (uint256 i; i < line.length; ++i) {
            Slice memory slice = line[i];
            if (slice.isNew) {
                uint256[3] storage kept = _surfaces[slice.key];
                (kept[0], kept[1], kept[2]) = (slice.word0, slice.word1, slice.word2);
                emit SurfaceStored(slice.key, slice.word0, slice.word1, slice.word2);
            }
            if (slice.isNew || slice.isListed) {
                slots[count / _PER_SLOT] |= slice.key.expiryOf() << 32 * (count % _PER_SLOT);
                ++count;
            }
        }
        for (uint256 i; i < 3 && i * _PER_SLOT < (count > listed ? count : listed); ++i) {
            if (_lists[market][i] != slots[i]) _lists[market][i] = slots[i];
        }
        if (count != listed) _markets[market].listed = uint8(count);
    }

    /// @dev Those of a market's `listed` expiries that have not passed.
    function _live(uint256 market, uint256 listed) private view returns (uint256[] memory live) {
        live = new uint256[](listed);
        uint256 count;
        uint256 slot;
        for (uint256 i; i < listed; ++i) {
            if (i % _PER_SLOT == 0) slot = _lists[market][i / _PER_SLOT];
            uint256 expiry = uint32(slot >> 32 * (i % _PER_SLOT));
            if (expiry * 1 minutes > block.timestamp) live[count++] = expiry;
        }
        assembly ("memory-safe") {
            mstore(live, count)
        }
    }

    function _status(Market storage kept, uint256 word1) private view returns (uint256) {
        uint256 market;
        assembly ("memory-safe") {
            market := sload(kept.slot)
        }
        return _statusOf(market, word1);
    }

    /// @param market Its slot, whose first two fields count.
    function _statusOf(uint256 market, uint256 word1) private view returns (uint256 status) {
        if (word1 == 0) return SurfaceWord.MISSING;
        unchecked {
            if (block.timestamp > word1.publishedAt() + uint32(market)) status = SurfaceWord.STALE;
            if (block.timestamp < uint32(market >> 32)) status |= SurfaceWord.DISPUTED;
        }
    }

    function _known(uint256 market) private view returns (Market storage kept) {
        if (market >= _MARKETS) revert SurfaceMarketUnknown(market);
        kept = _markets[market];
        if (kept.maxAge == 0) revert SurfaceMarketUnknown(market);
    }

    function _rulesOf(Market memory kept) private pure returns (Rules memory) {
        return Rules({
            maxAge: kept.maxAge,
            maxExpiry: kept.maxExpiry,
            minVol: kept.minVol,
            maxVol: kept.maxVol,
            maxBasis: kept.maxBasis,
            maxRate: kept.maxRate,
            maxConfidence: kept.maxConfidence
        });
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Plimsoll Surfaces", "1");
    }
}

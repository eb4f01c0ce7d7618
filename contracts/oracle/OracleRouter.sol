// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOracleRouter} from "../../interfaces/IOracleRouter.sol";
import {IPriceSource} from "../../interfaces/IPriceSource.sol";
import {BoundedCall} from "../libraries/BoundedCall.sol";
import {FeedBounds} from "../libraries/FeedBounds.sol";
import {FeedWord} from "../libraries/FeedWord.sol";
import {PriceWord} from "../libraries/PriceWord.sol";
import {VolatilityMath} from "../libraries/VolatilityMath.sol";
import {PriceFeed} from "./PriceFeed.sol";

/// @title One slot per price, and one for how its feed is judged and how much it moves
/// @dev A signed price without a reference costs those two slots and nothing else; a first price of an hour writes both.
contract OracleRouter is IOracleRouter, PriceFeed {
    using FeedWord for uint256;
    using PriceWord for uint256;

    /// @dev What no signed update without a reference reads.
    struct Feed {
        address referenceSource;
        uint16 maxDeviationBps;
        uint16 maxMultiplier;
        uint16 halfLife;
        bytes32 referenceId;
        address source;
        bytes32 sourceId;
        Fallback backup;
    }

    struct Report {
        uint256 value;
        uint256 confidence;
        uint256 publishedAt;
    }

    uint256 private constant _QUOTE_VALUE = 1e10;
    uint256 private constant _MAX_FEED = 255;
    /// @dev How far the clocks of signers may run ahead of the chain's.
    uint256 private constant _MAX_LEAD = 15;
    /// @dev Older reports are no news: else whoever is first in each block posts one a second newer than the last, and keeps the
    /// feed behind the market for as long as he likes.
    uint256 private constant _MAX_LAG = 60;
    uint256 private constant _MAX_DISPUTE = 1 days;
    uint256 private constant _SOURCE_GAS = 150_000;
    uint256 private constant _MAX_REPLACEMENT_BPS = 2000;
    uint256 private constant _CODES_PER_ONE = VolatilityMath.ONE / VolatilityMath.STEP;

    /// @dev Arrays, not mappings: the place of a price is an addition instead of a hash.
    uint256[_MAX_FEED + 1] private _prices;
    uint256[_MAX_FEED + 1] private _feedWords;
    mapping(uint256 feed => Feed) private _feeds;

    constructor(address initialAuthority, address[] memory initialSigners, uint256 initialQuorum)
        PriceFeed(initialAuthority, initialSigners, initialQuorum)
    {}

    /// @inheritdoc IOracleRouter
    function update(bytes calldata report) external {
        (uint256 publishedAt, uint256[] memory words) = _verified(report);
        uint256 stored;
        unchecked {
            if (block.timestamp > publishedAt + _MAX_LAG) return;
            for (uint256 i; i < words.length; ++i) {
                uint256 price = words[i];
                uint256 rules = _feedWords[uint8(price)];
                if (!rules.has(FeedWord.SIGNED)) _refuseSigned(rules, uint8(price));
                uint256 entry = _receive(rules, price, publishedAt, 0);
                if (entry != 0) words[stored++] = entry;
            }
        }
        if (stored == 0) return;
        assembly ("memory-safe") {
            mstore(words, stored) // the feeds that were passed over leave no entry
        }
        emit PricesStored(words);
    }

    /// @inheritdoc IOracleRouter
    function poke(uint256 feed) external {
        uint256 rules = _known(feed);
        uint256 current = _prices[feed];
        bool ok;
        Report memory report;
        if (rules.has(FeedWord.POLLED)) {
            (ok, report) = _ask(_feeds[feed].source, _feeds[feed].sourceId);
            if (ok && _isNews(current, report.publishedAt)) return _take(feed, rules, report, 0);
        }
        if (_fallbackDue(feed, rules, current)) {
            (bool found, Report memory other) = _ask(_feeds[feed].backup.source, _feeds[feed].backup.id);
            if (found && _isNews(current, other.publishedAt)) return _take(feed, rules, other, FeedWord.ON_FALLBACK);
        }
        // The source itself disowns its newest answer (out of band, say). Without a newer one the old price just grows old.
        if (!ok && _isNews(current, report.publishedAt) && report.publishedAt <= block.timestamp) {
            _reject(feed, current, report, PriceWord.REFERENCE_DOWN);
        }
    }

    /// @inheritdoc IOracleRouter
    function setFeed(uint256 feed, FeedConfig calldata config) external restricted {
        if (feed == 0 || feed > _MAX_FEED) revert FeedUnknown(feed);
        FeedBounds.requireFeed(feed, config);
        Feed storage f = _feeds[feed];
        if (f.referenceSource != config.referenceSource || f.referenceId != config.referenceId) {
            _requireContinuity(feed, config.referenceSource, config.referenceId);
        }
        if (f.source != config.source || f.sourceId != config.sourceId) {
            _requireContinuity(feed, config.source, config.sourceId);
        }
        (f.referenceSource, f.maxDeviationBps) = (config.referenceSource, config.maxDeviationBps);
        (f.referenceId, f.source, f.sourceId) = (config.referenceId, config.source, config.sourceId);
        uint256 flags = config.source == address(0) ? FeedWord.SIGNED : FeedWord.POLLED;
        if (config.referenceSource != address(0)) flags |= FeedWord.COMPARED;
        _feedWords[feed] = _feedWords[feed].withRules(config.maxConfidencePpm, flags);
        emit FeedConfigured(feed, config);
    }

    /// @inheritdoc IOracleRouter
    function setFallback(uint256 feed, Fallback calldata config) external restricted {
        uint256 rules = _known(feed);
        if (config.source == address(0)) {
            delete _feeds[feed].backup;
            _feedWords[feed] = rules & ~FeedWord.ON_FALLBACK;
        } else {
            FeedBounds.requireFallbackAge(config.age);
            // Falling back on what has just failed, or on what judges it, is no second opinion.
            Feed storage f = _feeds[feed];
            if (
                (config.source == f.source && config.id == f.sourceId)
                    || (config.source == f.referenceSource && config.id == f.referenceId)
            ) revert FallbackIsItself(feed, config.source);
            _requireContinuity(feed, config.source, config.id);
            f.backup = config;
        }
        emit FallbackConfigured(feed, config);
    }

    /// @inheritdoc IOracleRouter
    function setVolatility(uint256 feed, uint256 sigmaRef, uint256 maxMultiplier, uint256 halfLife)
        external
        restricted
    {
        uint256 word = _known(feed);
        if (sigmaRef == 0) {
            _feedWords[feed] = word.withSample(0, 0, 0).withVolatility(0, 0, 0);
        } else {
            FeedBounds.requireVolatility(sigmaRef, maxMultiplier, halfLife);
            if (word.variance() == 0) {
                uint256 current = _prices[feed];
                word = word.withSample(VolatilityMath.varianceOf(sigmaRef), current.value(), current.publishedAt());
            }
            uint256 code = (maxMultiplier - FeedBounds.BPS) * _CODES_PER_ONE / FeedBounds.BPS;
            _feedWords[feed] = word.withVolatility(sigmaRef, code, VolatilityMath.weightOf(halfLife));
            (_feeds[feed].maxMultiplier, _feeds[feed].halfLife) = (uint16(maxMultiplier), uint16(halfLife));
        }
        emit VolatilityConfigured(feed, sigmaRef, maxMultiplier, halfLife);
    }

    /// @inheritdoc IOracleRouter
    function dispute(uint256 feed, uint256 until) external restricted {
        _known(feed);
        uint256 maximum = block.timestamp + _MAX_DISPUTE;
        if (until > maximum) revert DisputeTooLong(until, maximum);
        _prices[feed] = _prices[feed].withDispute(until);
        emit FeedDisputed(feed, until);
    }

    /// @inheritdoc IOracleRouter
    /// @dev The hottest call there is: every check makes it, once. Written out, it costs 120 gas a feed besides the slot; the compiler's
    /// loop, copied once more to be returned, 320.
    function read(uint256[] calldata feeds) external view returns (uint256[] memory) {
        uint256 quote = _quoteWord();
        uint256 all; // every bit of every feed asked for
        uint256 start;
        uint256 end;
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore(start, 0x20)
            mstore(add(start, 0x20), feeds.length)
            end := add(start, 0x40)
            let last := add(feeds.offset, shl(5, feeds.length))
            for { let at := feeds.offset } lt(at, last) { at := add(at, 0x20) } {
                let feed := calldataload(at)
                all := or(all, feed)
                switch feed
                case 0 { mstore(end, quote) }
                default { mstore(end, sload(add(_prices.slot, feed))) }
                end := add(end, 0x20)
            }
        }
        if (all > _MAX_FEED) revert FeedUnknown(all); // beyond the array lies what is no price
        assembly ("memory-safe") {
            return(start, sub(end, start))
        }
    }

    /// @inheritdoc IOracleRouter
    function feedConfig(uint256 feed) external view returns (FeedConfig memory) {
        uint256 rules = _known(feed);
        Feed storage f = _feeds[feed];
        return FeedConfig({
            referenceSource: f.referenceSource,
            maxDeviationBps: f.maxDeviationBps,
            maxConfidencePpm: uint24(rules.maxConfidence()),
            source: f.source,
            referenceId: f.referenceId,
            sourceId: f.sourceId
        });
    }

    /// @inheritdoc IOracleRouter
    function fallbackOf(uint256 feed) external view returns (Fallback memory) {
        _known(feed);
        return _feeds[feed].backup;
    }

    /// @inheritdoc IOracleRouter
    function isOnFallback(uint256 feed) external view returns (bool) {
        return _known(feed).has(FeedWord.ON_FALLBACK);
    }

    /// @inheritdoc IOracleRouter
    function volatility(uint256 feed) external view returns (Volatility memory found) {
        uint256 word = _known(feed);
        uint256 price = _prices[feed];
        (found.imMultiplier, found.mmMultiplier) = VolatilityMath.multipliers(price, block.timestamp);
        (found.variance, found.sampledAt, found.sigmaRef) = (word.variance(), word.sampledAt(), word.sigmaRef());
        found.sigma = VolatilityMath.sigmaOf(found.variance);
        if (price.volatility() != 0) found.rampEnd = VolatilityMath.rampStart(price) + VolatilityMath.INTERVAL;
        (found.maxMultiplier, found.halfLife) = (_feeds[feed].maxMultiplier, _feeds[feed].halfLife);
    }

    // ---------------------------------------------------------------- a price arrives

    function _take(uint256 feed, uint256 rules, Report memory report, uint256 origin) private {
        if (report.value > PriceWord.MAX_VALUE) revert PriceOutOfRange(feed, report.value);
        uint256 confidence = report.confidence > PriceWord.MAX_CONFIDENCE ? PriceWord.MAX_CONFIDENCE : report.confidence;
        uint256[] memory entries = new uint256[](1);
        entries[0] = _receive(rules, feed | confidence << 8 | report.value << 32, report.publishedAt, origin);
        if (entries[0] != 0) emit PricesStored(entries);
    }

    /// @param rules The feed's word.
    /// @param price As in a report: feed · confidence · value.
    /// @param origin ON_FALLBACK or 0.
    /// @return entry As in PricesStored, or zero when nothing was stored.
    function _receive(uint256 rules, uint256 price, uint256 publishedAt, uint256 origin)
        private
        returns (uint256 entry)
    {
        uint256 feed = uint8(price);
        uint256 value = price >> 32;
        if (value == 0) revert PriceOutOfRange(feed, value);
        if (publishedAt > block.timestamp + _MAX_LEAD) revert PriceFromFuture(feed, publishedAt, block.timestamp);
        uint256 current = _prices[feed];
        if (!_isNews(current, publishedAt)) return 0;
        uint256 failures = uint24(price >> 8) > rules.maxConfidence() ? PriceWord.WIDE : 0;
        if (rules.has(FeedWord.COMPARED)) failures |= _compare(feed, value);
        if (failures != 0) {
            _reject(feed, current, Report(value, uint24(price >> 8), publishedAt), failures);
            return 0;
        }
        uint256 fields = current.volatility();
        uint256 next = rules & ~FeedWord.ON_FALLBACK | origin;
        entry = price | publishedAt << 128;
        if (VolatilityMath.isDue(current, publishedAt)) {
            (next, fields) = _sample(next, current, value, publishedAt);
            if (next.sampledAt() == publishedAt) entry |= next.variance() << 160;
        }
        if (next != rules) _write(feed, rules, next);
        _prices[feed] = fields
            | PriceWord.pack({
                newValue: value,
                newConfidence: uint24(price >> 8),
                newPublishedAt: publishedAt,
                newSeenAt: publishedAt,
                newWrittenBlock: block.number,
                newDisputedUntil: current.disputedUntil(),
                newStatus: 0
            });
        entry |= fields >> 128;
    }

    function _write(uint256 feed, uint256 rules, uint256 next) private {
        _feedWords[feed] = next;
        if (rules.has(FeedWord.ON_FALLBACK) != next.has(FeedWord.ON_FALLBACK)) {
            emit FallbackUsed(feed, next.has(FeedWord.ON_FALLBACK));
        }
    }

    /// @return The feed's word and the volatility fields of the price word.
    function _sample(uint256 rules, uint256 current, uint256 value, uint256 publishedAt)
        private
        view
        returns (uint256, uint256)
    {
        unchecked {
            if (!VolatilityMath.isTimely(publishedAt, block.timestamp)) {
                return (rules, VolatilityMath.held(current, block.timestamp));
            }
            uint256 sigma = rules.sigmaRef();
            if (sigma == 0) return (rules, VolatilityMath.sampled(current, 0, publishedAt, block.timestamp));
            uint256 basis = VolatilityMath.varianceOf(sigma);
            uint256 variance = basis;
            uint256 last = rules.samplePrice();
            if (last != 0) {
                uint256 elapsed = publishedAt - rules.sampledAt();
                variance = VolatilityMath.next(rules.variance(), basis, rules.weight(), value, last, elapsed);
            }
            uint256 code = VolatilityMath.codeOf(variance, basis, rules.maxMultiplier());
            return (
                rules.withSample(variance, value, publishedAt),
                VolatilityMath.sampled(current, code, publishedAt, block.timestamp)
            );
        }
    }

    function _reject(uint256 feed, uint256 current, Report memory report, uint256 failures) private {
        _prices[feed] = current.rejected(report.publishedAt, block.number, failures);
        emit PriceRejected(feed, report.value, report.confidence, report.publishedAt, failures);
    }

    // ---------------------------------------------------------------- rules

    function _refuseSigned(uint256 rules, uint256 feed) private pure {
        if (rules.isKnown()) revert FeedNotSigned(feed);
        revert FeedUnknown(feed);
    }

    /// @dev One move per block, forward only: whoever picks among prices can neither choose their order nor see one and use another.
    function _isNews(uint256 current, uint256 publishedAt) private view returns (bool) {
        return publishedAt > current.seenAt() && current.writtenBlock() != uint32(block.number);
    }

    /// @dev The reference only ever vetoes. Two prices that disagree are not averaged: neither is believed.
    function _compare(uint256 feed, uint256 value) private view returns (uint256) {
        (bool ok, Report memory other) = _ask(_feeds[feed].referenceSource, _feeds[feed].referenceId);
        if (!ok || other.value == 0 || other.value > PriceWord.MAX_VALUE) return PriceWord.REFERENCE_DOWN;
        return _apart(value, other.value, _feeds[feed].maxDeviationBps) ? PriceWord.DEVIATES : 0;
    }

    /// @dev Whether `value` is further from `from` than `bps` of it. Both below 2^72.
    function _apart(uint256 value, uint256 from, uint256 bps) private pure returns (bool) {
        uint256 distance = value > from ? value - from : from - value;
        return distance * FeedBounds.BPS > from * bps;
    }

    function _fallbackDue(uint256 feed, uint256 rules, uint256 current) private view returns (bool) {
        uint256 required = _feeds[feed].backup.age;
        uint256 age = current.age();
        bool due = required != 0 && (rules.has(FeedWord.ON_FALLBACK) || age > required);
        if (due || rules.has(FeedWord.POLLED)) return due;
        if (required == 0) revert FeedNotPolled(feed);
        revert FallbackNotDue(feed, age, required);
    }

    /// @dev A feed under dispute has no price to be compared with: only so can one that went wrong be repaired.
    function _requireContinuity(uint256 feed, address source, bytes32 id) private view {
        uint256 current = _prices[feed];
        if (source == address(0) || current.value() == 0 || current.isDisputed()) return;
        (bool ok, Report memory report) = _ask(source, id);
        uint256 proposed = ok && report.value <= PriceWord.MAX_VALUE ? report.value : 0;
        if (_apart(proposed, current.value(), _MAX_REPLACEMENT_BPS)) {
            revert ReplacementDeviates(feed, current.value(), proposed);
        }
    }

    function _ask(address source, bytes32 id) private view returns (bool, Report memory report) {
        (bool answered, bytes memory answer) =
            BoundedCall.ask(source, _SOURCE_GAS, 4, abi.encodeCall(IPriceSource.latest, (id)));
        if (!answered) return (false, report);
        uint256 ok; // not a bool: decoding anything but 0 and 1 would revert
        (ok, report.value, report.confidence, report.publishedAt) =
            abi.decode(answer, (uint256, uint256, uint256, uint256));
        return (ok == 1, report);
    }

    function _known(uint256 feed) private view returns (uint256 rules) {
        if (feed <= _MAX_FEED) rules = _feedWords[feed];
        if (!rules.isKnown()) revert FeedUnknown(feed);
    }

    function _quoteWord() private view returns (uint256) {
        return PriceWord.pack({
            newValue: _QUOTE_VALUE,
            newConfidence: 0,
            newPublishedAt: block.timestamp,
            newSeenAt: block.timestamp,
            newWrittenBlock: block.number,
            newDisputedUntil: 0,
            newStatus: 0
        });
    }
}

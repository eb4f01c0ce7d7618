// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IOracleRouter} from "../../interfaces/IOracleRouter.sol";
import {IPriceFeed} from "../../interfaces/IPriceFeed.sol";
import {IPriceSource} from "../../interfaces/IPriceSource.sol";
import {BoundedCall} from "../libraries/BoundedCall.sol";
import {PriceWord} from "../libraries/PriceWord.sol";

/// @title One slot per price
/// @dev PriceFeed is immutable: its signers and quorum are what gets replaced, and a slot here would be read by every update.
contract OracleRouter is IOracleRouter, AccessManaged {
    using PriceWord for uint256;

    enum Kind {
        UNKNOWN,
        SIGNED,
        POLLED
    }

    /// @dev All that an update without a reference reads of a feed's configuration: one slot.
    struct Rules {
        address referenceSource;
        uint16 maxDeviationBps;
        uint24 maxConfidencePpm;
        Kind kind;
    }

    struct Feed {
        Rules rules;
        bytes32 referenceId;
        address source;
        bytes32 sourceId;
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
    uint256 private constant _BPS = 1e4;

    error FeedBoundsInvalid(uint256 feed, uint256 maxDeviationBps, uint256 maxConfidencePpm);

    IPriceFeed public immutable priceFeed;

    /// @dev An array, not a mapping: the place of a price is an addition instead of a hash.
    uint256[_MAX_FEED + 1] private _prices;
    mapping(uint256 feed => Feed) private _feeds;

    constructor(address initialAuthority, IPriceFeed initialPriceFeed) AccessManaged(initialAuthority) {
        priceFeed = initialPriceFeed;
    }

    /// @inheritdoc IOracleRouter
    function update(bytes calldata report) external {
        (uint256 publishedAt, uint256[] memory words) = priceFeed.verify(report);
        if (block.timestamp > publishedAt + _MAX_LAG) return;
        for (uint256 i; i < words.length; ++i) {
            uint256 word = words[i];
            uint256 feed = word & _MAX_FEED;
            Rules memory rules = _knownRules(feed);
            if (rules.kind != Kind.SIGNED) revert FeedNotSigned(feed);
            uint256 confidence = word >> 8 & PriceWord.MAX_CONFIDENCE;
            _receive(feed, rules, Report({value: word >> 32, confidence: confidence, publishedAt: publishedAt}));
        }
    }

    /// @inheritdoc IOracleRouter
    function poke(uint256 feed) external {
        Rules memory rules = _knownRules(feed);
        if (rules.kind != Kind.POLLED) revert FeedNotPolled(feed);
        (bool ok, Report memory report) = _ask(_feeds[feed].source, _feeds[feed].sourceId);
        if (ok) {
            _receive(feed, rules, report);
            return;
        }
        // The source itself disowns its newest answer (out of band, say). Without a newer one the old price just grows old.
        uint256 current = _prices[feed];
        if (_isNews(current, report.publishedAt) && report.publishedAt <= block.timestamp) {
            _reject(feed, current, report, PriceWord.REFERENCE_DOWN);
        }
    }

    /// @inheritdoc IOracleRouter
    function setFeed(uint256 feed, FeedConfig calldata config) external restricted {
        if (feed == 0 || feed > _MAX_FEED) revert FeedUnknown(feed);
        bool compared = config.referenceSource != address(0);
        if ((compared && config.maxDeviationBps == 0) || config.maxDeviationBps > _BPS || config.maxConfidencePpm == 0)
        {
            revert FeedBoundsInvalid(feed, config.maxDeviationBps, config.maxConfidencePpm);
        }
        _feeds[feed] = Feed({
            rules: Rules({
                referenceSource: config.referenceSource,
                maxDeviationBps: config.maxDeviationBps,
                maxConfidencePpm: config.maxConfidencePpm,
                kind: config.source == address(0) ? Kind.SIGNED : Kind.POLLED
            }),
            referenceId: config.referenceId,
            source: config.source,
            sourceId: config.sourceId
        });
        emit FeedConfigured(feed, config);
    }

    /// @inheritdoc IOracleRouter
    function dispute(uint256 feed, uint256 until) external restricted {
        _knownRules(feed);
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
        Rules memory rules = _knownRules(feed);
        return FeedConfig({
            referenceSource: rules.referenceSource,
            maxDeviationBps: rules.maxDeviationBps,
            maxConfidencePpm: rules.maxConfidencePpm,
            source: _feeds[feed].source,
            referenceId: _feeds[feed].referenceId,
            sourceId: _feeds[feed].sourceId
        });
    }

    function _receive(uint256 feed, Rules memory rules, Report memory report) private {
        if (report.value == 0 || report.value > PriceWord.MAX_VALUE) revert PriceOutOfRange(feed, report.value);
        if (report.publishedAt > block.timestamp + _MAX_LEAD) {
            revert PriceFromFuture(feed, report.publishedAt, block.timestamp);
        }
        uint256 current = _prices[feed];
        if (!_isNews(current, report.publishedAt)) return;
        uint256 failures = _failures(feed, rules, report);
        if (failures == 0) _store(feed, current, report);
        else _reject(feed, current, report, failures);
    }

    /// @dev One move per block, forward only: whoever picks among prices can neither choose their order nor see one and use another.
    function _isNews(uint256 current, uint256 publishedAt) private view returns (bool) {
        return publishedAt > current.seenAt() && current.writtenBlock() != uint32(block.number);
    }

    function _store(uint256 feed, uint256 current, Report memory report) private {
        _prices[feed] = PriceWord.pack({
            newValue: report.value,
            newConfidence: report.confidence,
            newPublishedAt: report.publishedAt,
            newSeenAt: report.publishedAt,
            newWrittenBlock: block.number,
            newDisputedUntil: current.disputedUntil(),
            newStatus: 0
        });
        emit PriceStored(feed, report.value, report.confidence, report.publishedAt);
    }

    function _reject(uint256 feed, uint256 current, Report memory report, uint256 failures) private {
        _prices[feed] = current.rejected(report.publishedAt, block.number, failures);
        emit PriceRejected(feed, report.value, report.confidence, report.publishedAt, failures);
    }

    /// @dev The reference only ever vetoes. Two prices that disagree are not averaged: neither is believed.
    function _failures(uint256 feed, Rules memory rules, Report memory report) private view returns (uint256 failures) {
        if (report.confidence > rules.maxConfidencePpm) failures = PriceWord.WIDE;
        if (rules.referenceSource == address(0)) return failures;
        (bool ok, Report memory other) = _ask(rules.referenceSource, _feeds[feed].referenceId);
        if (!ok || other.value == 0 || other.value > PriceWord.MAX_VALUE) return failures | PriceWord.REFERENCE_DOWN;
        uint256 distance = report.value > other.value ? report.value - other.value : other.value - report.value;
        if (distance * _BPS > other.value * rules.maxDeviationBps) failures |= PriceWord.DEVIATES;
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

    function _knownRules(uint256 feed) private view returns (Rules memory rules) {
        rules = _feeds[feed].rules;
        if (rules.kind == Kind.UNKNOWN) revert FeedUnknown(feed);
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

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAggregatorV3} from "../../interfaces/IAggregatorV3.sol";
import {IPriceSource} from "../../interfaces/IPriceSource.sol";
import {BoundedCall} from "../libraries/BoundedCall.sol";
import {SequencerGuard} from "./SequencerGuard.sol";

/// @title Chainlink answers in Plimsoll's units, and the reasons not to believe them
/// @dev `latest` never reverts for what an aggregator does. An answer at the edge of the aggregator's band says only that the true
/// price is at the edge or beyond it (LUNA at 0.107 while the market was lower), so it counts as none.
contract ChainlinkAdapter is IPriceSource, SequencerGuard, AccessManaged {
    /// @param heartbeat Seconds after which an answer is stale.
    /// @param confidencePpm What the aggregator lets the price move before it answers anew: the confidence of its answers.
    /// @param minAnswer Together with maxAnswer a band of our own, used along with the aggregator's where that has one.
    /// @param maxAnswer Zero: no upper end of our own.
    struct Listing {
        address aggregator;
        uint32 heartbeat;
        uint24 confidencePpm;
        uint128 minAnswer;
        uint128 maxAnswer;
    }

    /// @dev The band is the second slot.
    struct Entry {
        address aggregator;
        uint32 heartbeat;
        uint24 confidencePpm;
        uint8 decimals;
        uint128 minAnswer;
        uint128 maxAnswer;
    }

    uint256 private constant _ROUND_GAS = 60_000;
    uint256 private constant _GETTER_GAS = 20_000;
    uint256 private constant _PRICE_DECIMALS = 10;
    uint256 private constant _MAX_DECIMALS = 18;
    uint256 private constant _MAX_HEARTBEAT = 2 days;
    uint256 private constant _MAX_ANSWER = type(uint128).max;

    event AggregatorListed(bytes32 indexed id, Listing listing, uint8 decimals);

    error AggregatorUnknown(bytes32 id);
    error AggregatorDecimalsInvalid(address aggregator, uint256 decimals);
    error AnswerBandInvalid(uint256 minAnswer, uint256 maxAnswer);
    error HeartbeatInvalid(uint256 heartbeat);

    mapping(bytes32 id => Entry) private _entries;

    constructor(address initialAuthority, address initialSequencer, uint256 initialGrace)
        SequencerGuard(initialSequencer, initialGrace)
        AccessManaged(initialAuthority)
    {}

    /// @notice Restricted. Lists an aggregator as `id`, or replaces it.
    function list(bytes32 id, Listing calldata listing) external restricted {
        if (listing.heartbeat == 0 || listing.heartbeat > _MAX_HEARTBEAT) revert HeartbeatInvalid(listing.heartbeat);
        if (listing.maxAnswer != 0 && listing.minAnswer >= listing.maxAnswer) {
            revert AnswerBandInvalid(listing.minAnswer, listing.maxAnswer);
        }
        uint8 decimals = IAggregatorV3(listing.aggregator).decimals();
        if (decimals > _MAX_DECIMALS) revert AggregatorDecimalsInvalid(listing.aggregator, decimals);
        _entries[id] = Entry({
            aggregator: listing.aggregator,
            heartbeat: listing.heartbeat,
            confidencePpm: listing.confidencePpm,
            decimals: decimals,
            minAnswer: listing.minAnswer,
            maxAnswer: listing.maxAnswer
        });
        emit AggregatorListed(id, listing, decimals);
    }

    /// @notice The configuration of `id`, with the decimals read when it was listed.
    function entry(bytes32 id) external view returns (Entry memory listed) {
        listed = _entries[id];
        if (listed.aggregator == address(0)) revert AggregatorUnknown(id);
    }

    /// @inheritdoc IPriceSource
    function latest(bytes32 id)
        external
        view
        returns (bool ok, uint256 value, uint256 confidence, uint256 publishedAt)
    {
        Entry memory listed = _entries[id];
        if (listed.aggregator == address(0)) return (false, 0, 0, 0);
        uint256 answer;
        (ok, answer, publishedAt) = _round(listed.aggregator);
        value = answer * 10 ** _PRICE_DECIMALS / 10 ** listed.decimals;
        confidence = listed.confidencePpm;
        ok = ok && value != 0 && block.timestamp - publishedAt <= listed.heartbeat && _withinBand(listed, answer)
            && _sequencerUp();
    }

    /// @dev A usable round is complete, not carried over, not from the future and positive; `answer` is 0 in any other.
    function _round(address aggregator) private view returns (bool, uint256, uint256) {
        (bool answered, bytes memory data) =
            BoundedCall.ask(aggregator, _ROUND_GAS, 5, abi.encodeCall(IAggregatorV3.latestRoundData, ()));
        if (!answered) return (false, 0, 0);
        // Words, not the declared types: decoding a number too wide for its type would revert.
        (uint256 roundId, int256 answer,, uint256 updatedAt, uint256 answeredInRound) =
            abi.decode(data, (uint256, int256, uint256, uint256, uint256));
        if (updatedAt == 0 || updatedAt > block.timestamp) return (false, 0, 0);
        if (answer <= 0 || uint256(answer) > _MAX_ANSWER) return (false, 0, updatedAt);
        return (answeredInRound >= roundId, uint256(answer), updatedAt);
    }

    function _withinBand(Entry memory listed, uint256 answer) private view returns (bool) {
        if (answer <= listed.minAnswer || (listed.maxAnswer != 0 && answer >= listed.maxAnswer)) return false;
        // Asked each time: the aggregator behind a proxy is replaced without notice, and its band with it.
        address target = listed.aggregator;
        (bool named, uint256 behind) = _getter(target, abi.encodeCall(IAggregatorV3.aggregator, ()));
        if (named && behind <= type(uint160).max) target = address(uint160(behind));
        (bool bounded, uint256 limit) = _getter(target, abi.encodeCall(IAggregatorV3.minAnswer, ()));
        if (bounded && int256(limit) > 0 && answer <= limit) return false;
        (bounded, limit) = _getter(target, abi.encodeCall(IAggregatorV3.maxAnswer, ()));
        return !bounded || int256(limit) <= 0 || answer < limit;
    }

    function _getter(address target, bytes memory data) private view returns (bool ok, uint256 word) {
        bytes memory answer;
        (ok, answer) = BoundedCall.ask(target, _GETTER_GAS, 1, data);
        if (ok) word = abi.decode(answer, (uint256));
    }
}

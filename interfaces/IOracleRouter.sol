// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Where prices are kept, one slot each
/// @notice A feed changes at most once per block and only to a later publish time. The reference feed is consulted when a price
/// arrives, and its verdict is kept with the price: a check then reads one slot per price and nothing else.
/// @dev Word: value (72 bits, 1e-10 quote) · confidence (24, ppm of value) · publishedAt (32) · seenAt (32) · writtenBlock (32)
/// · disputedUntil (32) · status (8) · mmFrom (8) · multiplier (8) · phase (8). value and publishedAt are those of the last *good*
/// report; a report that fails its tests changes only seenAt, writtenBlock and status. The last three fields say what volatility makes
/// of the margin rates (VolatilityMath.multipliers). Feed 0 is the quote asset: constant 1, always good.
interface IOracleRouter {
    /// @dev Status bits. 0 is good.
    /// WIDE = 1: confidence beyond the feed's bound. DEVIATES = 2: too far from the reference feed.
    /// REFERENCE_DOWN = 4: a reference is configured but gives no usable answer. Disputed is read from disputedUntil.
    /// @param referenceSource A price source (IPriceSource) to compare with, or zero.
    /// @param referenceId The id of this feed inside the reference.
    /// @param maxDeviationBps Largest distance from the reference, bps of the reference.
    /// @param maxConfidencePpm Largest confidence interval, ppm of the price.
    /// @param source When not zero, `poke` may take this source's answer as the feed's price (no signed reports then).
    struct FeedConfig {
        address referenceSource;
        uint16 maxDeviationBps;
        uint24 maxConfidencePpm;
        address source;
        bytes32 referenceId;
        bytes32 sourceId;
    }

    /// @param source Zero: no fallback.
    /// @param age How old the last good price must be before the fallback's may take its place, seconds. From then on the fallback
    /// is good for every price until the feed's own source has one again.
    struct Fallback {
        address source;
        uint32 age;
        bytes32 id;
    }

    /// @dev Multipliers with 2^14 for 1.
    /// @param sigma The estimate, bps per √year.
    /// @param variance The estimate, WAD per interval: what is kept.
    /// @param imMultiplier What multiplies initial margin now.
    /// @param mmMultiplier What multiplies maintenance margin now.
    /// @param sampledAt When the price of the last sample was published.
    /// @param rampEnd When MM's multiplier arrives at the last sample's.
    /// @param sigmaRef Up to this σ the multipliers are 1; zero: at any.
    /// @param maxMultiplier Bps.
    /// @param halfLife Hours.
    struct Volatility {
        uint256 sigma;
        uint256 variance;
        uint256 imMultiplier;
        uint256 mmMultiplier;
        uint256 sampledAt;
        uint256 rampEnd;
        uint256 sigmaRef;
        uint256 maxMultiplier;
        uint256 halfLife;
    }

    /// @notice What an update stored, one entry per feed that moved: feed (8 bits, lowest) · confidence (24) · value (72) · mmFrom (8) ·
    /// multiplier (8) · phase (8) · publishedAt (32) · variance (72), the last zero unless this price was a volatility sample.
    event PricesStored(uint256[] entries);
    event PriceRejected(uint256 indexed feed, uint256 value, uint256 confidence, uint256 publishedAt, uint256 status);
    /// @notice From now on the feed's prices are its fallback's (`active`), or its own again.
    event FallbackUsed(uint256 indexed feed, bool active);
    event FeedConfigured(uint256 indexed feed, FeedConfig config);
    event FallbackConfigured(uint256 indexed feed, Fallback config);
    event VolatilityConfigured(uint256 indexed feed, uint256 sigmaRef, uint256 maxMultiplier, uint256 halfLife);
    event FeedDisputed(uint256 indexed feed, uint256 until);

    error FeedUnknown(uint256 feed);
    error FeedNotSigned(uint256 feed);
    error FeedNotPolled(uint256 feed);
    error FeedBoundsInvalid(uint256 feed, uint256 maxDeviationBps, uint256 maxConfidencePpm);
    error PriceOutOfRange(uint256 feed, uint256 value);
    error PriceFromFuture(uint256 feed, uint256 publishedAt, uint256 time);
    error DisputeTooLong(uint256 until, uint256 maximum);
    error ReplacementDeviates(uint256 feed, uint256 current, uint256 proposed);
    error FallbackNotDue(uint256 feed, uint256 age, uint256 required);
    error FallbackAgeOutOfRange(uint256 age, uint256 minimum, uint256 maximum);
    error FallbackIsItself(uint256 feed, address source);
    error SigmaRefOutOfRange(uint256 sigmaRef, uint256 minimum, uint256 maximum);
    error MaxMultiplierOutOfRange(uint256 maxMultiplier, uint256 minimum, uint256 maximum);
    error HalfLifeOutOfRange(uint256 halfLife, uint256 minimum, uint256 maximum);

    /// @notice Verifies a signed report (IPriceFeed) and stores what is newer. Not newer, or the feed already
    /// moved in this block: that feed is passed over, silently, so that two batches may carry the same report.
    /// So is a whole report that was published more than a minute ago.
    function update(bytes calldata report) external;

    /// @notice Takes the answer of a feed's own source (Chainlink, Pyth), or of its fallback when that is due. Same rules.
    function poke(uint256 feed) external;

    /// @notice Restricted. Replaces a feed's configuration. A new source or reference must answer within 20 % of the feed's
    /// price, unless there is none or the feed is disputed.
    function setFeed(uint256 feed, FeedConfig calldata config) external;

    /// @notice Restricted. Sets or, with source zero, removes a feed's fallback; its answer must lie as near as a new source's.
    function setFallback(uint256 feed, Fallback calldata config) external;

    /// @notice Restricted. How volatility scales the feed's margins: from the next sample on, MM along a ramp.
    /// @param sigmaRef Bps per √year; zero switches scaling off (the other two are ignored).
    /// @param maxMultiplier Bps.
    /// @param halfLife Hours in which a sample loses half of its weight.
    function setVolatility(uint256 feed, uint256 sigmaRef, uint256 maxMultiplier, uint256 halfLife) external;

    /// @notice Guardian: treats a feed as failed until `until`, at most one day ahead; zero ends it.
    function dispute(uint256 feed, uint256 until) external;

    /// @notice The packed words of `feeds`, in order. Feed 0 gives value 1e10, publishedAt = now.
    function read(uint256[] calldata feeds) external view returns (uint256[] memory words);

    function feedConfig(uint256 feed) external view returns (FeedConfig memory);

    function fallbackOf(uint256 feed) external view returns (Fallback memory);

    /// @notice Whether the feed's last good price is its fallback's.
    function isOnFallback(uint256 feed) external view returns (bool);

    function volatility(uint256 feed) external view returns (Volatility memory);
}

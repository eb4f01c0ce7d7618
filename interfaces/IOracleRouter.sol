// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Where prices are kept, one slot each
/// @notice A feed changes at most once per block and only to a later publish time. The reference feed is consulted when a price
/// arrives, and its verdict is kept with the price: a check then reads one slot per price and nothing else.
/// @dev Word: value (72 bits, 1e-10 quote) · confidence (24, ppm of value) · publishedAt (32) · seenAt (32) · writtenBlock (32)
/// · disputedUntil (32) · status (8). value and publishedAt are those of the last *good* report; a report that fails its
/// tests changes only seenAt, writtenBlock and status. Feed 0 is the quote asset: constant 1, always good.
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

    event PriceStored(uint256 indexed feed, uint256 value, uint256 confidence, uint256 publishedAt);
    event PriceRejected(uint256 indexed feed, uint256 value, uint256 confidence, uint256 publishedAt, uint256 status);
    event FeedConfigured(uint256 indexed feed, FeedConfig config);
    event FeedDisputed(uint256 indexed feed, uint256 until);

    error FeedUnknown(uint256 feed);
    error FeedNotSigned(uint256 feed);
    error FeedNotPolled(uint256 feed);
    error PriceOutOfRange(uint256 feed, uint256 value);
    error PriceFromFuture(uint256 feed, uint256 publishedAt, uint256 time);
    error DisputeTooLong(uint256 until, uint256 maximum);

    /// @notice Verifies a signed report through PriceFeed and stores what is newer. Not newer, or the feed already
    /// moved in this block: that feed is passed over, silently, so that two batches may carry the same report.
    /// So is a whole report that was published more than a minute ago.
    function update(bytes calldata report) external;

    /// @notice Takes the answer of a feed's own source (Chainlink). Same rules.
    function poke(uint256 feed) external;

    /// @notice Restricted. Replaces a feed's configuration.
    function setFeed(uint256 feed, FeedConfig calldata config) external;

    /// @notice Guardian: treats a feed as failed until `until`, at most one day ahead; zero ends it.
    function dispute(uint256 feed, uint256 until) external;

    /// @notice The packed words of `feeds`, in order. Feed 0 gives value 1e10, publishedAt = now.
    function read(uint256[] calldata feeds) external view returns (uint256[] memory words);

    function feedConfig(uint256 feed) external view returns (FeedConfig memory);
}

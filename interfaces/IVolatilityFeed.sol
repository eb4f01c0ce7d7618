// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISignedReports} from "./ISignedReports.sol";

/// @title Signed volatility surfaces: one smile per market and expiry, checked for arbitrage when it arrives
/// @notice A key, market << 32 | expiry in minutes since 1970, changes at most once per block and only to a later publish time. A smile
/// that fails a check is named in an event and changes nothing: the last good one stays, and grows old.
/// @dev Three words per key, fields lowest first:
///
///     0   a · b · rho · m: int64 each, WAD. Total variance w(k) = a + b(ρ(k − m) + √((k − m)² + σ²)), k = ln(strike / forward)
///     1   sigma u64 WAD · forwardRef u72 (1e-10; the forward the smile was fitted at) · tau u64 (years of 365 days, WAD; the time it
///         was fitted at: vol = √(w / tau)) · publishedAt u32 · writtenBlock u24 (modulo 2^24)
///     2   carry u64 WAD (forward / spot) · rate int64 WAD per year · confidence of forward, rate and vol, u24 ppm each (0 is certain)
///         · status u8, set by `read`: 0 good
///
/// Report bytes, big-endian: publishedAt 4 · number of surfaces 1 · present 2 · surfaces 87 each, keys ascending · signers
/// (ISignedReports). A surface: word 0 (32 bytes) · tau 8, forwardRef 9, sigma 8 (what word 1 holds below publishedAt) · key 5 ·
/// vol confidence 3, rate confidence 3, forward confidence 3, rate 8, carry 8 (what word 2 holds below status).
/// Type: SurfaceReport(uint256 publishedAt,uint256[] words), three words per surface: word 0, word 1 without publishedAt and
/// writtenBlock, word 2 without status but with the key from bit 200 on; domain: name "Plimsoll Surfaces", version "1", chainId,
/// verifyingContract.
interface IVolatilityFeed is ISignedReports {
    /// @notice Why a surface was not stored. The event's `value` is what was wrong, `limit` what it was compared with.
    /// @dev In the order in which they are looked for.
    /// MarketUnknown: the market has no rules. ExpiryPassed, ExpiryTooFar: seconds since 1970. Rho: |ρ| < 1. Slope: b ≥ 0.
    /// Sigma: from 0.001 to 16. Centre: |m| at most 4. Forward: not zero. Tau: half a minute or more, and within ten minutes of
    /// expiry − publishedAt (`limit`). Rate, Carry: within the market's bounds. Confidence: the largest of the three. Variance:
    /// a + bσ√(1 − ρ²) ≥ 0.
    /// VolTooLow: least variance against that of the market's least vol. VolTooHigh: variance at the money.
    /// Wings: b(1 + |ρ|) ≤ 2 in total variance, where g of the last wing turns negative (Lee's moment formula).
    /// ExpiriesFull: the market keeps as many as it can. Butterfly: Durrleman's g(k) ≥ 0 on a grid; `value` is g, `limit` is k. CalendarNearer, CalendarFarther: total variance against that
    /// of the neighbouring expiry at one of the grid's k.
    enum Reason {
        None,
        MarketUnknown,
        ExpiryPassed,
        ExpiryTooFar,
        Rho,
        Slope,
        Sigma,
        Centre,
        Forward,
        Tau,
        Rate,
        Carry,
        Confidence,
        Variance,
        VolTooLow,
        VolTooHigh,
        Wings,
        Butterfly,
        ExpiriesFull,
        CalendarNearer,
        CalendarFarther
    }

    /// @param maxAge Seconds after which a surface is stale: no new risk on it, and it vetoes no neighbour.
    /// @param maxExpiry How far ahead an expiry may lie, minutes.
    /// @param minVol Least volatility of any strike, bps.
    /// @param maxVol Largest volatility at the money, bps.
    /// @param maxBasis |carry − 1| ≤ maxBasis + maxRate · tau; bps.
    /// @param maxRate Largest |rate|, bps per year.
    /// @param maxConfidence Largest of the three confidences, ppm.
    struct Rules {
        uint32 maxAge;
        uint32 maxExpiry;
        uint16 minVol;
        uint24 maxVol;
        uint16 maxBasis;
        uint16 maxRate;
        uint24 maxConfidence;
    }

    /// @dev Status: bits of a surface that takes no new risk; see `read`. Units as in the words.
    struct Surface {
        int256 a;
        int256 b;
        int256 rho;
        int256 m;
        uint256 sigma;
        uint256 forwardRef;
        uint256 tau;
        uint256 publishedAt;
        uint256 writtenBlock;
        uint256 carry;
        int256 rate;
        uint256 forwardConfidence;
        uint256 rateConfidence;
        uint256 volConfidence;
        uint256 status;
    }

    event SurfaceStored(uint256 indexed key, uint256 word0, uint256 word1, uint256 word2);
    event SurfaceRejected(uint256 indexed key, Reason indexed reason, int256 value, int256 limit, uint256 publishedAt);
    event SurfaceRulesSet(uint256 indexed market, Rules rules);
    event SurfacesDisputed(uint256 indexed market, uint256 until);

    error SurfaceKeyUnknown(uint256 key);
    error SurfaceMarketUnknown(uint256 market);
    error SurfacesFromFuture(uint256 publishedAt, uint256 time);
    error SurfacesNotAscending(uint256 key, uint256 previous);
    error SurfaceDisputeTooLong(uint256 until, uint256 maximum);
    error MaxAgeOutOfRange(uint256 maxAge, uint256 minimum, uint256 maximum);
    error MaxExpiryOutOfRange(uint256 maxExpiry, uint256 minimum, uint256 maximum);
    error VolRangeInvalid(uint256 minVol, uint256 maxVol, uint256 least, uint256 largest);
    error MaxBasisOutOfRange(uint256 maxBasis, uint256 maximum);
    error MaxRateOutOfRange(uint256 maxRate, uint256 maximum);
    error MaxConfidenceOutOfRange(uint256 maxConfidence, uint256 maximum);

    /// @notice Verifies a signed report and stores what is newer and free of arbitrage. Not newer, or a key that already changed in this
    /// block: passed over, silently. So is a whole report that was published more than two minutes ago.
    /// @dev The neighbours of an expiry are those after the report: of two surfaces of one report that cross neither is stored.
    function update(bytes calldata report) external;

    /// @notice Restricted. Lists a market, or changes its rules; what is stored stays.
    function setRules(uint256 market, Rules calldata rules) external;

    /// @notice Guardian: a market's surfaces take no new risk until `until`, at most one day ahead; zero ends it.
    function dispute(uint256 market, uint256 until) external;

    /// @notice The three words of each of `keys`, in order, status filled in: 1 stale, 2 disputed, 4 there is none (the words are zero
    /// otherwise). A surface of any status but 4 can still be valued: what is bad about it stops new risk and nothing else.
    function read(uint256[] calldata keys) external view returns (uint256[] memory words);

    /// @param expiry Minutes since 1970.
    function surface(uint256 market, uint256 expiry) external view returns (Surface memory);

    /// @notice Expiries that have a surface and have not passed, ascending, minutes since 1970.
    function expiries(uint256 market) external view returns (uint256[] memory);

    function rules(uint256 market) external view returns (Rules memory);

    function disputedUntil(uint256 market) external view returns (uint256);
}

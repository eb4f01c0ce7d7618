// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedMath} from "../libraries/FixedMath.sol";

/// @title What margin by rule asks of options: thirteen numbers in one word, 16 bits each, bps, and what they may be
/// @dev Lowest first: maxSpot · minSpot · mmCall · mmPut · mmPutMark · unpairedIm · unpairedMm · offset · assetThreshold ·
/// perpThreshold · optionThreshold · confidenceFactor · longShare. Formulas: RuleOptions. Python twin: plimsoll/margin/option_terms.py.
library OptionTerms {
    error SpotRatesUnordered(uint256 minSpot, uint256 maxSpot);
    error CallRateOutOfRange(uint256 mmCall, uint256 minSpot);
    error PutRateOutOfRange(uint256 mmPut, uint256 minSpot);
    error MarkRateOutOfRange(uint256 mmPutMark, uint256 maximum);
    error UnpairedScalesUnordered(uint256 mm, uint256 im);
    error OffsetOutOfRange(uint256 offset, uint256 maximum);
    error AssetThresholdOutOfRange(uint256 threshold, uint256 maximum);
    error PerpThresholdOutOfRange(uint256 threshold, uint256 maximum);
    error OptionThresholdOutOfRange(uint256 threshold, uint256 maximum);
    error ConfidenceFactorOutOfRange(uint256 factor, uint256 maximum);
    error LongShareOutOfRange(uint256 share, uint256 maximum);
    error TermsUnknown(uint256 terms);

    uint256 internal constant BPS = FixedMath.BPS;
    /// @dev An unpaired call is asked for its whole forward, and at most for three times that.
    uint256 internal constant MAX_UNPAIRED = 3 * BPS;
    uint256 internal constant MAX_OFFSET = 2 * BPS;
    /// @dev A mark is no cash: it is never taken for all of its value.
    uint256 internal constant MAX_LONG_SHARE = 9000;
    uint256 private constant _FIELDS = 13;

    /// @notice A short may need up to this share of the spot above its mark: at the money or in it.
    function maxSpot(uint256 terms) internal pure returns (uint256) {
        return terms & 0xffff;
    }

    /// @notice And at least this one, however far out of the money.
    function minSpot(uint256 terms) internal pure returns (uint256) {
        return terms >> 16 & 0xffff;
    }

    function mmCall(uint256 terms) internal pure returns (uint256) {
        return terms >> 32 & 0xffff;
    }

    function mmPut(uint256 terms) internal pure returns (uint256) {
        return terms >> 48 & 0xffff;
    }

    /// @notice The least maintenance of a short put, as a share of its mark.
    function mmPutMark(uint256 terms) internal pure returns (uint256) {
        return terms >> 64 & 0xffff;
    }

    /// @notice What a net short call costs at the worst, in forwards: there is no highest price.
    function unpairedIm(uint256 terms) internal pure returns (uint256) {
        return terms >> 80 & 0xffff;
    }

    function unpairedMm(uint256 terms) internal pure returns (uint256) {
        return terms >> 96 & 0xffff;
    }

    /// @notice Initial margin of a short put, as a share of its maintenance, is at least this.
    function offset(uint256 terms) internal pure returns (uint256) {
        return terms >> 112 & 0xffff;
    }

    /// @notice Below these confidences, initial margin rises; zero: never.
    function assetThreshold(uint256 terms) internal pure returns (uint256) {
        return terms >> 128 & 0xffff;
    }

    function perpThreshold(uint256 terms) internal pure returns (uint256) {
        return terms >> 144 & 0xffff;
    }

    function optionThreshold(uint256 terms) internal pure returns (uint256) {
        return terms >> 160 & 0xffff;
    }

    /// @notice By this share of what is exposed, at no confidence at all.
    function confidenceFactor(uint256 terms) internal pure returns (uint256) {
        return terms >> 176 & 0xffff;
    }

    /// @notice The share of a long option's mark that counts as collateral.
    function longShare(uint256 terms) internal pure returns (uint256) {
        return terms >> 192 & 0xffff;
    }

    /// @notice Whether a confidence leaves less than `threshold`. @param doubt 1 − confidence, ppm.
    function isDoubtful(uint256 doubt, uint256 threshold) internal pure returns (bool) {
        unchecked {
            return doubt > (BPS - threshold) * (FixedMath.PPM / BPS);
        }
    }

    /// @notice What initial margin rises by, up. @param size Quote WAD. @param doubt 1 − confidence, ppm.
    function contingency(uint256 terms, uint256 size, uint256 doubt) internal pure returns (uint256) {
        unchecked {
            return FixedMath.ceilDiv(size * confidenceFactor(terms) * doubt, BPS * FixedMath.PPM);
        }
    }

    /// @dev Whatever the account: IM ≥ IM₀ ≥ MM ≥ 0 (RuleOptions).
    function requireSafe(uint256 terms) internal pure {
        if (terms >> 16 * _FIELDS != 0) revert TermsUnknown(terms);
        _requireRates(terms);
        _requireScales(terms);
        uint256 threshold = assetThreshold(terms);
        if (threshold > BPS) revert AssetThresholdOutOfRange(threshold, BPS);
        threshold = perpThreshold(terms);
        if (threshold > BPS) revert PerpThresholdOutOfRange(threshold, BPS);
        threshold = optionThreshold(terms);
        if (threshold > BPS) revert OptionThresholdOutOfRange(threshold, BPS);
        uint256 factor = confidenceFactor(terms);
        if (factor > BPS) revert ConfidenceFactorOutOfRange(factor, BPS);
        uint256 share = longShare(terms);
        if (share > MAX_LONG_SHARE) revert LongShareOutOfRange(share, MAX_LONG_SHARE);
    }

    function _requireRates(uint256 terms) private pure {
        (uint256 most, uint256 least) = (maxSpot(terms), minSpot(terms));
        if (least == 0 || least > most || most > BPS) revert SpotRatesUnordered(least, most);
        uint256 rate = mmCall(terms);
        if (rate == 0 || rate > least) revert CallRateOutOfRange(rate, least);
        rate = mmPut(terms);
        if (rate == 0 || rate > least) revert PutRateOutOfRange(rate, least);
        rate = mmPutMark(terms);
        if (rate == 0 || rate > BPS) revert MarkRateOutOfRange(rate, BPS);
    }

    function _requireScales(uint256 terms) private pure {
        (uint256 im, uint256 mm) = (unpairedIm(terms), unpairedMm(terms));
        if (mm < BPS || im < mm || im > MAX_UNPAIRED) revert UnpairedScalesUnordered(mm, im);
        uint256 scale = offset(terms);
        if (scale < BPS || scale > MAX_OFFSET) revert OffsetOutOfRange(scale, MAX_OFFSET);
    }
}

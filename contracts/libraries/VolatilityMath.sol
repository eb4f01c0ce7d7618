// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {FixedMath} from "./FixedMath.sol";
import {PriceWord} from "./PriceWord.sol";

/// @title How much a feed moves, and by how much margin is raised for it
/// @dev An EWMA of squared log returns, one sample per interval: the first good price of it. Variances are per interval, in WAD.
/// The multipliers live in the price word (PriceWord: mmFrom, multiplier, phase), so that a check needs no other slot.
/// Python twin: plimsoll/margin/volatility_math.py.
library VolatilityMath {
    uint256 internal constant INTERVAL = 1 hours;
    /// @dev A multiplier of 1, and what one step of a stored code adds to it: 255 is 4.98.
    uint256 internal constant ONE = 2 ** 14;
    uint256 internal constant STEP = 2 ** 8;
    uint256 internal constant MAX_CODE = type(uint8).max;
    /// @dev The weight of a sample is in 2^-24.
    uint256 internal constant WEIGHT_BITS = 24;
    uint256 internal constant MAX_VARIANCE = type(uint72).max;

    uint256 private constant _CODES_PER_ONE = ONE / STEP;
    /// @dev One sample counts for at most (4σ)².
    uint256 private constant _CAP = 16;
    uint256 private constant _INTERVALS_PER_YEAR = 8760;
    uint256 private constant _PHASES_PER_INTERVAL = 128;
    uint256 private constant _MAX_PHASE = type(uint8).max;
    int256 private constant _LN2 = 693_147_180_559_945_309;

    /// @notice What multiplies initial and maintenance margin at `time`; 2^14 is 1. IM rises at once, MM along a ramp of one interval.
    function multipliers(uint256 word, uint256 time) internal pure returns (uint256 im, uint256 mm) {
        // Calm, as almost always: both codes are zero.
        if (word >> 232 & type(uint16).max == 0) return (ONE, ONE);
        uint256 from = PriceWord.mmFrom(word) * STEP;
        uint256 to = PriceWord.multiplier(word) * STEP;
        uint256 start = rampStart(word);
        uint256 elapsed = time > start ? FixedPointMathLib.min(time - start, INTERVAL) : 0;
        // Down on the way up, up on the way down: never ahead of the ramp either way.
        mm = ONE + (to > from ? from + (to - from) * elapsed / INTERVAL : from - (from - to) * elapsed / INTERVAL);
        im = FixedPointMathLib.max(ONE + to, mm);
    }

    /// @notice When MM began to move from `mmFrom` to `multiplier`: at the last sample or up to half a minute after.
    /// @dev The last sample's interval is that of the price, whichever price of the interval this is.
    function rampStart(uint256 word) internal pure returns (uint256) {
        uint256 published = PriceWord.publishedAt(word);
        return
            published - published % INTERVAL + FixedMath.ceilDiv(PriceWord.phase(word) * INTERVAL, _PHASES_PER_INTERVAL);
    }

    /// @notice Whether a price published at `publishedAt` is the first of its interval.
    function isDue(uint256 word, uint256 publishedAt) internal pure returns (bool) {
        return publishedAt / INTERVAL > PriceWord.publishedAt(word) / INTERVAL;
    }

    /// @notice Whether a ramp that starts at `time` can be told from the price word. Reports are fresh; answers of a polled source
    /// may be older than that, and then are no samples.
    function isTimely(uint256 publishedAt, uint256 time) internal pure returns (bool) {
        unchecked {
            return time <= publishedAt - publishedAt % INTERVAL + _MAX_PHASE * INTERVAL / _PHASES_PER_INTERVAL;
        }
    }

    /// @notice The three volatility fields of the price word, in place, after a sample taken at `time` of a price published at
    /// `publishedAt` that asks for `code`. MM starts where its ramp has come to, rounded down: a sample never moves it up.
    function sampled(uint256 word, uint256 code, uint256 publishedAt, uint256 time) internal pure returns (uint256) {
        if (code | PriceWord.volatility(word) == 0) return 0; // at rest, and stays there
        (, uint256 mm) = multipliers(word, time);
        if (code == 0 && mm < ONE + STEP) return 0;
        uint256 opened = publishedAt - publishedAt % INTERVAL;
        uint256 offset = time > opened ? time - opened : 0;
        uint256 phase = FixedMath.ceilDiv(offset * _PHASES_PER_INTERVAL, INTERVAL);
        return PriceWord.packVolatility((mm - ONE) / STEP, code, phase);
    }

    /// @notice The same for a price that opens an interval and is no sample: both multipliers stay where MM has come to.
    function held(uint256 word, uint256 time) internal pure returns (uint256) {
        (, uint256 mm) = multipliers(word, time);
        uint256 code = (mm - ONE) / STEP;
        return PriceWord.packVolatility(code, code, 0);
    }

    /// @notice `word` as it would be if a good report of `value` came at `time` and moved neither multiplier.
    function reported(uint256 word, uint256 value, uint256 time) internal pure returns (uint256) {
        uint256 fields =
            isDue(word, time) ? sampled(word, PriceWord.multiplier(word), time, time) : PriceWord.volatility(word);
        return PriceWord.pack(value, 0, time, time, PriceWord.writtenBlock(word), 0, 0) | fields;
    }

    /// @notice The variance after a return from `last` to `price` over `elapsed` seconds, rounded up.
    /// @param basis The variance at σ_ref; also what the cap is measured by while the market is calmer than that.
    /// @dev The square is brought to one interval, and over less than one it weighs less in proportion: a late sample makes the next
    /// one no louder. So neither the moment of a sample nor a missed one moves the estimate's mean.
    /// Prices and variances are below 2^72, squares below 2^72 and times below 2^32: nothing overflows.
    function next(uint256 variance, uint256 basis, uint256 weight, uint256 price, uint256 last, uint256 elapsed)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            uint256 square = squaredReturn(price, last);
            if (elapsed < INTERVAL) weight = weight * elapsed / INTERVAL;
            if (elapsed != INTERVAL) square = FixedPointMathLib.rawDiv(square * INTERVAL, elapsed);
            uint256 cap = _CAP * (variance > basis ? variance : basis);
            if (square > cap) square = cap;
            uint256 one = 2 ** WEIGHT_BITS;
            uint256 mean = (variance * (one - weight) + square * weight + one - 1) >> WEIGHT_BITS;
            return mean > MAX_VARIANCE ? MAX_VARIANCE : mean;
        }
    }

    /// @notice ln(price / last)² in WAD, rounded down. Both below 2^72.
    function squaredReturn(uint256 price, uint256 last) internal pure returns (uint256) {
        unchecked {
            uint256 ratio = FixedPointMathLib.rawDiv(price * FixedMath.WAD, last);
            // The smallest ratio there is instead of zero, which has no logarithm.
            int256 log = FixedPointMathLib.lnWad(int256(ratio == 0 ? 1 : ratio));
            return uint256(log * log) / FixedMath.WAD;
        }
    }

    /// @notice clamp(σ / σ_ref, 1, cap) as a code, rounded up.
    function codeOf(uint256 variance, uint256 basis, uint256 maxCode) internal pure returns (uint256) {
        if (variance <= basis) return 0;
        uint256 square = FixedMath.ceilDiv(variance * _CODES_PER_ONE ** 2, basis);
        uint256 root = FixedPointMathLib.sqrt(square);
        if (root * root < square) ++root;
        return FixedPointMathLib.min(root - _CODES_PER_ONE, maxCode);
    }

    /// @notice The variance per interval of `sigma` bps per √year, rounded down.
    function varianceOf(uint256 sigma) internal pure returns (uint256) {
        unchecked {
            return sigma * sigma * (FixedMath.WAD / FixedMath.BPS ** 2) / _INTERVALS_PER_YEAR; // of 16 bits
        }
    }

    /// @notice The σ of `variance`, bps per √year, rounded down.
    function sigmaOf(uint256 variance) internal pure returns (uint256) {
        return FixedPointMathLib.sqrt(variance * _INTERVALS_PER_YEAR / (FixedMath.WAD / FixedMath.BPS ** 2));
    }

    /// @notice The weight of one sample that halves what came before in `halfLife` intervals: 1 − 2^(−1/halfLife), rounded up.
    function weightOf(uint256 halfLife) internal pure returns (uint256) {
        uint256 kept = uint256(FixedPointMathLib.expWad(-_LN2 / int256(halfLife)));
        return 2 ** WEIGHT_BITS - (kept << WEIGHT_BITS) / FixedMath.WAD;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {FixedMath} from "./FixedMath.sol";

/// @title European options on a forward, a whole expiry in one pass
/// @dev call = F·Φ(d1) − K·Φ(d2), undiscounted, with d1 = ln(F/K)/v + v/2, d2 = d1 − v and v = σ√T the total volatility. A put is a call by
/// parity: put = call − F + K. Within 1e-9 of the forward of the exact value for every input; nothing reverts.
/// Units: prices and strikes 1e-10 quote, below 2^128 (in a strip 2^80), quantities 1e-8, so that quantity × price is WAD exactly;
/// logarithms and v in Q64 (2^64 = 1). Φ comes from a table of cubics over steps of 1/56 (NormalTable), and d is measured in such steps.
/// Python twin: plimsoll/margin/black76.py.
///
/// A record of one strike is 8 words: ln(K/F) · K · net quantity, calls and puts together · five volatility words, one per kind.
/// A strip is an array of records of one expiry. The order of records does not matter.
library Black76 {
    uint256 internal constant RECORD_WORDS = 8;
    uint256 internal constant RECORD_BYTES = 256;
    /// @dev Volatility kinds: which of a record's five volatility words to read.
    uint256 internal constant KINDS = 5;

    uint256 internal constant ONE = 2 ** 64;
    uint256 internal constant STEPS_PER_UNIT = 56;
    /// @dev The table covers [−384/56, 383/56): Φ is 3.5e-12 and 1 − 4e-12 at its ends.
    uint256 internal constant STEPS = 767;
    uint256 internal constant TABLE_BYTES = 24_544;
    /// @dev Total volatility is held within [2^-48, 24].
    uint256 internal constant MIN_TOTAL_VOL = 2 ** 16;
    uint256 internal constant MAX_TOTAL_VOL = 24 * ONE;

    int256 private constant _MAX_LOG = 100 * int256(ONE);
    uint256 private constant _HALF_MASK = 0xffffffffffffffffffffffff;
    /// @dev d = 0 and the last point of the table, in steps, Q40, from its beginning.
    int256 private constant _ORIGIN = 0x1800000000000;
    int256 private constant _LAST = 0x2feffffffffff;
    /// @dev Past K = e^4·F the table's error, multiplied by K, would be too much.
    int256 private constant _FAR = 0x40000000000000000;
    uint256 private constant _SQRT_2PI = 2_506_628_274_631_000_502;
    uint256 private constant _STEP_MASK = 0xffffffffff;

    /* TABLE */

    /// @notice Loads the table of `source` (NormalTable) into memory: once per check, 3 gas a word and its memory.
    /// @return table Where it lies; what every function below takes.
    function load(address source) internal view returns (uint256 table) {
        assembly ("memory-safe") {
            table := mload(0x40)
            mstore(0x40, add(table, TABLE_BYTES))
            extcodecopy(source, table, 1, TABLE_BYTES)
        }
    }

    /* RECORDS */

    /// @notice Reserves `count` records in a row, every word to be written by the caller.
    function allocate(uint256 count) internal pure returns (uint256 first) {
        assembly ("memory-safe") {
            first := mload(0x40)
            mstore(0x40, add(first, mul(count, RECORD_BYTES)))
        }
    }

    /// @notice Writes the first three words of the record at `at`.
    function record(uint256 at, int256 log, uint256 strike, int256 quantity) internal pure {
        assembly ("memory-safe") {
            mstore(at, log)
            mstore(add(at, 0x20), strike)
            mstore(add(at, 0x40), quantity)
        }
    }

    /// @notice Writes the volatility of one kind into the record at `at`: what `volWord` made.
    function setVol(uint256 at, uint256 kind, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(at, 0x60), shl(5, kind)), word)
        }
    }

    /// @notice ln(K/F) in Q64, within 3e-18. A strike or forward of zero is e^±100 away.
    function logMoneyness(uint256 strike, uint256 forward) internal pure returns (int256) {
        unchecked {
            if (strike == forward) return 0;
            if (forward == 0) return _MAX_LOG;
            if (strike == 0) return -_MAX_LOG;
            // Of a ratio above 1, where 18 digits are the most.
            if (strike < forward) return -_log(forward * 1e18 / strike);
            return _log(strike * 1e18 / forward);
        }
    }

    /// @notice v = σ√T in Q64 from σ and √T in WAD, rounded down. Both below 2^96.
    function totalVol(uint256 sigma, uint256 sqrtYears) internal pure returns (uint256) {
        unchecked {
            return (sigma * sqrtYears << 64) / 1e36;
        }
    }

    /// @notice A record's volatility word of v in Q64: v/2 in steps of the table, Q40, in the low 96 bits, and above it 56/v, Q64.
    function volWord(uint256 v) internal pure returns (uint256) {
        unchecked {
            // Almost never, and to choose costs more than to ask.
            if (v - MIN_TOTAL_VOL > MAX_TOTAL_VOL - MIN_TOTAL_VOL) {
                v = v < MIN_TOTAL_VOL ? MIN_TOTAL_VOL : MAX_TOTAL_VOL;
            }
            return (STEPS_PER_UNIT * 2 ** 128 / v << 96) | (v * (STEPS_PER_UNIT / 2) >> 24);
        }
    }

    /* A STRIP */

    /// @notice Σ quantity · call of `count` records in a row, WAD: calls to 2^-62 of a unit of price, the sum rounded down.
    /// @dev Of forwards and strikes below 2^80.
    /// @param table What `load` returned.
    /// @param first Where the first record lies.
    /// @param volKind Which of their volatility words to take.
    /// @param lnShock ln of what the forward was multiplied by since ln(K/F) was taken, Q64.
    /// @param forward The forward after that.
    function strip(uint256 table, uint256 first, uint256 count, uint256 volKind, int256 lnShock, uint256 forward)
        internal
        pure
        returns (int256 sum)
    {
        unchecked {
            uint256 end = first + count * RECORD_BYTES;
            uint256 offset = (3 + volKind) << 5;
            while (true) {
                (first, sum) = _run(table, first, end, offset, lnShock, forward, sum);
                if (first == end) return sum >> 62;
                sum += _edge(table, first, offset, lnShock, forward);
                first += RECORD_BYTES;
            }
        }
    }

    /// @notice One call, 2^-62 of a unit of price, as `strip` has it, with the two words of the table taken out of the code of `source`: for few
    /// strikes that costs less than `load`.
    /// @return known False where the table alone would not do: then `strip` does.
    function single(address source, int256 log, uint256 strike, uint256 word, int256 lnShock, uint256 forward)
        internal
        view
        returns (bool known, int256 value)
    {
        unchecked {
            (int256 up, int256 low) = _steps(log - lnShock, word);
            if (up > _LAST || low < 0 || log - lnShock > _FAR) return (false, 0);
            int256 difference = int256(_copied(source, up) * forward) - int256(_copied(source, low) * strike);
            return (true, difference >> 104);
        }
    }

    /// @dev `_normal` of the one word that it needs.
    function _copied(address source, int256 u) private view returns (uint256) {
        uint256 offset = uint256(u) >> 35 & 0x7fe0;
        assembly ("memory-safe") {
            extcodecopy(source, 0, add(offset, 1), 32)
        }
        unchecked {
            // The table would begin so far before address zero that its word lies there.
            return _normal(0 - offset, u);
        }
    }

    /// @dev Adds the records from `at` on, up to the first that the table alone does not do: `_edge` takes that one. Written out, with names that
    /// serve twice: every place less on the stack saves some gas of each record. d is in steps, Q40, from the table's beginning.
    /// Φ(u) = ((c3·t + c2)·t + c1)·t + c0 without a shift: a word of the table holds the coefficients in fields of 40 bits, and t, the
    /// fraction of a step, has 40 bits, so that each product lands on the field above. What lies below the field is less than its unit.
    function _run(uint256 table, uint256 at, uint256 end, uint256 offset, int256 lnShock, uint256 forward, int256 sum)
        private
        pure
        returns (uint256, int256)
    {
        assembly ("memory-safe") {
            for {} iszero(eq(at, end)) { at := add(at, 0x100) } {
                let word := mload(add(at, offset))
                let low := sub(mload(at), lnShock)
                let far := sgt(low, _FAR)
                let up := sub(_ORIGIN, sar(88, mul(low, shr(96, word))))
                word := and(word, _HALF_MASK)
                low := sub(up, word)
                up := add(up, word)
                if or(or(gt(up, _LAST), slt(low, 0)), far) {
                    // Beyond either end nothing is in doubt: it is worth nothing, or what it would pay now.
                    if slt(up, 0) { continue }
                    if iszero(sgt(low, _LAST)) { break }
                    low := sub(forward, mload(add(at, 0x20)))
                    sum := add(sum, mul(shl(62, mul(sgt(low, 0), low)), mload(add(at, 0x40))))
                    continue
                }

                // F·Φ(d1)
                word := mload(add(table, and(shr(35, up), 0x7fe0)))
                up := and(up, _STEP_MASK)
                let value := add(mul(signextend(4, word), up), signextend(9, word))
                value := add(mul(value, up), signextend(14, word))
                value := mul(add(mul(value, up), word), forward)

                // K·Φ(d2), written out again: a call would take 30 gas.
                word := mload(add(table, and(shr(35, low), 0x7fe0)))
                low := and(low, _STEP_MASK)
                up := add(mul(signextend(4, word), low), signextend(9, word))
                up := add(mul(up, low), signextend(14, word))
                value := sub(value, mul(add(mul(up, low), word), mload(add(at, 0x20))))
                sum := add(sum, mul(sar(104, value), mload(add(at, 0x40))))
            }
        }
        return (at, sum);
    }

    /// @dev Quantity · call in 2^-62 of the record at `at`, where a table alone would not do.
    function _edge(uint256 table, uint256 at, uint256 offset, int256 lnShock, uint256 forward)
        private
        pure
        returns (int256)
    {
        uint256 word;
        int256 x;
        uint256 strike;
        int256 quantity;
        assembly ("memory-safe") {
            word := mload(add(at, offset))
            x := sub(mload(at), lnShock)
            strike := mload(add(at, 0x20))
            quantity := mload(add(at, 0x40))
        }
        (int256 up, int256 low) = _steps(x, word);
        unchecked {
            return quantity * int256(_value(table, up, low, x, forward, strike));
        }
    }

    /* ONE OPTION */

    /// @notice A call and the put of the same strike, 1e-10 quote: the call to the nearest unit, half a unit up, the put by parity.
    /// @param v Total volatility σ√T, Q64.
    function price(uint256 table, uint256 forward, uint256 strike, uint256 v)
        internal
        pure
        returns (uint256 call, uint256 put)
    {
        unchecked {
            int256 x = logMoneyness(strike, forward);
            (int256 up, int256 low) = _steps(x, volWord(v));
            call = (_value(table, up, low, x, forward, strike) + 2 ** 61) >> 62;
            put = call + strike - forward;
        }
    }

    /// @notice What a call moves by. A put has the same but for delta, which is less by one.
    /// @param secs Time to expiry, seconds; none gives no theta.
    /// @return delta Per unit of the forward, WAD.
    /// @return gamma Of delta per quote of the forward, WAD.
    /// @return vega Per 1.00 of annual volatility, quote in WAD.
    /// @return theta Per day, quote in WAD: what time takes, negative.
    function greeks(uint256 table, uint256 forward, uint256 strike, uint256 v, uint256 secs)
        internal
        pure
        returns (int256 delta, uint256 gamma, uint256 vega, int256 theta)
    {
        unchecked {
            v = FixedPointMathLib.clamp(v, MIN_TOTAL_VOL, MAX_TOTAL_VOL);
            (int256 up,) = _steps(logMoneyness(strike, forward), volWord(v));
            if (up < 0) return (0, 0, 0, 0);
            if (up > _LAST) return (1e18, 0, 0, 0);
            delta = int256((_normal(table, up) >> 104) * 1e18 >> 62);
            // φ(d1), and F·φ(d1) in quote, both WAD.
            uint256 density = _density(up) * 1e18 / _SQRT_2PI;
            uint256 scale = density * forward / 1e10;
            if (forward != 0) gamma = (density * 1e10 << 64) / (forward * v);
            vega = scale * FixedMath.sqrtYears(secs) / 1e18;
            if (secs != 0) theta = -int256((scale * v >> 65) * 1 days / secs);
        }
    }

    /// @dev d1 and d2 in steps, Q40, counted from the table's beginning.
    function _steps(int256 x, uint256 word) private pure returns (int256 up, int256 low) {
        unchecked {
            int256 middle = _ORIGIN - (x * int256(word >> 96) >> 88);
            int256 half = int256(word & _HALF_MASK);
            return (middle + half, middle - half);
        }
    }

    /// @dev e^(−d1²/2), WAD.
    function _density(int256 up) private pure returns (uint256) {
        unchecked {
            int256 d = (up - _ORIGIN) * 2 ** 24 / int256(STEPS_PER_UNIT);
            return uint256(FixedPointMathLib.expWad(-(d * d >> 64) * 1e18 >> 65));
        }
    }

    /// @dev One call in 2^-62 for every input: beyond the table's ends, and at a strike past e^4 forwards, where K·Φ(d2) takes more.
    function _value(uint256 table, int256 up, int256 low, int256 x, uint256 forward, uint256 strike)
        private
        pure
        returns (uint256 value)
    {
        unchecked {
            if (up < 0) return 0;
            uint256 intrinsic = forward > strike ? forward - strike << 62 : 0;
            if (low > _LAST) return intrinsic;
            uint256 phi = up > _LAST ? 2 ** 62 : _normal(table, up) >> 104;
            if (x > _FAR) {
                if (up > _LAST) return forward << 62;
                uint256 psi = _farNormal(up, low);
                return phi > psi ? (phi - psi) * forward : 0;
            }
            value = phi * forward;
            uint256 cost = low < 0 ? 0 : (_normal(table, low) >> 104) * strike;
            value = value > cost ? value - cost : 0;
            if (value < intrinsic) value = intrinsic;
        }
    }

    /// @dev K·Φ(d2)/F = φ(d1)·M(−d2) in 2^-62, with Mills' ratio M as a rational function, within 1e-10 of it from 2.82 on.
    function _farNormal(int256 up, int256 low) private pure returns (uint256) {
        unchecked {
            uint256 z = uint256(_ORIGIN - low) * 2 ** 24 / STEPS_PER_UNIT;
            uint256 p = 7_359_187_717_527_469_180 * z >> 64;
            p = (p + 49_949_502_468_208_917_301) * z >> 64;
            p = (p + 188_564_619_317_550_513_040) * z >> 64;
            p = (p + 382_903_330_668_409_366_908) * z >> 64;
            p += 368_098_493_808_227_068_931;
            uint256 q = z + 125_205_147_247_495_711_224;
            q = (q * z >> 64) + 491_097_292_089_157_027_598;
            q = (q * z >> 64) + 1_085_221_330_203_428_147_602;
            q = (q * z >> 64) + 1_355_554_638_900_731_081_198;
            q = (q * z >> 64) + 735_452_460_396_812_972_312;
            return (_density(up) * p << 62) / (q * 1e18);
        }
    }

    /// @dev Φ in 2^-166 at `u` steps, Q40, counted from the table's beginning.
    function _normal(uint256 table, int256 u) private pure returns (uint256 phi) {
        assembly ("memory-safe") {
            let word := mload(add(table, and(shr(35, u), 0x7fe0)))
            let t := and(u, _STEP_MASK)
            phi := add(mul(signextend(4, word), t), signextend(9, word))
            phi := add(mul(phi, t), signextend(14, word))
            phi := add(mul(phi, t), word)
        }
    }

    function _log(uint256 ratio) private pure returns (int256) {
        unchecked {
            return FixedPointMathLib.lnWad(int256(ratio)) * int256(ONE) / 1e18;
        }
    }
}

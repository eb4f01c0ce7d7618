// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {FixedMath} from "./FixedMath.sol";

/// @title European options on a forward, a whole expiry in one pass
/// @dev call = F·Φ(d1) − K·Φ(d2), undiscounted, with d1 = ln(F/K)/v + v/2, d2 = d1 − v and v = σ√T the total volatility. A put is a call by
/// parity: put = call − F + K. Within 1e-9 of the forward of the exact value for every input; nothing reverts.
/// Units: prices and strikes 1e-10 quote below 2^128, quantities 1e-8, so quantity × price is WAD exactly; logarithms and v in Q64
/// (2^64 = 1); Φ in 2^-62. Φ comes from a table of cubics over steps of 1/56 (NormalTable), and d is measured in such steps.
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
    uint256 private constant _LOW_MASK = 0xffffffffffffffffffffffff;
    /// @dev d = 0 and the last point of the table, in steps, Q64, from its beginning.
    int256 private constant _ORIGIN = 0x1800000000000000000;
    int256 private constant _LAST = int256(STEPS * ONE) - 1;
    /// @dev Past K = e^4·F the table's error, multiplied by K, is too much.
    int256 private constant _FAR = 4 * int256(ONE);
    uint256 private constant _SQRT_2PI = 2_506_628_274_631_000_502;
    uint256 private constant _STEP_MASK = 0xffffffffffffffff;
    uint256 private constant _CUBIC_MASK = 0xffffffffffffffffffffffffffffffffffffffffffffffff;

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

    /// @notice A record's volatility word of v in Q64: v/2 in steps of the table, Q64, in the low 96 bits, and above it 1/v in steps, Q64.
    function volWord(uint256 v) internal pure returns (uint256) {
        unchecked {
            v = FixedPointMathLib.clamp(v, MIN_TOTAL_VOL, MAX_TOTAL_VOL);
            return (STEPS_PER_UNIT * 2 ** 128 / v << 96) | v * (STEPS_PER_UNIT / 2);
        }
    }

    /* A STRIP */

    /// @notice Σ quantity · call of `count` records in a row, WAD, rounded down once.
    /// @param table What `load` returned.
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
            uint256 volOffset = 0x60 + 32 * volKind;
            for (uint256 at = first; at < end; at += RECORD_BYTES) {
                int256 y;
                int256 up;
                int256 low;
                assembly ("memory-safe") {
                    let word := mload(add(at, volOffset))
                    y := sub(lnShock, mload(at))
                    let middle := add(sar(64, mul(y, shr(96, word))), _ORIGIN)
                    let half := and(word, _LOW_MASK)
                    up := add(middle, half)
                    low := sub(middle, half)
                }
                if ((_LAST - up) | low | (y + _FAR) < 0) {
                    sum += _quantity(at) * int256(_value(table, up, low, y, forward, _strike(at)));
                    continue;
                }
                assembly ("memory-safe") {
                    let word := mload(add(table, shl(5, shr(64, up))))
                    let t := and(up, _STEP_MASK)
                    let phi :=
                        mul(
                            add(mul(add(mul(signextend(7, word), t), signextend(15, word)), t), and(word, _CUBIC_MASK)),
                            t
                        )
                    let value := mul(shr(192, add(phi, word)), forward)
                    word := mload(add(table, shl(5, shr(64, low))))
                    t := and(low, _STEP_MASK)
                    phi := mul(
                        add(mul(add(mul(signextend(7, word), t), signextend(15, word)), t), and(word, _CUBIC_MASK)),
                        t
                    )
                    let k := mload(add(at, 0x20))
                    value := sub(value, mul(shr(192, add(phi, word)), k))
                    let inner := sub(forward, k)
                    inner := shl(62, mul(inner, sgt(inner, 0)))
                    value := sub(value, inner)
                    value := add(mul(value, sgt(value, 0)), inner)
                    sum := add(sum, mul(value, mload(add(at, 0x40))))
                }
            }
            return sum >> 62;
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
            int256 y = -logMoneyness(strike, forward);
            (int256 up, int256 low) = _steps(y, volWord(v));
            call = (_value(table, up, low, y, forward, strike) + 2 ** 61) >> 62;
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
            (int256 up,) = _steps(-logMoneyness(strike, forward), volWord(v));
            if (up < 0) return (0, 0, 0, 0);
            if (up > _LAST) return (1e18, 0, 0, 0);
            delta = int256(_normal(table, uint256(up)) * 1e18 >> 62);
            // φ(d1), and F·φ(d1) in quote, both WAD.
            uint256 density = _density(up) * 1e18 / _SQRT_2PI;
            uint256 scale = density * forward / 1e10;
            if (forward != 0) gamma = (density * 1e10 << 64) / (forward * v);
            vega = scale * FixedMath.sqrtYears(secs) / 1e18;
            if (secs != 0) theta = -int256((scale * v >> 65) * 1 days / secs);
        }
    }

    /// @dev d1 and d2 in steps, Q64, counted from the table's beginning.
    function _steps(int256 y, uint256 word) private pure returns (int256 up, int256 low) {
        unchecked {
            int256 middle = (y * int256(word >> 96) >> 64) + _ORIGIN;
            int256 half = int256(word & _LOW_MASK);
            return (middle + half, middle - half);
        }
    }

    /// @dev e^(−d1²/2), WAD.
    function _density(int256 up) private pure returns (uint256) {
        unchecked {
            int256 d = (up - _ORIGIN) / int256(STEPS_PER_UNIT);
            return uint256(FixedPointMathLib.expWad(-(d * d >> 64) * 1e18 >> 65));
        }
    }

    /// @dev One call in 2^-62 for every input: beyond the table's ends, and at a strike past e^4 forwards, where K·Φ(d2) takes more.
    function _value(uint256 table, int256 up, int256 low, int256 y, uint256 forward, uint256 strike)
        private
        pure
        returns (uint256 value)
    {
        unchecked {
            if (up < 0) return 0;
            uint256 intrinsic = forward > strike ? forward - strike << 62 : 0;
            if (low > _LAST) return intrinsic;
            uint256 phi = up > _LAST ? 2 ** 62 : _normal(table, uint256(up));
            if (y + _FAR < 0) {
                if (up > _LAST) return forward << 62;
                uint256 psi = _farNormal(up, low);
                return phi > psi ? (phi - psi) * forward : 0;
            }
            value = phi * forward;
            uint256 cost = low < 0 ? 0 : _normal(table, uint256(low)) * strike;
            value = value > cost ? value - cost : 0;
            if (value < intrinsic) value = intrinsic;
        }
    }

    /// @dev K·Φ(d2)/F = φ(d1)·M(−d2) in 2^-62, with Mills' ratio M as a rational function, within 1e-10 of it from 2.82 on.
    function _farNormal(int256 up, int256 low) private pure returns (uint256) {
        unchecked {
            uint256 z = uint256(_ORIGIN - low) / STEPS_PER_UNIT;
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

    /// @dev Φ in 2^-62 at `u` steps, Q64, counted from the table's beginning.
    function _normal(uint256 table, uint256 u) private pure returns (uint256 phi) {
        assembly ("memory-safe") {
            let word := mload(add(table, shl(5, shr(64, u))))
            let t := and(u, _STEP_MASK)
            phi := add(mul(signextend(7, word), t), signextend(15, word))
            phi := add(mul(phi, t), and(word, _CUBIC_MASK))
            phi := shr(192, add(mul(phi, t), word))
        }
    }

    function _strike(uint256 at) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(at, 0x20))
        }
    }

    function _quantity(uint256 at) private pure returns (int256 word) {
        assembly ("memory-safe") {
            word := mload(add(at, 0x40))
        }
    }

    function _log(uint256 ratio) private pure returns (int256) {
        unchecked {
            return FixedPointMathLib.lnWad(int256(ratio)) * int256(ONE) / 1e18;
        }
    }
}

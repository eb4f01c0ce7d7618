// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {Black76} from "../libraries/Black76.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {SviMath} from "../libraries/SviMath.sol";
import {Words} from "../libraries/Words.sol";
import {PortfolioBook as B} from "./PortfolioBook.sol";
import {PortfolioParameters as P} from "./PortfolioParameters.sol";

/// @title The strikes of one expiry of an account, with the volatilities that scenarios ask for
/// @dev Part of OptionStrips; Python twin: plimsoll/margin/strike_records.py. One record per strike: a put is a call less a forward, so calls
/// and puts of a strike are one quantity, and a strike where they cancel needs no record at all.
library StrikeRecords {
    error OptionsMissing(uint256 options, uint256 expected);

    /// @dev forward: 1e-10, at the present spot. share: of a shock that the forward still takes, WAD. root: √years, WAD. discount: of the mark,
    /// WAD; long, short: the static discounts with it, for a positive and a negative value. first, count: the records. puts: Σ
    /// quantity of puts; strikes: the same times strike, quote WAD. naked, gross: Σ of quantities. worths: undiscounted,
    /// as it is and after both basis shocks.
    struct Expiry {
        uint256 spot;
        uint256 secs;
        uint256 forward;
        uint256 share;
        uint256 root;
        int256 discount;
        int256 long;
        int256 short;
        uint256 first;
        uint256 count;
        int256 puts;
        int256 strikes;
        uint256 naked;
        uint256 gross;
        bool shorts;
        int256 mark;
        int256[3] worths;
    }

    /// @dev scale: total variance per variance of the surface, 2^128.
    /// lnForward, lnReference: of the forward and the smile's own, WAD. up, down: factors of total volatility, WAD; least: the least
    /// total volatility of an upward shock, Q64. slopes: skew per unit of log-moneyness and caps: how far it goes, Q64. reach:
    /// SviMath's. root, vol: of the strike before, from which the next one's roots are found.
    struct Smile {
        SviMath.Smile svi;
        uint256 scale;
        int256 lnForward;
        int256 lnReference;
        uint256 kinds;
        uint256 up;
        uint256 down;
        uint256 least;
        int256 slopeLinear;
        int256 capLinear;
        int256 slopeAbsolute;
        int256 capAbsolute;
        int256 reach;
        uint256 root;
        uint256 vol;
    }

    int256 private constant _WAD = 1e18;
    /// @dev The exponent of a volatility shock stays below this, WAD: beyond it no power makes sense.
    int256 private constant _POWER_LIMIT = 40e18;
    uint256 private constant _CODE = 0xfffffff;

    /// @notice WAD to Q64, toward zero.
    function q64(int256 x) internal pure returns (int256) {
        unchecked {
            return (x << 64) / _WAD;
        }
    }

    // ---------------------------------------------------------------- volatility

    /// @notice What all strikes of an expiry share, from the surface's first two words.
    function smileOf(Smile memory smile, Expiry memory x, B.Group memory g, uint256 first, uint256 second)
        internal
        pure
    {
        unchecked {
            smile.kinds = g.kinds;
            smile.lnForward = FixedPointMathLib.lnWad(int256(x.forward * 1e8));
            SviMath.Smile memory svi = smile.svi;
            (svi.a, svi.b) = (int64(uint64(first)), int64(uint64(first >> 64)));
            (svi.rho, svi.m) = (int64(uint64(first >> 128)), int64(uint64(first >> 192)));
            svi.sigma = int256(second & type(uint64).max);
            smile.reach = SviMath.reach(svi);
            uint256 tau = second >> 136 & type(uint64).max;
            smile.scale = tau == 0 ? 0 : (x.secs << 128) / (FixedMath.YEAR * tau);
            uint256 origin = second >> 64 & type(uint72).max;
            smile.lnReference = origin == 0 ? smile.lnForward : FixedPointMathLib.lnWad(int256(origin * 1e8));
            _shocks(smile, x, g);
            if (g.kinds >> P.LINEAR != 0) _skews(smile, x, g);
        }
    }

    function _shocks(Smile memory smile, Expiry memory x, B.Group memory g) private pure {
        unchecked {
            uint256 power = B.field(g, 1, x.secs <= 30 days ? 0 : 1);
            uint256 secs = FixedPointMathLib.max(FixedPointMathLib.max(x.secs, B.field(g, 1, 2)), 1);
            int256 exponent = FixedPointMathLib.lnWad(int256(30 days * uint256(_WAD) / secs)) * int256(power) / _WAD;
            if (exponent > _POWER_LIMIT) exponent = _POWER_LIMIT;
            uint256 scale = uint256(FixedPointMathLib.expWad(exponent));
            smile.up = uint256(_WAD) + B.field(g, 0, 0) * scale / uint256(_WAD);
            uint256 less = B.field(g, 0, 1) * scale / uint256(_WAD);
            smile.down = less < uint256(_WAD) ? uint256(_WAD) - less : 0;
            smile.least = (B.field(g, 0, 2) * x.root / uint256(_WAD) << 64) / uint256(_WAD);
        }
    }

    function _skews(Smile memory smile, Expiry memory x, B.Group memory g) private pure {
        unchecked {
            int256 root = int256(x.root);
            int256 star = B.down(B.signedField(g, 3, 0), root) + int256(B.field(g, 2, 2));
            star = B.down(B.down(root, int256(B.field(g, 2, 1))), star);
            star = FixedPointMathLib.max(star, int256(FixedPointMathLib.max(B.field(g, 2, 0), 1)));
            int256 cap = B.down(B.signedField(g, 3, 2), root) + int256(B.field(g, 3, 1));
            (smile.slopeLinear, smile.capLinear) = ((cap << 64) / star, q64(cap));
            cap = B.down(B.signedField(g, 4, 1), root) + int256(B.field(g, 4, 0));
            (smile.slopeAbsolute, smile.capAbsolute) = ((cap << 64) / star, q64(cap));
        }
    }

    function _skewed(uint256 vol, int256 k, int256 slope, int256 cap) private pure returns (uint256) {
        unchecked {
            int256 more = k * slope >> 64;
            more = k < 0 ? FixedPointMathLib.max(-cap, more) : FixedPointMathLib.min(cap, more);
            more += int256(1 << 64);
            return more > 0 ? vol * uint256(more) >> 64 : 0;
        }
    }

    // ---------------------------------------------------------------- records

    /// @notice Writes the records of the options from `next` to `end`, and what they sum to.
    function write(Expiry memory x, Smile memory smile, uint256[] calldata options, uint256 next, uint256 end)
        internal
        pure
    {
        unchecked {
            if (end > options.length) revert OptionsMissing(options.length, end);
            (x.puts, x.strikes, x.naked, x.gross) = (0, 0, 0, 0);
            assembly ("memory-safe") {
                next := add(options.offset, shl(5, next))
                end := add(options.offset, shl(5, end))
            }
            uint256 at = x.first;
            int256 sum;
            while (next != end) {
                next = _strike(x, at, next, end);
                int256 net = int256(Words.get(at + 64));
                if (net == 0) continue;
                sum += net;
                if (net < 0) x.naked += uint256(-net);
                _record(at, smile);
                at += Black76.RECORD_BYTES;
            }
            x.count = (at - x.first) / Black76.RECORD_BYTES;
            // Only what is short makes sizes sum to more than quantities.
            x.shorts = int256(x.gross) != sum;
        }
    }

    /// @dev Sums the options of one strike, from `next` in the call on, and leaves strike and net quantity in the record at `at`. All in
    /// memory: in so deep a stack the compiler would work out again what is used again.
    /// @return behind Where the next strike begins.
    function _strike(Expiry memory x, uint256 at, uint256 next, uint256 end) private pure returns (uint256 behind) {
        (uint256 gross, int256 puts) = (0, 0);
        assembly ("memory-safe") {
            let word := calldataload(next)
            let code := and(shr(65, word), _CODE)
            mstore(add(at, 0x20), mul(and(code, 0xffffff), exp(10, shr(24, code))))
            let net := 0
            for {} 1 {} {
                let quantity := signextend(7, word)
                net := add(net, quantity)
                // Its size: of a negative one all bits turned, and one more.
                gross := add(gross, add(xor(quantity, sar(255, quantity)), shr(255, quantity)))
                puts := add(puts, mul(quantity, and(shr(64, word), 1)))
                next := add(next, 32)
                if eq(next, end) { break }
                word := calldataload(next)
                if xor(and(shr(65, word), _CODE), code) { break }
            }
            mstore(add(at, 0x40), net)
            behind := next
        }
        unchecked {
            x.gross += gross;
            if (puts == 0) return behind;
            x.puts += puts;
            x.strikes += puts * int256(Words.get(at + 32));
        }
    }

    /// @dev The rest of the record at `at`.
    function _record(uint256 at, Smile memory smile) private pure {
        unchecked {
            uint256 strike = Words.get(at + 32);
            int256 lnStrike = FixedPointMathLib.lnWad(int256(strike == 0 ? 1 : strike * 1e8));
            int256 k = q64(lnStrike - smile.lnForward);
            Words.put(at, uint256(k));
            // √(w·T/τ), whatever the volatility per year.
            (uint256 vol, uint256 root) =
                SviMath.varianceFrom(smile.svi, lnStrike - smile.lnReference, smile.reach, smile.root);
            vol = SviMath.rootFrom(vol * smile.scale, smile.vol);
            (smile.root, smile.vol) = (root, vol);
            Black76.setVol(at, P.NONE, Black76.volWord(vol));
            uint256 kinds = smile.kinds;
            if (kinds & 1 << P.UP != 0) {
                uint256 high = FixedPointMathLib.max(vol * smile.up / uint256(_WAD), smile.least);
                Black76.setVol(at, P.UP, Black76.volWord(high));
            }
            if (kinds & 1 << P.DOWN != 0) {
                Black76.setVol(at, P.DOWN, Black76.volWord(vol * smile.down / uint256(_WAD)));
            }
            if (kinds & 1 << P.LINEAR != 0) {
                uint256 turned = _skewed(vol, k, smile.slopeLinear, smile.capLinear);
                Black76.setVol(at, P.LINEAR, Black76.volWord(turned));
            }
            if (kinds & 1 << P.ABSOLUTE != 0) {
                uint256 raised = _skewed(vol, k < 0 ? -k : k, smile.slopeAbsolute, smile.capAbsolute);
                Black76.setVol(at, P.ABSOLUTE, Black76.volWord(raised));
            }
        }
    }
}

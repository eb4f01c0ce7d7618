// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {Black76} from "../libraries/Black76.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {Words} from "../libraries/Words.sol";
import {PortfolioBook as B} from "./PortfolioBook.sol";
import {PortfolioParameters as P} from "./PortfolioParameters.sol";
import {StrikeRecords as R} from "./StrikeRecords.sol";

/// @title The options of an account, expiry by expiry, in every scenario that is asked for
/// @dev Part of PortfolioMargin; Python twin: plimsoll/margin/option_strips.py.
library OptionStrips {
    int256 private constant _WAD = 1e18;
    /// @dev Exponents stay below this, WAD: beyond it no rate, term or power makes sense.
    uint256 private constant _EXPONENT_LIMIT = 20e18;

    /// @notice The logarithm of a WAD ratio as strips take it, Q64.
    function ln(uint256 ratio) internal pure returns (int256) {
        return R.q64(FixedPointMathLib.lnWad(int256(ratio)));
    }

    // ---------------------------------------------------------------- expiries

    /// @notice Opens the underlyings of all expiries: their spots, doubts and multipliers.
    function spots(B.Book memory b, uint256[] calldata expiries) internal view {
        unchecked {
            for (uint256 i; i < expiries.length; i += 5) {
                (uint256 word, uint256 price) = (expiries[i], expiries[i + 1]);
                B.Group memory g = b.groups[B.indexOf(b, word >> 8 & 0xff)];
                if (word >> 72 & 0xffffff > g.multIm) g.multIm = word >> 72 & 0xffffff;
                if (word >> 96 & 0xffffff > g.multMm) g.multMm = word >> 96 & 0xffffff;
                // What was settled says nothing about now.
                if (g.spot != 0 || word >> 64 & 1 == 1) continue;
                // What is partly known is not the spot, but has its doubt.
                if (word >> 136 & 0xffff == 0) g.spot = price & type(uint72).max;
                g.spotDoubt = B.doubtOf(b, price >> 72 & 0xffffff, price >> 96 & 0xffff);
                g.doubt = g.spotDoubt;
            }
        }
    }

    /// @notice Values all options: marks into the book's equity, scenarios into its underlyings.
    function run(B.Book memory b, address table, uint256[] calldata expiries, uint256[] calldata options)
        internal
        view
    {
        if (expiries.length == 0) return;
        R.Expiry memory x;
        R.Smile memory smile;
        x.first = Words.buffer(_longest(expiries) * Black76.RECORD_WORDS);
        uint256 prices = Black76.load(table);
        uint256 next;
        for (uint256 i; i < expiries.length;) {
            B.Group memory g = b.groups[B.indexOf(b, expiries[i] >> 8 & 0xff)];
            _terms(b, x, expiries, i);
            _rates(x, g, expiries[i + 4]);
            R.smileOf(smile, x, g, expiries[i + 2], expiries[i + 3]);
            uint256 end = next + (expiries[i] >> 16 & 0xffff);
            R.write(x, smile, options, next, end);
            next = end;
            _charge(b, g, x, expiries, i);
            _scenarios(b, g, x, prices);
            unchecked {
                i += 5;
            }
        }
    }

    function _longest(uint256[] calldata expiries) private pure returns (uint256 count) {
        unchecked {
            for (uint256 i; i < expiries.length; i += 5) {
                count = FixedPointMathLib.max(count, expiries[i] >> 16 & 0xffff);
            }
        }
    }

    function _terms(B.Book memory b, R.Expiry memory x, uint256[] calldata expiries, uint256 i) private pure {
        unchecked {
            uint256 word = expiries[i];
            x.spot = expiries[i + 1] & type(uint72).max;
            x.secs = word >> 32 & type(uint32).max;
            x.root = FixedMath.sqrtYears(x.secs);
            uint256 carry = expiries[i + 4] & type(uint64).max;
            x.forward = carry == 0 ? x.spot : x.spot * carry / uint256(_WAD);
            if (x.forward == 0) x.forward = 1;
            // Toward expiry the settlement price is an average that is mostly known; once settled it is final.
            uint256 window = Words.get(b.head) >> 56 & 0xffffff;
            x.share = uint256(_WAD);
            if (x.secs < window) x.share = x.secs * uint256(_WAD) / window;
            uint256 flags = word >> 64 & 3;
            if (flags == 0) return;
            uint256 total = word >> 136 & 0xffff;
            uint256 part = flags == 2 && total != 0 ? (word >> 120 & 0xffff) * uint256(_WAD) / total : 0;
            if (part < x.share) x.share = part;
        }
    }

    /// @dev Discount of the mark, and with it the static ones of what is worth something and of what is owed.
    function _rates(R.Expiry memory x, B.Group memory g, uint256 surface) private pure {
        unchecked {
            int256 signed = int64(uint64(surface >> 64));
            uint256 rate = signed > 0 ? uint256(signed) : 0;
            uint256 time = x.secs * uint256(_WAD) / FixedMath.YEAR;
            uint256 discount = _decay(rate, time);
            x.discount = int256((discount << 64) / uint256(_WAD));
            uint256 long = _decay(rate * B.field(g, 5, 1) / uint256(_WAD) + B.field(g, 5, 2), time);
            long = B.field(g, 5, 0) * long / uint256(_WAD);
            x.long = int256((long * discount << 64) / uint256(_WAD * _WAD));
            uint256 short = _decay(rate * B.field(g, 6, 1) / uint256(_WAD) + B.field(g, 6, 2), time);
            short = B.field(g, 6, 0) * uint256(_WAD) / short;
            uint256 most = uint256(_WAD * _WAD) / discount;
            x.short = int256(((short < most ? short : most) * discount << 64) / uint256(_WAD * _WAD));
        }
    }

    function _decay(uint256 rate, uint256 time) private pure returns (uint256) {
        unchecked {
            uint256 exponent = rate * time / uint256(_WAD);
            if (exponent > _EXPONENT_LIMIT) exponent = _EXPONENT_LIMIT;
            return uint256(FixedPointMathLib.expWad(-int256(exponent)));
        }
    }

    // ---------------------------------------------------------------- contingencies

    function _charge(B.Book memory b, B.Group memory g, R.Expiry memory x, uint256[] calldata expiries, uint256 i)
        private
        pure
    {
        unchecked {
            if (x.shorts) b.exposed = true;
            uint256 size = x.gross * x.spot;
            b.notional += size;
            g.size += size;
            uint256 shorts = x.naked * x.spot;
            uint256 mm = B.up(shorts, B.field(g, 9, 0));
            uint256 im = mm + B.up(shorts, B.field(g, 9, 1));
            b.mm += mm;
            b.im0 += im;
            b.im += im;
            if (x.secs == 0) return;
            uint256 surface = expiries[i + 4];
            uint256 fine = expiries[i + 1] >> 112;
            uint256 doubt = g.doubt;
            doubt = FixedPointMathLib.max(doubt, B.doubtOf(b, surface >> 128 & 0xffffff, fine & 0xffff));
            doubt = FixedPointMathLib.max(doubt, B.doubtOf(b, surface >> 152 & 0xffffff, fine >> 16 & 0xffff));
            doubt = FixedPointMathLib.max(doubt, B.doubtOf(b, surface >> 176 & 0xffffff, fine >> 32 & 0xffff));
            b.im += B.doubtful(b, doubt, size);
        }
    }

    // ---------------------------------------------------------------- scenarios

    /// @dev The mark, both basis shocks, and what is gained in each scenario of the underlying's mask.
    function _scenarios(B.Book memory b, B.Group memory g, R.Expiry memory x, uint256 table) private pure {
        unchecked {
            x.worths[0] = _worth(x, table, P.NONE, 0, uint256(_WAD));
            x.mark = x.worths[0] * x.discount >> 64;
            b.equity += x.mark;
            // Scenarios that are the mark, or with the basis its shocks, need no evaluation of their own.
            uint256 known = 1;
            if (g.mask >> b.scenarios & 1 == 1) {
                known = 3;
                (int256 lnShock, uint256 shock) = _taken(x, B.signedField(g, 11, 0), B.field(g, 7, 0));
                x.worths[1] = _worth(x, table, P.NONE, lnShock, shock);
                (lnShock, shock) = _taken(x, B.signedField(g, 11, 1), B.field(g, 7, 1));
                x.worths[2] = _worth(x, table, P.NONE, lnShock, shock);
                _basis(g, x, g.pnl + 32 * b.scenarios);
            }
            uint256 mask = g.mask & (1 << b.scenarios) - 1;
            uint256 at = g.params + 32 * P.BODY;
            if (x.share != uint256(_WAD)) at = _softened(x, at, mask);
            _gains(x, table, at, mask, known, g.pnl);
        }
    }

    /// @dev What a forward still takes of a shock when part of its settlement price is known: all of it, but toward expiry.
    function _taken(R.Expiry memory x, int256 lnShock, uint256 shock) private pure returns (int256, uint256) {
        unchecked {
            if (x.share == uint256(_WAD)) return (lnShock, shock);
            shock = uint256(_WAD + (int256(shock) - _WAD) * int256(x.share) / _WAD);
            return (ln(shock), shock);
        }
    }

    /// @dev The scenarios of the mask with as much of their shocks; the places of others are left as they are.
    function _softened(R.Expiry memory x, uint256 at, uint256 mask) private pure returns (uint256 copy) {
        unchecked {
            copy = Words.buffer(P.MAX_SCENARIOS);
            for (uint256 k; mask >> k != 0; ++k) {
                if (mask >> k & 1 == 0) continue;
                uint256 word = Words.get(at + 32 * k);
                (int256 lnShock, uint256 shock) = _taken(x, 0, word & type(uint64).max);
                word &= ~(uint256(type(uint80).max) << 136 | type(uint64).max);
                Words.put(copy + 32 * k, word | uint256(uint80(int80(lnShock))) << 136 | shock);
            }
        }
    }

    /// @dev Undiscounted, after a shock: calls of all strikes, and for each put the strike less the forward.
    function _worth(R.Expiry memory x, uint256 table, uint256 kind, int256 lnShock, uint256 shock)
        private
        pure
        returns (int256)
    {
        unchecked {
            shock = x.forward * shock / uint256(_WAD);
            int256 calls = Black76.strip(table, x.first, x.count, kind, lnShock, shock);
            return calls + x.strikes - x.puts * int256(shock);
        }
    }

    /// @dev Each expiry's forward moves against its account, without a static discount: the further off the more it counts.
    function _basis(B.Group memory g, R.Expiry memory x, uint256 at) private pure {
        unchecked {
            int256 worst = FixedPointMathLib.min(x.worths[1], x.worths[2]);
            worst = (worst * x.discount >> 64) - x.mark;
            if (worst >= 0) return;
            uint256 factor = B.field(g, 7, 2) + B.field(g, 8, 0) * x.secs / FixedMath.YEAR;
            Words.put(at, uint256(int256(Words.get(at)) + B.down(worst, int256(factor))));
        }
    }

    /// @dev Adds to the words at `pnl` what the expiry gains in the scenarios at `at`, damped.
    function _gains(R.Expiry memory x, uint256 table, uint256 at, uint256 mask, uint256 known, uint256 pnl)
        private
        pure
    {
        unchecked {
            for (; mask != 0; (mask, at, pnl) = (mask >> 1, at + 32, pnl + 32)) {
                if (mask & 1 == 0) continue;
                uint256 word = Words.get(at);
                int256 gain = _gain(x, table, word, known);
                uint256 damping = word >> 64 & type(uint64).max;
                if (damping != uint256(_WAD)) gain = B.down(gain, int256(damping));
                Words.put(pnl, uint256(int256(Words.get(pnl)) + gain));
            }
        }
    }

    /// @dev The value with the static discount less the mark. Skews turn either way, so what they change is lost; of a joint scenario it
    /// is lost beside the spot's move.
    function _gain(R.Expiry memory x, uint256 table, uint256 word, uint256 known) private pure returns (int256) {
        unchecked {
            uint256 kind = word >> 128 & 0xff;
            (int256 lnShock, uint256 shock) = (int80(uint80(word >> 136)), word & type(uint64).max);
            if (kind < P.LINEAR) {
                uint256 same = (word >> 216) - 1;
                int256 worth = same < known ? x.worths[same] : _worth(x, table, kind, lnShock, shock);
                return _discounted(x, worth) - x.mark;
            }
            int256 base = x.mark;
            if (kind >= P.JOINT_LINEAR) base = _discounted(x, _worth(x, table, P.NONE, lnShock, shock));
            int256 turned = _discounted(x, _worth(x, table, P.volKind(kind), lnShock, shock)) - base;
            return base - x.mark - int256(FixedMath.abs(turned));
        }
    }

    /// @dev Factors are Q64, so that rounding down is a shift. Of `x` long and short, the seventh word and the eighth, lie side by side.
    function _discounted(R.Expiry memory x, int256 worth) private pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(64, mul(worth, mload(add(add(x, 0xc0), shl(5, slt(worth, 0))))))
        }
    }
}

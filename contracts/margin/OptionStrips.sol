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
                g.spot = price & type(uint72).max;
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
        x.values = Words.buffer(b.scenarios);
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
            x.rawMark = _value(x, prices, P.NONE, 0, uint256(_WAD));
            x.mark = x.rawMark * x.discount >> 64;
            b.equity += x.mark;
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
            if (word >> 64 & 1 == 1) x.share = 0;
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

    function _scenarios(B.Book memory b, B.Group memory g, R.Expiry memory x, uint256 prices) private pure {
        unchecked {
            uint256 mask = g.mask;
            // The basis shocks' values serve the scenarios that are the same: known are those up to this code.
            uint256 known = 1;
            if (mask >> b.scenarios & 1 == 1) {
                known = 3;
                _basis(g, x, prices, g.pnl + 32 * b.scenarios);
            }
            mask &= (1 << b.scenarios) - 1;
            uint256 at = g.params + 32 * P.BODY;
            // Apart, so that neither is compiled into the middle of a function with too much on its stack.
            if (x.share == uint256(_WAD)) _evaluate(x, prices, at, mask, known);
            else _evaluate(x, prices, at, mask, 4 + known);
            _gain(x, at, mask, g.pnl);
        }
    }

    /// @dev Leaves at `x.values` what the options are worth in each scenario of the mask, undiscounted; of a joint one its gain. known:
    /// 4 is added where a forward no longer takes all of a shock.
    function _evaluate(R.Expiry memory x, uint256 prices, uint256 at, uint256 mask, uint256 known) private pure {
        unchecked {
            uint256 to = x.values;
            for (; mask != 0; (mask, at, to) = (mask >> 1, at + 32, to + 32)) {
                if (mask & 1 == 0) continue;
                uint256 word = Words.get(at);
                uint256 code = word >> 216;
                int256 value;
                if (code != 0 && code <= known & 3) {
                    value = code == 1 ? x.rawMark : code == 2 ? x.rawUp : x.rawDown;
                } else {
                    (int256 lnShock, uint256 shock) = (int80(uint80(word >> 136)), word & type(uint64).max);
                    if (known > 3) (lnShock, shock) = _partial(x, shock);
                    uint256 kind = word >> 128 & 0xff;
                    value = kind < P.JOINT_LINEAR
                        ? _value(x, prices, kind, lnShock, shock)
                        : _joint(x, prices, kind - 2, lnShock, shock);
                }
                Words.put(to, uint256(value));
            }
        }
    }

    /// @dev Adds to the words at `pnl` what the expiry gains: value with its static discount less the mark, damped. Skews turn either way:
    /// what they change is lost. Factors are Q64, so that rounding down is a shift.
    function _gain(R.Expiry memory x, uint256 at, uint256 mask, uint256 pnl) private pure {
        (int256 mark, int256 long, int256 short, uint256 values) = (x.mark, x.long, x.short, x.values);
        assembly ("memory-safe") {
            for {} mask {
                mask := shr(1, mask)
                at := add(at, 32)
                pnl := add(pnl, 32)
                values := add(values, 32)
            } {
                if and(mask, 1) {
                    let word := mload(at)
                    let kind := and(shr(128, word), 0xff)
                    let gain := mload(values)
                    if lt(kind, 5) {
                        gain := mul(gain, xor(long, mul(xor(long, short), slt(gain, 0))))
                        gain := sub(sar(64, gain), mark)
                        if and(gt(kind, 2), sgt(gain, 0)) { gain := sub(0, gain) }
                    }
                    let damping := and(shr(64, word), 0xffffffffffffffff)
                    if sub(damping, 1000000000000000000) {
                        gain := mul(gain, damping)
                        gain := sub(sdiv(gain, 1000000000000000000), slt(smod(gain, 1000000000000000000), 0))
                    }
                    mstore(pnl, add(mload(pnl), gain))
                }
            }
        }
    }

    /// @return gain The loss of the spot's move, and beside it whatever the skew changes there.
    function _joint(R.Expiry memory x, uint256 prices, uint256 kind, int256 lnShock, uint256 shock)
        private
        pure
        returns (int256 gain)
    {
        unchecked {
            gain = _discounted(x, _value(x, prices, P.NONE, lnShock, shock));
            int256 skewed = _discounted(x, _value(x, prices, kind, lnShock, shock));
            return gain - x.mark - int256(FixedMath.abs(skewed - gain));
        }
    }

    /// @dev Each expiry's forward moves against its account, without a static discount: the further off the more it counts.
    function _basis(B.Group memory g, R.Expiry memory x, uint256 prices, uint256 at) private pure {
        unchecked {
            (int256 lnShock, uint256 shock) = (B.signedField(g, 11, 0), B.field(g, 7, 0));
            if (x.share != uint256(_WAD)) (lnShock, shock) = _partial(x, shock);
            x.rawUp = _value(x, prices, P.NONE, lnShock, shock);
            (lnShock, shock) = (B.signedField(g, 11, 1), B.field(g, 7, 1));
            if (x.share != uint256(_WAD)) (lnShock, shock) = _partial(x, shock);
            x.rawDown = _value(x, prices, P.NONE, lnShock, shock);
            int256 worst = (FixedPointMathLib.min(x.rawUp, x.rawDown) * x.discount >> 64) - x.mark;
            if (worst >= 0) return;
            uint256 factor = B.field(g, 7, 2) + B.field(g, 8, 0) * x.secs / FixedMath.YEAR;
            Words.put(at, uint256(int256(Words.get(at)) + B.down(worst, int256(factor))));
        }
    }

    /// @dev The shock that a forward still takes when part of its settlement price is known.
    function _partial(R.Expiry memory x, uint256 shock) private pure returns (int256, uint256) {
        unchecked {
            shock = uint256(_WAD + (int256(shock) - _WAD) * int256(x.share) / _WAD);
            return (ln(shock), shock);
        }
    }

    function _discounted(R.Expiry memory x, int256 raw) private pure returns (int256) {
        unchecked {
            return raw * (raw < 0 ? x.short : x.long) >> 64;
        }
    }

    /// @dev Undiscounted: calls of all strikes, and for each put the strike less the forward.
    function _value(R.Expiry memory x, uint256 prices, uint256 kind, int256 lnShock, uint256 shock)
        private
        pure
        returns (int256 value)
    {
        unchecked {
            uint256 forward = x.forward * shock / uint256(_WAD);
            value = x.strikes - x.puts * int256(forward);
            if (x.count != 0) value += Black76.strip(prices, x.first, x.count, kind, lnShock, forward);
        }
    }
}

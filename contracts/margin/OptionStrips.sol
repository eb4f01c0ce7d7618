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
        for (uint256 i; i < expiries.length; i += 5) {
            (uint256 word, uint256 price) = (expiries[i], expiries[i + 1]);
            B.Group memory g = B.groupOf(b, word >> 8 & 0xff);
            if (word >> 72 & 0xffffff > g.multIm) g.multIm = word >> 72 & 0xffffff;
            if (word >> 96 & 0xffffff > g.multMm) g.multMm = word >> 96 & 0xffffff;
            // What was settled says nothing about now.
            if (g.spot != 0 || word >> 64 & 1 == 1) continue;
            g.spot = price & type(uint72).max;
            g.spotDoubt = B.doubtOf(price >> 72 & 0xffffff, price >> 96 & 0xffff);
            g.doubt = g.spotDoubt;
        }
    }

    /// @notice Values all options: marks into the book's equity, scenarios into its underlyings.
    function run(B.Book memory b, address table, uint256[] calldata expiries, uint256[] calldata options) internal view {
        if (expiries.length == 0) return;
        R.Expiry memory x;
        R.Smile memory smile;
        x.first = Words.first(new uint256[](_longest(expiries) * Black76.RECORD_WORDS));
        uint256 prices = Black76.load(table);
        uint256 next;
        for (uint256 i; i < expiries.length; i += 5) {
            B.Group memory g = B.groupOf(b, expiries[i] >> 8 & 0xff);
            _terms(b, x, expiries, i);
            _rates(x, g, expiries[i + 4]);
            R.smileOf(smile, x, g, expiries[i + 2], expiries[i + 3]);
            uint256 end = next + (expiries[i] >> 16 & 0xffff);
            R.write(x, smile, options, next, end);
            next = end;
            x.rawMark = _value(x, prices, P.NONE, 0, uint256(_WAD));
            x.mark = B.down(x.rawMark, x.discount);
            b.equity += x.mark;
            _charge(b, g, x, expiries, i);
            _scenarios(b, g, x, prices);
        }
    }

    function _longest(uint256[] calldata expiries) private pure returns (uint256 count) {
        for (uint256 i; i < expiries.length; i += 5) {
            count = FixedPointMathLib.max(count, expiries[i] >> 16 & 0xffff);
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
            x.discount = int256(discount);
            uint256 long = _decay(rate * B.field(g, 5, 1) / uint256(_WAD) + B.field(g, 5, 2), time);
            x.long = int256(B.field(g, 5, 0) * long / uint256(_WAD) * discount / uint256(_WAD));
            uint256 short = _decay(rate * B.field(g, 6, 1) / uint256(_WAD) + B.field(g, 6, 2), time);
            short = B.field(g, 6, 0) * uint256(_WAD) / short;
            uint256 most = uint256(_WAD * _WAD) / discount;
            x.short = int256(B.up(short < most ? short : most, discount));
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
            doubt = FixedPointMathLib.max(doubt, B.doubtOf(surface >> 128 & 0xffffff, fine & 0xffff));
            doubt = FixedPointMathLib.max(doubt, B.doubtOf(surface >> 152 & 0xffffff, fine >> 16 & 0xffff));
            doubt = FixedPointMathLib.max(doubt, B.doubtOf(surface >> 176 & 0xffffff, fine >> 32 & 0xffff));
            b.im += B.doubtful(b, doubt, size);
        }
    }

    // ---------------------------------------------------------------- scenarios

    function _scenarios(B.Book memory b, B.Group memory g, R.Expiry memory x, uint256 prices) private pure {
        unchecked {
            uint256 same = Words.get(g.params + 352);
            // Without the basis only the mark is there to be used again.
            if (g.mask >> b.scenarios & 1 == 1) _basis(g, x, prices, g.pnl + 32 * b.scenarios);
            else same |= 0xffff << 160;
            for (uint256 k; k < b.scenarios; ++k) {
                if (g.mask >> k & 1 == 0) continue;
                uint256 word = B.scenario(g, k);
                int256 pnl;
                if (k == same >> 176 & 0xff) pnl = _discounted(x, x.rawMark) - x.mark;
                else if (k == same >> 160 & 0xff) pnl = _discounted(x, x.rawUp) - x.mark;
                else if (k == same >> 168 & 0xff) pnl = _discounted(x, x.rawDown) - x.mark;
                else pnl = _change(x, prices, word);
                _add(g.pnl + 32 * k, B.down(pnl, int256(word >> 64 & type(uint64).max)));
            }
        }
    }

    /// @dev Each expiry's forward moves against its account, without a static discount: the further off the more it counts.
    function _basis(B.Group memory g, R.Expiry memory x, uint256 prices, uint256 at) private pure {
        unchecked {
            (int256 lnShock, uint256 shock) = _shock(x, B.signedField(g, 11, 0), B.field(g, 7, 0));
            x.rawUp = _value(x, prices, P.NONE, lnShock, shock);
            (lnShock, shock) = _shock(x, B.signedField(g, 11, 1), B.field(g, 7, 1));
            x.rawDown = _value(x, prices, P.NONE, lnShock, shock);
            int256 worst = FixedPointMathLib.min(B.down(x.rawUp, x.discount), B.down(x.rawDown, x.discount)) - x.mark;
            if (worst >= 0) return;
            uint256 factor = B.field(g, 7, 2) + B.field(g, 8, 0) * x.secs / FixedMath.YEAR;
            _add(at, B.down(worst, int256(factor)));
        }
    }

    /// @return pnl What the expiry gains in a scenario, before damping. Skews turn either way: what they change is lost.
    function _change(R.Expiry memory x, uint256 prices, uint256 word) private pure returns (int256 pnl) {
        unchecked {
            uint256 kind = word >> 128 & 0xff;
            (int256 lnShock, uint256 shock) = _shock(x, int80(uint80(word >> 136)), word & type(uint64).max);
            if (kind < P.JOINT_LINEAR) {
                pnl = _discounted(x, _value(x, prices, kind, lnShock, shock)) - x.mark;
                return kind < P.LINEAR || pnl < 0 ? pnl : -pnl;
            }
            int256 level = _discounted(x, _value(x, prices, P.NONE, lnShock, shock));
            int256 skewed = _discounted(x, _value(x, prices, kind - 2, lnShock, shock));
            return level - x.mark - int256(FixedMath.abs(skewed - level));
        }
    }

    function _shock(R.Expiry memory x, int256 lnShock, uint256 shock) private pure returns (int256, uint256) {
        unchecked {
            if (x.share == uint256(_WAD)) return (lnShock, shock);
            shock = uint256(_WAD + (int256(shock) - _WAD) * int256(x.share) / _WAD);
            return (ln(shock), shock);
        }
    }

    function _discounted(R.Expiry memory x, int256 raw) private pure returns (int256) {
        return B.down(raw, raw < 0 ? x.short : x.long);
    }

    /// @dev Undiscounted: calls of all strikes, and for each put the strike less the forward.
    function _value(R.Expiry memory x, uint256 prices, uint256 kind, int256 lnShock, uint256 shock)
        private
        pure
        returns (int256)
    {
        unchecked {
            uint256 forward = x.forward * shock / uint256(_WAD);
            int256 calls = Black76.strip(prices, x.first, x.count, kind, lnShock, forward);
            return calls + x.strikes - x.puts * int256(forward);
        }
    }

    function _add(uint256 at, int256 pnl) private pure {
        unchecked {
            Words.put(at, uint256(int256(Words.get(at)) + pnl));
        }
    }
}

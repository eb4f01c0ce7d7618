// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {Black76} from "../libraries/Black76.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {SviMath} from "../libraries/SviMath.sol";
import {VolatilityMath} from "../libraries/VolatilityMath.sol";
import {Words} from "../libraries/Words.sol";
import {OptionTerms} from "./OptionTerms.sol";

/// @title What the options of an account are worth and must hold, by rule
/// @dev Part of RuleMargin; Python twin: plimsoll/margin/rule_options.py. Per expiry, with L and N the marks of its longs and of all its
/// options, X what its shorts need above their marks one by one, and W the worst payoff at expiry (at zero, at a strike or beyond
/// them all), at most zero:
///     requirement = max(0, min((1 − longShare)·L + X, N − W))
/// so mark less requirement is the better of two views: each short by itself and longs at their share, or the worst that can come.
/// Within an expiry amounts are exact in 1e-26, a quantity (1e-8) times a price in WAD. A price is below 2^104 (strikes are below
/// 2^74, forwards below 2^77, in 1e-10), a quantity at most 2^63, a rate below 2^27: no sum of 2^16 options comes near 2^255.
library RuleOptions {
    /// @dev What a short needs above its mark, per unit of the underlying, WAD.
    struct Rates {
        uint256 most;
        uint256 least;
        uint256 call;
        uint256 put;
    }

    /// @dev What calls of one expiry are priced by. source: NormalTable; table: in memory, zero until it is needed there; fitted: the forward that the smile is of, 1e-10, and `shift`
    /// ln(forward / fitted), Q64; tau: the years that it is of, and `root` the √ of those that are left, WAD.
    struct Curve {
        address source;
        uint256 table;
        uint256 record;
        uint256 fitted;
        int256 shift;
        uint256 tau;
        uint256 root;
        SviMath.Smile smile;
    }

    /// @dev One expiry: spot, forward and strikes 1e-10, quantities 1e-8, amounts 1e-26, but atZero, the payoff at zero, WAD.
    /// place: of its five words; live: it has a surface to be priced by; kinks … end: pairs of a strike and the quantity at it.
    struct Book {
        uint256 place;
        bool live;
        uint256 spot;
        uint256 forward;
        uint256 longs;
        uint256 shorts;
        uint256 bought;
        uint256 sold;
        int256 calls;
        int256 puts;
        int256 atZero;
        uint256 im;
        uint256 im0;
        uint256 mm;
        uint256 kinks;
        uint256 end;
    }

    uint256 private constant _EXPIRY_BYTES = 5 * 32;
    uint256 private constant _KINK_BYTES = 2 * 32;
    uint256 private constant _SETTLED = 1;
    /// @dev Up to as many options it is cheaper to look up what is needed than to load the table.
    uint256 private constant _FEW = 24;
    uint256 private constant _STRIKE = 2 ** 28 - 1;
    /// @dev From a price in 1e-10 to one in WAD, and from an amount in WAD to one in 1e-26.
    uint256 private constant _E8 = 1e8;

    /// @notice Adds marks, requirements and notional to `a`. @return exposed Whether anything is sold, or owed since it was settled.
    function add(
        IMarginEngine.Assessment memory a,
        uint256[] calldata expiries,
        uint256[] calldata options,
        address table,
        uint256 terms
    ) internal view returns (bool exposed) {
        if (options.length == 0) return false;
        Book memory book;
        Curve memory curve;
        (curve.source, curve.record) = (table, Black76.allocate(1));
        if (options.length > _FEW) curve.table = Black76.load(table);
        uint256 kinks = Words.buffer(2 * options.length);
        unchecked {
            (uint256 at, uint256 option) = (_first(expiries), _first(options));
            for (uint256 end = at + 32 * expiries.length; at < end; at += _EXPIRY_BYTES) {
                uint256 head = _load(at);
                uint256 last = option + 32 * (head >> 16 & 0xffff);
                bool settled = head >> 64 & _SETTLED != 0;
                _open(book, at, kinks, settled);
                if (book.live) _bend(curve, book);
                _fill(book, curve, option, last, terms);
                if (settled ? _settle(a, book, terms) : _close(a, book, terms)) exposed = true;
                option = last;
            }
        }
    }

    // ---------------------------------------------------------------- one expiry

    function _open(Book memory book, uint256 at, uint256 kinks, bool settled) private pure {
        unchecked {
            uint256 spot = _load(at + 32) & type(uint72).max;
            uint256 carry = _load(at + 128) & type(uint64).max;
            // Without a surface, as once expired, an option is what it would pay now.
            uint256 fitted = _load(at + 96) >> 64 & type(uint72).max;
            bool live = carry != 0 && fitted != 0 && !settled && _load(at) >> 32 & type(uint32).max != 0;
            (book.place, book.live, book.spot) = (at, live, spot);
            book.forward = live ? spot * carry / FixedMath.WAD : spot;
            (book.longs, book.shorts, book.bought, book.sold) = (0, 0, 0, 0);
            (book.calls, book.puts, book.atZero) = (0, 0, 0);
            (book.im, book.im0, book.mm) = (0, 0, 0);
            (book.kinks, book.end) = (kinks, kinks);
        }
    }

    /// @dev Sums over the options. They come by strike, a call before its put: one price for both.
    function _fill(Book memory book, Curve memory curve, uint256 option, uint256 last, uint256 terms) private view {
        (Rates memory ramped, Rates memory current) = _rates(book, terms);
        (uint256 code, uint256 strike, uint256 call) = (type(uint256).max, 0, 0);
        unchecked {
            for (; option < last; option += 32) {
                uint256 word = _load(option);
                if (word >> 65 & _STRIKE != code) {
                    code = word >> 65 & _STRIKE;
                    strike = (code & type(uint24).max) * 10 ** (code >> 24);
                    call = _call(book, curve, strike);
                    _kink(book, strike);
                }
                bool put = word >> 64 & 1 != 0;
                int256 quantity = int64(uint64(word));
                _count(book, strike, put, quantity);
                uint256 mark = put ? _put(call, strike, book.forward) : call;
                if (quantity > 0) {
                    book.bought += uint256(quantity);
                    book.longs += uint256(quantity) * mark;
                    continue;
                }
                uint256 size = uint256(-quantity);
                book.sold += size;
                book.shorts += size * mark;
                (uint256 im, uint256 mm) = _margins(ramped, terms, book.spot, strike, put, mark);
                book.im0 += size * im;
                book.mm += size * mm;
                if (current.least != ramped.least) (im,) = _margins(current, terms, book.spot, strike, put, mark);
                book.im += size * im;
            }
        }
    }

    /// @dev Settled, so nothing is at risk any more; but what clearing owes is not paid yet.
    function _settle(IMarginEngine.Assessment memory a, Book memory book, uint256 terms) private pure returns (bool) {
        unchecked {
            int256 net = int256(book.longs) - int256(book.shorts);
            a.equity += FixedMath.floorDivSigned(net, _E8);
            uint256 held = FixedMath.ceilDiv(_uncounted(FixedMath.positive(net), terms), _E8);
            a.im += held;
            a.im0 += held;
            a.mm += held;
            return net < 0;
        }
    }

    /// @dev IM₀ and MM take the ramped multiplier and no doubts.
    function _close(IMarginEngine.Assessment memory a, Book memory book, uint256 terms) private pure returns (bool) {
        unchecked {
            int256 net = int256(book.longs) - int256(book.shorts);
            a.equity += FixedMath.floorDivSigned(net, _E8);
            a.notional += (book.bought + book.sold) * book.spot;
            uint256 worst = _worst(book);
            uint256 unpaired = book.calls < 0 ? uint256(-book.calls) * book.forward : 0;
            uint256 alone = _uncounted(book.longs, terms);
            uint256 loss = worst + FixedMath.ceilDiv(unpaired * OptionTerms.unpairedMm(terms), FixedMath.BPS);
            a.mm += _requirement(alone + book.mm, net, loss);
            loss = worst + FixedMath.ceilDiv(unpaired * OptionTerms.unpairedIm(terms), FixedMath.BPS);
            a.im0 += _requirement(alone + book.im0, net, loss);
            uint256 doubt = _doubt(book.place);
            if (OptionTerms.isDoubtful(doubt, OptionTerms.optionThreshold(terms))) {
                alone = book.longs;
                a.im += OptionTerms.contingency(terms, book.sold * book.spot, doubt);
            }
            a.im += _requirement(alone + book.im, net, loss);
            return book.sold != 0;
        }
    }

    /// @dev WAD, up. @param alone 1e-26. @param net 1e-26. @param loss WAD.
    function _requirement(uint256 alone, int256 net, uint256 loss) private pure returns (uint256) {
        unchecked {
            uint256 together = FixedMath.positive(net + int256(loss * _E8));
            return FixedMath.ceilDiv(FixedMath.min(alone, together), _E8);
        }
    }

    /// @dev The part of what is held that is no collateral.
    function _uncounted(uint256 longs, uint256 terms) private pure returns (uint256) {
        unchecked {
            return FixedMath.ceilDiv(longs * (FixedMath.BPS - OptionTerms.longShare(terms)), FixedMath.BPS);
        }
    }

    /// @dev 1 − the least of the confidences in spot, forward and volatility, ppm.
    function _doubt(uint256 place) private pure returns (uint256 doubt) {
        doubt = _load(place + 32) >> 72 & type(uint24).max;
        uint256 curve = _load(place + 128);
        if (curve >> 128 & type(uint24).max > doubt) doubt = curve >> 128 & type(uint24).max;
        if (curve >> 176 & type(uint24).max > doubt) doubt = curve >> 176 & type(uint24).max;
        if (doubt > FixedMath.PPM) doubt = FixedMath.PPM;
    }

    // ---------------------------------------------------------------- shorts by themselves

    function _rates(Book memory book, uint256 terms) private pure returns (Rates memory ramped, Rates memory current) {
        uint256 head = _load(book.place);
        uint256 multiplier = head >> 96 & type(uint24).max;
        ramped = _ratesAt(terms, book.spot, multiplier);
        current = multiplier == head >> 72 & type(uint24).max
            ? ramped
            : _ratesAt(terms, book.spot, head >> 72 & type(uint24).max);
    }

    function _ratesAt(uint256 terms, uint256 spot, uint256 multiplier) private pure returns (Rates memory) {
        unchecked {
            uint256 scaled = spot * _E8 * multiplier;
            uint256 one = FixedMath.BPS * VolatilityMath.ONE;
            return Rates(
                FixedMath.ceilDiv(scaled * OptionTerms.maxSpot(terms), one),
                FixedMath.ceilDiv(scaled * OptionTerms.minSpot(terms), one),
                FixedMath.ceilDiv(scaled * OptionTerms.mmCall(terms), one),
                FixedMath.ceilDiv(scaled * OptionTerms.mmPut(terms), one)
            );
        }
    }

    /// @dev Above the mark, WAD per unit.
    function _margins(Rates memory rates, uint256 terms, uint256 spot, uint256 strike, bool put, uint256 mark)
        private
        pure
        returns (uint256 im, uint256 mm)
    {
        unchecked {
            (uint256 high, uint256 low) = put ? (spot, strike) : (strike, spot);
            uint256 out = high > low ? (high - low) * _E8 : 0;
            im = rates.most > rates.least + out ? rates.most - out : rates.least;
            if (!put) return (im, rates.call);
            mm = FixedMath.ceilDiv(mark * OptionTerms.mmPutMark(terms), FixedMath.BPS);
            if (mm < rates.put) mm = rates.put;
            uint256 least = FixedMath.ceilDiv((mark + mm) * OptionTerms.offset(terms), FixedMath.BPS) - mark;
            if (im < least) im = least;
        }
    }

    // ---------------------------------------------------------------- the worst payoff

    function _kink(Book memory book, uint256 strike) private pure {
        unchecked {
            uint256 end = book.end;
            Words.put(end, strike);
            Words.put(end + 32, 0);
            book.end = end + _KINK_BYTES;
        }
    }

    function _count(Book memory book, uint256 strike, bool put, int256 quantity) private pure {
        unchecked {
            uint256 kink = book.end - 32;
            Words.put(kink, uint256(int256(Words.get(kink)) + quantity));
            if (put) {
                book.puts += quantity;
                book.atZero += quantity * int256(strike);
            } else {
                book.calls += quantity;
            }
        }
    }

    /// @dev The payoff is linear between strikes, and from zero up it has the slope of the puts: one walk. WAD.
    function _worst(Book memory book) private pure returns (uint256) {
        unchecked {
            (int256 payoff, int256 slope) = (book.atZero, -book.puts);
            int256 least = payoff < 0 ? payoff : int256(0);
            (uint256 at, uint256 end, uint256 last) = (book.kinks, book.end, 0);
            for (; at < end; at += _KINK_BYTES) {
                uint256 strike = Words.get(at);
                payoff += slope * int256(strike - last);
                if (payoff < least) least = payoff;
                slope += int256(Words.get(at + 32));
                last = strike;
            }
            return uint256(-least);
        }
    }

    // ---------------------------------------------------------------- prices

    function _bend(Curve memory curve, Book memory book) private pure {
        unchecked {
            uint256 word = _load(book.place + 64);
            SviMath.Smile memory smile = curve.smile;
            (smile.a, smile.b) = (int64(uint64(word)), int64(uint64(word >> 64)));
            (smile.rho, smile.m) = (int64(uint64(word >> 128)), int64(uint64(word >> 192)));
            word = _load(book.place + 96);
            smile.sigma = int256(word & type(uint64).max);
            curve.fitted = word >> 64 & type(uint72).max;
            curve.shift = Black76.logMoneyness(book.forward, curve.fitted);
            curve.tau = word >> 136 & type(uint64).max;
            curve.root = FixedMath.sqrtYears(_load(book.place) >> 32 & type(uint32).max);
        }
    }

    /// @dev WAD per unit. One logarithm for smile and price.
    function _call(Book memory book, Curve memory curve, uint256 strike) private view returns (uint256) {
        uint256 forward = book.forward;
        unchecked {
            if (!book.live) return forward > strike ? (forward - strike) * _E8 : 0;
            int256 log = Black76.logMoneyness(strike, curve.fitted);
            uint256 sigma = SviMath.volatility(curve.smile, log * int256(FixedMath.WAD) >> 64, curve.tau);
            uint256 word = Black76.volWord(Black76.totalVol(sigma, curve.root));
            if (curve.table == 0) {
                (bool known, int256 value) = Black76.single(curve.source, log, strike, word, curve.shift, forward);
                if (known) return uint256(value * int256(_E8) >> 62);
                curve.table = Black76.load(curve.source);
            }
            Black76.record(curve.record, log, strike, int256(_E8));
            Black76.setVol(curve.record, 0, word);
            return uint256(Black76.strip(curve.table, curve.record, 1, 0, curve.shift, forward));
        }
    }

    /// @dev Of a put, by parity: its call is worth forward − strike at least.
    function _put(uint256 call, uint256 strike, uint256 forward) private pure returns (uint256) {
        unchecked {
            uint256 sum = call + strike * _E8;
            return sum > forward * _E8 ? sum - forward * _E8 : 0;
        }
    }

    // ---------------------------------------------------------------- calldata

    function _first(uint256[] calldata words) private pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := words.offset
        }
    }

    function _load(uint256 at) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(at)
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {FixedMath} from "./FixedMath.sol";

/// @title What a side's epochs do to a position that nobody has touched since: one affine map, however many they were
/// @notice An epoch either charges a side a part r = D/N of every position's PnL at a mark x, cost += r·(size·x − cost), or shrinks it,
/// size' = κ·size and cost' = cost − (size − size')·x, so that the PnL at x stays. Both are linear in (size, cost), hence so is any run of
/// them: size' = (K_j/K_i)·size and cost' = (M_j/M_i)·cost + (B_j − B_i·M_j/M_i)·size/K_i, from two records.
/// @dev Python twin: plimsoll/margin/epoch_math.py. Mark: price − funding index, 1e-10 quote. Why linear: docs/decisions/021.
library EpochMath {
    using SafeCastLib for int256;
    using SafeCastLib for uint256;

    /// @dev Binary fractions: of K, of B, of sizes and of costs between two touches.
    uint256 internal constant FACTOR_BITS = 95;
    uint256 internal constant OFFSET_BITS = 104;
    uint256 internal constant SIZE_BITS = 64;
    uint256 internal constant COST_BITS = 40;
    uint256 internal constant MANTISSA_BITS = 103;
    /// @dev What r = 1 does to M: beyond the last binary place of any cost, and still a number to divide by.
    uint256 internal constant VANISHED = 120;
    /// @dev K starts again at one when a side has shrunk to 2^-32 of what it was: an era ends.
    uint256 internal constant SMALLEST_FACTOR = 2 ** 63;
    /// @dev What rounding may make of no profit at all, in wei.
    int256 internal constant SLACK = 2;

    /// @param factor K. @param mantissa, exponent M = mantissa · 2^−(102 + exponent). @param offset B. @param mark x.
    /// @param long The side. @param other The market's last epoch of the other side before this one.
    /// @param before The last epoch of this side's previous era; 0: none.
    struct Epoch {
        uint256 factor;
        uint256 mantissa;
        uint256 exponent;
        int256 offset;
        int256 mark;
        bool long;
        uint256 other;
        uint256 before;
    }

    /// @dev A position or a sum of them between two touches: |size| with 64 and cost with 40 binary places.
    struct Share {
        uint256 size;
        int256 cost;
    }

    // ---------------------------------------------------------------- opening

    /// @notice The map that changes nothing: before a side's first epoch, and at the start of an era.
    function identity() internal pure returns (Epoch memory epoch) {
        epoch.factor = 2 ** FACTOR_BITS;
        epoch.mantissa = 2 ** (MANTISSA_BITS - 1);
    }

    /// @notice Continues `epoch` by a charge of `amount` out of the side's net profit `net` at `mark`; amount ≤ net.
    function charge(Epoch memory epoch, int256 mark, uint256 amount, uint256 net) internal pure {
        int256 whole = mark * int256(epoch.factor << OFFSET_BITS - FACTOR_BITS);
        epoch.offset += _mulDiv(whole - epoch.offset, amount, net);
        uint256 left = FixedMath.mulDivDown(epoch.mantissa << VANISHED, net - amount, net);
        if (left < 2 ** MANTISSA_BITS) {
            epoch.exponent += VANISHED;
        } else {
            uint256 excess = LibBit.fls(left) + 1 - MANTISSA_BITS;
            epoch.mantissa = left >> excess;
            epoch.exponent += VANISHED - excess;
        }
        epoch.mark = mark;
    }

    /// @notice Continues `epoch` by shrinking the side to `to`/`from` of its size at `mark`; 2^-16 ≤ to/from ≤ 1.
    /// @param last The side's last epoch, in case its era ends here.
    /// @return kept What of a size is left, and `base` what it is measured in.
    function shrink(Epoch memory epoch, int256 mark, uint256 to, uint256 from, uint256 last)
        internal
        pure
        returns (uint256 kept, uint256 base)
    {
        base = epoch.factor;
        kept = FixedMath.mulDivUp(base, to, from);
        if (kept < SMALLEST_FACTOR) {
            (epoch.mantissa, epoch.exponent, epoch.offset) = (2 ** (MANTISSA_BITS - 1), 0, 0);
            epoch.before = last;
            base = 2 ** FACTOR_BITS;
            kept = FixedMath.mulDivUp(base, to, from);
        }
        epoch.factor = kept;
        epoch.offset -= mark * int256(base - kept << OFFSET_BITS - FACTOR_BITS);
        epoch.mark = mark;
    }

    // ---------------------------------------------------------------- touching

    function share(int256 size, int256 cost) internal pure returns (Share memory) {
        return Share(FixedMath.abs(size) << SIZE_BITS, cost << COST_BITS);
    }

    /// @notice Carries a share from one epoch to a later one of the same side and era. `from` is the identity at an era's start.
    function advance(Share memory part, Epoch memory from, Epoch memory to) internal pure returns (Share memory) {
        uint256 ratio = FixedMath.mulDivDown(to.mantissa, 2 ** 128, from.mantissa);
        uint256 shift = to.exponent - from.exponent;
        ratio = shift < 256 ? ratio >> shift : 0;
        int256 slope = to.offset - _mulDiv(from.offset, ratio, 2 ** 128);
        int256 signed = to.long ? slope : -slope;
        int256 cost = _mulDiv(part.cost, ratio, 2 ** 128)
            + (_mulDiv(signed, part.size, from.factor) >> OFFSET_BITS + SIZE_BITS - FACTOR_BITS - COST_BITS);
        return Share(FixedMath.mulDivDown(part.size, to.factor, from.factor), cost);
    }

    /// @notice A share as a position: size toward zero, but never to zero, and what that cuts off valued at the last epoch's mark; cost
    /// up, but a profit of nothing never becomes a loss.
    function settle(Share memory part, bool long, int256 mark) internal pure returns (int256 size, int256 cost) {
        uint256 units = part.size >> SIZE_BITS;
        if (units == 0) units = 1;
        int256 cut = int256(part.size) - int256(units << SIZE_BITS);
        size = long ? int256(units) : -int256(units);
        int256 worth = cut * (long ? mark : -mark) >> SIZE_BITS - COST_BITS;
        cost = FixedMath.ceilDivSigned(part.cost - worth, 2 ** COST_BITS);
        int256 pnl = size * mark - cost;
        if (pnl < 0 && pnl >= -SLACK) cost += pnl;
    }

    // ---------------------------------------------------------------- sums

    /// @notice A sum of shares as it stands in a market's sums.
    function wholeSize(uint256 size) internal pure returns (uint256) {
        return size + 2 ** (SIZE_BITS - 1) >> SIZE_BITS;
    }

    function wholeCost(int256 cost) internal pure returns (int256) {
        return cost + int256(2 ** (COST_BITS - 1)) >> COST_BITS;
    }

    // ---------------------------------------------------------------- words

    /// @return factors K u96 · mantissa u103 · exponent u23 · long u1 · other u16 · before u16. @return terms x i76 · B i180.
    function pack(Epoch memory e) internal pure returns (uint256 factors, uint256 terms) {
        factors = e.factor | e.mantissa << 96 | e.exponent << 199 | e.other << 223 | e.before << 239;
        if (e.long) factors |= 1 << 222;
        terms = uint256(e.offset) << 76 | uint256(e.mark) & type(uint256).max >> 180;
    }

    function unpack(uint256 factors, uint256 terms) internal pure returns (Epoch memory e) {
        if (factors == 0) return identity();
        e.factor = factors & type(uint96).max;
        e.mantissa = factors >> 96 & 2 ** MANTISSA_BITS - 1;
        e.exponent = factors >> 199 & 2 ** 23 - 1;
        (e.long, e.other) = (isLong(factors), otherOf(factors));
        e.before = factors >> 239;
        e.offset = int256(terms) >> 76;
        e.mark = int256(terms << 180) >> 180;
    }

    function isLong(uint256 factors) internal pure returns (bool) {
        return factors >> 222 & 1 != 0;
    }

    function otherOf(uint256 factors) internal pure returns (uint256) {
        return factors >> 223 & type(uint16).max;
    }

    /// @dev x·y/d toward zero, for signed x.
    function _mulDiv(int256 x, uint256 y, uint256 d) private pure returns (int256) {
        uint256 result = FixedPointMathLib.fullMulDiv(FixedMath.abs(x), y, d);
        return x < 0 ? -int256(result) : int256(result);
    }
}

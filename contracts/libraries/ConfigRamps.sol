// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RampMath} from "./RampMath.sol";
import {TierMath} from "./TierMath.sol";

/// @title Where a change of parameters starts from
/// @notice A value that tightens starts from what is in force now, be it in the middle of another ramp; one that loosens, or does
/// not change, needs none.
/// @dev Pure; the layouts are those of Ledger's words.
library ConfigRamps {
    /// @dev A supply cap grows to its full height in this time; so does what it is raised by.
    uint256 internal constant CAP_GROWTH = 7 days;

    /// @param word The haircuts in force, as in a pair's word: im, mm, fromIm, fromMm (16 bits each), rampEnd (32).
    /// @return ramp fromIm, fromMm, rampEnd for the new ones. @return started Whether a ramp begins here.
    function haircuts(uint256 word, uint256 im, uint256 mm, uint256 time)
        internal
        pure
        returns (uint256 ramp, bool started)
    {
        ramp = word >> 32 & type(uint64).max;
        if (im == uint16(word) && mm == uint16(word >> 16)) return (ramp, false);
        uint256 end = ramp >> 32;
        uint256 nowIm = RampMath.valueAt(uint16(ramp), uint16(word), end, time);
        uint256 nowMm = RampMath.valueAt(uint16(ramp >> 16), uint16(word >> 16), end, time);
        if (im <= nowIm && mm <= nowMm) return (0, false);
        return (nowIm | nowMm << 16 | time + RampMath.RAMP << 32, true);
    }

    /// @param terms The word in force; zero before the first. @return ramp lambdaFrom, lambdaRampEnd. @return started As above.
    function lambda(uint256 terms, uint256 next, uint256 time) internal pure returns (uint256 ramp, bool started) {
        ramp = terms >> 208;
        if (terms == 0 || next == uint16(terms)) return (ramp, false);
        uint256 current = RampMath.valueAt(uint16(ramp), uint16(terms), ramp >> 16, time);
        if (next <= current) return (0, false);
        return (current | time + RampMath.RAMP << 16, true);
    }

    /// @notice Whether `next` asks more of any notional than `table` does, MM or IM. Both as in the low half of a risk word.
    /// @dev Compares the marginal rates, which are steps, wherever one of the two changes: at least that is not in doubt.
    function tightens(uint256 table, uint256 next) internal pure returns (bool) {
        uint256[5] memory steps =
            [0, TierMath.bound1(table), TierMath.bound2(table), TierMath.bound1(next), TierMath.bound2(next)];
        for (uint256 i; i < 5; ++i) {
            uint256 before = _tier(table, steps[i]);
            uint256 proposed = _tier(next, steps[i]);
            if (uint16(proposed) > uint16(before) || uint16(proposed >> 48) > uint16(before >> 48)) return true;
        }
        return false;
    }

    /// @notice The supply cap as it stands.
    function capAt(uint256 limits, uint256 time) internal pure returns (uint256 cap) {
        cap = uint104(limits);
        uint256 since = uint32(limits >> 208);
        if (since == 0 || time >= since + CAP_GROWTH) return cap;
        return cap * (time - since) / CAP_GROWTH;
    }

    /// @notice When a cap began to grow from zero if it stands at `current` at `time`; zero when there is nothing to grow.
    function capSince(uint256 cap, uint256 current, uint256 time) internal pure returns (uint256) {
        return cap <= current ? 0 : time - current * CAP_GROWTH / cap;
    }

    /// @dev The rates of the tier above `notional`, MM lowest, IM 48 bits up.
    function _tier(uint256 table, uint256 notional) private pure returns (uint256) {
        if (notional >= TierMath.bound2(table)) return table >> 32;
        return notional >= TierMath.bound1(table) ? table >> 16 : table;
    }
}

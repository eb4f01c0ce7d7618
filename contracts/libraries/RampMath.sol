// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedMath} from "./FixedMath.sol";

/// @title What tightens arrives along a line, what loosens is there at once
/// @dev Python twin: plimsoll/margin/ramp_math.py. Everything here never falls when one of its values rises, so an order between two
/// ramped values (MM ≤ IM₀) holds all the way. In the block of the change nothing has moved yet: no change liquidates in its block.
library RampMath {
    uint256 internal constant RAMP = 1 days;

    /// @notice A parameter at `time`, on its way from `from` to `to`, where it arrives at `end`. Rounded up.
    function valueAt(uint256 from, uint256 to, uint256 end, uint256 time) internal pure returns (uint256) {
        if (to <= from || time >= end) return to;
        return to - (to - from) * _left(end, time) / RAMP;
    }

    /// @notice The share of the old that still stands at `time`, bps, down; zero after the ramp.
    function oldShare(uint256 end, uint256 time) internal pure returns (uint256) {
        return time >= end ? 0 : _left(end, time) * FixedMath.BPS / RAMP;
    }

    /// @notice A requirement between what it was and what it becomes. Rounded up.
    function between(uint256 was, uint256 becomes, uint256 share) internal pure returns (uint256) {
        if (becomes <= was) return becomes;
        return becomes - FixedMath.mulDivDown(becomes - was, share, FixedMath.BPS);
    }

    function _left(uint256 end, uint256 time) private pure returns (uint256) {
        return end - time < RAMP ? end - time : RAMP;
    }
}

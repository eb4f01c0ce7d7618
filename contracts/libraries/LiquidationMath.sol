// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedMath} from "./FixedMath.sol";

/// @title Call margin, target, bonus and the size of a slice
/// @dev Python twin: plimsoll/margin/liquidation_math.py. DESIGN section 4. Rates are bps; equity, im0, mm WAD.
library LiquidationMath {
    uint256 internal constant TARGET_FLOOR_BPS = 10_200;

    function callMargin(uint256 im0, uint256 mm, uint256 lambda) internal pure returns (uint256) {
        return mm + FixedMath.ceilDiv((im0 - mm) * lambda, FixedMath.BPS);
    }

    function target(uint256 im0, uint256 mm, uint256 beta) internal pure returns (uint256) {
        uint256 between = mm + FixedMath.ceilDiv((im0 - mm) * beta, FixedMath.BPS);
        uint256 floor = FixedMath.ceilDiv(mm * TARGET_FLOOR_BPS, FixedMath.BPS);
        return between > floor ? between : floor;
    }

    /// @notice d in WAD: starts at bonusStart, grows with the shortfall and with the clock, at most 1 − insuranceShare.
    function bonusRate(
        int256 equity,
        uint256 mm,
        uint256 elapsed,
        uint256 bonusStart,
        uint256 bonusSlope,
        uint256 bonusRamp,
        uint256 insuranceShare
    ) internal pure returns (uint256 rate) {
        uint256 unit = FixedMath.WAD / FixedMath.BPS;
        rate = bonusStart * unit;
        if (equity < int256(mm)) {
            uint256 shortfall = uint256(int256(mm) - equity);
            rate += FixedMath.mulDivDown(shortfall, bonusSlope * unit, mm);
        }
        rate += (FixedMath.BPS - bonusStart) * unit * (elapsed < bonusRamp ? elapsed : bonusRamp) / bonusRamp;
        uint256 cap = (FixedMath.BPS - insuranceShare) * unit;
        if (rate > cap) rate = cap;
    }

    /// @notice The largest slice, WAD, rounded up: brings equity to `targetMargin`; the whole account when health ≤ rate,
    /// or when less than `dust` of MM would remain.
    /// @param rate d + φ, WAD, at most 1.
    function maxFraction(int256 equity, uint256 mm, uint256 targetMargin, uint256 rate, uint256 dust)
        internal
        pure
        returns (uint256)
    {
        uint256 keep = FixedMath.mulDivUp(mm, rate, FixedMath.WAD);
        if (equity <= int256(keep)) return FixedMath.WAD;
        if (equity >= int256(targetMargin)) return 0;
        uint256 fraction = FixedMath.mulDivUp(targetMargin - uint256(equity), FixedMath.WAD, targetMargin - keep);
        if (mm * (FixedMath.WAD - fraction) < dust * FixedMath.WAD) return FixedMath.WAD;
        return fraction;
    }

    /// @notice What the taker of the slice `fraction` pays to the account and to insurance, WAD, rounded up.
    function price(int256 equity, uint256 mm, uint256 fraction, uint256 bonus, uint256 insuranceShare)
        internal
        pure
        returns (uint256 toAccount, uint256 toInsurance)
    {
        if (equity <= 0) return (0, 0);
        uint256 worth = uint256(equity);
        uint256 keep = FixedMath.mulDivDown(mm, bonus, FixedMath.WAD);
        if (worth <= keep) return (0, 0);
        uint256 share = FixedMath.ceilDiv(mm * insuranceShare, FixedMath.BPS);
        if (share > worth - keep) share = worth - keep;
        toInsurance = FixedMath.mulDivUp(share, fraction, FixedMath.WAD);
        toAccount = FixedMath.mulDivUp(worth - keep - share, fraction, FixedMath.WAD);
    }
}

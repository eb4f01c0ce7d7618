// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginModel} from "../../interfaces/IMarginModel.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {TierMath} from "../libraries/TierMath.sol";

/// @title Margin by rule, for cross accounts; isolated is cross with one market
/// @notice Haircuts on collateral and tiers on perps, summed. Stateless: what it needs is handed to it.
/// @dev Python twin: plimsoll/margin/rule_margin.py. Formulas: docs/storage.md, DESIGN section 3.
contract RuleMargin is IMarginModel {
    error FloorsUnordered(uint256 mmFloor, uint256 imFloor);
    error ShareOutOfRange(uint256 pnlShare);

    /// @notice Least maintenance and initial margin of an account with an exposure, quote WAD: the smallest liquidation
    /// must pay its keeper.
    uint256 public immutable MM_FLOOR;
    uint256 public immutable IM_FLOOR;
    /// @notice Share of net unrealised perp profit that supports initial margin and withdrawals, bps.
    uint256 public immutable PNL_SHARE;

    constructor(uint256 mmFloor, uint256 imFloor, uint256 pnlShare) {
        if (mmFloor == 0 || imFloor <= mmFloor) revert FloorsUnordered(mmFloor, imFloor);
        if (pnlShare > FixedMath.BPS) revert ShareOutOfRange(pnlShare);
        (MM_FLOOR, IM_FLOOR, PNL_SHARE) = (mmFloor, imFloor, pnlShare);
    }

    /// @inheritdoc IMarginModel
    function assess(uint256[] calldata assets, uint256[] calldata perps)
        external
        view
        returns (IMarginEngine.Assessment memory a)
    {
        int256 worth;
        for (uint256 i; i < assets.length; ++i) {
            uint256 word = assets[i];
            uint256 value = word >> 32;
            worth += int256(value);
            a.im0 += FixedMath.ceilDiv(value * (word & 0xffff), FixedMath.BPS);
            a.mm += FixedMath.ceilDiv(value * (word >> 16 & 0xffff), FixedMath.BPS);
        }
        if (perps.length == 0) {
            // Without an exposure there is nothing to secure: healthy by definition, whatever the haircuts.
            (a.equity, a.im0, a.mm) = (worth, 0, 0);
            return a;
        }
        (int256 pnl, bool exposed) = _perps(a, perps);
        a.equity = worth + pnl;
        if (!exposed) {
            (a.im0, a.mm) = (0, 0);
            return a;
        }
        if (a.mm < MM_FLOOR) a.mm = MM_FLOOR;
        if (a.im0 < IM_FLOOR) a.im0 = IM_FLOOR;
        // The requirement, not equity, carries the discount on profit; IM₀ leaves it out, so that profit never causes a call.
        a.im = a.im0 + FixedMath.ceilDiv(FixedMath.positive(pnl) * (FixedMath.BPS - PNL_SHARE), FixedMath.BPS);
    }

    function _perps(IMarginEngine.Assessment memory a, uint256[] calldata perps)
        private
        pure
        returns (int256 pnl, bool exposed)
    {
        (uint256 notionals, uint256 mm, uint256 im) = (0, 0, 0);
        unchecked {
            // A notional is under 2^135 and there are at most 64 of them; rates are under 2^16.
            for (uint256 i; i < perps.length; i += 3) {
                uint256 notional = perps[i];
                int256 one = int256(perps[i + 1]);
                pnl += one;
                if (notional == 0) {
                    // Closed, but its loss could not be paid yet: still owed, so still an exposure.
                    if (one < 0) exposed = true;
                    continue;
                }
                exposed = true;
                notionals += notional;
                uint256 risk = perps[i + 2];
                (uint256 bound1, uint256 bound2) = (risk >> 96 & 0xffffff, risk >> 120 & 0xffffff);
                mm += TierMath.requirement(notional, risk, bound1, bound2);
                im += TierMath.requirement(notional, risk >> 48, bound1, bound2);
            }
            a.notional = notionals;
            a.mm += mm;
            a.im0 += im;
        }
    }
}

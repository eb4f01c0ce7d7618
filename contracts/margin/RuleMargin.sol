// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginModel} from "../../interfaces/IMarginModel.sol";
import {IOptionModel} from "../../interfaces/IOptionModel.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {RampMath} from "../libraries/RampMath.sol";
import {TierMath} from "../libraries/TierMath.sol";
import {VolatilityMath} from "../libraries/VolatilityMath.sol";
import {OptionTerms} from "./OptionTerms.sol";
import {RuleOptions} from "./RuleOptions.sol";

/// @title Margin by rule, for cross accounts; isolated is cross with one market
/// @notice Haircuts on collateral, tiers on perps, per expiry of options the lesser of shorts by themselves and the worst payoff,
/// summed. Stateless: what it needs is handed to it.
/// @dev Python twin: plimsoll/margin/rule_margin.py. Formulas: docs/storage.md, DESIGN section 3.
contract RuleMargin is IMarginModel, IOptionModel {
    error FloorsUnordered(uint256 mmFloor, uint256 imFloor);
    error ShareOutOfRange(uint256 pnlShare);
    error TableMissing(address table);

    /// @notice Least maintenance and initial margin of an account with an exposure, quote WAD: the smallest liquidation
    /// must pay its keeper.
    uint256 public immutable MM_FLOOR;
    uint256 public immutable IM_FLOOR;
    /// @notice Share of net unrealised perp profit that supports initial margin and withdrawals of an account that owes nothing, bps.
    uint256 public immutable PNL_SHARE;
    /// @notice What options are asked for (OptionTerms), and where the normal distribution is tabulated.
    uint256 public immutable OPTION_TERMS;
    address public immutable TABLE;

    constructor(uint256 mmFloor, uint256 imFloor, uint256 pnlShare, uint256 optionTerms, address table) {
        if (mmFloor == 0 || imFloor <= mmFloor) revert FloorsUnordered(mmFloor, imFloor);
        if (pnlShare > FixedMath.BPS) revert ShareOutOfRange(pnlShare);
        OptionTerms.requireSafe(optionTerms);
        if (table.code.length == 0) revert TableMissing(table);
        (MM_FLOOR, IM_FLOOR, PNL_SHARE, OPTION_TERMS, TABLE) = (mmFloor, imFloor, pnlShare, optionTerms, table);
    }

    /// @inheritdoc IMarginModel
    function assess(uint256[] calldata assets, uint256[] calldata perps)
        external
        view
        returns (IMarginEngine.Assessment memory a)
    {
        _finish(a, _assetsAndPerps(a, assets, perps));
    }

    /// @inheritdoc IOptionModel
    function assessOptions(
        uint256[] calldata assets,
        uint256[] calldata tags,
        uint256[] calldata perps,
        uint256[] calldata expiries,
        uint256[] calldata options,
        bytes calldata
    ) external view returns (IMarginEngine.Assessment memory a) {
        bool exposed = _assetsAndPerps(a, assets, perps);
        a.im += _doubts(assets, tags, perps);
        if (RuleOptions.add(a, expiries, options, TABLE, OPTION_TERMS)) exposed = true;
        _finish(a, exposed);
    }

    function _assetsAndPerps(IMarginEngine.Assessment memory a, uint256[] calldata assets, uint256[] calldata perps)
        private
        view
        returns (bool exposed)
    {
        exposed = _assets(a, assets);
        if (perps.length != 0) {
            (int256 pnl, bool traded) = _perps(a, perps);
            a.equity += pnl;
            // The requirement, not equity, carries the discount on profit; IM₀ leaves it out, so that profit never causes a call.
            // Nobody lends on what the pool may not have the cash to pay: with a debt all of it is required until it is settled.
            uint256 share = exposed ? 0 : PNL_SHARE;
            if (a.im < IM_FLOOR) a.im = IM_FLOOR;
            a.im += FixedMath.ceilDiv(FixedMath.positive(pnl) * (FixedMath.BPS - share), FixedMath.BPS);
            exposed = exposed || traded;
        }
    }

    function _finish(IMarginEngine.Assessment memory a, bool exposed) private view {
        if (!exposed) {
            // Nothing to secure: healthy by definition, whatever the haircuts.
            (a.im, a.im0, a.mm) = (0, 0, 0);
            return;
        }
        if (a.mm < MM_FLOOR) a.mm = MM_FLOOR;
        if (a.im0 < IM_FLOOR) a.im0 = IM_FLOOR;
        if (a.im < IM_FLOOR) a.im = IM_FLOOR;
    }

    /// @dev A borrowed asset that moves needs margin as much as one that is held: the haircut is on the size of the net value.
    function _assets(IMarginEngine.Assessment memory a, uint256[] calldata assets) private pure returns (bool owes) {
        (int256 worth, uint256 im, uint256 im0, uint256 mm) = (0, 0, 0, 0);
        unchecked {
            // A value is under 2^207 and there are at most 64 of them; haircuts are at most 10^4.
            (uint256 at, uint256 end) = _ends(assets);
            for (; at < end; at += 32) {
                uint256 word = _load(at);
                int256 value = int256(word) >> 48;
                worth += value;
                if (value < 0) owes = true;
                word &= type(uint48).max;
                if (word == 0) continue;
                uint256 size = FixedMath.abs(value);
                im += (size * (word >> 32) + FixedMath.BPS - 1) / FixedMath.BPS;
                mm += (size * (word >> 16 & 0xffff) + FixedMath.BPS - 1) / FixedMath.BPS;
                im0 += (size * (word & 0xffff) + FixedMath.BPS - 1) / FixedMath.BPS;
            }
        }
        (a.equity, a.im, a.im0, a.mm) = (worth, im, im0, mm);
    }

    function _perps(IMarginEngine.Assessment memory a, uint256[] calldata perps)
        private
        pure
        returns (int256 pnl, bool exposed)
    {
        (uint256 notionals, uint256 mm, uint256 im, uint256 im0) = (0, 0, 0, 0);
        unchecked {
            // A notional is under 2^136 and there are at most 64 of them; rates are under 2^16, multipliers under 5 in 2^14.
            (uint256 at, uint256 end) = _ends(perps);
            for (; at < end; at += 128) {
                uint256 word = _load(at);
                uint256 notional = word & type(uint136).max;
                int256 one = int256(_load(at + 32));
                pnl += one;
                if (notional == 0) {
                    // Closed, but its loss could not be paid yet: still owed, so still an exposure.
                    if (one < 0) exposed = true;
                    continue;
                }
                exposed = true;
                notionals += notional;
                (uint256 im1, uint256 im01, uint256 mm1) = _perp(notional, word, _load(at + 64), _load(at + 96));
                im += im1;
                im0 += im01;
                mm += mm1;
            }
            a.notional = notionals;
            a.im += im;
            a.im0 += im0;
            a.mm += mm;
        }
    }

    /// @dev IM takes the market's table, its multiplier and open interest as they are now; IM₀ and MM, by which accounts are called
    /// and liquidated, the ramped table and multiplier, and no open interest.
    function _perp(uint256 notional, uint256 word, uint256 table, uint256 old)
        private
        pure
        returns (uint256 im, uint256 im0, uint256 mm)
    {
        unchecked {
            (mm, im0) = TierMath.requirements(notional, table);
            im = _scaled(im0, word >> 136 & 0xffffff);
            uint256 share = word >> 184 & 0xffff;
            if (share != 0) {
                if (im < notional) im += ((notional - im) * share + FixedMath.BPS - 1) / FixedMath.BPS;
            }
            if (old != 0) {
                (uint256 oldMm, uint256 oldIm) = TierMath.requirements(notional, old);
                share = old >> 128;
                mm = RampMath.between(oldMm, mm, share);
                im0 = RampMath.between(oldIm, im0, share);
            }
            im0 = _scaled(im0, word >> 160 & 0xffffff);
            mm = _scaled(mm, word >> 160 & 0xffffff);
        }
    }

    function _scaled(uint256 requirement, uint256 multiplier) private pure returns (uint256) {
        unchecked {
            return (requirement * multiplier + VolatilityMath.ONE - 1) / VolatilityMath.ONE;
        }
    }

    /// @dev What initial margin rises by where a price is less sure than its threshold.
    function _doubts(uint256[] calldata assets, uint256[] calldata tags, uint256[] calldata perps)
        private
        view
        returns (uint256 im)
    {
        uint256 terms = OPTION_TERMS;
        if (OptionTerms.assetThreshold(terms) != 0) {
            for (uint256 i; i < assets.length; ++i) {
                uint256 size = FixedMath.abs(int256(assets[i]) >> 48);
                im += _doubt(terms, size, tags[i] >> 8, OptionTerms.assetThreshold(terms));
            }
        }
        if (OptionTerms.perpThreshold(terms) != 0) {
            for (uint256 i; i < perps.length; i += 4) {
                uint256 size = perps[i] & type(uint136).max;
                im += _doubt(terms, size, perps[i] >> 201, OptionTerms.perpThreshold(terms));
            }
        }
    }

    /// @param tag 1 − confidence, ppm, in the lowest 24 bits.
    function _doubt(uint256 terms, uint256 size, uint256 tag, uint256 threshold) private pure returns (uint256) {
        uint256 doubt = FixedMath.min(tag & type(uint24).max, FixedMath.PPM);
        return OptionTerms.isDoubtful(doubt, threshold) ? OptionTerms.contingency(terms, size, doubt) : 0;
    }

    // ---------------------------------------------------------------- calldata

    /// @dev The loops walk their arrays by place: a bounds check per word would cost more than what is done with it.
    function _ends(uint256[] calldata words) private pure returns (uint256 at, uint256 end) {
        assembly ("memory-safe") {
            at := words.offset
            end := add(at, shl(5, words.length))
        }
    }

    function _load(uint256 at) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(at)
        }
    }
}

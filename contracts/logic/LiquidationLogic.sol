// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";
import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {EpochLedger} from "../EpochLedger.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {OptionBook} from "../OptionBook.sol";
import {OptionCheck} from "../OptionCheck.sol";
import {PerpTrading} from "../PerpTrading.sol";
import {ActionData} from "../libraries/ActionData.sol";
import {AssetMath} from "../libraries/AssetMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {LossLogic} from "./LossLogic.sol";
import {MarginCallLogic} from "./MarginCallLogic.sol";

/// @title Liquidation: what a slice is, what it costs, and how it moves
/// @notice A liquidation is a transfer, not a sale: a pro-rata slice of the whole account moves to someone who wants it at a
/// small discount, inside the ledger.
/// @dev Linked library over the engine's storage. Rules and reasons: DESIGN section 4, docs/storage.md; by witness: docs/decisions/033.
library LiquidationLogic {
    using SafeCastLib for uint256;

    struct Slice {
        uint256 fraction;
        uint256 toAccount;
        uint256 toInsurance;
        uint256 bonus;
        bool full;
    }

    // ---------------------------------------------------------------- liquidate

    /// @notice Takes a slice of `target` into `liquidator`. The caller checks the liquidator's account at the end of the batch.
    /// @param data A Liquidate, of this target.
    function liquidate(
        Ledger.State storage s,
        Ledger.Env memory env,
        bytes32 liquidator,
        bytes32 target,
        bytes calldata data
    ) external {
        IMarginEngine.Liquidate calldata order = ActionData.liquidateOf(data);
        if (order.target != target) revert IMarginEngine.AccountMismatch(target, order.target);
        Ledger.Header memory header = s.headers[target];
        (IMarginEngine.Assessment memory a, MarginCheck.Snapshot memory snap) = _look(s, env, header, order);
        if (!MarginCheck.isLiquidatable(s, header, a)) {
            if (!order.skip) _refuse(s, header, order, a);
            emit IMarginEngine.LiquidationSkipped(target, a.equity, a.mm);
            return;
        }
        MarginCallLogic.startClock(s, target, header);
        Slice memory slice = _size(s.terms, header, order, a);
        if (a.equity < 0) {
            _cover(s, env, liquidator, target, a, snap, slice);
            // What lenders paid for its options is cash that it may not have had before.
            header.assets = s.headers[target].assets;
        }
        // A bankrupt account is made whole before it moves, so its taker never loses: in a batch that skips, its bonus is
        // what insurance had left, and one exhausted window does not stop the others (L-3).
        if (slice.bonus < order.minBonus && !(order.skip && a.equity < 0)) {
            if (!order.skip) {
                revert IMarginEngine.BonusBelowLimit(target, slice.bonus, order.minBonus);
            }
            emit IMarginEngine.LiquidationSkipped(target, a.equity, a.mm);
            return;
        }
        _moveAssets(s, target, liquidator, header.assets, slice);
        _movePositions(s, env, target, liquidator, header.markets, slice);
        if (header.options != 0) OptionBook.moveAll(s, target, liquidator, slice.fraction);
        _pay(s, env, target, liquidator, slice);
        // At the largest fraction the account stands at its target by construction; below it call and clock go on (T-14).
        if (slice.full) MarginCallLogic.clear(s, target);
        emit IMarginEngine.Liquidated(
            target, liquidator, slice.fraction, a.equity, a.mm, slice.toAccount, slice.toInsurance
        );
    }

    /// @dev What the target is worth and must hold; of a portfolio account as the witness shows it.
    function _look(
        Ledger.State storage s,
        Ledger.Env memory env,
        Ledger.Header memory header,
        IMarginEngine.Liquidate calldata order
    ) private view returns (IMarginEngine.Assessment memory a, MarginCheck.Snapshot memory snap) {
        if (OptionCheck.applies(order.target, header.options)) {
            return OptionCheck.examine(s, env.router, order.target, order.witness);
        }
        snap = MarginCheck.gather(s, env.router, order.target, header, MarginCheck.PriceUse.TARGET);
        a = MarginCheck.evaluate(s, snap);
    }

    /// @dev A witness that proves nothing says how far it came.
    function _refuse(
        Ledger.State storage s,
        Ledger.Header memory header,
        IMarginEngine.Liquidate calldata order,
        IMarginEngine.Assessment memory a
    ) private view {
        if (!MarginCallLogic.isProof(order.target, order.witness)) {
            revert IMarginEngine.AccountHealthy(order.target, a.equity, a.mm);
        }
        bool late = header.callDeadline != 0 && block.timestamp > header.callDeadline;
        uint256 level = late ? MarginCheck.callMargin(s, a) : a.mm;
        revert IMarginEngine.WitnessInsufficient(order.target, a.equity, level);
    }

    /// @dev Largest fraction, the caller's part of it, and the price of that part. By witness every number is on the target's side of what
    /// all scenarios would give; only what rests on the requirement being small (dust) and on the target being reached is left out.
    function _size(
        Ledger.Terms memory t,
        Ledger.Header memory header,
        IMarginEngine.Liquidate calldata order,
        IMarginEngine.Assessment memory a
    ) private view returns (Slice memory slice) {
        bool proven = MarginCallLogic.isProof(order.target, order.witness);
        uint256 elapsed = block.timestamp - header.clockStart;
        uint256 bonus = LiquidationMath.bonusRate(
            a.equity, a.mm, elapsed, t.bonusStart, t.bonusSlope, t.bonusRamp, t.insuranceShare
        );
        uint256 largest = LiquidationMath.maxFraction(
            a.equity,
            a.mm,
            LiquidationMath.target(a.im0, a.mm, t.beta),
            bonus + uint256(t.insuranceShare) * (FixedMath.WAD / FixedMath.BPS),
            proven ? 0 : uint256(t.dust) * (FixedMath.WAD / 100)
        );
        uint256 fraction = order.fraction < largest ? order.fraction : largest;
        // The whole account where the rule says whole: what a part would leave could not be liquidated again.
        if (largest == FixedMath.WAD) fraction = largest;
        uint256 least = uint256(t.minSlice) * (FixedMath.WAD / FixedMath.BPS);
        if (least > largest) least = largest;
        if (fraction < least || fraction == 0) {
            revert IMarginEngine.FractionBelowMinimum(order.target, fraction, least);
        }
        slice.fraction = fraction;
        slice.full = fraction == largest && (!proven || fraction == FixedMath.WAD);
        (slice.toAccount, slice.toInsurance) = LiquidationMath.price(a.equity, a.mm, fraction, bonus, t.insuranceShare);
        uint256 worth = FixedMath.mulDivDown(FixedMath.positive(a.equity), fraction, FixedMath.WAD);
        uint256 paid = slice.toAccount + slice.toInsurance;
        slice.bonus = worth > paid ? worth - paid : 0;
    }

    function _cover(
        Ledger.State storage s,
        Ledger.Env memory env,
        bytes32 liquidator,
        bytes32 target,
        IMarginEngine.Assessment memory a,
        MarginCheck.Snapshot memory snap,
        Slice memory slice
    ) private {
        uint256 deficit = uint256(-a.equity);
        uint256 wanted = deficit + FixedMath.mulDivDown(a.mm, s.terms.bonusStart, FixedMath.BPS);
        uint256 paid = LossLogic.cover(s, env, LossLogic.Claim(target, liquidator, wanted, deficit), snap);
        slice.bonus = paid > deficit ? paid - deficit : 0;
    }

    function _moveAssets(Ledger.State storage s, bytes32 target, bytes32 liquidator, uint256 bitmap, Slice memory slice)
        private
    {
        while (bitmap != 0) {
            uint256 asset = LibBit.ffs(bitmap);
            bitmap &= bitmap - 1;
            uint256 held = Ledger.available(s, target, asset);
            int256 part = FixedMath.mulDivDown(held, slice.fraction, FixedMath.WAD).toInt256();
            Ledger.changeHeld(s, target, asset, -part);
            Ledger.changeHeld(s, liquidator, asset, part);
            _moveShares(s, target, liquidator, asset, slice.fraction);
        }
    }

    /// @dev Lent shares down and debt shares up, against the target's estate as little as against its taker's: a share is a unit or so.
    /// Totals stand, so nothing needs to be accrued, and neither caps nor cash nor pauses are asked.
    function _moveShares(Ledger.State storage s, bytes32 target, bytes32 liquidator, uint256 asset, uint256 fraction)
        private
    {
        Ledger.Balance storage balance = s.balances[target][asset];
        (uint256 shares, uint8 kind) = (balance.shares, balance.kind);
        if (shares == 0) return;
        uint256 part = kind == Ledger.DEBT
            ? FixedMath.mulDivUp(shares, fraction, FixedMath.WAD)
            : FixedMath.mulDivDown(shares, fraction, FixedMath.WAD);
        Ledger.changeShares(s, target, asset, kind, shares - part);
        Ledger.changeShares(s, liquidator, asset, kind, Ledger.sharesOf(s, liquidator, asset, kind) + part);
    }

    function _movePositions(
        Ledger.State storage s,
        Ledger.Env memory env,
        bytes32 target,
        bytes32 liquidator,
        uint256 bitmap,
        Slice memory slice
    ) private {
        while (bitmap != 0) {
            uint256 market = LibBit.ffs(bitmap);
            bitmap &= bitmap - 1;
            Ledger.Position memory old = EpochLedger.touch(s, target, market);
            (int256 size, int256 cost) = PositionMath.slice(old.size, old.cost, slice.fraction);
            PerpTrading.move(s, env, market, target, liquidator, size, cost);
        }
    }

    /// @dev The liquidator may go below zero here: he sells or deposits later in the batch, and its end requires zero or more.
    function _pay(Ledger.State storage s, Ledger.Env memory env, bytes32 target, bytes32 liquidator, Slice memory slice)
        private
    {
        int256 toAccount = AssetMath.toUnitsUp(slice.toAccount, env.unit).toInt256();
        int256 toInsurance = AssetMath.toUnitsUp(slice.toInsurance, env.unit).toInt256();
        Ledger.changeHeld(s, liquidator, Ledger.QUOTE, -toAccount - toInsurance);
        Ledger.changeHeld(s, target, Ledger.QUOTE, toAccount);
        Ledger.changeHeld(s, env.insurance, Ledger.QUOTE, toInsurance);
    }
}

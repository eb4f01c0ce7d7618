// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {EngineControl} from "./EngineControl.sol";
import {Ledger} from "./Ledger.sol";
import {LendingBook} from "./LendingBook.sol";
import {MarginCheck} from "./MarginCheck.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {OperatorGrants} from "./libraries/OperatorGrants.sol";
import {LendingLogic} from "./logic/LendingLogic.sol";
import {MarginCallLogic} from "./logic/MarginCallLogic.sol";

/// @title What a batch has touched and changed, and what it is asked for at its end
/// @notice The set of touched accounts only grows, and the last thing a batch does is to ask each of them for its margin.
abstract contract BatchBook is EngineControl {
    /// @dev What the batch knows of an account. RISK: it needs the check; STRICT: on fresh prices only; REMOVED: margin left it;
    /// CURED: its owner says so; MATCHED: it filled an order; OPERATED: somebody else trades for it; TAKEN: it was called or
    /// liquidated here, and nothing else may touch it any more.
    uint256 internal constant RISK = 1;
    uint256 internal constant STRICT = 2;
    uint256 internal constant REMOVED = 4;
    uint256 internal constant CURED = 8;
    uint256 internal constant MATCHED = 16;
    uint256 internal constant OPERATED = 32;
    uint256 internal constant TAKEN = 64;
    /// @dev Removing margin leaves at least a tenth of the notional.
    uint256 private constant REMOVAL_BPS = 1000;

    /// @dev traded, cost: what an operator did, and what his fills lost against their index; slack: what rounding may have cost the account
    /// in repayments; maxLeverage: its owner's limit, or zero. The others are of before its first change.
    struct Touched {
        bytes32 id;
        uint256 flags;
        uint256 traded;
        int256 cost;
        int256 equity;
        int256 overIm;
        int256 overMm;
        int256 slack;
        uint256 maxLeverage;
    }

    /// @dev What the batch adds to the claims on an asset, and to what is borrowed of it.
    struct Change {
        uint256 asset;
        int256 supplied;
        int256 borrowed;
    }

    struct Context {
        address caller;
        bool reducing;
        bool lenient;
        uint256 count;
        Touched[] touched;
        uint256 changeCount;
        Change[] changes;
    }

    constructor(address authority, IOracleRouter router, IExecutor executor, uint256 quoteDecimals)
        EngineControl(authority, router, executor, quoteDecimals)
    {}

    // ---------------------------------------------------------------- touch

    /// @dev Finds or adds the account, and adds to its flags. In a reducing batch it is assessed before its first change, to be compared
    /// at the end.
    /// @return at Its place in `touched`.
    function _touch(Context memory ctx, bytes32 id, uint256 flags) internal view returns (uint256 at) {
        at = _find(ctx, id);
        Touched memory t = ctx.touched[at];
        if (at == ctx.count) {
            ctx.count = at + 1;
            t.id = id;
            if (ctx.reducing) {
                Assessment memory a = _assess(ctx, t, _useOf(ctx, t));
                (t.equity, t.overIm, t.overMm) = (a.equity, a.equity - int256(a.im0), a.equity - int256(a.mm));
            }
        } else if (t.flags & TAKEN != 0) {
            revert DeferredAccount(id);
        }
        t.flags |= flags;
    }

    /// @dev A target's losses are recognised only from a state that survived a check: it must be new to this batch, and only
    /// further calls and liquidations may touch it after (T-1).
    function _take(Context memory ctx, bytes32 actor, bytes32 target) internal pure {
        if (actor == target) revert AccountMismatch(actor, target);
        uint256 at = _find(ctx, target);
        Touched memory t = ctx.touched[at];
        if (at == ctx.count) {
            ctx.count = at + 1;
            (t.id, t.flags) = (target, TAKEN);
        } else if (t.flags & TAKEN == 0) {
            revert DeferredAccount(target);
        }
    }

    function _find(Context memory ctx, bytes32 id) private pure returns (uint256 at) {
        (Touched[] memory touched, uint256 count) = (ctx.touched, ctx.count);
        unchecked {
            while (at < count && touched[at].id != id) ++at;
        }
    }

    /// @dev Of each action at most two accounts are touched, and two assets changed.
    function _note(Context memory ctx, uint256 asset, int256 supplied, int256 borrowed) internal pure {
        if (ctx.changeCount == 0) ctx.changes = new Change[](ctx.touched.length);
        uint256 i;
        while (i < ctx.changeCount && ctx.changes[i].asset != asset) ++i;
        if (i == ctx.changeCount) ctx.changes[ctx.changeCount++].asset = asset;
        ctx.changes[i].supplied += supplied;
        ctx.changes[i].borrowed += borrowed;
    }

    // ---------------------------------------------------------------- the end

    /// @dev The last word of a batch, on the state that will stand.
    function _close(Context memory ctx) internal {
        for (uint256 i; i < ctx.count; ++i) {
            _check(ctx, ctx.touched[i]);
        }
        for (uint256 i; !ctx.lenient && i < ctx.changeCount; ++i) {
            _requireLimits(ctx.changes[i]);
        }
    }

    function _check(Context memory ctx, Touched memory t) private {
        (bytes32 id, uint256 flags) = (t.id, t.flags);
        if (flags & CURED != 0) MarginCallLogic.cure(state, _env(), id);
        if (flags & (RISK | TAKEN) != RISK) return;
        int256 quote = state.balances[id][Ledger.QUOTE].held;
        if (quote < 0) revert NegativeBalance(id, Ledger.QUOTE, quote);
        // Nothing at risk: healthy by definition, whatever the feeds say. An operator still answers for what he cost.
        if (flags & OPERATED == 0 && !ctx.reducing && t.maxLeverage == 0 && _isIdle(state.headers[id])) {
            return MarginCallLogic.clear(state, id);
        }
        Assessment memory a = _assess(ctx, t, _useOf(ctx, t));
        if (!ctx.lenient) {
            if (ctx.reducing && flags & STRICT == 0) _requireReduced(ctx, t, a);
            else _requireInitial(t, a);
            if (flags & OPERATED != 0) OperatorGrants.requireCost(state, id, ctx.caller, t.traded, t.cost, a);
        }
        // Last prices of any age clear nothing; a reducing account that is well again is cleared by MarginCall.
        if (!ctx.reducing && a.equity >= int256(a.im0)) MarginCallLogic.clear(state, id);
    }

    function _isIdle(Ledger.Header storage header) private view returns (bool) {
        return header.markets == 0 && header.debts == 0 && header.options == 0;
    }

    function _useOf(Context memory ctx, Touched memory t) private pure returns (MarginCheck.PriceUse) {
        if (ctx.lenient) return MarginCheck.PriceUse.TARGET;
        if (t.flags & STRICT != 0) return MarginCheck.PriceUse.OPEN;
        return ctx.reducing ? MarginCheck.PriceUse.REDUCE : MarginCheck.PriceUse.ACQUIRE;
    }

    function _assess(Context memory ctx, Touched memory t, MarginCheck.PriceUse use)
        private
        view
        returns (Assessment memory)
    {
        return MarginCheck.assessWithin(state, ROUTER, t.id, use, ctx.lenient ? 0 : t.maxLeverage);
    }

    function _requireInitial(Touched memory t, Assessment memory a) private pure {
        uint256 required = a.im;
        if (t.flags & REMOVED != 0 && a.mm != 0) {
            uint256 share = FixedMath.ceilDiv(a.notional * REMOVAL_BPS, FixedMath.BPS);
            if (share > required) required = share;
        }
        if (a.equity < int256(required)) revert BelowInitialMargin(t.id, a.equity, required);
    }

    /// @dev Who filled an order may be the worse for it if he has initial margin at good prices.
    function _requireReduced(Context memory ctx, Touched memory t, Assessment memory a) private view {
        (int256 before, int256 afterwards) = _fallen(t, a);
        if (before == afterwards) return;
        if (t.flags & MATCHED == 0) revert NotReducing(t.id, before, afterwards);
        _requireInitial(t, _assess(ctx, t, MarginCheck.PriceUse.OPEN));
    }

    /// @dev What fell below what it was when the account was touched, if anything did. Against IM₀: the discount on profit in IM grows
    /// when a losing leg is closed beside a winning one, which is no risk. And below zero the costs of a fill would be insurance's: nobody
    /// reduces at others' cost.
    function _fallen(Touched memory t, Assessment memory a) private pure returns (int256 before, int256 afterwards) {
        if (a.equity < 0 && a.equity + t.slack < t.equity) return (t.equity, a.equity);
        afterwards = a.equity - int256(a.im0) + t.slack;
        if (afterwards < t.overIm) return (t.overIm, afterwards);
        afterwards = a.equity - int256(a.mm) + t.slack;
        return afterwards < t.overMm ? (t.overMm, afterwards) : (int256(0), int256(0));
    }

    /// @dev On the net change of the batch, so that going in and out spends nothing of what others may use (T-16). What liquidations
    /// create never comes here.
    function _requireLimits(Change memory change) private {
        if (change.supplied > 0) LendingBook.requireSupply(state, change.asset);
        if (change.borrowed != 0) LendingLogic.requireBorrow(state, change.asset, change.borrowed);
    }
}

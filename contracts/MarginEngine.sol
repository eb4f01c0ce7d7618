// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IExecutor} from "../interfaces/IExecutor.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {EngineControl} from "./EngineControl.sol";
import {Ledger} from "./Ledger.sol";
import {LendingBook} from "./LendingBook.sol";
import {MarginCheck} from "./MarginCheck.sol";
import {PerpTrading} from "./PerpTrading.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {OperatorGrants} from "./libraries/OperatorGrants.sol";
import {OptionSeries} from "./libraries/OptionSeries.sol";
import {LendingLogic} from "./logic/LendingLogic.sol";
import {LiquidationLogic} from "./logic/LiquidationLogic.sol";
import {MarginCallLogic} from "./logic/MarginCallLogic.sol";
import {OptionLogic} from "./logic/OptionLogic.sol";
import {OptionSettlement} from "./logic/OptionSettlement.sol";

/// @title The only door: authorise → apply → check each touched account once
/// @notice Every action has the same beats: authorise and touch its accounts, move the ledger, emit. The set of touched accounts
/// only grows, and the last thing a batch does is to ask each of them for its margin.
contract MarginEngine is EngineControl {
    using SafeCastLib for uint256;

    /// @notice In Transfer: the action moves collateral, not a position.
    uint256 public constant NO_MARKET = type(uint256).max;
    /// @dev Removing margin leaves at least a tenth of the notional.
    uint256 private constant REMOVAL_BPS = 1000;

    /// @dev What the batch knows of an account it touched. risk: it needs the check; strict: on fresh prices only; removed: margin
    /// left it; cured: its owner says so; matched: it filled an order; taken: it was called or liquidated here, and nothing else may touch it any more; slack:
    /// what rounding may have cost it in repayments; maxLeverage: its owner's limit, or zero; operated: somebody else trades for
    /// it, and answers for `cost`, which is what his fills lost against their index.
    struct Touched {
        bytes32 id;
        bool risk;
        bool strict;
        bool removed;
        bool taken;
        bool matched;
        bool operated;
        bool cured;
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

    // ---------------------------------------------------------------- the door

    /// @inheritdoc IMarginEngine
    function execute(Batch calldata batch) external lock {
        _run(batch);
    }

    /// @inheritdoc IMarginEngine
    function preview(Batch calldata batch, bytes32[] calldata ids) external lock {
        _run(batch);
        MarginCheck.reveal(state, ROUTER, ids);
    }

    /// @dev One body for both, told apart by the call itself: given as a literal, it would be in the code twice.
    function _run(Batch calldata batch) private {
        if (batch.prices.length != 0) ROUTER.update(batch.prices);
        Context memory ctx;
        (ctx.caller, ctx.reducing, ctx.lenient) = (msg.sender, batch.reducing, msg.sig == this.preview.selector);
        ctx.touched = new Touched[](2 * batch.actions.length);
        ctx.changes = new Change[](2 * batch.actions.length);
        for (uint256 i; i < batch.actions.length; ++i) {
            _apply(ctx, batch.actions[i]);
        }
        for (uint256 i; i < ctx.count; ++i) {
            _check(ctx, ctx.touched[i]);
        }
        for (uint256 i; !ctx.lenient && i < ctx.changeCount; ++i) {
            _requireLimits(ctx.changes[i]);
        }
    }

    function _apply(Context memory ctx, Action calldata action) private {
        uint256 kind = action.kind;
        bytes32 id = action.account;
        if (ctx.reducing && !_mayReduce(kind)) revert RiskInReducingBatch(id, kind);
        if (kind == uint256(Kind.TradePerp)) _trade(ctx, id, abi.decode(action.data, (TradePerp)));
        else if (kind == uint256(Kind.Deposit)) _deposit(ctx, id, abi.decode(action.data, (Deposit)));
        else if (kind == uint256(Kind.Withdraw)) _withdraw(ctx, id, abi.decode(action.data, (Withdraw)));
        else if (kind == uint256(Kind.Liquidate)) _liquidate(ctx, id, abi.decode(action.data, (Liquidate)));
        else if (kind == uint256(Kind.MarginCall)) _marginCall(ctx, id, abi.decode(action.data, (MarginCall)));
        else if (kind == uint256(Kind.Transfer)) _transfer(ctx, id, abi.decode(action.data, (Transfer)));
        else if (kind == uint256(Kind.Settle)) PerpTrading.settle(state, _env(), abi.decode(action.data, (Settle)));
        else if (kind == uint256(Kind.Call)) _call(ctx, id, abi.decode(action.data, (Call)));
        else if (kind <= uint256(Kind.Recall)) _lending(ctx, id, kind, action.data);
        else if (kind == uint256(Kind.Limit)) _limit(ctx, id, abi.decode(action.data, (Limit)));
        else if (kind == uint256(Kind.Match)) _match(ctx, action.data);
        else if (kind == uint256(Kind.SettleOptions)) OptionSettlement.settle(state, _env(), action.data);
        else revert UnknownAction(kind);
    }

    /// @dev A reducing batch is assessed at last prices of any age, so nothing may leave an account in it, or come in at a price.
    function _mayReduce(uint256 kind) private pure returns (bool) {
        return kind == uint256(Kind.TradePerp) || kind == uint256(Kind.Deposit) || kind == uint256(Kind.Settle)
            || kind == uint256(Kind.MarginCall) || kind == uint256(Kind.Repay) || kind == uint256(Kind.Match);
    }

    // ---------------------------------------------------------------- authorise and touch

    function _requireOwner(Context memory ctx, bytes32 id) private pure {
        if (AccountId.ownerOf(id) != ctx.caller) revert NotAuthorized(id, ctx.caller);
    }

    /// @dev Finds or adds the account. In a reducing batch it is assessed before its first change, to be compared at the end.
    function _touch(Context memory ctx, bytes32 id) private view returns (Touched memory t) {
        for (uint256 i; i < ctx.count; ++i) {
            t = ctx.touched[i];
            if (t.id != id) continue;
            if (t.taken) revert DeferredAccount(id);
            return t;
        }
        t = ctx.touched[ctx.count++];
        t.id = id;
        if (!ctx.reducing) return t;
        Assessment memory a = _assess(ctx, t);
        (t.equity, t.overIm, t.overMm) = (a.equity, a.equity - int256(a.im0), a.equity - int256(a.mm));
    }

    /// @dev A target's losses are recognised only from a state that survived a check: it must be new to this batch, and only
    /// further calls and liquidations may touch it after (T-1).
    function _take(Context memory ctx, bytes32 actor, bytes32 target) private pure {
        if (actor == target) revert AccountMismatch(actor, target);
        for (uint256 i; i < ctx.count; ++i) {
            Touched memory t = ctx.touched[i];
            if (t.id != target) continue;
            if (!t.taken) revert DeferredAccount(target);
            return;
        }
        Touched memory added = ctx.touched[ctx.count++];
        added.id = target;
        added.taken = true;
    }

    /// @dev No margin may leave a called account.
    function _requireUncalled(bytes32 id) private view {
        uint256 deadline = state.headers[id].callDeadline;
        if (deadline != 0) revert AccountCalled(id, deadline);
    }

    // ---------------------------------------------------------------- actions

    /// @dev Needs no price, no check and, but for a first asset, no authority: it can only help.
    function _deposit(Context memory ctx, bytes32 id, Deposit memory order) private {
        if (order.amount == 0) revert ZeroAmount();
        if (state.headers[id].assets & 1 << order.asset == 0 && id != _insurance()) _requireOwner(ctx, id);
        _touch(ctx, id);
        address vault = _vault(order.asset);
        ICollateralVault(vault).pull(ctx.caller, order.amount);
        _credit(ctx, id, order.asset, order.amount);
        emit Deposited(id, order.asset, ctx.caller, order.amount);
    }

    function _withdraw(Context memory ctx, bytes32 id, Withdraw memory order) private {
        if (order.amount == 0) revert ZeroAmount();
        _requireOwner(ctx, id);
        _requireUncalled(id);
        Touched memory t = _touch(ctx, id);
        (t.risk, t.strict, t.removed) = (true, true, true);
        address vault = _vault(order.asset);
        _debit(ctx, id, order.asset, order.amount);
        if (order.to == state.pool.owner) {
            // Into an escrow inside the protocol: it cannot wait, so it is refused where it would have to.
            ICollateralVault(vault).push(order.to, order.amount);
            ICollateralVault(vault).count(order.amount.toInt256());
        } else {
            ICollateralVault(vault).pay(order.to, order.amount);
        }
        emit Withdrawn(id, order.asset, order.to, order.amount);
    }

    function _transfer(Context memory ctx, bytes32 id, Transfer memory order) private {
        _requireOwner(ctx, id);
        _requireUncalled(id);
        if (AccountId.ownerOf(order.to) != ctx.caller || order.to == id) revert AccountMismatch(id, order.to);
        Touched memory from = _touch(ctx, id);
        (from.risk, from.strict, from.removed) = (true, true, true);
        Touched memory to = _touch(ctx, order.to);
        (to.risk, to.strict) = (true, true);
        if (order.market != NO_MARKET) {
            if (order.market > OptionSeries.MAX_MARKET) OptionLogic.transfer(state, id, order);
            else PerpTrading.transfer(state, _env(), id, order);
            return;
        }
        if (order.amount == 0) revert ZeroAmount();
        Ledger.takeHeld(state, id, order.asset, order.amount);
        Ledger.changeHeld(state, order.to, order.asset, order.amount.toInt256());
    }

    function _trade(Context memory ctx, bytes32 id, TradePerp memory order) private {
        bool operated = AccountId.ownerOf(id) != ctx.caller;
        if (operated) OperatorGrants.requireMarket(state, id, ctx.caller, order.market);
        Touched memory t = _touch(ctx, id);
        (uint256 notional, int256 cost, bool opening) = PerpTrading.trade(state, _env(), id, order);
        if (opening && ctx.reducing) revert RiskInReducingBatch(id, uint256(Kind.TradePerp));
        if (operated && opening) OperatorGrants.requireOpening(state, id, ctx.caller);
        (t.risk, t.operated) = (true, operated);
        t.traded += notional;
        t.cost += cost;
        if (opening) t.strict = true;
    }

    /// @dev Both accounts are checked as if they had opened something, since closing a hedge is no less. In a reducing batch whose position
    /// grows is held to that too; the other one's is to be no worse, or as good as that (docs/decisions/037).
    function _match(Context memory ctx, bytes calldata data) private {
        if (ctx.reducing) {
            (bytes32 maker, bytes32 taker) = OptionLogic.parties(data);
            _touch(ctx, maker);
            _touch(ctx, taker);
        }
        uint256[10] memory filled = OptionLogic.trade(state, _env(), ctx.caller, data);
        for (uint256 i; i < 10; i += 5) {
            Touched memory t = _touch(ctx, bytes32(filled[i]));
            (t.risk, t.matched) = (true, true);
            if (filled[i + 1] != 0 || !ctx.reducing) t.strict = true;
            if (filled[i + 2] == 0) continue;
            t.operated = true;
            t.traded += filled[i + 3];
            t.cost += int256(filled[i + 4]);
        }
    }

    function _liquidate(Context memory ctx, bytes32 id, Liquidate memory order) private {
        _requireOwner(ctx, id);
        _take(ctx, id, order.target);
        _touch(ctx, id).risk = true;
        LiquidationLogic.liquidate(state, _env(), id, order);
    }

    function _marginCall(Context memory ctx, bytes32 id, MarginCall memory order) private {
        _requireOwner(ctx, id);
        if (order.target == id) {
            // The owner says that he has cured it, in the batch that does: judged at its end like everything else.
            _touch(ctx, id).cured = true;
            return;
        }
        _take(ctx, id, order.target);
        _touch(ctx, id);
        MarginCallLogic.marginCall(state, _env(), id, order);
    }

    /// @dev Executor gets exactly the amount and no authority. What is credited is what the vaults measurably received.
    function _call(Context memory ctx, bytes32 id, Call memory order) private {
        _requireOwner(ctx, id);
        _requireUncalled(id);
        if (state.forbidden[order.target]) revert CallTargetForbidden(order.target);
        if (order.assetIn == order.assetOut) revert AssetNotAllowed(id, order.assetOut);
        Touched memory t = _touch(ctx, id);
        (t.risk, t.strict, t.removed) = (true, true, true);
        ICollateralVault vaultIn = ICollateralVault(_vault(order.assetIn));
        ICollateralVault vaultOut = ICollateralVault(_vault(order.assetOut));
        _debit(ctx, id, order.assetIn, order.amountIn);
        vaultIn.push(address(EXECUTOR), order.amountIn);
        (uint256 leftIn, uint256 leftOut) = (vaultIn.balance(), vaultOut.balance());
        EXECUTOR.run(
            _token(vaultIn),
            order.amountIn,
            address(vaultIn),
            _token(vaultOut),
            address(vaultOut),
            order.target,
            order.data
        );
        leftIn = vaultIn.balance() - leftIn;
        uint256 received = vaultOut.balance() - leftOut;
        if (received < order.minOut) revert OutputBelowMinimum(order.assetOut, received, order.minOut);
        vaultIn.count(order.amountIn.toInt256() - leftIn.toInt256());
        vaultOut.count(-received.toInt256());
        _credit(ctx, id, order.assetIn, leftIn);
        _credit(ctx, id, order.assetOut, received);
        // More can come back than went in: what someone had left in Executor goes to whoever calls next.
        emit Called(id, order.target, order.amountIn > leftIn ? order.amountIn - leftIn : 0, received);
    }

    function _limit(Context memory ctx, bytes32 id, Limit memory order) private view {
        if (order.maxLeverage == 0) revert ZeroAmount();
        _requireOwner(ctx, id);
        Touched memory t = _touch(ctx, id);
        (t.risk, t.strict) = (true, true);
        if (t.maxLeverage == 0 || order.maxLeverage < t.maxLeverage) t.maxLeverage = order.maxLeverage;
    }

    // ---------------------------------------------------------------- lending

    /// @dev Repay needs no price and no check, as Deposit; Recall no check: they can only help, but for what rounds off.
    function _lending(Context memory ctx, bytes32 id, uint256 kind, bytes calldata data) private {
        _requireOwner(ctx, id);
        Touched memory t = _touch(ctx, id);
        if (kind == uint256(Kind.Borrow) || kind == uint256(Kind.Lend)) {
            _requireUncalled(id);
            (t.risk, t.strict) = (true, true);
        }
        (uint256 asset, int256 borrowed, int256 slack) = LendingLogic.act(state, ROUTER, id, kind, data, ctx.reducing);
        t.slack += slack;
        if (borrowed != 0) _note(ctx, asset, borrowed, borrowed);
    }

    function _note(Context memory ctx, uint256 asset, int256 supplied, int256 borrowed) private pure {
        uint256 i;
        while (i < ctx.changeCount && ctx.changes[i].asset != asset) ++i;
        if (i == ctx.changeCount) ctx.changes[ctx.changeCount++].asset = asset;
        ctx.changes[i].supplied += supplied;
        ctx.changes[i].borrowed += borrowed;
    }

    function _credit(Context memory ctx, bytes32 id, uint256 asset, uint256 amount) private {
        if (amount == 0) return;
        _note(ctx, asset, amount.toInt256(), 0);
        state.totals[asset].held += amount.toUint128();
        Ledger.changeHeld(state, id, asset, amount.toInt256());
    }

    function _debit(Context memory ctx, bytes32 id, uint256 asset, uint256 amount) private {
        _note(ctx, asset, -amount.toInt256(), 0);
        Ledger.takeHeld(state, id, asset, amount);
        state.totals[asset].held -= amount.toUint128();
    }

    /// @dev On the net change of the batch, so that going in and out spends nothing of what others may use (T-16). What liquidations
    /// create never comes here.
    function _requireLimits(Change memory change) private {
        if (change.supplied > 0) LendingBook.requireSupply(state, change.asset);
        if (change.borrowed != 0) LendingLogic.requireBorrow(state, change.asset, change.borrowed);
    }

    // ---------------------------------------------------------------- check

    /// @dev The last word of a batch, on the state that will stand.
    function _check(Context memory ctx, Touched memory t) private {
        if (t.cured) MarginCallLogic.cure(state, _env(), t.id);
        if (!t.risk || t.taken) return;
        Ledger.Header memory header = state.headers[t.id];
        int256 quote = state.balances[t.id][Ledger.QUOTE].held;
        if (quote < 0) revert NegativeBalance(t.id, Ledger.QUOTE, quote);
        // Nothing at risk: healthy by definition, whatever the feeds say. An operator still answers for what he cost.
        bool idle = header.markets == 0 && header.debts == 0 && header.options == 0;
        if (idle && !t.operated && !ctx.reducing && t.maxLeverage == 0) {
            return MarginCallLogic.clear(state, t.id);
        }
        Assessment memory a = _assess(ctx, t);
        if (!ctx.lenient) {
            if (ctx.reducing && !t.strict) _requireReduced(ctx, t, a);
            else _requireInitial(t, a);
            if (t.operated) OperatorGrants.requireCost(state, t.id, ctx.caller, t.traded, t.cost, a);
        }
        // Last prices of any age clear nothing; a reducing account that is well again is cleared by MarginCall.
        if (!ctx.reducing && a.equity >= int256(a.im0)) MarginCallLogic.clear(state, t.id);
    }

    function _assess(Context memory ctx, Touched memory t) private view returns (Assessment memory) {
        MarginCheck.PriceUse use = t.strict ? MarginCheck.PriceUse.OPEN : MarginCheck.PriceUse.ACQUIRE;
        if (ctx.reducing && !t.strict) use = MarginCheck.PriceUse.REDUCE;
        return _assessAs(ctx, t, ctx.lenient ? MarginCheck.PriceUse.TARGET : use);
    }

    function _assessAs(Context memory ctx, Touched memory t, MarginCheck.PriceUse use)
        private
        view
        returns (Assessment memory)
    {
        return MarginCheck.assessWithin(state, ROUTER, t.id, use, ctx.lenient ? 0 : t.maxLeverage);
    }

    function _requireInitial(Touched memory t, Assessment memory a) private pure {
        uint256 required = a.im;
        uint256 share = t.removed && a.mm != 0 ? FixedMath.ceilDiv(a.notional * REMOVAL_BPS, FixedMath.BPS) : 0;
        if (share > required) required = share;
        if (a.equity < int256(required)) revert BelowInitialMargin(t.id, a.equity, required);
    }

    /// @dev Who filled an order may be the worse for it if he has initial margin at good prices.
    function _requireReduced(Context memory ctx, Touched memory t, Assessment memory a) private view {
        (int256 before, int256 afterwards) = _fallen(t, a);
        if (before == afterwards) return;
        if (!t.matched) revert NotReducing(t.id, before, afterwards);
        _requireInitial(t, _assessAs(ctx, t, MarginCheck.PriceUse.OPEN));
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

    function _vault(uint256 asset) private view returns (address vault) {
        vault = state.vaults[asset];
        if (vault == address(0)) revert UnknownAsset(asset);
    }

    function _token(ICollateralVault vault) private view returns (address) {
        return IERC4626(address(vault)).asset();
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IExecutor} from "../interfaces/IExecutor.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {BatchBook} from "./BatchBook.sol";
import {Ledger} from "./Ledger.sol";
import {MarginCheck} from "./MarginCheck.sol";
import {PerpTrading} from "./PerpTrading.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {ActionData} from "./libraries/ActionData.sol";
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
contract MarginEngine is BatchBook {
    using SafeCastLib for uint256;

    /// @notice In Transfer: the action moves collateral, not a position.
    uint256 public constant NO_MARKET = type(uint256).max;

    constructor(address authority, IOracleRouter router, IExecutor executor, uint256 quoteDecimals)
        BatchBook(authority, router, executor, quoteDecimals)
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
        for (uint256 i; i < batch.actions.length; ++i) {
            _apply(ctx, batch.actions[i]);
        }
        _close(ctx);
    }

    function _apply(Context memory ctx, Action calldata action) private {
        uint256 kind = action.kind;
        bytes32 id = action.account;
        if (ctx.reducing && !_mayReduce(kind)) revert RiskInReducingBatch(id, kind);
        if (kind == uint256(Kind.TradePerp)) _trade(ctx, id, abi.decode(action.data, (TradePerp)));
        else if (kind == uint256(Kind.Deposit)) _deposit(ctx, id, abi.decode(action.data, (Deposit)));
        else if (kind == uint256(Kind.Withdraw)) _withdraw(ctx, id, abi.decode(action.data, (Withdraw)));
        else if (kind == uint256(Kind.Liquidate)) _liquidate(ctx, id, action.data);
        else if (kind == uint256(Kind.MarginCall)) _marginCall(ctx, id, action.data);
        else if (kind == uint256(Kind.Transfer)) _transfer(ctx, id, abi.decode(action.data, (Transfer)));
        else if (kind == uint256(Kind.Settle)) PerpTrading.settle(state, _env(), abi.decode(action.data, (Settle)));
        else if (kind == uint256(Kind.Call)) _call(ctx, id, ActionData.callOf(action.data));
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

    // ---------------------------------------------------------------- authorise

    function _requireOwner(Context memory ctx, bytes32 id) private pure {
        if (AccountId.ownerOf(id) != ctx.caller) revert NotAuthorized(id, ctx.caller);
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
        _touch(ctx, id, 0);
        address vault = _vault(order.asset);
        ICollateralVault(vault).pull(ctx.caller, order.amount);
        _credit(ctx, id, order.asset, order.amount);
        emit Deposited(id, order.asset, ctx.caller, order.amount);
    }

    function _withdraw(Context memory ctx, bytes32 id, Withdraw memory order) private {
        if (order.amount == 0) revert ZeroAmount();
        _requireOwner(ctx, id);
        _requireUncalled(id);
        _touch(ctx, id, RISK | STRICT | REMOVED);
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
        _touch(ctx, id, RISK | STRICT | REMOVED);
        _touch(ctx, order.to, RISK | STRICT);
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
        uint256 at = _touch(ctx, id, operated ? RISK | OPERATED : RISK);
        (uint256 notional, int256 cost, bool opening) = PerpTrading.trade(state, _env(), id, order);
        if (opening && ctx.reducing) revert RiskInReducingBatch(id, uint256(Kind.TradePerp));
        if (operated && opening) OperatorGrants.requireOpening(state, id, ctx.caller);
        Touched memory t = ctx.touched[at];
        t.traded += notional;
        t.cost += cost;
        if (opening) t.flags |= STRICT;
    }

    /// @dev Both accounts are checked as if they had opened something, since closing a hedge is no less. In a reducing batch whose position
    /// grows is held to that too; the other one's is to be no worse, or as good as that (docs/decisions/037).
    function _match(Context memory ctx, bytes calldata data) private {
        Match calldata order = ActionData.matchOf(data);
        (bytes32 maker, bytes32 taker) = (order.maker.order.account, order.taker.order.account);
        (uint256 one, uint256 other) = (_touch(ctx, maker, RISK | MATCHED), _touch(ctx, taker, RISK | MATCHED));
        (OptionLogic.Outcome memory ofMaker, OptionLogic.Outcome memory ofTaker) =
            OptionLogic.trade(state, _env(), ctx.caller, maker, taker, data);
        _matched(ctx, ctx.touched[one], ofMaker);
        _matched(ctx, ctx.touched[other], ofTaker);
    }

    function _matched(Context memory ctx, Touched memory t, OptionLogic.Outcome memory outcome) private pure {
        if (outcome.opening || !ctx.reducing) t.flags |= STRICT;
        if (!outcome.operated) return;
        t.flags |= OPERATED;
        t.traded += outcome.traded;
        t.cost += outcome.lost;
    }

    function _liquidate(Context memory ctx, bytes32 id, bytes calldata data) private {
        bytes32 target = ActionData.liquidateOf(data).target;
        _requireOwner(ctx, id);
        _take(ctx, id, target);
        _touch(ctx, id, RISK);
        LiquidationLogic.liquidate(state, _env(), id, target, data);
    }

    function _marginCall(Context memory ctx, bytes32 id, bytes calldata data) private {
        bytes32 target = ActionData.marginCallOf(data).target;
        _requireOwner(ctx, id);
        if (target == id) {
            // The owner says that he has cured it, in the batch that does: judged at its end like everything else.
            _touch(ctx, id, CURED);
            return;
        }
        _take(ctx, id, target);
        _touch(ctx, id, 0);
        MarginCallLogic.marginCall(state, _env(), id, target, data);
    }

    /// @dev Executor gets exactly the amount and no authority. What is credited is what the vaults measurably received.
    function _call(Context memory ctx, bytes32 id, Call calldata order) private {
        _requireOwner(ctx, id);
        _requireUncalled(id);
        if (state.forbidden[order.target]) revert CallTargetForbidden(order.target);
        if (order.assetIn == order.assetOut) revert AssetNotAllowed(id, order.assetOut);
        _touch(ctx, id, RISK | STRICT | REMOVED);
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
        Touched memory t = ctx.touched[_touch(ctx, id, RISK | STRICT)];
        if (t.maxLeverage == 0 || order.maxLeverage < t.maxLeverage) t.maxLeverage = order.maxLeverage;
    }

    // ---------------------------------------------------------------- lending

    /// @dev Repay needs no price and no check, as Deposit; Recall no check: they can only help, but for what rounds off.
    function _lending(Context memory ctx, bytes32 id, uint256 kind, bytes calldata data) private {
        _requireOwner(ctx, id);
        bool risky = kind == uint256(Kind.Borrow) || kind == uint256(Kind.Lend);
        uint256 at = _touch(ctx, id, risky ? RISK | STRICT : 0);
        if (risky) _requireUncalled(id);
        (uint256 asset, int256 borrowed, int256 slack) = LendingLogic.act(state, ROUTER, id, kind, data, ctx.reducing);
        ctx.touched[at].slack += slack;
        if (borrowed != 0) _note(ctx, asset, borrowed, borrowed);
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

    function _vault(uint256 asset) private view returns (address vault) {
        vault = state.vaults[asset];
        if (vault == address(0)) revert UnknownAsset(asset);
    }

    function _token(ICollateralVault vault) private view returns (address) {
        return IERC4626(address(vault)).asset();
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../../interfaces/IOracleRouter.sol";
import {Ledger} from "../Ledger.sol";
import {LendingBook} from "../LendingBook.sol";
import {AssetMath} from "../libraries/AssetMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {InterestMath} from "../libraries/InterestMath.sol";
import {PriceWord} from "../libraries/PriceWord.sol";
import {ExitLogic} from "./ExitLogic.sol";

/// @title Lending: from held to lent, from lent to borrowed, and back
/// @notice Only what its owners chose to lend is ever lent. A loan enters the borrower's held balance and nowhere else; whatever
/// leaves the protocol is a withdrawal of that.
/// @dev Linked library over the engine's storage. Authority, margin and the batch's limits are the engine's.
library LendingLogic {
    using LendingBook for LendingBook.Book;
    using SafeCastLib for uint256;

    uint256 private constant WINDOW = 1 hours;

    // ---------------------------------------------------------------- accounts

    /// @notice Does what an action of lending says.
    /// @return asset Of the action.
    /// @return borrowed What is owed of it more or, negative, less.
    /// @return slack What rounding may cost the account, WAD, where `reducing` asks.
    function act(
        Ledger.State storage s,
        IOracleRouter router,
        bytes32 id,
        uint256 kind,
        bytes calldata data,
        bool reducing
    ) external returns (uint256 asset, int256 borrowed, int256 slack) {
        IMarginEngine.Lending memory order = abi.decode(data, (IMarginEngine.Lending));
        if (order.amount == 0) revert IMarginEngine.ZeroAmount();
        asset = order.asset;
        if (kind == uint256(IMarginEngine.Kind.Borrow)) {
            _borrow(s, id, asset, order.amount);
            borrowed = order.amount.toInt256();
        } else if (kind == uint256(IMarginEngine.Kind.Repay)) {
            if (reducing) slack = _roundingOf(s, router, asset);
            borrowed = -_repay(s, id, asset, order.amount).toInt256();
        } else if (kind == uint256(IMarginEngine.Kind.Lend)) {
            _lend(s, id, asset, order.amount);
        } else {
            ExitLogic.requireQuiet(s, router, asset);
            _recall(s, id, asset, order.amount);
        }
    }

    function _borrow(Ledger.State storage s, bytes32 id, uint256 asset, uint256 amount) private {
        if (block.timestamp < s.globals.pausedUntil) revert IMarginEngine.NewRiskPaused(s.globals.pausedUntil);
        LendingBook.Book memory b = LendingBook.open(s, asset);
        b.requireCash(asset, amount);
        _advance(s, id, asset, b, amount);
    }

    function _advance(Ledger.State storage s, bytes32 id, uint256 asset, LendingBook.Book memory b, uint256 amount)
        private
    {
        uint256 shares = InterestMath.sharesUp(amount, b.debtIndex);
        b.debtShares += shares;
        LendingBook.close(s, asset, b);
        Ledger.changeShares(s, id, asset, Ledger.DEBT, Ledger.sharesOf(s, id, asset, Ledger.DEBT) + shares);
        _hold(s, id, asset, amount.toInt256());
    }

    /// @dev Pays back `amount` of what `id` holds, or all it owes when that is less. @return paid Token units.
    function _repay(Ledger.State storage s, bytes32 id, uint256 asset, uint256 amount) private returns (uint256 paid) {
        uint256 shares = Ledger.sharesOf(s, id, asset, Ledger.DEBT);
        if (shares == 0) revert IMarginEngine.NothingOwed(id, asset);
        LendingBook.Book memory b = LendingBook.open(s, asset);
        paid = InterestMath.amountUp(shares, b.debtIndex);
        uint256 part = shares;
        if (amount < paid) {
            paid = amount;
            part = InterestMath.sharesDown(amount, b.debtIndex);
            if (part == 0) revert IMarginEngine.ZeroAmount();
        }
        Ledger.takeHeld(s, id, asset, paid);
        s.totals[asset].held -= paid.toUint128();
        Ledger.changeShares(s, id, asset, Ledger.DEBT, shares - part);
        b.debtShares -= part;
        LendingBook.close(s, asset, b);
    }

    function _lend(Ledger.State storage s, bytes32 id, uint256 asset, uint256 amount) private {
        LendingBook.Book memory b = LendingBook.open(s, asset);
        uint256 shares = b.issue(asset, amount);
        Ledger.takeHeld(s, id, asset, amount);
        s.totals[asset].held -= amount.toUint128();
        b.lentShares += shares;
        LendingBook.close(s, asset, b);
        Ledger.changeShares(s, id, asset, Ledger.LENT, Ledger.sharesOf(s, id, asset, Ledger.LENT) + shares);
    }

    /// @dev Takes `amount` of what `id` has lent, or all of it when that is less, back into its held balance.
    function _recall(Ledger.State storage s, bytes32 id, uint256 asset, uint256 amount) private {
        LendingBook.Book memory b = LendingBook.open(s, asset);
        uint256 shares = Ledger.sharesOf(s, id, asset, Ledger.LENT);
        uint256 all = InterestMath.amountDown(shares, b.lentIndex);
        uint256 part = shares;
        if (amount < all) part = InterestMath.sharesUp(amount, b.lentIndex);
        else amount = all;
        if (part == 0) revert IMarginEngine.ZeroAmount();
        b.requireCash(asset, amount);
        b.lentShares -= part;
        LendingBook.close(s, asset, b);
        Ledger.changeShares(s, id, asset, Ledger.LENT, shares - part);
        _hold(s, id, asset, amount.toInt256());
    }

    /// @dev What a repayment may cost its payer above what it takes off his debt: one share, and a token unit. WAD.
    function _roundingOf(Ledger.State storage s, IOracleRouter router, uint256 asset) private view returns (int256) {
        Ledger.Asset memory listed = s.assets[asset];
        uint256[] memory feeds = new uint256[](1);
        feeds[0] = listed.feed;
        (uint256 index,) = LendingBook.project(s, asset);
        uint256 units = 1 + InterestMath.amountUp(1, index);
        return int256(AssetMath.valueDown(units, PriceWord.value(router.read(feeds)[0]), listed.decimals)) + 1;
    }

    // ---------------------------------------------------------------- lenders outside, insurance, losses

    /// @notice Adds to, or takes from, the claims of the vault's own lenders, whose shares are the vault's tokens.
    /// @param amount Token units that came in (or, negative, that go out). @param shares Of the sign of `amount`.
    function changeLent(Ledger.State storage s, uint256 asset, int256 amount, int256 shares) external {
        LendingBook.Book memory b = LendingBook.open(s, asset);
        if (amount > 0) b.requireOpen(asset);
        else b.requireCash(asset, uint256(-amount));
        b.lentShares = uint256(int256(b.lentShares) + shares);
        LendingBook.close(s, asset, b);
        if (amount > 0) LendingBook.requireSupply(s, asset);
    }

    /// @notice Pays insurance what of the reserve is there in cash. @return paid Token units.
    function collectReserve(Ledger.State storage s, bytes32 insurance, uint256 asset) external returns (uint256 paid) {
        LendingBook.Book memory b = LendingBook.open(s, asset);
        paid = FixedMath.min(b.reserve, b.cash());
        b.reserve -= paid;
        LendingBook.closeAccrued(s, asset, b);
        _hold(s, insurance, asset, paid.toInt256());
    }

    /// @notice Writes off up to `units` of what `id` owes. The reserve pays first, then what insurance holds of the asset, then its
    /// lenders, through their index: never anyone who merely holds it. @return written Token units.
    function forgive(Ledger.State storage s, bytes32 insurance, uint256 asset, bytes32 id, uint256 units)
        external
        returns (uint256 written)
    {
        uint256 shares = Ledger.sharesOf(s, id, asset, Ledger.DEBT);
        if (shares == 0 || units == 0) return 0;
        LendingBook.Book memory b = LendingBook.open(s, asset);
        written = InterestMath.amountUp(shares, b.debtIndex);
        uint256 part = shares;
        if (units < written) {
            written = units;
            part = InterestMath.sharesDown(units, b.debtIndex);
            if (part == 0) return 0;
        }
        b.debtShares -= part;
        Ledger.changeShares(s, id, asset, Ledger.DEBT, shares - part);
        _charge(s, insurance, asset, b, id, written);
        LendingBook.close(s, asset, b);
    }

    /// @notice Finds up to `units` of what `id` must pay: of what it has lent, or else as a debt, as far as there is cash. A loss makes this
    /// debt and not a wish, so neither caps nor pauses are asked. @return raised Token units.
    function raise(Ledger.State storage s, bytes32 id, uint256 asset, uint256 units) external returns (uint256 raised) {
        if (s.lending[asset].accruedAt == 0) return 0;
        LendingBook.Book memory b = LendingBook.open(s, asset);
        raised = FixedMath.min(units, b.cash());
        uint256 lent = InterestMath.amountDown(Ledger.sharesOf(s, id, asset, Ledger.LENT), b.lentIndex);
        if (s.balances[id][asset].kind == Ledger.LENT) raised = FixedMath.min(raised, lent);
        if (raised == 0) return 0;
        if (lent != 0) _recall(s, id, asset, raised);
        else _advance(s, id, asset, b, raised);
    }

    /// @notice Takes up to `units` of lent cash for `to`, out of all lenders' claims: what a market's traders and pool could not bear.
    /// @return taken Token units.
    function levy(Ledger.State storage s, bytes32 to, uint256 asset, uint256 units) external returns (uint256 taken) {
        if (s.lending[asset].accruedAt == 0) return 0;
        LendingBook.Book memory b = LendingBook.open(s, asset);
        taken = FixedMath.min(units, FixedMath.min(b.lent(), b.cash()));
        if (taken == 0) return 0;
        _lower(asset, b, taken);
        LendingBook.close(s, asset, b);
        _hold(s, to, asset, taken.toInt256());
    }

    /// @dev Down: the lenders' claims fall by the loss and what rounds off.
    function _lower(uint256 asset, LendingBook.Book memory b, uint256 loss) private {
        uint256 claims = b.lentShares * b.lentIndex;
        uint256 lost = loss * InterestMath.INDEX_ONE;
        b.lentIndex = lost < claims ? (claims - lost) / b.lentShares : 0;
        emit IMarginEngine.LendersLost(asset, loss, b.lentIndex);
    }

    function _charge(
        Ledger.State storage s,
        bytes32 insurance,
        uint256 asset,
        LendingBook.Book memory b,
        bytes32 id,
        uint256 loss
    ) private {
        uint256 fromReserve = FixedMath.min(loss, b.reserve);
        b.reserve -= fromReserve;
        // Of the quote asset insurance has paid what its caps allow before it came to this.
        uint256 fromInsurance =
            asset == Ledger.QUOTE ? 0 : FixedMath.min(loss - fromReserve, Ledger.available(s, insurance, asset));
        _hold(s, insurance, asset, -fromInsurance.toInt256());
        uint256 left = loss - fromReserve - fromInsurance;
        if (left != 0 && b.lentShares != 0) _lower(asset, b, left);
        emit IMarginEngine.DebtForgiven(id, asset, loss, fromReserve, fromInsurance);
    }

    // ---------------------------------------------------------------- limits, at the end of a batch

    /// @notice Borrow cap and velocity against what the whole batch borrowed of an asset, net. Paying back gives room back.
    function requireBorrow(Ledger.State storage s, uint256 asset, int256 net) external {
        Ledger.Flow memory flow = s.flows[asset];
        if (block.timestamp >= uint256(flow.windowStart) + WINDOW) {
            (flow.windowStart, flow.netBorrowed) = (uint32(block.timestamp), 0);
        }
        int256 sum = flow.netBorrowed + net;
        if (sum < 0) sum = 0;
        if (sum == flow.netBorrowed) return;
        flow.netBorrowed = int128(sum);
        s.flows[asset] = flow;
        emit IMarginEngine.BorrowFlow(asset, flow.windowStart, uint256(sum));
        if (net < 0) return;
        Ledger.Limits memory limits = s.limits[asset];
        uint256 owed = InterestMath.amountUp(s.debts[asset].shares, s.lending[asset].debtIndex);
        if (owed > limits.borrowCap) revert IMarginEngine.BorrowCapExceeded(asset, owed, limits.borrowCap);
        uint256 most = uint256(limits.borrowCap) * limits.borrowVelocity / FixedMath.BPS;
        if (uint256(sum) > most) revert IMarginEngine.BorrowVelocityExceeded(asset, uint256(sum), most);
    }

    // ---------------------------------------------------------------- views

    /// @notice The asset's loans as they stand now; of one that is not listed all zero. `room`: what the supply cap leaves.
    function loansOf(Ledger.State storage s, uint256 asset) external view returns (IMarginEngine.Loans memory loans) {
        if (s.lending[asset].accruedAt == 0) return loans;
        LendingBook.Book memory b = LendingBook.open(s, asset);
        (loans.lent, loans.lentShares, loans.lentIndex) = (b.lent(), b.lentShares, b.lentIndex);
        (loans.borrowed, loans.debtShares, loans.debtIndex) = (b.borrowed(), b.debtShares, b.debtIndex);
        (loans.reserve, loans.cash) = (b.reserve, b.cash());
        loans.room = b.isOpen() ? LendingBook.supplyRoom(s, asset) : 0;
    }

    function lentOf(Ledger.State storage s, bytes32 id, uint256 asset) external view returns (uint256) {
        (, uint256 index) = LendingBook.project(s, asset);
        return InterestMath.amountDown(Ledger.sharesOf(s, id, asset, Ledger.LENT), index);
    }

    function debtOf(Ledger.State storage s, bytes32 id, uint256 asset) external view returns (uint256) {
        (uint256 index,) = LendingBook.project(s, asset);
        return InterestMath.amountUp(Ledger.sharesOf(s, id, asset, Ledger.DEBT), index);
    }

    // ---------------------------------------------------------------- internals

    function _hold(Ledger.State storage s, bytes32 id, uint256 asset, int256 delta) private {
        if (delta == 0) return;
        Ledger.Totals storage totals = s.totals[asset];
        totals.held = uint256(int256(uint256(totals.held)) + delta).toUint128();
        Ledger.changeHeld(s, id, asset, delta);
    }
}

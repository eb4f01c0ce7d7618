// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Ledger} from "./Ledger.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {InterestMath} from "./libraries/InterestMath.sol";

/// @title One asset's loans: what its lenders are owed, what its borrowers owe, and what of it is there
/// @notice Opened (accrued to now) into memory, changed, and closed: three words. With S lent and D debt shares, l and d their
/// indices, it keeps, exactly and in every step, S·l − D·d + reserve ≤ tokens − held: interest that lenders do not get is reserve
/// (down), shares are rounded against whoever asks for them, and what rounds off is nobody's.
library LendingBook {
    using SafeCastLib for uint256;

    /// @dev Below this an index has lost a million to one: too coarse to lend by, and next to nothing is left of it.
    uint256 private constant LEAST_INDEX = 1e6;

    struct Book {
        uint256 debtIndex;
        uint256 lentIndex;
        uint256 rateAtTarget;
        uint256 reserveShare;
        uint256 lentShares;
        uint256 debtShares;
        uint256 reserve;
    }

    /// @notice The indices as they stand now.
    function project(Ledger.State storage s, uint256 asset)
        internal
        view
        returns (uint256 debtIndex, uint256 lentIndex)
    {
        Ledger.Lending memory word = s.lending[asset];
        (, debtIndex, lentIndex) = _project(word);
    }

    /// @notice The first word of an asset that can be lent from now on; later, another share for the reserve from now on.
    function list(Ledger.State storage s, uint256 asset, uint256 reserveShare) internal {
        Book memory b;
        if (s.lending[asset].accruedAt != 0) {
            b = open(s, asset);
        } else {
            (b.debtIndex, b.lentIndex) = (InterestMath.INDEX_ONE, InterestMath.INDEX_ONE);
            b.rateAtTarget = InterestMath.RATE_START;
        }
        b.reserveShare = reserveShare;
        close(s, asset, b);
    }

    function open(Ledger.State storage s, uint256 asset) internal view returns (Book memory b) {
        Ledger.Lending memory word = s.lending[asset];
        if (word.accruedAt == 0) revert IMarginEngine.LendingClosed(asset);
        (b.rateAtTarget, b.debtIndex, b.lentIndex) = _project(word);
        b.reserveShare = word.reserveShare;
        b.lentShares = s.totals[asset].lentShares;
        (b.debtShares, b.reserve) = (s.debts[asset].shares, s.debts[asset].reserve);
        uint256 paid = b.debtShares * (b.debtIndex - word.debtIndex);
        uint256 earned = b.lentShares * (b.lentIndex - word.lentIndex);
        if (paid > earned) b.reserve += (paid - earned) / InterestMath.INDEX_ONE;
    }

    function close(Ledger.State storage s, uint256 asset, Book memory b) internal {
        _store(s, asset, b, _utilisation(b));
    }

    /// @notice As `close`, where nothing was lent, borrowed or lost: the rate goes on as it was, however often this is asked (R-2).
    function closeAccrued(Ledger.State storage s, uint256 asset, Book memory b) internal {
        _store(s, asset, b, s.lending[asset].utilisation);
    }

    function _store(Ledger.State storage s, uint256 asset, Book memory b, uint256 utilisation) private {
        Ledger.Lending storage word = s.lending[asset];
        bool accrued = word.accruedAt != block.timestamp || word.lentIndex != b.lentIndex;
        s.lending[asset] = Ledger.Lending({
            debtIndex: b.debtIndex.toUint64(),
            lentIndex: b.lentIndex.toUint64(),
            accruedAt: uint32(block.timestamp),
            utilisation: uint24(utilisation),
            rateAtTarget: b.rateAtTarget.toUint48(),
            reserveShare: uint16(b.reserveShare)
        });
        s.debts[asset] = Ledger.Debts(b.debtShares.toUint112(), b.reserve.toUint112());
        s.totals[asset].lentShares = b.lentShares.toUint128();
        if (accrued) emit IMarginEngine.LendingAccrued(asset, b.debtIndex, b.lentIndex, b.rateAtTarget);
        emit IMarginEngine.LendingTotals(asset, b.lentShares, b.debtShares, b.reserve);
    }

    function lent(Book memory b) internal pure returns (uint256) {
        return InterestMath.amountDown(b.lentShares, b.lentIndex);
    }

    function borrowed(Book memory b) internal pure returns (uint256) {
        return InterestMath.amountUp(b.debtShares, b.debtIndex);
    }

    /// @notice What can be borrowed or recalled: lent and not borrowed, and the reserve. Never what accounts hold.
    function cash(Book memory b) internal pure returns (uint256) {
        return FixedMath.positive(int256(lent(b) + b.reserve) - int256(borrowed(b)));
    }

    function requireCash(Book memory b, uint256 asset, uint256 amount) internal pure {
        uint256 there = cash(b);
        if (amount > there) revert IMarginEngine.LentCashMissing(asset, amount, there);
    }

    /// @notice Shares for `amount` lent. An asset whose lenders have lost all takes no new ones.
    function issue(Book memory b, uint256 asset, uint256 amount) internal pure returns (uint256 shares) {
        requireOpen(b, asset);
        shares = InterestMath.sharesDown(amount, b.lentIndex);
        if (shares == 0) revert IMarginEngine.ZeroAmount();
    }

    function requireOpen(Book memory b, uint256 asset) internal pure {
        if (!isOpen(b)) revert IMarginEngine.LendingClosed(asset);
    }

    function isOpen(Book memory b) internal pure returns (bool) {
        return b.lentIndex >= LEAST_INDEX;
    }

    // ---------------------------------------------------------------- caps

    /// @notice The supply cap now: a new one grows from zero over a week.
    function supplyCap(Ledger.Limits memory limits) internal view returns (uint256) {
        uint256 age = block.timestamp - limits.capSince;
        if (limits.capSince == 0 || age >= 7 days) return limits.supplyCap;
        return uint256(limits.supplyCap) * age / 7 days;
    }

    /// @notice Refuses more claims on an asset than its cap.
    function requireSupply(Ledger.State storage s, uint256 asset) internal view {
        (uint256 supply, uint256 cap) = (_supply(s, asset), supplyCap(s.limits[asset]));
        if (supply > cap) revert IMarginEngine.SupplyCapExceeded(asset, supply, cap);
    }

    function supplyRoom(Ledger.State storage s, uint256 asset) internal view returns (uint256) {
        (uint256 supply, uint256 cap) = (_supply(s, asset), supplyCap(s.limits[asset]));
        return supply < cap ? cap - supply : 0;
    }

    // ---------------------------------------------------------------- internals

    /// @dev Claims on the asset, held and lent, as of the last accrual.
    function _supply(Ledger.State storage s, uint256 asset) private view returns (uint256 supply) {
        Ledger.Totals memory totals = s.totals[asset];
        supply = totals.held;
        if (totals.lentShares != 0) supply += InterestMath.amountDown(totals.lentShares, s.lending[asset].lentIndex);
    }

    function _project(Ledger.Lending memory word) private view returns (uint256, uint256, uint256) {
        return InterestMath.project(
            word.rateAtTarget,
            word.utilisation,
            word.reserveShare,
            block.timestamp - word.accruedAt,
            word.debtIndex,
            word.lentIndex
        );
    }

    /// @dev Down, and of the exact claims: so lenders never earn more than borrowers pay, whatever the roundings.
    function _utilisation(Book memory b) private pure returns (uint256) {
        return InterestMath.utilisationOf(b.lentShares * b.lentIndex, b.debtShares * b.debtIndex);
    }
}

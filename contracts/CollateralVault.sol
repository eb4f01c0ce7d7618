// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {WithdrawalBrake} from "./WithdrawalBrake.sol";
import {InterestMath} from "./libraries/InterestMath.sol";

/// @title Custody of one asset, and an ERC-4626 face for those who lend it
/// @dev A share is worth the asset's lent index, the same for the vault's own lenders and for accounts that lend. The index starts at
/// one and moves by interest and recognised loss only, never by what is sent here, so a first depositor can round nobody away
/// and no virtual shares are needed.
/// No guard of its own. Inside a batch the engine's lock refuses everything below but `pull`, `push`, `pay` and `count`. Outside of
/// one, a hook of the token can run only (a) while a deposit transfers in, when neither shares nor claim exist yet, and whatever
/// it moves out of or into the vault breaks the measured difference and reverts the whole; (b) after a withdrawal, or the payment of
/// a queued one, has done everything else.
contract CollateralVault is ERC4626, WithdrawalBrake {
    using SafeERC20 for IERC20;

    error DepositBelowOneShare(uint256 assets);

    uint256 public immutable assetIndex;

    /// @param brakeBps What may leave per hour, net, as a share of what was here when the hour began; at least `brakeFloor`.
    constructor(
        address engine_,
        uint256 assetIndex_,
        IERC20 token,
        string memory name_,
        string memory symbol_,
        uint256 brakeBps,
        uint256 brakeFloor
    ) ERC20(name_, symbol_) ERC4626(token) WithdrawalBrake(engine_, brakeBps, brakeFloor) {
        assetIndex = assetIndex_;
    }

    // ------------------------------------------------------------------ custody

    function pull(address from, uint256 amount) external onlyEngine {
        _receive(from, amount);
    }

    // ------------------------------------------------------------------ the lenders' face

    function totalAssets() public view override returns (uint256) {
        return _loans().lent;
    }

    /// @dev What the asset's supply cap leaves; nothing before the asset is listed, or after its lenders lost all.
    function maxDeposit(address) public view override returns (uint256) {
        return _loans().room;
    }

    function maxMint(address receiver) public view override returns (uint256) {
        return _convertToShares(maxDeposit(receiver), Math.Rounding.Floor);
    }

    /// @dev Neither what accounts hold nor what is borrowed is there to be paid; nothing while exits wait.
    function maxWithdraw(address owner) public view override returns (uint256) {
        IMarginEngine.Loans memory loans = _loans();
        if (IMarginEngine(engine).exitsWait(assetIndex)) return 0;
        return Math.min(InterestMath.amountDown(balanceOf(owner), loans.lentIndex), loans.cash);
    }

    /// @dev All that someone has where there is cash for it, whatever rounds off; else the shares of the cash, rounded down, which redeem
    /// for no more than the cash.
    function maxRedeem(address owner) public view override returns (uint256) {
        IMarginEngine.Loans memory loans = _loans();
        if (loans.lentIndex == 0 || IMarginEngine(engine).exitsWait(assetIndex)) return 0;
        uint256 shares = balanceOf(owner);
        if (InterestMath.amountDown(shares, loans.lentIndex) <= loans.cash) return shares;
        return InterestMath.sharesDown(loans.cash, loans.lentIndex);
    }

    // ------------------------------------------------------------------ internals

    function _convertToShares(uint256 assets, Math.Rounding rounding) internal view override returns (uint256) {
        uint256 index = _loans().lentIndex;
        if (index == 0) return 0;
        return
            rounding == Math.Rounding.Ceil
                ? InterestMath.sharesUp(assets, index)
                : InterestMath.sharesDown(assets, index);
    }

    function _convertToAssets(uint256 shares, Math.Rounding rounding) internal view override returns (uint256) {
        uint256 index = _loans().lentIndex;
        return
            rounding == Math.Rounding.Ceil
                ? InterestMath.amountUp(shares, index)
                : InterestMath.amountDown(shares, index);
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override {
        if (shares == 0 && assets != 0) revert DepositBelowOneShare(assets);
        _receive(caller, assets);
        // Both are at most 2^128, see maxDeposit.
        IMarginEngine(engine).changeLent(assetIndex, int256(assets), int256(shares));
        _mint(receiver, shares);
        emit Deposit(caller, receiver, assets, shares);
    }

    /// @dev Beyond the brake the payment is queued: the shares are gone, and the assets are the receiver's.
    function _withdraw(address caller, address receiver, address owner, uint256 assets, uint256 shares)
        internal
        override
    {
        if (caller != owner) _spendAllowance(owner, caller, shares);
        _burn(owner, shares);
        IMarginEngine(engine).changeLent(assetIndex, -int256(assets), -int256(shares));
        emit Withdraw(caller, receiver, owner, assets, shares);
        _pay(receiver, assets);
    }

    /// @dev Counts what arrived instead of believing the amount: a fee on transfer would otherwise be paid by everyone else.
    function _receive(address from, uint256 amount) private {
        _countIn(amount);
        uint256 before = balance();
        IERC20(asset()).safeTransferFrom(from, address(this), amount);
        uint256 received = balance() - before;
        if (received != amount) revert TransferAmountMismatch(asset(), received, amount);
    }

    function _loans() private view returns (IMarginEngine.Loans memory) {
        return IMarginEngine(engine).lendingOf(assetIndex);
    }

    function _token() internal view override returns (address) {
        return asset();
    }
}

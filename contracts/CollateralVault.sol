// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {LedgerSlots} from "./libraries/LedgerSlots.sol";

/// @title Custody of one asset, and an ERC-4626 face for those who lend it
/// @dev No guard of its own. Inside a batch the engine's lock refuses everything below but `pull` and `push`. Outside of one, a
/// hook of the token can run only (a) while a deposit transfers in, when neither shares nor claim exist yet, and whatever it
/// moves into the vault breaks the measured difference and reverts the whole; (b) after a withdrawal has done everything else.
contract CollateralVault is ICollateralVault, ERC4626 {
    using SafeERC20 for IERC20;

    error DepositBelowOneShare(uint256 assets);

    address public immutable engine;
    uint256 public immutable assetIndex;

    modifier onlyEngine() {
        if (msg.sender != engine) revert OnlyEngine(msg.sender);
        _;
    }

    constructor(address engine_, uint256 assetIndex_, IERC20 token, string memory name_, string memory symbol_)
        ERC20(name_, symbol_)
        ERC4626(token)
    {
        engine = engine_;
        assetIndex = assetIndex_;
    }

    // ------------------------------------------------------------------ custody

    function pull(address from, uint256 amount) external onlyEngine {
        _receive(from, amount);
    }

    function push(address to, uint256 amount) external onlyEngine {
        IERC20(asset()).safeTransfer(to, amount);
    }

    function balance() public view returns (uint256) {
        return IERC20(asset()).balanceOf(address(this));
    }

    // ------------------------------------------------------------------ the lenders' face

    /// @dev The engine's count of what lenders are owed. Tokens that merely lie here are nobody's: a donation moves no price.
    function totalAssets() public view override returns (uint256) {
        (, uint256 lent) = _totals();
        return lent;
    }

    /// @dev What the asset's supply cap leaves; nothing before the asset is listed.
    function maxDeposit(address) public view override returns (uint256) {
        (uint256 held, uint256 lent) = _totals();
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = LedgerSlots.at(assetIndex, LedgerSlots.LIMITS);
        uint256 supplyCap = uint104(uint256(IMarginEngine(engine).slots(keys)[0]));
        return Math.saturatingSub(supplyCap, held + lent);
    }

    function maxMint(address receiver) public view override returns (uint256) {
        return _convertToShares(maxDeposit(receiver), Math.Rounding.Floor);
    }

    /// @dev Cash that accounts hold is never paid to lenders.
    function maxWithdraw(address owner) public view override returns (uint256) {
        return Math.min(_convertToAssets(balanceOf(owner), Math.Rounding.Floor), _cash());
    }

    /// @dev The shares of all the cash, rounded down, redeem for no more than the cash.
    function maxRedeem(address owner) public view override returns (uint256) {
        return Math.min(balanceOf(owner), _convertToShares(_cash(), Math.Rounding.Floor));
    }

    // ------------------------------------------------------------------ internals

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override {
        if (shares == 0 && assets != 0) revert DepositBelowOneShare(assets);
        _receive(caller, assets);
        IMarginEngine(engine).changeLent(assetIndex, int256(assets)); // at most 2^128, see maxDeposit
        _mint(receiver, shares);
        emit Deposit(caller, receiver, assets, shares);
    }

    function _withdraw(address caller, address receiver, address owner, uint256 assets, uint256 shares)
        internal
        override
    {
        if (caller != owner) _spendAllowance(owner, caller, shares);
        _burn(owner, shares);
        IMarginEngine(engine).changeLent(assetIndex, -int256(assets));
        IERC20(asset()).safeTransfer(receiver, assets);
        emit Withdraw(caller, receiver, owner, assets, shares);
    }

    /// @dev Counts what arrived instead of believing the amount: a fee on transfer would otherwise be paid by everyone else.
    function _receive(address from, uint256 amount) private {
        uint256 before = balance();
        IERC20(asset()).safeTransferFrom(from, address(this), amount);
        uint256 received = balance() - before;
        if (received != amount) revert TransferAmountMismatch(asset(), received, amount);
    }

    function _totals() private view returns (uint256 held, uint256 lent) {
        if (IMarginEngine(engine).locked()) revert IMarginEngine.Locked();
        return IMarginEngine(engine).totals(assetIndex);
    }

    function _cash() private view returns (uint256) {
        (uint256 held,) = _totals();
        return Math.saturatingSub(balance(), held);
    }

    /// @dev A million virtual shares per unit: the first lender cannot be rounded away.
    function _decimalsOffset() internal pure override returns (uint8) {
        return 6;
    }
}

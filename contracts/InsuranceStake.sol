// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IInsuranceStake} from "../interfaces/IInsuranceStake.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {LedgerSlots} from "./libraries/LedgerSlots.sol";

/// @title Insurance that anyone can stake
/// @dev Holds no tokens: they lie in the quote asset's vault, counted as held by the insurance account. A gift to that account raises the
/// price of a share, so there are a million virtual shares per unit: to round the next staker by one unit, a million are given away.
/// When insurance has been wiped out while there are shares, these are worth one unit in all: the next staker takes the rest,
/// and nobody is locked out (each such loss multiplies the supply by what is staked next, which a word holds four times; then
/// a new contract can be registered, as an empty insurance account allows).
contract InsuranceStake is IInsuranceStake, ERC4626, ReentrancyGuard {
    using SafeERC20 for IERC20;

    uint256 public constant MIN_PERIOD = 1 hours;
    uint256 public constant MAX_PERIOD = 30 days;
    uint256 public constant MIN_WINDOW = 1 hours;

    struct Cooling {
        uint256 shares;
        uint256 redeemableAt;
    }

    address public immutable engine;
    bytes32 public immutable account;
    address public immutable treasury;
    uint256 public immutable period;
    uint256 public immutable window;
    ICollateralVault private immutable vault;

    mapping(address owner => Cooling) private _cooling;

    /// @param window_ No longer than the wait, or most of the stake could always leave at once.
    constructor(address engine_, ICollateralVault vault_, address treasury_, uint256 period_, uint256 window_)
        ERC20("Plimsoll staked insurance", "plimINS")
        ERC4626(IERC20(IERC4626(address(vault_)).asset()))
    {
        if (treasury_ == address(0)) revert ZeroTreasury();
        if (period_ < MIN_PERIOD || period_ > MAX_PERIOD || window_ < MIN_WINDOW || window_ > period_) {
            revert TimingOutOfBounds(period_, window_);
        }
        (engine, vault, treasury, period, window) = (engine_, vault_, treasury_, period_, window_);
        account = IMarginEngine(engine_).insuranceAccount();
    }

    // ------------------------------------------------------------------ leaving

    /// @inheritdoc IInsuranceStake
    function cooldown(uint256 shares) external nonReentrant {
        uint256 balance = balanceOf(msg.sender);
        if (shares > balance) revert SharesExceedBalance(msg.sender, shares, balance);
        uint256 redeemableAt = block.timestamp + period;
        _cooling[msg.sender] = Cooling(shares, redeemableAt);
        emit CooldownStarted(msg.sender, shares, redeemableAt, redeemableAt + window);
    }

    /// @inheritdoc IInsuranceStake
    function cooling(address owner) public view returns (uint256 shares, uint256 redeemableAt, uint256 expiresAt) {
        Cooling memory c = _cooling[owner];
        if (c.shares == 0 || block.timestamp > c.redeemableAt + window) return (0, 0, 0);
        return (c.shares, c.redeemableAt, c.redeemableAt + window);
    }

    // ------------------------------------------------------------------ ERC-4626

    /// @dev Reverts inside a batch: a price read there is nobody's price.
    function totalAssets() public view override returns (uint256) {
        if (IMarginEngine(engine).locked()) revert IMarginEngine.Locked();
        return FixedMath.positive(IMarginEngine(engine).held(account, AccountId.QUOTE));
    }

    /// @dev What the quote asset's supply cap leaves, as its vault says; nothing while the engine would not pay it out again.
    function maxDeposit(address receiver) public view override returns (uint256) {
        return _registered() ? IERC4626(address(vault)).maxDeposit(receiver) : 0;
    }

    function maxMint(address receiver) public view override returns (uint256) {
        return _convertToShares(maxDeposit(receiver), Math.Rounding.Floor);
    }

    /// @dev The insurance account's cash is held, never lent: it is always there.
    function maxWithdraw(address owner) public view override returns (uint256) {
        return _convertToAssets(maxRedeem(owner), Math.Rounding.Floor);
    }

    /// @dev Shares that are worth less than a unit stay: nobody burns them by mistake.
    function maxRedeem(address owner) public view override returns (uint256) {
        (uint256 shares, uint256 redeemableAt,) = cooling(owner);
        if (_convertToAssets(shares, Math.Rounding.Floor) == 0) return 0;
        return block.timestamp < redeemableAt || !_registered() ? 0 : shares;
    }

    // ------------------------------------------------------------------ internals

    /// @dev The shares that exist, or that the next deposit brings into being.
    function _supply() private view returns (uint256 supply) {
        supply = totalSupply();
        if (supply == 0) supply = totalAssets() * 10 ** _decimalsOffset();
    }

    function _convertToShares(uint256 assets, Math.Rounding rounding) internal view override returns (uint256) {
        return Math.mulDiv(assets, _supply() + 10 ** _decimalsOffset(), totalAssets() + 1, rounding);
    }

    function _convertToAssets(uint256 shares, Math.Rounding rounding) internal view override returns (uint256) {
        return Math.mulDiv(shares, totalAssets() + 1, _supply() + 10 ** _decimalsOffset(), rounding);
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override nonReentrant {
        if (assets == 0 || shares == 0) revert ZeroAmount();
        if (totalSupply() == 0) _seed();
        IERC20 token = IERC20(asset());
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(caller, address(this), assets);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != assets) revert IMarginEngine.TransferAmountMismatch(address(token), received, assets);
        token.forceApprove(address(vault), assets);
        IMarginEngine.Batch memory batch;
        batch.actions = new IMarginEngine.Action[](1);
        bytes memory data = abi.encode(IMarginEngine.Deposit(AccountId.QUOTE, assets));
        batch.actions[0] = IMarginEngine.Action(uint8(IMarginEngine.Kind.Deposit), account, data);
        IMarginEngine(engine).execute(batch);
        _mint(receiver, shares);
        emit Deposit(caller, receiver, assets, shares);
    }

    function _seed() private {
        uint256 assets = totalAssets();
        if (assets == 0) return;
        uint256 shares = _supply();
        _mint(treasury, shares);
        emit TreasurySeeded(treasury, assets, shares);
    }

    /// @dev The limits were checked: `shares` can be redeemed now.
    function _withdraw(address caller, address receiver, address owner, uint256 assets, uint256 shares)
        internal
        override
        nonReentrant
    {
        if (assets == 0 || shares == 0) revert ZeroAmount();
        if (caller != owner) _spendAllowance(owner, caller, shares);
        _cooling[owner].shares -= shares;
        _burn(owner, shares);
        emit Withdraw(caller, receiver, owner, assets, shares);
        IMarginEngine(engine).payStaker(receiver, assets);
    }

    /// @dev What waits, or may leave, stays where it is, or it would pass from hand to hand and always be free to leave.
    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from == address(0) || to == address(0)) return;
        (uint256 shares,,) = cooling(from);
        uint256 balance = balanceOf(from);
        if (balance < shares) revert SharesCooling(from, shares, balance);
    }

    function _registered() private view returns (bool) {
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = bytes32(LedgerSlots.STAKE);
        return address(uint160(uint256(IMarginEngine(engine).slots(keys)[0]))) == address(this);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return 6;
    }
}

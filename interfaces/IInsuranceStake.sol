// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Insurance that anyone can stake, and take out again after a wait that losses do not wait for
/// @notice An ERC-4626 over the quote token whose assets are what the engine's insurance account holds of it. What is staked pays
/// for bankrupt accounts; insurance's share of liquidations, and of interest, is the stakers'. Leaving takes two steps: `cooldown`,
/// then, in the window that follows it, `redeem` or `withdraw` at the price of that moment.
/// @dev Whoever deposits into the insurance account by an ordinary batch gives to all shares in proportion. What lies there when
/// there is no share yet is the protocol's: the first deposit mints it to `treasury`. All views that carry a price, and
/// so all limits and previews, revert inside a batch.
interface IInsuranceStake {
    /// @notice `shares` of `owner` can be redeemed from `redeemableAt` to `expiresAt`; replaces what he asked for before.
    event CooldownStarted(address indexed owner, uint256 shares, uint256 redeemableAt, uint256 expiresAt);
    /// @notice What insurance held before its first staker came.
    event TreasurySeeded(address indexed treasury, uint256 assets, uint256 shares);

    error TimingOutOfBounds(uint256 period, uint256 window);
    error ZeroAmount();
    error ZeroTreasury();
    error SharesExceedBalance(address owner, uint256 shares, uint256 balance);
    /// @notice Shares that cool down, or can be redeemed now, cannot be transferred: they would start to wait only once.
    error SharesCooling(address owner, uint256 cooling, uint256 balance);

    /// @notice From now on `shares` of the caller's (in all, not in addition) cool down; zero takes the request back. They bear
    /// losses and earn as before.
    function cooldown(uint256 shares) external;

    /// @notice What of `owner`'s shares is cooling down or can be redeemed, and when; zeros when there is nothing, or the window is over.
    function cooling(address owner) external view returns (uint256 shares, uint256 redeemableAt, uint256 expiresAt);

    /// @notice Seconds from `cooldown` to the window.
    function period() external view returns (uint256);

    /// @notice Seconds that the window lasts.
    function window() external view returns (uint256);

    /// @notice Owner of what insurance held before anyone staked.
    function treasury() external view returns (address);

    function engine() external view returns (address);

    /// @notice The engine's insurance account.
    function account() external view returns (bytes32);
}

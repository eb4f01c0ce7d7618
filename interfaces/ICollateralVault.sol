// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Custody of one asset, and an ERC-4626 face for those who lend it
/// @notice Holds every token of its asset. What accounts hold and what lenders are owed is counted in the engine; tokens sent here
/// by anyone change neither. The face (ERC-4626) is for outside lenders.
interface ICollateralVault {
    error OnlyEngine(address caller);
    error TransferAmountMismatch(address token, uint256 received, uint256 amount);

    /// @notice Engine only: pulls exactly `amount` from `from`. A token that takes a fee on transfer is refused.
    function pull(address from, uint256 amount) external;

    /// @notice Engine only: pays `amount` to `to`.
    function push(address to, uint256 amount) external;

    /// @notice Token units in custody: the token's own record of this address.
    function balance() external view returns (uint256);

    function engine() external view returns (address);

    /// @notice The index of the vault's asset in the engine.
    function assetIndex() external view returns (uint256);
}

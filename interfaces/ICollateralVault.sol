// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Custody of one asset, and an ERC-4626 face for those who lend it
/// @notice Holds every token of its asset. What accounts hold and what lenders are owed is counted in the engine; tokens sent here
/// by anyone change neither. The face (ERC-4626) is for outside lenders.
/// What leaves per hour is braked, on net flow: a withdrawal beyond the limit waits in a queue, first in, first out. Its amount
/// is out of every balance and still in the vault.
interface ICollateralVault {
    event WithdrawalQueued(uint256 indexed id, address indexed to, uint256 amount);
    /// @param paid False when the token refused the receiver: he finds the amount in `claimable`.
    event WithdrawalProcessed(uint256 indexed id, address indexed to, uint256 amount, bool paid);
    event WithdrawalClaimed(address indexed owner, address indexed to, uint256 amount);

    error BrakeOutOfRange(uint256 brakeBps, uint256 brakeFloor);
    error BrakeReached(uint256 outflow, uint256 room);
    error GasShortage(uint256 available, uint256 required);
    error NothingToClaim(address owner);
    error OnlyEngine(address caller);
    error TransferAmountMismatch(address token, uint256 received, uint256 amount);

    /// @notice Engine only: pulls exactly `amount` from `from`. A token that takes a fee on transfer is refused.
    function pull(address from, uint256 amount) external;

    /// @notice Engine only: pays `amount` to `to`, past the brake. For what the batch itself counts (`count`) or what stays inside.
    function push(address to, uint256 amount) external;

    /// @notice Engine only: pays a withdrawal, at once or through the queue.
    function pay(address to, uint256 amount) external;

    /// @notice Engine only: counts what an external call took (or, negative, brought). Cannot wait, so beyond the limit it reverts.
    function count(int256 outflow) external;

    /// @notice Pays up to `most` queued withdrawals, in order, as far as the hour's limit goes. Anyone.
    function process(uint256 most) external returns (uint256 done);

    /// @notice Pays the caller, at an address of his choice, what the token refused to pay him.
    function claim(address to) external returns (uint256 amount);

    /// @notice Token units in custody: the token's own record of this address.
    function balance() external view returns (uint256);

    /// @notice Token units that wait in the queue or in `claimable`.
    function queued() external view returns (uint256);

    /// @notice The ids that wait: head (included) to tail (excluded).
    function queue() external view returns (uint256 head, uint256 tail);

    function payment(uint256 id) external view returns (address to, uint256 amount);

    function claimable(address owner) external view returns (uint256);

    /// @notice The hour that runs: when it began, what may leave in it, and what has left, less what came.
    function brake() external view returns (uint256 start, uint256 limit, int256 net);

    function engine() external view returns (address);

    /// @notice The index of the vault's asset in the engine.
    function assetIndex() external view returns (uint256);
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Batch reads for keepers, as fixed-width words
/// @notice Everything returns bytes that are records of 32-byte words and nothing else, so that a reader maps them straight into an
/// array. Stateless; every function reverts Locked while the engine's lock is held. Words and their fields: docs/storage.md.
interface ILens {
    /// @dev Too little gas is left to tell a failing account from a starved one: ask for fewer accounts.
    error PageTooLarge(uint256 done, uint256 count);

    /// @notice Raw state of the accounts numbered `start` … `start + count − 1` (fewer at the end of the list).
    /// @param assetMask Bitmap of the assets wanted. @param marketMask Bitmap of the markets wanted.
    /// @return Per account: id, header, one balance word per asset in the mask (ascending), one position word per market in the
    /// mask (ascending). Zero for what the account does not have.
    function rawPage(uint256 start, uint256 count, uint256 assetMask, uint256 marketMask)
        external
        view
        returns (bytes memory);

    /// @notice The same for accounts of one's choice.
    function rawAccounts(bytes32[] calldata ids, uint256 assetMask, uint256 marketMask)
        external
        view
        returns (bytes memory);

    /// @notice Per account two words: equity (int128, high half) · IM (uint128); IM₀ (uint128, high half) · MM (uint120) · state (uint8,
    /// lowest). An account that cannot be assessed (a dead feed) has equity, requirements 0 and state 255, and blocks nobody.
    function health(bytes32[] calldata ids) external view returns (bytes memory);

    /// @notice The same for a page of all accounts, in the order of `rawPage`.
    function healthPage(uint256 start, uint256 count) external view returns (bytes memory);

    /// @notice Per listed market seven words: market, state, risk, costs, trade, insurance, price.
    function markets() external view returns (bytes memory);

    /// @notice Per asset that has a vault five words: asset, its parameters, totals, vault, price.
    function assets() external view returns (bytes memory);

    /// @notice Seven words: globals, pool, terms, listed markets, number of accounts, pool equity, pool close-out value (int256).
    function globals() external view returns (bytes memory);
}

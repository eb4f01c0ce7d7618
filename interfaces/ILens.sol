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

    /// @notice Where the account's state flips when the price of the market's feed moves alone: the market, and every asset and market
    /// that shares the feed. To the tick: at `below` and `above` the engine itself finds another answer than one tick nearer.
    /// @dev At a good report that comes now, with funding and interest accrued to this block and volatility, ramps and call deadline as
    /// they are in it. A state is about what an account is worth at index: what closing it would cost (spread, fees, a swap's
    /// impact) and what liquidators take afterwards are no part of it. May cost several million gas: for calls, not contracts.
    /// @return liquidatable Whether it is now (or bankrupt). Then the prices are those at which it no longer would be.
    /// @return below The highest price under the present one at which it is liquidatable; 0 when there is none.
    /// @return above The lowest price over the present one at which it is liquidatable; 2^256 − 1 when there is none.
    function liquidationPrice(bytes32 account, uint256 market)
        external
        view
        returns (bool liquidatable, uint256 below, uint256 above);

    /// @notice The same for the price of an asset, such as the collateral of a loan.
    function liquidationPriceOfAsset(bytes32 account, uint256 asset)
        external
        view
        returns (bool liquidatable, uint256 below, uint256 above);

    /// @notice Per listed market ten words: market, state, risk, costs, trade, insurance, ramp, loss, closing, price.
    function markets() external view returns (bytes memory);

    /// @notice Per asset that has a vault five words: asset, its parameters, totals, vault, price.
    function assets() external view returns (bytes memory);

    /// @notice Per asset that has a vault thirteen words: asset; its words lending, debts, limits, flow; and, accrued to now: lent, borrowed,
    /// cash that can be borrowed or recalled, reserve (token units), lent and debt index (1e-12), borrow and lend rate (1e-13
    /// per year). Utilisation is in the lending word.
    function lending() external view returns (bytes memory);

    /// @notice Seven words: globals, pool, terms, listed markets, number of accounts, pool equity, pool close-out value (int256).
    function globals() external view returns (bytes memory);
}

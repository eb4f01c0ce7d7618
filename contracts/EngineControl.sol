// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IExecutor} from "../interfaces/IExecutor.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {Ledger} from "./Ledger.sol";
import {LedgerReader} from "./LedgerReader.sol";
import {MarginCheck} from "./MarginCheck.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {ConfigSlots} from "./libraries/ConfigSlots.sol";
import {OperatorGrants} from "./libraries/OperatorGrants.sol";
import {ExitLogic} from "./logic/ExitLogic.sol";
import {LendingLogic} from "./logic/LendingLogic.sol";
import {MarketClosing} from "./logic/MarketClosing.sol";
import {OptionSettlement} from "./logic/OptionSettlement.sol";
import {PoolLogic} from "./logic/PoolLogic.sol";

/// @title What surrounds the door: its lock, who may act for an owner, who may configure, and the views that need a price
abstract contract EngineControl is LedgerReader, AccessManaged {
    uint256 private constant MAX_PAUSE = 3 days;

    IOracleRouter public immutable ROUTER;
    IExecutor public immutable EXECUTOR;
    /// @notice Quote WAD per unit of the quote token.
    uint256 public immutable QUOTE_UNIT;

    constructor(address authority, IOracleRouter router, IExecutor executor, uint256 quoteDecimals)
        AccessManaged(authority)
    {
        ROUTER = router;
        EXECUTOR = executor;
        QUOTE_UNIT = 10 ** (18 - quoteDecimals);
    }

    modifier lock() {
        if (state.globals.lock != 0) revert Locked();
        state.globals.lock = 1;
        _;
        state.globals.lock = 0;
    }

    modifier unlocked() {
        if (state.globals.lock != 0) revert Locked();
        _;
    }

    // ---------------------------------------------------------------- owners

    /// @inheritdoc IMarginEngine
    function setOperator(bytes32 id, address operator, OperatorLimits calldata limits) external unlocked {
        if (AccountId.ownerOf(id) != msg.sender) revert NotAuthorized(id, msg.sender);
        OperatorGrants.set(state, id, operator, limits);
    }

    /// @inheritdoc IMarginEngine
    function lockdown() external unlocked {
        emit Lockdown(msg.sender, ++state.lockdowns[msg.sender]);
    }

    // ---------------------------------------------------------------- anyone

    /// @inheritdoc IMarginEngine
    function refreshPool(uint256[] calldata markets) external lock {
        PoolLogic.refresh(state, _env(), markets);
    }

    /// @inheritdoc IMarginEngine
    function deleverage(uint256 market) external lock {
        PoolLogic.deleverage(state, _env(), market);
    }

    /// @inheritdoc IMarginEngine
    function observeClose(uint256 market) external lock {
        MarketClosing.observe(state, _env(), market);
    }

    /// @inheritdoc IMarginEngine
    function observeExpiry(uint256 market, uint256 expiry) external lock {
        OptionSettlement.observe(state, _env(), market, expiry);
    }

    /// @inheritdoc IMarginEngine
    function observeExits() external lock {
        ExitLogic.observe(state, ROUTER);
    }

    /// @inheritdoc IMarginEngine
    function collectReserve(uint256 asset) external lock returns (uint256) {
        return LendingLogic.collectReserve(state, _insurance(), asset);
    }

    /// @inheritdoc IMarginEngine
    function payStaker(address to, uint256 amount) external lock {
        if (msg.sender != state.stake) revert NotAuthorized(_insurance(), msg.sender);
        Ledger.takeHeld(state, _insurance(), Ledger.QUOTE, amount);
        state.totals[Ledger.QUOTE].held -= uint128(amount); // at most what was held
        emit Withdrawn(_insurance(), Ledger.QUOTE, to, amount);
        ICollateralVault(state.vaults[Ledger.QUOTE]).pay(to, amount);
    }

    // ---------------------------------------------------------------- configuration and custody

    /// @inheritdoc IMarginEngine
    function configure(uint256 what, uint256 id, uint256 word) external restricted lock {
        ConfigSlots.write(state, what, id, word);
    }

    /// @inheritdoc IMarginEngine
    function closeMarket(uint256 market) external restricted lock {
        MarketClosing.close(state, _env(), market);
    }

    /// @inheritdoc IMarginEngine
    function pauseRisk(uint256 until) external restricted {
        uint256 latest = block.timestamp + MAX_PAUSE;
        if (until > latest) revert NewRiskPaused(latest);
        state.globals.pausedUntil = uint32(until);
        emit RiskPaused(until);
    }

    /// @inheritdoc IMarginEngine
    function changeLent(uint256 asset, int256 amount, int256 shares) external unlocked {
        if (msg.sender != state.vaults[asset]) revert NotAuthorized(bytes32(asset), msg.sender);
        if (amount < 0) ExitLogic.requireQuiet(state, ROUTER, asset);
        LendingLogic.changeLent(state, asset, amount, shares);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IMarginEngine
    function assess(bytes32 id) external view unlocked returns (Assessment memory, AccountState) {
        return MarginCheck.status(state, ROUTER, id);
    }

    /// @inheritdoc IMarginEngine
    function assessAt(bytes32 id, FeedPrice[] calldata prices)
        external
        view
        unlocked
        returns (Assessment memory, AccountState)
    {
        return MarginCheck.statusAt(state, ROUTER, id, prices);
    }

    /// @inheritdoc IMarginEngine
    function assessWitness(bytes32 id, bytes calldata witness) external view unlocked returns (Assessment memory) {
        return MarginCheck.prove(state, ROUTER, id, witness);
    }

    /// @inheritdoc IMarginEngine
    function poolEquity() external view unlocked returns (int256, int256) {
        return PoolLogic.poolEquity(state, _env());
    }

    /// @inheritdoc IMarginEngine
    function lendingOf(uint256 asset) external view unlocked returns (Loans memory) {
        return LendingLogic.loansOf(state, asset);
    }

    /// @inheritdoc IMarginEngine
    function exitsWait(uint256 asset) external view unlocked returns (bool) {
        return !ExitLogic.quiet(state, ROUTER, asset);
    }

    /// @inheritdoc IMarginEngine
    function lentOf(bytes32 id, uint256 asset) external view unlocked returns (uint256) {
        return LendingLogic.lentOf(state, id, asset);
    }

    /// @inheritdoc IMarginEngine
    function debtOf(bytes32 id, uint256 asset) external view unlocked returns (uint256) {
        return LendingLogic.debtOf(state, id, asset);
    }

    function _env() internal view returns (Ledger.Env memory) {
        return Ledger.Env(ROUTER, QUOTE_UNIT, _insurance());
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Ledger} from "./Ledger.sol";
import {PerpTrading} from "./PerpTrading.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {OptionSeries} from "./libraries/OptionSeries.sol";
import {OptionLogic} from "./logic/OptionLogic.sol";

/// @title The engine's storage, and the views over it that need no price
/// @dev First in the engine's inheritance, so that the struct sits at slot 0 as docs/storage.md says.
abstract contract LedgerReader is IMarginEngine {
    Ledger.State internal state;

    /// @inheritdoc IMarginEngine
    function accountCount() external view returns (uint256) {
        return state.accounts.length;
    }

    /// @inheritdoc IMarginEngine
    function accountsPage(uint256 start, uint256 count) external view returns (bytes32[] memory page) {
        uint256 length = state.accounts.length;
        if (start > length) start = length;
        if (count > length - start) count = length - start;
        page = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            page[i] = state.accounts[start + i];
        }
    }

    /// @inheritdoc IMarginEngine
    function slots(bytes32[] calldata keys) external view returns (bytes32[] memory words) {
        words = new bytes32[](keys.length);
        for (uint256 i; i < keys.length; ++i) {
            bytes32 key = keys[i];
            bytes32 word;
            assembly ("memory-safe") {
                word := sload(key)
            }
            words[i] = word;
        }
    }

    /// @inheritdoc IMarginEngine
    function totals(uint256 asset) external view returns (uint256, uint256) {
        return (state.totals[asset].held, state.totals[asset].lentShares);
    }

    /// @inheritdoc IMarginEngine
    function held(bytes32 id, uint256 asset) external view returns (int256) {
        return state.balances[id][asset].held;
    }

    /// @inheritdoc IMarginEngine
    function position(bytes32 id, uint256 market) external view returns (int256, int256) {
        return PerpTrading.positionOf(state, id, market);
    }

    /// @inheritdoc IMarginEngine
    function options(bytes32 id) external view returns (uint64[] memory, int64[] memory) {
        return OptionLogic.positionsOf(state, id);
    }

    /// @inheritdoc IMarginEngine
    function settlementOf(uint256 market, uint256 expiry) external view returns (uint256, uint256) {
        Ledger.Settlement storage settlement = state.settlements[OptionSeries.keyOf(market, expiry)];
        return (settlement.price, settlement.covered);
    }

    /// @inheritdoc IMarginEngine
    function locked() external view returns (bool) {
        return state.globals.lock != 0;
    }

    /// @inheritdoc IMarginEngine
    function poolAccount() external view returns (bytes32) {
        return Ledger.poolAccount(state);
    }

    /// @inheritdoc IMarginEngine
    function insuranceAccount() external view returns (bytes32) {
        return _insurance();
    }

    /// @dev The engine itself owns the insurance account: nobody can act for it.
    function _insurance() internal view returns (bytes32) {
        return AccountId.pack(address(this), Mode.CROSS, 0, 0);
    }
}

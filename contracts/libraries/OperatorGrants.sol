// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {Ledger} from "../Ledger.sol";
import {AccountId} from "./AccountId.sol";
import {FixedMath} from "./FixedMath.sol";

/// @title What an owner lets an operator do
/// @notice An operator trades, and nothing else: he never withdraws, transfers, liquidates, calls or appoints. What he may cost is
/// bounded fill by fill against the index of each, so trading against himself off the market, or churning fees, stays within
/// maxCost (T-12), and neither a price that moves inside his batch nor a deposit hides it.
/// @dev Linked library over the engine's storage. A lockdown of the owner voids every grant made before it.
library OperatorGrants {
    function set(Ledger.State storage s, bytes32 id, address operator, IMarginEngine.OperatorLimits calldata limits)
        external
    {
        Ledger.Operator storage grant = s.operators[id][operator];
        grant.markets = limits.markets;
        grant.maxNotional = limits.maxNotional;
        grant.maxLeverage = limits.maxLeverage;
        grant.reduceOnly = limits.reduceOnly;
        grant.expiry = limits.expiry;
        grant.maxCostPpm = limits.maxCostPpm;
        grant.epoch = uint32(s.lockdowns[AccountId.ownerOf(id)]);
        grant.maxCostDaily = limits.maxCostDaily;
        // What was spent today stays spent: a new grant is no new allowance.
        emit IMarginEngine.OperatorSet(id, operator, limits);
    }

    function requireMarket(Ledger.State storage s, bytes32 id, address operator, uint256 market) external view {
        Ledger.Operator memory grant = s.operators[id][operator];
        bool valid = grant.expiry > block.timestamp && grant.epoch == s.lockdowns[AccountId.ownerOf(id)];
        if (!valid) revert IMarginEngine.NotAuthorized(id, operator);
        if (market > 63 || grant.markets & 1 << market == 0) {
            revert IMarginEngine.OperatorLimitExceeded(id, operator, "markets", market, grant.markets);
        }
    }

    function requireOpening(Ledger.State storage s, bytes32 id, address operator) external view {
        if (s.operators[id][operator].reduceOnly) {
            revert IMarginEngine.OperatorLimitExceeded(id, operator, "reduceOnly", 1, 0);
        }
    }

    /// @notice Holds the account at the end of the batch to the operator's limits, and books what the batch cost.
    /// @param traded Notional traded in the batch, WAD. @param lost What the fills of the batch took from the account's equity.
    function requireCost(
        Ledger.State storage s,
        bytes32 id,
        address operator,
        uint256 traded,
        int256 lost,
        IMarginEngine.Assessment memory a
    ) external {
        Ledger.Operator memory grant = s.operators[id][operator];
        _requireSize(id, operator, grant, a);
        uint256 cost = FixedMath.positive(lost);
        uint256 allowed = FixedMath.mulDivDown(traded, grant.maxCostPpm, FixedMath.PPM);
        if (cost > allowed) revert IMarginEngine.OperatorLimitExceeded(id, operator, "maxCostPpm", cost, allowed);
        uint256 day = block.timestamp / 1 days;
        uint256 spent = (grant.day == day ? grant.spent : 0) + cost;
        uint256 daily = uint256(grant.maxCostDaily) * FixedMath.WAD;
        if (spent > daily) revert IMarginEngine.OperatorLimitExceeded(id, operator, "maxCostDaily", spent, daily);
        s.operators[id][operator].day = uint32(day);
        s.operators[id][operator].spent = uint128(spent);
        emit IMarginEngine.OperatorCost(id, operator, day, spent);
    }

    function _requireSize(bytes32 id, address operator, Ledger.Operator memory grant, IMarginEngine.Assessment memory a)
        private
        pure
    {
        // A reduce-only operator may bring an oversized account down in steps.
        if (grant.reduceOnly) return;
        uint256 most = uint256(grant.maxNotional) * FixedMath.WAD;
        if (a.notional > most) {
            revert IMarginEngine.OperatorLimitExceeded(id, operator, "maxNotional", a.notional, most);
        }
        uint256 levered = FixedMath.positive(a.equity) * grant.maxLeverage / 100;
        if (a.notional > levered) {
            revert IMarginEngine.OperatorLimitExceeded(id, operator, "maxLeverage", a.notional, levered);
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {AccountId} from "../libraries/AccountId.sol";
import {ActionData} from "../libraries/ActionData.sol";
import {AssetMath} from "../libraries/AssetMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";

/// @title The margin call, and the clock: when they begin, and what ends them
/// @dev Linked library over the engine's storage. Rules and reasons: DESIGN section 4, docs/decisions/007 and 033.
library MarginCallLogic {
    using SafeCastLib for uint256;

    /// @notice Calls margin on `target` below its call margin, or ends the call and stops the clock of one that is back
    /// at IM₀.
    /// @param data A MarginCall, of this target.
    function marginCall(
        Ledger.State storage s,
        Ledger.Env memory env,
        bytes32 caller,
        bytes32 target,
        bytes calldata data
    ) external {
        IMarginEngine.MarginCall calldata order = ActionData.marginCallOf(data);
        if (order.target != target) revert IMarginEngine.AccountMismatch(target, order.target);
        Ledger.Header memory header = s.headers[target];
        if (header.callDeadline != 0) {
            if (!_cured(s, env, target) && !order.skip) {
                revert IMarginEngine.AccountCalled(target, header.callDeadline);
            }
            return;
        }
        bool proven = isProof(target, order.witness);
        IMarginEngine.Assessment memory a = proven
            ? MarginCheck.prove(s, env.router, target, order.witness)
            : MarginCheck.assess(s, env.router, target, MarginCheck.PriceUse.TARGET);
        uint256 level = MarginCheck.callMargin(s, a);
        if (a.equity >= int256(level)) {
            // A clock without a call: a liquidation found it below MM, and did not bring it to target.
            if (header.clockStart != 0 && _cured(s, env, target)) return;
            if (order.skip) return;
            if (proven) revert IMarginEngine.WitnessInsufficient(target, a.equity, level);
            revert IMarginEngine.AccountHealthy(target, a.equity, level);
        }
        uint256 deadline = block.timestamp + s.terms.callPeriod;
        s.headers[target].callDeadline = uint32(deadline);
        if (a.equity < int256(a.mm)) startClock(s, target, header);
        // What a witness leaves above MM is no more than a bound: the bounty could be what makes it liquidatable.
        uint256 bounty = proven ? 0 : _payBounty(s, env, target, caller, a);
        emit IMarginEngine.MarginCalled(target, deadline, a.equity, level, bounty);
    }

    /// @notice Ends the call and stops the clock of an account that is back at IM₀, and refuses when it is not.
    function cure(Ledger.State storage s, Ledger.Env memory env, bytes32 id) external {
        Ledger.Header memory header = s.headers[id];
        if (header.callDeadline == 0 && header.clockStart == 0) return;
        if (!_cured(s, env, id)) revert IMarginEngine.AccountCalled(id, header.callDeadline);
    }

    /// @notice Whether a target is judged by some of its scenarios: only a portfolio account has any.
    function isProof(bytes32 target, bytes calldata witness) internal pure returns (bool) {
        return witness.length != 0 && AccountId.isPortfolio(target);
    }

    /// @dev A doubtful price is moved against the account here, and a doubtful asset counts nothing: back at IM₀ even so is proof,
    /// and a dead feed never makes this revert in the middle of somebody's batch.
    function _cured(Ledger.State storage s, Ledger.Env memory env, bytes32 id) private returns (bool) {
        IMarginEngine.Assessment memory a = MarginCheck.assess(s, env.router, id, MarginCheck.PriceUse.ACQUIRE);
        if (a.equity < int256(a.im0)) return false;
        clear(s, id);
        return true;
    }

    /// @dev Only out of equity − MM, so that the bounty itself never makes an account liquidatable (T-14).
    function _payBounty(
        Ledger.State storage s,
        Ledger.Env memory env,
        bytes32 target,
        bytes32 caller,
        IMarginEngine.Assessment memory a
    ) private returns (uint256) {
        if (a.equity <= int256(a.mm)) return 0;
        uint256 spare = uint256(a.equity) - a.mm;
        uint256 bounty = uint256(s.terms.bounty) * (FixedMath.WAD / 100);
        uint256 units = AssetMath.toUnitsDown(bounty < spare ? bounty : spare, env.unit);
        uint256 held = Ledger.available(s, target, Ledger.QUOTE);
        if (units > held) units = held;
        Ledger.changeHeld(s, target, Ledger.QUOTE, -units.toInt256());
        Ledger.changeHeld(s, caller, Ledger.QUOTE, units.toInt256());
        return units * env.unit;
    }

    // ---------------------------------------------------------------- call and clock

    /// @notice Starts once and stops only at target (or when the account has no exposure left).
    function startClock(Ledger.State storage s, bytes32 id, Ledger.Header memory header) internal {
        if (header.clockStart != 0) return;
        header.clockStart = uint32(block.timestamp);
        s.headers[id].clockStart = header.clockStart;
        emit IMarginEngine.LiquidationClock(id, block.timestamp);
    }

    /// @notice Ends the call and stops the clock.
    function clear(Ledger.State storage s, bytes32 id) internal {
        Ledger.Header storage header = s.headers[id];
        if (header.callDeadline != 0) {
            header.callDeadline = 0;
            emit IMarginEngine.MarginCallCleared(id);
        }
        if (header.clockStart != 0) {
            header.clockStart = 0;
            emit IMarginEngine.LiquidationClock(id, 0);
        }
    }
}

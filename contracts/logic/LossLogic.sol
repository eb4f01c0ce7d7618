// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";
import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {PerpTrading} from "../PerpTrading.sol";
import {AssetMath} from "../libraries/AssetMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";

/// @title Who pays for a bankrupt account: insurance, within its caps, then the pool
/// @notice Both are charged market by market, in proportion to the account's losses there.
/// @dev Linked library over the engine's storage. The winning side's epoch (DESIGN section 4.5) follows the pool here.
library LossLogic {
    using SafeCastLib for uint256;

    /// @param wanted −equity + d₀·MM: what makes the taker whole, with the starting bonus and never the ramped one.
    /// @param deficit −equity.
    struct Claim {
        bytes32 target;
        bytes32 liquidator;
        uint256 wanted;
        uint256 deficit;
    }

    /// @notice Pays the taker of a bankrupt account out of insurance, and writes off the positions' cost what insurance
    /// leaves of the deficit. The pool is counterparty of every position, so what is written off is its loss.
    /// @return paid WAD, a multiple of the quote token's unit.
    function cover(Ledger.State storage s, Ledger.Env memory env, Claim memory claim, MarginCheck.Snapshot memory snap)
        external
        returns (uint256 paid)
    {
        uint256 losses = _losses(snap.perps);
        paid = _payFromInsurance(s, env, claim, snap, losses);
        if (paid < claim.deficit) _writeDown(s, claim, snap, losses, claim.deficit - paid);
    }

    function _losses(uint256[] memory perps) private pure returns (uint256 sum) {
        for (uint256 i; i < perps.length; i += 4) {
            sum += FixedMath.positive(-int256(perps[i + 1]));
        }
    }

    function _payFromInsurance(
        Ledger.State storage s,
        Ledger.Env memory env,
        Claim memory claim,
        MarginCheck.Snapshot memory snap,
        uint256 losses
    ) private returns (uint256 paid) {
        uint256 cash = Ledger.available(s, env.insurance, Ledger.QUOTE) * env.unit;
        uint256 wanted = claim.wanted < cash ? claim.wanted : cash;
        uint256 bitmap = snap.markets;
        for (uint256 i; bitmap != 0; i += 4) {
            uint256 loss = FixedMath.positive(-int256(snap.perps[i + 1]));
            uint256 share = FixedMath.mulDivDown(wanted, loss, losses);
            if (share != 0) paid += _drawWindow(s, LibBit.ffs(bitmap), share);
            bitmap &= bitmap - 1;
        }
        uint256 units = AssetMath.toUnitsDown(paid, env.unit);
        if (units == 0) return 0;
        paid = units * env.unit;
        Ledger.takeHeld(s, env.insurance, Ledger.QUOTE, units);
        Ledger.changeHeld(s, claim.liquidator, Ledger.QUOTE, units.toInt256());
        emit IMarginEngine.InsurancePaid(claim.target, claim.liquidator, paid);
    }

    /// @dev One broken market cannot take the whole fund: each has its cap per window.
    function _drawWindow(Ledger.State storage s, uint256 market, uint256 wanted) private returns (uint256 drawn) {
        Ledger.InsuranceCap memory window = s.markets[market].insurance;
        if (block.timestamp >= uint256(window.windowStart) + s.terms.insuranceWindow) {
            window.windowStart = uint32(block.timestamp);
            window.spent = 0;
        }
        uint256 cap = uint256(window.cap) * FixedMath.WAD;
        uint256 left = cap > window.spent ? cap - window.spent : 0;
        drawn = wanted < left ? wanted : left;
        window.spent += uint128(drawn);
        s.markets[market].insurance = window;
        emit IMarginEngine.InsuranceWindowSpent(market, window.windowStart, window.spent);
    }

    function _writeDown(
        Ledger.State storage s,
        Claim memory claim,
        MarginCheck.Snapshot memory snap,
        uint256 losses,
        uint256 amount
    ) private {
        uint256 bitmap = snap.markets;
        for (uint256 i; bitmap != 0; i += 4) {
            uint256 market = LibBit.ffs(bitmap);
            bitmap &= bitmap - 1;
            uint256 loss = FixedMath.positive(-int256(snap.perps[i + 1]));
            uint256 share = FixedMath.mulDivDown(amount, loss, losses);
            if (share != 0) _forgive(s, claim.target, market, share);
        }
    }

    function _forgive(Ledger.State storage s, bytes32 target, uint256 id, uint256 amount) private {
        Ledger.Position memory old = s.positions[target][id];
        Ledger.MarketState memory state = s.markets[id].state;
        Ledger.MarketCosts memory costs = s.markets[id].costs;
        int256 cost = old.cost - amount.toInt256();
        Ledger.replace(state, costs, old, old.size, cost);
        PerpTrading.shiftContribution(s, id, costs, -amount.toInt256());
        s.markets[id].costs = costs;
        Ledger.writePosition(s, target, id, old, old.size, cost);
        emit IMarginEngine.LossWrittenDown(target, id, amount);
    }
}

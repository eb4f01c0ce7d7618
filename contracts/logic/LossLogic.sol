// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";
import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {EpochLedger} from "../EpochLedger.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {MarketBook} from "../MarketBook.sol";
import {OptionCheck} from "../OptionCheck.sol";
import {PositionBook} from "../PositionBook.sol";
import {AssetMath} from "../libraries/AssetMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {LendingLogic} from "./LendingLogic.sol";

/// @title The waterfall: who pays for a bankrupt account, in which order, at once and to the wei
/// @notice Insurance within its caps; then each market and each debt that made the loss, in proportion: of a market the pool up to
/// its allocation, the winning side through an epoch, the lenders of the quote asset, and what is left the pool again; of a debt
/// the asset's reserve, insurance's holding of it, and its lenders; of options the lenders of the quote asset.
/// @dev Linked library over the engine's storage. Order and bounds: docs/decisions/022.
library LossLogic {
    using SafeCastLib for uint256;
    using SafeCastLib for int256;

    /// @dev Words of a perp in MarginCheck's snapshot, and the bit above which an asset's word has its signed value.
    uint256 private constant PERP_WORDS = 4;
    uint256 private constant VALUE_BIT = 48;

    /// @param wanted −equity + d₀·MM: what makes the taker whole, with the starting bonus and never the ramped one.
    /// @param deficit −equity.
    struct Claim {
        bytes32 target;
        bytes32 liquidator;
        uint256 wanted;
        uint256 deficit;
    }

    /// @dev A part of the deficit: a market's, a debt's, or that of all options. loss: the account's there, WAD.
    struct Cause {
        uint256 id;
        uint256 loss;
        bool debt;
        bool options;
    }

    // ---------------------------------------------------------------- the whole

    /// @notice Pays the taker of a bankrupt account out of insurance, and writes off what insurance leaves of the deficit.
    /// @return paid WAD, a multiple of the quote token's unit.
    function cover(Ledger.State storage s, Ledger.Env memory env, Claim memory claim, MarginCheck.Snapshot memory snap)
        external
        returns (uint256 paid)
    {
        Ledger.Header memory header = s.headers[claim.target];
        uint256 assets = header.assets;
        // The quote asset is always among those of an account that OptionCheck has looked at.
        if (OptionCheck.applies(claim.target, header.options)) assets |= 1;
        (Cause[] memory causes, uint256 losses) = _causes(snap, assets, header.options == 0 ? 0 : claim.deficit);
        paid = _payFromInsurance(s, env, claim, causes, losses);
        emit IMarginEngine.LossRecognised(claim.target, claim.deficit, paid < claim.deficit ? paid : claim.deficit);
        uint256 left = paid < claim.deficit ? claim.deficit - paid : 0;
        for (uint256 i; i < causes.length && left != 0; ++i) {
            // The last one takes what the others rounded off: the parts are the whole.
            uint256 share = FixedMath.mulDivDown(left, causes[i].loss, losses);
            losses -= causes[i].loss;
            if (share == 0) continue;
            left -= share;
            if (causes[i].options) _coverOptions(s, env, claim.target, share);
            else if (causes[i].debt) _writeOffDebt(s, env, claim.target, causes[i], share);
            else _writeOff(s, env, claim.target, causes[i].id, share);
        }
    }

    /// @param assets The bitmap in the order of the snapshot's assets. @param deficit Zero of an account without options.
    function _causes(MarginCheck.Snapshot memory snap, uint256 assets, uint256 deficit)
        private
        pure
        returns (Cause[] memory causes, uint256 losses)
    {
        causes = new Cause[](snap.assets.length + snap.perps.length / PERP_WORDS + 1);
        uint256 count;
        uint256 bitmap = snap.markets;
        // What of the deficit assets and perps do not explain is the options'.
        int256 rest = int256(deficit);
        for (uint256 i; bitmap != 0; i += PERP_WORDS) {
            count = _add(causes, count, Cause(LibBit.ffs(bitmap), 0, false, false), -int256(snap.perps[i + 1]));
            rest += int256(snap.perps[i + 1]);
            bitmap &= bitmap - 1;
        }
        for (uint256 i; assets != 0; ++i) {
            int256 value = int256(snap.assets[i]) >> VALUE_BIT;
            count = _add(causes, count, Cause(LibBit.ffs(assets), 0, true, false), -value);
            rest += value;
            assets &= assets - 1;
        }
        if (deficit != 0) count = _add(causes, count, Cause(Ledger.QUOTE, 0, true, true), rest);
        assembly ("memory-safe") {
            mstore(causes, count)
        }
        for (uint256 i; i < count; ++i) {
            losses += causes[i].loss;
        }
    }

    function _add(Cause[] memory causes, uint256 count, Cause memory cause, int256 loss)
        private
        pure
        returns (uint256)
    {
        if (loss <= 0) return count;
        cause.loss = uint256(loss);
        causes[count] = cause;
        return count + 1;
    }

    // ---------------------------------------------------------------- insurance

    function _payFromInsurance(
        Ledger.State storage s,
        Ledger.Env memory env,
        Claim memory claim,
        Cause[] memory causes,
        uint256 losses
    ) private returns (uint256 paid) {
        uint256 cash = Ledger.available(s, env.insurance, Ledger.QUOTE) * env.unit;
        uint256 wanted = claim.wanted < cash ? claim.wanted : cash;
        for (uint256 i; i < causes.length; ++i) {
            uint256 share = FixedMath.mulDivDown(wanted, causes[i].loss, losses);
            if (share != 0) paid += _drawWindow(s, causes[i], share);
        }
        uint256 units = AssetMath.toUnitsDown(paid, env.unit);
        if (units == 0) return 0;
        paid = units * env.unit;
        Ledger.takeHeld(s, env.insurance, Ledger.QUOTE, units);
        Ledger.changeHeld(s, claim.liquidator, Ledger.QUOTE, units.toInt256());
        emit IMarginEngine.InsurancePaid(claim.target, claim.liquidator, paid);
    }

    /// @dev One broken market or asset cannot take the whole fund: each has its cap per window.
    function _drawWindow(Ledger.State storage s, Cause memory cause, uint256 wanted) private returns (uint256 drawn) {
        Ledger.InsuranceCap storage place = cause.debt ? s.debtInsurance[cause.id] : s.markets[cause.id].insurance;
        Ledger.InsuranceCap memory window = place;
        if (block.timestamp >= uint256(window.windowStart) + s.terms.insuranceWindow) {
            window.windowStart = uint32(block.timestamp);
            window.spent = 0;
        }
        uint256 cap = uint256(window.cap) * FixedMath.WAD;
        uint256 left = cap > window.spent ? cap - window.spent : 0;
        drawn = wanted < left ? wanted : left;
        window.spent += uint128(drawn);
        place.windowStart = window.windowStart;
        place.spent = window.spent;
        if (cause.debt) emit IMarginEngine.DebtInsuranceSpent(cause.id, window.windowStart, window.spent);
        else emit IMarginEngine.InsuranceWindowSpent(cause.id, window.windowStart, window.spent);
    }

    // ---------------------------------------------------------------- a market's part

    function _writeOff(Ledger.State storage s, Ledger.Env memory env, bytes32 target, uint256 id, uint256 amount)
        private
    {
        Ledger.Position memory old = EpochLedger.touch(s, target, id);
        MarketBook.Book memory b = MarketBook.open(s, env, id);
        uint256 fromPool = _payFromPool(s, env, b, amount);
        int256 cost = old.cost - amount.toInt256();
        PositionBook.replace(b.state, b.costs, old, old.size, cost);
        PositionBook.writePosition(s, target, id, old, old.size, cost);
        emit IMarginEngine.LossWrittenDown(target, id, amount);

        uint256 fromSide = _chargeWinners(s, b, old.size, amount - fromPool);
        MarketBook.save(s, b);
        uint256 left = amount - fromPool - fromSide;
        uint256 fromLenders = _chargeLenders(s, env, left);
        emit IMarginEngine.PoolPaid(id, fromPool, left - fromLenders);
    }

    /// @dev What of a deficit the pool bears first: its own profit in this market, which was the debtor's loss, and then what is left of the
    /// market's allocation, by what the traders have won there and by what it has paid of deficits in this window.
    function _payFromPool(Ledger.State storage s, Ledger.Env memory env, MarketBook.Book memory b, uint256 amount)
        private
        returns (uint256 paid)
    {
        int256 pnl = MarketBook.poolPnl(b.state, b.costs, b.price, b.state.fundingIndex);
        uint256 equity = FixedMath.positive(MarketBook.poolEquity(s, env, b));
        uint256 allocation = equity * s.markets[b.id].trade.allocation / FixedMath.BPS;
        Ledger.MarketLoss storage loss = s.markets[b.id].loss;
        bool over = block.timestamp >= uint256(loss.windowStart) + s.terms.insuranceWindow;
        uint256 spent = over ? 0 : loss.poolSpent;
        uint256 room = FixedMath.positive(pnl + int256(allocation > spent ? allocation - spent : 0));
        paid = amount < room ? amount : room;
        uint256 own = FixedMath.positive(pnl);
        if (paid <= own) return paid;
        // A window begins with the first that is spent in it.
        if (over) loss.windowStart = uint32(block.timestamp);
        loss.poolSpent = (spent + paid - own).toUint96();
        emit IMarginEngine.PoolWindowSpent(b.id, loss.windowStart, loss.poolSpent);
    }

    /// @dev Whoever stands across from the debtor; from a flat one, the side that has won more.
    function _chargeWinners(Ledger.State storage s, MarketBook.Book memory b, int256 size, uint256 amount)
        private
        returns (uint256 charged)
    {
        if (amount == 0 || b.state.epoch == EpochLedger.LAST_EPOCH) return 0;
        bool long = size == 0 ? MarketBook.net(s, b, true) > MarketBook.net(s, b, false) : size < 0;
        uint256 profit = FixedMath.positive(MarketBook.net(s, b, long));
        charged = profit < amount ? profit : amount;
        if (charged != 0) EpochLedger.charge(s, b.id, b.state, b.costs, long, b.price, charged);
    }

    /// @dev Cash that is lent and not borrowed becomes the pool's. Less than a token unit stays the pool's loss.
    function _chargeLenders(Ledger.State storage s, Ledger.Env memory env, uint256 amount) private returns (uint256) {
        uint256 units = AssetMath.toUnitsDown(amount, env.unit);
        if (units == 0) return 0;
        return LendingLogic.levy(s, Ledger.poolAccount(s), Ledger.QUOTE, units) * env.unit;
    }

    // ---------------------------------------------------------------- the options' part

    /// @dev Bad debt in the quote asset: its lenders' cash, as far as it is not borrowed, becomes the account's. No pool stands behind an
    /// option; what its lenders cannot pay, its taker has to be willing to bear, and at expiry its winners wait for.
    function _coverOptions(Ledger.State storage s, Ledger.Env memory env, bytes32 target, uint256 amount) private {
        uint256 units = AssetMath.toUnitsUp(amount, env.unit);
        uint256 taken = LendingLogic.levy(s, target, Ledger.QUOTE, units);
        emit IMarginEngine.OptionLossCovered(target, taken * env.unit, (units - taken) * env.unit);
    }

    // ---------------------------------------------------------------- a debt's part

    /// @dev In units of the debt, up: less than one more than the account lacks.
    function _writeOffDebt(
        Ledger.State storage s,
        Ledger.Env memory env,
        bytes32 target,
        Cause memory cause,
        uint256 amount
    ) private {
        uint256 owed =
            LendingLogic.debtOf(s, target, cause.id) - Ledger.available(s, target, cause.id);
        LendingLogic.forgive(s, env.insurance, cause.id, target, FixedMath.mulDivUp(owed, amount, cause.loss));
    }
}

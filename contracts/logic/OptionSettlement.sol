// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {MarketBook} from "../MarketBook.sol";
import {OptionBook} from "../OptionBook.sol";
import {AccountId} from "../libraries/AccountId.sol";
import {AssetMath} from "../libraries/AssetMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {OptionSeries} from "../libraries/OptionSeries.sol";
import {PriceWord} from "../libraries/PriceWord.sol";
import {SettlementMath} from "../libraries/SettlementMath.sol";
import {LendingLogic} from "./LendingLogic.sol";

/// @title The end of an option: a time-weighted settlement price, at which anyone settles anyone
/// @notice The price is the mean of good prices that anyone observed in the last half hour, each standing for the time before it and for two
/// minutes at most: no price is more than a tenth of it. Where less than two thirds of that half hour was observed, it goes on after the
/// expiry until as much is. Losers pay into the market's clearing account, and winners are paid out of it.
/// @dev Linked library over the engine's storage. Reasons: docs/decisions/036.
library OptionSettlement {
    using SafeCastLib for uint256;

    /// @dev A settlement of one expiry, first of the losers, then of the winners.
    struct Round {
        uint256 market;
        uint256 expiry;
        uint256 price;
        bytes32 clearing;
        bool winners;
    }

    // ---------------------------------------------------------------- the price

    /// @notice Counts the feed's price for the time since the last look, and makes the mean final when it is time.
    function observe(Ledger.State storage s, Ledger.Env memory env, uint256 market, uint256 expiry) external {
        uint256 end = expiry * OptionSeries.MINUTE;
        Ledger.Settlement memory seen = s.settlements[OptionSeries.keyOf(market, expiry)];
        if (seen.price != 0) revert IMarginEngine.SettlementFinalAlready(market, expiry, seen.price);
        if (expiry >> 27 != 0) revert IMarginEngine.ExpiryOutOfRange(expiry);
        uint256 start = end < SettlementMath.WINDOW ? 0 : end - SettlementMath.WINDOW;
        if (start == 0 || block.timestamp <= start) {
            revert IMarginEngine.ObservationTooEarly(market, expiry, start);
        }
        Ledger.MarketRisk memory risk = MarketBook.listed(s.markets[market], market);
        uint256 word = MarketBook.wordOf(s.markets[market], env, risk);
        bool over = block.timestamp >= end;
        bool good = MarginCheck.isGood(word, risk.maxAge);
        // A dead feed takes nothing away from what was seen.
        if (!good && (!over || seen.covered < SettlementMath.COVERAGE)) {
            revert IMarginEngine.PriceUnusable(risk.feed, PriceWord.age(word), PriceWord.status(word));
        }
        if (good) _count(seen, PriceWord.value(word), end);
        emit IMarginEngine.SettlementObserved(market, expiry, PriceWord.value(word), seen.covered);
        if (over && seen.covered >= SettlementMath.COVERAGE) {
            seen.price = uint72(uint256(seen.weighted) / seen.covered);
            seen.weighted = 0;
            emit IMarginEngine.SettlementFinal(market, expiry, seen.price);
        }
        s.settlements[OptionSeries.keyOf(market, expiry)] = seen;
    }

    function _count(Ledger.Settlement memory seen, uint256 price, uint256 end) private view {
        uint256 step = SettlementMath.step(seen.observedAt, end, block.timestamp);
        seen.covered = uint24(seen.covered + step);
        seen.weighted = (seen.weighted + price * step).toUint96();
        seen.observedAt = uint32(block.timestamp);
    }

    // ---------------------------------------------------------------- paying out

    /// @notice The account that stands between the losers and the winners of a market.
    function clearingAccount(uint256 market) internal view returns (bytes32) {
        // Index 0 is insurance.
        return AccountId.pack(address(this), IMarginEngine.Mode.CROSS, 0, market + 1);
    }

    /// @notice Settles one expiry of the accounts named, losers first, so that their cash is there for the winners. Equity changes for nobody
    /// by more than a unit of the quote token.
    function settle(Ledger.State storage s, Ledger.Env memory env, bytes calldata data) external {
        IMarginEngine.SettleOptions memory order = abi.decode(data, (IMarginEngine.SettleOptions));
        Round memory r;
        (r.market, r.expiry) = (order.market, order.expiry);
        r.price = s.settlements[OptionSeries.keyOf(r.market, r.expiry)].price;
        if (r.price == 0) revert IMarginEngine.SettlementPending(r.market, r.expiry);
        r.clearing = clearingAccount(r.market);
        for (uint256 pass; pass < 2; ++pass) {
            r.winners = pass == 1;
            for (uint256 i; i < order.accounts.length; ++i) {
                _settleOne(s, env, r, order.accounts[i]);
            }
        }
    }

    function _settleOne(Ledger.State storage s, Ledger.Env memory env, Round memory r, bytes32 id) private {
        OptionBook.Book memory b = OptionBook.open(s, id, 0);
        (int256 worth, bool any) = _worth(r, b);
        if (!any || (worth > 0) != r.winners) return;
        uint256 fraction = _payable(s, env, r, id, worth);
        int256 closed = _close(r, b, fraction, false);
        // So little that rounding would turn it round: it stays.
        if (r.winners ? closed < 0 : closed > 0) return;
        _close(r, b, fraction, true);
        int256 units = _units(r, env, closed);
        Ledger.changeHeld(s, id, Ledger.QUOTE, units);
        Ledger.changeHeld(s, r.clearing, Ledger.QUOTE, -units);
        OptionBook.close(s, b);
        emit IMarginEngine.OptionsSettled(id, r.market, r.expiry, units * int256(env.unit), worth - closed);
    }

    /// @dev In whole units of the quote token: down for a winner, up in size for a loser.
    function _units(Round memory r, Ledger.Env memory env, int256 worth) private pure returns (int256) {
        if (r.winners) return AssetMath.toUnitsDown(uint256(worth), env.unit).toInt256();
        return -AssetMath.toUnitsUp(uint256(-worth), env.unit).toInt256();
    }

    /// @dev The part (WAD) of `worth` for which there is cash: the clearing account's, or the loser's, who may have lent some, and may borrow.
    function _payable(Ledger.State storage s, Ledger.Env memory env, Round memory r, bytes32 id, int256 worth)
        private
        returns (uint256)
    {
        uint256 due = FixedMath.abs(_units(r, env, worth));
        uint256 cash = Ledger.available(s, r.winners ? r.clearing : id, Ledger.QUOTE);
        if (cash < due && !r.winners && !AccountId.isIsolated(id)) {
            cash += LendingLogic.raise(s, id, Ledger.QUOTE, due - cash);
        }
        return cash < due ? FixedMath.mulDivDown(cash, FixedMath.WAD, due) : FixedMath.WAD;
    }

    function _worth(Round memory r, OptionBook.Book memory b) private pure returns (int256 worth, bool any) {
        uint256 group = r.market << OptionSeries.MARKET_BIT - OptionSeries.EXPIRY_BIT | r.expiry;
        for (uint256 i; i < b.count; ++i) {
            uint256 word = b.words[i];
            if (OptionSeries.groupOf(word >> 64) != group) continue;
            any = true;
            worth += int256(int64(uint64(word))) * int256(OptionSeries.payoff(word >> 64, r.price));
        }
    }

    /// @dev Closes the part `fraction` (WAD) of every option of the expiry, what pays nothing whole, or only says what that is worth.
    /// @return closed Rounded so that it is no more than that part of all.
    function _close(Round memory r, OptionBook.Book memory b, uint256 fraction, bool now_)
        private
        returns (int256 closed)
    {
        uint256 group = r.market << OptionSeries.MARKET_BIT - OptionSeries.EXPIRY_BIT | r.expiry;
        for (uint256 i = b.count; i != 0;) {
            uint256 word = b.words[--i];
            if (OptionSeries.groupOf(word >> 64) != group) continue;
            int256 pays = int256(OptionSeries.payoff(word >> 64, r.price));
            int256 part = int64(uint64(word));
            if (pays != 0 && fraction != FixedMath.WAD) part = _part(part, fraction, r.winners);
            if (part == 0) continue;
            closed += part * pays;
            if (now_) OptionBook.change(b, word >> 64, -part);
        }
    }

    function _part(int256 quantity, uint256 fraction, bool winner) private pure returns (int256) {
        uint256 size = FixedMath.abs(quantity);
        size = (quantity > 0) == winner
            ? FixedMath.mulDivDown(size, fraction, FixedMath.WAD)
            : FixedMath.mulDivUp(size, fraction, FixedMath.WAD);
        return quantity > 0 ? int256(size) : -int256(size);
    }
}

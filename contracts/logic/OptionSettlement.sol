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
import {LendingLogic} from "./LendingLogic.sol";

/// @title The end of an option: a time-weighted settlement price, at which anyone settles anyone
/// @notice The price is the mean of good prices that anyone observed in the last half hour, each standing for the time before it and for two
/// minutes at most: no price is more than a tenth of it. Where less than two thirds of that half hour was observed, it goes on after the
/// expiry until as much is. Losers pay into the market's clearing account, and winners are paid out of it.
/// @dev Linked library over the engine's storage. Reasons: docs/decisions/035.
library OptionSettlement {
    using SafeCastLib for uint256;

    uint256 internal constant WINDOW = 30 minutes;
    /// @dev What good prices must cover before the mean of them is final.
    uint256 internal constant COVERAGE = 20 minutes;
    /// @dev A price stands for at most so long: whoever comes late decides about no more.
    uint256 internal constant MAX_STEP = 2 minutes;

    // ---------------------------------------------------------------- the price

    /// @notice Counts the feed's price for the time since the last look, and makes the mean final when it is time.
    function observe(Ledger.State storage s, Ledger.Env memory env, uint256 market, uint256 expiry) external {
        uint256 end = expiry * OptionSeries.MINUTE;
        Ledger.Settlement memory seen = s.settlements[OptionSeries.keyOf(market, expiry)];
        if (seen.price != 0) revert IMarginEngine.SettlementFinalAlready(market, expiry, seen.price);
        if (expiry >> 27 != 0) revert IMarginEngine.ExpiryOutOfRange(expiry);
        if (end < WINDOW || block.timestamp <= end - WINDOW) {
            revert IMarginEngine.ObservationTooEarly(market, expiry, end < WINDOW ? 0 : end - WINDOW);
        }
        Ledger.MarketRisk memory risk = MarketBook.listed(s.markets[market], market);
        uint256 word = MarketBook.wordOf(s.markets[market], env, risk);
        bool over = block.timestamp >= end;
        bool good = MarginCheck.isGood(word, risk.maxAge);
        // A dead feed takes nothing away from what was seen.
        if (!good && (!over || seen.covered < COVERAGE)) {
            revert IMarginEngine.PriceUnusable(risk.feed, PriceWord.age(word), PriceWord.status(word));
        }
        if (good) _count(seen, PriceWord.value(word), end);
        emit IMarginEngine.SettlementObserved(market, expiry, PriceWord.value(word), seen.covered);
        if (over && seen.covered >= COVERAGE) {
            seen.price = uint72(uint256(seen.weighted) / seen.covered);
            seen.weighted = 0;
            emit IMarginEngine.SettlementFinal(market, expiry, seen.price);
        }
        s.settlements[OptionSeries.keyOf(market, expiry)] = seen;
    }

    /// @dev The first look after the expiry still counts for the time before it; what lies between is nobody's.
    function _count(Ledger.Settlement memory seen, uint256 price, uint256 end) private view {
        uint256 since = seen.observedAt == 0 ? end - WINDOW : seen.observedAt;
        uint256 until = since < end ? FixedMath.min(block.timestamp, end) : block.timestamp;
        uint256 step = FixedMath.min(until - since, MAX_STEP);
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
        uint256 price = s.settlements[OptionSeries.keyOf(order.market, order.expiry)].price;
        if (price == 0) revert IMarginEngine.SettlementPending(order.market, order.expiry);
        for (uint256 pass; pass < 2; ++pass) {
            for (uint256 i; i < order.accounts.length; ++i) {
                _settleOne(s, env, order, order.accounts[i], price, pass == 1);
            }
        }
    }

    function _settleOne(
        Ledger.State storage s,
        Ledger.Env memory env,
        IMarginEngine.SettleOptions memory order,
        bytes32 id,
        uint256 price,
        bool winners
    ) private {
        OptionBook.Book memory b = OptionBook.open(s, id, 0);
        uint256 group = order.market << OptionSeries.MARKET_BIT - OptionSeries.EXPIRY_BIT | order.expiry;
        (int256 worth, bool any) = _worth(b, group, price);
        if (!any || (worth > 0) != winners) return;
        bytes32 clearing = clearingAccount(order.market);
        bytes32 payer = winners ? clearing : id;
        uint256 due = winners
            ? AssetMath.toUnitsDown(uint256(worth), env.unit)
            : AssetMath.toUnitsUp(uint256(-worth), env.unit);
        uint256 cash = Ledger.available(s, payer, Ledger.QUOTE);
        if (cash < due && !winners && !AccountId.isIsolated(id)) {
            uint256 raised = LendingLogic.raise(s, id, Ledger.QUOTE, due - cash);
            cash += raised;
        }
        uint256 fraction = cash < due ? FixedMath.mulDivDown(cash, FixedMath.WAD, due) : FixedMath.WAD;
        int256 closed = _close(b, group, price, fraction, winners);
        if (winners != (closed > 0)) closed = 0;
        uint256 units = winners
            ? AssetMath.toUnitsDown(uint256(closed), env.unit)
            : AssetMath.toUnitsUp(uint256(-closed), env.unit);
        Ledger.changeHeld(s, payer, Ledger.QUOTE, -units.toInt256());
        Ledger.changeHeld(s, winners ? id : clearing, Ledger.QUOTE, units.toInt256());
        OptionBook.close(s, b);
        int256 paid = int256(units * env.unit);
        emit IMarginEngine.OptionsSettled(id, order.market, order.expiry, winners ? paid : -paid, worth - closed);
    }

    function _worth(OptionBook.Book memory b, uint256 group, uint256 price)
        private
        pure
        returns (int256 worth, bool any)
    {
        for (uint256 i; i < b.count; ++i) {
            uint256 instrument = b.words[i] >> 64;
            if (OptionSeries.groupOf(instrument) != group) continue;
            any = true;
            worth += int256(int64(uint64(b.words[i]))) * int256(OptionSeries.payoff(instrument, price));
        }
    }

    /// @dev Closes the part `fraction` (WAD) of every option of the expiry, what pays nothing whole. Rounded so that what is closed is worth
    /// no more than that part of all. @return closed What it is worth.
    function _close(OptionBook.Book memory b, uint256 group, uint256 price, uint256 fraction, bool winner)
        private
        returns (int256 closed)
    {
        for (uint256 i = b.count; i != 0;) {
            uint256 word = b.words[--i];
            if (OptionSeries.groupOf(word >> 64) != group) continue;
            int256 quantity = int64(uint64(word));
            int256 pays = int256(OptionSeries.payoff(word >> 64, price));
            int256 part = quantity;
            if (pays != 0 && fraction != FixedMath.WAD) {
                uint256 size = FixedMath.abs(quantity);
                size = (quantity > 0) == winner
                    ? FixedMath.mulDivDown(size, fraction, FixedMath.WAD)
                    : FixedMath.mulDivUp(size, fraction, FixedMath.WAD);
                part = quantity > 0 ? int256(size) : -int256(size);
            }
            if (part == 0) continue;
            closed += part * pays;
            OptionBook.change(b, word >> 64, -part);
        }
    }
}

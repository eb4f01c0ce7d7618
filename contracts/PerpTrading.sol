// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {EpochLedger} from "./EpochLedger.sol";
import {Ledger} from "./Ledger.sol";
import {MarginCheck} from "./MarginCheck.sol";
import {MarketBook} from "./MarketBook.sol";
import {PositionBook} from "./PositionBook.sol";
import {AssetMath} from "./libraries/AssetMath.sol";
import {ConfigWords} from "./libraries/ConfigWords.sol";
import {FillMath} from "./libraries/FillMath.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {PositionMath} from "./libraries/PositionMath.sol";
import {PriceWord} from "./libraries/PriceWord.sol";
import {VolatilityMath} from "./libraries/VolatilityMath.sol";

/// @title Fills, skew, funding, and the cash that goes with them
/// @notice The pool is counterparty of every position: its position is minus the skew, its cost minus the sum of costs. A fill
/// moves no cash; fee, premium and spread are part of the position's cost. Cash moves when PnL is realised.
/// @dev Linked library over the engine's storage.
library PerpTrading {
    using SafeCastLib for int256;
    using SafeCastLib for uint256;

    /// @dev Reducing works with prices up to this age, at the wider spread.
    uint256 internal constant REDUCING_AGE = 1 hours;

    struct Fill {
        int256 skew;
        uint256 price;
        int256 cost;
        uint256 fee;
        bool opening;
    }

    // ---------------------------------------------------------------- trade

    /// @notice Fills an order against the pool: price → accrue → fill → write → check the market's limits.
    /// @return notional At index, WAD.
    /// @return lost What the fill takes from the account's equity: premium, spread and fee. (Closing may round off less than one
    /// unit of the quote token more.)
    /// @return opening Whether the fill adds to, or flips, the position.
    function trade(Ledger.State storage s, Ledger.Env memory env, bytes32 id, IMarginEngine.TradePerp memory order)
        external
        returns (uint256 notional, int256 lost, bool opening)
    {
        if (order.size == 0) revert IMarginEngine.ZeroAmount();
        if (block.timestamp > order.deadline) revert IMarginEngine.OrderExpired(order.deadline, block.timestamp);
        Ledger.Market storage market = s.markets[order.market];
        Ledger.MarketRisk memory risk = MarketBook.listed(market, order.market);
        if (risk.flags & ConfigWords.CLOSING != 0 && market.closing.finalPrice != 0) {
            revert IMarginEngine.MarketClosed(order.market, market.closing.finalPrice);
        }
        Ledger.Position memory old = EpochLedger.touch(s, id, order.market);
        Ledger.MarketState memory state = market.state;

        Fill memory fill;
        int256 newSize = int256(old.size) + order.size;
        fill.opening = PositionMath.grows(old.size, order.size);
        uint256 word = MarketBook.wordOf(market, env, risk);
        _requirePrice(s, id, order.market, risk, word, fill.opening);
        fill.price = PriceWord.value(word);
        MarketBook.accrue(order.market, state, risk, fill.price);
        fill.skew = PositionBook.skewOf(state);
        _price(s, market, risk, order, fill, word);

        int256 newCost = old.cost + fill.cost - int256(order.size) * state.fundingIndex;
        if (newSize == 0) newCost = closeOut(s, env, id, order.market, newCost);
        uint256 openInterest = PositionBook.openInterestOf(state);
        _store(s, order.market, state, old, newSize, newCost, fill.price);
        PositionBook.writePosition(s, id, order.market, old, newSize, newCost);
        _requireLimits(s, env, order.market, fill, openInterest);
        emit IMarginEngine.Traded(id, order.market, order.size, fill.price, fill.cost, fill.fee);
        lost = fill.cost - int256(order.size) * int256(fill.price);
        return (FixedMath.abs(order.size) * fill.price, lost, fill.opening);
    }

    /// @dev New risk needs a fresh, undoubted price; reducing only a recent one, whose age the spread charges for.
    function _requirePrice(
        Ledger.State storage s,
        bytes32 id,
        uint256 market,
        Ledger.MarketRisk memory risk,
        uint256 word,
        bool opening
    ) private view {
        if (opening) {
            if (risk.flags & (ConfigWords.REDUCE_ONLY | ConfigWords.CLOSING) != 0) {
                revert IMarginEngine.MarketNotAllowed(id, market);
            }
            if (block.timestamp < s.globals.pausedUntil) revert IMarginEngine.NewRiskPaused(s.globals.pausedUntil);
        }
        bool usable = opening ? MarginCheck.isGood(word, risk.maxAge) : PriceWord.age(word) <= REDUCING_AGE;
        if (!usable) {
            revert IMarginEngine.PriceUnusable(risk.feed, PriceWord.age(word), PriceWord.status(word));
        }
    }

    /// @dev Sets cost and fee, and holds the order to its limit price: exact, without a division.
    function _price(
        Ledger.State storage s,
        Ledger.Market storage market,
        Ledger.MarketRisk memory risk,
        IMarginEngine.TradePerp memory order,
        Fill memory fill,
        uint256 word
    ) private view {
        Ledger.MarketTrade memory terms = market.trade;
        uint256 cap = FillMath.spreadCap(risk.mmRate1, terms.maxSkew, terms.skewScale, terms.takerFee);
        (uint256 multiplier,) = VolatilityMath.multipliers(word, block.timestamp);
        uint256 sigma = MarginCheck.scaledSigma(risk.sigma, multiplier);
        uint256 rate = FillMath.spreadRate(s.globals.kappa, sigma, PriceWord.age(word), s.globals.blockTime, cap);
        int256 size = order.size;
        int256 worth = size * int256(fill.price) + FillMath.premium(size, fill.skew, fill.price, terms.skewScale)
            + int256(FillMath.spread(FixedMath.abs(size), fill.price, rate));
        // Beyond any price there is no limit, and no overflow either.
        uint256 limitPrice = order.limitPrice < type(uint128).max ? order.limitPrice : type(uint128).max;
        int256 limit = size * int256(limitPrice);
        if (worth > limit) revert IMarginEngine.LimitPriceExceeded(order.market, worth, limit);
        fill.fee = FillMath.fee(size, fill.skew, fill.price, terms.makerFee, terms.takerFee);
        fill.cost = worth + int256(fill.fee);
    }

    /// @dev Stores the market's sums with the position replaced, and the market's contribution to pool equity.
    function _store(
        Ledger.State storage s,
        uint256 id,
        Ledger.MarketState memory state,
        Ledger.Position memory old,
        int256 size,
        int256 cost,
        uint256 price
    ) private {
        Ledger.Market storage market = s.markets[id];
        Ledger.MarketCosts memory costs = market.costs;
        PositionBook.replace(state, costs, old, size, cost);
        MarketBook.contribute(s, id, state, costs, price);
        market.state = state;
        market.costs = costs;
    }

    /// @dev Written first, then checked. A fill that lowers skew and open interest passes whatever the limits: nothing may block it.
    function _requireLimits(
        Ledger.State storage s,
        Ledger.Env memory env,
        uint256 id,
        Fill memory fill,
        uint256 openInterestBefore
    ) private view {
        Ledger.Market storage market = s.markets[id];
        Ledger.MarketState memory state = market.state;
        Ledger.MarketTrade memory terms = market.trade;
        uint256 skew = FixedMath.abs(PositionBook.skewOf(state));
        uint256 openInterest = PositionBook.openInterestOf(state);
        bool wider = skew > FixedMath.abs(fill.skew);
        bool larger = openInterest > openInterestBefore;
        if (!wider && !larger) return;

        if (wider && skew > terms.maxSkew) revert IMarginEngine.SkewCapExceeded(id, skew, terms.maxSkew);
        if (larger && openInterest > terms.maxOi) {
            revert IMarginEngine.OpenInterestCapExceeded(id, openInterest, terms.maxOi);
        }
        int256 pool =
            int256(Ledger.available(s, Ledger.poolAccount(s), Ledger.QUOTE) * env.unit) + s.pool.contributionSum;
        if (wider) {
            uint256 needed = FixedMath.ceilDiv(skew * fill.price * terms.move, FixedMath.BPS);
            uint256 share = FixedMath.positive(pool) * terms.allocation / FixedMath.BPS;
            if (needed > share) revert IMarginEngine.AllocationExceeded(id, needed, share);
        }
        if (larger) {
            uint256 needed = FixedMath.ceilDiv(openInterest * fill.price * terms.gap, FixedMath.BPS);
            int256 insurance = int256(Ledger.available(s, env.insurance, Ledger.QUOTE) * env.unit);
            uint256 cover = FixedMath.positive(pool + insurance);
            if (needed > cover) revert IMarginEngine.GapLimitExceeded(id, needed, cover);
        }
    }

    // ---------------------------------------------------------------- matched with each other

    /// @param size What `maker` gets, and `taker` gives, at `price`, 1e-10.
    struct Crossing {
        bytes32 maker;
        bytes32 taker;
        uint256 market;
        int256 size;
        uint256 price;
    }

    /// @dev grows: whether the fill adds to, or flips, the position.
    struct Crossed {
        uint256 index;
        uint256 makerFee;
        uint256 takerFee;
        bool makerGrows;
        bool takerGrows;
    }

    /// @notice Fills two accounts with each other. The pool stands between them, as a clearing house does: its position stays, the market's
    /// open interest does not, and the fees are the pool's.
    function cross(Ledger.State storage s, Ledger.Env memory env, Crossing memory c)
        external
        returns (Crossed memory r)
    {
        Ledger.Position memory maker = EpochLedger.touch(s, c.maker, c.market);
        Ledger.Position memory taker = EpochLedger.touch(s, c.taker, c.market);
        MarketBook.Book memory b = MarketBook.open(s, env, c.market);
        if (b.risk.flags & ConfigWords.CLOSING != 0 && s.markets[c.market].closing.finalPrice != 0) {
            revert IMarginEngine.MarketClosed(c.market, s.markets[c.market].closing.finalPrice);
        }
        r.index = b.price;
        (r.makerGrows, r.takerGrows) = (PositionMath.grows(maker.size, c.size), PositionMath.grows(taker.size, -c.size));
        bytes32 opener = r.makerGrows ? c.maker : c.taker;
        _requirePrice(s, opener, c.market, b.risk, b.word, r.makerGrows || r.takerGrows);
        Ledger.MarketTrade memory terms = s.markets[c.market].trade;
        uint256 notional = FixedMath.abs(c.size) * b.price;
        r.makerFee = FixedMath.ceilDiv(notional * terms.makerFee, FixedMath.PPM);
        r.takerFee = FixedMath.ceilDiv(notional * terms.takerFee, FixedMath.PPM);
        uint256 openInterest = PositionBook.openInterestOf(b.state);
        _fill(s, env, b, c.maker, maker, c.size, c.price, r.makerFee);
        _fill(s, env, b, c.taker, taker, -c.size, c.price, r.takerFee);
        MarketBook.save(s, b);
        Fill memory limits;
        (limits.skew, limits.price) = (PositionBook.skewOf(b.state), b.price);
        _requireLimits(s, env, c.market, limits, openInterest);
    }

    function _fill(
        Ledger.State storage s,
        Ledger.Env memory env,
        MarketBook.Book memory b,
        bytes32 id,
        Ledger.Position memory old,
        int256 size,
        uint256 price,
        uint256 fee
    ) private {
        int256 cost = size * int256(price) + int256(fee);
        int256 newSize = int256(old.size) + size;
        int256 newCost = old.cost + cost - size * b.state.fundingIndex;
        if (newSize == 0) newCost = closeOut(s, env, id, b.id, newCost);
        PositionBook.replace(b.state, b.costs, old, newSize, newCost);
        PositionBook.writePosition(s, id, b.id, old, newSize, newCost);
        emit IMarginEngine.Traded(id, b.id, size, b.price, cost, fee);
    }

    // ---------------------------------------------------------------- cash

    /// @notice Pays what of `pnl` (WAD) can be paid now, in whole units of the quote token: profit from the pool's cash,
    /// which never goes negative, a loss from what the account holds. The rest stays unrealised.
    function realise(Ledger.State storage s, Ledger.Env memory env, bytes32 id, int256 pnl)
        internal
        returns (int256 realised)
    {
        bytes32 pool = Ledger.poolAccount(s);
        bytes32 payer = pnl > 0 ? pool : id;
        uint256 units = AssetMath.toUnitsDown(FixedMath.abs(pnl), env.unit);
        uint256 cash = Ledger.available(s, payer, Ledger.QUOTE);
        if (units > cash) units = cash;
        if (units == 0) return 0;
        Ledger.changeHeld(s, payer, Ledger.QUOTE, -int256(units));
        Ledger.changeHeld(s, pnl > 0 ? id : pool, Ledger.QUOTE, int256(units));
        return pnl > 0 ? int256(units * env.unit) : -int256(units * env.unit);
    }

    /// @notice Realises a position of size zero. Less than one unit of profit is left to the pool, less than one unit of loss is
    /// charged as one unit, so that the slot clears. @return cost What could not be paid yet.
    function closeOut(Ledger.State storage s, Ledger.Env memory env, bytes32 id, uint256 market, int256 cost)
        internal
        returns (int256)
    {
        int256 pnl = -cost;
        if (pnl < 0) pnl = -int256(AssetMath.toUnitsUp(uint256(cost), env.unit) * env.unit);
        int256 realised = realise(s, env, id, pnl);
        if (realised != 0) emit IMarginEngine.Settled(id, market, realised);
        int256 left = pnl - realised;
        if (left == 0 || (left > 0 && left < int256(env.unit))) return 0;
        return cost + realised;
    }

    /// @notice Realises the PnL of `accounts` in one market, losers first, so that their cash is there for the winners; in a closed market,
    /// closes their positions at its final price. Equity changes for nobody.
    function settle(Ledger.State storage s, Ledger.Env memory env, IMarginEngine.Settle memory order) external {
        for (uint256 i; i < order.accounts.length; ++i) {
            EpochLedger.touch(s, order.accounts[i], order.market);
        }
        MarketBook.Book memory b = MarketBook.open(s, env, order.market);
        if (PriceWord.age(b.word) > REDUCING_AGE) {
            revert IMarginEngine.PriceUnusable(b.risk.feed, PriceWord.age(b.word), PriceWord.status(b.word));
        }
        for (uint256 pass; pass < 2; ++pass) {
            for (uint256 i; i < order.accounts.length; ++i) {
                _settleOne(s, env, b, order.accounts[i], pass == 1);
            }
        }
        MarketBook.save(s, b);
    }

    function _settleOne(
        Ledger.State storage s,
        Ledger.Env memory env,
        MarketBook.Book memory b,
        bytes32 id,
        bool winners
    ) private {
        Ledger.Position memory old = EpochLedger.touch(s, id, b.id);
        int256 pnl = PositionMath.pnl(old.size, old.cost, b.price, b.state.fundingIndex);
        bool closes =
            old.size != 0 && b.risk.flags & ConfigWords.CLOSING != 0 && s.markets[b.id].closing.finalPrice != 0;
        if (pnl == 0 && !closes || (pnl > 0) != winners) return;
        (int256 size, int256 cost) = closes ? (int256(0), -pnl) : (int256(old.size), int256(old.cost));
        if (size == 0) {
            cost = closeOut(s, env, id, b.id, cost);
        } else {
            int256 realised = realise(s, env, id, pnl);
            cost += realised;
            if (realised != 0) emit IMarginEngine.Settled(id, b.id, realised);
        }
        if (size == old.size && cost == old.cost) return;
        PositionBook.replace(b.state, b.costs, old, size, cost);
        PositionBook.writePosition(s, id, b.id, old, size, cost);
    }

    // ---------------------------------------------------------------- transfer of positions

    /// @notice Moves part of a position to another account of its owner, with its own cost, rounded up for the one that receives it.
    function transfer(Ledger.State storage s, Ledger.Env memory env, bytes32 id, IMarginEngine.Transfer memory order)
        external
    {
        Ledger.Position memory old = EpochLedger.touch(s, id, order.market);
        bool within = order.size > 0 ? order.size <= old.size : order.size < 0 && order.size >= old.size;
        if (!within) {
            revert IMarginEngine.InsufficientBalance(
                id, order.market, FixedMath.abs(old.size), FixedMath.abs(order.size)
            );
        }
        int256 cost = order.size == old.size ? old.cost : PositionMath.costOf(order.size, old.size, old.cost);
        move(s, env, order.market, id, order.to, order.size, cost);
    }

    /// @notice A position as it is when it is next touched.
    function positionOf(Ledger.State storage s, bytes32 id, uint256 market) external view returns (int256, int256) {
        Ledger.Position memory p = s.positions[id][market];
        return EpochLedger.touched(s, market, p.size, p.cost, p.epoch, s.markets[market].state.epoch);
    }

    /// @notice Moves (size, cost) out of `from`'s position into `to`'s, without a price: both costs are funding-adjusted, so
    /// they add up. A recipient whose position nets to zero is closed out.
    function move(
        Ledger.State storage s,
        Ledger.Env memory env,
        uint256 id,
        bytes32 from,
        bytes32 to,
        int256 size,
        int256 cost
    ) internal {
        Ledger.Market storage market = s.markets[id];
        Ledger.Position memory source = EpochLedger.touch(s, from, id);
        Ledger.Position memory sink = EpochLedger.touch(s, to, id);
        int256 newSize = int256(sink.size) + size;
        int256 newCost = int256(sink.cost) + cost;
        int256 leftSize = int256(source.size) - size;
        int256 leftCost = int256(source.cost) - cost;
        int256 closed = newSize == 0 ? closeOut(s, env, to, id, newCost) : newCost;
        // Same side, nothing realised: the market's sums stand, and their two slots stay cold.
        if (
            closed != newCost || _crosses(source.size, newSize) || (sink.size != 0 || sink.cost != 0)
                && _crosses(source.size, sink.size) || (leftSize != 0 || leftCost != 0)
                && _crosses(source.size, leftSize)
        ) {
            Ledger.MarketState memory state = market.state;
            Ledger.MarketCosts memory costs = market.costs;
            PositionBook.replace(state, costs, source, leftSize, leftCost);
            PositionBook.replace(state, costs, sink, newSize, closed);
            MarketBook.shiftContribution(s, id, costs, closed - newCost);
            market.state = state;
            market.costs = costs;
        }
        PositionBook.writePosition(s, from, id, source, leftSize, leftCost);
        PositionBook.writePosition(s, to, id, sink, newSize, closed);
    }

    /// @dev Whether two positions count on different sides; zero counts on the long side.
    function _crosses(int256 a, int256 b) private pure returns (bool) {
        return (a < 0) != (b < 0);
    }
}

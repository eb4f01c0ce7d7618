// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";
import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Ledger} from "./Ledger.sol";
import {MarginCheck} from "./MarginCheck.sol";
import {AssetMath} from "./libraries/AssetMath.sol";
import {FillMath} from "./libraries/FillMath.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {FundingMath} from "./libraries/FundingMath.sol";
import {PositionMath} from "./libraries/PositionMath.sol";
import {PriceWord} from "./libraries/PriceWord.sol";

/// @title Fills, skew, funding, and the cash that goes with them
/// @notice The pool is counterparty of every position: its position is minus the skew, its cost minus the sum of costs. A fill
/// moves no cash; fee, premium and spread are part of the position's cost. Cash moves when PnL is realised.
/// @dev Linked library over the engine's storage.
library PerpTrading {
    using SafeCastLib for int256;
    using SafeCastLib for uint256;

    /// @dev Reducing works with prices up to this age, at the wider spread.
    uint256 internal constant REDUCING_AGE = 1 hours;
    /// @dev Unit of a stored contribution: 1e-6 quote.
    uint256 internal constant CONTRIBUTION_UNIT = 1e12;
    uint8 internal constant FLAG_REDUCE_ONLY = 1;

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
        Ledger.MarketRisk memory risk = _listed(market, order.market);
        Ledger.MarketState memory state = market.state;
        Ledger.Position memory old = s.positions[id][order.market];

        Fill memory fill;
        int256 newSize = int256(old.size) + order.size;
        fill.opening =
            FixedMath.abs(newSize) > FixedMath.abs(old.size) || (newSize > 0) != (old.size > 0) && newSize != 0;
        uint256 word = _priceWord(env, risk.feed);
        _requirePrice(s, id, order.market, risk, word, fill.opening);
        fill.price = PriceWord.value(word);
        _accrue(order.market, state, risk, fill.price);
        fill.skew = Ledger.skewOf(state);
        _price(s, market, risk, order, fill, PriceWord.age(word));

        if (old.size == 0 && old.cost == 0) old.epoch = state.epoch;
        int256 newCost = old.cost + fill.cost - int256(order.size) * state.fundingIndex;
        if (newSize == 0) newCost = closeOut(s, env, id, order.market, newCost);
        uint256 openInterest = Ledger.openInterestOf(state);
        _store(s, order.market, state, old, newSize, newCost, fill.price);
        Ledger.writePosition(s, id, order.market, old, newSize, newCost);
        _requireLimits(s, env, order.market, fill, openInterest);
        emit IMarginEngine.Traded(id, order.market, order.size, fill.price, fill.cost, fill.fee);
        lost = fill.cost - int256(order.size) * int256(fill.price);
        return (FixedMath.abs(order.size) * fill.price, lost, fill.opening);
    }

    function _listed(Ledger.Market storage market, uint256 id) private view returns (Ledger.MarketRisk memory risk) {
        risk = market.risk;
        if (risk.mmRate1 == 0) revert IMarginEngine.UnknownMarket(id);
    }

    function _priceWord(Ledger.Env memory env, uint256 feed) private view returns (uint256) {
        uint256[] memory feeds = new uint256[](1);
        feeds[0] = feed;
        return env.router.read(feeds)[0];
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
            if (risk.flags & FLAG_REDUCE_ONLY != 0) {
                revert IMarginEngine.MarketNotAllowed(id, market);
            }
            if (block.timestamp < s.globals.pausedUntil) revert IMarginEngine.NewRiskPaused(s.globals.pausedUntil);
        }
        bool usable = opening ? MarginCheck.isGood(word, risk.maxAge) : PriceWord.age(word) <= REDUCING_AGE;
        if (!usable) {
            revert IMarginEngine.PriceUnusable(risk.feed, PriceWord.age(word), PriceWord.status(word));
        }
    }

    function _accrue(uint256 market, Ledger.MarketState memory state, Ledger.MarketRisk memory risk, uint256 price)
        private
    {
        uint256 elapsed = block.timestamp - state.accruedAt;
        if (elapsed == 0) return;
        (int256 rate, int256 growth) = FundingMath.project(
            state.fundingRate, Ledger.skewOf(state), risk.fundingVelocity, risk.maxFundingRate, elapsed, price
        );
        state.fundingRate = rate.toInt32();
        state.fundingIndex = (state.fundingIndex + growth).toInt64();
        state.accruedAt = uint32(block.timestamp);
        emit IMarginEngine.MarketAccrued(market, state.fundingIndex, state.fundingRate);
    }

    /// @dev Sets cost and fee, and holds the order to its limit price: exact, without a division.
    function _price(
        Ledger.State storage s,
        Ledger.Market storage market,
        Ledger.MarketRisk memory risk,
        IMarginEngine.TradePerp memory order,
        Fill memory fill,
        uint256 age
    ) private view {
        Ledger.MarketTrade memory terms = market.trade;
        uint256 cap = FillMath.spreadCap(risk.mmRate1, terms.maxSkew, terms.skewScale, terms.takerFee);
        uint256 rate = FillMath.spreadRate(s.globals.kappa, risk.sigma, age, s.globals.blockTime, cap);
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
        Ledger.replace(state, costs, old, size, cost);
        _contribute(s, id, state, costs, price);
        market.state = state;
        market.costs = costs;
    }

    /// @dev contribution = C − skew·(p − F), toward −∞: the pool never counts what it does not have.
    function _contribute(
        Ledger.State storage s,
        uint256 id,
        Ledger.MarketState memory state,
        Ledger.MarketCosts memory costs,
        uint256 price
    ) private {
        int256 exact = _poolPnl(state, costs, price, state.fundingIndex);
        int256 contribution = FixedMath.floorDivSigned(exact, CONTRIBUTION_UNIT);
        int256 change = contribution - costs.contribution;
        if (change == 0) return;
        costs.contribution = contribution.toInt64();
        s.pool.contributionSum = (s.pool.contributionSum + change * int256(CONTRIBUTION_UNIT)).toInt96();
        emit IMarginEngine.PoolContribution(id, contribution);
    }

    /// @notice Carries a change of a market's sum of costs into its stored contribution, without a price: what was realised is cash
    /// now, or written off, and must not be counted as the pool's a second time.
    function shiftContribution(Ledger.State storage s, uint256 id, Ledger.MarketCosts memory costs, int256 change)
        internal
    {
        int256 units = FixedMath.floorDivSigned(change, CONTRIBUTION_UNIT);
        if (units == 0) return;
        costs.contribution = (costs.contribution + units).toInt64();
        s.pool.contributionSum = (s.pool.contributionSum + units * int256(CONTRIBUTION_UNIT)).toInt96();
        emit IMarginEngine.PoolContribution(id, costs.contribution);
    }

    function _poolPnl(Ledger.MarketState memory state, Ledger.MarketCosts memory costs, uint256 price, int256 index)
        private
        pure
        returns (int256)
    {
        return -PositionMath.pnl(Ledger.skewOf(state), int256(costs.longCost) + costs.shortCost, price, index);
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
        uint256 skew = FixedMath.abs(Ledger.skewOf(state));
        uint256 openInterest = Ledger.openInterestOf(state);
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

    /// @notice Realises the PnL of `accounts` in one market, losers first, so that their cash is there for the winners.
    /// Equity changes for nobody.
    function settle(Ledger.State storage s, Ledger.Env memory env, IMarginEngine.Settle memory order) external {
        Ledger.Market storage market = s.markets[order.market];
        Ledger.MarketRisk memory risk = _listed(market, order.market);
        uint256 word = _priceWord(env, risk.feed);
        if (PriceWord.age(word) > REDUCING_AGE) {
            revert IMarginEngine.PriceUnusable(risk.feed, PriceWord.age(word), PriceWord.status(word));
        }
        uint256 price = PriceWord.value(word);
        Ledger.MarketState memory state = market.state;
        Ledger.MarketCosts memory costs = market.costs;
        _accrue(order.market, state, risk, price);
        for (uint256 pass; pass < 2; ++pass) {
            for (uint256 i; i < order.accounts.length; ++i) {
                _settleOne(s, env, order.market, order.accounts[i], state, costs, price, pass == 1);
            }
        }
        _contribute(s, order.market, state, costs, price);
        market.state = state;
        market.costs = costs;
    }

    function _settleOne(
        Ledger.State storage s,
        Ledger.Env memory env,
        uint256 market,
        bytes32 id,
        Ledger.MarketState memory state,
        Ledger.MarketCosts memory costs,
        uint256 price,
        bool winners
    ) private {
        Ledger.Position memory old = s.positions[id][market];
        int256 pnl = PositionMath.pnl(old.size, old.cost, price, state.fundingIndex);
        if (pnl == 0 || (pnl > 0) != winners) return;
        int256 cost;
        if (old.size == 0) {
            cost = closeOut(s, env, id, market, old.cost);
        } else {
            int256 realised = realise(s, env, id, pnl);
            cost = old.cost + realised;
            if (realised != 0) emit IMarginEngine.Settled(id, market, realised);
        }
        if (cost == old.cost) return;
        Ledger.replace(state, costs, old, old.size, cost);
        Ledger.writePosition(s, id, market, old, old.size, cost);
    }

    // ---------------------------------------------------------------- transfer of positions

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
        Ledger.Position memory source = s.positions[from][id];
        Ledger.Position memory sink = s.positions[to][id];
        if (sink.size == 0 && sink.cost == 0) sink.epoch = source.epoch;
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
            Ledger.replace(state, costs, source, leftSize, leftCost);
            Ledger.replace(state, costs, sink, newSize, closed);
            shiftContribution(s, id, costs, closed - newCost);
            market.state = state;
            market.costs = costs;
        }
        Ledger.writePosition(s, from, id, source, leftSize, leftCost);
        Ledger.writePosition(s, to, id, sink, newSize, closed);
    }

    /// @dev Whether two positions count on different sides; zero counts on the long side.
    function _crosses(int256 a, int256 b) private pure returns (bool) {
        return (a < 0) != (b < 0);
    }

    // ---------------------------------------------------------------- the pool

    /// @notice Brings the stored contributions of `ids` to the last price.
    function refresh(Ledger.State storage s, Ledger.Env memory env, uint256[] memory ids) external {
        for (uint256 i; i < ids.length; ++i) {
            Ledger.Market storage market = s.markets[ids[i]];
            Ledger.MarketRisk memory risk = _listed(market, ids[i]);
            Ledger.MarketState memory state = market.state;
            Ledger.MarketCosts memory costs = market.costs;
            uint256 price = PriceWord.value(_priceWord(env, risk.feed));
            _accrue(ids[i], state, risk, price);
            _contribute(s, ids[i], state, costs, price);
            market.state = state;
            market.costs = costs;
        }
    }

    /// @notice Pool equity from every listed market at its last price, and its close-out value: less the premium that the
    /// traders would be paid back if all of them closed at index.
    function poolEquity(Ledger.State storage s, Ledger.Env memory env)
        external
        view
        returns (int256 equity, int256 closeOutValue)
    {
        equity = int256(Ledger.available(s, Ledger.poolAccount(s), Ledger.QUOTE) * env.unit);
        uint256 discount;
        uint256 bitmap = s.listedMarkets;
        while (bitmap != 0) {
            Ledger.Market storage market = s.markets[LibBit.ffs(bitmap)];
            bitmap &= bitmap - 1;
            Ledger.MarketState memory state = market.state;
            uint256 price = PriceWord.value(_priceWord(env, market.risk.feed));
            equity += _poolPnl(state, market.costs, price, MarginCheck.indexNow(market, price));
            uint256 skew = FixedMath.abs(Ledger.skewOf(state));
            discount += FixedMath.mulDivUp(skew * price, skew, 2 * uint256(market.trade.skewScale));
        }
        closeOutValue = equity - int256(discount);
    }
}

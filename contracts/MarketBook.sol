// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {Ledger} from "./Ledger.sol";
import {EpochLedger} from "./EpochLedger.sol";
import {PositionBook} from "./PositionBook.sol";
import {ConfigWords} from "./libraries/ConfigWords.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {FundingMath} from "./libraries/FundingMath.sol";
import {PositionMath} from "./libraries/PositionMath.sol";
import {PriceWord} from "./libraries/PriceWord.sol";
import {Words} from "./libraries/Words.sol";

/// @title One market's sums: opened (at its price, funding accrued) into memory, changed, and saved with what they mean to the pool
/// @dev Whoever opens a book has touched the positions he is going to change before: a touch writes the sums itself.
library MarketBook {
    using SafeCastLib for int256;

    /// @dev Unit of a stored contribution: 1e-6 quote.
    uint256 internal constant CONTRIBUTION_UNIT = 1e12;

    struct Book {
        uint256 id;
        uint256 word;
        uint256 price;
        Ledger.MarketState state;
        Ledger.MarketCosts costs;
        Ledger.MarketRisk risk;
    }

    function open(Ledger.State storage s, Ledger.Env memory env, uint256 id) internal returns (Book memory b) {
        Ledger.Market storage market = s.markets[id];
        b.id = id;
        b.risk = listed(market, id);
        b.word = wordOf(market, env, b.risk);
        b.price = PriceWord.value(b.word);
        b.state = market.state;
        b.costs = market.costs;
        accrue(id, b.state, b.risk, b.price);
    }

    function save(Ledger.State storage s, Book memory b) internal {
        contribute(s, b.id, b.state, b.costs, b.price);
        s.markets[b.id].state = b.state;
        s.markets[b.id].costs = b.costs;
    }

    function listed(Ledger.Market storage market, uint256 id) internal view returns (Ledger.MarketRisk memory risk) {
        risk = market.risk;
        if (risk.mmRate1 == 0) revert IMarginEngine.UnknownMarket(id);
    }

    // ---------------------------------------------------------------- price and funding

    /// @notice The market's price as a word of the router: its feed's, or the final one, which is always fresh.
    function wordOf(Ledger.Market storage market, Ledger.Env memory env, Ledger.MarketRisk memory risk)
        internal
        view
        returns (uint256)
    {
        if (risk.flags & ConfigWords.CLOSING != 0 && market.closing.finalPrice != 0) {
            return goodWord(market.closing.finalPrice);
        }
        uint256 at = Words.buffer(1);
        Words.put(at, risk.feed);
        Words.exchange(address(env.router), IOracleRouter.read.selector, at, 1);
        return Words.get(at);
    }

    /// @notice A price that is published now and passes all tests.
    function goodWord(uint256 price) internal view returns (uint256) {
        return price | block.timestamp << 96 | block.timestamp << 128;
    }

    function accrue(uint256 id, Ledger.MarketState memory state, Ledger.MarketRisk memory risk, uint256 price)
        internal
    {
        uint256 elapsed = block.timestamp - state.accruedAt;
        if (elapsed == 0) return;
        (int256 rate, int256 growth) = FundingMath.project(
            state.fundingRate, PositionBook.skewOf(state), risk.fundingVelocity, risk.maxFundingRate, elapsed, price
        );
        state.fundingRate = rate.toInt32();
        state.fundingIndex = (state.fundingIndex + growth).toInt64();
        state.accruedAt = uint32(block.timestamp);
        emit IMarginEngine.MarketAccrued(id, state.fundingIndex, state.fundingRate);
    }

    // ---------------------------------------------------------------- the pool's side of it

    /// @notice The pool is counterparty of every position: C − skew·(p − F).
    function poolPnl(Ledger.MarketState memory state, Ledger.MarketCosts memory costs, uint256 price, int256 index)
        internal
        pure
        returns (int256)
    {
        return -PositionMath.pnl(PositionBook.skewOf(state), int256(costs.longCost) + costs.shortCost, price, index);
    }

    /// @notice The net profit of one side's open positions.
    function net(Ledger.State storage s, Book memory b, bool long) internal view returns (int256) {
        return EpochLedger.net(b.state, b.costs, s.markets[b.id].loss.flatCost, long, b.price);
    }

    /// @notice What the pool has, with this market's PnL in it as it is in the book, and the others' as last stored. WAD.
    function poolEquity(Ledger.State storage s, Ledger.Env memory env, Book memory b) internal view returns (int256) {
        int256 cash = int256(Ledger.available(s, Ledger.poolAccount(s), Ledger.QUOTE) * env.unit);
        int256 others = s.pool.contributionSum - int256(b.costs.contribution) * int256(CONTRIBUTION_UNIT);
        return cash + others + poolPnl(b.state, b.costs, b.price, b.state.fundingIndex);
    }

    /// @dev Stored toward −∞: the pool never counts what it does not have.
    function contribute(
        Ledger.State storage s,
        uint256 id,
        Ledger.MarketState memory state,
        Ledger.MarketCosts memory costs,
        uint256 price
    ) internal {
        int256 exact = poolPnl(state, costs, price, state.fundingIndex);
        int256 contribution = FixedMath.floorDivSigned(exact, CONTRIBUTION_UNIT);
        int256 change = contribution - costs.contribution;
        if (change == 0) return;
        costs.contribution = contribution.toInt64();
        s.pool.contributionSum = (s.pool.contributionSum + change * int256(CONTRIBUTION_UNIT)).toInt96();
        emit IMarginEngine.PoolContribution(id, contribution);
    }

    /// @notice Carries a change of a market's sum of costs into its stored contribution, without a price: what was realised is cash
    /// now, and must not be counted as the pool's a second time.
    function shiftContribution(Ledger.State storage s, uint256 id, Ledger.MarketCosts memory costs, int256 change)
        internal
    {
        int256 units = FixedMath.floorDivSigned(change, CONTRIBUTION_UNIT);
        if (units == 0) return;
        costs.contribution = (costs.contribution + units).toInt64();
        s.pool.contributionSum = (s.pool.contributionSum + units * int256(CONTRIBUTION_UNIT)).toInt96();
        emit IMarginEngine.PoolContribution(id, costs.contribution);
    }
}

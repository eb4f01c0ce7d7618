// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {EpochLedger} from "../EpochLedger.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {MarketBook} from "../MarketBook.sol";
import {PositionBook} from "../PositionBook.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {PriceWord} from "../libraries/PriceWord.sol";

/// @title What the pool has in all markets, and how a market that asks too much of it is shrunk
/// @dev Linked library over the engine's storage.
library PoolLogic {
    /// @dev One call leaves at least this part of a side: nothing rounds to zero in its epochs.
    uint256 private constant MOST_SHRUNK = 2 ** 16;

    /// @param margin What the pool's positions ask for: |skew|·price at the first tier's MM rate, summed. WAD.
    struct Survey {
        int256 equity;
        uint256 discount;
        uint256 margin;
    }

    /// @notice Brings the stored contributions of `ids` to the last price.
    function refresh(Ledger.State storage s, Ledger.Env memory env, uint256[] memory ids) external {
        for (uint256 i; i < ids.length; ++i) {
            MarketBook.save(s, MarketBook.open(s, env, ids[i]));
        }
    }

    /// @notice Pool equity from every listed market at its last price, and its close-out value: less the premium that the
    /// traders would be paid back if all of them closed at index.
    function poolEquity(Ledger.State storage s, Ledger.Env memory env)
        external
        view
        returns (int256 equity, int256 closeOutValue)
    {
        Survey memory pool = _survey(s, env);
        return (pool.equity, pool.equity - int256(pool.discount));
    }

    function _survey(Ledger.State storage s, Ledger.Env memory env) private view returns (Survey memory pool) {
        pool.equity = int256(Ledger.available(s, Ledger.poolAccount(s), Ledger.QUOTE) * env.unit);
        uint256 bitmap = s.listedMarkets;
        while (bitmap != 0) {
            Ledger.Market storage market = s.markets[LibBit.ffs(bitmap)];
            bitmap &= bitmap - 1;
            Ledger.MarketState memory state = market.state;
            Ledger.MarketRisk memory risk = market.risk;
            uint256 price = PriceWord.value(MarketBook.wordOf(market, env, risk));
            pool.equity += MarketBook.poolPnl(state, market.costs, price, MarginCheck.indexNow(market, price));
            uint256 skew = FixedMath.abs(PositionBook.skewOf(state));
            pool.discount += FixedMath.mulDivUp(skew * price, skew, 2 * uint256(market.trade.skewScale));
            pool.margin += FixedMath.ceilDiv(skew * price * risk.mmRate1, FixedMath.BPS);
        }
    }

    // ---------------------------------------------------------------- deleverage

    /// @notice Shrinks a market's heavy side pro rata at index: as far as the light side when the traders' net profit exceeds the market's
    /// allocation, and as far as needed when the pool is below its own MM. Nobody's equity changes, but for two wei.
    function deleverage(Ledger.State storage s, Ledger.Env memory env, uint256 id) external {
        MarketBook.Book memory b = MarketBook.open(s, env, id);
        if (!MarginCheck.isGood(b.word, b.risk.maxAge)) {
            revert IMarginEngine.PriceUnusable(b.risk.feed, PriceWord.age(b.word), PriceWord.status(b.word));
        }
        Survey memory pool = _survey(s, env);
        int256 profit = -MarketBook.poolPnl(b.state, b.costs, b.price, b.state.fundingIndex);
        uint256 allocation = FixedMath.positive(pool.equity) * s.markets[id].trade.allocation / FixedMath.BPS;
        int256 skew = PositionBook.skewOf(b.state);
        uint256 cut = _cut(b, pool, FixedMath.abs(skew), profit > int256(allocation));
        if (cut == 0) revert IMarginEngine.NothingToDeleverage(id, profit, allocation);

        uint256 heavy = skew > 0 ? b.state.longSize : b.state.shortSize;
        uint256 least = FixedMath.ceilDiv(heavy, MOST_SHRUNK);
        uint256 to = heavy - cut > least ? heavy - cut : least;
        EpochLedger.shrink(s, id, b.state, b.costs, skew > 0, b.price, to);
        MarketBook.save(s, b);
        emit IMarginEngine.Deleveraged(id, skew > 0, heavy, to, profit, allocation);
    }

    function _cut(MarketBook.Book memory b, Survey memory pool, uint256 skew, bool over)
        private
        pure
        returns (uint256)
    {
        if (over) return skew;
        if (pool.equity >= int256(pool.margin)) return 0;
        // Margin and equity are both of all markets; this one gives what it can.
        uint256 missing = uint256(int256(pool.margin) - pool.equity);
        uint256 cut = FixedMath.mulDivUp(missing, FixedMath.BPS, b.price * b.risk.mmRate1);
        return cut < skew ? cut : skew;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../../interfaces/IOracleRouter.sol";
import {MarketBook} from "../MarketBook.sol";
import {AccountId} from "./AccountId.sol";
import {FixedMath} from "./FixedMath.sol";
import {LedgerSlots} from "./LedgerSlots.sol";
import {PriceWord} from "./PriceWord.sol";

/// @title What the pool reads about all markets before it lets anyone in or out
/// @dev Raw words of the engine and the router, one call each. Fields: docs/storage.md.
library PoolSurvey {
    uint256 private constant WORDS = 4;

    /// @param needed Whether anyone has a position in the market. @param mmRate The first tier's, bps.
    struct Price {
        uint256 value;
        uint256 publishedAt;
        uint256 mmRate;
        bool good;
        bool needed;
    }

    /// @param markets All listed markets, ascending. @param required The equity (WAD) that the pool's positions demand.
    struct Result {
        uint256[] markets;
        Price[] prices;
        uint256 required;
    }

    /// @param unit WAD per unit of the quote token.
    function take(IMarginEngine engine, IOracleRouter router, uint256 unit)
        internal
        view
        returns (Result memory result)
    {
        result.markets = _listed(engine);
        uint256 count = result.markets.length;
        bytes32[] memory keys = new bytes32[](WORDS * count);
        for (uint256 i; i < count; ++i) {
            keys[WORDS * i] = LedgerSlots.marketWord(result.markets[i], LedgerSlots.STATE);
            keys[WORDS * i + 1] = LedgerSlots.marketWord(result.markets[i], LedgerSlots.RISK);
            keys[WORDS * i + 2] = LedgerSlots.marketWord(result.markets[i], LedgerSlots.TRADE);
            keys[WORDS * i + 3] = LedgerSlots.marketWord(result.markets[i], LedgerSlots.CLOSING);
        }
        bytes32[] memory words = engine.slots(keys);
        uint256[] memory feeds = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            feeds[i] = uint8(uint256(words[WORDS * i + 1]) >> LedgerSlots.FEED_BIT);
        }
        uint256[] memory priceWords = router.read(feeds);
        result.prices = new Price[](count);
        uint256 gap;
        for (uint256 i; i < count; ++i) {
            uint256 state = uint256(words[WORDS * i]);
            uint256 finalPrice = uint72(uint256(words[WORDS * i + 3]));
            if (finalPrice != 0) priceWords[i] = MarketBook.goodWord(finalPrice);
            result.prices[i] = _price(state, uint256(words[WORDS * i + 1]), priceWords[i]);
            (uint256 allocated, uint256 atGap) = _demand(state, uint256(words[WORDS * i + 2]), result.prices[i].value);
            if (allocated > result.required) result.required = allocated;
            gap += atGap;
        }
        if (gap == 0) return result;
        uint256 insurance = FixedMath.positive(engine.held(engine.insuranceAccount(), AccountId.QUOTE)) * unit;
        if (gap > insurance && gap - insurance > result.required) result.required = gap - insurance;
    }

    function _listed(IMarginEngine engine) private view returns (uint256[] memory markets) {
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = bytes32(LedgerSlots.LISTED_MARKETS);
        uint256 bitmap = uint256(engine.slots(keys)[0]);
        markets = new uint256[](64);
        uint256 count;
        for (uint256 market; market < 64; ++market) {
            if (bitmap >> market & 1 == 1) markets[count++] = market;
        }
        assembly ("memory-safe") {
            mstore(markets, count)
        }
    }

    function _price(uint256 state, uint256 risk, uint256 word) private view returns (Price memory price) {
        price.value = PriceWord.value(word);
        price.publishedAt = PriceWord.publishedAt(word);
        price.mmRate = uint16(risk);
        price.good = price.value != 0 && PriceWord.status(word) == 0 && !PriceWord.isDisputed(word)
            && PriceWord.age(word) <= uint16(risk >> LedgerSlots.MAX_AGE_BIT);
        price.needed = uint112(state) != 0; // long and short size
    }

    /// @dev What a fill is held to, asked of an exit: |skew|·p·move / allocation, and OI·p·gap. All gaps may come at once, so these add up.
    function _demand(uint256 state, uint256 trade, uint256 price)
        private
        pure
        returns (uint256 allocated, uint256 atGap)
    {
        uint256 long = uint56(state);
        uint256 short = uint56(state >> LedgerSlots.SHORT_SIZE_BIT);
        uint256 skew = long > short ? long - short : short - long;
        uint256 allocation = uint16(trade >> LedgerSlots.ALLOCATION_BIT);
        if (skew != 0) {
            allocated = allocation == 0
                ? type(uint128).max
                : FixedMath.ceilDiv(skew * price * uint16(trade >> LedgerSlots.MOVE_BIT), allocation);
        }
        atGap = FixedMath.ceilDiv((long + short) * price * uint16(trade >> LedgerSlots.GAP_BIT), FixedMath.BPS);
    }
}

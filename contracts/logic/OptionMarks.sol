// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IOptionModel} from "../../interfaces/IOptionModel.sol";
import {IVolatilityFeed} from "../../interfaces/IVolatilityFeed.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {MarketBook} from "../MarketBook.sol";
import {PerpTrading} from "../PerpTrading.sol";
import {ConfigWords} from "../libraries/ConfigWords.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {OptionSeries} from "../libraries/OptionSeries.sol";
import {PriceWord} from "../libraries/PriceWord.sol";
import {SettlementMath} from "../libraries/SettlementMath.sol";
import {VolatilityMath} from "../libraries/VolatilityMath.sol";
import {OptionValues} from "../margin/OptionValues.sol";

/// @title What an option is worth at a fill, and how far from it a fill may lie
/// @dev Part of OptionLogic. The mark is the margin model's own: what it says one unit alone is worth, so that a fill and the check after it
/// never disagree.
library OptionMarks {
    uint256 private constant _ONE = 1e8;
    /// @dev Of Context.allowed.
    uint256 private constant _REDUCING = 1;
    uint256 private constant _OPENING = 2;

    /// @dev What legs of one market, and of one expiry of it, share: legs come in that order, so each is read once. question: where the question to
    /// the model begins, all of it but the option. allowed: what was found to be good enough for.
    struct Context {
        uint256 market;
        uint256 word;
        uint256 spot;
        uint256 band;
        uint256 makerFee;
        uint256 takerFee;
        uint256 feed;
        uint256 flags;
        uint256 maxAge;
        address model;
        uint256 group;
        uint256 allowed;
        uint256[] expiry;
        uint256 question;
    }

    /// @notice Turns to the market and the expiry of an option, which must be ahead.
    function open(Ledger.State storage s, Ledger.Env memory env, Context memory ctx, uint256 instrument) internal view {
        uint256 group = OptionSeries.groupOf(instrument);
        if (group == ctx.group) return;
        uint256 time = OptionSeries.expiryOf(instrument) * OptionSeries.MINUTE;
        if (time <= block.timestamp) revert IMarginEngine.SeriesExpired(instrument, time);
        uint256 market = OptionSeries.marketOf(instrument);
        if (market != ctx.market) _openMarket(s, env, ctx, market);
        _openExpiry(s, ctx, instrument);
        ctx.allowed = 0;
    }

    /// @notice The mark of an option of the expiry that is open, 1e-10. Where one side's position grows, price and surface have to be fresh and
    /// the market open; else the price must be recent, and the last surface does.
    function markOf(Ledger.State storage s, Context memory ctx, uint256 instrument, bytes32 opener, bool opening)
        internal
        view
        returns (uint256)
    {
        uint256 use = opening ? _OPENING : _REDUCING;
        if (ctx.allowed & use == 0) {
            _requirePrice(s, ctx, opener, opening);
            ctx.allowed |= use;
        }
        return FixedMath.positive(_worth(ctx.model, ctx.question, instrument << 64 | _ONE)) / _ONE;
    }

    /// @notice Half the market's MM rate on the index, 1e-10: how far from its mark a price may lie.
    function bandOf(Ledger.Market storage market, uint256 index) internal view returns (uint256) {
        uint256 rate = market.risk.mmRate1;
        // While the rate rises, positions are still held at less.
        if (market.risk.flags & ConfigWords.RAMPING != 0) rate = FixedMath.min(rate, market.ramp.mmRate1);
        return index * rate / (2 * FixedMath.BPS);
    }

    function requireBand(uint256 instrument, uint256 price, uint256 mark, uint256 band) internal pure {
        unchecked {
            // price < 2^80, band < 2^88, and the mark is a 1e8th of an int256.
            if (price > mark + band || price + band < mark) {
                revert IMarginEngine.FillPriceOutOfBand(instrument, price, mark, band);
            }
        }
    }

    function _openMarket(Ledger.State storage s, Ledger.Env memory env, Context memory ctx, uint256 market)
        private
        view
    {
        Ledger.MarketRisk memory risk = MarketBook.listed(s.markets[market], market);
        ctx.market = market;
        ctx.word = MarketBook.wordOf(s.markets[market], env, risk);
        ctx.spot = PriceWord.value(ctx.word);
        (ctx.feed, ctx.flags, ctx.maxAge) = (risk.feed, risk.flags, risk.maxAge);
        (ctx.makerFee, ctx.takerFee) = (s.markets[market].trade.makerFee, s.markets[market].trade.takerFee);
        (ctx.band, ctx.model) = (bandOf(s.markets[market], ctx.spot), s.globals.model);
    }

    /// @dev The five words of IOptionModel, for one option.
    function _openExpiry(Ledger.State storage s, Context memory ctx, uint256 instrument) private view {
        uint256 expiry = OptionSeries.expiryOf(instrument);
        ctx.group = OptionSeries.groupOf(instrument);
        uint256 time = expiry * OptionSeries.MINUTE;
        uint256 left = time - block.timestamp;
        (ctx.question, ctx.expiry) = _question();
        ctx.expiry[0] =
            ctx.market | ctx.feed << 8 | 1 << 16 | left << 32 | VolatilityMath.ONE << 72 | VolatilityMath.ONE << 96;
        ctx.expiry[1] = ctx.spot;
        if (s.surfaces == address(0)) revert IMarginEngine.OptionsClosed();
        uint256[] memory keys = new uint256[](1);
        keys[0] = OptionSeries.keyOf(ctx.market, expiry);
        if (left < SettlementMath.WINDOW) {
            uint256 known;
            (known, ctx.expiry[1]) = OptionValues.expected(OptionValues.recordOf(s, keys[0]), time, ctx.spot, false);
            ctx.expiry[0] |= known;
        }
        uint256[] memory words = IVolatilityFeed(s.surfaces).read(keys);
        (ctx.expiry[2], ctx.expiry[3]) = (words[0], words[1]);
        ctx.expiry[4] = OptionValues.fade(ctx.expiry[0], words[2]);
    }

    /// @dev A call of IOptionModel.assessOptions for one option of one expiry; the four lists without elements are the same word.
    function _question() private pure returns (uint256 question, uint256[] memory expiry) {
        bytes4 selector = IOptionModel.assessOptions.selector;
        assembly ("memory-safe") {
            question := mload(64)
            mstore(64, add(question, 512))
            mstore(question, shr(224, selector))
            let head := add(question, 32)
            mstore(head, 192)
            mstore(add(head, 32), 192)
            mstore(add(head, 64), 192)
            mstore(add(head, 96), 224)
            mstore(add(head, 128), 416)
            mstore(add(head, 160), 192)
            mstore(add(head, 192), 0)
            expiry := add(head, 224)
            mstore(expiry, 5)
            mstore(add(head, 416), 1)
        }
    }

    /// @dev The equity of the option alone: the first word of the answer.
    function _worth(address model, uint256 question, uint256 option) private view returns (int256 worth) {
        assembly ("memory-safe") {
            mstore(add(question, 480), option)
            if iszero(staticcall(gas(), model, add(question, 28), 484, 0, 32)) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
            if lt(returndatasize(), 160) { revert(0, 0) }
            worth := mload(0)
        }
    }

    function _requirePrice(Ledger.State storage s, Context memory ctx, bytes32 opener, bool opening) private view {
        bool usable =
            opening ? MarginCheck.isGood(ctx.word, ctx.maxAge) : PriceWord.age(ctx.word) <= PerpTrading.REDUCING_AGE;
        if (!usable) {
            revert IMarginEngine.PriceUnusable(ctx.feed, PriceWord.age(ctx.word), PriceWord.status(ctx.word));
        }
        if (!opening) return;
        if (ctx.flags & (ConfigWords.REDUCE_ONLY | ConfigWords.CLOSING) != 0) {
            revert IMarginEngine.MarketNotAllowed(opener, ctx.market);
        }
        if (block.timestamp < s.globals.pausedUntil) revert IMarginEngine.NewRiskPaused(s.globals.pausedUntil);
        uint256 key = OptionSeries.keyOf(ctx.market, ctx.group & 0x7ffffff);
        OptionValues.requireFresh(key, ctx.expiry[3], ctx.expiry[4]);
    }
}

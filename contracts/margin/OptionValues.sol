// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IVolatilityFeed} from "../../interfaces/IVolatilityFeed.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {MarketBook} from "../MarketBook.sol";
import {ConfigWords} from "../libraries/ConfigWords.sol";
import {OptionSeries} from "../libraries/OptionSeries.sol";
import {PriceWord} from "../libraries/PriceWord.sol";
import {VolatilityMath} from "../libraries/VolatilityMath.sol";
import {Words} from "../libraries/Words.sol";

/// @title The expiries of an account's options as its model takes them
/// @notice Per expiry five words (IOptionModel). A market's price is read once, all surfaces in one call.
/// @dev Part of OptionCheck; Python twin: plimsoll/margin/option_values.py. Where only last prices count, what failed counts as it is:
/// OptionCheck asks the model again at moved ones.
library OptionValues {
    /// @dev Words per expiry.
    uint256 internal constant EXPIRY_WORDS = 5;
    uint256 internal constant SETTLED = 1;

    uint256 private constant _SURFACE_TIME_BIT = 200;
    uint256 private constant _SURFACE_STATUS_BIT = 200;
    uint256 private constant _SECONDS_BIT = 32;
    uint256 private constant _FLAGS_BIT = 64;

    /// @dev A market whose options an account has: expiries `first` to `end`. failed: its price is not good.
    struct Underlying {
        uint256 market;
        uint256 risk;
        uint256 word;
        uint256 first;
        uint256 end;
        bool failed;
    }

    // ---------------------------------------------------------------- grouping

    /// @notice Counts expiries and markets of `options`, and tells whether one of them is short.
    function survey(uint256[] memory options) internal pure returns (uint256 expiries, uint256 markets, bool short) {
        (uint256 group, uint256 market) = (0, type(uint256).max);
        unchecked {
            uint256 at = Words.first(options);
            for (uint256 end = at + 32 * options.length; at < end; at += 32) {
                uint256 word = Words.get(at);
                if (word >> 63 & 1 != 0) short = true;
                uint256 found = OptionSeries.groupOf(word >> 64);
                if (found == group) continue;
                group = found;
                ++expiries;
                if (OptionSeries.marketOf(word >> 64) == market) continue;
                market = OptionSeries.marketOf(word >> 64);
                ++markets;
            }
        }
    }

    /// @notice Leaves market, number of options and time of each expiry in its first word, and the feed of each market at `feeds`.
    function load(Ledger.State storage s, uint256[] memory options, uint256[] memory expiries, uint256 markets, uint256 feeds)
        internal
        view
        returns (Underlying[] memory underlyings)
    {
        underlyings = new Underlying[](markets);
        Underlying memory u;
        (uint256 group, uint256 e, uint256 m) = (0, 0, 0);
        for (uint256 i; i < options.length; ++i) {
            uint256 instrument = options[i] >> 64;
            if (OptionSeries.groupOf(instrument) != group) {
                group = OptionSeries.groupOf(instrument);
                uint256 market = OptionSeries.marketOf(instrument);
                if (m == 0 || u.market != market) {
                    u = underlyings[m];
                    (u.market, u.risk, u.first) = (market, _riskWord(s.markets[market]), e);
                    Words.put(feeds + 32 * m++, u.risk >> 144 & 0xff);
                }
                expiries[EXPIRY_WORDS * e] = market | (u.risk >> 144 & 0xff) << 8;
                u.end = ++e;
            }
            expiries[EXPIRY_WORDS * (e - 1)] += 1 << 16;
            // The time goes where the spot will be, until `value` knows it.
            expiries[EXPIRY_WORDS * (e - 1) + 1] = OptionSeries.expiryOf(instrument);
        }
    }

    // ---------------------------------------------------------------- prices and surfaces

    /// @notice Completes what `load` left. @param prices Where the price word of each market is.
    function value(
        Ledger.State storage s,
        Underlying[] memory underlyings,
        uint256[] memory expiries,
        uint256 prices,
        MarginCheck.PriceUse use
    ) internal view {
        uint256[] memory places = new uint256[](expiries.length / EXPIRY_WORDS);
        uint256 open;
        for (uint256 i; i < underlyings.length; ++i) {
            Underlying memory u = underlyings[i];
            u.word = _priceWord(s, u, Words.get(prices + 32 * i));
            u.failed = !MarginCheck.isGood(u.word, u.risk >> 152 & 0xffff);
            if (u.failed && use == MarginCheck.PriceUse.OPEN && _anyUnsettled(s, u, expiries)) {
                revert IMarginEngine.PriceUnusable(
                    u.risk >> 144 & 0xff, PriceWord.age(u.word), PriceWord.status(u.word)
                );
            }
            (uint256 im, uint256 mm) = VolatilityMath.multipliers(u.word, block.timestamp);
            for (uint256 e = u.first; e < u.end; ++e) {
                if (_expiry(s, u, expiries, EXPIRY_WORDS * e, im, mm)) places[open++] = e;
            }
        }
        if (open != 0) _surfaces(s, expiries, places, open, use);
    }

    /// @dev @return Whether it has not expired.
    function _expiry(
        Ledger.State storage s,
        Underlying memory u,
        uint256[] memory expiries,
        uint256 at,
        uint256 im,
        uint256 mm
    ) private view returns (bool) {
        uint256 minutes_ = expiries[at + 1];
        uint256 time = minutes_ * OptionSeries.MINUTE;
        uint256 word = expiries[at] | im << 72 | mm << 96;
        expiries[at + 1] = u.word & (1 << 96) - 1;
        if (time > block.timestamp) {
            expiries[at] = word | (time - block.timestamp) << _SECONDS_BIT;
            expiries[at + 2] = OptionSeries.keyOf(u.market, minutes_);
            return true;
        }
        uint256 settled = s.settlements[OptionSeries.keyOf(u.market, minutes_)].price;
        if (settled != 0) {
            expiries[at + 1] = settled;
            word |= SETTLED << _FLAGS_BIT;
        }
        expiries[at] = word;
        return false;
    }

    /// @param open The first of `places` are expiries that have not come yet, with their keys where their surfaces go.
    function _surfaces(
        Ledger.State storage s,
        uint256[] memory expiries,
        uint256[] memory places,
        uint256 open,
        MarginCheck.PriceUse use
    ) private view {
        uint256[] memory words = _read(s, expiries, places, open);
        for (uint256 i; i < open; ++i) {
            uint256 at = EXPIRY_WORDS * places[i];
            uint256 key = expiries[at + 2];
            if (use == MarginCheck.PriceUse.OPEN) {
                requireFresh(key >> 32, uint32(key), words[3 * i + 1], words[3 * i + 2]);
            }
            for (uint256 j; j < 3; ++j) {
                expiries[at + 2 + j] = words[3 * i + j];
            }
        }
    }

    function _read(Ledger.State storage s, uint256[] memory expiries, uint256[] memory places, uint256 open)
        private
        view
        returns (uint256[] memory)
    {
        address feed = s.surfaces;
        if (feed == address(0)) return new uint256[](3 * open);
        uint256[] memory keys = new uint256[](open);
        for (uint256 i; i < open; ++i) {
            keys[i] = expiries[EXPIRY_WORDS * places[i] + 2];
        }
        return IVolatilityFeed(feed).read(keys);
    }

    /// @notice Refuses new risk on a surface that is stale, disputed, or not there: its second and third word.
    function requireFresh(uint256 market, uint256 expiry, uint256 second, uint256 third) internal view {
        uint256 published = second >> _SURFACE_TIME_BIT & type(uint32).max;
        uint256 status = third >> _SURFACE_STATUS_BIT & 0xff;
        if (published != 0 && status == 0) return;
        uint256 age = block.timestamp > published ? block.timestamp - published : 0;
        revert IMarginEngine.SurfaceUnusable(market, expiry, age, status);
    }

    // ---------------------------------------------------------------- moved prices

    /// @notice Puts `price` in place of the spot of every expiry of a market that is not settled.
    function move(Underlying memory u, uint256[] memory expiries, uint256 price) internal pure {
        if (price > PriceWord.MAX_VALUE) price = PriceWord.MAX_VALUE;
        for (uint256 e = u.first; e < u.end; ++e) {
            uint256 at = EXPIRY_WORDS * e;
            if (expiries[at] >> _FLAGS_BIT & SETTLED != 0) continue;
            expiries[at + 1] = expiries[at + 1] & ~PriceWord.MAX_VALUE | price;
        }
    }

    function _anyUnsettled(Ledger.State storage s, Underlying memory u, uint256[] memory expiries)
        private
        view
        returns (bool)
    {
        for (uint256 e = u.first; e < u.end; ++e) {
            if (s.settlements[OptionSeries.keyOf(u.market, expiries[EXPIRY_WORDS * e + 1])].price == 0) return true;
        }
        return false;
    }

    /// @dev A market that has a final price has it for its options too.
    function _priceWord(Ledger.State storage s, Underlying memory u, uint256 word) private view returns (uint256) {
        if (u.risk >> 232 & ConfigWords.CLOSING == 0) return word;
        uint256 price = s.markets[u.market].closing.finalPrice;
        return price == 0 ? word : MarketBook.goodWord(price);
    }

    function _riskWord(Ledger.Market storage market) private view returns (uint256 word) {
        Ledger.MarketRisk storage risk = market.risk;
        assembly ("memory-safe") {
            word := sload(risk.slot)
        }
    }
}

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
import {SettlementMath} from "../libraries/SettlementMath.sol";
import {VolatilityMath} from "../libraries/VolatilityMath.sol";
import {Words} from "../libraries/Words.sol";

/// @title The expiries of an account's options as its model takes them
/// @notice Per expiry five words (IOptionModel). A market's price is read once, all surfaces in one call.
/// @dev Part of OptionCheck; Python twin: plimsoll/margin/option_values.py. Where only last prices count, what failed counts as it is:
/// OptionCheck asks the model again at moved ones. A market of the account's options is four words here: the places of its first
/// expiry and of the one after its last, its risk word, its price word. The loops walk their words by place, as PerpValues does.
library OptionValues {
    uint256 internal constant EXPIRY_WORDS = 5;
    uint256 internal constant UNDERLYING_WORDS = 4;
    uint256 internal constant SETTLED = 1;
    uint256 internal constant FADING = 2;

    uint256 private constant _EXPIRY = 32 * EXPIRY_WORDS;
    uint256 private constant _UNDERLYING = 32 * UNDERLYING_WORDS;
    /// @dev From these bits on, options of one expiry, or of one market, are alike: OptionSeries's, above the quantity.
    uint256 private constant _GROUP_BIT = 93;
    uint256 private constant _MARKET_BIT = 120;
    /// @dev No option: none has this market.
    uint256 private constant _NONE = type(uint256).max;
    uint256 private constant _SECONDS_BIT = 32;
    uint256 private constant _FLAGS_BIT = 64;
    /// @dev What is open of a settlement price that is partly known: zero in all other expiries.
    uint256 private constant _REST_BIT = 120;
    uint256 private constant _TOTAL_BIT = 136;
    uint256 private constant _WEIGHTED_BIT = 160;
    /// @dev Of the second and of the third word of a surface.
    uint256 private constant _SURFACE_TIME_BIT = 200;
    uint256 private constant _SURFACE_STATUS_BIT = 200;

    // ---------------------------------------------------------------- grouping

    /// @notice Counts expiries and markets of `options`, and tells whether one of them is short.
    function survey(uint256[] memory options) internal pure returns (uint256 expiries, uint256 markets, bool short) {
        uint256 signs;
        uint256 last = _NONE;
        assembly ("memory-safe") {
            let at := add(options, 32)
            for { let end := add(at, shl(5, mload(options))) } lt(at, end) { at := add(at, 32) } {
                let word := mload(at)
                signs := or(signs, word)
                let difference := xor(word, last)
                if shr(_GROUP_BIT, difference) {
                    last := word
                    expiries := add(expiries, 1)
                    markets := add(markets, iszero(iszero(shr(_MARKET_BIT, difference))))
                }
            }
        }
        short = signs & 1 << 63 != 0;
    }

    /// @notice Leaves market, feed and number of options of each expiry in its first word and its time in the second, the places and the
    /// risk word of each market at `underlyings`, and its feed at `feeds`.
    function load(
        Ledger.State storage s,
        uint256[] memory options,
        uint256[] memory expiries,
        uint256[] memory underlyings,
        uint256 feeds
    ) internal view {
        unchecked {
            uint256 e = Words.first(expiries);
            uint256 u = Words.first(underlyings) - _UNDERLYING;
            (uint256 last, uint256 feed) = (_NONE, 0);
            uint256 at = Words.first(options);
            uint256 end = at + 32 * options.length;
            while (at != end) {
                uint256 word = Words.get(at);
                if ((word ^ last) >> _MARKET_BIT != 0) {
                    u += _UNDERLYING;
                    feed = _market(s, u, e, word >> _MARKET_BIT);
                    Words.put(feeds, feed);
                    feeds += 32;
                }
                last = word;
                uint256 from = at;
                at = _behind(at, end);
                // 32 bytes each, from bit 16 on.
                Words.put(e, word >> _MARKET_BIT | feed << 8 | (at - from) / 32 << 16);
                Words.put(e + 32, OptionSeries.expiryOf(word >> 64));
                e += _EXPIRY;
                Words.put(u + 32, e);
            }
        }
    }

    /// @dev Opens the market whose expiries begin at `e`.
    function _market(Ledger.State storage s, uint256 u, uint256 e, uint256 market) private view returns (uint256 feed) {
        uint256 risk = _riskWord(s.markets[market]);
        Words.put(u, e);
        Words.put(u + 64, risk);
        return risk >> 144 & 0xff;
    }

    /// @dev Where the options of the expiry of the one at `at` end.
    function _behind(uint256 at, uint256 end) private pure returns (uint256 behind) {
        assembly ("memory-safe") {
            let group := shr(_GROUP_BIT, mload(at))
            behind := add(at, 32)
            for {} lt(behind, end) { behind := add(behind, 32) } {
                if sub(shr(_GROUP_BIT, mload(behind)), group) { break }
            }
        }
    }

    // ---------------------------------------------------------------- prices and surfaces

    /// @notice Completes what `load` left. @param prices Where the price word of each market is.
    /// @return ending Whether the settlement price of some expiry is partly known.
    function value(
        Ledger.State storage s,
        uint256[] memory underlyings,
        uint256[] memory expiries,
        uint256 prices,
        MarginCheck.PriceUse use
    ) internal view returns (bool ending) {
        bool open = use == MarginCheck.PriceUse.OPEN;
        uint256 keys = Words.buffer(3 * expiries.length / EXPIRY_WORDS);
        (uint256 count, uint256 all) = (0, 0);
        unchecked {
            uint256 u = Words.first(underlyings);
            for (uint256 end = u + 32 * underlyings.length; u < end; u += _UNDERLYING) {
                uint256 word = _priceWord(s, Words.get(u), Words.get(u + 64), Words.get(prices));
                Words.put(u + 96, word);
                prices += 32;
                (uint256 im, uint256 mm) = VolatilityMath.multipliers(word, block.timestamp);
                bool settled = true;
                for (uint256 e = Words.get(u); e < Words.get(u + 32); e += _EXPIRY) {
                    (uint256 key, uint256 first) = _expiry(s, u, e, im << 72 | mm << 96);
                    if (key != 0) Words.put(keys + 32 * count++, key);
                    settled = settled && first >> _FLAGS_BIT & SETTLED != 0;
                    all |= first;
                }
                if (open && !settled && isFailed(u)) _refuse(Words.get(u + 64), word);
            }
        }
        if (count != 0) _surfaces(s.surfaces, expiries, keys, count, open);
        ending = all >> _TOTAL_BIT & 0xffff != 0;
        if (ending) _fadeBasis(expiries);
    }

    function _refuse(uint256 risk, uint256 word) private view {
        revert IMarginEngine.PriceUnusable(risk >> 144 & 0xff, PriceWord.age(word), PriceWord.status(word));
    }

    /// @return key Of its surface; zero when it has expired. @return first The expiry's first word.
    function _expiry(Ledger.State storage s, uint256 u, uint256 e, uint256 multipliers)
        private
        view
        returns (uint256 key, uint256 first)
    {
        unchecked {
            first = Words.get(e) | multipliers;
            uint256 expiry = Words.get(e + 32);
            uint256 time = expiry * OptionSeries.MINUTE;
            key = OptionSeries.keyOf(first & 0xff, expiry);
            uint256 second = Words.get(u + 96) & (1 << 96) - 1;
            if (time < block.timestamp + SettlementMath.WINDOW) {
                uint256 record = recordOf(s, key);
                (uint256 known, uint256 price) = (SETTLED << _FLAGS_BIT, uint72(record));
                if (price == 0) {
                    (known, price) = expected(record, time, PriceWord.value(second), isFailed(u));
                    price |= second & ~PriceWord.MAX_VALUE;
                }
                (first, second) = (first | known, price);
                if (time <= block.timestamp) (key, time) = (0, block.timestamp);
            }
            first |= (time - block.timestamp) << _SECONDS_BIT;
            Words.put(e, first);
            Words.put(e + 32, second);
        }
    }

    /// @notice What an expiry is written on while its settlement price is partly known, from half an hour before it until it is final.
    /// @param record Of the expiry. @param failed The market's price is not good. @return known For the expiry's first word. @return price What
    /// settlement will pay if the price stays at `spot`.
    function expected(uint256 record, uint256 time, uint256 spot, bool failed)
        internal
        view
        returns (uint256 known, uint256 price)
    {
        (uint256 rest, uint256 total) = SettlementMath.open(record, time, block.timestamp, failed);
        uint256 weighted = SettlementMath.weightedOf(record);
        known = rest << _REST_BIT | total << _TOTAL_BIT | weighted << _WEIGHTED_BIT;
        price = SettlementMath.mean(weighted, rest, total, spot);
    }

    /// @notice The word of Ledger.Settlement.
    function recordOf(Ledger.State storage s, uint256 key) internal view returns (uint256 word) {
        Ledger.Settlement storage settlement = s.settlements[key];
        assembly ("memory-safe") {
            word := sload(settlement.slot)
        }
    }

    /// @notice The third word of a surface as the expiry of the word `first` has it: the basis is of what is still open.
    function fade(uint256 first, uint256 third) internal pure returns (uint256) {
        uint256 total = first >> _TOTAL_BIT & 0xffff;
        if (total == 0) return third;
        uint256 carry = SettlementMath.carry(third & type(uint64).max, first >> _REST_BIT & 0xffff, total);
        return third >> 64 << 64 | carry;
    }

    function _fadeBasis(uint256[] memory expiries) private pure {
        unchecked {
            uint256 e = Words.first(expiries);
            for (uint256 end = e + 32 * expiries.length; e < end; e += _EXPIRY) {
                Words.put(e + 128, fade(Words.get(e), Words.get(e + 128)));
            }
        }
    }

    /// @param keys Of the `count` expiries that have not come yet, in their order; their surfaces take the same place.
    function _surfaces(address feed, uint256[] memory expiries, uint256 keys, uint256 count, bool open) private view {
        if (feed == address(0)) {
            if (open) revert IMarginEngine.OptionsClosed();
            return;
        }
        uint256[] memory names = new uint256[](open ? count : 0);
        unchecked {
            for (uint256 i; i < names.length; ++i) {
                names[i] = Words.get(keys + 32 * i);
            }
            Words.expand(feed, IVolatilityFeed.read.selector, keys, count, 3);
            uint256 e = Words.first(expiries);
            uint256 name;
            for (uint256 end = e + 32 * expiries.length; e < end; e += _EXPIRY) {
                if (uint32(Words.get(e) >> _SECONDS_BIT) == 0) continue;
                (uint256 second, uint256 third) = (Words.get(keys + 32), Words.get(keys + 64));
                if (open) requireFresh(names[name++], second, third);
                Words.put(e + 64, Words.get(keys));
                Words.put(e + 96, second);
                Words.put(e + 128, third);
                keys += 96;
            }
        }
    }

    /// @notice Refuses new risk on a surface that is stale, disputed, or not there: by its key, its second and its third word.
    function requireFresh(uint256 key, uint256 second, uint256 third) internal view {
        uint256 published = second >> _SURFACE_TIME_BIT & type(uint32).max;
        uint256 status = third >> _SURFACE_STATUS_BIT & 0xff;
        if (published != 0 && status == 0) return;
        uint256 age = block.timestamp > published ? block.timestamp - published : 0;
        revert IMarginEngine.SurfaceUnusable(key >> 32, uint32(key), age, status);
    }

    // ---------------------------------------------------------------- moved prices

    /// @notice Whether the price of the market at `u` is not good.
    function isFailed(uint256 u) internal view returns (bool) {
        return !MarginCheck.isGood(Words.get(u + 96), Words.get(u + 64) >> 152 & 0xffff);
    }

    /// @notice Puts `price` in place of the spot, in every expiry of the market at `u` that is not settled.
    function move(uint256 u, uint256 price) internal pure {
        if (price > PriceWord.MAX_VALUE) price = PriceWord.MAX_VALUE;
        unchecked {
            for (uint256 e = Words.get(u); e < Words.get(u + 32); e += _EXPIRY) {
                uint256 first = Words.get(e);
                if (first >> _FLAGS_BIT & SETTLED != 0) continue;
                uint256 moved = price;
                uint256 total = first >> _TOTAL_BIT & 0xffff;
                if (total != 0) {
                    moved = SettlementMath.mean(first >> _WEIGHTED_BIT, first >> _REST_BIT & 0xffff, total, price);
                }
                Words.put(e + 32, Words.get(e + 32) & ~PriceWord.MAX_VALUE | moved);
            }
        }
    }

    /// @notice Tells the model to let its shocks reach what is partly known as far as the spot does, or no longer.
    function setFading(uint256[] memory expiries, bool fading) internal pure {
        uint256 flag = FADING << _FLAGS_BIT;
        unchecked {
            uint256 e = Words.first(expiries);
            for (uint256 end = e + 32 * expiries.length; e < end; e += _EXPIRY) {
                uint256 first = Words.get(e);
                if (first >> _TOTAL_BIT & 0xffff != 0) Words.put(e, fading ? first | flag : first & ~flag);
            }
        }
    }

    /// @dev A market that has a final price has it for its options too.
    function _priceWord(Ledger.State storage s, uint256 e, uint256 risk, uint256 word) private view returns (uint256) {
        if (risk >> 232 & ConfigWords.CLOSING == 0) return word;
        uint256 price = s.markets[Words.get(e) & 0xff].closing.finalPrice;
        return price == 0 ? word : MarketBook.goodWord(price);
    }

    function _riskWord(Ledger.Market storage market) private view returns (uint256 word) {
        Ledger.MarketRisk storage risk = market.risk;
        assembly ("memory-safe") {
            word := sload(risk.slot)
        }
    }
}

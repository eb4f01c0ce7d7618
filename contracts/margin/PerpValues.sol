// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {EpochLedger} from "../EpochLedger.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {ConfigWords} from "../libraries/ConfigWords.sol";
import {MarketBook} from "../MarketBook.sol";
import {FundingMath} from "../libraries/FundingMath.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {PriceWord} from "../libraries/PriceWord.sol";
import {RampMath} from "../libraries/RampMath.sol";
import {TierMath} from "../libraries/TierMath.sol";
import {VolatilityMath} from "../libraries/VolatilityMath.sol";
import {Words} from "../libraries/Words.sol";

/// @title The perps of an account as its model takes them
/// @dev Part of MarginCheck; Python twin: plimsoll/margin/account.py. Per perp four slots: position, state, risk, price; more only while
/// the market's flags say that its table moves or its price is final, and for a position that has not met its market's last epoch. The loops walk their arrays by place: every index is bounded by the
/// array they fill, and a bounds check per word would cost a tenth of the check.
library PerpValues {
    uint256 private constant _RAMPING_BIT = ConfigWords.RAMPING << 232;
    /// @dev The word of a market that holds its old table (Ledger.Market).
    uint256 private constant _RAMP = 5;
    /// @dev And the one with its final price, when the flags say that it closes.
    uint256 private constant _CLOSING = 7;
    uint256 private constant _CLOSING_BIT = ConfigWords.CLOSING << 232;
    uint256 private constant _EPOCH_BIT = 160;
    uint256 private constant _STATE_EPOCH_BIT = 240;

    /// @notice Leaves the raw position word, the place of the market's state word, the risk word and the market at `perp`.
    function load(Ledger.State storage s, bytes32 id, uint256 bitmap, uint256 perp, uint256 feeds) internal view {
        mapping(uint256 => Ledger.Position) storage positions = s.positions[id];
        while (bitmap != 0) {
            uint256 market = LibBit.ffs(bitmap);
            (uint256 place, uint256 risk) = _riskWord(s.markets[market]);
            Words.put(perp, _positionWord(positions[market]));
            unchecked {
                Words.put(perp + 32, place);
                Words.put(perp + 64, risk);
                Words.put(perp + 96, market);
                Words.put(feeds, risk >> 144 & 0xff);
                bitmap &= bitmap - 1;
                perp += 128;
                feeds += 32;
            }
        }
    }

    /// @notice Turns what `load` left into the model's words. Bounds: |size| < 2^56, price < 2^80 and index < 2^72, |cost| < 2^95,
    /// so no product or sum here comes near 2^255.
    function value(Ledger.State storage s, uint256[] memory perps, uint256 prices, MarginCheck.PriceUse use)
        internal
        view
    {
        uint256 perp = Words.first(perps);
        unchecked {
            for (uint256 end = perp + 32 * perps.length; perp < end; perp += 128) {
                uint256 word = Words.get(prices);
                uint256 risk = Words.get(perp + 64);
                uint256 place = Words.get(perp + 32);
                uint256 state = _wordAt(place);
                uint256 position = Words.get(perp);
                if (position >> _EPOCH_BIT & type(uint16).max != state >> _STATE_EPOCH_BIT) {
                    position = _touched(s, Words.get(perp + 96), position, state >> _STATE_EPOCH_BIT);
                }
                if (risk & _CLOSING_BIT != 0) word = _final(place, word);
                Words.put(perp + 96, risk & _RAMPING_BIT == 0 ? 0 : _oldTable(place));
                (uint256 exposure, int256 index) = _market(state, risk, word);
                int256 size = int64(uint64(position));
                uint256 price = PriceWord.value(word);
                if (!MarginCheck.isGood(word, risk >> 152 & 0xffff)) {
                    price = _doubtful(s, word, risk, exposure >> 136 & 0xffffff, size, use);
                }
                Words.put(perp, exposure | PositionMath.notional(size, price));
                int256 pnl = PositionMath.pnl(size, int96(uint96(position >> 64)), price, index);
                Words.put(perp + 32, uint256(pnl));
                prices += 32;
            }
        }
    }

    /// @dev What all positions of a market share: multipliers and interest share where the model's first word has them, and the
    /// funding index. All at the last good price.
    function _market(uint256 state, uint256 risk, uint256 word) private view returns (uint256 exposure, int256 index) {
        unchecked {
            uint256 price = PriceWord.value(word);
            index = _indexNow(state, risk, price);
            (uint256 im, uint256 mm) = VolatilityMath.multipliers(word, block.timestamp);
            exposure = im << 136 | mm << 160;
            if (risk >> 240 != 0) {
                uint256 interest = ((state & type(uint56).max) + (state >> 56 & type(uint56).max)) * price;
                exposure |= TierMath.interestShare(interest, risk >> 128 & 0xffff, risk >> 240) << 184;
            }
        }
    }

    /// @dev The position as it will be when it is next touched. @param epoch The market's.
    function _touched(Ledger.State storage s, uint256 market, uint256 position, uint256 epoch)
        private
        view
        returns (uint256)
    {
        (int256 size, int256 cost) = EpochLedger.touched(
            s,
            market,
            int64(uint64(position)),
            int96(uint96(position >> 64)),
            position >> _EPOCH_BIT & type(uint16).max,
            epoch
        );
        return uint256(uint64(int64(size))) | uint256(uint96(int96(cost))) << 64;
    }

    /// @dev The price of a market that has a final one: always good.
    function _final(uint256 place, uint256 word) private view returns (uint256) {
        uint256 price = _wordAt(place + _CLOSING) & type(uint72).max;
        return price == 0 ? word : MarketBook.goodWord(price);
    }

    /// @dev The price of a perp whose feed failed its test.
    function _doubtful(
        Ledger.State storage s,
        uint256 word,
        uint256 risk,
        uint256 multiplier,
        int256 size,
        MarginCheck.PriceUse use
    ) private view returns (uint256) {
        uint256 price = PriceWord.value(word);
        // A position of size zero owes or is owed what it is, whatever the price.
        if (use == MarginCheck.PriceUse.REDUCE || size == 0) return price;
        if (use == MarginCheck.PriceUse.OPEN) {
            revert IMarginEngine.PriceUnusable(risk >> 144 & 0xff, PriceWord.age(word), PriceWord.status(word));
        }
        bool up = (use == MarginCheck.PriceUse.TARGET) == (size > 0);
        uint256 sigma = MarginCheck.scaledSigma(risk >> 168 & 0xffff, multiplier);
        return MarginCheck.moved(price, sigma, s.globals.kappa, PriceWord.age(word), up);
    }

    /// @dev The model's fourth word: old rates and bounds, and the share of them that still stands.
    function _oldTable(uint256 place) private view returns (uint256) {
        uint256 ramp = _wordAt(place + _RAMP);
        uint256 share = RampMath.oldShare(ramp >> 160 & type(uint32).max, block.timestamp);
        return share == 0 ? 0 : ramp & type(uint128).max | share << 128;
    }

    /// @notice The funding index as it stands now, accrued at the last good price.
    function indexNow(Ledger.Market storage market, uint256 price) internal view returns (int256) {
        (uint256 place, uint256 risk) = _riskWord(market);
        return _indexNow(_wordAt(place), risk, price);
    }

    /// @param state The packed MarketState: two sizes (56 bits each), index (64), rate (32), time (32).
    function _indexNow(uint256 state, uint256 risk, uint256 price) private view returns (int256) {
        unchecked {
            (, int256 growth) = FundingMath.project(
                int32(uint32(state >> 176)),
                int256(state & type(uint56).max) - int256(state >> 56 & type(uint56).max),
                risk >> 184 & type(uint32).max,
                risk >> 216 & type(uint16).max,
                block.timestamp - (state >> 208 & type(uint32).max),
                price
            );
            return int64(uint64(state >> 112)) + growth;
        }
    }

    // ---------------------------------------------------------------- words

    /// @dev Packed words are shifted apart where they are needed: copying a struct would store a memory word per field. The risk
    /// word follows the state word (Ledger.Market).
    function _riskWord(Ledger.Market storage market) private view returns (uint256 place, uint256 risk) {
        assembly ("memory-safe") {
            place := market.slot
            risk := sload(add(place, 1))
        }
    }

    function _positionWord(Ledger.Position storage position) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(position.slot)
        }
    }

    function _wordAt(uint256 place) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(place)
        }
    }
}

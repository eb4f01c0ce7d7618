// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {AccountId} from "../libraries/AccountId.sol";
import {AssetMath} from "../libraries/AssetMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {InterestMath} from "../libraries/InterestMath.sol";
import {PriceWord} from "../libraries/PriceWord.sol";
import {RampMath} from "../libraries/RampMath.sol";
import {VolatilityMath} from "../libraries/VolatilityMath.sol";
import {Words} from "../libraries/Words.sol";

/// @title The assets of an account as its model takes them
/// @dev Part of MarginCheck; Python twin: plimsoll/margin/account.py. Per asset three slots: balance, asset, price; a fourth, lending,
/// where something is lent or owed. Counters and pointers stay inside what the caller made for the bits of `bitmap`.
library AssetValues {
    /// @dev The pair bit of an isolated account's market field: 0x8000 | collateral << 6 | debt.
    uint256 private constant _PAIR = 0x8000;

    /// @notice Leaves each asset's net amount (int256) at `amounts`, its parameters at `params` and its feed at `feeds`.
    function load(Ledger.State storage s, bytes32 id, uint256 bitmap, uint256 amounts, uint256 params, uint256 feeds)
        internal
        view
    {
        mapping(uint256 => Ledger.Balance) storage balances = s.balances[id];
        while (bitmap != 0) {
            uint256 asset = LibBit.ffs(bitmap);
            uint256 word = _word(balances[asset]);
            int256 net = int128(uint128(word));
            if (net < 0) revert IMarginEngine.NegativeBalance(id, asset, net);
            if (word >> 248 != Ledger.HELD_ONLY) net += _lentOrOwed(_word(s.lending[asset]), word);
            Words.put(amounts, uint256(net));
            word = _word(s.assets[asset]);
            Words.put(params, word);
            Words.put(feeds, word >> 8 & 0xff);
            unchecked {
                bitmap &= bitmap - 1;
                amounts += 32;
                params += 32;
                feeds += 32;
            }
        }
    }

    /// @dev What shares are worth now, projected from the last accrual: a check and an accrual in its block agree to the wei.
    function _lentOrOwed(uint256 lending, uint256 balance) private view returns (int256) {
        unchecked {
            uint256 shares = balance >> 128 & type(uint120).max;
            uint256 elapsed = block.timestamp - (lending >> 128 & type(uint32).max);
            uint256 rate = lending >> 184 & type(uint48).max;
            uint256 utilisation = lending >> 160 & type(uint24).max;
            uint256 index = lending & type(uint64).max;
            if (balance >> 248 == Ledger.DEBT) {
                index = InterestMath.debtIndexAt(rate, utilisation, elapsed, index);
                return -int256(InterestMath.amountUp(shares, index));
            }
            (,, index) = InterestMath.project(
                rate, utilisation, lending >> 232, elapsed, index, lending >> 64 & type(uint64).max
            );
            return int256(InterestMath.amountDown(shares, index));
        }
    }

    /// @notice Turns the amounts at `at` into the model's words. @return owed Σ of what is owed net, quote WAD.
    function value(
        Ledger.State storage s,
        bytes32 id,
        uint256 bitmap,
        uint256 at,
        uint256 params,
        uint256 prices,
        MarginCheck.PriceUse use
    ) internal view returns (uint256 owed) {
        uint256 pair = pairOf(id);
        while (bitmap != 0) {
            int256 amount = int256(Words.get(at));
            uint256 word = Words.get(prices);
            uint256 asset = Words.get(params);
            (uint256 multIm, uint256 multMm) = VolatilityMath.multipliers(word, block.timestamp);
            uint256 price = _price(s, word, asset, amount, multIm, use);
            uint256 decimals = asset & 0xff;
            uint256 result;
            unchecked {
                if (amount < 0) {
                    result = AssetMath.valueUp(uint256(-amount), price, decimals);
                    owed += result;
                    result = uint256(-int256(result));
                } else {
                    result = AssetMath.valueDown(uint256(amount), price, decimals);
                }
            }
            uint256 haircuts = asset >> 16 & type(uint32).max | (asset >> 80 & type(uint64).max) << 32;
            if (pair != 0) haircuts = _pairHaircuts(s, pair, LibBit.ffs(bitmap), haircuts);
            Words.put(at, result << 48 | (haircuts == 0 ? 0 : _requirement(haircuts, multIm, multMm)));
            unchecked {
                bitmap &= bitmap - 1;
                at += 32;
                params += 32;
                prices += 32;
            }
        }
    }

    /// @dev A failed price: one bad feed counts for nothing and blocks nothing, as the account may hold more than that asset. What
    /// is owed in it cannot count for nothing: where risk is taken it refuses, and else it moves as DESIGN section 5 says.
    function _price(
        Ledger.State storage s,
        uint256 word,
        uint256 asset,
        int256 amount,
        uint256 multiplier,
        MarginCheck.PriceUse use
    ) private view returns (uint256 price) {
        price = PriceWord.value(word);
        if (amount == 0 || MarginCheck.isGood(word, asset >> 48 & 0xffff) || use == MarginCheck.PriceUse.REDUCE) {
            return price;
        }
        if (use != MarginCheck.PriceUse.TARGET) {
            if (amount > 0) return 0;
            if (use == MarginCheck.PriceUse.OPEN) {
                revert IMarginEngine.PriceUnusable(asset >> 8 & 0xff, PriceWord.age(word), PriceWord.status(word));
            }
        }
        // In the favour of a target; against one who takes over a debt.
        bool up = use != MarginCheck.PriceUse.TARGET || amount > 0;
        uint256 sigma = MarginCheck.scaledSigma(asset >> 64 & 0xffff, multiplier);
        return MarginCheck.moved(price, sigma, s.globals.kappa, PriceWord.age(word), up);
    }

    // ---------------------------------------------------------------- haircuts

    /// @notice The code of the collateral/debt pair that an isolated account is bound to; zero for other accounts.
    function pairOf(bytes32 id) internal pure returns (uint256) {
        uint256 market = AccountId.marketOf(id);
        return market & _PAIR != 0 && AccountId.isIsolated(id) ? market : 0;
    }

    /// @dev The pair's word has the haircuts as this library passes them around: im, mm, fromIm, fromMm (16 bits each), rampEnd (32).
    /// The debt has none: all of the requirement is on what secures it.
    function _pairHaircuts(Ledger.State storage s, uint256 pair, uint256 asset, uint256 own)
        private
        view
        returns (uint256)
    {
        if (asset == pair & 63) return 0;
        if (asset != pair >> 6 & 63) return own;
        return _word(s.pairs[pair]) & type(uint96).max;
    }

    /// @dev The model's three haircuts: IM at once and with the multiplier at once, MM and IM₀ along their ramps.
    function _requirement(uint256 haircuts, uint256 multIm, uint256 multMm) private view returns (uint256) {
        uint256 im = haircuts & 0xffff;
        uint256 mm = haircuts >> 16 & 0xffff;
        uint256 im0 = im;
        uint256 end = haircuts >> 64;
        // Calm and settled, as almost always.
        if (block.timestamp >= end && multIm == VolatilityMath.ONE && multMm == VolatilityMath.ONE) {
            return im << 32 | mm << 16 | im0;
        }
        if (block.timestamp < end) {
            im0 = RampMath.valueAt(haircuts >> 32 & 0xffff, im, end, block.timestamp);
            mm = RampMath.valueAt(haircuts >> 48 & 0xffff, mm, end, block.timestamp);
        }
        return _scaled(im, multIm) << 32 | _scaled(mm, multMm) << 16 | _scaled(im0, multMm);
    }

    function _scaled(uint256 haircut, uint256 multiplier) private pure returns (uint256 scaled) {
        unchecked {
            scaled = (haircut * multiplier + VolatilityMath.ONE - 1) / VolatilityMath.ONE;
            if (scaled > FixedMath.BPS) scaled = FixedMath.BPS;
        }
    }

    // ---------------------------------------------------------------- words

    /// @dev Packed words are shifted apart where they are needed: copying a struct would store a memory word per field.
    function _word(Ledger.Balance storage balance) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(balance.slot)
        }
    }

    function _word(Ledger.Asset storage asset) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(asset.slot)
        }
    }

    function _word(Ledger.Lending storage lending) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(lending.slot)
        }
    }

    function _word(Ledger.Pair storage pair) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(pair.slot)
        }
    }
}

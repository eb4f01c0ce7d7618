// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LibBit} from "solady/utils/LibBit.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarginModel} from "../interfaces/IMarginModel.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {Ledger} from "./Ledger.sol";
import {AssetMath} from "./libraries/AssetMath.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {FundingMath} from "./libraries/FundingMath.sol";
import {LiquidationMath} from "./libraries/LiquidationMath.sol";
import {PositionMath} from "./libraries/PositionMath.sol";
import {PriceWord} from "./libraries/PriceWord.sol";

/// @title What an account is worth and must hold: gathers its data once, asks its model, names its state
/// @dev Python twin: plimsoll/margin/account.py. Per perp four slots: position, risk, state, price; per asset three.
library MarginCheck {
    /// @dev The rows of DESIGN section 5. OPEN: all prices fresh and good; a failed asset counts zero, a failed perp feed refuses. ACQUIRE
    /// (a liquidator's own check): as OPEN, but a failed perp feed is moved against the account. REDUCE: last good prices of
    /// any age, since what is not touched cancels. TARGET: a failed price is moved in the account's favour.
    enum PriceUse {
        OPEN,
        ACQUIRE,
        REDUCE,
        TARGET
    }

    /// @dev assets and perps as IMarginModel takes them; markets is the bitmap in the order of perps.
    struct Snapshot {
        uint256[] assets;
        uint256[] perps;
        uint256 markets;
    }

    /// @dev e^5: beyond any age at which a last price still says something.
    uint256 private constant MAX_EXPONENT = 5e18;

    /// @notice The check, as the engine calls it: linked, so that its code stands once and the door stays small.
    function assess(Ledger.State storage s, IOracleRouter router, bytes32 id, PriceUse use)
        external
        view
        returns (IMarginEngine.Assessment memory)
    {
        return evaluate(s, gather(s, router, id, s.headers[id], use));
    }

    /// @notice The same on last prices moved in the account's favour, with the state that follows: what the views show.
    function status(Ledger.State storage s, IOracleRouter router, bytes32 id)
        external
        view
        returns (IMarginEngine.Assessment memory a, IMarginEngine.AccountState)
    {
        Ledger.Header memory header = s.headers[id];
        a = evaluate(s, gather(s, router, id, header, PriceUse.TARGET));
        return (a, stateOf(s, header, a));
    }

    function evaluate(Ledger.State storage s, Snapshot memory snap)
        internal
        view
        returns (IMarginEngine.Assessment memory)
    {
        return IMarginModel(s.globals.model).assess(snap.assets, snap.perps);
    }

    // ---------------------------------------------------------------- gathering

    function gather(Ledger.State storage s, IOracleRouter router, bytes32 id, Ledger.Header memory header, PriceUse use)
        internal
        view
        returns (Snapshot memory snap)
    {
        uint256 assets = LibBit.popCount(header.assets);
        uint256 perps = LibBit.popCount(header.markets);
        snap.assets = new uint256[](assets);
        snap.perps = new uint256[](3 * perps);
        snap.markets = header.markets;
        uint256[] memory feeds = new uint256[](assets + perps);
        _loadAssets(s, id, header.assets, snap.assets, feeds);
        _loadPerps(s, id, header.markets, snap.perps, feeds, assets);
        uint256[] memory prices = router.read(feeds);
        _valueAssets(s, header.assets, snap.assets, prices, use);
        _valuePerps(s, snap.perps, prices, assets, use);
    }

    /// @dev Leaves each asset's held amount in `out`. Loop counters are at most 64.
    function _loadAssets(
        Ledger.State storage s,
        bytes32 id,
        uint256 bitmap,
        uint256[] memory out,
        uint256[] memory feeds
    ) private view {
        mapping(uint256 => Ledger.Balance) storage balances = s.balances[id];
        for (uint256 i; bitmap != 0;) {
            uint256 asset = LibBit.ffs(bitmap);
            int256 held = balances[asset].held;
            if (held < 0) revert IMarginEngine.NegativeBalance(id, asset, held);
            out[i] = uint256(held);
            // Feed 0 is the quote asset: its slot need not be read to know that.
            if (asset != Ledger.QUOTE) feeds[i] = s.assets[asset].feed;
            unchecked {
                bitmap &= bitmap - 1;
                ++i;
            }
        }
    }

    /// @dev Leaves the raw position word, the place of the market's state word and the risk word in `out`: three words per perp.
    function _loadPerps(
        Ledger.State storage s,
        bytes32 id,
        uint256 bitmap,
        uint256[] memory out,
        uint256[] memory feeds,
        uint256 offset
    ) private view {
        mapping(uint256 => Ledger.Position) storage positions = s.positions[id];
        uint256 perp = _first(out);
        uint256 feed = _first(feeds) + 32 * offset;
        while (bitmap != 0) {
            uint256 market = LibBit.ffs(bitmap);
            (uint256 place, uint256 risk) = _riskWord(s.markets[market]);
            _set(perp, _positionWord(positions[market]));
            unchecked {
                _set(perp + 32, place);
                _set(perp + 64, risk);
                _set(feed, risk >> 144 & 0xff);
                bitmap &= bitmap - 1;
                perp += 96;
                feed += 32;
            }
        }
    }

    function _valueAssets(
        Ledger.State storage s,
        uint256 bitmap,
        uint256[] memory out,
        uint256[] memory prices,
        PriceUse use
    ) private view {
        for (uint256 i; bitmap != 0;) {
            Ledger.Asset memory asset = s.assets[LibBit.ffs(bitmap)];
            uint256 word = prices[i];
            uint256 price = PriceWord.value(word);
            if (!isGood(word, asset.maxAge)) {
                // One bad feed counts for nothing here and blocks nothing: the account may hold more than that asset.
                if (use == PriceUse.OPEN || use == PriceUse.ACQUIRE) {
                    price = 0;
                } else if (use == PriceUse.TARGET) {
                    price = moved(price, asset.sigma, s.globals.kappa, PriceWord.age(word), true);
                }
            }
            uint256 value = AssetMath.valueDown(out[i], price, asset.decimals);
            out[i] = value << 32 | uint256(asset.haircutMm) << 16 | asset.haircutIm;
            unchecked {
                bitmap &= bitmap - 1;
                ++i;
            }
        }
    }

    /// @dev Turns what _loadPerps left into notional, pnl and risk word. Bounds: |size| < 2^63, price and index < 2^72,
    /// |cost| < 2^95, so no product or sum here comes near 2^255.
    function _valuePerps(
        Ledger.State storage s,
        uint256[] memory out,
        uint256[] memory prices,
        uint256 offset,
        PriceUse use
    ) private view {
        uint256 perp = _first(out);
        uint256 end = perp + 32 * out.length;
        uint256 at = _first(prices) + 32 * offset;
        unchecked {
            for (; perp < end; perp += 96) {
                uint256 word = _get(at);
                uint256 risk = _get(perp + 64);
                uint256 position = _get(perp);
                int256 size = int64(uint64(position));
                uint256 price = PriceWord.value(word);
                int256 index = _indexNow(_wordAt(_get(perp + 32)), risk, price);
                if (!isGood(word, risk >> 152 & 0xffff)) price = _doubtful(s, word, risk, size, use);
                _set(perp, PositionMath.notional(size, price));
                _set(perp + 32, uint256(PositionMath.pnl(size, int96(uint96(position >> 64)), price, index)));
                at += 32;
            }
        }
    }

    /// @dev The price of a perp whose feed failed its test.
    function _doubtful(Ledger.State storage s, uint256 word, uint256 risk, int256 size, PriceUse use)
        private
        view
        returns (uint256)
    {
        uint256 price = PriceWord.value(word);
        // A position of size zero owes or is owed what it is, whatever the price.
        if (use == PriceUse.REDUCE || size == 0) return price;
        if (use == PriceUse.OPEN) {
            revert IMarginEngine.PriceUnusable(risk >> 144 & 0xff, PriceWord.age(word), PriceWord.status(word));
        }
        bool up = (use == PriceUse.TARGET) == (size > 0);
        return moved(price, risk >> 168 & 0xffff, s.globals.kappa, PriceWord.age(word), up);
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

    // ---------------------------------------------------------------- prices

    /// @notice Whether the last report passed all tests, is not disputed and is young enough.
    function isGood(uint256 word, uint256 maxAge) internal view returns (bool) {
        unchecked {
            return PriceWord.status(word) == 0 && !PriceWord.isDisputed(word)
                && block.timestamp <= PriceWord.publishedAt(word) + maxAge;
        }
    }

    /// @notice price·e^{±κσ√age}. @param kappa tenths. @param sigma bps per √year.
    function moved(uint256 price, uint256 sigma, uint256 kappa, uint256 secs, bool up) internal pure returns (uint256) {
        uint256 exponent = kappa * sigma * FixedMath.sqrtYears(secs) / (10 * FixedMath.BPS);
        if (exponent > MAX_EXPONENT) exponent = MAX_EXPONENT;
        int256 factor = FixedPointMathLib.expWad(up ? int256(exponent) : -int256(exponent));
        return FixedMath.mulDivDown(price, uint256(factor), FixedMath.WAD);
    }

    // ---------------------------------------------------------------- state

    function stateOf(Ledger.State storage s, Ledger.Header memory header, IMarginEngine.Assessment memory a)
        internal
        view
        returns (IMarginEngine.AccountState)
    {
        if (a.equity < 0) return IMarginEngine.AccountState.BANKRUPT;
        if (isLiquidatable(s, header, a)) return IMarginEngine.AccountState.LIQUIDATABLE;
        if (header.callDeadline != 0) return IMarginEngine.AccountState.CALLED;
        if (a.equity < int256(a.im)) return IMarginEngine.AccountState.RESTRICTED;
        return IMarginEngine.AccountState.HEALTHY;
    }

    /// @notice Below MM; or below the call margin with the deadline passed.
    function isLiquidatable(Ledger.State storage s, Ledger.Header memory header, IMarginEngine.Assessment memory a)
        internal
        view
        returns (bool)
    {
        if (a.equity < int256(a.mm)) return true;
        if (header.callDeadline == 0 || block.timestamp <= header.callDeadline) return false;
        return a.equity < int256(LiquidationMath.callMargin(a.im0, a.mm, s.terms.lambda));
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

    // ---------------------------------------------------------------- memory

    /// @dev The loops over perps walk their arrays by place: every index is bounded by the array they made themselves, and a
    /// bounds check per word would cost a tenth of the check.
    function _first(uint256[] memory words) private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := add(words, 32)
        }
    }

    function _get(uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(place)
        }
    }

    function _set(uint256 place, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(place, word)
        }
    }
}

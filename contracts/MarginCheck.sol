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

    function assess(
        Ledger.State storage s,
        IOracleRouter router,
        bytes32 id,
        Ledger.Header memory header,
        PriceUse use
    ) internal view returns (IMarginEngine.Assessment memory) {
        return evaluate(s, gather(s, router, id, header, use));
    }

    function evaluate(Ledger.State storage s, Snapshot memory snap)
        internal
        view
        returns (IMarginEngine.Assessment memory)
    {
        return IMarginModel(s.globals.model).assess(snap.assets, snap.perps);
    }

    // ---------------------------------------------------------------- gathering

    function gather(
        Ledger.State storage s,
        IOracleRouter router,
        bytes32 id,
        Ledger.Header memory header,
        PriceUse use
    ) internal view returns (Snapshot memory snap) {
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

    /// @dev Leaves the raw position word, the place of the market's state word and the risk word in `out`.
    function _loadPerps(
        Ledger.State storage s,
        bytes32 id,
        uint256 bitmap,
        uint256[] memory out,
        uint256[] memory feeds,
        uint256 offset
    ) private view {
        mapping(uint256 => Ledger.Position) storage positions = s.positions[id];
        for (uint256 i; bitmap != 0;) {
            uint256 market = LibBit.ffs(bitmap);
            (uint256 place, uint256 risk) = _riskWord(s.markets[market]);
            out[i] = _positionWord(positions[market]);
            unchecked {
                out[i + 1] = place;
                out[i + 2] = risk;
                feeds[offset] = risk >> 144 & 0xff;
                bitmap &= bitmap - 1;
                ++offset;
                i += 3;
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
            (bool good, uint256 price) = _price(s, prices[i], asset.maxAge, asset.sigma, use, true);
            // One bad feed counts for nothing here and blocks nothing: the account may hold more than that asset.
            uint256 value = good || use == PriceUse.REDUCE || use == PriceUse.TARGET
                ? AssetMath.valueDown(out[i], price, asset.decimals)
                : 0;
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
        for (uint256 i; i < out.length;) {
            uint256 word = prices[offset];
            uint256 position = out[i];
            unchecked {
                uint256 risk = out[i + 2];
                int256 size = int64(uint64(position));
                (bool good, uint256 price) =
                    _price(s, word, risk >> 152 & 0xffff, risk >> 168 & 0xffff, use, size > 0);
                // A position of size zero owes or is owed what it is, whatever the price.
                if (!good && use == PriceUse.OPEN && size != 0) _refuse(risk >> 144 & 0xff, word);
                out[i] = PositionMath.notional(size, price);
                out[i + 1] = uint256(
                    PositionMath.pnl(
                        size,
                        int96(uint96(position >> 64)),
                        price,
                        _indexNow(_wordAt(out[i + 1]), risk, PriceWord.value(word))
                    )
                );
                ++offset;
                i += 3;
            }
        }
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

    /// @notice Whether the last report passed all tests and is young enough.
    function isGood(uint256 word, uint256 maxAge) internal view returns (bool) {
        return PriceWord.status(word) == 0 && !PriceWord.isDisputed(word) && PriceWord.age(word) <= maxAge;
    }

    function _refuse(uint256 feed, uint256 word) private view {
        revert IMarginEngine.PriceUnusable(feed, PriceWord.age(word), PriceWord.status(word));
    }

    /// @param long Whether a higher price is in the account's favour.
    function _price(Ledger.State storage s, uint256 word, uint256 maxAge, uint256 sigma, PriceUse use, bool long)
        private
        view
        returns (bool good, uint256 price)
    {
        price = PriceWord.value(word);
        good = isGood(word, maxAge);
        if (good || use == PriceUse.OPEN || use == PriceUse.REDUCE) return (good, price);
        price = moved(price, sigma, s.globals.kappa, PriceWord.age(word), use == PriceUse.TARGET ? long : !long);
    }

    /// @notice price·e^{±κσ√age}. @param kappa tenths. @param sigma bps per √year.
    function moved(uint256 price, uint256 sigma, uint256 kappa, uint256 secs, bool up) internal pure returns (uint256) {
        uint256 exponent = kappa * sigma * FixedMath.sqrtYears(secs) / (10 * FixedMath.BPS);
        if (exponent > MAX_EXPONENT) exponent = MAX_EXPONENT;
        int256 factor = FixedPointMathLib.expWad(up ? int256(exponent) : -int256(exponent));
        return FixedMath.mulDivDown(price, uint256(factor), FixedMath.WAD);
    }

    // ---------------------------------------------------------------- state

    function stateOf(
        Ledger.State storage s,
        Ledger.Header memory header,
        IMarginEngine.Assessment memory a
    ) internal view returns (IMarginEngine.AccountState) {
        if (a.equity < 0) return IMarginEngine.AccountState.BANKRUPT;
        if (isLiquidatable(s, header, a)) return IMarginEngine.AccountState.LIQUIDATABLE;
        if (header.callDeadline != 0) return IMarginEngine.AccountState.CALLED;
        if (a.equity < int256(a.im)) return IMarginEngine.AccountState.RESTRICTED;
        return IMarginEngine.AccountState.HEALTHY;
    }

    /// @notice Below MM; or below the call margin with the deadline passed.
    function isLiquidatable(
        Ledger.State storage s,
        Ledger.Header memory header,
        IMarginEngine.Assessment memory a
    ) internal view returns (bool) {
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
}

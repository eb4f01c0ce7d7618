// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LibBit} from "solady/utils/LibBit.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarginModel} from "../interfaces/IMarginModel.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {Ledger} from "./Ledger.sol";
import {OptionCheck} from "./OptionCheck.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {LiquidationMath} from "./libraries/LiquidationMath.sol";
import {PriceWord} from "./libraries/PriceWord.sol";
import {RampMath} from "./libraries/RampMath.sol";
import {VolatilityMath} from "./libraries/VolatilityMath.sol";
import {Words} from "./libraries/Words.sol";
import {AssetValues} from "./margin/AssetValues.sol";
import {PerpValues} from "./margin/PerpValues.sol";

/// @title What an account is worth and must hold: gathers its data once, asks its model, names its state
/// @dev Python twin: plimsoll/margin/account.py. Per perp four slots: position, state, risk, price; per asset three or four.
library MarginCheck {
    /// @dev The rows of DESIGN section 5. OPEN: all prices fresh and good; a failed asset counts zero, a failed perp feed or one of a debt
    /// refuses. ACQUIRE (a liquidator's own check): as OPEN, but what would refuse is moved against the account. REDUCE: last
    /// good prices of any age, since what is not touched cancels. TARGET: a failed price is moved in the account's favour.
    enum PriceUse {
        OPEN,
        ACQUIRE,
        REDUCE,
        TARGET
    }

    /// @dev assets and perps as IMarginModel takes them, one behind the other in memory as `_ask` needs them; markets is the bitmap
    /// in the order of perps. owed: Σ of net debts, quote WAD. depeg: what the quote asset trades below its threshold, times
    /// the factor (1e-11).
    struct Snapshot {
        uint256[] assets;
        uint256[] perps;
        uint256 markets;
        uint256 owed;
        uint256 depeg;
    }

    /// @dev e^5: beyond any age at which a last price still says something.
    uint256 private constant MAX_EXPONENT = 5e18;
    /// @dev Of globals.flags: the model was replaced less than a ramp ago.
    uint256 private constant MODEL_RAMPING = 1;
    /// @dev A bps of the price of the quote asset, 1e-10.
    uint256 private constant QUOTE_BPS = 1e6;
    /// @dev The unit of Snapshot.depeg: a price (1e-10) times a factor in tenths.
    uint256 private constant DEPEG_UNIT = 1e11;
    /// @dev Leverage is in hundredths.
    uint256 private constant LEVERAGE_ONE = 100;

    /// @notice The check: linked, so that its code stands once and the door stays small.
    function assess(Ledger.State storage s, IOracleRouter router, bytes32 id, PriceUse use)
        external
        view
        returns (IMarginEngine.Assessment memory)
    {
        Ledger.Header memory header = s.headers[id];
        if (OptionCheck.applies(id, header.options)) {
            (IMarginEngine.Assessment memory a,) =
                OptionCheck.assess(s, router, id, use, new IMarginEngine.FeedPrice[](0), "");
            return a;
        }
        return evaluate(s, gather(s, router, id, header, use));
    }

    /// @notice A target by the scenarios of `witness`.
    function prove(Ledger.State storage s, IOracleRouter router, bytes32 id, bytes memory witness)
        external
        view
        returns (IMarginEngine.Assessment memory a)
    {
        (a,) = OptionCheck.assess(s, router, id, PriceUse.TARGET, new IMarginEngine.FeedPrice[](0), witness);
    }

    /// @notice The same as the engine calls it. @param maxLeverage Hundredths; beyond it the check refuses. Zero: no limit.
    function assessWithin(Ledger.State storage s, IOracleRouter router, bytes32 id, PriceUse use, uint256 maxLeverage)
        external
        view
        returns (IMarginEngine.Assessment memory a)
    {
        uint256 exposure;
        if (OptionCheck.applies(id, s.headers[id].options)) {
            (a, exposure) = OptionCheck.assess(s, router, id, use, new IMarginEngine.FeedPrice[](0), "");
        } else {
            Ledger.Header memory header = s.headers[id];
            Snapshot memory snap = gather(s, router, id, header, use);
            a = evaluate(s, snap);
            if (maxLeverage != 0) exposure = exposureOf(snap, header, a);
        }
        if (maxLeverage != 0) _requireLeverage(id, exposure, a.equity, maxLeverage);
    }

    /// @notice The same on last prices moved in the account's favour, with the state that follows: what the views show.
    function status(Ledger.State storage s, IOracleRouter router, bytes32 id)
        external
        view
        returns (IMarginEngine.Assessment memory a, IMarginEngine.AccountState state)
    {
        (a, state,) = _status(s, router, id, new IMarginEngine.FeedPrice[](0));
    }

    /// @notice The same if good reports of `prices` came now.
    function statusAt(
        Ledger.State storage s,
        IOracleRouter router,
        bytes32 id,
        IMarginEngine.FeedPrice[] calldata prices
    ) external view returns (IMarginEngine.Assessment memory a, IMarginEngine.AccountState state) {
        (a, state,) = _status(s, router, id, prices);
    }

    /// @notice Ends a preview: reverts with what each of `ids` is worth and must hold now.
    function reveal(Ledger.State storage s, IOracleRouter router, bytes32[] calldata ids) external view {
        IMarginEngine.Assessment[] memory found = new IMarginEngine.Assessment[](ids.length);
        IMarginEngine.AccountState[] memory states = new IMarginEngine.AccountState[](ids.length);
        uint256[] memory exposures = new uint256[](ids.length);
        IMarginEngine.FeedPrice[] memory none = new IMarginEngine.FeedPrice[](0);
        for (uint256 i; i < ids.length; ++i) {
            (found[i], states[i], exposures[i]) = _status(s, router, ids[i], none);
        }
        revert IMarginEngine.Previewed(found, states, exposures);
    }

    function _status(Ledger.State storage s, IOracleRouter router, bytes32 id, IMarginEngine.FeedPrice[] memory changes)
        private
        view
        returns (IMarginEngine.Assessment memory a, IMarginEngine.AccountState state, uint256 exposure)
    {
        Ledger.Header memory header = s.headers[id];
        if (OptionCheck.applies(id, header.options)) {
            (a, exposure) = OptionCheck.assess(s, router, id, PriceUse.TARGET, changes, "");
        } else {
            Snapshot memory snap = _gather(s, router, id, header, PriceUse.TARGET, changes);
            a = evaluate(s, snap);
            exposure = exposureOf(snap, header, a);
        }
        state = stateOf(s, header, a);
    }

    // ---------------------------------------------------------------- gathering

    function gather(Ledger.State storage s, IOracleRouter router, bytes32 id, Ledger.Header memory header, PriceUse use)
        internal
        view
        returns (Snapshot memory)
    {
        return _gather(s, router, id, header, use, new IMarginEngine.FeedPrice[](0));
    }

    function _gather(
        Ledger.State storage s,
        IOracleRouter router,
        bytes32 id,
        Ledger.Header memory header,
        PriceUse use,
        IMarginEngine.FeedPrice[] memory changes
    ) private view returns (Snapshot memory snap) {
        uint256 assets = LibBit.popCount(header.assets);
        uint256 perps = LibBit.popCount(header.markets);
        _makeRoom(snap, assets, perps);
        snap.markets = header.markets;
        uint256 quoteFeed = s.globals.quoteFeed;
        uint256 count = assets + perps + (quoteFeed == 0 ? 0 : 1);
        uint256 params = Words.first(new uint256[](assets));
        uint256 feeds = Words.buffer(count);
        AssetValues.load(s, id, header.assets, Words.first(snap.assets), params, feeds);
        PerpValues.load(s, id, header.markets, Words.first(snap.perps), feeds + 32 * assets);
        if (quoteFeed != 0) Words.put(feeds + 32 * (count - 1), quoteFeed);
        readPrices(router, feeds, count, changes);
        snap.owed = AssetValues.value(s, id, header.assets, Words.first(snap.assets), params, feeds, use);
        PerpValues.value(s, snap.perps, feeds + 32 * assets, use);
        if (quoteFeed == 0) return snap;
        bool exposed = snap.markets != 0 || snap.owed != 0;
        snap.depeg = depegOf(s, Words.get(feeds + 32 * (count - 1)), quoteFeed, exposed, use);
    }

    /// @notice The prices take the place of the feeds.
    function readPrices(IOracleRouter router, uint256 feeds, uint256 count, IMarginEngine.FeedPrice[] memory changes)
        internal
        view
    {
        if (count == 0) return;
        uint256 kept;
        if (changes.length != 0) {
            kept = Words.buffer(count);
            for (uint256 i; i < count; ++i) {
                Words.put(kept + 32 * i, Words.get(feeds + 32 * i));
            }
        }
        Words.exchange(address(router), IOracleRouter.read.selector, feeds, count);
        for (uint256 j; j < changes.length; ++j) {
            (uint256 feed, uint256 value) = (changes[j].feed, changes[j].value);
            if (feed == 0 || value == 0 || value > PriceWord.MAX_VALUE) {
                revert IOracleRouter.PriceOutOfRange(feed, value);
            }
            for (uint256 i; i < count; ++i) {
                if (Words.get(kept + 32 * i) != feed) continue;
                uint256 word = Words.get(feeds + 32 * i);
                Words.put(feeds + 32 * i, VolatilityMath.reported(word, value, block.timestamp));
            }
        }
    }

    /// @dev Two arrays in a row, with what a call needs in front: handing them over copies nothing.
    function _makeRoom(Snapshot memory snap, uint256 assets, uint256 perps) private pure {
        assembly ("memory-safe") {
            let at := add(mload(64), 96)
            mstore(snap, at)
            mstore(at, assets)
            at := add(at, shl(5, add(assets, 1)))
            mstore(add(snap, 32), at)
            mstore(at, shl(2, perps))
            mstore(64, add(at, shl(5, add(shl(2, perps), 1))))
        }
    }

    /// @notice What the quote asset trades below its threshold, times the factor, 1e-11.
    /// @dev A peg that nobody can see is no reason to call anyone, but nobody takes new risk on it.
    function depegOf(Ledger.State storage s, uint256 word, uint256 feed, bool exposed, PriceUse use)
        internal
        view
        returns (uint256)
    {
        Ledger.Globals storage globals = s.globals;
        if (use == PriceUse.OPEN && exposed) {
            if (!isGood(word, s.assets[Ledger.QUOTE].maxAge)) {
                revert IMarginEngine.PriceUnusable(feed, PriceWord.age(word), PriceWord.status(word));
            }
        }
        uint256 threshold = globals.depegThreshold * QUOTE_BPS;
        uint256 price = PriceWord.value(word);
        return price < threshold ? (threshold - price) * globals.depegFactor : 0;
    }

    // ---------------------------------------------------------------- the model

    function evaluate(Ledger.State storage s, Snapshot memory snap)
        internal
        view
        returns (IMarginEngine.Assessment memory a)
    {
        a = _ask(s.globals.model, snap);
        if (s.globals.flags & MODEL_RAMPING != 0) _ramp(s.modelRamp, snap, a);
        // Never MM nor IM₀: a depeg stops new risk, and calls nobody.
        if (snap.depeg != 0) a.im += FixedMath.mulDivUp(a.notional + snap.owed, snap.depeg, DEPEG_UNIT);
    }

    /// @dev A replaced model binds new risk at once, and what calls and liquidates along a ramp.
    function _ramp(Ledger.ModelRamp storage ramp, Snapshot memory snap, IMarginEngine.Assessment memory a)
        private
        view
    {
        uint256 share = RampMath.oldShare(ramp.end, block.timestamp);
        if (share == 0) return;
        IMarginEngine.Assessment memory was = _ask(ramp.model, snap);
        a.im0 = RampMath.between(was.im0, a.im0, share);
        a.mm = RampMath.between(was.mm, a.mm, share);
    }

    /// @dev IMarginModel.assess on what `_makeRoom` laid out; the answer is five words, as the struct is.
    function _ask(address model, Snapshot memory snap) private view returns (IMarginEngine.Assessment memory a) {
        bytes4 selector = IMarginModel.assess.selector;
        assembly ("memory-safe") {
            let assets := mload(snap)
            let perps := mload(add(snap, 32))
            let end := add(perps, shl(5, add(mload(perps), 1)))
            mstore(sub(assets, 96), shr(224, selector))
            mstore(sub(assets, 64), 64)
            mstore(sub(assets, 32), sub(perps, sub(assets, 64)))
            let start := sub(assets, 68)
            if iszero(staticcall(gas(), model, start, sub(end, start), a, 160)) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
            if lt(returndatasize(), 160) { revert(0, 0) }
        }
    }

    // ---------------------------------------------------------------- leverage

    /// @notice Sum of absolute notional: of the perps, and of every net balance but the quote asset's, held or owed. Quote WAD.
    function exposureOf(Snapshot memory snap, Ledger.Header memory header, IMarginEngine.Assessment memory a)
        internal
        pure
        returns (uint256 exposure)
    {
        exposure = a.notional;
        // The quote asset, where there is any, is the first.
        for (uint256 i = header.assets & 1; i < snap.assets.length; ++i) {
            exposure += FixedMath.abs(int256(snap.assets[i]) >> 48);
        }
    }

    function _requireLeverage(bytes32 id, uint256 exposure, int256 equity, uint256 maximum) private pure {
        uint256 backed = FixedMath.positive(equity);
        if (exposure * LEVERAGE_ONE <= backed * maximum) return;
        uint256 leverage = backed == 0 ? type(uint256).max : FixedMath.ceilDiv(exposure * LEVERAGE_ONE, backed);
        revert IMarginEngine.LeverageExceeded(id, leverage, maximum);
    }

    // ---------------------------------------------------------------- prices

    /// @notice The funding index as it stands now, accrued at the last good price.
    function indexNow(Ledger.Market storage market, uint256 price) internal view returns (int256) {
        return PerpValues.indexNow(market, price);
    }

    /// @notice Whether the last report passed all tests, is not disputed and is young enough.
    /// @dev Once per price of every check: three answers in one, without a jump.
    function isGood(uint256 word, uint256 maxAge) internal view returns (bool good) {
        uint256 verdict = PriceWord.status(word);
        uint256 disputedUntil = PriceWord.disputedUntil(word);
        uint256 publishedAt = PriceWord.publishedAt(word);
        assembly ("memory-safe") {
            let late := or(lt(timestamp(), disputedUntil), gt(timestamp(), add(publishedAt, maxAge)))
            good := iszero(or(verdict, late))
        }
    }

    /// @notice price·e^{±κσ√age}. @param kappa tenths. @param sigma bps per √year.
    function moved(uint256 price, uint256 sigma, uint256 kappa, uint256 secs, bool up) internal pure returns (uint256) {
        uint256 exponent = kappa * sigma * FixedMath.sqrtYears(secs) / (10 * FixedMath.BPS);
        if (exponent > MAX_EXPONENT) exponent = MAX_EXPONENT;
        int256 factor = FixedPointMathLib.expWad(up ? int256(exponent) : -int256(exponent));
        return FixedMath.mulDivDown(price, uint256(factor), FixedMath.WAD);
    }

    /// @notice A listed σ at the volatility that the feed has now, rounded up.
    function scaledSigma(uint256 sigma, uint256 multiplier) internal pure returns (uint256) {
        return FixedMath.ceilDiv(sigma * multiplier, VolatilityMath.ONE);
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
        return a.equity < int256(callMargin(s, a));
    }

    /// @notice The level below which an account is called, at λ as it is on its ramp.
    function callMargin(Ledger.State storage s, IMarginEngine.Assessment memory a) internal view returns (uint256) {
        Ledger.Terms storage t = s.terms;
        uint256 lambda = RampMath.valueAt(t.lambdaFrom, t.lambda, t.lambdaRampEnd, block.timestamp);
        return LiquidationMath.callMargin(a.im0, a.mm, lambda);
    }
}

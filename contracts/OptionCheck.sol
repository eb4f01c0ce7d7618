// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IOptionModel} from "../interfaces/IOptionModel.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {Ledger} from "./Ledger.sol";
import {MarginCheck} from "./MarginCheck.sol";
import {OptionBook} from "./OptionBook.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {PriceWord} from "./libraries/PriceWord.sol";
import {RampMath} from "./libraries/RampMath.sol";
import {VolatilityMath} from "./libraries/VolatilityMath.sol";
import {Words} from "./libraries/Words.sol";
import {AssetValues} from "./margin/AssetValues.sol";
import {OptionValues} from "./margin/OptionValues.sol";
import {PerpValues} from "./margin/PerpValues.sol";

/// @title The check of an account that has options, or is margined as a portfolio: MarginCheck's other half
/// @notice Linked, so that accounts without options pay nothing for it. What a failed price means: docs/decisions/035.
/// @dev Python twin: plimsoll/margin/option_values.py.
library OptionCheck {
    /// @dev The model's six arrays lie behind `head`, where a call of it begins. assets always begin with the quote asset. underlyings: the
    /// markets of `expiries`. bare: nothing is short, owed or open, so nothing is at risk. ending: something else may hedge what settles now, or be
    /// hedged by it.
    struct Sheet {
        uint256 head;
        uint256[] assets;
        uint256[] tags;
        uint256[] perps;
        uint256[] expiries;
        uint256[] options;
        bytes witness;
        uint256[] underlyings;
        uint256 owed;
        uint256 depeg;
        bool bare;
        bool ending;
        MarginCheck.PriceUse use;
    }

    /// @dev Of globals.flags and optionSetup.flags: the model was replaced less than a ramp ago.
    uint256 private constant MODEL_RAMPING = 1;
    uint256 private constant DEPEG_UNIT = 1e11;
    /// @dev The quote asset's price where no feed is asked for it.
    uint256 private constant PAR = 1e10;

    /// @notice Whether an account is checked here.
    function applies(bytes32 id, uint256 options) internal pure returns (bool) {
        return options != 0 || AccountId.isPortfolio(id);
    }

    /// @notice As MarginCheck.assess, and the exposure as its exposureOf; by the scenarios of `witness` requirements are lower bounds.
    function assess(
        Ledger.State storage s,
        IOracleRouter router,
        bytes32 id,
        MarginCheck.PriceUse use,
        IMarginEngine.FeedPrice[] memory changes,
        bytes memory witness
    ) external view returns (IMarginEngine.Assessment memory a, uint256 exposure) {
        Sheet memory sheet;
        (a, sheet) = _look(s, router, id, use, changes, witness);
        exposure = a.notional;
        // The first is the quote asset.
        for (uint256 i = 1; i < sheet.assets.length; ++i) {
            exposure += FixedMath.abs(int256(sheet.assets[i]) >> 48);
        }
    }

    /// @notice A target by the scenarios of `witness`, and its assets and perps: the quote asset is always among them.
    function examine(Ledger.State storage s, IOracleRouter router, bytes32 id, bytes memory witness)
        external
        view
        returns (IMarginEngine.Assessment memory a, MarginCheck.Snapshot memory snap)
    {
        IMarginEngine.FeedPrice[] memory none = new IMarginEngine.FeedPrice[](0);
        Sheet memory sheet;
        (a, sheet) = _look(s, router, id, MarginCheck.PriceUse.TARGET, none, witness);
        (snap.assets, snap.perps, snap.markets) = (sheet.assets, sheet.perps, s.headers[id].markets);
    }

    function _look(
        Ledger.State storage s,
        IOracleRouter router,
        bytes32 id,
        MarginCheck.PriceUse use,
        IMarginEngine.FeedPrice[] memory changes,
        bytes memory witness
    ) private view returns (IMarginEngine.Assessment memory a, Sheet memory sheet) {
        sheet = _gather(s, router, id, use, changes, witness);
        a = _evaluate(s, id, sheet);
    }

    // ---------------------------------------------------------------- gathering

    function _gather(
        Ledger.State storage s,
        IOracleRouter router,
        bytes32 id,
        MarginCheck.PriceUse use,
        IMarginEngine.FeedPrice[] memory changes,
        bytes memory witness
    ) private view returns (Sheet memory sheet) {
        uint256 header = _headerWord(s.headers[id]);
        (uint256 bitmap, uint256 traded) = (header & type(uint64).max | 1, header >> 64 & type(uint64).max);
        (uint256 assets, uint256 perps) = (LibBit.popCount(bitmap), LibBit.popCount(traded));
        uint256 markets = _makeRoom(s, id, header, sheet, assets, perps, witness);
        sheet.use = use;
        uint256 params = Words.first(_list(assets));
        uint256 quoteFeed = s.globals.quoteFeed;
        uint256 count = assets + perps + markets + (quoteFeed == 0 ? 0 : 1);
        uint256 feeds = Words.buffer(count);
        AssetValues.load(s, id, bitmap, Words.first(sheet.assets), params, feeds);
        PerpValues.load(s, id, traded, Words.first(sheet.perps), feeds + 32 * assets);
        uint256 spots = feeds + 32 * (assets + perps);
        sheet.underlyings = _list(OptionValues.UNDERLYING_WORDS * markets);
        OptionValues.load(s, sheet.options, sheet.expiries, sheet.underlyings, spots);
        if (quoteFeed != 0) Words.put(feeds + 32 * (count - 1), quoteFeed);
        MarginCheck.readPrices(router, feeds, count, changes);
        sheet.owed = AssetValues.value(s, id, bitmap, Words.first(sheet.assets), params, feeds, use);
        PerpValues.value(s, sheet.perps, feeds + 32 * assets, use);
        // Nothing at risk: no feed, and no surface, keeps anyone from what is his.
        MarginCheck.PriceUse forOptions = sheet.bare ? MarginCheck.PriceUse.REDUCE : use;
        bool ending = OptionValues.value(s, sheet.underlyings, sheet.expiries, spots, forOptions);
        sheet.ending = ending && AccountId.isPortfolio(id) && !_isAlone(sheet);
        _depeg(s, sheet, traded != 0, feeds + 32 * (count - 1), quoteFeed);
        _tag(s, id, sheet, bitmap, traded, params, feeds);
    }

    /// @dev One expiry and the quote asset.
    function _isAlone(Sheet memory sheet) private pure returns (bool) {
        return sheet.assets.length == 1 && sheet.perps.length == 0 && sheet.expiries.length == OptionValues.EXPIRY_WORDS;
    }

    /// @dev All arrays behind the head of a call, in any order: handing them over copies nothing.
    function _makeRoom(
        Ledger.State storage s,
        bytes32 id,
        uint256 header,
        Sheet memory sheet,
        uint256 assets,
        uint256 perps,
        bytes memory witness
    ) private view returns (uint256 markets) {
        uint256 head;
        assembly ("memory-safe") {
            head := mload(64)
            mstore(64, add(head, 224))
        }
        sheet.head = head;
        sheet.options = OptionBook.sorted(s, id, header >> 128 & type(uint16).max);
        bool short;
        uint256 expiries;
        (expiries, markets, short) = OptionValues.survey(sheet.options);
        sheet.expiries = _list(OptionValues.EXPIRY_WORDS * expiries);
        (sheet.assets, sheet.tags, sheet.perps) = (_list(assets), _list(assets), _list(4 * perps));
        // Only a portfolio's requirement has scenarios to choose from.
        sheet.witness = AccountId.isPortfolio(id) ? bytes.concat(witness) : new bytes(0);
        sheet.bare = !short && perps == 0 && header >> 216 & 0xff == 0;
    }

    /// @dev As `new`, without what guards it against counts that there cannot be.
    function _list(uint256 count) private pure returns (uint256[] memory list) {
        assembly ("memory-safe") {
            list := mload(64)
            mstore(list, count)
            let first := add(list, 32)
            let end := add(first, shl(5, count))
            calldatacopy(first, calldatasize(), sub(end, first)) // zeros
            mstore(64, end)
        }
    }

    /// @dev Of Ledger.Header: assets (64) · markets (64) · options (16) · …, and from bit 216 on debts (8).
    function _headerWord(Ledger.Header storage header) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(header.slot)
        }
    }

    function _depeg(Ledger.State storage s, Sheet memory sheet, bool trades, uint256 at, uint256 quoteFeed)
        private
        view
    {
        sheet.tags[0] = PAR << 40;
        if (quoteFeed == 0) return;
        uint256 word = Words.get(at);
        bool exposed = trades || sheet.owed != 0 || !sheet.bare;
        sheet.depeg = MarginCheck.depegOf(s, word, quoteFeed, exposed, sheet.use);
        sheet.tags[0] = quoteFeed | PriceWord.confidence(word) << 8 | PriceWord.value(word) << 40;
    }

    /// @dev The feed, doubt and price of each asset; the side, doubt and size of each perp.
    function _tag(
        Ledger.State storage s,
        bytes32 id,
        Sheet memory sheet,
        uint256 assets,
        uint256 markets,
        uint256 params,
        uint256 prices
    ) private view {
        bool portfolio = AccountId.isPortfolio(id);
        unchecked {
            uint256 at = Words.first(sheet.tags);
            for (assets &= assets - 1; assets != 0; assets &= assets - 1) {
                (at, params, prices) = (at + 32, params + 32, prices + 32);
                uint256 word = Words.get(prices);
                uint256 tag = (Words.get(params) >> 8 & 0xff) | PriceWord.confidence(word) << 8;
                Words.put(at, tag | LibBit.ffs(assets) << 32 | PriceWord.value(word) << 40);
            }
            at = Words.first(sheet.perps);
            for (; markets != 0; markets &= markets - 1) {
                prices += 32;
                int256 size = s.positions[id][LibBit.ffs(markets)].size;
                uint256 side = (size < 0 ? 1 << 200 : 0) | PriceWord.confidence(Words.get(prices)) << 201;
                Words.put(at, Words.get(at) | side);
                if (portfolio) Words.put(at + 96, Words.get(at + 96) | FixedMath.abs(size) << 144);
                at += 128;
            }
        }
    }

    // ---------------------------------------------------------------- the model

    function _evaluate(Ledger.State storage s, bytes32 id, Sheet memory sheet)
        private
        view
        returns (IMarginEngine.Assessment memory a)
    {
        a = _ask(s, id, sheet);
        if (sheet.ending) _fade(s, id, sheet, a);
        bool fixed_ = sheet.use == MarginCheck.PriceUse.OPEN || sheet.use == MarginCheck.PriceUse.REDUCE;
        if (!fixed_ && _anyFailed(sheet)) _moveFailed(s, id, sheet, a);
        if (sheet.bare) {
            // Nothing to secure: healthy by definition.
            (a.im, a.im0, a.mm) = (0, 0, 0);
            return a;
        }
        // Of a portfolio account the model has been told the price of the quote asset.
        if (sheet.depeg != 0 && !AccountId.isPortfolio(id)) {
            a.im += FixedMath.mulDivUp(a.notional + sheet.owed, sheet.depeg, DEPEG_UNIT);
        }
    }

    /// @dev With a model that was replaced along its ramp, as MarginCheck does.
    function _ask(Ledger.State storage s, bytes32 id, Sheet memory sheet)
        private
        view
        returns (IMarginEngine.Assessment memory a)
    {
        bool portfolio = AccountId.isPortfolio(id);
        Ledger.OptionSetup memory setup =
            portfolio ? s.optionSetup : Ledger.OptionSetup(s.globals.model, s.globals.flags);
        a = _call(setup.portfolioModel, sheet);
        if (setup.flags & MODEL_RAMPING == 0) return a;
        Ledger.ModelRamp memory ramp = portfolio ? s.portfolioRamp : s.modelRamp;
        uint256 share = RampMath.oldShare(ramp.end, block.timestamp);
        if (share == 0) return a;
        IMarginEngine.Assessment memory was = _call(ramp.model, sheet);
        a.im0 = RampMath.between(was.im0, a.im0, share);
        a.mm = RampMath.between(was.mm, a.mm, share);
    }

    /// @dev What settles now moves less with the spot than what hedges it: the worse of its whole move and of what it has left of it
    /// (docs/decisions/042).
    function _fade(Ledger.State storage s, bytes32 id, Sheet memory sheet, IMarginEngine.Assessment memory a)
        private
        view
    {
        OptionValues.setFading(sheet.expiries, true);
        IMarginEngine.Assessment memory fading = _ask(s, id, sheet);
        OptionValues.setFading(sheet.expiries, false);
        if (fading.im > a.im) a.im = fading.im;
        if (fading.im0 > a.im0) a.im0 = fading.im0;
        if (fading.mm > a.mm) a.mm = fading.mm;
    }

    function _anyFailed(Sheet memory sheet) private view returns (bool) {
        unchecked {
            uint256 u = Words.first(sheet.underlyings);
            uint256 end = u + 32 * sheet.underlyings.length;
            for (; u < end; u += 32 * OptionValues.UNDERLYING_WORDS) {
                if (OptionValues.isFailed(u)) return true;
            }
            return false;
        }
    }

    /// @dev A spot that failed its test moves the options on it either way: of up, down and where it is, each number takes what is best for
    /// a target, and what is worst for who acquires. Underlying by underlying: their marks add up.
    function _moveFailed(Ledger.State storage s, bytes32 id, Sheet memory sheet, IMarginEngine.Assessment memory a)
        private
        view
    {
        IMarginEngine.Assessment memory base = _copy(a);
        bool favour = sheet.use == MarginCheck.PriceUse.TARGET;
        uint256 u = Words.first(sheet.underlyings);
        uint256 end = u + 32 * sheet.underlyings.length;
        for (; u < end; u += 32 * OptionValues.UNDERLYING_WORDS) {
            if (!OptionValues.isFailed(u)) continue;
            IMarginEngine.Assessment memory best = _copy(base);
            for (uint256 side; side < 2; ++side) {
                OptionValues.move(u, _moved(s, u, side == 0));
                IMarginEngine.Assessment memory one = _ask(s, id, sheet);
                if (sheet.ending) _fade(s, id, sheet, one);
                _choose(best, one, favour);
            }
            OptionValues.move(u, PriceWord.value(Words.get(u + 96)));
            a.equity += best.equity - base.equity;
            a.im = _plus(a.im, best.im, base.im);
            a.im0 = _plus(a.im0, best.im0, base.im0);
            a.mm = _plus(a.mm, best.mm, base.mm);
        }
        if (a.im0 < a.mm) a.im0 = a.mm;
    }

    function _copy(IMarginEngine.Assessment memory a) private pure returns (IMarginEngine.Assessment memory) {
        return IMarginEngine.Assessment(a.equity, a.im, a.im0, a.mm, a.notional);
    }

    function _plus(uint256 sum, uint256 best, uint256 base) private pure returns (uint256) {
        return FixedMath.positive(int256(sum) + int256(best) - int256(base));
    }

    function _moved(Ledger.State storage s, uint256 u, bool up) private view returns (uint256) {
        (uint256 risk, uint256 word) = (Words.get(u + 64), Words.get(u + 96));
        (uint256 multiplier,) = VolatilityMath.multipliers(word, block.timestamp);
        uint256 sigma = MarginCheck.scaledSigma(risk >> 168 & 0xffff, multiplier);
        return MarginCheck.moved(PriceWord.value(word), sigma, s.globals.kappa, PriceWord.age(word), up);
    }

    function _choose(IMarginEngine.Assessment memory best, IMarginEngine.Assessment memory one, bool favour)
        private
        pure
    {
        if (favour == (one.equity > best.equity)) best.equity = one.equity;
        if (favour == (one.im < best.im)) best.im = one.im;
        if (favour == (one.im0 < best.im0)) best.im0 = one.im0;
        if (favour == (one.mm < best.mm)) best.mm = one.mm;
    }

    /// @dev IOptionModel.assessOptions on what `_makeRoom` laid out; the answer is five words, as the struct is.
    function _call(address model, Sheet memory sheet) private view returns (IMarginEngine.Assessment memory a) {
        bytes4 selector = IOptionModel.assessOptions.selector;
        assembly ("memory-safe") {
            let head := mload(sheet)
            mstore(head, shr(224, selector))
            let args := add(head, 32)
            mstore(args, sub(mload(add(sheet, 32)), args))
            mstore(add(args, 32), sub(mload(add(sheet, 64)), args))
            mstore(add(args, 64), sub(mload(add(sheet, 96)), args))
            mstore(add(args, 96), sub(mload(add(sheet, 128)), args))
            mstore(add(args, 128), sub(mload(add(sheet, 160)), args))
            let last := mload(add(sheet, 192))
            mstore(add(args, 160), sub(last, args))
            // The witness is the last of the arrays.
            let end := add(add(last, 32), and(add(mload(last), 31), not(31)))
            if iszero(staticcall(gas(), model, add(head, 28), sub(end, add(head, 28)), a, 160)) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
            if lt(returndatasize(), 160) { revert(0, 0) }
        }
    }
}

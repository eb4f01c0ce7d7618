// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IOptionLens} from "../../interfaces/IOptionLens.sol";
import {IOracleRouter} from "../../interfaces/IOracleRouter.sol";
import {IVolatilityFeed} from "../../interfaces/IVolatilityFeed.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {Black76} from "../libraries/Black76.sol";
import {ConfigWords} from "../libraries/ConfigWords.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {LedgerSlots} from "../libraries/LedgerSlots.sol";
import {OptionSeries} from "../libraries/OptionSeries.sol";
import {PriceWord} from "../libraries/PriceWord.sol";
import {SettlementMath} from "../libraries/SettlementMath.sol";
import {SurfaceWord} from "../libraries/SurfaceWord.sol";
import {SviMath} from "../libraries/SviMath.sol";

/// @title Marks of series, and the Greeks of accounts
/// @dev One context per market and expiry: series that come grouped read each price and surface once.
contract OptionLens is IOptionLens {
    /// @dev What series of one expiry share. fixedSpot: the market's price is final and the feed moves nothing any more; live: there is a
    /// surface to price by; settled: the price of the expiry is final. rest of total: what is open of it before, both 1 while all is. index: the
    /// price word's value; failed: it is not good.
    struct Context {
        uint256 table;
        uint256 record;
        uint256 group;
        uint256 market;
        uint256 feed;
        uint256 index;
        bool failed;
        uint256 rest;
        uint256 total;
        uint256 spot;
        uint256 forward;
        uint256 fitted;
        int256 shift;
        uint256 secs;
        uint256 root;
        uint256 tau;
        uint256 carry;
        uint256 status;
        bool fixedSpot;
        bool live;
        bool settled;
        SviMath.Smile smile;
    }

    int256 private constant _WAD = 1e18;
    uint256 private constant _SIZE = 1e8;
    uint256 private constant _FLAGS_BIT = 232;

    IMarginEngine public immutable engine;
    IOracleRouter public immutable router;
    /// @notice The NormalTable that prices come from.
    address public immutable TABLE;

    modifier whenUnlocked() {
        if (engine.locked()) revert IMarginEngine.Locked();
        _;
    }

    constructor(IMarginEngine engine_, IOracleRouter router_, address table) {
        (engine, router, TABLE) = (engine_, router_, table);
    }

    /// @inheritdoc IOptionLens
    function quotes(uint256[] calldata instruments) external view whenUnlocked returns (Quote[] memory found) {
        found = new Quote[](instruments.length);
        Context memory ctx = _context();
        for (uint256 i; i < instruments.length; ++i) {
            OptionSeries.requireCanonical(instruments[i]);
            found[i] = _quote(ctx, instruments[i]);
        }
    }

    /// @inheritdoc IOptionLens
    function greeks(bytes32 account) external view whenUnlocked returns (Underlying[] memory found) {
        uint256 header = uint256(_slot(LedgerSlots.at(uint256(account), LedgerSlots.HEADERS)));
        (uint64[] memory instruments, int64[] memory quantities) = engine.options(account);
        Underlying[] memory table = new Underlying[](256);
        _addAssets(table, account, uint64(header));
        _addPerps(table, account, uint64(header >> 64));
        Context memory ctx = _context();
        for (uint256 i; i < instruments.length; ++i) {
            _addOption(table, _quote(ctx, instruments[i]), ctx, quantities[i]);
        }
        return _compact(table);
    }

    // ------------------------------------------------------------------ one account

    function _addAssets(Underlying[] memory table, bytes32 account, uint256 bitmap) private view {
        for (; bitmap != 0; bitmap &= bitmap - 1) {
            uint256 asset = LibBit.ffs(bitmap);
            uint256 word = uint256(_slot(LedgerSlots.at(asset, LedgerSlots.ASSETS)));
            uint256 feed = uint8(word >> LedgerSlots.ASSET_FEED_BIT);
            if (feed == 0) continue;
            int256 amount = engine.held(account, asset) + int256(engine.lentOf(account, asset))
                - int256(engine.debtOf(account, asset));
            _at(table, feed).delta += amount * _WAD / int256(10 ** uint8(word));
        }
    }

    /// @dev A perp whose price is final moves nothing.
    function _addPerps(Underlying[] memory table, bytes32 account, uint256 bitmap) private view {
        for (; bitmap != 0; bitmap &= bitmap - 1) {
            uint256 market = LibBit.ffs(bitmap);
            (uint256 feed, uint256 finalPrice) = _market(market);
            (int256 size,) = engine.position(account, market);
            Underlying memory u = _at(table, feed);
            if (finalPrice == 0) u.delta += size * _WAD / int256(_SIZE);
        }
    }

    function _addOption(Underlying[] memory table, Quote memory q, Context memory ctx, int256 quantity) private view {
        Underlying memory u = _at(table, ctx.feed);
        u.marks += quantity * int256(q.mark);
        u.delta += quantity * q.delta / int256(_SIZE);
        u.gamma += quantity * int256(q.gamma) / int256(_SIZE);
        u.vega += quantity * int256(q.vega) / int256(_SIZE);
        u.theta += quantity * q.theta / int256(_SIZE);
    }

    function _at(Underlying[] memory table, uint256 feed) private view returns (Underlying memory u) {
        u = table[feed];
        if (u.feed == 0) (u.feed, u.spot) = (feed, _price(feed));
    }

    function _compact(Underlying[] memory table) private pure returns (Underlying[] memory found) {
        uint256 count;
        for (uint256 feed; feed < table.length; ++feed) {
            if (table[feed].feed != 0) table[count++] = table[feed];
        }
        assembly ("memory-safe") {
            mstore(table, count)
        }
        return table;
    }

    // ------------------------------------------------------------------ one series

    function _quote(Context memory ctx, uint256 instrument) private view returns (Quote memory q) {
        if (OptionSeries.groupOf(instrument) != ctx.group) _open(ctx, instrument);
        (q.spot, q.forward, q.status) = (ctx.spot, ctx.forward, ctx.status);
        uint256 strike = OptionSeries.strikeOf(instrument);
        bool put = OptionSeries.isPut(instrument);
        if (ctx.live) _priced(ctx, q, strike, put);
        else _intrinsic(ctx, q, OptionSeries.payoff(instrument, ctx.spot), put);
        if (ctx.fixedSpot) (q.delta, q.gamma) = (0, 0);
    }

    function _intrinsic(Context memory ctx, Quote memory q, uint256 payoff, bool put) private pure {
        q.mark = payoff;
        if (payoff != 0 && !ctx.settled) q.delta = (put ? -_WAD : _WAD) * int256(ctx.rest) / int256(ctx.total);
    }

    /// @dev The mark step by step as RuleOptions has it, so that both round alike.
    function _priced(Context memory ctx, Quote memory q, uint256 strike, bool put) private pure {
        int256 log = Black76.logMoneyness(strike, ctx.fitted);
        q.vol = SviMath.volatility(ctx.smile, log * _WAD >> 64, ctx.tau);
        uint256 total = Black76.totalVol(q.vol, ctx.root);
        Black76.record(ctx.record, log, strike, int256(_SIZE));
        Black76.setVol(ctx.record, 0, Black76.volWord(total));
        uint256 call = uint256(Black76.strip(ctx.table, ctx.record, 1, 0, ctx.shift, ctx.forward));
        q.mark = (put ? FixedMath.positive(int256(call + strike * _SIZE) - int256(ctx.forward * _SIZE)) : call) / _SIZE;
        (q.delta, q.gamma, q.vega, q.theta) = Black76.greeks(ctx.table, ctx.forward, strike, total, ctx.secs);
        if (put) q.delta -= _WAD;
        // From the forward to the index, of which it is a multiple, and to what of it is still open.
        q.delta = q.delta * int256(ctx.carry * ctx.rest) / (_WAD * int256(ctx.total));
        q.gamma = FixedMath.mulDivDown(q.gamma, (ctx.carry * ctx.rest) ** 2, 1e36 * ctx.total ** 2);
    }

    // ------------------------------------------------------------------ one expiry

    function _context() private view returns (Context memory ctx) {
        (ctx.table, ctx.record) = (Black76.load(TABLE), Black76.allocate(2));
        (ctx.group, ctx.market) = (type(uint256).max, type(uint256).max);
    }

    function _open(Context memory ctx, uint256 instrument) private view {
        ctx.group = OptionSeries.groupOf(instrument);
        uint256 market = OptionSeries.marketOf(instrument);
        if (market != ctx.market) {
            uint256 finalPrice;
            (ctx.feed, finalPrice) = _market(market);
            (ctx.market, ctx.fixedSpot) = (market, finalPrice != 0);
            (ctx.index, ctx.failed) = ctx.fixedSpot ? (finalPrice, false) : _lastPrice(market, ctx.feed);
        }
        uint256 expiry = OptionSeries.expiryOf(instrument);
        uint256 time = expiry * OptionSeries.MINUTE;
        (ctx.spot, ctx.status, ctx.live, ctx.settled) = (ctx.index, 0, false, false);
        (ctx.rest, ctx.total) = (1, 1);
        if (time < block.timestamp + SettlementMath.WINDOW) _expect(ctx, OptionSeries.keyOf(market, expiry), time);
        if (block.timestamp < time) {
            ctx.secs = time - block.timestamp;
            _bend(ctx, OptionSeries.keyOf(market, expiry));
        }
        if (!ctx.live) ctx.forward = ctx.spot;
    }

    /// @dev As OptionValues has it.
    function _expect(Context memory ctx, uint256 key, uint256 time) private view {
        uint256 word = uint256(_slot(LedgerSlots.at(key, LedgerSlots.SETTLEMENTS)));
        ctx.settled = uint72(word) != 0;
        if (ctx.settled) {
            ctx.spot = uint72(word);
            return;
        }
        (ctx.rest, ctx.total) = SettlementMath.open(word, time, block.timestamp, ctx.failed);
        ctx.spot = SettlementMath.mean(SettlementMath.weightedOf(word), ctx.rest, ctx.total, ctx.index);
    }

    /// @dev Without a surface an option is what it would pay now, as to the models.
    function _bend(Context memory ctx, uint256 key) private view {
        address surfaces = address(uint160(uint256(_slot(bytes32(LedgerSlots.SURFACES)))));
        ctx.status = SurfaceWord.MISSING;
        if (surfaces == address(0)) return;
        uint256[] memory keys = new uint256[](1);
        keys[0] = key;
        uint256[] memory w = IVolatilityFeed(surfaces).read(keys);
        (ctx.fitted, ctx.carry) = (SurfaceWord.forwardRef(w[1]), SurfaceWord.carry(w[2]));
        ctx.carry = SettlementMath.carry(ctx.carry, ctx.rest, ctx.total);
        ctx.status = SurfaceWord.status(w[2]);
        ctx.live = ctx.fitted != 0 && ctx.carry != 0;
        if (!ctx.live) return;
        ctx.smile = SviMath.Smile(
            SurfaceWord.a(w[0]),
            SurfaceWord.b(w[0]),
            SurfaceWord.rho(w[0]),
            SurfaceWord.m(w[0]),
            int256(SurfaceWord.sigma(w[1]))
        );
        (ctx.tau, ctx.root) = (SurfaceWord.tau(w[1]), FixedMath.sqrtYears(ctx.secs));
        ctx.forward = ctx.spot * ctx.carry / FixedMath.WAD;
        ctx.shift = Black76.logMoneyness(ctx.forward, ctx.fitted);
    }

    // ------------------------------------------------------------------ reading

    /// @dev finalPrice: zero while the feed counts.
    function _market(uint256 market) private view returns (uint256 feed, uint256 finalPrice) {
        uint256 risk = uint256(_slot(LedgerSlots.marketWord(market, LedgerSlots.RISK)));
        feed = uint8(risk >> LedgerSlots.FEED_BIT);
        if (feed == 0) revert IMarginEngine.UnknownMarket(market);
        if (risk >> _FLAGS_BIT & ConfigWords.CLOSING == 0) return (feed, 0);
        finalPrice = uint72(uint256(_slot(LedgerSlots.marketWord(market, LedgerSlots.CLOSING))));
    }

    function _lastPrice(uint256 market, uint256 feed) private view returns (uint256 price, bool failed) {
        uint256 risk = uint256(_slot(LedgerSlots.marketWord(market, LedgerSlots.RISK)));
        uint256[] memory feeds = new uint256[](1);
        feeds[0] = feed;
        uint256 word = router.read(feeds)[0];
        return (PriceWord.value(word), !MarginCheck.isGood(word, uint16(risk >> LedgerSlots.MAX_AGE_BIT)));
    }

    function _price(uint256 feed) private view returns (uint256) {
        uint256[] memory feeds = new uint256[](1);
        feeds[0] = feed;
        return PriceWord.value(router.read(feeds)[0]);
    }

    function _slot(bytes32 key) private view returns (bytes32) {
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = key;
        return engine.slots(keys)[0];
    }
}

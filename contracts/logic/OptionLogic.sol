// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IOrderVerifier} from "../../interfaces/IOrderVerifier.sol";
import {Ledger} from "../Ledger.sol";
import {OptionBook} from "../OptionBook.sol";
import {PerpTrading} from "../PerpTrading.sol";
import {AccountId} from "../libraries/AccountId.sol";
import {ActionData} from "../libraries/ActionData.sol";
import {AssetMath} from "../libraries/AssetMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {OperatorGrants} from "../libraries/OperatorGrants.sol";
import {OptionSeries} from "../libraries/OptionSeries.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {SignedOrders} from "../libraries/SignedOrders.sol";
import {OptionMarks} from "./OptionMarks.sol";

/// @title Match: two signed orders filled with each other, options and perps, all legs or none
/// @notice Options are between the two alone: the premium moves at the fill, and of every series the quantities of all accounts sum to zero. Each
/// leg's price lies within half the market's MM rate of its mark, so that a fill moves no more between two accounts than their margin
/// stands for. Fees on options are insurance's, which stands behind them, fees on perps the pool's.
/// @dev Linked library over the engine's storage. Who acts, and both margins, are the engine's.
library OptionLogic {
    using SafeCastLib for uint256;

    /// @dev A fee on an option is at most an eighth of its premium.
    uint256 private constant PREMIUM_SHARE = 8;
    /// @dev Sizes of an order are in packages of 1e-8; limits in 1e-10 quote, which is 1e8 WAD.
    int256 private constant ONE = 1e8;

    /// @notice What the engine has to know of one side of a fill. operated: somebody else acts for its owner. traded: at index, WAD. lost:
    /// against marks and index, fees included.
    struct Outcome {
        bool opening;
        bool operated;
        uint256 traded;
        int256 lost;
    }

    /// @dev fee: on options, paid here; perpFee: in the positions' costs already. WAD.
    struct Side {
        bytes32 id;
        bool opening;
        bool operated;
        bool reduceOnly;
        uint256 fee;
        uint256 perpFee;
        bytes32 hash;
        OptionBook.Book book;
    }

    /// @dev Of the maker, WAD: what he pays per package, perps included; what he pays for the options in all; what he loses against marks and
    /// index. traded: at index.
    struct Deal {
        Side maker;
        Side taker;
        OptionMarks.Context marks;
        int256 net;
        int256 premium;
        int256 lost;
        uint256 traded;
    }

    // ---------------------------------------------------------------- match

    /// @notice Verifies both orders, fills every leg, moves premium and fees.
    /// @param data A Match. @param maker The account that its maker's order has to be of. @param taker The same of its taker's.
    function trade(
        Ledger.State storage s,
        Ledger.Env memory env,
        address caller,
        bytes32 maker,
        bytes32 taker,
        bytes calldata data
    ) external returns (Outcome memory ofMaker, Outcome memory ofTaker) {
        IMarginEngine.Match calldata order = ActionData.matchOf(data);
        if (maker == taker) revert IMarginEngine.AccountMismatch(maker, taker);
        _requireCounts(order);
        Deal memory d;
        d.marks.market = type(uint256).max;
        _enter(s, d.maker, order.maker, maker, caller);
        _enter(s, d.taker, order.taker, taker, caller);
        _verify(s, d.maker, order.maker, caller, taker, order.size);
        _verify(s, d.taker, order.taker, caller, maker, order.size);
        _fill(s, env, d, order);
        _requireLimit(order.maker.order, d.net);
        _requireLimit(order.taker.order, -d.net);
        OptionBook.close(s, d.maker.book);
        OptionBook.close(s, d.taker.book);
        _pay(s, env, d);
        emit IMarginEngine.Matched(
            maker, taker, d.maker.hash, d.taker.hash, order.size, d.premium, d.maker.fee, d.taker.fee
        );
        _report(ofMaker, d.maker, d.traded, d.lost);
        _report(ofTaker, d.taker, d.traded, -d.lost);
    }

    function _report(Outcome memory outcome, Side memory side, uint256 traded, int256 lost) private pure {
        (outcome.opening, outcome.operated) = (side.opening, side.operated);
        (outcome.traded, outcome.lost) = (traded, lost + int256(side.fee + side.perpFee));
    }

    function _requireCounts(IMarginEngine.Match calldata order) private pure {
        uint256 count = order.maker.order.legs.length;
        if (order.prices.length != count) revert IMarginEngine.PriceCountMismatch(order.prices.length, count);
        uint256 mirror = order.taker.order.legs.length;
        if (mirror != count) revert IMarginEngine.LegsNotMirrored(mirror);
    }

    /// @dev The account as it is, with room for what may come. Without a signature the sender acts: the owner, or an operator who reduces
    /// within his grant.
    function _enter(
        Ledger.State storage s,
        Side memory side,
        IOrderVerifier.SignedOrder calldata signed,
        bytes32 id,
        address caller
    ) private view {
        IOrderVerifier.Order calldata order = signed.order;
        if (order.account != id) revert IMarginEngine.AccountMismatch(id, order.account);
        IOrderVerifier.Leg[] calldata legs = order.legs;
        (side.id, side.reduceOnly) = (id, order.reduceOnly);
        OptionBook.openInto(side.book, s, id, legs.length);
        if (signed.signature.length != 0 || caller == AccountId.ownerOf(id)) return;
        (side.operated, side.reduceOnly) = (true, true);
        for (uint256 i; i < legs.length; ++i) {
            OperatorGrants.requireMarket(s, id, caller, OptionSeries.marketOf(legs[i].instrument));
        }
    }

    /// @dev For an operator the owner is asked.
    function _verify(
        Ledger.State storage s,
        Side memory side,
        IOrderVerifier.SignedOrder calldata signed,
        address caller,
        bytes32 other,
        uint256 size
    ) private {
        address verifier = s.verifier;
        if (verifier == address(0)) revert IMarginEngine.OptionsClosed();
        address owner = AccountId.ownerOf(side.id);
        if (side.operated) caller = owner;
        side.hash = SignedOrders.fill(signed, verifier, caller, AccountId.ownerOf(other), s.lockdowns[owner], size);
    }

    function _requireLimit(IOrderVerifier.Order calldata order, int256 net) private pure {
        int256 limit = int256(order.limit) * ONE;
        if (net > limit) revert IMarginEngine.PackagePriceExceeded(order.account, net, limit);
    }

    // ---------------------------------------------------------------- legs

    /// @dev What was verified is 1 to 16 legs, ascending, and whole at this size. Products of what an order, a price and a size can hold stay
    /// below 2^192.
    function _fill(Ledger.State storage s, Ledger.Env memory env, Deal memory d, IMarginEngine.Match calldata order)
        private
    {
        IOrderVerifier.Leg[] calldata legs = order.maker.order.legs;
        IOrderVerifier.Leg[] calldata mirror = order.taker.order.legs;
        uint80[] calldata prices = order.prices;
        int256 size = int256(uint256(order.size));
        unchecked {
            for (uint256 i; i < legs.length; ++i) {
                (uint256 instrument, int256 quantity, uint256 price) = (legs[i].instrument, legs[i].quantity, prices[i]);
                if (mirror[i].instrument != instrument || mirror[i].quantity != -quantity) {
                    revert IMarginEngine.LegsNotMirrored(i);
                }
                d.net += quantity * int256(price);
                quantity = quantity * size / ONE;
                if (OptionSeries.expiryOf(instrument) == 0) {
                    _perp(s, env, d, instrument, quantity, price);
                } else {
                    _option(s, env, d, instrument, quantity, price);
                    d.premium += quantity * int256(price);
                }
            }
        }
    }

    function _perp(
        Ledger.State storage s,
        Ledger.Env memory env,
        Deal memory d,
        uint256 instrument,
        int256 size,
        uint256 price
    ) private {
        uint256 market = OptionSeries.marketOf(instrument);
        if (instrument != market << OptionSeries.MARKET_BIT) revert IMarginEngine.ExpiryOutOfRange(0);
        PerpTrading.Crossed memory r =
            PerpTrading.cross(s, env, PerpTrading.Crossing(d.maker.id, d.taker.id, market, size, price));
        OptionMarks.requireBand(instrument, price, r.index, OptionMarks.bandOf(s.markets[market], r.index));
        _book(d, instrument, size, price, r.index, r.index, r.makerGrows, r.takerGrows);
        d.maker.perpFee += r.makerFee;
        d.taker.perpFee += r.takerFee;
    }

    function _option(
        Ledger.State storage s,
        Ledger.Env memory env,
        Deal memory d,
        uint256 instrument,
        int256 quantity,
        uint256 price
    ) private {
        OptionSeries.requireCanonical(instrument);
        OptionMarks.Context memory marks = d.marks;
        OptionMarks.open(s, env, marks, instrument);
        (int256 long, int256 short) = (
            OptionBook.change(d.maker.book, instrument, quantity),
            OptionBook.change(d.taker.book, instrument, -quantity)
        );
        bool makerGrows = PositionMath.grows(long, quantity);
        bool takerGrows = PositionMath.grows(short, -quantity);
        uint256 mark =
            OptionMarks.markOf(s, marks, instrument, makerGrows ? d.maker.id : d.taker.id, makerGrows || takerGrows);
        OptionMarks.requireBand(instrument, price, mark, marks.band);
        _book(d, instrument, quantity, price, mark, marks.spot, makerGrows, takerGrows);
        _charge(d, FixedMath.abs(quantity), price);
        emit IMarginEngine.LegFilled(d.maker.id, instrument, quantity, price);
    }

    /// @dev A price within its band is near the mark, so that no product comes near 2^255.
    function _book(
        Deal memory d,
        uint256 instrument,
        int256 quantity,
        uint256 price,
        uint256 mark,
        uint256 index,
        bool makerGrows,
        bool takerGrows
    ) private pure {
        if (makerGrows) _grow(d.maker, instrument);
        if (takerGrows) _grow(d.taker, instrument);
        unchecked {
            d.traded += FixedMath.abs(quantity) * index;
            d.lost += quantity * (int256(price) - int256(mark));
        }
    }

    function _grow(Side memory side, uint256 instrument) private pure {
        if (side.reduceOnly) revert IMarginEngine.ReduceOnlyExceeded(side.id, instrument);
        side.opening = true;
    }

    function _charge(Deal memory d, uint256 size, uint256 price) private pure {
        unchecked {
            uint256 notional = size * d.marks.spot;
            uint256 most = size * price / PREMIUM_SHARE;
            d.maker.fee += FixedMath.min(FixedMath.ceilDiv(notional * d.marks.makerFee, FixedMath.PPM), most);
            d.taker.fee += FixedMath.min(FixedMath.ceilDiv(notional * d.marks.takerFee, FixedMath.PPM), most);
        }
    }

    // ---------------------------------------------------------------- cash

    /// @dev In whole units of the quote token, up for who pays. Either may go below zero here: the end of the batch requires zero or more.
    function _pay(Ledger.State storage s, Ledger.Env memory env, Deal memory d) private {
        int256 units = AssetMath.toUnitsUp(FixedMath.abs(d.premium), env.unit).toInt256();
        if (d.premium < 0) units = -units;
        int256 makerFee = AssetMath.toUnitsUp(d.maker.fee, env.unit).toInt256();
        int256 takerFee = AssetMath.toUnitsUp(d.taker.fee, env.unit).toInt256();
        Ledger.changeHeld(s, d.maker.id, Ledger.QUOTE, -units - makerFee);
        Ledger.changeHeld(s, d.taker.id, Ledger.QUOTE, units - takerFee);
        Ledger.changeHeld(s, env.insurance, Ledger.QUOTE, makerFee + takerFee);
    }

    // ---------------------------------------------------------------- between accounts of one owner

    /// @notice Moves `order.size` of a series, without cash.
    function transfer(Ledger.State storage s, bytes32 id, IMarginEngine.Transfer memory order) external {
        int256 have = OptionBook.quantityOf(s, id, order.market);
        bool within = order.size > 0 ? order.size <= have : order.size < 0 && order.size >= have;
        if (!within) {
            revert IMarginEngine.InsufficientBalance(id, order.market, FixedMath.abs(have), FixedMath.abs(order.size));
        }
        OptionBook.Book memory from = OptionBook.open(s, id, 0);
        OptionBook.change(from, order.market, -int256(order.size));
        OptionBook.close(s, from);
        OptionBook.Book memory to = OptionBook.open(s, order.to, 1);
        OptionBook.change(to, order.market, order.size);
        OptionBook.close(s, to);
    }

    /// @notice What an account has, ascending by instrument.
    function positionsOf(Ledger.State storage s, bytes32 id)
        external
        view
        returns (uint64[] memory instruments, int64[] memory quantities)
    {
        uint256[] memory words = OptionBook.sorted(s, id, s.headers[id].options);
        (instruments, quantities) = (new uint64[](words.length), new int64[](words.length));
        for (uint256 i; i < words.length; ++i) {
            (instruments[i], quantities[i]) = (uint64(words[i] >> 64), int64(uint64(words[i])));
        }
    }
}

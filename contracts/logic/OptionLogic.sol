// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IOrderVerifier} from "../../interfaces/IOrderVerifier.sol";
import {Ledger} from "../Ledger.sol";
import {OptionBook} from "../OptionBook.sol";
import {PerpTrading} from "../PerpTrading.sol";
import {AccountId} from "../libraries/AccountId.sol";
import {AssetMath} from "../libraries/AssetMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {OperatorGrants} from "../libraries/OperatorGrants.sol";
import {OptionSeries} from "../libraries/OptionSeries.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
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
    uint256 private constant ONE = 1e8;

    /// @notice What the engine has to know of one side of a fill. traded: at index, WAD. lost: against marks and index, fees included.
    struct Side {
        bytes32 id;
        bool opening;
        bool operated;
        bool reduceOnly;
        uint256 traded;
        int256 lost;
        uint256 fee;
        bytes32 hash;
        OptionBook.Book book;
    }

    /// @dev net: what the maker pays per package, WAD, perps included; premium: what he pays for the options in all.
    struct Deal {
        address caller;
        IMarginEngine.Match order;
        Side[2] sides;
        int256 net;
        int256 premium;
    }

    // ---------------------------------------------------------------- match

    /// @notice The accounts of a Match, for who must look at them before it.
    function parties(bytes calldata data) external pure returns (bytes32, bytes32) {
        IMarginEngine.Match memory order = abi.decode(data, (IMarginEngine.Match));
        return (order.maker.order.account, order.taker.order.account);
    }

    /// @notice Verifies both orders, fills every leg, moves premium and fees.
    /// @return filled Per side the account, whether something grew, whether somebody acts for its owner, what was traded at index (WAD), and
    /// what was lost against marks and index, fees included.
    function trade(Ledger.State storage s, Ledger.Env memory env, address caller, bytes calldata data)
        external
        returns (uint256[10] memory filled)
    {
        Deal memory d;
        d.caller = caller;
        d.order = abi.decode(data, (IMarginEngine.Match));
        _requireMirror(d.order);
        _enter(s, d, 0, d.order.maker, d.order.taker.order.account);
        _enter(s, d, 1, d.order.taker, d.order.maker.order.account);
        _verify(s, d, d.order.maker, d.sides[0], d.sides[1].id);
        _verify(s, d, d.order.taker, d.sides[1], d.sides[0].id);
        _fill(s, env, d);
        _requireLimit(d.order.maker.order, d.net);
        _requireLimit(d.order.taker.order, -d.net);
        OptionBook.close(s, d.sides[0].book);
        OptionBook.close(s, d.sides[1].book);
        _pay(s, env, d.sides, d.premium);
        _tell(d);
        _report(filled, 0, d.sides[0]);
        _report(filled, 5, d.sides[1]);
    }

    function _tell(Deal memory d) private {
        (Side memory maker, Side memory taker) = (d.sides[0], d.sides[1]);
        emit IMarginEngine.Matched(
            maker.id, taker.id, maker.hash, taker.hash, d.order.size, d.premium, maker.fee, taker.fee
        );
    }

    function _report(uint256[10] memory filled, uint256 at, Side memory side) private pure {
        filled[at] = uint256(side.id);
        filled[at + 1] = side.opening ? 1 : 0;
        filled[at + 2] = side.operated ? 1 : 0;
        filled[at + 3] = side.traded;
        filled[at + 4] = uint256(side.lost);
    }

    function _requireMirror(IMarginEngine.Match memory order) private pure {
        IOrderVerifier.Leg[] memory legs = order.maker.order.legs;
        IOrderVerifier.Leg[] memory mirror = order.taker.order.legs;
        if (order.prices.length != legs.length) {
            revert IMarginEngine.PriceCountMismatch(order.prices.length, legs.length);
        }
        if (mirror.length != legs.length) revert IMarginEngine.LegsNotMirrored(mirror.length);
        for (uint256 i; i < legs.length; ++i) {
            bool mirrored =
                legs[i].instrument == mirror[i].instrument && int256(legs[i].quantity) == -int256(mirror[i].quantity);
            if (!mirrored) revert IMarginEngine.LegsNotMirrored(i);
        }
    }

    /// @dev The account as it is, with room for what may come. Without a signature the sender acts: the owner, or an operator who reduces
    /// within his grant.
    function _enter(
        Ledger.State storage s,
        Deal memory d,
        uint256 which,
        IOrderVerifier.SignedOrder memory signed,
        bytes32 other
    ) private view {
        bytes32 id = signed.order.account;
        if (id == other) revert IMarginEngine.AccountMismatch(id, other);
        Side memory side = d.sides[which];
        (side.id, side.reduceOnly) = (id, signed.order.reduceOnly);
        side.book = OptionBook.open(s, id, signed.order.legs.length);
        if (signed.signature.length != 0 || d.caller == AccountId.ownerOf(id)) return;
        (side.operated, side.reduceOnly) = (true, true);
        for (uint256 i; i < signed.order.legs.length; ++i) {
            OperatorGrants.requireMarket(s, id, d.caller, OptionSeries.marketOf(signed.order.legs[i].instrument));
        }
    }

    /// @dev For an operator the owner is asked.
    function _verify(
        Ledger.State storage s,
        Deal memory d,
        IOrderVerifier.SignedOrder memory signed,
        Side memory side,
        bytes32 other
    ) private {
        address verifier = s.verifier;
        if (verifier == address(0)) revert IMarginEngine.OptionsClosed();
        address owner = AccountId.ownerOf(side.id);
        side.hash = IOrderVerifier(verifier)
            .fill(
                signed.order,
                signed.signature,
                side.operated ? owner : d.caller,
                AccountId.ownerOf(other),
                s.lockdowns[owner],
                d.order.size
            );
    }

    function _requireLimit(IOrderVerifier.Order memory order, int256 net) private pure {
        if (net > int256(order.limit) * int256(ONE)) {
            revert IMarginEngine.PackagePriceExceeded(order.account, net, int256(order.limit) * int256(ONE));
        }
    }

    // ---------------------------------------------------------------- legs

    function _fill(Ledger.State storage s, Ledger.Env memory env, Deal memory d) private {
        IOrderVerifier.Leg[] memory legs = d.order.maker.order.legs;
        OptionMarks.Context memory ctx;
        ctx.market = type(uint256).max;
        for (uint256 i; i < legs.length; ++i) {
            (uint256 instrument, uint256 price) = (legs[i].instrument, d.order.prices[i]);
            // Whole: the verifier refuses a size that would not be.
            int256 quantity = int256(legs[i].quantity) * int256(uint256(d.order.size)) / int256(ONE);
            d.net += int256(legs[i].quantity) * int256(price);
            if (OptionSeries.expiryOf(instrument) == 0) {
                _perp(s, env, d.sides, instrument, quantity, price);
            } else {
                _option(s, env, ctx, d.sides, instrument, quantity, price);
                d.premium += quantity * int256(price);
            }
        }
    }

    function _perp(
        Ledger.State storage s,
        Ledger.Env memory env,
        Side[2] memory sides,
        uint256 instrument,
        int256 size,
        uint256 price
    ) private {
        uint256 market = OptionSeries.marketOf(instrument);
        if (instrument != market << OptionSeries.MARKET_BIT) revert IMarginEngine.ExpiryOutOfRange(0);
        PerpTrading.Crossed memory r =
            PerpTrading.cross(s, env, PerpTrading.Crossing(sides[0].id, sides[1].id, market, size, price));
        OptionMarks.requireBand(s.markets[market], instrument, price, r.index, r.index);
        _book(sides[0], instrument, size, price, r.index, r.index, r.makerGrows);
        _book(sides[1], instrument, -size, price, r.index, r.index, r.takerGrows);
        // The fees are in the positions' costs.
        sides[0].lost += int256(r.makerFee);
        sides[1].lost += int256(r.takerFee);
    }

    function _option(
        Ledger.State storage s,
        Ledger.Env memory env,
        OptionMarks.Context memory ctx,
        Side[2] memory sides,
        uint256 instrument,
        int256 quantity,
        uint256 price
    ) private {
        OptionSeries.requireCanonical(instrument);
        uint256 time = OptionSeries.expiryOf(instrument) * OptionSeries.MINUTE;
        if (time <= block.timestamp) revert IMarginEngine.SeriesExpired(instrument, time);
        bool[2] memory grows;
        for (uint256 i; i < 2; ++i) {
            int256 delta = i == 0 ? quantity : -quantity;
            (int256 before,) = OptionBook.change(sides[i].book, instrument, delta);
            grows[i] = PositionMath.grows(before, delta);
        }
        uint256 mark = OptionMarks.markOf(s, env, ctx, instrument, sides[grows[0] ? 0 : 1].id, grows[0] || grows[1]);
        OptionMarks.requireBand(s.markets[ctx.market], instrument, price, mark, ctx.spot);
        uint256 size = FixedMath.abs(quantity);
        for (uint256 i; i < 2; ++i) {
            _book(sides[i], instrument, i == 0 ? quantity : -quantity, price, mark, ctx.spot, grows[i]);
            uint256 fee = FixedMath.min(
                FixedMath.ceilDiv(size * ctx.spot * (i == 0 ? ctx.makerFee : ctx.takerFee), FixedMath.PPM),
                size * price / PREMIUM_SHARE
            );
            sides[i].fee += fee;
            sides[i].lost += int256(fee);
        }
        emit IMarginEngine.LegFilled(sides[0].id, instrument, quantity, price);
    }

    function _book(
        Side memory side,
        uint256 instrument,
        int256 quantity,
        uint256 price,
        uint256 mark,
        uint256 index,
        bool grows
    ) private pure {
        if (grows) {
            if (side.reduceOnly) revert IMarginEngine.ReduceOnlyExceeded(side.id, instrument);
            side.opening = true;
        }
        side.traded += FixedMath.abs(quantity) * index;
        side.lost += quantity * (int256(price) - int256(mark));
    }

    // ---------------------------------------------------------------- cash

    /// @dev In whole units of the quote token, up for who pays. Either may go below zero here: the end of the batch requires zero or more.
    function _pay(Ledger.State storage s, Ledger.Env memory env, Side[2] memory sides, int256 premium) private {
        int256 units = AssetMath.toUnitsUp(FixedMath.abs(premium), env.unit).toInt256();
        if (premium < 0) units = -units;
        int256 makerFee = AssetMath.toUnitsUp(sides[0].fee, env.unit).toInt256();
        int256 takerFee = AssetMath.toUnitsUp(sides[1].fee, env.unit).toInt256();
        Ledger.changeHeld(s, sides[0].id, Ledger.QUOTE, -units - makerFee);
        Ledger.changeHeld(s, sides[1].id, Ledger.QUOTE, units - takerFee);
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

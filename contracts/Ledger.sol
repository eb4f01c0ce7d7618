// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {AccountId} from "./libraries/AccountId.sol";

/// @title Who holds what: the one storage struct, and the primitives that move balances and positions
/// @notice No prices and no calls. Every primitive emits the value that now stands, so the state can be rebuilt from events.
/// @dev Layout and units: docs/storage.md. The struct lives at slot 0 of the engine; linked libraries share it by delegatecall.
library Ledger {
    using SafeCastLib for int256;
    using SafeCastLib for uint256;

    uint256 internal constant QUOTE = 0;

    /// @dev The engine's immutables, which a linked library cannot see. unit: quote WAD per unit of the quote token.
    struct Env {
        IOracleRouter router;
        uint256 unit;
        bytes32 insurance;
    }

    struct Globals {
        address model;
        uint8 lock;
        uint32 pausedUntil;
        uint8 blockTime;
        uint8 kappa;
    }

    struct Pool {
        address owner;
        int96 contributionSum;
    }

    struct Terms {
        uint16 lambda;
        uint16 beta;
        uint16 bonusStart;
        uint16 bonusSlope;
        uint16 insuranceShare;
        uint16 minSlice;
        uint32 bonusRamp;
        uint32 callPeriod;
        uint32 insuranceWindow;
        uint32 bounty;
        uint32 dust;
    }

    struct Header {
        uint64 assets;
        uint64 markets;
        uint16 options;
        uint32 callDeadline;
        uint32 clockStart;
        uint8 listed;
    }

    struct Balance {
        int128 held;
        uint120 shares;
        uint8 kind;
    }

    struct Position {
        int64 size;
        int96 cost;
        uint16 epoch;
    }

    struct Asset {
        uint8 decimals;
        uint8 feed;
        uint16 haircutIm;
        uint16 haircutMm;
        uint16 maxAge;
        uint16 sigma;
        uint128 supplyCap;
    }

    struct Totals {
        uint128 held;
        uint128 lent;
    }

    struct MarketState {
        uint56 longSize;
        uint56 shortSize;
        int64 fundingIndex;
        int32 fundingRate;
        uint32 accruedAt;
        uint16 epoch;
    }

    struct MarketRisk {
        uint16 mmRate1;
        uint16 mmRate2;
        uint16 mmRate3;
        uint16 imRate1;
        uint16 imRate2;
        uint16 imRate3;
        uint24 bound1;
        uint24 bound2;
        uint8 feed;
        uint16 maxAge;
        uint16 sigma;
        uint32 fundingVelocity;
        uint16 maxFundingRate;
        uint8 flags;
    }

    struct MarketCosts {
        int96 longCost;
        int96 shortCost;
        int64 contribution;
    }

    struct MarketTrade {
        uint64 skewScale;
        uint56 maxSkew;
        uint56 maxOi;
        uint16 makerFee;
        uint16 takerFee;
        uint16 allocation;
        uint16 move;
        uint16 gap;
    }

    struct InsuranceCap {
        uint64 cap;
        uint32 windowStart;
        uint128 spent;
    }

    struct Market {
        MarketState state;
        MarketRisk risk;
        MarketCosts costs;
        MarketTrade trade;
        InsuranceCap insurance;
    }

    struct Operator {
        uint64 markets;
        uint64 maxNotional;
        uint16 maxLeverage;
        bool reduceOnly;
        uint32 expiry;
        uint32 maxCostPpm;
        uint32 epoch;
        uint64 maxCostDaily;
        uint32 day;
        uint128 spent;
    }

    struct State {
        Globals globals;
        Pool pool;
        Terms terms;
        uint64 listedMarkets;
        mapping(bytes32 => Header) headers;
        mapping(bytes32 => mapping(uint256 => Balance)) balances;
        mapping(bytes32 => mapping(uint256 => Position)) positions;
        mapping(uint256 => Asset) assets;
        mapping(uint256 => Totals) totals;
        mapping(uint256 => address) vaults;
        mapping(uint256 => Market) markets;
        mapping(bytes32 => mapping(address => Operator)) operators;
        mapping(address => uint256) lockdowns;
        mapping(address => bool) forbidden;
        bytes32[] accounts;
        address stake;
    }

    // ---------------------------------------------------------------- balances

    /// @notice Adds `delta` token units to what `id` holds. May leave the quote balance below zero inside a batch (a
    /// liquidator pays before he sells): the check at its end refuses that.
    function changeHeld(State storage s, bytes32 id, uint256 asset, int256 delta) internal {
        if (delta == 0) return;
        Balance storage balance = s.balances[id][asset];
        int256 before = balance.held;
        int256 held = before + delta;
        balance.held = held.toInt128();
        if (before == 0) _setAsset(s, id, asset, true);
        else if (held == 0) _setAsset(s, id, asset, false);
        emit IMarginEngine.HeldChanged(id, asset, held);
    }

    /// @notice Takes `amount` that must be there.
    function takeHeld(State storage s, bytes32 id, uint256 asset, uint256 amount) internal {
        int256 held = s.balances[id][asset].held;
        int256 taken = amount.toInt256();
        if (taken > held) revert IMarginEngine.InsufficientBalance(id, asset, held > 0 ? uint256(held) : 0, amount);
        changeHeld(s, id, asset, -taken);
    }

    /// @notice What `id` can pay in an asset, token units.
    function available(State storage s, bytes32 id, uint256 asset) internal view returns (uint256) {
        int256 held = s.balances[id][asset].held;
        return held > 0 ? uint256(held) : 0;
    }

    function _setAsset(State storage s, bytes32 id, uint256 asset, bool on) private {
        Header storage header = s.headers[id];
        if (!on) {
            header.assets &= ~uint64(1 << asset);
            return;
        }
        AccountId.requireAsset(id, asset);
        header.assets |= uint64(1 << asset);
        if (header.listed == 0) _open(s, id, header);
    }

    function _open(State storage s, bytes32 id, Header storage header) private {
        AccountId.requireAvailable(id);
        header.listed = 1;
        s.accounts.push(id);
        emit IMarginEngine.AccountOpened(id, s.accounts.length - 1);
    }

    // ---------------------------------------------------------------- positions

    /// @notice Moves one position's entry in the market's sums from `old` to (size, cost). Memory only: the caller stores
    /// both words once. A position of size zero counts on the long side.
    function replace(MarketState memory state, MarketCosts memory costs, Position memory old, int256 size, int256 cost)
        internal
        pure
    {
        if (old.size < 0) {
            state.shortSize -= uint56(uint64(-old.size));
            costs.shortCost -= old.cost;
        } else {
            state.longSize -= uint56(uint64(old.size));
            costs.longCost -= old.cost;
        }
        if (size < 0) {
            state.shortSize = (state.shortSize + uint256(-size)).toUint56();
            costs.shortCost = (costs.shortCost + cost).toInt96();
        } else {
            state.longSize = (state.longSize + uint256(size)).toUint56();
            costs.longCost = (costs.longCost + cost).toInt96();
        }
    }

    /// @notice Writes a position and the account's bitmap. The sums are `replace`'s.
    function writePosition(State storage s, bytes32 id, uint256 market, Position memory old, int256 size, int256 cost)
        internal
    {
        bool was = old.size != 0 || old.cost != 0;
        bool is_ = size != 0 || cost != 0;
        if (is_) {
            s.positions[id][market] = Position(size.toInt64(), cost.toInt96(), old.epoch);
            if (!was) _setMarket(s, id, market, true);
        } else if (was) {
            delete s.positions[id][market];
            _setMarket(s, id, market, false);
        }
        emit IMarginEngine.PositionChanged(id, market, size, cost);
    }

    function _setMarket(State storage s, bytes32 id, uint256 market, bool on) private {
        Header storage header = s.headers[id];
        if (!on) {
            header.markets &= ~uint64(1 << market);
            return;
        }
        AccountId.requireMarket(id, market);
        header.markets |= uint64(1 << market);
        if (header.listed == 0) _open(s, id, header);
    }

    // ---------------------------------------------------------------- markets

    function poolAccount(State storage s) internal view returns (bytes32) {
        return AccountId.pack(s.pool.owner, IMarginEngine.Mode.CROSS, 0, 0);
    }

    function skewOf(MarketState memory state) internal pure returns (int256) {
        return int256(uint256(state.longSize)) - int256(uint256(state.shortSize));
    }

    function openInterestOf(MarketState memory state) internal pure returns (uint256) {
        return uint256(state.longSize) + state.shortSize;
    }
}

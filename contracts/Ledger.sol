// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {PriceAnchor} from "./libraries/PriceAnchor.sol";

/// @title Who holds what: the one storage struct, and the primitives that move balances
/// @notice No prices and no calls. Every primitive emits the value that now stands, so the state can be rebuilt from events.
/// @dev Positions: PositionBook, OptionBook. Layout and units: docs/storage.md. The struct lives at slot 0 of the engine; linked libraries
/// share it by delegatecall.
library Ledger {
    using SafeCastLib for int256;
    using SafeCastLib for uint256;

    uint256 internal constant QUOTE = 0;

    uint8 internal constant HELD_ONLY = 0;
    uint8 internal constant LENT = 1;
    uint8 internal constant DEBT = 2;

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
        uint8 quoteFeed;
        uint16 depegThreshold;
        uint8 depegFactor;
        uint8 flags;
    }

    /// @dev The model before the last replacement, and when the new one binds in full.
    struct ModelRamp {
        address model;
        uint32 end;
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
        uint24 bonusRamp;
        uint24 callPeriod;
        uint24 insuranceWindow;
        uint16 bounty;
        uint24 dust;
        uint16 lambdaFrom;
        uint32 lambdaRampEnd;
    }

    struct Header {
        uint64 assets;
        uint64 markets;
        uint16 options;
        uint32 callDeadline;
        uint32 clockStart;
        uint8 listed;
        uint8 debts;
    }

    /// @dev kind: HELD_ONLY, LENT or DEBT; shares are of the kind.
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
        uint16 fromIm;
        uint16 fromMm;
        uint32 rampEnd;
    }

    /// @dev Indices 1e-12, utilisation 1e-7, rateAtTarget 1e-13 per year, reserveShare bps: all that a check needs to know what lent
    /// and debt shares are worth now.
    struct Lending {
        uint64 debtIndex;
        uint64 lentIndex;
        uint32 accruedAt;
        uint24 utilisation;
        uint48 rateAtTarget;
        uint16 reserveShare;
    }

    struct Totals {
        uint128 held;
        uint128 lentShares;
    }

    /// @dev reserve: interest that is insurance's, paid out to it when there is cash.
    struct Debts {
        uint112 shares;
        uint112 reserve;
    }

    /// @dev Caps in token units. capSince: the supply cap grows from zero since then. borrowVelocity: bps of borrowCap per hour.
    struct Limits {
        uint104 supplyCap;
        uint104 borrowCap;
        uint32 capSince;
        uint16 borrowVelocity;
    }

    struct Flow {
        uint32 windowStart;
        int128 netBorrowed;
    }

    /// @dev An isolated collateral/debt pair: the haircuts are the collateral's, the debt has none.
    struct Pair {
        uint16 haircutIm;
        uint16 haircutMm;
        uint16 fromIm;
        uint16 fromMm;
        uint32 rampEnd;
        uint8 listed;
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
        uint16 bound1;
        uint16 bound2;
        uint16 oiLower;
        uint8 feed;
        uint16 maxAge;
        uint16 sigma;
        uint32 fundingVelocity;
        uint16 maxFundingRate;
        uint8 flags;
        uint16 oiUpper;
    }

    /// @dev What a market's rates and bounds were before their last change, and when the change has arrived in full.
    struct MarketRamp {
        uint16 mmRate1;
        uint16 mmRate2;
        uint16 mmRate3;
        uint16 imRate1;
        uint16 imRate2;
        uint16 imRate3;
        uint16 bound1;
        uint16 bound2;
        uint32 start;
        uint32 end;
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

    /// @dev flatCost: the part of the long side's costs that is of positions of size zero. poolSpent: what the pool paid of deficits here
    /// since windowStart, WAD.
    struct MarketLoss {
        int96 flatCost;
        uint96 poolSpent;
        uint32 windowStart;
    }

    /// @dev weighted: Σ price × seconds, until the price is final, then zero. openedAt: not zero from `closeMarket` on.
    struct MarketClosing {
        uint72 finalPrice;
        uint96 weighted;
        uint24 covered;
        uint32 openedAt;
        uint32 observedAt;
    }

    struct Market {
        MarketState state;
        MarketRisk risk;
        MarketCosts costs;
        MarketTrade trade;
        InsuranceCap insurance;
        MarketRamp ramp;
        MarketLoss loss;
        MarketClosing closing;
    }

    /// @dev A side's epoch as EpochMath packs it.
    struct EpochWords {
        uint256 factors;
        uint256 terms;
    }

    /// @dev What the positions of one side that have not met its last epoch have in the market's sums: binary places as EpochMath's.
    struct Untouched {
        uint120 size;
        int136 cost;
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

    /// @dev An expiry's price in a market: weighted is Σ price × seconds until the price is final, then zero.
    struct Settlement {
        uint72 price;
        uint96 weighted;
        uint24 covered;
        uint32 observedAt;
    }

    /// @dev flags as in Globals, for the portfolio model.
    struct OptionSetup {
        address portfolioModel;
        uint8 flags;
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
        mapping(uint256 => Lending) lending;
        mapping(uint256 => Debts) debts;
        mapping(uint256 => Limits) limits;
        mapping(uint256 => Flow) flows;
        mapping(uint256 => Pair) pairs;
        ModelRamp modelRamp;
        mapping(uint256 => PriceAnchor.Anchor) anchors;
        mapping(uint256 => mapping(uint256 => EpochWords)) epochs;
        mapping(uint256 => mapping(bool => Untouched)) untouched;
        mapping(uint256 => InsuranceCap) debtInsurance;
        address stake;
        mapping(bytes32 => mapping(uint256 => uint256)) options;
        mapping(uint256 => Settlement) settlements;
        OptionSetup optionSetup;
        ModelRamp portfolioRamp;
        address surfaces;
        address verifier;
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
        if ((before == 0 || held == 0) && balance.shares == 0) _setAsset(s, id, asset, held != 0);
        emit IMarginEngine.HeldChanged(id, asset, held);
    }

    /// @notice Sets what `id` has lent or owes of an asset, in shares of `kind`. Never both: an account that is a lender and a
    /// borrower of one asset would pay the difference for nothing, and could be neither sliced nor netted.
    function changeShares(State storage s, bytes32 id, uint256 asset, uint8 kind, uint256 shares) internal {
        Balance storage balance = s.balances[id][asset];
        (uint8 was, uint256 before) = (balance.kind, balance.shares);
        if (shares == before && (was == kind || shares == 0)) return;
        if (was != kind && was != HELD_ONLY) revert IMarginEngine.LendingAndBorrowing(id, asset);
        balance.shares = shares.toUint120();
        if (before == 0) {
            AccountId.requireShares(id, asset, kind == DEBT);
            balance.kind = kind;
            if (kind == DEBT) ++s.headers[id].debts;
        } else if (shares == 0) {
            balance.kind = HELD_ONLY;
            if (kind == DEBT) --s.headers[id].debts;
        }
        if ((before == 0 || shares == 0) && balance.held == 0) _setAsset(s, id, asset, shares != 0);
        emit IMarginEngine.SharesChanged(id, asset, kind, shares);
    }

    /// @notice What `id` has in shares of `kind`: zero when its shares are of the other.
    function sharesOf(State storage s, bytes32 id, uint256 asset, uint8 kind) internal view returns (uint256) {
        Balance storage balance = s.balances[id][asset];
        return balance.kind == kind ? balance.shares : 0;
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
        bool portfolio = AccountId.isPortfolio(id) && s.optionSetup.portfolioModel != address(0);
        AccountId.requireAvailable(id, portfolio);
        if (AccountId.isPair(id) && s.pairs[AccountId.marketOf(id)].listed == 0) {
            revert IMarginEngine.MarketNotAllowed(id, AccountId.marketOf(id));
        }
        header.listed = 1;
        s.accounts.push(id);
        emit IMarginEngine.AccountOpened(id, s.accounts.length - 1);
    }

    // ---------------------------------------------------------------- accounts

    /// @notice Whether `id` has something in a perp market: what PositionBook keeps of it.
    function setMarket(State storage s, bytes32 id, uint256 market, bool on) internal {
        Header storage header = s.headers[id];
        if (!on) {
            header.markets &= ~uint64(1 << market);
            return;
        }
        AccountId.requireMarket(id, market);
        header.markets |= uint64(1 << market);
        if (header.listed == 0) _open(s, id, header);
    }

    /// @notice How many option series `id` has: what OptionBook keeps of it.
    function setOptions(State storage s, bytes32 id, uint256 count) internal {
        Header storage header = s.headers[id];
        header.options = uint16(count);
        if (header.listed == 0) _open(s, id, header);
    }

    function poolAccount(State storage s) internal view returns (bytes32) {
        return AccountId.pack(s.pool.owner, IMarginEngine.Mode.CROSS, 0, 0);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IInsuranceStake} from "../interfaces/IInsuranceStake.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarketConfig} from "../interfaces/IMarketConfig.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {ConfigReader} from "./ConfigReader.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {ConfigBounds} from "./libraries/ConfigBounds.sol";
import {ConfigRamps} from "./libraries/ConfigRamps.sol";
import {ConfigSlots} from "./libraries/ConfigSlots.sol";
import {ConfigWords} from "./libraries/ConfigWords.sol";
import {LedgerSlots} from "./libraries/LedgerSlots.sol";
import {RampMath} from "./libraries/RampMath.sol";
import {OracleRouter} from "./oracle/OracleRouter.sol";

/// @title Listings and parameters: checks, packs, writes
/// @dev Order of a deployment: setModel, setTerms, the assets (quote first), the pairs, setPool, the markets.
contract MarketConfig is ConfigReader, AccessManaged {
    uint256 private constant _QUOTE = 0;
    /// @dev The bitmaps in an account's header.
    uint256 private constant _MAX_LISTED = 64;
    address private constant _PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;

    constructor(address initialAuthority, IMarginEngine engine_, OracleRouter router_, address executor_)
        AccessManaged(initialAuthority)
        ConfigReader(engine_, router_, executor_)
    {}

    // ---------------------------------------------------------------- assets

    /// @inheritdoc IMarketConfig
    function listAsset(address token, address vault, AssetParams calldata params)
        external
        restricted
        returns (uint256 asset)
    {
        asset = _assets;
        if (asset == _MAX_LISTED) revert AssetLimitReached(_MAX_LISTED);
        ConfigBounds.requireAsset(params, asset == _QUOTE);
        _requireVault(vault, asset, token);
        uint256 actual = IERC20Metadata(token).decimals();
        if (actual != params.decimals) revert DecimalsMismatch(token, actual, params.decimals);
        ++_assets;
        engine.configure(ConfigSlots.ASSET, asset, ConfigWords.packAsset(params, 0));
        // Whom a new collateral could hurt is not there yet: before the first account it need not grow.
        _writeLending(asset, params, engine.accountCount() == 0 ? 0 : block.timestamp);
        engine.configure(ConfigSlots.VAULT, asset, uint160(vault));
        if (asset == _QUOTE) _forbidCore();
        else _forbidSources(params.feed);
        _forbid(token);
        _forbid(vault);
        emit AssetListed(asset, token, vault, params);
    }

    /// @inheritdoc IMarketConfig
    function setAsset(uint256 asset, AssetParams calldata params) external restricted {
        _requireAsset(asset);
        ConfigBounds.requireAsset(params, asset == _QUOTE);
        uint256 current = _word(LedgerSlots.at(asset, LedgerSlots.ASSETS));
        if (uint8(current) != params.decimals) revert DecimalsMismatch(address(0), uint8(current), params.decimals);
        _requireSameFeed(ConfigWords.feedOf(current), params.feed);
        if (params.maxAge > ConfigWords.maxAgeOf(current) || params.sigma < ConfigWords.sigmaOf(current)) {
            _requireFresh(params.feed, ConfigWords.maxAgeOf(current));
        }
        uint256 haircuts = current >> 16 & type(uint32).max | current >> 80 << 32;
        (uint256 ramp, bool started) =
            ConfigRamps.haircuts(haircuts, params.haircutIm, params.haircutMm, block.timestamp);
        engine.configure(ConfigSlots.ASSET, asset, ConfigWords.packAsset(params, ramp));
        if (started) _announce(ConfigSlots.ASSET, asset);
        uint256 cap = ConfigRamps.capAt(_word(LedgerSlots.at(asset, LedgerSlots.LIMITS)), block.timestamp);
        _writeLending(asset, params, ConfigRamps.capSince(params.supplyCap, cap, block.timestamp));
    }

    function _writeLending(uint256 asset, AssetParams calldata params, uint256 capSince) private {
        engine.configure(ConfigSlots.LIMITS, asset, ConfigWords.packLimits(params, capSince));
        engine.configure(ConfigSlots.LENDING, asset, params.reserveShare);
    }

    /// @inheritdoc IMarketConfig
    function listPair(uint256 collateral, uint256 debt, uint256 haircutIm, uint256 haircutMm) external restricted {
        _requireAsset(collateral);
        _requireAsset(debt);
        if (collateral == debt) revert PairInvalid(collateral, debt);
        (uint256 code, uint256 current) = _pair(collateral, debt);
        if (current != 0) revert PairAlreadyListed(collateral, debt);
        ConfigBounds.requireHaircuts(haircutIm, haircutMm, ConfigBounds.MIN_PAIR_HAIRCUT);
        engine.configure(ConfigSlots.PAIR, code, ConfigWords.packPair(haircutIm, haircutMm, 0));
        emit PairListed(collateral, debt, haircutIm, haircutMm);
    }

    /// @inheritdoc IMarketConfig
    function setPair(uint256 collateral, uint256 debt, uint256 haircutIm, uint256 haircutMm) external restricted {
        (uint256 code, uint256 current) = _pair(collateral, debt);
        if (current == 0) revert PairUnknown(collateral, debt);
        ConfigBounds.requireHaircuts(haircutIm, haircutMm, ConfigBounds.MIN_PAIR_HAIRCUT);
        (uint256 ramp, bool started) = ConfigRamps.haircuts(current, haircutIm, haircutMm, block.timestamp);
        engine.configure(ConfigSlots.PAIR, code, ConfigWords.packPair(haircutIm, haircutMm, ramp));
        if (started) _announce(ConfigSlots.PAIR, code);
    }

    function _pair(uint256 collateral, uint256 debt) private view returns (uint256 code, uint256 word) {
        if (collateral >= _MAX_LISTED || debt >= _MAX_LISTED) revert PairUnknown(collateral, debt);
        code = AccountId.pairCode(collateral, debt);
        word = _word(LedgerSlots.at(code, LedgerSlots.PAIRS));
    }

    // ---------------------------------------------------------------- markets

    /// @inheritdoc IMarketConfig
    function listMarket(RiskParams calldata risk, TradeParams calldata trade, uint256 insuranceCap)
        external
        restricted
        returns (uint256 market)
    {
        market = _markets;
        if (market == _MAX_LISTED) revert MarketLimitReached(_MAX_LISTED);
        if (_word(bytes32(LedgerSlots.TERMS)) == 0) revert TermsMissing();
        if (uint160(_word(bytes32(LedgerSlots.POOL))) == 0) revert PoolMissing();
        ConfigBounds.requireRisk(risk);
        ConfigBounds.requireTrade(trade);
        _requireFillCost(risk, trade, risk.mmRates[0]);
        _allocate(0, trade.allocation);
        ++_markets;
        engine.configure(ConfigSlots.RISK, market, ConfigWords.packRisk(risk, 0));
        engine.configure(ConfigSlots.TRADE, market, ConfigWords.packTrade(trade));
        _writeInsuranceCap(market, insuranceCap);
        _forbidSources(risk.feed);
        emit MarketListed(market, risk, trade, insuranceCap);
    }

    /// @inheritdoc IMarketConfig
    function setMarketRisk(uint256 market, RiskParams calldata risk) external restricted {
        _requireMarket(market);
        ConfigBounds.requireRisk(risk);
        uint256 word = _word(LedgerSlots.marketWord(market, LedgerSlots.RISK));
        RiskParams memory current = ConfigWords.unpackRisk(word);
        _requireSameFeed(current.feed, risk.feed);
        if (risk.maxAge > current.maxAge || risk.sigma < current.sigma) _requireFresh(risk.feed, current.maxAge);
        uint256 rate = _leastRate(market, word);
        _requireFillCost(
            risk,
            ConfigWords.unpackTrade(_word(LedgerSlots.marketWord(market, LedgerSlots.TRADE))),
            risk.mmRates[0] < rate ? risk.mmRates[0] : rate
        );
        // Funding accrues lazily: without this the new velocity and cap would be charged for time that has passed.
        uint256[] memory markets = new uint256[](1);
        markets[0] = market;
        engine.refreshPool(markets);
        engine.configure(ConfigSlots.RISK, market, _rampTable(market, word, risk));
    }

    /// @return The new risk word: the table that it replaces is written beside it when it asked less.
    function _rampTable(uint256 market, uint256 current, RiskParams calldata risk) private returns (uint256) {
        uint256 flags = ConfigWords.flagsOf(current) & ~ConfigWords.REDUCE_ONLY;
        uint256 word = ConfigWords.packRisk(risk, flags);
        uint256 table = uint128(current);
        if (table == uint128(word)) return word;
        _requireNoRamp(ConfigSlots.RISK, market, _tableEnd(market, current));
        flags &= ~ConfigWords.RAMPING;
        if (ConfigRamps.tightens(table, uint128(word))) {
            uint256 end = _announce(ConfigSlots.RISK, market);
            engine.configure(ConfigSlots.RISK_RAMP, market, table | block.timestamp << 128 | end << 160);
            flags |= ConfigWords.RAMPING;
        }
        return ConfigWords.packRisk(risk, flags);
    }

    /// @inheritdoc IMarketConfig
    function setMarketTrade(uint256 market, TradeParams calldata trade) external restricted {
        _requireMarket(market);
        ConfigBounds.requireTrade(trade);
        uint256 risk = _word(LedgerSlots.marketWord(market, LedgerSlots.RISK));
        _requireFillCost(ConfigWords.unpackRisk(risk), trade, _leastRate(market, risk));
        uint256 current = _word(LedgerSlots.marketWord(market, LedgerSlots.TRADE));
        _requireSameScale(market, ConfigWords.unpackTrade(current).skewScale, trade.skewScale);
        _allocate(ConfigWords.allocationOf(current), trade.allocation);
        engine.configure(ConfigSlots.TRADE, market, ConfigWords.packTrade(trade));
    }

    /// @inheritdoc IMarketConfig
    function setInsuranceCap(uint256 market, uint256 cap) external restricted {
        _requireMarket(market);
        _writeInsuranceCap(market, cap);
    }

    /// @inheritdoc IMarketConfig
    function setDebtInsurance(uint256 asset, uint256 cap) external restricted {
        if (asset >= _assets) revert AssetUnknown(asset);
        if (cap > type(uint64).max) revert InsuranceCapOutOfRange(cap, type(uint64).max);
        engine.configure(ConfigSlots.DEBT_INSURANCE, asset, cap);
    }

    // ---------------------------------------------------------------- protocol

    /// @inheritdoc IMarketConfig
    function setTerms(Terms calldata terms) external restricted {
        ConfigBounds.requireTerms(terms);
        address model = ConfigWords.modelOf(_word(bytes32(LedgerSlots.GLOBALS)));
        if (model == address(0)) revert ModelMissing();
        _requireDust(terms.dust, model);
        uint256 before = _word(bytes32(LedgerSlots.MODEL_RAMP));
        if (before != 0) _requireDust(terms.dust, ConfigWords.modelOf(before));
        _requirePortfolioDust(terms.dust);
        (uint256 ramp, bool started) =
            ConfigRamps.lambda(_word(bytes32(LedgerSlots.TERMS)), terms.lambda, block.timestamp);
        engine.configure(ConfigSlots.TERMS, 0, ConfigWords.packTerms(terms, ramp));
        if (started) _announce(ConfigSlots.TERMS, 0);
    }

    /// @inheritdoc IMarketConfig
    function setModel(address model, uint256 blockTime, uint256 kappa) external restricted {
        _requireCode(model);
        ConfigBounds.requireGlobals(blockTime, kappa);
        uint256 globals = _word(bytes32(LedgerSlots.GLOBALS));
        address current = ConfigWords.modelOf(globals);
        uint256 terms = _word(bytes32(LedgerSlots.TERMS));
        if (terms != 0) _requireDust(ConfigWords.dustOf(terms), model);
        if (kappa < ConfigWords.kappaOf(globals)) _requireAllFresh();
        for (uint256 market; market < _markets; ++market) {
            uint256 risk = _word(LedgerSlots.marketWord(market, LedgerSlots.RISK));
            ConfigBounds.requireFillCost({
                risk: ConfigWords.unpackRisk(risk),
                trade: ConfigWords.unpackTrade(_word(LedgerSlots.marketWord(market, LedgerSlots.TRADE))),
                mmRate: _leastRate(market, risk),
                blockTime: blockTime,
                kappa: kappa
            });
        }
        if (current != address(0) && current != model) {
            _requireNoRamp(ConfigSlots.GLOBALS, 0, _word(bytes32(LedgerSlots.MODEL_RAMP)) >> 160);
            uint256 end = _announce(ConfigSlots.GLOBALS, 0);
            engine.configure(ConfigSlots.MODEL_RAMP, 0, uint160(current) | end << 160);
        }
        engine.configure(ConfigSlots.GLOBALS, 0, ConfigWords.packGlobals(model, blockTime, kappa));
    }

    /// @inheritdoc IMarketConfig
    function setQuoteFeed(uint256 feed, uint256 threshold, uint256 factor) external restricted {
        if (feed != 0) {
            router.feedConfig(feed); // reverts FeedUnknown
            ConfigBounds.requireQuoteFeed(threshold, factor);
            engine.configure(ConfigSlots.QUOTE_FEED, 0, ConfigWords.packQuoteFeed(feed, threshold, factor));
        } else {
            engine.configure(ConfigSlots.QUOTE_FEED, 0, 0);
        }
    }

    /// @inheritdoc IMarketConfig
    function setPool(address pool) external restricted {
        _requireCode(pool);
        address current = address(uint160(_word(bytes32(LedgerSlots.POOL))));
        if (current != address(0)) revert PoolNotReplaceable(current);
        engine.configure(ConfigSlots.POOL, 0, uint160(pool));
        _forbid(pool);
    }

    /// @inheritdoc IMarketConfig
    function setStake(address stake) external restricted {
        _requireCode(stake);
        address custodian = IInsuranceStake(stake).engine();
        if (custodian != address(engine)) revert StakeMismatch(stake, custodian);
        address current = address(uint160(_word(bytes32(LedgerSlots.STAKE))));
        int256 insured = engine.held(engine.insuranceAccount(), _QUOTE);
        if (current != address(0) && insured != 0) revert StakeNotReplaceable(current, insured);
        engine.configure(ConfigSlots.STAKE, 0, uint160(stake));
        _forbid(stake);
    }

    /// @inheritdoc IMarketConfig
    function forbidCallTarget(address target) external restricted {
        _forbid(target);
    }

    // ---------------------------------------------------------------- ramps

    /// @inheritdoc IMarketConfig
    function endRamps(uint256[] calldata markets) external {
        for (uint256 i; i < markets.length; ++i) {
            uint256 word = _word(LedgerSlots.marketWord(markets[i], LedgerSlots.RISK));
            uint256 flag = ConfigWords.RAMPING << 232;
            if (word & flag == 0 || block.timestamp < _tableEnd(markets[i], word)) continue;
            engine.configure(ConfigSlots.RISK, markets[i], word & ~flag);
        }
        uint256 end = _word(bytes32(LedgerSlots.MODEL_RAMP)) >> 160;
        if (end != 0 && block.timestamp >= end) engine.configure(ConfigSlots.MODEL_RAMP, 0, 0);
    }

    function _announce(uint256 what, uint256 id) private returns (uint256 end) {
        end = block.timestamp + RampMath.RAMP;
        emit ParameterRamped(what, id, end);
    }

    function _allocate(uint256 current, uint256 proposed) private {
        uint256 others = _allocations - current;
        if (proposed > ConfigBounds.BPS || others + proposed > ConfigBounds.BPS) {
            revert AllocationsExceedPool(proposed > ConfigBounds.BPS ? proposed : others + proposed, ConfigBounds.BPS);
        }
        _allocations = uint16(others + proposed);
    }

    function _writeInsuranceCap(uint256 market, uint256 cap) private {
        if (cap > type(uint64).max) revert InsuranceCapOutOfRange(cap, type(uint64).max);
        engine.configure(ConfigSlots.INSURANCE_CAP, market, cap);
    }

    // ---------------------------------------------------------------- targets that `Call` must never reach

    function _forbid(address target) private {
        engine.configure(ConfigSlots.FORBID, uint160(target), 1);
    }

    function _forbidCore() private {
        _forbid(address(engine));
        _forbid(address(router));
        _forbid(executor);
        _forbid(address(this));
        _forbid(authority());
        _forbid(_PERMIT2);
    }

    /// @dev Reverts FeedUnknown for a feed that the router does not know.
    function _forbidSources(uint256 feed) private {
        IOracleRouter.FeedConfig memory config = router.feedConfig(feed);
        if (config.referenceSource != address(0)) _forbid(config.referenceSource);
        if (config.source != address(0)) _forbid(config.source);
        address backup = router.fallbackOf(feed).source;
        if (backup != address(0)) _forbid(backup);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IInsuranceStake} from "../interfaces/IInsuranceStake.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarketConfig} from "../interfaces/IMarketConfig.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {ConfigBounds} from "./libraries/ConfigBounds.sol";
import {ConfigSlots} from "./libraries/ConfigSlots.sol";
import {ConfigWords} from "./libraries/ConfigWords.sol";
import {LedgerSlots} from "./libraries/LedgerSlots.sol";
import {RuleMargin} from "./margin/RuleMargin.sol";
import {OracleRouter} from "./oracle/OracleRouter.sol";

/// @title Listings and parameters: checks, packs, writes
/// @dev Keeps counts and the sum of allocations, in one slot; every parameter is read back from the engine, so there is no copy that
/// could differ. Order of a deployment: setModel, setTerms, the assets (quote first), setPool, the markets.
contract MarketConfig is IMarketConfig, AccessManaged {
    uint256 private constant _QUOTE = 0;
    /// @dev The bitmaps in an account's header.
    uint256 private constant _MAX_LISTED = 64;
    address private constant _PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;

    IMarginEngine public immutable engine;
    OracleRouter public immutable router;
    address public immutable executor;

    uint8 private _assets;
    uint8 private _markets;
    uint16 private _allocations;

    constructor(address initialAuthority, IMarginEngine engine_, OracleRouter router_, address executor_)
        AccessManaged(initialAuthority)
    {
        (engine, router, executor) = (engine_, router_, executor_);
    }

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
        engine.configure(ConfigSlots.ASSET, asset, ConfigWords.packAsset(params));
        engine.configure(ConfigSlots.VAULT, asset, uint160(vault));
        if (asset == _QUOTE) _forbidCore();
        else _forbidSources(params.feed);
        _forbid(token);
        _forbid(vault);
        emit AssetListed(asset, token, vault, params);
    }

    /// @inheritdoc IMarketConfig
    function setAsset(uint256 asset, AssetParams calldata params) external restricted {
        if (asset >= _assets) revert AssetUnknown(asset);
        ConfigBounds.requireAsset(params, asset == _QUOTE);
        uint256 current = _word(LedgerSlots.at(asset, LedgerSlots.ASSETS));
        if (uint8(current) != params.decimals) revert DecimalsMismatch(address(0), uint8(current), params.decimals);
        _requireSameFeed(ConfigWords.feedOf(current), params.feed);
        uint256 haircut = ConfigWords.haircutMmOf(current);
        if (params.haircutMm > haircut) revert MaintenanceIncreaseNeedsRamp(haircut, params.haircutMm);
        engine.configure(ConfigSlots.ASSET, asset, ConfigWords.packAsset(params));
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
        _requireFillCost(risk, trade);
        _allocate(0, trade.allocation);
        ++_markets;
        engine.configure(ConfigSlots.RISK, market, ConfigWords.packRisk(risk));
        engine.configure(ConfigSlots.TRADE, market, ConfigWords.packTrade(trade));
        _writeInsuranceCap(market, insuranceCap);
        _forbidSources(risk.feed);
        emit MarketListed(market, risk, trade, insuranceCap);
    }

    /// @inheritdoc IMarketConfig
    function setMarketRisk(uint256 market, RiskParams calldata risk) external restricted {
        _requireMarket(market);
        ConfigBounds.requireRisk(risk);
        RiskParams memory current = ConfigWords.unpackRisk(_word(LedgerSlots.marketWord(market, LedgerSlots.RISK)));
        _requireSameFeed(current.feed, risk.feed);
        ConfigBounds.requireNoHigherMaintenance(current, risk);
        _requireFillCost(risk, ConfigWords.unpackTrade(_word(LedgerSlots.marketWord(market, LedgerSlots.TRADE))));
        // Funding accrues lazily: without this the new velocity and cap would be charged for time that has passed.
        uint256[] memory markets = new uint256[](1);
        markets[0] = market;
        engine.refreshPool(markets);
        engine.configure(ConfigSlots.RISK, market, ConfigWords.packRisk(risk));
    }

    /// @inheritdoc IMarketConfig
    function setMarketTrade(uint256 market, TradeParams calldata trade) external restricted {
        _requireMarket(market);
        ConfigBounds.requireTrade(trade);
        _requireFillCost(ConfigWords.unpackRisk(_word(LedgerSlots.marketWord(market, LedgerSlots.RISK))), trade);
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

    // ---------------------------------------------------------------- protocol

    /// @inheritdoc IMarketConfig
    function setTerms(Terms calldata terms) external restricted {
        ConfigBounds.requireTerms(terms);
        address model = ConfigWords.modelOf(_word(bytes32(LedgerSlots.GLOBALS)));
        if (model == address(0)) revert ModelMissing();
        _requireDust(terms.dust, model);
        engine.configure(ConfigSlots.TERMS, 0, ConfigWords.packTerms(terms));
    }

    /// @inheritdoc IMarketConfig
    function setModel(address model, uint256 blockTime, uint256 kappa) external restricted {
        _requireCode(model);
        ConfigBounds.requireGlobals(blockTime, kappa);
        address current = ConfigWords.modelOf(_word(bytes32(LedgerSlots.GLOBALS)));
        if (current != address(0) && current != model) _requireNoHigherFloor(current, model);
        uint256 terms = _word(bytes32(LedgerSlots.TERMS));
        if (terms != 0) _requireDust(ConfigWords.dustOf(terms), model);
        for (uint256 market; market < _markets; ++market) {
            ConfigBounds.requireFillCost({
                risk: ConfigWords.unpackRisk(_word(LedgerSlots.marketWord(market, LedgerSlots.RISK))),
                trade: ConfigWords.unpackTrade(_word(LedgerSlots.marketWord(market, LedgerSlots.TRADE))),
                blockTime: blockTime,
                kappa: kappa
            });
        }
        engine.configure(ConfigSlots.GLOBALS, 0, ConfigWords.packGlobals(model, blockTime, kappa));
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

    // ---------------------------------------------------------------- counts

    /// @inheritdoc IMarketConfig
    function assetCount() external view returns (uint256) {
        return _assets;
    }

    /// @inheritdoc IMarketConfig
    function marketCount() external view returns (uint256) {
        return _markets;
    }

    /// @inheritdoc IMarketConfig
    function allocationSum() external view returns (uint256) {
        return _allocations;
    }

    // ---------------------------------------------------------------- against the engine's state

    function _word(bytes32 key) private view returns (uint256) {
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = key;
        return uint256(engine.slots(keys)[0]);
    }

    /// @dev At a floor a slice takes equity while the requirement stays, so health would fall (S-4) and the target not be reached:
    /// what is left after a slice must be above both floors.
    function _requireDust(uint256 dust, address model) private view {
        uint256 floor = RuleMargin(model).IM_FLOOR();
        if (dust * 1e16 < floor) revert DustBelowFloor(dust * 1e16, floor);
    }

    /// @dev A premium is paid at one scale and refunded at the same: with a skew standing, another scale would be a gift to whoever
    /// knew of it.
    function _requireSameScale(uint256 market, uint256 current, uint256 proposed) private view {
        if (current == proposed) return;
        uint256 sizes = _word(LedgerSlots.marketWord(market, LedgerSlots.STATE));
        int256 skew = int256(sizes & type(uint56).max) - int256(sizes >> 56 & type(uint56).max);
        if (skew != 0) revert ScaleNotReplaceable(market, skew);
    }

    function _requireMarket(uint256 market) private view {
        if (market >= _markets) revert MarketUnknown(market);
    }

    function _requireCode(address account) private view {
        if (account.code.length == 0) revert AddressWithoutCode(account);
    }

    function _requireVault(address vault, uint256 asset, address token) private view {
        _requireCode(vault);
        _requireCode(token);
        address custodian = ICollateralVault(vault).engine();
        uint256 index = ICollateralVault(vault).assetIndex();
        address held = IERC4626(vault).asset();
        if (custodian != address(engine) || index != asset || held != token) {
            revert VaultMismatch(vault, custodian, index, held);
        }
    }

    /// @dev Another feed is another price, and could make an account liquidatable at once; what stands behind a feed is replaced in the
    /// router, where the price moves on from what it is.
    function _requireSameFeed(uint256 feed, uint256 proposed) private pure {
        if (feed != proposed) revert FeedNotReplaceable(feed, proposed);
    }

    /// @dev A model of another kind has no such floor, and reverts: it needs the ramp that comes with it.
    function _requireNoHigherFloor(address current, address model) private view {
        uint256 floor = RuleMargin(current).MM_FLOOR();
        uint256 proposed = RuleMargin(model).MM_FLOOR();
        if (proposed > floor) revert MaintenanceIncreaseNeedsRamp(floor, proposed);
    }

    function _requireFillCost(RiskParams memory risk, TradeParams memory trade) private view {
        uint256 globals = _word(bytes32(LedgerSlots.GLOBALS));
        if (ConfigWords.modelOf(globals) == address(0)) revert ModelMissing();
        ConfigBounds.requireFillCost(risk, trade, ConfigWords.blockTimeOf(globals), ConfigWords.kappaOf(globals));
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
        _forbid(address(router.priceFeed()));
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
    }
}

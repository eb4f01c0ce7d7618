// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarketConfig} from "../interfaces/IMarketConfig.sol";
import {MarginCheck} from "./MarginCheck.sol";
import {ConfigBounds} from "./libraries/ConfigBounds.sol";
import {ConfigWords} from "./libraries/ConfigWords.sol";
import {LedgerSlots} from "./libraries/LedgerSlots.sol";
import {RuleMargin} from "./margin/RuleMargin.sol";
import {OracleRouter} from "./oracle/OracleRouter.sol";

/// @title What a change of parameters is compared with: the engine's own words
/// @dev Counts and the sum of allocations are kept here, in one slot; everything else is read back from the engine.
abstract contract ConfigReader is IMarketConfig {
    IMarginEngine public immutable engine;
    OracleRouter public immutable router;
    address public immutable executor;

    uint8 internal _assets;
    uint8 internal _markets;
    uint16 internal _allocations;

    constructor(IMarginEngine engine_, OracleRouter router_, address executor_) {
        (engine, router, executor) = (engine_, router_, executor_);
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

    function _word(bytes32 key) internal view returns (uint256) {
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = key;
        return uint256(engine.slots(keys)[0]);
    }

    /// @dev At a floor a slice takes equity while the requirement stays, so health would fall (S-4) and the target not be reached:
    /// what is left after a slice must be above both floors.
    function _requireDust(uint256 dust, address model) internal view {
        uint256 floor = RuleMargin(model).IM_FLOOR();
        if (dust * 1e16 < floor) revert DustBelowFloor(dust * 1e16, floor);
    }

    /// @dev The same for the model of portfolio accounts, and for the one before it.
    function _requirePortfolioDust(uint256 dust) internal view {
        address model = ConfigWords.modelOf(_word(bytes32(LedgerSlots.OPTION_SETUP)));
        address before = ConfigWords.modelOf(_word(bytes32(LedgerSlots.PORTFOLIO_RAMP)));
        if (model != address(0)) _requireDust(dust, model);
        if (before != address(0)) _requireDust(dust, before);
    }

    /// @dev A premium is paid at one scale and refunded at the same: with a skew standing, another scale would be a gift to whoever
    /// knew of it.
    function _requireSameScale(uint256 market, uint256 current, uint256 proposed) internal view {
        if (current == proposed) return;
        uint256 sizes = _word(LedgerSlots.marketWord(market, LedgerSlots.STATE));
        int256 skew = int256(sizes & type(uint56).max) - int256(sizes >> 56 & type(uint56).max);
        if (skew != 0) revert ScaleNotReplaceable(market, skew);
    }

    function _requireAsset(uint256 asset) internal view {
        if (asset >= _assets) revert AssetUnknown(asset);
    }

    function _requireMarket(uint256 market) internal view {
        if (market >= _markets) revert MarketUnknown(market);
    }

    function _requireCode(address account) internal view {
        if (account.code.length == 0) revert AddressWithoutCode(account);
    }

    function _requireVault(address vault, uint256 asset, address token) internal view {
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
    function _requireSameFeed(uint256 feed, uint256 proposed) internal pure {
        if (feed != proposed) revert FeedNotReplaceable(feed, proposed);
    }

    /// @dev Under the bound that holds so far, so under the next as well: then neither moves anybody's prices in this block.
    function _requireFresh(uint256 feed, uint256 maxAge) internal view {
        if (engine.accountCount() == 0) return;
        uint256[] memory feeds = new uint256[](1);
        feeds[0] = feed;
        if (!MarginCheck.isGood(router.read(feeds)[0], maxAge)) revert FeedNotFresh(feed);
    }

    function _requireAllFresh() internal view {
        for (uint256 asset; asset < _assets; ++asset) {
            uint256 word = _word(LedgerSlots.at(asset, LedgerSlots.ASSETS));
            _requireFresh(ConfigWords.feedOf(word), ConfigWords.maxAgeOf(word));
        }
        for (uint256 market; market < _markets; ++market) {
            RiskParams memory risk = ConfigWords.unpackRisk(_word(LedgerSlots.marketWord(market, LedgerSlots.RISK)));
            _requireFresh(risk.feed, risk.maxAge);
        }
    }

    function _requireFillCost(RiskParams memory risk, TradeParams memory trade, uint256 mmRate) internal view {
        uint256 globals = _word(bytes32(LedgerSlots.GLOBALS));
        if (ConfigWords.modelOf(globals) == address(0)) revert ModelMissing();
        ConfigBounds.requireFillCost(
            risk, trade, mmRate, ConfigWords.blockTimeOf(globals), ConfigWords.kappaOf(globals)
        );
    }

    // ---------------------------------------------------------------- ramps

    function _requireNoRamp(uint256 what, uint256 id, uint256 end) internal view {
        if (block.timestamp < end) revert RampInProgress(what, id, end);
    }

    /// @dev When the table of `market`, whose risk word is `risk`, stands; zero when it does.
    function _tableEnd(uint256 market, uint256 risk) internal view returns (uint256) {
        if (ConfigWords.flagsOf(risk) & ConfigWords.RAMPING == 0) return 0;
        return uint32(_word(LedgerSlots.marketWord(market, LedgerSlots.RAMP)) >> 160);
    }

    /// @dev The lowest MM rate that a position may be held at now.
    function _leastRate(uint256 market, uint256 risk) internal view returns (uint256 rate) {
        rate = uint16(risk);
        if (block.timestamp >= _tableEnd(market, risk)) return rate;
        uint256 before = uint16(_word(LedgerSlots.marketWord(market, LedgerSlots.RAMP)));
        if (before < rate) rate = before;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarketConfig} from "../interfaces/IMarketConfig.sol";
import {IOptionConfig} from "../interfaces/IOptionConfig.sol";
import {IOrderVerifier} from "../interfaces/IOrderVerifier.sol";
import {ConfigSlots} from "./libraries/ConfigSlots.sol";
import {ConfigWords} from "./libraries/ConfigWords.sol";
import {LedgerSlots} from "./libraries/LedgerSlots.sol";
import {RampMath} from "./libraries/RampMath.sol";
import {PortfolioMargin} from "./margin/PortfolioMargin.sol";

/// @title The contracts that options and portfolio accounts rest on: checks and writes
/// @notice Each of them is forbidden as a target of `Call` for good.
/// @dev Writes into the engine as MarketConfig does, which has no room for it.
contract OptionConfig is IOptionConfig, AccessManaged {
    /// @dev Dust is in hundredths of the quote asset.
    uint256 private constant _DUST = 1e16;

    IMarginEngine public immutable engine;

    constructor(address initialAuthority, IMarginEngine engine_) AccessManaged(initialAuthority) {
        engine = engine_;
    }

    /// @inheritdoc IOptionConfig
    function setPortfolioModel(address model) external restricted {
        _requireCode(model);
        // As MarketConfig holds the rule model to it: what a slice leaves is above the floors.
        uint256 dust = ConfigWords.dustOf(_word(LedgerSlots.TERMS)) * _DUST;
        uint256 floor = PortfolioMargin(model).IM_FLOOR();
        if (dust < floor) revert IMarketConfig.DustBelowFloor(dust, floor);
        if (!PortfolioMargin(model).isStrict()) revert ModelBoundsWide(model);
        address current = ConfigWords.modelOf(_word(LedgerSlots.OPTION_SETUP));
        if (current != address(0) && current != model) _ramp(current);
        _install(ConfigSlots.PORTFOLIO_MODEL, model);
    }

    /// @inheritdoc IOptionConfig
    function setSurfaces(address feed) external restricted {
        _requireCode(feed);
        _install(ConfigSlots.SURFACES, feed);
    }

    /// @inheritdoc IOptionConfig
    function setVerifier(address verifier) external restricted {
        _requireCode(verifier);
        address custodian = IOrderVerifier(verifier).engine();
        if (custodian != address(engine)) revert VerifierMismatch(verifier, custodian);
        _install(ConfigSlots.VERIFIER, verifier);
    }

    /// @inheritdoc IOptionConfig
    function endRamp() external {
        uint256 end = _word(LedgerSlots.PORTFOLIO_RAMP) >> 160;
        if (end != 0 && block.timestamp >= end) engine.configure(ConfigSlots.PORTFOLIO_RAMP, 0, 0);
    }

    function _ramp(address current) private {
        uint256 end = _word(LedgerSlots.PORTFOLIO_RAMP) >> 160;
        if (block.timestamp < end) revert IMarketConfig.RampInProgress(ConfigSlots.PORTFOLIO_MODEL, 0, end);
        end = block.timestamp + RampMath.RAMP;
        engine.configure(ConfigSlots.PORTFOLIO_RAMP, 0, uint160(current) | end << 160);
        emit IMarketConfig.ParameterRamped(ConfigSlots.PORTFOLIO_MODEL, 0, end);
    }

    function _install(uint256 what, address target) private {
        engine.configure(what, 0, uint160(target));
        engine.configure(ConfigSlots.FORBID, uint160(target), 1);
    }

    function _requireCode(address target) private view {
        if (target.code.length == 0) revert IMarketConfig.AddressWithoutCode(target);
    }

    function _word(uint256 slot) private view returns (uint256) {
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = bytes32(slot);
        return uint256(engine.slots(keys)[0]);
    }
}

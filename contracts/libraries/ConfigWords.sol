// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarketConfig} from "../../interfaces/IMarketConfig.sol";
import {DecimalFloat} from "./DecimalFloat.sol";

/// @title Parameters as the engine stores them
/// @dev Layout: docs/storage.md, held equal to Ledger's structs by tests/unit/config/test_words.py. Packing checks no width: that is
/// what ConfigBounds is for.
library ConfigWords {
    /// @dev Bits of a market's flags.
    uint256 internal constant REDUCE_ONLY = 1;
    uint256 internal constant RAMPING = 2;
    /// @dev From `closeMarket` on; a market with a final price is closed.
    uint256 internal constant CLOSING = 4;

    // ---------------------------------------------------------------- packing

    function packGlobals(address model, uint256 blockTime, uint256 kappa) internal pure returns (uint256) {
        return uint160(model) | blockTime << 200 | kappa << 208;
    }

    function packQuoteFeed(uint256 feed, uint256 threshold, uint256 factor) internal pure returns (uint256) {
        return feed << 216 | threshold << 224 | factor << 240;
    }

    /// @param ramp λ's, as ConfigRamps gives it: where it comes from (16 bits), when it arrives (32).
    function packTerms(IMarketConfig.Terms memory p, uint256 ramp) internal pure returns (uint256 word) {
        word = p.lambda | p.beta << 16 | p.bonusStart << 32 | p.bonusSlope << 48 | p.insuranceShare << 64;
        word |= p.minSlice << 80 | p.bonusRamp << 96 | p.callPeriod << 120 | p.insuranceWindow << 144;
        word |= p.bounty << 168 | p.dust << 184 | ramp << 208;
    }

    /// @param ramp The haircuts', as ConfigRamps gives it.
    function packAsset(IMarketConfig.AssetParams memory p, uint256 ramp) internal pure returns (uint256 word) {
        word = p.decimals | p.feed << 8 | p.haircutIm << 16 | p.haircutMm << 32 | p.maxAge << 48 | p.sigma << 64;
        word |= ramp << 80;
    }

    function packLimits(IMarketConfig.AssetParams memory p, uint256 capSince) internal pure returns (uint256) {
        return p.supplyCap | p.borrowCap << 104 | capSince << 208 | p.borrowVelocity << 240;
    }

    function packPair(uint256 haircutIm, uint256 haircutMm, uint256 ramp) internal pure returns (uint256) {
        return haircutIm | haircutMm << 16 | ramp << 32 | 1 << 96;
    }

    /// @param flags What of them is no parameter.
    function packRisk(IMarketConfig.RiskParams memory p, uint256 flags) internal pure returns (uint256 word) {
        word = p.mmRates[0] | p.mmRates[1] << 16 | p.mmRates[2] << 32;
        word |= p.imRates[0] << 48 | p.imRates[1] << 64 | p.imRates[2] << 80;
        word |= _round(p.bound1) << 96 | _round(p.bound2) << 112 | _round(p.oiLower) << 128;
        word |= p.feed << 144 | p.maxAge << 152 | p.sigma << 168 | p.fundingVelocity << 184 | p.maxFundingRate << 216;
        word |= (flags | (p.reduceOnly ? REDUCE_ONLY : 0)) << 232 | _round(p.oiUpper) << 240;
    }

    function packTrade(IMarketConfig.TradeParams memory p) internal pure returns (uint256 word) {
        word = p.skewScale | p.maxSkew << 64 | p.maxOi << 120 | p.makerFee << 176 | p.takerFee << 192;
        word |= p.allocation << 208 | p.move << 224 | p.gap << 240;
    }

    function _round(uint256 bound) private pure returns (uint256 code) {
        (, code) = DecimalFloat.encode(bound);
    }

    // ---------------------------------------------------------------- unpacking

    function modelOf(uint256 globals) internal pure returns (address) {
        return address(uint160(globals));
    }

    function dustOf(uint256 terms) internal pure returns (uint256) {
        return uint24(terms >> 184);
    }

    function blockTimeOf(uint256 globals) internal pure returns (uint256) {
        return uint8(globals >> 200);
    }

    function kappaOf(uint256 globals) internal pure returns (uint256) {
        return uint8(globals >> 208);
    }

    function feedOf(uint256 asset) internal pure returns (uint256) {
        return uint8(asset >> 8);
    }

    function maxAgeOf(uint256 asset) internal pure returns (uint256) {
        return uint16(asset >> 48);
    }

    function sigmaOf(uint256 asset) internal pure returns (uint256) {
        return uint16(asset >> 64);
    }

    function flagsOf(uint256 risk) internal pure returns (uint256) {
        return uint8(risk >> 232);
    }

    function allocationOf(uint256 trade) internal pure returns (uint256) {
        return uint16(trade >> 208);
    }

    function unpackRisk(uint256 word) internal pure returns (IMarketConfig.RiskParams memory p) {
        p.mmRates = [uint256(uint16(word)), uint16(word >> 16), uint16(word >> 32)];
        p.imRates = [uint256(uint16(word >> 48)), uint16(word >> 64), uint16(word >> 80)];
        (p.bound1, p.bound2) = (DecimalFloat.decode(uint16(word >> 96)), DecimalFloat.decode(uint16(word >> 112)));
        (p.oiLower, p.oiUpper) = (DecimalFloat.decode(uint16(word >> 128)), DecimalFloat.decode(word >> 240));
        (p.feed, p.maxAge, p.sigma) = (uint8(word >> 144), uint16(word >> 152), uint16(word >> 168));
        (p.fundingVelocity, p.maxFundingRate) = (uint32(word >> 184), uint16(word >> 216));
        p.reduceOnly = word >> 232 & REDUCE_ONLY != 0;
    }

    function unpackTrade(uint256 word) internal pure returns (IMarketConfig.TradeParams memory p) {
        (p.skewScale, p.maxSkew, p.maxOi) = (uint64(word), uint56(word >> 64), uint56(word >> 120));
        (p.makerFee, p.takerFee) = (uint16(word >> 176), uint16(word >> 192));
        (p.allocation, p.move, p.gap) = (uint16(word >> 208), uint16(word >> 224), uint16(word >> 240));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarketConfig} from "../../interfaces/IMarketConfig.sol";

/// @title Parameters as the engine stores them
/// @dev Layout: docs/storage.md, held equal to Ledger's structs by tests/unit/config/test_words.py. Packing checks no width: that is
/// what ConfigBounds is for.
library ConfigWords {
    uint256 private constant _REDUCE_ONLY = 1;

    // ---------------------------------------------------------------- packing

    function packGlobals(address model, uint256 blockTime, uint256 kappa) internal pure returns (uint256) {
        return uint160(model) | blockTime << 200 | kappa << 208;
    }

    function packTerms(IMarketConfig.Terms memory p) internal pure returns (uint256 word) {
        word = p.lambda | p.beta << 16 | p.bonusStart << 32 | p.bonusSlope << 48 | p.insuranceShare << 64;
        word |= p.minSlice << 80 | p.bonusRamp << 96 | p.callPeriod << 128 | p.insuranceWindow << 160;
        word |= p.bounty << 192 | p.dust << 224;
    }

    function packAsset(IMarketConfig.AssetParams memory p) internal pure returns (uint256 word) {
        word = p.decimals | p.feed << 8 | p.haircutIm << 16 | p.haircutMm << 32 | p.maxAge << 48 | p.sigma << 64;
        word |= p.supplyCap << 80;
    }

    function packRisk(IMarketConfig.RiskParams memory p) internal pure returns (uint256 word) {
        word = p.mmRates[0] | p.mmRates[1] << 16 | p.mmRates[2] << 32;
        word |= p.imRates[0] << 48 | p.imRates[1] << 64 | p.imRates[2] << 80;
        word |= p.bound1 << 96 | p.bound2 << 120 | p.feed << 144 | p.maxAge << 152 | p.sigma << 168;
        word |= p.fundingVelocity << 184 | p.maxFundingRate << 216 | (p.reduceOnly ? _REDUCE_ONLY : 0) << 232;
    }

    function packTrade(IMarketConfig.TradeParams memory p) internal pure returns (uint256 word) {
        word = p.skewScale | p.maxSkew << 64 | p.maxOi << 120 | p.makerFee << 176 | p.takerFee << 192;
        word |= p.allocation << 208 | p.move << 224 | p.gap << 240;
    }

    // ---------------------------------------------------------------- unpacking

    function modelOf(uint256 globals) internal pure returns (address) {
        return address(uint160(globals));
    }

    function dustOf(uint256 terms) internal pure returns (uint256) {
        return uint32(terms >> 224);
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

    function haircutMmOf(uint256 asset) internal pure returns (uint256) {
        return uint16(asset >> 32);
    }

    function allocationOf(uint256 trade) internal pure returns (uint256) {
        return uint16(trade >> 208);
    }

    function unpackRisk(uint256 word) internal pure returns (IMarketConfig.RiskParams memory p) {
        p.mmRates = [uint256(uint16(word)), uint16(word >> 16), uint16(word >> 32)];
        p.imRates = [uint256(uint16(word >> 48)), uint16(word >> 64), uint16(word >> 80)];
        (p.bound1, p.bound2) = (uint24(word >> 96), uint24(word >> 120));
        (p.feed, p.maxAge, p.sigma) = (uint8(word >> 144), uint16(word >> 152), uint16(word >> 168));
        (p.fundingVelocity, p.maxFundingRate) = (uint32(word >> 184), uint16(word >> 216));
        p.reduceOnly = word >> 232 & _REDUCE_ONLY != 0;
    }

    function unpackTrade(uint256 word) internal pure returns (IMarketConfig.TradeParams memory p) {
        (p.skewScale, p.maxSkew, p.maxOi) = (uint64(word), uint56(word >> 64), uint56(word >> 120));
        (p.makerFee, p.takerFee) = (uint16(word >> 176), uint16(word >> 192));
        (p.allocation, p.move, p.gap) = (uint16(word >> 208), uint16(word >> 224), uint16(word >> 240));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {AssetMath} from "../libraries/AssetMath.sol";
import {DecimalFloat} from "../libraries/DecimalFloat.sol";
import {FillMath} from "../libraries/FillMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {FundingMath} from "../libraries/FundingMath.sol";
import {InterestMath} from "../libraries/InterestMath.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {PriceWord} from "../libraries/PriceWord.sol";
import {RampMath} from "../libraries/RampMath.sol";
import {TierMath} from "../libraries/TierMath.sol";

/// @title The internal libraries, callable, for the differential tests of their Python twins
contract ExposedMath {
    // ------------------------------------------------------------------ FixedMath

    function mulDivDown(uint256 x, uint256 y, uint256 d) external pure returns (uint256) {
        return FixedMath.mulDivDown(x, y, d);
    }

    function mulDivUp(uint256 x, uint256 y, uint256 d) external pure returns (uint256) {
        return FixedMath.mulDivUp(x, y, d);
    }

    function ceilDiv(uint256 x, uint256 d) external pure returns (uint256) {
        return FixedMath.ceilDiv(x, d);
    }

    function ceilDivSigned(int256 x, uint256 d) external pure returns (int256) {
        return FixedMath.ceilDivSigned(x, d);
    }

    function floorDivSigned(int256 x, uint256 d) external pure returns (int256) {
        return FixedMath.floorDivSigned(x, d);
    }

    function positive(int256 x) external pure returns (uint256) {
        return FixedMath.positive(x);
    }

    function sqrtYears(uint256 secs) external pure returns (uint256) {
        return FixedMath.sqrtYears(secs);
    }

    function expWad(int256 x) external pure returns (int256) {
        return FixedPointMathLib.expWad(x);
    }

    function lnWad(int256 x) external pure returns (int256) {
        return FixedPointMathLib.lnWad(x);
    }

    // ------------------------------------------------------------------ AssetMath

    function valueDown(uint256 amount, uint256 price, uint256 decimals) external pure returns (uint256) {
        return AssetMath.valueDown(amount, price, decimals);
    }

    function valueUp(uint256 amount, uint256 price, uint256 decimals) external pure returns (uint256) {
        return AssetMath.valueUp(amount, price, decimals);
    }

    function toUnitsDown(uint256 value, uint256 unit) external pure returns (uint256) {
        return AssetMath.toUnitsDown(value, unit);
    }

    function toUnitsUp(uint256 value, uint256 unit) external pure returns (uint256) {
        return AssetMath.toUnitsUp(value, unit);
    }

    // ------------------------------------------------------------------ PositionMath

    function pnl(int256 size, int256 cost, uint256 price, int256 index) external pure returns (int256) {
        return PositionMath.pnl(size, cost, price, index);
    }

    function notional(int256 size, uint256 price) external pure returns (uint256) {
        return PositionMath.notional(size, price);
    }

    function slice(int256 size, int256 cost, uint256 fraction) external pure returns (int256, int256) {
        return PositionMath.slice(size, cost, fraction);
    }

    function costOf(int256 part, int256 size, int256 cost) external pure returns (int256) {
        return PositionMath.costOf(part, size, cost);
    }

    function grows(int256 size, int256 delta) external pure returns (bool) {
        return PositionMath.grows(size, delta);
    }

    // ------------------------------------------------------------------ TierMath

    function requirements(uint256 value, uint256 table) external pure returns (uint256, uint256) {
        return TierMath.requirements(value, table);
    }

    function interestShare(uint256 interest, uint256 lower, uint256 upper) external pure returns (uint256) {
        return TierMath.interestShare(interest, lower, upper);
    }

    // ------------------------------------------------------------------ DecimalFloat

    function decode(uint256 code) external pure returns (uint256) {
        return DecimalFloat.decode(code);
    }

    function encode(uint256 value) external pure returns (bool, uint256) {
        return DecimalFloat.encode(value);
    }

    // ------------------------------------------------------------------ RampMath

    function valueAt(uint256 from, uint256 to, uint256 end, uint256 time) external pure returns (uint256) {
        return RampMath.valueAt(from, to, end, time);
    }

    function oldShare(uint256 end, uint256 time) external pure returns (uint256) {
        return RampMath.oldShare(end, time);
    }

    function between(uint256 was, uint256 becomes, uint256 share) external pure returns (uint256) {
        return RampMath.between(was, becomes, share);
    }

    // ------------------------------------------------------------------ FundingMath

    function project(int256 rate, int256 skew, uint256 velocity, uint256 maxRate, uint256 elapsed, uint256 price)
        external
        pure
        returns (int256, int256)
    {
        return FundingMath.project(rate, skew, velocity, maxRate, elapsed, price);
    }

    // ------------------------------------------------------------------ InterestMath

    function accrue(
        uint256 rateAtTarget,
        uint256 utilisation,
        uint256 reserveShare,
        uint256 elapsed,
        uint256 debtIndex,
        uint256 lentIndex
    ) external pure returns (uint256, uint256, uint256) {
        return InterestMath.project(rateAtTarget, utilisation, reserveShare, elapsed, debtIndex, lentIndex);
    }

    function integral(uint256 rateAtTarget, uint256 utilisation, uint256 elapsed)
        external
        pure
        returns (uint256, uint256)
    {
        return InterestMath.integral(rateAtTarget, utilisation, elapsed);
    }

    function compound(uint256 area) external pure returns (uint256, uint256) {
        return InterestMath.compound(area);
    }

    function borrowRate(uint256 rateAtTarget, uint256 utilisation) external pure returns (uint256) {
        return InterestMath.borrowRate(rateAtTarget, utilisation);
    }

    function lendRate(uint256 rateAtTarget, uint256 utilisation, uint256 reserveShare) external pure returns (uint256) {
        return InterestMath.lendRate(rateAtTarget, utilisation, reserveShare);
    }

    function utilisationOf(uint256 lent, uint256 debt) external pure returns (uint256) {
        return InterestMath.utilisationOf(lent, debt);
    }

    function amountDown(uint256 shares, uint256 index) external pure returns (uint256) {
        return InterestMath.amountDown(shares, index);
    }

    function amountUp(uint256 shares, uint256 index) external pure returns (uint256) {
        return InterestMath.amountUp(shares, index);
    }

    function sharesDown(uint256 amount, uint256 index) external pure returns (uint256) {
        return InterestMath.sharesDown(amount, index);
    }

    function sharesUp(uint256 amount, uint256 index) external pure returns (uint256) {
        return InterestMath.sharesUp(amount, index);
    }

    // ------------------------------------------------------------------ FillMath

    function premium(int256 size, int256 skew, uint256 price, uint256 skewScale) external pure returns (int256) {
        return FillMath.premium(size, skew, price, skewScale);
    }

    function spreadRate(uint256 kappa, uint256 sigma, uint256 age, uint256 blockTime, uint256 cap)
        external
        pure
        returns (uint256)
    {
        return FillMath.spreadRate(kappa, sigma, age, blockTime, cap);
    }

    function spreadCap(uint256 mmRateBps, uint256 maxSkew, uint256 skewScale, uint256 takerFeePpm)
        external
        pure
        returns (uint256)
    {
        return FillMath.spreadCap(mmRateBps, maxSkew, skewScale, takerFeePpm);
    }

    function spread(uint256 absSize, uint256 price, uint256 rate) external pure returns (uint256) {
        return FillMath.spread(absSize, price, rate);
    }

    function fee(int256 size, int256 skew, uint256 price, uint256 makerFeePpm, uint256 takerFeePpm)
        external
        pure
        returns (uint256)
    {
        return FillMath.fee(size, skew, price, makerFeePpm, takerFeePpm);
    }

    // ------------------------------------------------------------------ LiquidationMath

    function callMargin(uint256 im0, uint256 mm, uint256 lambda) external pure returns (uint256) {
        return LiquidationMath.callMargin(im0, mm, lambda);
    }

    function target(uint256 im0, uint256 mm, uint256 beta) external pure returns (uint256) {
        return LiquidationMath.target(im0, mm, beta);
    }

    function bonusRate(
        int256 equity,
        uint256 mm,
        uint256 elapsed,
        uint256 bonusStart,
        uint256 bonusSlope,
        uint256 bonusRamp,
        uint256 insuranceShare
    ) external pure returns (uint256) {
        return LiquidationMath.bonusRate(equity, mm, elapsed, bonusStart, bonusSlope, bonusRamp, insuranceShare);
    }

    function maxFraction(int256 equity, uint256 mm, uint256 targetMargin, uint256 rate, uint256 dust)
        external
        pure
        returns (uint256)
    {
        return LiquidationMath.maxFraction(equity, mm, targetMargin, rate, dust);
    }

    function slicePrice(int256 equity, uint256 mm, uint256 fraction, uint256 bonus, uint256 insuranceShare)
        external
        pure
        returns (uint256, uint256)
    {
        return LiquidationMath.price(equity, mm, fraction, bonus, insuranceShare);
    }

    // ------------------------------------------------------------------ PriceWord

    function unpackPrice(uint256 word)
        external
        pure
        returns (uint256, uint256, uint256, uint256, uint256, uint256, uint256)
    {
        return (
            PriceWord.value(word),
            PriceWord.confidence(word),
            PriceWord.publishedAt(word),
            PriceWord.seenAt(word),
            PriceWord.writtenBlock(word),
            PriceWord.disputedUntil(word),
            PriceWord.status(word)
        );
    }

    function isDisputed(uint256 word) external view returns (bool) {
        return PriceWord.isDisputed(word);
    }

    function priceAge(uint256 word) external view returns (uint256) {
        return PriceWord.age(word);
    }

    function unpackVolatility(uint256 word) external pure returns (uint256, uint256, uint256, uint256) {
        return (PriceWord.mmFrom(word), PriceWord.multiplier(word), PriceWord.phase(word), PriceWord.volatility(word));
    }

    function rejected(uint256 word, uint256 seenAt, uint256 writtenBlock, uint256 status)
        external
        pure
        returns (uint256)
    {
        return PriceWord.rejected(word, seenAt, writtenBlock, status);
    }

    function withDispute(uint256 word, uint256 until) external pure returns (uint256) {
        return PriceWord.withDispute(word, until);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedMath} from "./FixedMath.sol";

/// @title What a trade against the pool costs
/// @dev Python twin: plimsoll/margin/fill_math.py. The premium is the mean of before and after of a *linear* premium, so splitting an
/// order never pays (S-5); every rounding is up, against the trader.
library FillMath {
    /// @notice The signed premium of moving the skew from `skew` by `size`: size·price·(2·skew + size)/(2·skewScale), up.
    function premium(int256 size, int256 skew, uint256 price, uint256 skewScale) internal pure returns (int256) {
        return FixedMath.ceilDivSigned(size * int256(price) * (2 * skew + size), 2 * skewScale);
    }

    /// @notice The spread rate in WAD that a price of this age costs: κ·σ·√((age + blockTime)/year), at most `cap`.
    /// @param kappa tenths. @param sigma bps per √year.
    function spreadRate(uint256 kappa, uint256 sigma, uint256 age, uint256 blockTime, uint256 cap)
        internal
        pure
        returns (uint256)
    {
        uint256 rate = FixedMath.ceilDiv(kappa * sigma * FixedMath.sqrtYears(age + blockTime), 10 * FixedMath.BPS);
        return rate < cap ? rate : cap;
    }

    /// @notice The largest spread rate (WAD): half the first MM rate less the largest premium and the taker fee; zero when
    /// they leave nothing, which MarketConfig refuses to set.
    function spreadCap(uint256 mmRateBps, uint256 maxSkew, uint256 skewScale, uint256 takerFeePpm)
        internal
        pure
        returns (uint256)
    {
        uint256 half = mmRateBps * (FixedMath.WAD / FixedMath.BPS) / 2;
        uint256 used =
            FixedMath.mulDivUp(maxSkew, FixedMath.WAD, skewScale) + takerFeePpm * (FixedMath.WAD / FixedMath.PPM);
        return half > used ? half - used : 0;
    }

    function spread(uint256 absSize, uint256 price, uint256 rate) internal pure returns (uint256) {
        return FixedMath.mulDivUp(absSize * price, rate, FixedMath.WAD);
    }

    /// @notice Maker fee on the part that brings the skew toward zero, taker fee on the rest.
    function fee(int256 size, int256 skew, uint256 price, uint256 makerFeePpm, uint256 takerFeePpm)
        internal
        pure
        returns (uint256)
    {
        uint256 absSize = FixedMath.abs(size);
        uint256 reducing;
        if (size != 0 && (size > 0) != (skew > 0)) {
            uint256 absSkew = FixedMath.abs(skew);
            reducing = absSize < absSkew ? absSize : absSkew;
        }
        return FixedMath.ceilDiv(price * (reducing * makerFeePpm + (absSize - reducing) * takerFeePpm), FixedMath.PPM);
    }
}

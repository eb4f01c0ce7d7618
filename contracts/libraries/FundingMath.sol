// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Velocity funding: the skew moves the rate, the rate moves the index
/// @notice Between two trades the skew is constant, so the rate is a straight line up to its cap, and its integral is exact
/// whatever the number of accruals in between (up to one unit of the last place each).
/// @dev Python twin: plimsoll/margin/funding_math.py. Model: Synthetix v3 perps, here with the cap inside the integral.
library FundingMath {
    int256 internal constant DAY = 1 days;

    /// @param rate 1e-9 per day. @param skew 1e-8 units. @param velocity 1e-12 per day² per whole unit of skew.
    /// @param maxRate 1e-4 per day. @param elapsed seconds. @param price 1e-10 quote.
    /// @return newRate 1e-9 per day. @return growth of the funding index, 1e-10 quote per unit, toward zero.
    function project(int256 rate, int256 skew, uint256 velocity, uint256 maxRate, uint256 elapsed, uint256 price)
        internal
        pure
        returns (int256 newRate, int256 growth)
    {
        if (elapsed == 0) return (rate, 0);
        unchecked {
            // skew < 2^56, velocity < 2^32, elapsed < 2^32: every product below stays under 2^160, with price under 2^232.
            int256 dt = int256(elapsed);
            int256 cap = int256(maxRate) * 1e5;
            // A lowered cap binds at once.
            if (rate > cap) rate = cap;
            else if (rate < -cap) rate = -cap;
            int256 slope = skew * int256(velocity); // 1e-20 per day²
            newRate = rate + slope * dt / (DAY * 1e11); // 1e-9 per day
            int256 area; // 1e-9 per day × seconds × 2
            if (newRate > cap || newRate < -cap) {
                int256 bound = newRate > cap ? cap : -cap;
                // The cap all the way, less the triangle before the line meets it. slope is not zero here, since rate itself
                // is within the cap; (bound − rate)² is under 2^68.
                area = 2 * bound * dt - (bound - rate) * (bound - rate) * (DAY * 1e11) / slope;
                newRate = bound;
            } else {
                area = (rate + newRate) * dt;
            }
            growth = area * int256(price) / (2 * DAY * 1e9);
        }
    }
}

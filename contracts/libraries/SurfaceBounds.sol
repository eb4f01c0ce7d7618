// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVolatilityFeed} from "../../interfaces/IVolatilityFeed.sol";
import {FixedMath} from "./FixedMath.sol";

/// @title What a market's rules for its surfaces may be, each bound with its own error
library SurfaceBounds {
    uint256 internal constant MIN_AGE = 1 minutes;
    uint256 internal constant MAX_AGE = 1 days;
    /// @dev Minutes.
    uint256 internal constant MIN_EXPIRY = 1 days / 1 minutes;
    uint256 internal constant MAX_EXPIRY = 5 * 365 days / 1 minutes;
    /// @dev Bps. Below 1 % what a variance is rounded to would weigh.
    uint256 internal constant MIN_VOL = 100;
    uint256 internal constant MAX_VOL = 100_000;
    uint256 internal constant MAX_BASIS = 5000;
    uint256 internal constant MAX_RATE = 20_000;

    function requireRules(IVolatilityFeed.Rules calldata r) internal pure {
        if (r.maxAge < MIN_AGE || r.maxAge > MAX_AGE) {
            revert IVolatilityFeed.MaxAgeOutOfRange(r.maxAge, MIN_AGE, MAX_AGE);
        }
        if (r.maxExpiry < MIN_EXPIRY || r.maxExpiry > MAX_EXPIRY) {
            revert IVolatilityFeed.MaxExpiryOutOfRange(r.maxExpiry, MIN_EXPIRY, MAX_EXPIRY);
        }
        if (r.minVol < MIN_VOL || r.minVol >= r.maxVol || r.maxVol > MAX_VOL) {
            revert IVolatilityFeed.VolRangeInvalid(r.minVol, r.maxVol, MIN_VOL, MAX_VOL);
        }
        if (r.maxBasis > MAX_BASIS) revert IVolatilityFeed.MaxBasisOutOfRange(r.maxBasis, MAX_BASIS);
        if (r.maxRate > MAX_RATE) revert IVolatilityFeed.MaxRateOutOfRange(r.maxRate, MAX_RATE);
        if (r.maxConfidence == 0 || r.maxConfidence > FixedMath.PPM) {
            revert IVolatilityFeed.MaxConfidenceOutOfRange(r.maxConfidence, FixedMath.PPM);
        }
    }
}

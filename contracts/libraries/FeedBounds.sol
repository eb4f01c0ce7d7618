// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOracleRouter} from "../../interfaces/IOracleRouter.sol";

/// @title What a feed's parameters may be, each bound with its own error
library FeedBounds {
    uint256 internal constant BPS = 1e4;
    uint256 internal constant MIN_FALLBACK_AGE = 1 minutes;
    uint256 internal constant MAX_FALLBACK_AGE = 1 days;
    /// @dev Bps per √year: below 1 % every market would be at the cap at all times.
    uint256 internal constant MIN_SIGMA_REF = 100;
    uint256 internal constant MAX_SIGMA_REF = 50_000;
    /// @dev Bps; the largest that a code of 8 bits holds.
    uint256 internal constant MAX_MULTIPLIER = 49_843;
    uint256 internal constant MAX_HALF_LIFE = 30 * 24;

    function requireFeed(uint256 feed, IOracleRouter.FeedConfig calldata config) internal pure {
        bool compared = config.referenceSource != address(0);
        if ((compared && config.maxDeviationBps == 0) || config.maxDeviationBps > BPS || config.maxConfidencePpm == 0) {
            revert IOracleRouter.FeedBoundsInvalid(feed, config.maxDeviationBps, config.maxConfidencePpm);
        }
    }

    function requireFallbackAge(uint256 age) internal pure {
        if (age < MIN_FALLBACK_AGE || age > MAX_FALLBACK_AGE) {
            revert IOracleRouter.FallbackAgeOutOfRange(age, MIN_FALLBACK_AGE, MAX_FALLBACK_AGE);
        }
    }

    function requireVolatility(uint256 sigmaRef, uint256 maxMultiplier, uint256 halfLife) internal pure {
        if (sigmaRef < MIN_SIGMA_REF || sigmaRef > MAX_SIGMA_REF) {
            revert IOracleRouter.SigmaRefOutOfRange(sigmaRef, MIN_SIGMA_REF, MAX_SIGMA_REF);
        }
        if (maxMultiplier < BPS || maxMultiplier > MAX_MULTIPLIER) {
            revert IOracleRouter.MaxMultiplierOutOfRange(maxMultiplier, BPS, MAX_MULTIPLIER);
        }
        if (halfLife == 0 || halfLife > MAX_HALF_LIFE) {
            revert IOracleRouter.HalfLifeOutOfRange(halfLife, 1, MAX_HALF_LIFE);
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVolatilityFeed} from "../../interfaces/IVolatilityFeed.sol";
import {FixedMath} from "./FixedMath.sol";
import {SurfaceMath} from "./SurfaceMath.sol";
import {SurfaceWord} from "./SurfaceWord.sol";

/// @title What a surface is refused for on its own, whatever its neighbours
/// @dev Reasons in the order of IVolatilityFeed.Reason. Python twin: plimsoll/margin/surface_checks.py.
library SurfaceChecks {
    using SurfaceWord for uint256;

    struct Refusal {
        IVolatilityFeed.Reason reason;
        int256 value;
        int256 limit;
    }

    int256 internal constant WAD = 1e18;
    uint256 internal constant MIN_SIGMA = 0.001e18;
    uint256 internal constant MAX_SIGMA = 16e18;
    int256 internal constant MAX_CENTRE = 4e18;
    /// @dev How far the time of a fit may lie from what its publishing leaves, seconds.
    uint256 internal constant TAU_TOLERANCE = 10 minutes;
    /// @dev Some 32 seconds in WAD years: the least variance then is large against what it is rounded to.
    uint256 internal constant MIN_TAU = 1e12;
    int256 private constant _WAD_PER_BPS = 1e14;

    /// @param word2 Without a key.
    /// @param expiry Seconds.
    function examine(
        IVolatilityFeed.Rules memory rules,
        uint256 word0,
        uint256 word1,
        uint256 word2,
        uint256 expiry,
        uint256 publishedAt
    ) internal view returns (Refusal memory found) {
        found = _expiry(rules, expiry);
        if (found.reason == IVolatilityFeed.Reason.None) found = _fields(word0, word1);
        if (found.reason == IVolatilityFeed.Reason.None) found = _tau(word1.tau(), expiry, publishedAt);
        if (found.reason == IVolatilityFeed.Reason.None) found = _terms(rules, word1.tau(), word2);
        if (found.reason == IVolatilityFeed.Reason.None) found = _level(rules, word0, word1);
        if (found.reason == IVolatilityFeed.Reason.None) found = _shape(word0, word1.sigma());
    }

    function _expiry(IVolatilityFeed.Rules memory rules, uint256 expiry) private view returns (Refusal memory found) {
        uint256 latest = block.timestamp + rules.maxExpiry * 1 minutes;
        if (expiry <= block.timestamp) {
            return _refuse(IVolatilityFeed.Reason.ExpiryPassed, int256(expiry), int256(block.timestamp));
        }
        if (expiry > latest) return _refuse(IVolatilityFeed.Reason.ExpiryTooFar, int256(expiry), int256(latest));
    }

    function _fields(uint256 word0, uint256 word1) private pure returns (Refusal memory found) {
        (int256 rho, int256 m, uint256 sigma) = (word0.rho(), word0.m(), word1.sigma());
        if (rho <= -WAD || rho >= WAD) return _refuse(IVolatilityFeed.Reason.Rho, rho, WAD);
        if (word0.b() < 0) return _refuse(IVolatilityFeed.Reason.Slope, word0.b(), 0);
        if (sigma < MIN_SIGMA) return _refuse(IVolatilityFeed.Reason.Sigma, int256(sigma), int256(MIN_SIGMA));
        if (sigma > MAX_SIGMA) return _refuse(IVolatilityFeed.Reason.Sigma, int256(sigma), int256(MAX_SIGMA));
        if (m < -MAX_CENTRE || m > MAX_CENTRE) return _refuse(IVolatilityFeed.Reason.Centre, m, MAX_CENTRE);
        if (word1.forwardRef() == 0) return _refuse(IVolatilityFeed.Reason.Forward, 0, 1);
    }

    function _tau(uint256 tau, uint256 expiry, uint256 publishedAt) private pure returns (Refusal memory found) {
        int256 left = (int256(expiry) - int256(publishedAt)) * WAD / int256(FixedMath.YEAR);
        uint256 apart = FixedMath.abs(int256(tau) - left);
        if (tau < MIN_TAU || apart > TAU_TOLERANCE * FixedMath.WAD / FixedMath.YEAR) {
            return _refuse(IVolatilityFeed.Reason.Tau, int256(tau), left);
        }
    }

    function _terms(IVolatilityFeed.Rules memory rules, uint256 tau, uint256 word2)
        private
        pure
        returns (Refusal memory found)
    {
        (int256 rate, int256 carry) = (word2.rate(), int256(word2.carry()));
        int256 maxRate = int256(uint256(rules.maxRate)) * _WAD_PER_BPS;
        int256 maxBasis = int256(uint256(rules.maxBasis)) * _WAD_PER_BPS + maxRate * int256(tau) / WAD;
        if (FixedMath.abs(rate) > uint256(maxRate)) return _refuse(IVolatilityFeed.Reason.Rate, rate, maxRate);
        if (carry == 0 || FixedMath.abs(carry - WAD) > uint256(maxBasis)) {
            return _refuse(IVolatilityFeed.Reason.Carry, carry, maxBasis);
        }
        uint256 confidence = word2.forwardConfidence();
        if (word2.rateConfidence() > confidence) confidence = word2.rateConfidence();
        if (word2.volConfidence() > confidence) confidence = word2.volConfidence();
        if (confidence > rules.maxConfidence) {
            int256 limit = int256(uint256(rules.maxConfidence));
            return _refuse(IVolatilityFeed.Reason.Confidence, int256(confidence), limit);
        }
    }

    /// @dev Variances are compared, not vols: no root.
    function _level(IVolatilityFeed.Rules memory rules, uint256 word0, uint256 word1)
        private
        pure
        returns (Refusal memory found)
    {
        (uint256 sigma, uint256 tau) = (word1.sigma(), word1.tau());
        int256 least = SurfaceMath.minimum(word0, sigma);
        if (least < 0) return _refuse(IVolatilityFeed.Reason.Variance, least, 0);
        int256 floor = int256(uint256(rules.minVol) * rules.minVol * tau / 1e8);
        if (least < floor) return _refuse(IVolatilityFeed.Reason.VolTooLow, least, floor);
        int256 atTheMoney = SurfaceMath.variance(word0, sigma, 0);
        int256 cap = int256(uint256(rules.maxVol) * rules.maxVol * tau / 1e8);
        if (atTheMoney > cap) return _refuse(IVolatilityFeed.Reason.VolTooHigh, atTheMoney, cap);
    }

    function _shape(uint256 word0, uint256 sigma) private pure returns (Refusal memory found) {
        int256 wing = SurfaceMath.wing(word0);
        if (wing > SurfaceMath.MAX_WING) {
            return _refuse(IVolatilityFeed.Reason.Wings, wing, SurfaceMath.MAX_WING);
        }
        (int256 g, int256 k) = SurfaceMath.butterfly(word0, sigma);
        if (g < 0) return _refuse(IVolatilityFeed.Reason.Butterfly, g, k);
    }

    function _refuse(IVolatilityFeed.Reason reason, int256 value, int256 limit) private pure returns (Refusal memory) {
        return Refusal(reason, value, limit);
    }
}

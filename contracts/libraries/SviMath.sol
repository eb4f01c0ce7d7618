// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

/// @title A volatility smile in five parameters: w(k) = a + b·(ρ(k − m) + √((k − m)² + σ²))
/// @dev w is the total variance at k = ln(K/F) for the time that the surface was fitted at. All in WAD, of sizes below 2^80 (a million),
/// which no step overflows. Nothing reverts, whatever the parameters. Python twin: plimsoll/margin/svi_math.py.
library SviMath {
    struct Smile {
        int256 a;
        int256 b;
        int256 rho;
        int256 m;
        int256 sigma;
    }

    /// @dev Total variance is held within [0, 144], as wide as Black76 prices.
    uint256 internal constant MAX_VARIANCE = 144e18;

    /// @notice √(w/τ), the annual volatility, WAD, rounded down. No τ gives none.
    /// @param k ln(K/F) with the forward of the surface, WAD.
    /// @param tau Years that the surface was fitted at, WAD.
    function volatility(Smile memory smile, int256 k, uint256 tau) internal pure returns (uint256) {
        unchecked {
            return FixedPointMathLib.sqrt(FixedPointMathLib.rawDiv(totalVariance(smile, k) * 1e36, tau));
        }
    }

    /// @notice w, WAD, of a k that is first brought within ±4√(a + bσ).
    function totalVariance(Smile memory smile, int256 k) internal pure returns (uint256) {
        unchecked {
            (int256 a, int256 b, int256 sigma) = (smile.a, smile.b, smile.sigma);
            k = _nearMoney(k, a * 1e18 + b * sigma) - smile.m;
            int256 root = int256(FixedPointMathLib.sqrt(uint256(k * k + sigma * sigma)));
            int256 w = a + b * (smile.rho * k + root * 1e18) / 1e36;
            if (w < 0) return 0;
            return uint256(w) > MAX_VARIANCE ? MAX_VARIANCE : uint256(w);
        }
    }

    function _nearMoney(int256 k, int256 variance) private pure returns (int256) {
        unchecked {
            if (variance <= 0) return 0;
            if (k * k <= 16 * variance) return k;
            int256 edge = int256(FixedPointMathLib.sqrt(uint256(16 * variance)));
            return k > 0 ? edge : -edge;
        }
    }
}

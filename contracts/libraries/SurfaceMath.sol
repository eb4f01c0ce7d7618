// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SurfaceWord} from "./SurfaceWord.sol";

/// @title Whether a smile admits arbitrage
/// @dev Raw SVI in total variance, w(k) = a + b(ρ(k − m) + √((k − m)² + σ²)). All numbers WAD, divisions toward zero; unchecked: no
/// input that fits its field overflows. Python twin: plimsoll/margin/surface_math.py.
library SurfaceMath {
    using SurfaceWord for uint256;

    int256 internal constant WAD = 1e18;
    /// @dev Of total variance per log-moneyness. Along a wing of slope s, g tends to (4 − s²)/16.
    int256 internal constant MAX_WING = 2e18;
    /// @dev k of the calendar's grid: 0 and ± 0.0125 · 2^j, up to 3.2.
    uint256 internal constant GRID = 19;
    int256 private constant _GRID_STEP = 0.0125e18;
    /// @dev How far from m the butterfly is looked at.
    int256 private constant _REACH = 8e18;
    int256 private constant _ROOT_2 = 1_414213562373095049;
    int256 private constant _HALF_LN_2 = 346573590279972655;

    /// @notice Total variance at k.
    function variance(uint256 word0, uint256 sigma, int256 k) internal pure returns (int256) {
        unchecked {
            int256 x = k - word0.m();
            int256 root = int256(FixedPointMathLib.sqrt(uint256(x * x) + sigma * sigma));
            return word0.a() + word0.b() * (word0.rho() * x / WAD + root) / WAD;
        }
    }

    /// @notice The least total variance, a + bσ√(1 − ρ²). |ρ| < 1.
    function minimum(uint256 word0, uint256 sigma) internal pure returns (int256) {
        unchecked {
            int256 rho = word0.rho();
            int256 root = int256(FixedPointMathLib.sqrt(uint256(WAD * WAD - rho * rho)));
            return word0.a() + word0.b() * int256(sigma) / WAD * root / WAD;
        }
    }

    /// @notice Slope of the steeper wing, b(1 + |ρ|), up.
    function wing(uint256 word0) internal pure returns (int256) {
        unchecked {
            int256 rho = word0.rho();
            return (word0.b() * (WAD + (rho < 0 ? -rho : rho)) + WAD - 1) / WAD;
        }
    }

    /// @notice Total variance at each k of the calendar's grid, in the order of `gridPoint`.
    function grid(uint256 word0, uint256 sigma) internal pure returns (int256[] memory found) {
        found = new int256[](GRID);
        for (uint256 i; i < GRID; ++i) {
            found[i] = variance(word0, sigma, gridPoint(i));
        }
    }

    /// @notice 0, 0.0125, −0.0125, 0.025, −0.025, …
    function gridPoint(uint256 i) internal pure returns (int256 k) {
        unchecked {
            if (i == 0) return 0;
            k = _GRID_STEP << (i - 1) / 2;
            if (i & 1 == 0) k = -k;
        }
    }

    /// @notice The first place of the grid where Durrleman's g is negative, from the left; g is not negative when there is none.
    /// @dev k = m + σ·sinh(u) with z = e^u in steps of √2: dense where the smile bends, sparse along its wings, and without a root per
    /// point. Between three points whose middle one is least the vertex of their parabola is looked at as well.
    /// The least variance must be positive.
    function butterfly(uint256 word0, uint256 sigma) internal pure returns (int256 g, int256 k) {
        unchecked {
            int256 last = _outermost(int256(sigma));
            int256 z = WAD * WAD / last;
            int256 before;
            int256 middle;
            for (uint256 i; z <= last; ++i) {
                (g, k) = durrleman(word0, int256(sigma), z);
                if (g < 0) return (g, k);
                if (i > 1 && middle < before && middle <= g) {
                    (int256 least, int256 at) = durrleman(word0, int256(sigma), _vertex(before, middle, g, z));
                    if (least < 0) return (least, at);
                }
                (before, middle) = (middle, g);
                z = z * _ROOT_2 / WAD;
            }
        }
    }

    /// @notice g(k) = (1 − k·w′/2w)² − w′²/4·(1/w + 1/4) + w″/2, at k = m + σ(z − 1/z)/2: what the density of the underlying has the
    /// sign of.
    function durrleman(uint256 word0, int256 sigma, int256 z) internal pure returns (int256 g, int256 k) {
        unchecked {
            int256 w;
            int256 slope;
            int256 bend;
            {
                int256 inverse = WAD * WAD / z;
                int256 cosh = (z + inverse) / 2;
                int256 sinh = (z - inverse) / 2;
                int256 b = word0.b();
                int256 rho = word0.rho();
                int256 x = sigma * sinh / WAD;
                k = word0.m() + x;
                w = word0.a() + b * (rho * x / WAD + sigma * cosh / WAD) / WAD;
                slope = b * (rho + sinh * WAD / cosh) / WAD;
                int256 sech = WAD * WAD / cosh;
                bend = b * (sech * sech / WAD * sech / WAD) / sigma;
            }
            int256 h = WAD - k * slope / (2 * w);
            int256 square = slope * slope;
            g = h * h / WAD - square / (4 * w) - square / (16 * WAD) + bend / 2;
        }
    }

    /// @dev The first z whose k lies farther than the reach from m.
    function _outermost(int256 sigma) private pure returns (int256 z) {
        unchecked {
            z = _ROOT_2;
            while (sigma * (z - WAD * WAD / z) < 2 * _REACH * WAD) {
                z = z * _ROOT_2 / WAD;
            }
        }
    }

    /// @dev Where the parabola through three neighbours is least; the last of them is at z. e^x to its second order.
    function _vertex(int256 before, int256 middle, int256 behind, int256 z) private pure returns (int256) {
        unchecked {
            int256 part = (before - behind) * WAD / (2 * (before - 2 * middle + behind));
            int256 x = part * _HALF_LN_2 / WAD;
            return z * WAD / _ROOT_2 * (WAD + x + x * x / (2 * WAD)) / WAD;
        }
    }
}

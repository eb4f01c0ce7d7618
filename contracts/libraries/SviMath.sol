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
            int256 square = _square(smile);
            // No root where it is not needed: k is compared by its square.
            if (k * k > square) k = _within(k, _edge(square));
            k -= smile.m;
            return _variance(smile, k, FixedPointMathLib.sqrt(_radicand(smile, k)));
        }
    }

    /// @notice The same for one strike after another. @param edge What `reach` is. @param start The root that was found for a neighbour, or
    /// zero for none: the next one is looked for from there.
    function varianceFrom(Smile memory smile, int256 k, int256 edge, uint256 start)
        internal
        pure
        returns (uint256 w, uint256 root)
    {
        unchecked {
            k = _within(k, edge) - smile.m;
            root = rootFrom(_radicand(smile, k), start);
            w = _variance(smile, k, root);
        }
    }

    /// @notice 4√(a + bσ), WAD: how far from the money k counts.
    function reach(Smile memory smile) internal pure returns (int256) {
        return _edge(_square(smile));
    }

    /// @notice √x rounded down, whatever `start` is, and in few steps when it is near; zero says nothing. x below 2^255, start below 2^128.
    /// @dev One step of Newton's from anywhere is never below the root, and from there on each comes further down until it is reached. Five at
    /// once, since to ask after each costs as much as a step.
    function rootFrom(uint256 x, uint256 start) internal pure returns (uint256 z) {
        if (start == 0) return FixedPointMathLib.sqrt(x);
        assembly ("memory-safe") {
            z := shr(1, add(start, div(x, start)))
            z := shr(1, add(z, div(x, z)))
            z := shr(1, add(z, div(x, z)))
            z := shr(1, add(z, div(x, z)))
            z := shr(1, add(z, div(x, z)))
            for {} 1 {} {
                let lower := shr(1, add(z, div(x, z)))
                if iszero(lt(lower, z)) { break }
                z := lower
            }
        }
    }

    function _square(Smile memory smile) private pure returns (int256) {
        unchecked {
            return 16 * (smile.a * 1e18 + smile.b * smile.sigma);
        }
    }

    function _edge(int256 square) private pure returns (int256) {
        return square > 0 ? int256(FixedPointMathLib.sqrt(uint256(square))) : int256(0);
    }

    function _within(int256 k, int256 edge) private pure returns (int256) {
        unchecked {
            if (k > edge) return edge;
            return k < -edge ? -edge : k;
        }
    }

    /// @param x k − m, as below.
    function _radicand(Smile memory smile, int256 x) private pure returns (uint256) {
        unchecked {
            return uint256(x * x + smile.sigma * smile.sigma);
        }
    }

    function _variance(Smile memory smile, int256 x, uint256 root) private pure returns (uint256 w) {
        unchecked {
            w = uint256(smile.a + smile.b * (smile.rho * x + int256(root) * 1e18) / 1e36);
            // A negative one, too, is more than the most.
            if (w > MAX_VARIANCE) w = int256(w) < 0 ? 0 : MAX_VARIANCE;
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SviMath} from "../libraries/SviMath.sol";

/// @title SviMath, callable, for the differential tests of its Python twin
contract ExposedSvi {
    function volatility(SviMath.Smile memory smile, int256 k, uint256 tau) external pure returns (uint256) {
        return SviMath.volatility(smile, k, tau);
    }

    function totalVariance(SviMath.Smile memory smile, int256 k) external pure returns (uint256) {
        return SviMath.totalVariance(smile, k);
    }

    /// @notice As PortfolioMargin takes it, from a neighbour's root.
    function varianceFrom(SviMath.Smile memory smile, int256 k, uint256 start)
        external
        pure
        returns (uint256 w, uint256 root)
    {
        return SviMath.varianceFrom(smile, k, SviMath.reach(smile), start);
    }

    function rootFrom(uint256 x, uint256 start) external pure returns (uint256) {
        return SviMath.rootFrom(x, start);
    }

    /// @notice `volatility`, and the gas it took.
    function used(SviMath.Smile memory smile, int256 k, uint256 tau) external view returns (uint256 vol, uint256 gas) {
        gas = gasleft();
        vol = SviMath.volatility(smile, k, tau);
        gas -= gasleft();
    }
}

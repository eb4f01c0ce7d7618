// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The part of Pyth's contract that PythAdapter asks
interface IPyth {
    /// @param price In units of 10^expo.
    /// @param conf Half the width of the interval that holds the price with 95 % or so, in the same units.
    struct Price {
        int64 price;
        uint64 conf;
        int32 expo;
        uint256 publishTime;
    }

    /// @notice The last price of `id` that anyone brought on chain, however old.
    function getPriceUnsafe(bytes32 id) external view returns (Price memory);
}

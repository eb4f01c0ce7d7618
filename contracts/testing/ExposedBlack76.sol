// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Black76} from "../libraries/Black76.sol";

/// @title Black76, callable, for the differential tests of its Python twin
contract ExposedBlack76 {
    address private immutable _TABLE;

    constructor(address table) {
        _TABLE = table;
    }

    /// @param records The words of records, as they lie in memory.
    function strip(uint256 volKind, int256 lnShock, uint256 forward, bytes memory records)
        external
        view
        returns (int256 sum, uint256 used)
    {
        uint256 table = Black76.load(_TABLE);
        uint256 first;
        assembly ("memory-safe") {
            first := add(records, 0x20)
        }
        used = gasleft();
        sum = Black76.strip(table, first, records.length / Black76.RECORD_BYTES, volKind, lnShock, forward);
        used -= gasleft();
    }

    function price(uint256 forward, uint256 strike, uint256 v) external view returns (uint256, uint256) {
        return Black76.price(Black76.load(_TABLE), forward, strike, v);
    }

    function greeks(uint256 forward, uint256 strike, uint256 v, uint256 secs)
        external
        view
        returns (int256, uint256, uint256, int256)
    {
        return Black76.greeks(Black76.load(_TABLE), forward, strike, v, secs);
    }
}

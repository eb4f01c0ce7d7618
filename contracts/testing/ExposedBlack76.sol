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

    function logMoneyness(uint256 strike, uint256 forward) external pure returns (int256) {
        return Black76.logMoneyness(strike, forward);
    }

    function totalVol(uint256 sigma, uint256 sqrtYears) external pure returns (uint256) {
        return Black76.totalVol(sigma, sqrtYears);
    }

    function volWord(uint256 v) external pure returns (uint256) {
        return Black76.volWord(v);
    }

    /// @notice A strip of one record, made by the library's own helpers.
    function single(uint256 forward, uint256 strike, int256 quantity, uint256 v) external view returns (int256) {
        uint256 first = Black76.allocate(1);
        uint256 table = Black76.load(_TABLE);
        Black76.record(first, Black76.logMoneyness(strike, forward), strike, quantity);
        Black76.setVol(first, 0, Black76.volWord(v));
        return Black76.strip(table, first, 1, 0, 0, forward);
    }
}

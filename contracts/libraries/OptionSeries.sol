// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";

/// @title What an option is a claim on, in 64 bits
/// @notice Lowest first: kind (1: 0 call, 1 put) · strike (28: mantissa 24, exponent 4 above it) · expiry in minutes since 1970 (27) ·
/// market (8). Strike = mantissa · 10^exponent in 1e-10 quote; the mantissa is in [10^6, 10^7) unless the exponent is zero, so every
/// strike has one name, and series order by (market, expiry, strike, kind) as integers.
/// @dev Python twin: plimsoll/margin/option_series.py. A perp, where both can stand, is its market alone: `market << 56`.
library OptionSeries {
    uint256 internal constant MARKET_BIT = 56;
    uint256 internal constant EXPIRY_BIT = 29;
    uint256 internal constant MINUTE = 60;
    uint256 internal constant MAX_MARKET = 63;
    /// @dev Strikes fit a price, so that no pay-off overflows.
    uint256 internal constant MAX_STRIKE = type(uint72).max;

    uint256 private constant _EXPONENT_BIT = 25;
    uint256 private constant _LEAST_MANTISSA = 1e6;
    uint256 private constant _MANTISSAS = 1e7;

    // ---------------------------------------------------------------- fields

    function isPut(uint256 instrument) internal pure returns (bool) {
        return instrument & 1 != 0;
    }

    /// @notice 1e-10 quote.
    function strikeOf(uint256 instrument) internal pure returns (uint256) {
        unchecked {
            return (instrument >> 1 & 0xffffff) * 10 ** (instrument >> _EXPONENT_BIT & 0xf);
        }
    }

    /// @notice Minutes since 1970; zero for a perp.
    function expiryOf(uint256 instrument) internal pure returns (uint256) {
        return instrument >> EXPIRY_BIT & 0x7ffffff;
    }

    function marketOf(uint256 instrument) internal pure returns (uint256) {
        return instrument >> MARKET_BIT & 0xff;
    }

    /// @notice Market and expiry in one number: what series of one expiry share.
    function groupOf(uint256 instrument) internal pure returns (uint256) {
        return instrument >> EXPIRY_BIT;
    }

    /// @notice The key of a surface, and of a settlement price: market << 32 | expiry.
    function keyOf(uint256 market, uint256 expiry) internal pure returns (uint256) {
        return market << 32 | expiry;
    }

    /// @notice What an option pays at `price`, 1e-10 quote per unit.
    function payoff(uint256 instrument, uint256 price) internal pure returns (uint256) {
        uint256 strike = strikeOf(instrument);
        if (isPut(instrument)) return strike > price ? strike - price : 0;
        return price > strike ? price - strike : 0;
    }

    // ---------------------------------------------------------------- making and checking

    /// @notice The series of these fields. Reverts StrikeNotCanonical for a strike of more than seven digits.
    function pack(uint256 market, uint256 expiry, uint256 strike, bool put) internal pure returns (uint256 instrument) {
        (uint256 mantissa, uint256 exponent) = (strike, 0);
        while (mantissa >= _MANTISSAS && mantissa % 10 == 0) {
            mantissa /= 10;
            ++exponent;
        }
        if (mantissa >= _MANTISSAS || strike > MAX_STRIKE || strike == 0) {
            revert IMarginEngine.StrikeNotCanonical(strike);
        }
        if (market > MAX_MARKET) revert IMarginEngine.UnknownMarket(market);
        if (expiry == 0 || expiry > 0x7ffffff) revert IMarginEngine.ExpiryOutOfRange(expiry);
        instrument = market << MARKET_BIT | expiry << EXPIRY_BIT | exponent << _EXPONENT_BIT | mantissa << 1;
        if (put) instrument |= 1;
    }

    /// @notice Refuses what is no series: a second name of a strike, or none.
    function requireCanonical(uint256 instrument) internal pure {
        uint256 mantissa = instrument >> 1 & 0xffffff;
        uint256 exponent = instrument >> _EXPONENT_BIT & 0xf;
        bool named = mantissa < _MANTISSAS && (exponent == 0 ? mantissa != 0 : mantissa >= _LEAST_MANTISSA);
        if (!named || strikeOf(instrument) > MAX_STRIKE) {
            revert IMarginEngine.StrikeNotCanonical(strikeOf(instrument));
        }
        if (marketOf(instrument) > MAX_MARKET || instrument >> 64 != 0) {
            revert IMarginEngine.UnknownMarket(instrument >> MARKET_BIT);
        }
        if (expiryOf(instrument) == 0) revert IMarginEngine.ExpiryOutOfRange(0);
    }
}

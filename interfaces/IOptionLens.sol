// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What options are worth, and what moves an account
/// @notice Stateless; every function reverts Locked while the engine's lock is held. Marks are the rule model's, those that a fill is
/// compared with: Black-76 at spot × carry, without a discount; in the last half hour the settlement price to be expected is the spot
/// there (docs/decisions/042).
/// @dev Greeks are derivatives of those marks at the last prices, surfaces and time. A smile stays where it is on the axis of strikes
/// (it is of the forward that it was fitted at), so delta and gamma need no term for its slope; in the last half hour they are of what is
/// still open. An expired option is its intrinsic value until its price is final, and moves nothing from then on.
interface IOptionLens {
    /// @param spot What it is written on, 1e-10: the index price, or its settlement price, final or to be expected.
    /// @param forward 1e-10. @param mark 1e-10 quote per unit.
    /// @param vol Annual volatility of the strike, WAD; zero where nothing but the pay-off is left.
    /// @param delta Per quote of the index, WAD. @param gamma Of delta, per quote of the index, WAD.
    /// @param vega Per 1.00 of annual volatility, quote WAD. @param theta Per day, quote WAD: what time takes, negative.
    /// @param status Of the surface (IVolatilityFeed.read); zero once expired.
    struct Quote {
        uint256 spot;
        uint256 forward;
        uint256 mark;
        uint256 vol;
        int256 delta;
        uint256 gamma;
        uint256 vega;
        int256 theta;
        uint256 status;
    }

    /// @param spot The feed's price, 1e-10. @param marks What its options are worth, quote WAD.
    /// @param delta Units of the underlying, WAD: options, perps, and what is held, lent and owed of it.
    /// @param gamma Units per quote of the index, WAD. @param vega Quote WAD per 1.00 of volatility, of all strikes and expiries
    /// alike. @param theta Quote WAD per day.
    struct Underlying {
        uint256 feed;
        uint256 spot;
        int256 marks;
        int256 delta;
        int256 gamma;
        int256 vega;
        int256 theta;
    }

    /// @notice One quote per instrument, in order; grouped by expiry they cost least. Reverts StrikeNotCanonical or UnknownMarket for
    /// what is no series.
    function quotes(uint256[] calldata instruments) external view returns (Quote[] memory);

    /// @notice Per feed that the account depends on, ascending. The quote asset is none of them.
    function greeks(bytes32 account) external view returns (Underlying[] memory);
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What options and portfolio accounts rest on: a model, surfaces, a verifier of orders
/// @notice Beside IMarketConfig, whose errors and ParameterRamped event it shares.
interface IOptionConfig {
    error ModelBoundsWide(address model);
    error VerifierMismatch(address verifier, address engine);

    // ------------------------------------------------------------------ all restricted

    /// @notice Sets the model of portfolio accounts; with it they can be opened. Another one is ramped to from the one before, and a further
    /// one waits until that has happened. It has to understand IOptionModel, and to name its IM_FLOOR, which is at most the terms' dust,
    /// and to say that it isStrict: bounds wide enough for published cases are not wide enough for money.
    function setPortfolioModel(address model) external;

    /// @notice Sets where volatility surfaces come from. Without it no option is traded.
    function setSurfaces(address feed) external;

    /// @notice Sets who verifies the orders of `Match`. What was signed for another is void.
    function setVerifier(address verifier) external;

    // ------------------------------------------------------------------ anyone

    /// @notice Takes down the ramp of the portfolio model when it is over.
    function endRamp() external;
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title LP shares over the pool's own account
/// @notice The pool is the counterparty of every perp position. LPs enter and leave by irrevocable requests, in the manner of
/// ERC-7540, which anyone executes at close-out value: at the first prices published after the delay, and not while a market has
/// just moved by more than its first MM rate. A share entitles to what redeeming it pays, and to nothing else.
interface ILiquidityPool {
    enum Kind {
        NONE,
        DEPOSIT,
        REDEEM
    }

    /// @dev Why a request was passed over. NONE: it is executed. UNKNOWN: there is no such request (any more). DELAY: not due yet. PRICE: a
    /// market with open interest has no good price published since the request came due. MOVE: a market moved within the
    /// recognition window. VALUE: the pool, or what the request would bring, is worth nothing. CASH: the pool's account does not
    /// hold that much. REQUIREMENT: the pool would end below what its positions demand. REFUSED: the engine or the token refused.
    enum Wait {
        NONE,
        UNKNOWN,
        DELAY,
        PRICE,
        MOVE,
        VALUE,
        CASH,
        REQUIREMENT,
        REFUSED
    }

    /// @param controller Receives the shares, or the assets.
    /// @param amount Assets (quote token units) of a deposit, shares of a redemption.
    struct Request {
        address controller;
        uint32 requestedAt;
        uint32 dueAt;
        Kind kind;
        uint128 amount;
    }

    event DepositRequested(
        uint256 indexed id, address indexed controller, address indexed owner, uint256 assets, uint256 dueAt
    );
    event RedeemRequested(
        uint256 indexed id, address indexed controller, address indexed owner, uint256 shares, uint256 dueAt
    );
    event DepositExecuted(uint256 indexed id, address indexed controller, uint256 assets, uint256 shares);
    event RedeemExecuted(uint256 indexed id, address indexed controller, uint256 shares, uint256 assets);
    event RequestPassedOver(uint256 indexed id, Wait reason);
    event RequestReclaimed(uint256 indexed id, address indexed controller);
    event ClaimCredited(address indexed controller, uint256 assets);
    event Claimed(address indexed controller, uint256 assets);
    event AnchorSet(uint256 indexed market, uint256 price, bool moved);
    event TimingSet(uint256 delay, uint256 window);

    error NothingToClaim(address controller);
    error ReclaimTooEarly(uint256 id, uint256 reclaimableAt);
    error RequestUnknown(uint256 id);
    error TimingOutOfBounds(uint256 delay, uint256 window);
    error ZeroAmount();
    error ZeroController();

    /// @notice Takes `assets` of the quote token from the caller; once executed, `controller` gets shares.
    function requestDeposit(uint256 assets, address controller) external returns (uint256 id);

    /// @notice Takes `shares` from the caller; once executed, `controller` gets quote tokens.
    function requestRedeem(uint256 shares, address controller) external returns (uint256 id);

    /// @notice Executes each request that may be, in the order given, and passes over the others. Anyone.
    /// @return executed How many were executed.
    function execute(uint256[] calldata ids) external returns (uint256 executed);

    /// @notice Pays `controller` what could not be paid when his request was executed. Anyone.
    function claim(address controller) external returns (uint256 assets);

    /// @notice Gives back the escrow of a request that nobody could execute for RECLAIM_AFTER. Anyone; goes to the controller.
    function reclaim(uint256 id) external;

    /// @notice Looks at every market's price, so that a move within the recognition window is known later. Anyone.
    function observe() external;

    /// @notice Restricted. New requests only: `delay` is fixed for a request when it is made.
    function setTiming(uint256 newDelay, uint256 newWindow) external;

    // ------------------------------------------------------------------ views (those that carry a price revert inside a batch)

    /// @notice Close-out value of the pool in quote token units, rounded down; zero when it is negative.
    function totalAssets() external view returns (uint256);

    function convertToAssets(uint256 shares) external view returns (uint256);

    function convertToShares(uint256 assets) external view returns (uint256);

    /// @notice What `execute` would say of a request now, as far as can be known without executing it.
    function waitOf(uint256 id) external view returns (Wait);

    /// @notice What equity the pool's positions demand now (WAD): the most of |skew|·price·move / allocation over the markets, and
    /// of Σ open interest·price·gap less insurance.
    function requirement() external view returns (uint256);

    function request(uint256 id) external view returns (Request memory);

    /// @notice Ids run from 1 to this.
    function requestCount() external view returns (uint256);

    function anchor(uint256 market)
        external
        view
        returns (uint256 price, uint256 previous, uint256 anchoredAt, uint256 movedAt);

    function claimable(address controller) external view returns (uint256);

    /// @notice Quote tokens in escrow for deposits, and owed to those who could not be paid.
    function escrowedAssets() external view returns (uint256);

    function delay() external view returns (uint256);

    function window() external view returns (uint256);

    function asset() external view returns (address);

    function engine() external view returns (address);

    /// @notice The pool's account in the engine.
    function account() external view returns (bytes32);
}

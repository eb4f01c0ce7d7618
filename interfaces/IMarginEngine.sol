// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOrderVerifier} from "./IOrderVerifier.sol";

/// @title The only door of the protocol
/// @notice Everything anyone does is a batch of typed actions sent to `execute`. After the batch every account that took on
/// risk must satisfy its own margin model; there is no other place where solvency is decided.
/// @dev Units. size: int64 at 1e-8 of a unit. price: 1e-10 quote per unit, so that size × price is quote in WAD without
/// rounding. cost, equity and requirements: quote in WAD (1e18). Amounts of a token: that token's own units.
/// Account id: owner (20 bytes) · mode (1) · market (2) · index (9). See docs/storage.md.
interface IMarginEngine {
    enum Mode {
        CROSS,
        ISOLATED,
        PORTFOLIO
    }

    enum AccountState {
        HEALTHY,
        RESTRICTED,
        CALLED,
        LIQUIDATABLE,
        BANKRUPT
    }

    /// @dev Codes of `Action.kind`. Any other code reverts with UnknownAction.
    enum Kind {
        Deposit,
        Withdraw,
        Transfer,
        TradePerp,
        Liquidate,
        MarginCall,
        Settle,
        Call,
        Borrow,
        Repay,
        Lend,
        Recall,
        Limit,
        Match,
        SettleOptions
    }

    /// @param kind A member of Kind.
    /// @param account The account that acts (Deposit: that receives; Settle: ignored).
    /// @param data The ABI encoding of the struct named after the kind, below.
    struct Action {
        uint8 kind;
        bytes32 account;
        bytes data;
    }

    /// @param prices The prologue: a signed report for OracleRouter.update, or empty.
    /// @param reducing Declares that no touched account ends with less equity − IM₀ or equity − MM than it began with, nor with less
    /// equity when that is below zero.
    struct Batch {
        bytes prices;
        bool reducing;
        Action[] actions;
    }

    /// @notice Pulls `amount` from the caller into the asset's vault. Needs no price and no check. Anyone may deposit, but
    /// only the owner adds an asset that the account does not hold yet.
    struct Deposit {
        uint256 asset;
        uint256 amount;
    }

    /// @notice Pays `amount` of a held balance to `to`. Never opens a debt.
    struct Withdraw {
        uint256 asset;
        uint256 amount;
        address to;
    }

    /// @notice Moves collateral (market = NO_MARKET), or `size` of a position with its own pro-rata cost, to another account
    /// of the same owner. A market of 64 or more is an option's series (OptionSeries).
    struct Transfer {
        bytes32 to;
        uint256 asset;
        uint256 amount;
        uint256 market;
        int64 size;
    }

    /// @notice Trades `size` (positive buys) against the pool at index × (1 + mean premium ± spread).
    /// @param limitPrice The worst acceptable fill price, fee excluded, 1e-10 quote per unit.
    /// @param deadline Unix seconds after which the order is refused.
    struct TradePerp {
        uint256 market;
        int64 size;
        uint256 limitPrice;
        uint256 deadline;
    }

    /// @notice Takes the slice `fraction` (WAD, clipped to the largest allowed) of `target` into the acting account.
    /// @param minBonus The least value over price that the slice must be worth to the liquidator, quote WAD.
    /// @param skip When true a target that has become healthy, or a bonus below minBonus, skips the action instead of reverting.
    /// @param witness Of a portfolio account the scenarios that prove it, as its model reads them; empty: all are evaluated.
    struct Liquidate {
        bytes32 target;
        uint256 fraction;
        uint256 minBonus;
        bool skip;
        bytes witness;
    }

    /// @notice Calls margin on `target` when it is below its call margin, and pays the bounty to the acting account; ends the
    /// call, and stops the liquidation clock, of a target that is back at IM₀. An owner naming the acting account itself asks
    /// for the latter at the end of his batch: deposit and cure in one. A call by `witness` (as in Liquidate) pays no bounty.
    struct MarginCall {
        bytes32 target;
        bool skip;
        bytes witness;
    }

    /// @notice Realises the perp PnL of `accounts` in `market`, losers first; profit as far as the pool has cash.
    struct Settle {
        uint256 market;
        bytes32[] accounts;
    }

    /// @notice Spends up to `amountIn` of a held balance through Executor and credits what the vaults measurably received.
    struct Call {
        uint256 assetIn;
        uint256 amountIn;
        uint256 assetOut;
        uint256 minOut;
        address target;
        bytes data;
    }

    /// @notice Borrow, Repay, Lend, Recall: between what an account holds and the asset's lenders, in token units. Borrow and Recall add to the
    /// held balance and need lent cash; Repay and Lend take from it. Repay and Recall take type(uint256).max for all of it.
    struct Lending {
        uint256 asset;
        uint256 amount;
    }

    /// @notice Fills `size` packages (1e-8) of two signed orders with each other, all legs or none. The action's account is ignored.
    /// @param prices Per leg, 1e-10 quote. @param taker Its legs are the maker's with the signs turned.
    struct Match {
        IOrderVerifier.SignedOrder maker;
        IOrderVerifier.SignedOrder taker;
        uint64 size;
        uint80[] prices;
    }

    /// @notice Pays out, and closes, what `accounts` have of the options of one expiry (minutes since 1970) at its settlement price, losers
    /// first; as far as the losers, and then the market's clearing account, have cash. Anyone.
    struct SettleOptions {
        uint256 market;
        uint256 expiry;
        bytes32[] accounts;
    }

    /// @notice One asset's loans, accrued to now. Amounts and shares in token units, indices 1e-12 units per share.
    /// @param cash What can be borrowed or recalled. @param room What the supply cap leaves for new claims.
    struct Loans {
        uint256 lent;
        uint256 lentShares;
        uint256 lentIndex;
        uint256 borrowed;
        uint256 debtShares;
        uint256 debtIndex;
        uint256 reserve;
        uint256 cash;
        uint256 room;
    }

    /// @notice Bounds what the account may look like when the batch has ended, at the batch's prices. Changes nothing.
    /// @param maxLeverage Hundredths. Leverage is exposure / equity; exposure is the notional of the perps and the net value, held or
    /// owed, of every asset but the quote asset. Of several limits the tightest counts.
    struct Limit {
        uint256 maxLeverage;
    }

    /// @notice A feed at another price (1e-10 quote), for views that ask what if.
    struct FeedPrice {
        uint256 feed;
        uint256 value;
    }

    /// @notice What an account is worth and must hold. All quote WAD.
    struct Assessment {
        int256 equity;
        uint256 im;
        uint256 im0;
        uint256 mm;
        uint256 notional;
    }

    /// @notice What an operator may do for one account. Never Withdraw, Transfer, Liquidate, Call or appoint others.
    /// @param markets Bitmap of perp markets.
    /// @param maxNotional Largest gross notional of the account after a batch, whole quote units.
    /// @param maxLeverage Largest notional / equity after a batch, in hundredths.
    /// @param maxCostPpm What a batch may lower equity by, in millionths of the notional traded.
    /// @param maxCostDaily What batches may lower equity by per day, whole quote units.
    struct OperatorLimits {
        uint64 markets;
        uint64 maxNotional;
        uint16 maxLeverage;
        bool reduceOnly;
        uint32 expiry;
        uint32 maxCostPpm;
        uint64 maxCostDaily;
    }

    // ------------------------------------------------------------------ events: the whole state can be rebuilt from these

    event AccountOpened(bytes32 indexed account, uint256 number);
    event HeldChanged(bytes32 indexed account, uint256 indexed asset, int256 held);
    event PositionChanged(bytes32 indexed account, uint256 indexed market, int256 size, int256 cost);
    event MarketAccrued(uint256 indexed market, int256 fundingIndex, int256 fundingRate);
    event PoolContribution(uint256 indexed market, int256 contribution);
    event SharesChanged(bytes32 indexed account, uint256 indexed asset, uint256 kind, uint256 shares);
    event LendingAccrued(uint256 indexed asset, uint256 debtIndex, uint256 lentIndex, uint256 rateAtTarget);
    event LendingTotals(uint256 indexed asset, uint256 lentShares, uint256 debtShares, uint256 reserve);
    event BorrowFlow(uint256 indexed asset, uint256 windowStart, uint256 netBorrowed);
    event ExitAnchor(uint256 indexed key, uint256 price, bool moved);
    event DebtForgiven(
        bytes32 indexed account, uint256 indexed asset, uint256 amount, uint256 fromReserve, uint256 fromInsurance
    );
    event LendersLost(uint256 indexed asset, uint256 amount, uint256 lentIndex);

    event Deposited(bytes32 indexed account, uint256 indexed asset, address from, uint256 amount);
    event Withdrawn(bytes32 indexed account, uint256 indexed asset, address to, uint256 amount);
    event Traded(bytes32 indexed account, uint256 indexed market, int256 size, uint256 index, int256 cost, uint256 fee);
    event Settled(bytes32 indexed account, uint256 indexed market, int256 realised);
    event MarginCalled(bytes32 indexed account, uint256 deadline, int256 equity, uint256 callMargin, uint256 bounty);
    event MarginCallCleared(bytes32 indexed account);
    event LiquidationClock(bytes32 indexed account, uint256 startedAt);
    event Liquidated(
        bytes32 indexed target,
        bytes32 indexed liquidator,
        uint256 fraction,
        int256 equity,
        uint256 mm,
        uint256 paid,
        uint256 toInsurance
    );
    event LiquidationSkipped(bytes32 indexed target, int256 equity, uint256 mm);
    event InsurancePaid(bytes32 indexed target, bytes32 indexed liquidator, uint256 amount);
    event InsuranceWindowSpent(uint256 indexed market, uint256 windowStart, uint256 spent);
    event LossRecognised(bytes32 indexed target, uint256 deficit, uint256 insured);
    event LossWrittenDown(bytes32 indexed target, uint256 indexed market, uint256 amount);
    event DebtInsuranceSpent(uint256 indexed asset, uint256 windowStart, uint256 spent);
    event PoolPaid(uint256 indexed market, uint256 amount, uint256 beyond);
    event PoolWindowSpent(uint256 indexed market, uint256 windowStart, uint256 spent);
    event SideCharged(
        uint256 indexed market, uint256 indexed epoch, bool long, uint256 amount, uint256 net, int256 mark
    );
    event SideShrunk(uint256 indexed market, uint256 indexed epoch, bool long, uint256 from, uint256 to, int256 mark);
    event Deleveraged(uint256 indexed market, bool long, uint256 from, uint256 to, int256 profit, uint256 allocation);
    event MarketClosingOpened(uint256 indexed market, uint256 endsAt);
    event ClosingObserved(uint256 indexed market, uint256 price, uint256 covered);
    event MarketFinal(uint256 indexed market, uint256 price);
    event OptionChanged(bytes32 indexed account, uint256 indexed instrument, int256 quantity);
    event Matched(
        bytes32 indexed maker,
        bytes32 indexed taker,
        bytes32 makerHash,
        bytes32 takerHash,
        uint256 size,
        int256 premium,
        uint256 makerFee,
        uint256 takerFee
    );
    event LegFilled(bytes32 indexed maker, uint256 indexed instrument, int256 quantity, uint256 price);
    event SettlementObserved(uint256 indexed market, uint256 indexed expiry, uint256 price, uint256 covered);
    event SettlementFinal(uint256 indexed market, uint256 indexed expiry, uint256 price);
    event OptionsSettled(
        bytes32 indexed account, uint256 indexed market, uint256 indexed expiry, int256 paid, int256 left
    );
    event OptionLossCovered(bytes32 indexed account, uint256 fromLenders, uint256 left);
    event Called(bytes32 indexed account, address indexed target, uint256 spent, uint256 received);
    event OperatorSet(bytes32 indexed account, address indexed operator, OperatorLimits limits);
    event OperatorCost(bytes32 indexed account, address indexed operator, uint256 day, uint256 spent);
    event Lockdown(address indexed owner, uint256 epoch);
    event Configured(uint256 indexed what, uint256 indexed id, uint256 word);
    event RiskPaused(uint256 until);

    // ------------------------------------------------------------------ errors

    error AccountCalled(bytes32 account, uint256 deadline);
    error AccountHealthy(bytes32 account, int256 equity, uint256 mm);
    error AccountMismatch(bytes32 account, bytes32 other);
    error AllocationExceeded(uint256 market, uint256 needed, uint256 available);
    error AssetNotAllowed(bytes32 account, uint256 asset);
    error BelowInitialMargin(bytes32 account, int256 equity, uint256 required);
    error BonusBelowLimit(bytes32 target, uint256 bonus, uint256 limit);
    error BorrowCapExceeded(uint256 asset, uint256 borrowed, uint256 cap);
    error BorrowVelocityExceeded(uint256 asset, uint256 netBorrowed, uint256 limit);
    error CallTargetForbidden(address target);
    error DeferredAccount(bytes32 account);
    error ExitWaits(uint256 asset);
    error ExpiryOutOfRange(uint256 expiry);
    error FillPriceOutOfBand(uint256 instrument, uint256 price, uint256 mark, uint256 band);
    error FractionBelowMinimum(bytes32 target, uint256 fraction, uint256 minimum);
    error GapLimitExceeded(uint256 market, uint256 needed, uint256 available);
    error InsufficientBalance(bytes32 account, uint256 asset, uint256 held, uint256 amount);
    error LendingAndBorrowing(bytes32 account, uint256 asset);
    error LendingClosed(uint256 asset);
    error LentCashMissing(uint256 asset, uint256 amount, uint256 available);
    error LeverageExceeded(bytes32 account, uint256 leverage, uint256 maximum);
    error LegsNotMirrored(uint256 leg);
    error LimitPriceExceeded(uint256 market, int256 cost, int256 limit);
    error Locked();
    error MarketClosed(uint256 market, uint256 finalPrice);
    error MarketNotAllowed(bytes32 account, uint256 market);
    error MarketNotClosing(uint256 market, uint256 finalPrice);
    error ModeNotAvailable(uint256 mode);
    error NegativeBalance(bytes32 account, uint256 asset, int256 held);
    error NothingToDeleverage(uint256 market, int256 profit, uint256 allocation);
    error NothingOwed(bytes32 account, uint256 asset);
    error NewRiskPaused(uint256 until);
    error NotAuthorized(bytes32 account, address caller);
    error NotReducing(bytes32 account, int256 before, int256 afterwards);
    error ObservationTooEarly(uint256 market, uint256 expiry, uint256 opensAt);
    error OpenInterestCapExceeded(uint256 market, uint256 openInterest, uint256 cap);
    error OperatorLimitExceeded(bytes32 account, address operator, bytes32 limit, uint256 value, uint256 maximum);
    error OptionsClosed();
    error OrderExpired(uint256 deadline, uint256 time);
    error OutputBelowMinimum(uint256 asset, uint256 received, uint256 minimum);
    error Previewed(Assessment[] assessments, AccountState[] states, uint256[] exposures);
    error PackagePriceExceeded(bytes32 account, int256 price, int256 limit);
    error PriceCountMismatch(uint256 prices, uint256 legs);
    error PriceUnusable(uint256 feed, uint256 age, uint256 status);
    error ReduceOnlyExceeded(bytes32 account, uint256 instrument);
    error RiskInReducingBatch(bytes32 account, uint256 kind);
    error SeriesExpired(uint256 instrument, uint256 expiry);
    error SettlementFinalAlready(uint256 market, uint256 expiry, uint256 price);
    error SettlementPending(uint256 market, uint256 expiry);
    error SkewCapExceeded(uint256 market, uint256 skew, uint256 cap);
    error StrikeNotCanonical(uint256 strike);
    error SupplyCapExceeded(uint256 asset, uint256 supply, uint256 cap);
    error SurfaceUnusable(uint256 market, uint256 expiry, uint256 age, uint256 status);
    error TooManyExpiries(bytes32 account, uint256 count);
    error TooManySeries(bytes32 account, uint256 count);
    error TransferAmountMismatch(address token, uint256 received, uint256 amount);
    error UnknownAction(uint256 kind);
    error UnknownAsset(uint256 asset);
    error UnknownMarket(uint256 market);
    error WitnessInsufficient(bytes32 account, int256 equity, uint256 level);
    error ZeroAmount();

    // ------------------------------------------------------------------ the door

    /// @notice Runs a batch: prices, then each action in order, then one check per touched account.
    function execute(Batch calldata batch) external;

    /// @notice Runs a batch as `execute` would for the same caller, does not refuse for margin, leverage or caps at its end, and always
    /// reverts: with Previewed, what each of `accounts` is then worth and must hold, its state and its exposure (quote WAD); or
    /// with the error of the action that failed. What `execute` itself would say is what a call of it says.
    function preview(Batch calldata batch, bytes32[] calldata accounts) external;

    /// @notice Sets (or, with all zero, removes) an operator's limits for an account of the caller.
    function setOperator(bytes32 account, address operator, OperatorLimits calldata limits) external;

    /// @notice Revokes every operator of every account of the caller.
    function lockdown() external;

    /// @notice Brings the stored contributions of markets to pool equity up to date. Anyone.
    function refreshPool(uint256[] calldata markets) external;

    /// @notice Keeps the prices that exits of lenders are measured against: while one has moved by more than its MM rate within an hour, or nobody
    /// looked for two, lenders of what is borrowed wait. Anyone.
    function observeExits() external;

    /// @notice Pays insurance what of an asset's reserve is there in cash. Anyone. Token units.
    function collectReserve(uint256 asset) external returns (uint256);

    /// @notice Pays `amount` of insurance's quote to `to`. Only the registered InsuranceStake.
    function payStaker(address to, uint256 amount) external;

    /// @notice Shrinks a market's heavy side pro rata at index when the traders' net profit exceeds the market's allocation, or the pool is
    /// below its own MM. Anyone. Nobody's equity changes.
    function deleverage(uint256 market) external;

    /// @notice Begins the end of a market: positions are only reduced, and its final price is observed. RISK, after its delay.
    function closeMarket(uint256 market) external;

    /// @notice Counts the feed's good price toward the final one; when the window is covered, makes it final. Anyone.
    function observeClose(uint256 market) external;

    /// @notice Counts the feed's good price toward the settlement price of an expiry (minutes since 1970); from the expiry on, when enough of
    /// the last half hour, or of the time after it, is covered, makes it final. Anyone.
    function observeExpiry(uint256 market, uint256 expiry) external;

    // ------------------------------------------------------------------ configuration and custody (restricted)

    /// @notice Writes one finished packed word. Only MarketConfig. `what` is a member of ConfigSlots in docs/storage.md.
    function configure(uint256 what, uint256 id, uint256 word) external;

    /// @notice Forbids new risk until `until`, at most three days ahead. Guardian.
    function pauseRisk(uint256 until) external;

    /// @notice Adds `amount` (token units) and `shares` to the lenders' claim on an asset, or, negative, takes them. Only the asset's vault.
    function changeLent(uint256 asset, int256 amount, int256 shares) external;

    // ------------------------------------------------------------------ views (revert Locked inside a batch)

    function assess(bytes32 account) external view returns (Assessment memory, AccountState);

    /// @notice The same if good reports of `prices` came now and said nothing new about volatility.
    function assessAt(bytes32 account, FeedPrice[] calldata prices)
        external
        view
        returns (Assessment memory, AccountState);

    /// @notice The same by the scenarios of `witness`: what a call or a liquidation with it sees. im, im0 and mm are lower bounds.
    function assessWitness(bytes32 account, bytes calldata witness) external view returns (Assessment memory);

    /// @notice Pool equity over all markets, and what of it would be left if every trader closed at index.
    function poolEquity() external view returns (int256 equity, int256 closeOut);

    function accountCount() external view returns (uint256);

    function accountsPage(uint256 start, uint256 count) external view returns (bytes32[] memory);

    /// @notice Raw storage words, for Lens and indexers.
    function slots(bytes32[] calldata keys) external view returns (bytes32[] memory);

    /// @notice What accounts hold of an asset (token units), and the shares of all that is lent of it.
    function totals(uint256 asset) external view returns (uint256 held, uint256 lentShares);

    function lendingOf(uint256 asset) external view returns (Loans memory);

    /// @notice Whether the lenders of an asset have to wait until a loss has had time to show.
    function exitsWait(uint256 asset) external view returns (bool);

    /// @notice What an account has lent of an asset, now, token units.
    function lentOf(bytes32 account, uint256 asset) external view returns (uint256);

    /// @notice What an account owes of an asset, now, token units.
    function debtOf(bytes32 account, uint256 asset) external view returns (uint256);

    function held(bytes32 account, uint256 asset) external view returns (int256);

    function position(bytes32 account, uint256 market) external view returns (int256 size, int256 cost);

    /// @notice What an account has of option series, ascending by instrument.
    function options(bytes32 account) external view returns (uint64[] memory instruments, int64[] memory quantities);

    /// @notice The settlement price of an expiry (1e-10 quote), zero until it is final, and the seconds that are covered so far.
    function settlementOf(uint256 market, uint256 expiry) external view returns (uint256 price, uint256 covered);

    function locked() external view returns (bool);

    function poolAccount() external view returns (bytes32);

    function insuranceAccount() external view returns (bytes32);
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeCastLib} from "solady/utils/SafeCastLib.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {ILiquidityPool} from "../interfaces/ILiquidityPool.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../interfaces/IOracleRouter.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {PoolSurvey} from "./libraries/PoolSurvey.sol";
import {PriceAnchor} from "./libraries/PriceAnchor.sol";

/// @title LP shares over the pool's own account
/// @dev This contract owns the pool's account and moves its cash by ordinary actions; the engine knows no other LP.
/// Shares are priced by close-out value, with virtual shares and assets of one quote unit each: whatever is given to the pool
/// before the first LP arrives, he is rounded by less than 1e-18 of it.
contract LiquidityPool is ILiquidityPool, ERC20, AccessManaged, ReentrancyGuard {
    using SafeERC20 for IERC20;
    using PriceAnchor for PriceAnchor.Anchor;
    using SafeCastLib for uint256;

    uint256 public constant MIN_WINDOW = 5 minutes;
    uint256 public constant MAX_WINDOW = 1 days;
    uint256 public constant MAX_DELAY = 7 days;
    /// @dev Long enough that it is no way out of an irrevocable request: anyone could have executed it in the meantime.
    uint256 public constant RECLAIM_AFTER = 30 days;

    uint256 private constant VIRTUAL = 1e18;

    /// @dev What a run of requests is measured against; equity and close-out follow each execution.
    struct Book {
        int256 equity;
        int256 closeOut;
        uint256 cash;
        PoolSurvey.Result survey;
        uint256 pricedAt;
        bool quiet;
    }

    address public immutable engine;
    address public immutable asset;
    bytes32 public immutable account;
    IOracleRouter private immutable router;
    ICollateralVault private immutable vault;
    uint256 private immutable unit; // WAD per token unit

    uint32 private _delay;
    uint32 private _window;
    uint256 public requestCount;
    uint256 public escrowedAssets;
    mapping(address controller => uint256) public claimable;
    mapping(uint256 id => Request) private requests;
    mapping(uint256 market => PriceAnchor.Anchor) private anchors;

    /// @dev Also for views: a price read in the middle of a batch is nobody's price.
    modifier whenUnlocked() {
        if (IMarginEngine(engine).locked()) revert IMarginEngine.Locked();
        _;
    }

    constructor(
        address engine_,
        IOracleRouter router_,
        ICollateralVault vault_,
        address authority_,
        uint256 delay_,
        uint256 window_
    ) ERC20("Plimsoll LP", "plimLP") AccessManaged(authority_) {
        engine = engine_;
        router = router_;
        vault = vault_;
        asset = IERC4626(address(vault_)).asset();
        unit = 10 ** (18 - IERC20Metadata(asset).decimals());
        account = AccountId.pack(address(this), IMarginEngine.Mode.CROSS, 0, 0);
        _setTiming(delay_, window_);
    }

    // ------------------------------------------------------------------ requests

    function requestDeposit(uint256 assets, address controller)
        external
        nonReentrant
        whenUnlocked
        returns (uint256 id)
    {
        uint256 dueAt;
        (id, dueAt) = _request(Kind.DEPOSIT, assets, controller);
        uint256 before = IERC20(asset).balanceOf(address(this));
        IERC20(asset).safeTransferFrom(msg.sender, address(this), assets);
        uint256 received = IERC20(asset).balanceOf(address(this)) - before;
        if (received != assets) revert IMarginEngine.TransferAmountMismatch(asset, received, assets);
        escrowedAssets += assets;
        emit DepositRequested(id, controller, msg.sender, assets, dueAt);
    }

    function requestRedeem(uint256 shares, address controller) external nonReentrant whenUnlocked returns (uint256 id) {
        uint256 dueAt;
        (id, dueAt) = _request(Kind.REDEEM, shares, controller);
        _transfer(msg.sender, address(this), shares);
        emit RedeemRequested(id, controller, msg.sender, shares, dueAt);
    }

    function execute(uint256[] calldata ids) external nonReentrant whenUnlocked returns (uint256 executed) {
        Book memory book = _open();
        // Never reverts for what it finds: the anchors it set must outlive a run in which everything waits.
        for (uint256 i; i < ids.length; ++i) {
            Request memory r = requests[ids[i]];
            Wait wait = _waitOf(r, book);
            if (wait == Wait.NONE) {
                wait = r.kind == Kind.DEPOSIT ? _enter(ids[i], r, book) : _leave(ids[i], r, book);
            }
            if (wait == Wait.NONE) ++executed;
            else emit RequestPassedOver(ids[i], wait);
        }
    }

    function claim(address controller) external nonReentrant whenUnlocked returns (uint256 assets) {
        assets = claimable[controller];
        if (assets == 0) revert NothingToClaim(controller);
        claimable[controller] = 0;
        escrowedAssets -= assets;
        emit Claimed(controller, assets);
        IERC20(asset).safeTransfer(controller, assets);
    }

    function reclaim(uint256 id) external nonReentrant whenUnlocked {
        Request memory r = requests[id];
        if (r.kind == Kind.NONE) revert RequestUnknown(id);
        uint256 reclaimableAt = r.requestedAt + RECLAIM_AFTER;
        if (block.timestamp < reclaimableAt) revert ReclaimTooEarly(id, reclaimableAt);
        delete requests[id];
        emit RequestReclaimed(id, r.controller);
        if (r.kind == Kind.REDEEM) _transfer(address(this), r.controller, r.amount);
        else _credit(r.controller, r.amount);
    }

    function observe() external nonReentrant whenUnlocked {
        _observe();
    }

    function setTiming(uint256 newDelay, uint256 newWindow) external restricted {
        _setTiming(newDelay, newWindow);
    }

    // ------------------------------------------------------------------ views

    function totalAssets() public view whenUnlocked returns (uint256) {
        (, int256 closeOut) = IMarginEngine(engine).poolEquity();
        return FixedMath.positive(closeOut) / unit;
    }

    function convertToAssets(uint256 shares) external view whenUnlocked returns (uint256) {
        (, int256 closeOut) = IMarginEngine(engine).poolEquity();
        return closeOut > 0 ? _assetsOf(shares, uint256(closeOut)) : 0;
    }

    /// @dev At a close-out value of zero or less there is no price, and nobody enters.
    function convertToShares(uint256 assets) external view whenUnlocked returns (uint256) {
        (, int256 closeOut) = IMarginEngine(engine).poolEquity();
        return closeOut > 0 ? _sharesOf(assets, uint256(closeOut)) : 0;
    }

    function waitOf(uint256 id) external view whenUnlocked returns (Wait) {
        (Book memory book,) = _survey();
        (book.equity, book.closeOut) = IMarginEngine(engine).poolEquity();
        book.cash = FixedMath.positive(IMarginEngine(engine).held(account, AccountId.QUOTE));
        Request memory r = requests[id];
        Wait wait = _waitOf(r, book);
        if (wait != Wait.NONE) return wait;
        if (r.kind == Kind.DEPOSIT) return _sharesOf(r.amount, uint256(book.closeOut)) == 0 ? Wait.VALUE : Wait.NONE;
        return _payable(_assetsOf(r.amount, uint256(book.closeOut)), book);
    }

    function requirement() external view whenUnlocked returns (uint256) {
        (Book memory book,) = _survey();
        return book.survey.required;
    }

    function request(uint256 id) external view returns (Request memory) {
        return requests[id];
    }

    function anchor(uint256 market) external view returns (uint256, uint256, uint256, uint256) {
        PriceAnchor.Anchor memory a = anchors[market];
        return (a.price, a.previous, a.at, a.movedAt);
    }

    function delay() external view returns (uint256) {
        return _delay;
    }

    function window() external view returns (uint256) {
        return _window;
    }

    // ------------------------------------------------------------------ execution

    function _request(Kind kind, uint256 amount, address controller) private returns (uint256 id, uint256 dueAt) {
        if (amount == 0) revert ZeroAmount();
        if (controller == address(0)) revert ZeroController();
        // The window that ends with the execution thus begins with a look at the prices, even if nobody else cares to.
        _observe();
        id = ++requestCount;
        dueAt = block.timestamp + _delay;
        requests[id] = Request(controller, uint32(block.timestamp), uint32(dueAt), kind, amount.toUint128());
    }

    function _open() private returns (Book memory book) {
        book = _observe();
        IMarginEngine(engine).refreshPool(book.survey.markets);
        (book.equity, book.closeOut) = IMarginEngine(engine).poolEquity();
        book.cash = FixedMath.positive(IMarginEngine(engine).held(account, AccountId.QUOTE));
    }

    function _waitOf(Request memory r, Book memory book) private view returns (Wait) {
        if (r.kind == Kind.NONE) return Wait.UNKNOWN;
        if (block.timestamp < r.dueAt) return Wait.DELAY;
        if (book.pricedAt < r.dueAt) return Wait.PRICE;
        if (!book.quiet) return Wait.MOVE;
        // A pool that nobody has entered yet is worth nothing and owes nothing.
        bool empty = book.closeOut == 0 && totalSupply() == 0;
        return book.closeOut > 0 || empty ? Wait.NONE : Wait.VALUE;
    }

    function _enter(uint256 id, Request memory r, Book memory book) private returns (Wait) {
        uint256 shares = _sharesOf(r.amount, uint256(book.closeOut));
        if (shares == 0) return Wait.VALUE;
        IERC20(asset).forceApprove(address(vault), r.amount);
        bytes memory data = abi.encode(IMarginEngine.Deposit(AccountId.QUOTE, r.amount));
        if (!_act(IMarginEngine.Kind.Deposit, data)) {
            IERC20(asset).forceApprove(address(vault), 0);
            return Wait.REFUSED;
        }
        delete requests[id];
        escrowedAssets -= r.amount;
        _mint(r.controller, shares);
        _move(book, int256(uint256(r.amount)));
        emit DepositExecuted(id, r.controller, r.amount, shares);
        return Wait.NONE;
    }

    function _leave(uint256 id, Request memory r, Book memory book) private returns (Wait wait) {
        uint256 assets = _assetsOf(r.amount, uint256(book.closeOut));
        wait = _payable(assets, book);
        if (wait != Wait.NONE) return wait;
        // A controller whom the token refuses must not lose his place, nor hold up others: he can claim later.
        if (!_withdraw(assets, r.controller)) {
            if (!_withdraw(assets, address(this))) return Wait.REFUSED;
            _credit(r.controller, assets);
            escrowedAssets += assets;
        }
        delete requests[id];
        _burn(address(this), r.amount);
        _move(book, -int256(assets));
        emit RedeemExecuted(id, r.controller, r.amount, assets);
    }

    /// @dev Whether the pool has the cash, and would still meet its own requirement.
    function _payable(uint256 assets, Book memory book) private view returns (Wait) {
        if (assets == 0) return Wait.VALUE;
        if (assets > book.cash) return Wait.CASH;
        int256 remaining = book.equity - int256(assets * unit);
        if (remaining < 0 || uint256(remaining) < book.survey.required) return Wait.REQUIREMENT;
        return Wait.NONE;
    }

    function _move(Book memory book, int256 assets) private view {
        book.equity += assets * int256(unit);
        book.closeOut += assets * int256(unit);
        book.cash = uint256(int256(book.cash) + assets);
    }

    /// @dev Owed to `controller` from what lies here; escrowedAssets already counts it, or the caller adds it.
    function _credit(address controller, uint256 assets) private {
        claimable[controller] += assets;
        emit ClaimCredited(controller, assets);
    }

    function _withdraw(uint256 assets, address to) private returns (bool) {
        return _act(IMarginEngine.Kind.Withdraw, abi.encode(IMarginEngine.Withdraw(AccountId.QUOTE, assets, to)));
    }

    function _act(IMarginEngine.Kind kind, bytes memory data) private returns (bool) {
        IMarginEngine.Batch memory batch;
        batch.actions = new IMarginEngine.Action[](1);
        batch.actions[0] = IMarginEngine.Action(uint8(kind), account, data);
        try IMarginEngine(engine).execute(batch) {
            return true;
        } catch {
            return false;
        }
    }

    // ------------------------------------------------------------------ prices

    function _sharesOf(uint256 assets, uint256 closeOut) private view returns (uint256) {
        return FixedMath.mulDivDown(assets * unit, totalSupply() + VIRTUAL, closeOut + VIRTUAL);
    }

    function _assetsOf(uint256 shares, uint256 closeOut) private view returns (uint256) {
        return FixedMath.mulDivDown(shares, closeOut + VIRTUAL, totalSupply() + VIRTUAL) / unit;
    }

    function _observe() private returns (Book memory book) {
        PriceAnchor.Anchor[] memory found;
        (book, found) = _survey();
        for (uint256 i; i < found.length; ++i) {
            if (found[i].at != block.timestamp) continue;
            uint256 market = book.survey.markets[i];
            anchors[market] = found[i];
            emit AnchorSet(market, found[i].price, found[i].movedAt == block.timestamp);
        }
    }

    /// @dev A market in which nobody has a position neither needs a price nor can hold anyone up.
    function _survey() private view returns (Book memory book, PriceAnchor.Anchor[] memory found) {
        book.survey = PoolSurvey.take(IMarginEngine(engine), router, unit);
        uint256 count = book.survey.markets.length;
        found = new PriceAnchor.Anchor[](count);
        book.pricedAt = block.timestamp;
        book.quiet = true;
        for (uint256 i; i < count; ++i) {
            PoolSurvey.Price memory price = book.survey.prices[i];
            found[i] = anchors[book.survey.markets[i]];
            if (price.good) {
                found[i] = found[i].next(price.value, price.mmRate, _window, uint256(_delay) + _window, block.timestamp);
            }
            if (!price.needed) continue;
            if (!price.good) book.pricedAt = 0;
            else if (price.publishedAt < book.pricedAt) book.pricedAt = price.publishedAt;
            if (!found[i].isQuiet(_window, block.timestamp)) book.quiet = false;
        }
    }

    /// @dev Losses must have time to show before anyone leaves: the delay is never shorter than the window.
    function _setTiming(uint256 newDelay, uint256 newWindow) private {
        if (newWindow < MIN_WINDOW || newWindow > MAX_WINDOW || newDelay < newWindow || newDelay > MAX_DELAY) {
            revert TimingOutOfBounds(newDelay, newWindow);
        }
        (_delay, _window) = (uint32(newDelay), uint32(newWindow));
        emit TimingSet(newDelay, newWindow);
    }
}

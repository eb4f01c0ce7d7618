// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LibCall} from "solady/utils/LibCall.sol";
import {SafeCastLib} from "solady/utils/SafeCastLib.sol";
import {ICollateralVault} from "../interfaces/ICollateralVault.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {FixedMath} from "./libraries/FixedMath.sol";

/// @title What may leave a vault per hour, and the queue of what has to wait
/// @notice A theft that nobody has noticed yet, or a run, takes a share of the vault per hour and not the vault. Measured on net flow:
/// what comes in gives room back, so going in and out spends nothing of what others may use. Nobody can lift the brake or
/// jump the queue, and nobody at its head can hold it up.
/// @dev Queued amounts are nobody's balance any more but still here: `queued` is part of what the vault owes.
abstract contract WithdrawalBrake is ICollateralVault {
    using SafeCastLib for int256;
    using SafeCastLib for uint256;
    using SafeERC20 for IERC20;

    uint256 private constant HOUR = 1 hours;
    /// @dev What the token of a queued payment may burn, before the payment is set aside.
    uint256 private constant STIPEND = 200_000;

    /// @dev net: what left since `start`, less what came.
    struct Window {
        uint32 start;
        uint112 limit;
        int112 net;
    }

    struct Payment {
        address to;
        uint128 amount;
    }

    address public immutable engine;
    uint256 public immutable BRAKE_BPS;
    uint256 public immutable BRAKE_FLOOR;

    Window private _window;
    uint64 private _head;
    uint64 private _tail;
    uint128 private _queued;
    mapping(uint256 id => Payment) private _payments;
    mapping(address to => uint256) public claimable;

    modifier onlyEngine() {
        if (msg.sender != engine) revert OnlyEngine(msg.sender);
        _;
    }

    /// @dev A payment in the middle of somebody's batch would be taken for a part of it.
    modifier whenUnlocked() {
        if (IMarginEngine(engine).locked()) revert IMarginEngine.Locked();
        _;
    }

    constructor(address engine_, uint256 brakeBps, uint256 brakeFloor) {
        if (brakeBps == 0 || brakeBps > FixedMath.BPS || brakeFloor > type(uint104).max) {
            revert BrakeOutOfRange(brakeBps, brakeFloor);
        }
        (engine, BRAKE_BPS, BRAKE_FLOOR) = (engine_, brakeBps, brakeFloor);
    }

    // ------------------------------------------------------------------ the engine's

    /// @inheritdoc ICollateralVault
    function pay(address to, uint256 amount) external onlyEngine {
        _pay(to, amount);
    }

    /// @inheritdoc ICollateralVault
    function count(int256 outflow) external onlyEngine {
        if (outflow <= 0) return _countIn(uint256(-outflow));
        Window memory w = _current();
        // What waits comes first, even where nobody has processed it yet.
        int256 room = int256(uint256(w.limit)) - w.net - int256(uint256(_queued));
        if (outflow > room) revert BrakeReached(uint256(outflow), FixedMath.positive(room));
        w.net += outflow.toInt112();
        _window = w;
    }

    /// @inheritdoc ICollateralVault
    function push(address to, uint256 amount) external onlyEngine {
        // An hour that begins now begins with what is here now.
        _window = _current();
        IERC20(_token()).safeTransfer(to, amount);
    }

    // ------------------------------------------------------------------ anyone's

    /// @inheritdoc ICollateralVault
    function process(uint256 most) external whenUnlocked returns (uint256 done) {
        for (; done < most && _head < _tail; ++done) {
            Window memory w = _current();
            int256 room = int256(uint256(w.limit)) - w.net;
            if (room <= 0) break;
            uint256 id = _head;
            Payment memory head = _payments[id];
            // One that is larger than an hour's limit is paid in parts.
            uint256 part = FixedMath.min(head.amount, uint256(room));
            w.net += part.toInt256().toInt112();
            _window = w;
            if (part == head.amount) {
                delete _payments[id];
                ++_head;
            } else {
                _payments[id].amount = head.amount - uint128(part);
            }
            _send(id, head.to, part);
        }
    }

    /// @inheritdoc ICollateralVault
    function claim(address to) external whenUnlocked returns (uint256 amount) {
        amount = claimable[msg.sender];
        if (amount == 0) revert NothingToClaim(msg.sender);
        claimable[msg.sender] = 0;
        _queued -= uint128(amount);
        emit WithdrawalClaimed(msg.sender, to, amount);
        IERC20(_token()).safeTransfer(to, amount);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc ICollateralVault
    function balance() public view returns (uint256) {
        return IERC20(_token()).balanceOf(address(this));
    }

    /// @inheritdoc ICollateralVault
    function queued() external view returns (uint256) {
        return _queued;
    }

    /// @inheritdoc ICollateralVault
    function queue() external view returns (uint256 head, uint256 tail) {
        return (_head, _tail);
    }

    /// @inheritdoc ICollateralVault
    function payment(uint256 id) external view returns (address to, uint256 amount) {
        return (_payments[id].to, _payments[id].amount);
    }

    /// @inheritdoc ICollateralVault
    function brake() external view returns (uint256 start, uint256 limit, int256 net) {
        Window memory w = _current();
        return (w.start, w.limit, w.net);
    }

    // ------------------------------------------------------------------ internals

    function _pay(address to, uint256 amount) internal {
        if (amount == 0) return;
        Window memory w = _current();
        int256 net = int256(w.net) + amount.toInt256();
        bool now_ = _head == _tail && net <= int256(uint256(w.limit));
        if (now_) w.net = net.toInt112();
        _window = w;
        if (now_) return IERC20(_token()).safeTransfer(to, amount);
        uint256 id = _tail++;
        _payments[id] = Payment(to, amount.toUint128());
        _queued += uint128(amount);
        emit WithdrawalQueued(id, to, amount);
    }

    function _countIn(uint256 amount) internal {
        if (amount == 0) return;
        Window memory w = _current();
        w.net -= amount.toInt256().toInt112();
        _window = w;
    }

    /// @dev The hour's limit is taken from what is here when it begins, before what comes or goes now.
    function _current() private view returns (Window memory w) {
        w = _window;
        if (block.timestamp < uint256(w.start) + HOUR) return w;
        // Of all that is here, what waits included, and at least a unit: the queue always comes to its end.
        uint256 share = FixedMath.mulDivUp(balance(), BRAKE_BPS, FixedMath.BPS);
        w = Window(uint32(block.timestamp), (share > BRAKE_FLOOR ? share : BRAKE_FLOOR).toUint112(), 0);
    }

    /// @dev A receiver whom the token refuses, or whose hook never ends, loses his place in the queue but not his money. A hook that calls
    /// back meets a state in which this payment is over.
    function _send(uint256 id, address to, uint256 amount) private {
        uint256 required = STIPEND * 64 / 63 + 10_000;
        if (gasleft() < required) revert GasShortage(gasleft(), required);
        _queued -= uint128(amount);
        bytes memory data = abi.encodeCall(IERC20.transfer, (to, amount));
        (bool paid,, bytes memory answer) = LibCall.tryCall(_token(), 0, STIPEND, 32, data);
        if (paid && answer.length != 0) paid = answer.length >= 32 && abi.decode(answer, (uint256)) == 1;
        if (!paid) {
            claimable[to] += amount;
            _queued += uint128(amount);
        }
        emit WithdrawalProcessed(id, to, amount, paid);
    }

    function _token() internal view virtual returns (address);
}

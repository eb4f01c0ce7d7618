// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EIP712} from "solady/utils/EIP712.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IOrderVerifier} from "../interfaces/IOrderVerifier.sol";
import {AccountId} from "./libraries/AccountId.sol";
import {BoundedCall} from "./libraries/BoundedCall.sol";
import {LedgerSlots} from "./libraries/LedgerSlots.sol";
import {OrderLegs} from "./libraries/OrderLegs.sol";

/// @title Which orders are signed, and what of them is left
/// @dev A fill first reads, then asks the signer if that is a contract, then writes. The question is a static call: whatever a wallet
/// does while it is asked, nothing anywhere can change. A fill of a whole order writes one bit; only orders that are filled in part
/// have a word of their own.
contract OrderVerifier is IOrderVerifier, EIP712 {
    /// @dev Enough for a signature over P-256 verified in Solidity; whoever sends the batch pays for it.
    uint256 private constant _WALLET_GAS = 400_000;
    bytes4 private constant _ERC1271_VALID = 0x1626ba7e;
    /// @dev Half the order of secp256k1: of the two signatures (s, n − s) only the lower is taken.
    uint256 private constant _MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @inheritdoc IOrderVerifier
    address public immutable engine;

    /// @dev Bits of nonces that are used up, by filling all of the order or by cancelling.
    mapping(address owner => mapping(uint256 word => uint256)) private _nonces;
    /// @dev What of a nonce's order was filled: packages u64 · the order's digest without its last 64 bits. Stays when the nonce is used up.
    mapping(address owner => mapping(uint256 nonce => uint256)) private _partials;
    mapping(address owner => mapping(uint256 group => uint256)) private _groupEpochs;

    constructor(address theEngine) {
        engine = theEngine;
    }

    /// @inheritdoc IOrderVerifier
    function fill(
        Order calldata order,
        bytes calldata signature,
        address caller,
        address counterparty,
        uint256 lockdown,
        uint64 fillSize
    ) external returns (bytes32 hash) {
        if (msg.sender != engine) revert OnlyEngine(msg.sender);
        if (fillSize == 0) revert ZeroAmount();
        OrderLegs.requireCanonical(order, fillSize);
        address owner = AccountId.ownerOf(order.account);
        _requireValid(order, owner, counterparty, lockdown);
        hash = hashOf(order);
        uint256 nonce = order.nonce;
        // Asking a wallet changes neither.
        uint256 used = _nonces[owner][nonce >> 8];
        if (_isIn(used, nonce)) revert NonceUsed(owner, nonce);
        uint256 filled = _filled(owner, nonce, hash);
        uint256 size = order.size;
        if (fillSize > size - filled) revert FillBeyondSize(hash, filled, fillSize, size);
        _requireSigned(owner, hash, signature, caller);

        unchecked {
            filled += fillSize;
        }
        bool complete = filled == size;
        if (complete) _nonces[owner][nonce >> 8] = used | 1 << uint8(nonce);
        else _partials[owner][nonce] = _tag(hash) | filled;
        emit OrderFilled(hash, owner, order.account, nonce, fillSize, filled, complete);
    }

    /// @inheritdoc IOrderVerifier
    function cancel(uint256[] calldata nonces) external {
        for (uint256 i; i < nonces.length;) {
            uint256 word = nonces[i] >> 8;
            uint256 mask;
            for (; i < nonces.length && nonces[i] >> 8 == word; ++i) {
                mask |= 1 << uint8(nonces[i]);
            }
            cancelWord(word, mask);
        }
    }

    /// @inheritdoc IOrderVerifier
    function cancelGroup(uint64 group) external returns (uint256 epoch) {
        if (group == 0) revert GroupMissing();
        epoch = ++_groupEpochs[msg.sender][group];
        emit GroupCancelled(msg.sender, group, epoch);
    }

    /// @inheritdoc IOrderVerifier
    function statusOf(Order calldata order) external view returns (OrderStatus, uint256 remaining) {
        OrderLegs.requireCanonical(order, order.size);
        address owner = AccountId.ownerOf(order.account);
        if (_isIn(_nonces[owner][order.nonce >> 8], order.nonce)) return (OrderStatus.CLOSED, 0);
        uint256 word = _partials[owner][order.nonce];
        if (word != 0 && word ^ _tag(hashOf(order)) > type(uint64).max) return (OrderStatus.SUPERSEDED, 0);
        if (block.timestamp > order.expiry) return (OrderStatus.EXPIRED, 0);
        if (order.group != 0 && order.groupEpoch != _groupEpochs[owner][order.group]) {
            return (OrderStatus.GROUP_CANCELLED, 0);
        }
        if (order.lockdown != _lockdowns(owner)) return (OrderStatus.LOCKED_DOWN, 0);
        return (OrderStatus.OPEN, order.size - uint64(word));
    }

    /// @inheritdoc IOrderVerifier
    function noncesOf(address owner, uint256 word) external view returns (uint256) {
        return _nonces[owner][word];
    }

    /// @inheritdoc IOrderVerifier
    function groupEpochOf(address owner, uint256 group) external view returns (uint256) {
        return _groupEpochs[owner][group];
    }

    /// @notice The EIP-712 domain separator of this contract on this chain.
    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparator();
    }

    /// @inheritdoc IOrderVerifier
    function cancelWord(uint256 word, uint256 mask) public {
        _nonces[msg.sender][word] |= mask;
        emit NoncesCancelled(msg.sender, word, mask);
    }

    /// @inheritdoc IOrderVerifier
    function hashOf(Order calldata order) public view returns (bytes32) {
        return _hashTypedData(OrderLegs.hash(order));
    }

    // ---------------------------------------------------------------- what an order names

    function _requireValid(Order calldata order, address owner, address counterparty, uint256 lockdown) private view {
        if (block.timestamp > order.expiry) revert OrderExpired(order.expiry, block.timestamp);
        if (order.taker != address(0) && order.taker != counterparty) {
            revert CounterpartyNotAllowed(order.taker, counterparty);
        }
        if (order.lockdown != lockdown) revert LockdownMismatch(order.lockdown, lockdown);
        if (order.group == 0) return;
        uint256 epoch = _groupEpochs[owner][order.group];
        if (order.groupEpoch != epoch) revert GroupEpochMismatch(order.group, order.groupEpoch, epoch);
    }

    /// @dev What of the order is filled; reverts when its nonce is another order's.
    function _filled(address owner, uint256 nonce, bytes32 hash) private view returns (uint256) {
        uint256 word = _partials[owner][nonce];
        if (word == 0) return 0;
        if (word ^ _tag(hash) > type(uint64).max) revert NonceSuperseded(owner, nonce);
        return uint64(word);
    }

    function _isIn(uint256 used, uint256 nonce) private pure returns (bool) {
        return used >> uint8(nonce) & 1 != 0;
    }

    function _tag(bytes32 hash) private pure returns (uint256) {
        return uint256(hash) & ~uint256(type(uint64).max);
    }

    /// @dev The engine has no view for it; a fill is handed it.
    function _lockdowns(address owner) private view returns (uint256) {
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = LedgerSlots.at(uint160(owner), LedgerSlots.LOCKDOWNS);
        return uint256(IMarginEngine(engine).slots(keys)[0]);
    }

    // ---------------------------------------------------------------- who signed it

    /// @dev A key first, a contract second: an address that is both (EIP-7702) signs either way.
    function _requireSigned(address owner, bytes32 hash, bytes calldata signature, address caller) private view {
        if (signature.length == 0) {
            if (caller != owner) revert SignatureMissing(owner, caller);
            return;
        }
        if (signature.length == 65 && _isKeys(owner, hash, signature)) return;
        if (owner.code.length == 0) _refuse(owner, hash, signature);
        bytes memory question = abi.encodeWithSelector(_ERC1271_VALID, hash, signature);
        (bool answered, bytes memory answer) = BoundedCall.ask(owner, _WALLET_GAS, 1, question);
        if (!answered || bytes32(answer) != bytes32(_ERC1271_VALID)) revert SignatureInvalid(owner, hash);
    }

    /// @dev ecrecover answers zero to nonsense, and zero is nobody's key.
    function _isKeys(address owner, bytes32 hash, bytes calldata signature) private pure returns (bool) {
        bytes32 s = bytes32(signature[32:64]);
        if (owner == address(0) || uint256(s) > _MAX_S) return false;
        return ecrecover(hash, uint8(signature[64]), bytes32(signature[:32]), s) == owner;
    }

    /// @dev Why it is not the signature of a key.
    function _refuse(address owner, bytes32 hash, bytes calldata signature) private pure {
        if (signature.length != 65) revert SignatureLengthInvalid(signature.length);
        uint256 s = uint256(bytes32(signature[32:64]));
        if (s > _MAX_S) revert SignatureMalleable(s);
        revert SignatureInvalid(owner, hash);
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Plimsoll Orders", "1");
    }
}

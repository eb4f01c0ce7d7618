// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {ISignedReports} from "../../interfaces/ISignedReports.sol";

/// @title Who may sign reports, and whether a quorum of them signed this one
/// @dev A set costs one cold slot to verify, whatever the number of signers: it is the hash of all of them, whom a report therefore
/// names. The quorum is a strict majority of the signers at all times, so two disjoint quorums cannot sign two truths. For the same
/// reason a set that starts with a single signer stays with it; every larger one can be rotated one by one.
abstract contract SignedReports is ISignedReports, AccessManaged, EIP712 {
    using EfficientHashLib for bytes32[];

    uint256 private constant _SIGNATURE_LENGTH = 65;
    uint256 private constant _ADDRESS_LENGTH = 20;
    uint256 private constant _MAX_SIGNERS = 16;
    /// @dev Half the order of secp256k1: of the two signatures (s, n − s) only the lower is taken.
    uint256 private constant _MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @dev keccak256 of the signers as words, by ascending address, its lowest byte replaced by the quorum.
    uint256 private _set;
    /// @dev Ascending; read only to change the set, to answer, and to say what is wrong with a report.
    address[] private _signers;

    constructor(address initialAuthority, address[] memory initialSigners, uint256 initialQuorum)
        AccessManaged(initialAuthority)
    {
        for (uint256 i; i < initialSigners.length; ++i) {
            _insert(initialSigners[i]);
        }
        _commit(initialQuorum);
        emit QuorumSet(initialQuorum);
    }

    /// @inheritdoc ISignedReports
    function setSigner(address signer, bool active) external restricted {
        if (isSigner(signer) == active) return;
        if (active) _insert(signer);
        else _remove(signer);
        _commit(quorum());
    }

    /// @inheritdoc ISignedReports
    function setQuorum(uint256 newQuorum) external restricted {
        _commit(newQuorum);
        emit QuorumSet(newQuorum);
    }

    /// @inheritdoc ISignedReports
    function signerCount() external view returns (uint256) {
        return _signers.length;
    }

    /// @inheritdoc ISignedReports
    function signers() external view returns (address[] memory) {
        return _signers;
    }

    /// @notice The EIP-712 domain separator of this contract on this chain.
    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparator();
    }

    /// @inheritdoc ISignedReports
    function quorum() public view returns (uint256) {
        return uint8(_set);
    }

    /// @inheritdoc ISignedReports
    function isSigner(address account) public view returns (bool) {
        for (uint256 i; i < _signers.length; ++i) {
            if (_signers[i] == account) return true;
        }
        return false;
    }

    // ---------------------------------------------------------------- the set

    function _insert(address signer) private {
        // Zero is what ecrecover answers to nonsense; a repeated signer would be counted twice.
        if (signer == address(0) || isSigner(signer)) revert SignerUnknown(signer);
        uint256 at = _signers.length;
        if (at == _MAX_SIGNERS) revert SignersTooMany(at + 1, _MAX_SIGNERS);
        _signers.push(signer);
        for (; at > 0 && _signers[at - 1] > signer; --at) {
            _signers[at] = _signers[at - 1];
        }
        _signers[at] = signer;
        emit SignerSet(signer, true);
    }

    function _remove(address signer) private {
        uint256 last = _signers.length - 1;
        bool found;
        for (uint256 i; i < last; ++i) {
            found = found || _signers[i] == signer;
            if (found) _signers[i] = _signers[i + 1];
        }
        _signers.pop();
        emit SignerSet(signer, false);
    }

    function _commit(uint256 required) private {
        uint256 count = _signers.length;
        if (required > count || required * 2 <= count) revert QuorumUnsafe(required, count);
        bytes32[] memory words = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            words[i] = bytes32(uint256(uint160(_signers[i])));
        }
        _set = uint256(EfficientHashLib.hash(words)) >> 8 << 8 | required;
    }

    // ---------------------------------------------------------------- a report

    /// @dev Reverts unless a quorum signed `digest`. One unknown signer spoils the report: whoever sends it can leave that signature out.
    /// @param at Where the signers begin.
    /// @param present Which of them signed.
    function _requireQuorum(bytes32 digest, bytes calldata report, uint256 at, uint256 present) internal view {
        (bytes32[] memory named, uint256 valid) = _named(digest, report, at, present);
        uint256 set = _set;
        if (uint256(EfficientHashLib.hash(named)) ^ set > type(uint8).max) _refuse(named, valid);
        if (valid < uint8(set)) revert QuorumNotReached(valid, uint8(set));
    }

    /// @dev The signers that a report names from `at` on, and how many of them signed it.
    function _named(bytes32 digest, bytes calldata report, uint256 at, uint256 present)
        private
        pure
        returns (bytes32[] memory named, uint256 valid)
    {
        uint256 start = at;
        uint256 count;
        named = EfficientHashLib.malloc(_MAX_SIGNERS);
        unchecked {
            // What lies beyond the report reads as anything: the length is compared at the end.
            for (; at < report.length && count < _MAX_SIGNERS; ++count) {
                if (present >> count & 1 == 0) {
                    named.set(count, _load(report, at) >> 96);
                    at += _ADDRESS_LENGTH;
                } else {
                    named.set(count, _recover(digest, report, at));
                    at += _SIGNATURE_LENGTH;
                    ++valid;
                }
            }
            if (at != report.length) revert SignatureLengthInvalid(report.length - start);
        }
        assembly ("memory-safe") {
            mstore(named, count)
        }
    }

    /// @dev Zero, which is nobody's signature, when nothing can be recovered.
    function _recover(bytes32 digest, bytes calldata report, uint256 at) private pure returns (bytes32) {
        unchecked {
            bytes32 s = _load(report, at + 32);
            if (uint256(s) > _MAX_S) revert SignatureMalleable(uint256(s));
            uint8 v = uint8(bytes1(_load(report, at + 64)));
            return bytes32(uint256(uint160(ecrecover(digest, v, _load(report, at), s))));
        }
    }

    /// @dev Why the signers that a report names are not the set.
    function _refuse(bytes32[] memory named, uint256 valid) private view {
        address previous;
        for (uint256 i; i < named.length; ++i) {
            address signer = address(uint160(uint256(named[i])));
            if (!isSigner(signer)) revert SignerUnknown(signer);
            if (signer <= previous) revert SignersNotAscending(signer, previous);
            previous = signer;
        }
        if (valid < quorum()) revert QuorumNotReached(valid, quorum());
        revert SignersNotNamed(named.length, _signers.length);
    }

    function _load(bytes calldata data, uint256 at) internal pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(add(data.offset, at))
        }
    }
}

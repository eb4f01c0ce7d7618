// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "solady/utils/ECDSA.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {IPriceFeed} from "../../interfaces/IPriceFeed.sol";

/// @title Verifies price reports; keeps no price
/// @dev The quorum is a strict majority of the signers at all times, so two disjoint quorums cannot sign two truths. For the same
/// reason a feed that starts with a single signer stays with it; every larger set can be rotated one by one.
contract PriceFeed is IPriceFeed, AccessManaged, EIP712 {
    struct Quorum {
        uint128 required;
        uint128 signers;
    }

    bytes32 private constant _REPORT_TYPEHASH = keccak256("PriceReport(uint256 publishedAt,uint256[] words)");
    uint256 private constant _SIGNATURE_LENGTH = 65;
    /// @dev Half the order of secp256k1: of the two signatures (s, n − s) only the lower is taken.
    uint256 private constant _MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    error SignatureMalleable(uint256 s);

    mapping(address account => bool) public isSigner;
    Quorum private _quorum;

    constructor(address initialAuthority, address[] memory signers, uint256 initialQuorum)
        AccessManaged(initialAuthority)
    {
        for (uint256 i; i < signers.length; ++i) {
            _markSigner(signers[i], true);
        }
        _setQuorum(initialQuorum, signers.length);
    }

    /// @inheritdoc IPriceFeed
    function verify(bytes calldata report) external view returns (uint256 publishedAt, uint256[] memory words) {
        (publishedAt, words) = abi.decode(report, (uint256, uint256[]));
        bytes32 structHash = keccak256(abi.encode(_REPORT_TYPEHASH, publishedAt, keccak256(abi.encodePacked(words))));
        uint256 valid = _countSigners(_hashTypedData(structHash), _signatures(report));
        uint256 required = _quorum.required;
        if (valid < required) revert QuorumNotReached(valid, required);
    }

    /// @inheritdoc IPriceFeed
    function setSigner(address signer, bool active) external restricted {
        if (isSigner[signer] == active) return;
        _markSigner(signer, active);
        Quorum memory current = _quorum;
        _quorum.signers = _checkedSigners(current.required, active ? current.signers + 1 : current.signers - 1);
    }

    /// @inheritdoc IPriceFeed
    function setQuorum(uint256 newQuorum) external restricted {
        _setQuorum(newQuorum, _quorum.signers);
    }

    /// @inheritdoc IPriceFeed
    function quorum() external view returns (uint256) {
        return _quorum.required;
    }

    /// @inheritdoc IPriceFeed
    function signerCount() external view returns (uint256) {
        return _quorum.signers;
    }

    /// @notice The EIP-712 domain separator of this contract on this chain.
    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparator();
    }

    function _markSigner(address signer, bool active) private {
        // Zero is what ecrecover answers to nonsense; a repeated initial signer would be counted twice.
        if (signer == address(0) || isSigner[signer] == active) revert SignerUnknown(signer);
        isSigner[signer] = active;
        emit SignerSet(signer, active);
    }

    function _setQuorum(uint256 required, uint256 signers) private {
        _quorum.signers = _checkedSigners(required, signers);
        _quorum.required = uint128(required);
        emit QuorumSet(required);
    }

    function _checkedSigners(uint256 required, uint256 signers) private pure returns (uint128) {
        if (required > signers || required * 2 <= signers) revert QuorumUnsafe(required, signers);
        return uint128(signers);
    }

    /// @dev One unknown signer spoils the report: whoever sends it can leave that signature out.
    function _countSigners(bytes32 digest, bytes calldata signatures) private view returns (uint256 count) {
        uint256 length = signatures.length;
        if (length % _SIGNATURE_LENGTH != 0) revert SignatureLengthInvalid(length);
        address previous;
        for (uint256 at; at < length; at += _SIGNATURE_LENGTH) {
            address signer = _recover(digest, signatures[at:at + _SIGNATURE_LENGTH]);
            if (!isSigner[signer]) revert SignerUnknown(signer);
            if (signer <= previous) revert SignersNotAscending(signer, previous);
            previous = signer;
            ++count;
        }
    }

    /// @dev Zero, which is nobody's signature, when nothing can be recovered.
    function _recover(bytes32 digest, bytes calldata signature) private view returns (address) {
        bytes32 s = bytes32(signature[32:64]);
        if (uint256(s) > _MAX_S) revert SignatureMalleable(uint256(s));
        return ECDSA.tryRecover({hash: digest, v: uint8(signature[64]), r: bytes32(signature[:32]), s: s});
    }

    /// @dev The third member of the report as a slice of it; copying it to memory would cost more than checking it.
    function _signatures(bytes calldata report) private pure returns (bytes calldata) {
        uint256 start = uint256(bytes32(report[64:96])) + 32;
        uint256 length = uint256(bytes32(report[start - 32:start]));
        return report[start:start + length];
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Plimsoll Prices", "1");
    }
}

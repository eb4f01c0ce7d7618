// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Signed pull prices: one EIP-712 report, a quorum of signers, any of whom may be offline
/// @dev Report bytes: abi.encode(uint256 publishedAt, uint256[] words, bytes signatures).
/// word: feed (8 bits, lowest) · confidence ppm (24) · value 1e-10 quote (72). Signatures: 65 bytes each (r, s, v), by
/// strictly ascending signer address. Type: PriceReport(uint256 publishedAt,uint256[] words); domain: name "Plimsoll Prices",
/// version "1", chainId, verifyingContract = this feed.
interface IPriceFeed {
    event SignerSet(address indexed signer, bool active);
    event QuorumSet(uint256 quorum);

    error QuorumNotReached(uint256 valid, uint256 quorum);
    error QuorumUnsafe(uint256 quorum, uint256 signers);
    error SignerUnknown(address signer);
    error SignersNotAscending(address signer, address previous);
    error SignatureLengthInvalid(uint256 length);

    /// @notice Reverts unless `quorum` distinct known signers signed the report. Pure of state changes.
    function verify(bytes calldata report) external view returns (uint256 publishedAt, uint256[] memory words);

    /// @notice Restricted. The quorum must stay a strict majority of the active signers.
    function setSigner(address signer, bool active) external;

    function setQuorum(uint256 quorum) external;

    function quorum() external view returns (uint256);

    function signerCount() external view returns (uint256);

    function isSigner(address account) external view returns (bool);
}

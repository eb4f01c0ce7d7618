// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The signers of reports: a quorum of a known set, any of whom may be offline
/// @dev The end of every report, after what it says: every signer of the set, by ascending address. When bit i of the report's field
/// `present` (16 bits) is set the i-th one's signature (65 bytes: r, s, v), otherwise his address (20), so that the whole set can be told
/// from the report and compared with one word of storage.
interface ISignedReports {
    event SignerSet(address indexed signer, bool active);
    event QuorumSet(uint256 quorum);

    error QuorumNotReached(uint256 valid, uint256 quorum);
    error QuorumUnsafe(uint256 quorum, uint256 signers);
    error ReportTooShort(uint256 length, uint256 required);
    error SignatureLengthInvalid(uint256 length);
    error SignatureMalleable(uint256 s);
    error SignersNotAscending(address signer, address previous);
    error SignersNotNamed(uint256 named, uint256 signers);
    error SignersTooMany(uint256 signers, uint256 maximum);
    error SignerUnknown(address signer);

    /// @notice Reverts unless `quorum` distinct known signers signed the report. Pure of state changes.
    function verify(bytes calldata report) external view returns (uint256 publishedAt, uint256[] memory words);

    /// @notice Restricted. The quorum must stay a strict majority of the active signers.
    function setSigner(address signer, bool active) external;

    function setQuorum(uint256 quorum) external;

    function quorum() external view returns (uint256);

    function signerCount() external view returns (uint256);

    /// @notice All signers, by ascending address: what a report names.
    function signers() external view returns (address[] memory);

    function isSigner(address account) external view returns (bool);
}

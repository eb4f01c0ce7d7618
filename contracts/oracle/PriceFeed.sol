// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";
import {IPriceFeed} from "../../interfaces/IPriceFeed.sol";
import {ISignedReports} from "../../interfaces/ISignedReports.sol";
import {SignedReports} from "./SignedReports.sol";

/// @title Verifies price reports; keeps no price
/// @dev Part of OracleRouter and not a contract of its own: no call lies between a report and where its prices are kept.
abstract contract PriceFeed is IPriceFeed, SignedReports {
    using EfficientHashLib for bytes32[];

    bytes32 private constant _REPORT_TYPEHASH = keccak256("PriceReport(uint256 publishedAt,uint256[] words)");
    uint256 private constant _HEADER_LENGTH = 7;
    uint256 private constant _PRICE_LENGTH = 13;

    constructor(address initialAuthority, address[] memory initialSigners, uint256 initialQuorum)
        SignedReports(initialAuthority, initialSigners, initialQuorum)
    {}

    /// @inheritdoc ISignedReports
    function verify(bytes calldata report) external view returns (uint256 publishedAt, uint256[] memory words) {
        return _verified(report);
    }

    function _verified(bytes calldata report) internal view returns (uint256 publishedAt, uint256[] memory words) {
        uint256 head = uint256(_load(report, 0));
        publishedAt = head >> 224;
        uint256 at = _HEADER_LENGTH + uint8(head >> 216) * _PRICE_LENGTH;
        if (report.length < at) revert ReportTooShort(report.length, at);
        bytes32[] memory prices = _pricesIn(report, uint8(head >> 216));
        bytes32 digest = _hashTypedData(
            EfficientHashLib.hash(_REPORT_TYPEHASH, bytes32(publishedAt), EfficientHashLib.hash(prices))
        );
        _requireQuorum(digest, report, at, uint16(head >> 200));
        assembly ("memory-safe") {
            words := prices
        }
    }

    /// @dev The first `count` prices of a report that is long enough to hold them.
    function _pricesIn(bytes calldata report, uint256 count) private pure returns (bytes32[] memory prices) {
        prices = EfficientHashLib.malloc(count);
        unchecked {
            for (uint256 i; i < count; ++i) {
                prices.set(i, _load(report, _HEADER_LENGTH + i * _PRICE_LENGTH) >> 152);
            }
        }
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Plimsoll Prices", "1");
    }
}

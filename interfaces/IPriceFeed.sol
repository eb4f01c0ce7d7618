// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISignedReports} from "./ISignedReports.sol";

/// @title Signed pull prices: one EIP-712 report, a quorum of signers
/// @dev Report bytes, each part big-endian and as long as it needs to be, one after the other:
///
///     publishedAt 4 · number of prices 1 · present 2 · prices 13 each · signers (ISignedReports)
///
/// A price: value (9 bytes, 1e-10 quote) · confidence (3, ppm) · feed (1). Type: PriceReport(uint256 publishedAt,uint256[] words),
/// a price being the word feed (8 bits, lowest) · confidence (24) · value (72); domain: name "Plimsoll Prices", version "1", chainId,
/// verifyingContract = the OracleRouter.
interface IPriceFeed is ISignedReports {}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibCall} from "solady/utils/LibCall.sol";

/// @title Asking a contract that is not trusted to answer
/// @dev The other side can revert, burn all the gas it gets, return nothing, too little or a megabyte: the answer is then `false`,
/// and the cost bounded. (Solidity's try/catch reverts in the caller on a short or malformed answer.)
library BoundedCall {
    error GasShortage(uint256 available, uint256 required);

    /// @notice The first `count` words that `target` returns to `data`, or false.
    /// @dev Reverts when the caller cannot pass on the whole stipend: else whoever sends the transaction could choose, by its gas
    /// limit, that the call fails.
    function ask(address target, uint256 stipend, uint256 count, bytes memory data)
        internal
        view
        returns (bool, bytes memory)
    {
        uint256 required = stipend * 64 / 63 + 5000; // a call gets at most 63/64; 5000 covers a cold address and the copies
        if (gasleft() < required) revert GasShortage(gasleft(), required);
        (bool success,, bytes memory answer) = LibCall.tryStaticCall(target, stipend, uint16(32 * count), data);
        return (success && answer.length == 32 * count, answer);
    }
}

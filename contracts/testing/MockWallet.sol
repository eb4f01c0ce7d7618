// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ECDSA} from "solady/utils/ECDSA.sol";

/// @title A contract wallet of one key, which answers ERC-1271 as it was told to
contract MockWallet {
    enum Answer {
        HONEST,
        WRONG,
        REVERT,
        SHORT,
        GARBAGE,
        BOMB,
        BURN_GAS,
        REENTER
    }

    error SignerUnknown(address signer);

    bytes4 private constant _VALID = 0x1626ba7e;

    address public immutable key;
    Answer public answer;
    address public target;
    bytes public data;

    constructor(address theKey) {
        key = theKey;
    }

    /// @notice REENTER calls `newTarget` with `newData` while it is asked, and says yes exactly if that failed.
    function set(Answer newAnswer, address newTarget, bytes calldata newData) external {
        (answer, target, data) = (newAnswer, newTarget, newData);
    }

    /// @notice What the wallet does with its own name.
    function run(address to, bytes calldata call) external returns (bytes memory) {
        (bool success, bytes memory result) = to.call(call);
        if (success) return result;
        assembly ("memory-safe") {
            revert(add(result, 32), mload(result))
        }
    }

    /// @notice ERC-1271. Not a view: who asks has to see to it that nothing changes.
    function isValidSignature(bytes32 hash, bytes calldata signature) external returns (bytes4) {
        if (answer == Answer.WRONG) return ~_VALID;
        if (answer == Answer.REVERT) revert SignerUnknown(key);
        if (answer == Answer.SHORT) _return(_VALID, 4);
        if (answer == Answer.GARBAGE) _return(_VALID | bytes32(uint256(1)), 32);
        if (answer == Answer.BOMB) _return(_VALID, 100_000);
        if (answer == Answer.BURN_GAS) {
            while (true) {}
        }
        if (answer == Answer.REENTER) {
            (bool success,) = target.call(data);
            return success ? bytes4(0) : _VALID;
        }
        return ECDSA.tryRecoverCalldata(hash, signature) == key ? _VALID : bytes4(0);
    }

    function _return(bytes32 word, uint256 length) private pure {
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, word)
            return(at, length)
        }
    }
}

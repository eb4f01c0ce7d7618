// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPyth} from "../../interfaces/IPyth.sol";

/// @title A Pyth that says what it is told, in words as wide as it is told
contract MockPyth is IPyth {
    error PriceFeedNotFound();

    struct Answer {
        uint256 price;
        uint256 conf;
        uint256 expo;
        uint256 publishTime;
        bool known;
    }

    /// @dev Whether to answer with a single word.
    bool public short;
    mapping(bytes32 id => Answer) private _answers;

    function set(bytes32 id, int64 price, uint64 conf, int32 expo, uint256 publishTime) external {
        setWords(id, uint256(int256(price)), conf, uint256(int256(expo)), publishTime);
    }

    function setShort(bool newShort) external {
        short = newShort;
    }

    function setWords(bytes32 id, uint256 price, uint256 conf, uint256 expo, uint256 publishTime) public {
        _answers[id] = Answer(price, conf, expo, publishTime, true);
    }

    /// @inheritdoc IPyth
    function getPriceUnsafe(bytes32 id) external view returns (Price memory) {
        Answer memory answer = _answers[id];
        if (!answer.known) revert PriceFeedNotFound();
        bool one = short;
        assembly ("memory-safe") {
            return(answer, sub(0x80, mul(0x60, one)))
        }
    }
}

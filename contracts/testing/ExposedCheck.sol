// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../../interfaces/IOracleRouter.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";

/// @title The check over a storage that the tests write word by word; it is its own router
contract ExposedCheck {
    Ledger.State internal state;
    mapping(uint256 feed => uint256 word) internal prices;

    /// @notice Writes `words[i]` to the slot `keys[i]`.
    function store(uint256[] calldata keys, uint256[] calldata words) external {
        for (uint256 i; i < keys.length; ++i) {
            (uint256 key, uint256 word) = (keys[i], words[i]);
            assembly ("memory-safe") {
                sstore(key, word)
            }
        }
    }

    /// @notice As OracleRouter: feed 0 is the quote asset.
    function read(uint256[] calldata feeds) external view returns (uint256[] memory words) {
        words = new uint256[](feeds.length);
        for (uint256 i; i < feeds.length; ++i) {
            words[i] = feeds[i] == 0 ? 1e10 | block.timestamp << 96 : prices[feeds[i]];
        }
    }

    function assess(bytes32 id, MarginCheck.PriceUse use)
        external
        view
        returns (IMarginEngine.Assessment memory a, IMarginEngine.AccountState derived)
    {
        Ledger.Header memory header = state.headers[id];
        a = MarginCheck.evaluate(state, MarginCheck.gather(state, IOracleRouter(address(this)), id, header, use));
        derived = MarginCheck.stateOf(state, header, a);
    }

    function moved(uint256 price, uint256 sigma, uint256 kappa, uint256 secs, bool up) external pure returns (uint256) {
        return MarginCheck.moved(price, sigma, kappa, secs, up);
    }
}

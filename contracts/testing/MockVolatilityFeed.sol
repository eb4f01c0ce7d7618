// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The surfaces somebody set, unchecked: published cases know no arbitrage
contract MockVolatilityFeed {
    mapping(uint256 key => uint256[3]) private _surfaces;

    /// @param word2 With the status that `read` is to give.
    function set(uint256 key, uint256 word0, uint256 word1, uint256 word2) external {
        _surfaces[key] = [word0, word1, word2];
    }

    function read(uint256[] calldata keys) external view returns (uint256[] memory words) {
        words = new uint256[](3 * keys.length);
        for (uint256 i; i < keys.length; ++i) {
            for (uint256 n; n < 3; ++n) {
                words[3 * i + n] = _surfaces[keys[i]][n];
            }
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A volatility feed that answers what it is told
contract MockSurfaces {
    mapping(uint256 key => uint256[3] words) private _words;

    function set(uint256 key, uint256[3] calldata words) external {
        _words[key] = words;
    }

    /// @notice As IVolatilityFeed.
    function read(uint256[] calldata keys) external view returns (uint256[] memory words) {
        words = new uint256[](3 * keys.length);
        for (uint256 i; i < keys.length; ++i) {
            for (uint256 j; j < 3; ++j) {
                words[3 * i + j] = _words[keys[i]][j];
            }
        }
    }
}

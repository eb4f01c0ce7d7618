// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MockERC20} from "./MockERC20.sol";

/// @title A token in the manner of USDC: a blacklisted address neither sends nor receives
contract BlacklistERC20 is MockERC20 {
    error AddressBlacklisted(address account);

    mapping(address account => bool) public blacklisted;

    constructor(string memory name_, string memory symbol_, uint8 decimals_) MockERC20(name_, symbol_, decimals_) {}

    function setBlacklisted(address account, bool listed) external {
        blacklisted[account] = listed;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (blacklisted[from]) revert AddressBlacklisted(from);
        if (blacklisted[to]) revert AddressBlacklisted(to);
        super._update(from, to, amount);
    }
}

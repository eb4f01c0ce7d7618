// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MockERC20} from "./MockERC20.sol";

/// @title A token that burns 1 % of every transfer
contract FeeOnTransferERC20 is MockERC20 {
    uint256 internal constant FEE_PERCENT = 1;

    constructor(string memory name_, string memory symbol_, uint8 decimals_) MockERC20(name_, symbol_, decimals_) {}

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), amount * FEE_PERCENT / 100);
    }
}

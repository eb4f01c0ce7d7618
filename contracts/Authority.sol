// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Roles and delays of the whole protocol
/// @notice OpenZeppelin's manager, here so that it is compiled with the rest. What loosens risk waits in it; who holds which role,
/// and every delay, is in the deployment's manifest (docs/operating.md).
contract Authority is AccessManager {
    constructor(address initialAdmin) AccessManager(initialAdmin) {}
}

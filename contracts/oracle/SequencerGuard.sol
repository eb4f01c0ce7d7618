// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAggregatorV3} from "../../interfaces/IAggregatorV3.sol";
import {BoundedCall} from "../libraries/BoundedCall.sol";

/// @title Whether an L2's sequencer is up, and has been for long enough
/// @dev While it is down nobody can act on a price; an answer of that time would be used first by whoever is first afterwards.
abstract contract SequencerGuard {
    uint256 private constant _UPTIME_GAS = 60_000;

    /// @notice The uptime feed of the L2's sequencer; zero on a chain without one.
    address public immutable sequencer;
    /// @notice How long after the sequencer is back an answer is still not used: others must be able to act first.
    uint256 public immutable sequencerGrace;

    constructor(address initialSequencer, uint256 initialGrace) {
        sequencer = initialSequencer;
        sequencerGrace = initialGrace;
    }

    function _sequencerUp() internal view returns (bool) {
        if (sequencer == address(0)) return true;
        (bool answered, bytes memory data) =
            BoundedCall.ask(sequencer, _UPTIME_GAS, 5, abi.encodeCall(IAggregatorV3.latestRoundData, ()));
        if (!answered) return false;
        (, int256 down, uint256 since,,) = abi.decode(data, (uint256, int256, uint256, uint256, uint256));
        return down == 0 && since != 0 && since <= block.timestamp && block.timestamp - since > sequencerGrace;
    }
}

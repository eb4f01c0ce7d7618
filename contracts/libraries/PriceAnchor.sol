// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedMath} from "./FixedMath.sol";

/// @title Whether a market has been quiet for the length of the recognition window
/// @notice Two past prices are kept: one up to a window old, and the one before it, so that a move is seen wherever it falls
/// between two anchors. A price further than the MM rate from either starts the window anew.
library PriceAnchor {
    /// @param price 1e-10 quote. @param at When it was anchored. @param movedAt When the market was last seen to move.
    struct Anchor {
        uint72 price;
        uint72 previous;
        uint32 at;
        uint32 movedAt;
    }

    /// @notice The anchor after seeing `price` at `time`. One that was not looked at for longer than `maxSilence` says nothing about
    /// what happened since, and counts as moved.
    function next(
        Anchor memory anchor,
        uint256 price,
        uint256 mmRateBps,
        uint256 window,
        uint256 maxSilence,
        uint256 time
    ) internal pure returns (Anchor memory) {
        uint256 elapsed = time - anchor.at;
        if (
            elapsed > maxSilence || _beyond(price, anchor.price, mmRateBps)
                || _beyond(price, anchor.previous, mmRateBps)
        ) {
            return Anchor(uint72(price), uint72(price), uint32(time), uint32(time));
        }
        if (elapsed >= window) return Anchor(uint72(price), anchor.price, uint32(time), anchor.movedAt);
        return anchor;
    }

    function isQuiet(Anchor memory anchor, uint256 window, uint256 time) internal pure returns (bool) {
        return anchor.price != 0 && time - anchor.movedAt >= window;
    }

    /// @dev A market never seen has anchor zero, and any price is beyond it.
    function _beyond(uint256 price, uint256 anchor, uint256 rateBps) private pure returns (bool) {
        uint256 distance = price > anchor ? price - anchor : anchor - price;
        return distance * FixedMath.BPS > anchor * rateBps;
    }
}

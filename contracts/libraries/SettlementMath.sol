// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedMath} from "./FixedMath.sol";

/// @title How an expiry's settlement price comes about, and what it will be if the price stays where it is
/// @dev Times in seconds, prices 1e-10, weighted Σ price × seconds. Python twin: plimsoll/margin/settlement_math.py. Reasons:
/// docs/decisions/036 and 042.
library SettlementMath {
    uint256 internal constant WINDOW = 30 minutes;
    /// @dev What good prices must cover before the mean of them is final.
    uint256 internal constant COVERAGE = 20 minutes;
    /// @dev A price stands for at most so long: whoever comes late decides about no more.
    uint256 internal constant MAX_STEP = 2 minutes;

    /// @dev Of the slot, Ledger.Settlement: where its fields begin.
    uint256 private constant _WEIGHTED_BIT = 72;
    uint256 private constant _COVERED_BIT = 168;
    uint256 private constant _SEEN_BIT = 192;

    /// @notice The seconds that a look at `time` stands for, within the window. The first look after the expiry still counts for the time
    /// before it; what lies between is nobody's.
    function step(uint256 observedAt, uint256 end, uint256 time) internal pure returns (uint256) {
        unchecked {
            uint256 since = observedAt == 0 ? end - WINDOW : observedAt;
            uint256 until = since < end ? FixedMath.min(time, end) : time;
            return FixedMath.min(until - since, MAX_STEP);
        }
    }

    /// @notice How much of a settlement price that is not final yet is still open.
    /// @param dead The price is not good, so that nobody can look.
    /// @return rest Seconds that the price of now counts for: those that a look now would add, those to come, and those beyond the expiry where
    /// too few are covered. @return total Of so many.
    function open(uint256 word, uint256 end, uint256 time, bool dead)
        internal
        pure
        returns (uint256 rest, uint256 total)
    {
        unchecked {
            uint256 covered = uint24(word >> _COVERED_BIT);
            if (time < end) rest = end - time;
            // Any look makes it final as it is.
            else if (dead && covered >= COVERAGE) return (0, covered);
            total = covered + rest + step(uint32(word >> _SEEN_BIT), end, time);
            if (total < COVERAGE) total = COVERAGE;
            rest = total - covered;
        }
    }

    function weightedOf(uint256 word) internal pure returns (uint256) {
        return uint96(word >> _WEIGHTED_BIT);
    }

    /// @notice The mean of what was recorded and of `price` for the rest.
    function mean(uint256 weighted, uint256 rest, uint256 total, uint256 price) internal pure returns (uint256) {
        unchecked {
            return (weighted + rest * price) / total;
        }
    }

    /// @notice A surface's carry, WAD, as far as it is still open: what is known of the mean has no forward. Toward one.
    function carry(uint256 value, uint256 rest, uint256 total) internal pure returns (uint256) {
        unchecked {
            if (value == 0) return 0;
            int256 basis = int256(value) - int256(FixedMath.WAD);
            return uint256(int256(FixedMath.WAD) + basis * int256(rest) / int256(total));
        }
    }
}

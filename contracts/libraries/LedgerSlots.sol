// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Where the engine keeps things: the offsets of Ledger.State's members, and the keys of its mappings
/// @dev The one place that repeats what the compiler decides. tests/unit/lens/test_lens_slots.py compares every constant with the
/// compiler's own storage layout, so a member moved in Ledger.sol cannot pass unnoticed.
library LedgerSlots {
    uint256 internal constant GLOBALS = 0;
    uint256 internal constant POOL = 1;
    uint256 internal constant TERMS = 2;
    uint256 internal constant LISTED_MARKETS = 3;
    uint256 internal constant HEADERS = 4;
    uint256 internal constant BALANCES = 5;
    uint256 internal constant POSITIONS = 6;
    uint256 internal constant ASSETS = 7;
    uint256 internal constant TOTALS = 8;
    uint256 internal constant VAULTS = 9;
    uint256 internal constant MARKETS = 10;
    uint256 internal constant LOCKDOWNS = 12;
    uint256 internal constant LENDING = 15;
    uint256 internal constant DEBTS = 16;
    uint256 internal constant LIMITS = 17;
    uint256 internal constant FLOWS = 18;
    uint256 internal constant PAIRS = 19;
    uint256 internal constant MODEL_RAMP = 20;
    uint256 internal constant STAKE = 25;
    uint256 internal constant OPTIONS = 26;
    uint256 internal constant SETTLEMENTS = 27;
    uint256 internal constant OPTION_SETUP = 28;
    uint256 internal constant PORTFOLIO_RAMP = 29;
    uint256 internal constant SURFACES = 30;
    uint256 internal constant VERIFIER = 31;

    // Words of one market, from its first slot on.
    uint256 internal constant STATE = 0;
    uint256 internal constant RISK = 1;
    uint256 internal constant COSTS = 2;
    uint256 internal constant TRADE = 3;
    uint256 internal constant INSURANCE = 4;
    uint256 internal constant RAMP = 5;
    uint256 internal constant LOSS = 6;
    uint256 internal constant CLOSING = 7;
    uint256 internal constant MARKET_WORDS = 8;

    // Bits within words: of an asset, of a market's state, risk and trade.
    uint256 internal constant ASSET_FEED_BIT = 8;
    uint256 internal constant SHORT_SIZE_BIT = 56;
    uint256 internal constant FEED_BIT = 144;
    uint256 internal constant MAX_AGE_BIT = 152;
    uint256 internal constant ALLOCATION_BIT = 208;
    uint256 internal constant MOVE_BIT = 224;
    uint256 internal constant GAP_BIT = 240;

    /// @notice The slot of `mapping[key]` for a mapping at `slot`: keccak256(key · slot).
    function at(uint256 key, uint256 slot) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0, key)
            mstore(32, slot)
            result := keccak256(0, 64)
        }
    }

    /// @notice A word of a market.
    function marketWord(uint256 market, uint256 word) internal pure returns (bytes32) {
        return bytes32(uint256(at(market, MARKETS)) + word);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ledger} from "../Ledger.sol";
import {OptionBook} from "../OptionBook.sol";
import {OptionSeries} from "../libraries/OptionSeries.sol";

/// @title The book of options over a storage of its own, and the arithmetic of series
contract ExposedOptions {
    Ledger.State internal state;

    function change(bytes32 id, uint256[] calldata instruments, int256[] calldata deltas) external {
        OptionBook.Book memory b = OptionBook.open(state, id, instruments.length);
        for (uint256 i; i < instruments.length; ++i) {
            OptionBook.change(b, instruments[i], deltas[i]);
        }
        OptionBook.close(state, b);
    }

    function moveAll(bytes32 from, bytes32 to, uint256 fraction) external {
        OptionBook.moveAll(state, from, to, fraction);
    }

    /// @notice As a check reads them.
    function sorted(bytes32 id) external view returns (uint256[] memory) {
        return OptionBook.sorted(state, id, state.headers[id].options);
    }

    function quantityOf(bytes32 id, uint256 instrument) external view returns (int256) {
        return OptionBook.quantityOf(state, id, instrument);
    }

    /// @notice The account's slots as they lie, and its header's count.
    function slotsOf(bytes32 id) external view returns (uint256[] memory slots, uint256 count) {
        slots = new uint256[](64);
        for (uint256 n; n < 64; ++n) {
            slots[n] = state.options[id][n];
        }
        count = state.headers[id].options;
    }

    function slice(int256 quantity, uint256 fraction) external pure returns (int256) {
        return OptionBook.slice(quantity, fraction);
    }

    function pack(uint256 market, uint256 expiry, uint256 strike, bool put) external pure returns (uint256) {
        return OptionSeries.pack(market, expiry, strike, put);
    }

    function requireCanonical(uint256 instrument) external pure {
        OptionSeries.requireCanonical(instrument);
    }

    function fields(uint256 instrument) external pure returns (uint256, uint256, uint256, bool) {
        return (
            OptionSeries.marketOf(instrument),
            OptionSeries.expiryOf(instrument),
            OptionSeries.strikeOf(instrument),
            OptionSeries.isPut(instrument)
        );
    }

    function payoff(uint256 instrument, uint256 price) external pure returns (uint256) {
        return OptionSeries.payoff(instrument, price);
    }
}

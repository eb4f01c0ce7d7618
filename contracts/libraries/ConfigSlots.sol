// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {Ledger} from "../Ledger.sol";

/// @title The words MarketConfig may write, and where they go
/// @notice The words arrive finished and checked; what is not configuration in a slot (the lock, running sums) is kept.
/// @dev Linked library over the engine's storage. Codes and layouts: docs/storage.md.
library ConfigSlots {
    uint256 internal constant GLOBALS = 0;
    uint256 internal constant TERMS = 1;
    uint256 internal constant ASSET = 2;
    uint256 internal constant VAULT = 3;
    uint256 internal constant RISK = 4;
    uint256 internal constant TRADE = 5;
    uint256 internal constant INSURANCE_CAP = 6;
    uint256 internal constant POOL = 7;
    uint256 internal constant FORBID = 8;
    uint256 internal constant STAKE = 9;

    uint256 private constant MAX_ID = 63;

    function write(Ledger.State storage s, uint256 what, uint256 id, uint256 word) external {
        if (what == GLOBALS) {
            s.globals.model = address(uint160(word));
            s.globals.blockTime = uint8(word >> 200);
            s.globals.kappa = uint8(word >> 208);
        } else if (what == TERMS) {
            Ledger.Terms storage terms = s.terms;
            assembly ("memory-safe") {
                sstore(terms.slot, word)
            }
        } else if (what == ASSET) {
            if (id > MAX_ID) revert IMarginEngine.UnknownAsset(id);
            Ledger.Asset storage asset = s.assets[id];
            assembly ("memory-safe") {
                sstore(asset.slot, word)
            }
        } else if (what == VAULT) {
            s.vaults[id] = address(uint160(word));
        } else if (what == RISK) {
            _writeRisk(s, id, word);
        } else if (what == TRADE) {
            Ledger.MarketTrade storage trade = s.markets[id].trade;
            assembly ("memory-safe") {
                sstore(trade.slot, word)
            }
        } else if (what == INSURANCE_CAP) {
            s.markets[id].insurance.cap = uint64(word);
        } else if (what == POOL) {
            s.pool.owner = address(uint160(word));
        } else if (what == FORBID) {
            s.forbidden[address(uint160(id))] = word != 0;
        } else if (what == STAKE) {
            s.stake = address(uint160(word));
        } else {
            revert IMarginEngine.UnknownAction(what);
        }
        emit IMarginEngine.Configured(what, id, word);
    }

    function _writeRisk(Ledger.State storage s, uint256 id, uint256 word) private {
        if (id > MAX_ID) revert IMarginEngine.UnknownMarket(id);
        Ledger.MarketRisk storage risk = s.markets[id].risk;
        assembly ("memory-safe") {
            sstore(risk.slot, word)
        }
        if (s.listedMarkets & 1 << id != 0) return;
        s.listedMarkets |= uint64(1 << id);
        // Funding starts here, not in 1970.
        s.markets[id].state.accruedAt = uint32(block.timestamp);
        emit IMarginEngine.MarketAccrued(id, 0, 0);
    }
}

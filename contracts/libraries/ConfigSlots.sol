// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {Ledger} from "../Ledger.sol";
import {LendingBook} from "../LendingBook.sol";
import {ConfigWords} from "./ConfigWords.sol";

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
    uint256 internal constant LIMITS = 10;
    uint256 internal constant LENDING = 11;
    uint256 internal constant PAIR = 12;
    uint256 internal constant RISK_RAMP = 13;
    uint256 internal constant MODEL_RAMP = 14;
    uint256 internal constant QUOTE_FEED = 15;
    uint256 internal constant DEBT_INSURANCE = 16;
    uint256 internal constant PORTFOLIO_MODEL = 17;
    uint256 internal constant PORTFOLIO_RAMP = 18;
    uint256 internal constant SURFACES = 19;
    uint256 internal constant VERIFIER = 20;

    uint256 private constant MAX_ID = 63;
    uint8 private constant _MODEL_RAMPING = 1;

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
        } else if (what == VAULT) {
            s.vaults[id] = address(uint160(word));
        } else if (what == INSURANCE_CAP) {
            s.markets[id].insurance.cap = uint64(word);
        } else if (what == DEBT_INSURANCE) {
            s.debtInsurance[id].cap = uint64(word);
        } else if (what == POOL) {
            s.pool.owner = address(uint160(word));
        } else if (what == FORBID) {
            s.forbidden[address(uint160(id))] = word != 0;
        } else if (what == STAKE) {
            s.stake = address(uint160(word));
        } else if (what == MODEL_RAMP) {
            s.modelRamp = Ledger.ModelRamp({model: address(uint160(word)), end: uint32(word >> 160)});
            s.globals.flags = word == 0 ? 0 : _MODEL_RAMPING;
        } else if (what == PORTFOLIO_MODEL) {
            s.optionSetup.portfolioModel = address(uint160(word));
        } else if (what == PORTFOLIO_RAMP) {
            s.portfolioRamp = Ledger.ModelRamp({model: address(uint160(word)), end: uint32(word >> 160)});
            s.optionSetup.flags = word == 0 ? 0 : _MODEL_RAMPING;
        } else if (what == SURFACES) {
            s.surfaces = address(uint160(word));
        } else if (what == VERIFIER) {
            s.verifier = address(uint160(word));
        } else if (what == QUOTE_FEED) {
            s.globals.quoteFeed = uint8(word >> 216);
            s.globals.depegThreshold = uint16(word >> 224);
            s.globals.depegFactor = uint8(word >> 240);
        } else if (what == RISK) {
            _writeRisk(s, id, word);
        } else if (what == LENDING) {
            LendingBook.list(s, id, word);
        } else {
            _store(_place(s, what, id), word);
        }
        emit IMarginEngine.Configured(what, id, word);
    }

    /// @dev Where a word lies that is a parameter in all its bits.
    function _place(Ledger.State storage s, uint256 what, uint256 id) private view returns (uint256 place) {
        if (what == ASSET) {
            if (id > MAX_ID) revert IMarginEngine.UnknownAsset(id);
            Ledger.Asset storage asset = s.assets[id];
            assembly ("memory-safe") {
                place := asset.slot
            }
        } else if (what == LIMITS) {
            Ledger.Limits storage limits = s.limits[id];
            assembly ("memory-safe") {
                place := limits.slot
            }
        } else if (what == PAIR) {
            Ledger.Pair storage pair = s.pairs[id];
            assembly ("memory-safe") {
                place := pair.slot
            }
        } else if (what == TRADE) {
            Ledger.MarketTrade storage trade = s.markets[id].trade;
            assembly ("memory-safe") {
                place := trade.slot
            }
        } else if (what == RISK_RAMP) {
            Ledger.MarketRamp storage ramp = s.markets[id].ramp;
            assembly ("memory-safe") {
                place := ramp.slot
            }
        } else {
            revert IMarginEngine.UnknownAction(what);
        }
    }

    function _store(uint256 place, uint256 word) private {
        assembly ("memory-safe") {
            sstore(place, word)
        }
    }

    function _wordOf(Ledger.MarketRisk storage risk) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(risk.slot)
        }
    }

    function _writeRisk(Ledger.State storage s, uint256 id, uint256 word) private {
        if (id > MAX_ID) revert IMarginEngine.UnknownMarket(id);
        Ledger.MarketRisk storage risk = s.markets[id].risk;
        // Of a market that closes only a ramp may end.
        if (risk.flags & ConfigWords.CLOSING != 0 && (word ^ _wordOf(risk)) & ~(ConfigWords.RAMPING << 232) != 0) {
            revert IMarginEngine.MarketClosed(id, s.markets[id].closing.finalPrice);
        }
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

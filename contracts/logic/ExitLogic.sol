// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IOracleRouter} from "../../interfaces/IOracleRouter.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {PositionBook} from "../PositionBook.sol";
import {PriceAnchor} from "../libraries/PriceAnchor.sol";
import {PriceWord} from "../libraries/PriceWord.sol";

/// @title Whether lenders may leave: not while a loss may exist that nobody has recognised yet
/// @notice A fall makes borrowers bankrupt before anyone has liquidated them. Who sees it first must not leave the loss to the lenders who
/// look later, so exits wait until no price has moved by more than its MM rate for the length of the recognition window. Held
/// balances, deposits, repayments and liquidations never come here, nor do lenders of an asset of which nothing is owed.
/// @dev Linked library over the engine's storage. Anchors as in LiquidityPool, one per collateral asset and, for the quote asset, whose
/// lenders come last in the waterfall of perps, one per market that has open interest (from MARKETS on).
library ExitLogic {
    using PriceAnchor for PriceAnchor.Anchor;

    uint256 internal constant WINDOW = 1 hours;
    /// @dev Nobody looked for longer than this: what happened since is unknown, and counts as a move.
    uint256 internal constant SILENCE = 2 hours;
    /// @dev A feed that has been dead for so long hides no fresh loss any more, and does not keep lenders for ever.
    uint256 internal constant OUTAGE = 1 days;
    uint256 private constant MARKETS = 64;

    /// @dev What is watched: the key of its anchor, its feed, the move that counts (bps), the age of a price that is too old.
    struct Watch {
        uint256 count;
        uint256[] keys;
        uint256[] feeds;
        uint256[] rates;
        uint256[] ages;
    }

    /// @notice Looks at all prices, and keeps what was seen. Anyone, as often as he likes.
    function observe(Ledger.State storage s, IOracleRouter router) external {
        Watch memory w = _watched(s, true);
        uint256[] memory words = router.read(w.feeds);
        for (uint256 i; i < w.count; ++i) {
            if (!MarginCheck.isGood(words[i], w.ages[i])) continue;
            PriceAnchor.Anchor memory seen = _next(s.anchors[w.keys[i]], words[i], w.rates[i]);
            if (seen.at != block.timestamp) continue;
            s.anchors[w.keys[i]] = seen;
            emit IMarginEngine.ExitAnchor(w.keys[i], seen.price, seen.movedAt == block.timestamp);
        }
    }

    /// @notice Refuses the exit of a lender of `asset` while it has to wait.
    function requireQuiet(Ledger.State storage s, IOracleRouter router, uint256 asset) external view {
        if (!quiet(s, router, asset)) revert IMarginEngine.ExitWaits(asset);
    }

    /// @notice Whether the lenders of `asset` may leave now.
    function quiet(Ledger.State storage s, IOracleRouter router, uint256 asset) public view returns (bool) {
        Watch memory w = _watched(s, asset == Ledger.QUOTE);
        if (s.debts[asset].shares == 0 && (asset != Ledger.QUOTE || !_exposed(w))) return true;
        uint256[] memory words = router.read(w.feeds);
        for (uint256 i; i < w.count; ++i) {
            PriceAnchor.Anchor memory seen = s.anchors[w.keys[i]];
            if (!MarginCheck.isGood(words[i], w.ages[i])) {
                if (PriceWord.age(words[i]) > OUTAGE) continue;
                return false;
            }
            seen = _next(seen, words[i], w.rates[i]);
            if (!seen.isQuiet(WINDOW, block.timestamp)) return false;
        }
        return true;
    }

    function _next(PriceAnchor.Anchor memory anchor, uint256 word, uint256 rate)
        private
        view
        returns (PriceAnchor.Anchor memory)
    {
        return anchor.next(PriceWord.value(word), rate, WINDOW, SILENCE, block.timestamp);
    }

    function _exposed(Watch memory w) private pure returns (bool) {
        return w.count != 0 && w.keys[w.count - 1] >= MARKETS;
    }

    /// @dev Collateral first, markets last. Assets are listed without gaps, and none has an empty word.
    function _watched(Ledger.State storage s, bool markets) private view returns (Watch memory w) {
        (w.keys, w.feeds) = (new uint256[](128), new uint256[](128));
        (w.rates, w.ages) = (new uint256[](128), new uint256[](128));
        for (uint256 asset = 1; asset < MARKETS; ++asset) {
            Ledger.Asset memory listed = s.assets[asset];
            if (listed.maxAge == 0) break;
            _add(w, asset, listed.feed, listed.haircutMm, listed.maxAge);
        }
        uint256 bitmap = markets ? s.listedMarkets : 0;
        while (bitmap != 0) {
            uint256 market = LibBit.ffs(bitmap);
            bitmap &= bitmap - 1;
            if (PositionBook.openInterestOf(s.markets[market].state) == 0) continue;
            Ledger.MarketRisk memory risk = s.markets[market].risk;
            _add(w, MARKETS + market, risk.feed, risk.mmRate1, risk.maxAge);
        }
        (uint256[] memory feeds, uint256 count) = (w.feeds, w.count);
        assembly ("memory-safe") {
            mstore(feeds, count)
        }
    }

    function _add(Watch memory w, uint256 key, uint256 feed, uint256 rate, uint256 maxAge) private pure {
        uint256 i = w.count++;
        (w.keys[i], w.feeds[i], w.rates[i], w.ages[i]) = (key, feed, rate, maxAge);
    }
}

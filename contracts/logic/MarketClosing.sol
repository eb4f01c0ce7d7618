// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCastLib} from "solady/utils/SafeCastLib.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {Ledger} from "../Ledger.sol";
import {MarginCheck} from "../MarginCheck.sol";
import {MarketBook} from "../MarketBook.sol";
import {ConfigWords} from "../libraries/ConfigWords.sol";
import {PriceWord} from "../libraries/PriceWord.sol";

/// @title The end of a market: a time-weighted final price, at which anyone settles anyone
/// @notice From `close` on positions are only reduced, at the feed's price, while anyone observes it. When enough of the window is
/// covered by good prices their mean is final: funding stops, nobody trades, `Settle` closes positions at it.
/// @dev Linked library over the engine's storage.
library MarketClosing {
    using SafeCastLib for uint256;

    uint256 internal constant WINDOW = 1 hours;
    /// @dev What of the window good prices must cover; it goes on until they do.
    uint256 internal constant COVERAGE = 45 minutes;
    /// @dev A price stands for at most so long: whoever comes late decides about no more.
    uint256 internal constant MAX_STEP = 5 minutes;

    function close(Ledger.State storage s, Ledger.Env memory env, uint256 id) external {
        MarketBook.Book memory b = MarketBook.open(s, env, id);
        Ledger.MarketClosing storage closing = s.markets[id].closing;
        if (closing.openedAt != 0) revert IMarginEngine.MarketClosed(id, closing.finalPrice);
        MarketBook.save(s, b);
        s.markets[id].risk.flags = uint8(b.risk.flags | ConfigWords.CLOSING);
        (closing.openedAt, closing.observedAt) = (uint32(block.timestamp), uint32(block.timestamp));
        emit IMarginEngine.MarketClosingOpened(id, block.timestamp + WINDOW);
    }

    /// @notice Counts the feed's price for the time since the last look, and makes the mean final when the window is over.
    function observe(Ledger.State storage s, Ledger.Env memory env, uint256 id) external {
        Ledger.MarketClosing memory closing = s.markets[id].closing;
        if (closing.openedAt == 0 || closing.finalPrice != 0) {
            revert IMarginEngine.MarketNotClosing(id, closing.finalPrice);
        }
        MarketBook.Book memory b = MarketBook.open(s, env, id);
        if (!MarginCheck.isGood(b.word, b.risk.maxAge)) {
            revert IMarginEngine.PriceUnusable(b.risk.feed, PriceWord.age(b.word), PriceWord.status(b.word));
        }
        uint256 step = block.timestamp - closing.observedAt;
        if (step > MAX_STEP) step = MAX_STEP;
        closing.covered = uint24(closing.covered + step);
        closing.weighted = (closing.weighted + b.price * step).toUint96();
        closing.observedAt = uint32(block.timestamp);
        emit IMarginEngine.ClosingObserved(id, b.price, closing.covered);
        bool done = block.timestamp >= closing.openedAt + WINDOW && closing.covered >= COVERAGE;
        if (done) _finish(s, b, closing);
        MarketBook.save(s, b);
        s.markets[id].closing = closing;
    }

    /// @dev Funding has been accrued to here, and its rate stays zero: the index stands as the price does.
    function _finish(Ledger.State storage s, MarketBook.Book memory b, Ledger.MarketClosing memory closing) private {
        b.price = closing.weighted / closing.covered;
        closing.finalPrice = uint72(b.price);
        closing.weighted = 0;
        b.state.fundingRate = 0;
        Ledger.MarketRisk storage risk = s.markets[b.id].risk;
        (risk.fundingVelocity, risk.maxFundingRate) = (0, 0);
        emit IMarginEngine.MarketAccrued(b.id, b.state.fundingIndex, 0);
        emit IMarginEngine.MarketFinal(b.id, b.price);
    }
}

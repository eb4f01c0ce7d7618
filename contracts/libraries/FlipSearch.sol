// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {FixedMath} from "./FixedMath.sol";
import {PriceWord} from "./PriceWord.sol";

/// @title The prices of one feed at which an account begins, or ceases, to be liquidatable
/// @notice Asks the engine's own assessment, so it is exact to the tick whatever the account holds.
/// @dev Equity is linear in a price and the requirement convex (haircuts, tiers, floor), so what is over the requirement is concave: an
/// account is safe between two prices and nowhere else. One sign change per side is all there can be, or none; an account
/// that is not safe is safe on one side at most, around the peak. Python twin: plimsoll/margin/flip_search.py.
library FlipSearch {
    /// @notice No such price above. Below: zero.
    uint256 internal constant NEVER = type(uint256).max;

    /// @dev Of every three steps two cut where the chord does, which is exact on a straight line, and one halves.
    uint256 private constant _HALVE_EVERY = 3;

    /// @dev excess: equity − MM. lost: liquidatable or bankrupt.
    struct Point {
        uint256 price;
        int256 excess;
        bool lost;
    }

    struct Subject {
        IMarginEngine engine;
        bytes32 account;
        uint256 feed;
    }

    /// @notice The nearest prices on both sides of `price` at which the account is not what it is at `price`: liquidatable, or not.
    function nearest(Subject memory subject, uint256 price)
        internal
        view
        returns (bool lost, uint256 below, uint256 above)
    {
        Point memory here = at(subject, price);
        lost = here.lost;
        above = NEVER;
        if (price > 1) {
            Point memory other = lost ? _peak(subject, here, 1) : at(subject, 1);
            if (other.lost != lost) below = _between(subject, other, here).price;
        }
        if (price < PriceWord.MAX_VALUE) {
            Point memory other = lost ? _peak(subject, here, PriceWord.MAX_VALUE) : at(subject, PriceWord.MAX_VALUE);
            if (other.lost != lost) above = _between(subject, other, here).price;
        }
    }

    /// @notice The account at another price of the feed.
    function at(Subject memory subject, uint256 price) internal view returns (Point memory) {
        IMarginEngine.FeedPrice[] memory prices = new IMarginEngine.FeedPrice[](1);
        prices[0] = IMarginEngine.FeedPrice(subject.feed, price);
        (IMarginEngine.Assessment memory a, IMarginEngine.AccountState state) =
            subject.engine.assessAt(subject.account, prices);
        return Point(price, a.equity - int256(a.mm), state >= IMarginEngine.AccountState.LIQUIDATABLE);
    }

    /// @dev The last price on the way from `near` to `far` at which the account still is as at `far`: next to one where it is as at
    /// `near`.
    function _between(Subject memory subject, Point memory far, Point memory near) private view returns (Point memory) {
        for (uint256 step = 1; _distance(far.price, near.price) > 1; ++step) {
            Point memory middle = at(subject, _cut(far, near, step % _HALVE_EVERY == 0));
            if (middle.lost == far.lost) far = middle;
            else near = middle;
        }
        return far;
    }

    /// @dev A price strictly between the two.
    function _cut(Point memory far, Point memory near, bool halve) private pure returns (uint256) {
        uint256 distance = _distance(far.price, near.price);
        uint256 part = distance / 2;
        if (!halve) {
            (uint256 a, uint256 b) = (FixedMath.abs(far.excess), FixedMath.abs(near.excess));
            if (a + b != 0) part = FixedPointMathLib.fullMulDiv(distance, a, a + b);
        }
        if (part == 0) part = 1;
        if (part >= distance) part = distance - 1;
        return far.price < near.price ? far.price + part : far.price - part;
    }

    /// @dev A price between `here`, where the account is lost, and `end` at which it is not; where the excess is highest if there is none.
    /// Follows the slope: it rises towards the peak of a concave function and nowhere else.
    function _peak(Subject memory subject, Point memory here, uint256 end) private view returns (Point memory best) {
        uint256 near = here.price;
        best = _next(subject, here, near, end);
        if (!best.lost || best.excess <= here.excess) return best;
        while (_distance(near, end) > 1) {
            uint256 middle = (near + end) / 2;
            best = at(subject, middle);
            if (!best.lost) return best;
            Point memory beyond = _next(subject, best, middle, end);
            if (!beyond.lost) return beyond;
            if (beyond.excess > best.excess) near = middle;
            else end = middle;
        }
    }

    /// @dev One tick further towards `end`.
    function _next(Subject memory subject, Point memory here, uint256 price, uint256 end)
        private
        view
        returns (Point memory)
    {
        if (price == end) return here;
        return at(subject, price < end ? price + 1 : price - 1);
    }

    function _distance(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : b - a;
    }
}

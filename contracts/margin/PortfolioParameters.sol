// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedMath} from "../libraries/FixedMath.sol";

/// @title The parameters of a portfolio model: one row of words, and what they may be
/// @dev Python twin: plimsoll/margin/portfolio_parameters.py. Fields from the lowest bits; a word of `triple`s holds three of 80 bits,
/// WAD unless said, signed where said. Twelve words for all:
///  0. underlyings (8) · scenarios (8) · rho (24, ppm) · pnlShare (16, bps) · settlementWindow (24, s) · flags (8) · doubtUnit (64, bit 96: WAD that
///     one unit of a price's or a surface's confidence is; 1e12 for ppm)
///  1. imFactor · mmFactor · pegThreshold          2. pegFactor · confidenceThreshold · confidenceMargin
///  3. mmFloor (128) · imFloor (128), quote WAD
///  4. to 11. a byte per feed, feed 0 in the highest: underlying + 1 (6 bits) · 0x40 assets of this feed cancel its risk
/// Then, per underlying, twelve words and its scenarios:
///  0. volUp · volDown · minVol                    1. shortPower · longPower · dteFloor (s)
///  2. minKStar · width · volStatic                3. volScale (signed) · linearCap · linearBase (signed)
///  4. absCap · absBase (signed) · feed            5. longDiscount · longMult · longAdd
///  6. shortDiscount · shortMult · shortAdd        7. basisUp · basisDown · basisAdd
///  8. basisMult · mmPerp · imPerp                 9. mmOption · imOption · tierRate1
///  10. tierBound1 · tierBound2 (whole quote) · tierRate2
///  11. ln basisUp · ln basisDown (Q64) · bitmap of the volatilities that its scenarios use (8): left zero, filled in here
/// A scenario: spot (64, WAD) · damping (64, WAD) · kind (8) · and, left zero and filled in here, ln spot (80, signed Q64) · what it has the
/// value of without an evaluation of its own (8): 1 the mark, 2 and 3 the basis shocks up and down.
library PortfolioParameters {
    error ParametersMissing(uint256 words, uint256 expected);
    error UnderlyingsOutOfRange(uint256 underlyings);
    error ScenariosOutOfRange(uint256 scenarios);
    error NettingOutOfRange(uint256 rho);
    error ProfitShareOutOfRange(uint256 pnlShare);
    error SettlementWindowUnsafe(uint256 settlementWindow);
    error LossFactorsUnordered(uint256 mmFactor, uint256 imFactor);
    error DepegOutOfRange(uint256 threshold, uint256 factor);
    error ConfidenceOutOfRange(uint256 threshold, uint256 margin);
    error DoubtUnitOutOfRange(uint256 unit);
    error ModelFloorsUnordered(uint256 mmFloor, uint256 imFloor);
    error FeedWithoutUnderlying(uint256 feed, uint256 underlying);
    error UnderlyingsUnordered(uint256 feed, uint256 previous);
    error VolatilityShockOutOfRange(uint256 underlying, uint256 field, uint256 value);
    error SkewOutOfRange(uint256 underlying, uint256 field, int256 value);
    error DiscountsUnordered(uint256 underlying, uint256 long, uint256 short);
    error RatesOutOfRange(uint256 underlying, uint256 field, uint256 value);
    error BasisShocksUnordered(uint256 underlying, uint256 down, uint256 up);
    error ContingencyOutOfRange(uint256 underlying, uint256 field, uint256 value);
    error TiersNotConvex(uint256 underlying, uint256 bound1, uint256 bound2);
    error SpotShockOutOfRange(uint256 underlying, uint256 scenario, uint256 spot);
    error DampingOutOfRange(uint256 underlying, uint256 scenario, uint256 damping);
    error ScenarioKindUnknown(uint256 underlying, uint256 scenario, uint256 kind);
    error SkewWithSpotShock(uint256 underlying, uint256 scenario, uint256 spot);
    error DerivedGiven(uint256 word);

    uint256 internal constant HEAD = 12;
    uint256 internal constant BODY = 12;
    uint256 internal constant MAX_UNDERLYINGS = 32;
    uint256 internal constant MAX_SCENARIOS = 40;
    /// @notice Flags: requirements also of accounts that owe nothing; bounds wide enough for published cases.
    uint256 internal constant RESERVE_ALWAYS = 1;
    uint256 internal constant LENIENT = 2;

    /// @notice Kinds of a scenario, the first five also kinds of volatility in a strip's records. A skew moves no spot; a joint one
    /// does, and its loss is that of the spot plus the skew's whichever way it turns.
    uint256 internal constant NONE = 0;
    uint256 internal constant UP = 1;
    uint256 internal constant DOWN = 2;
    uint256 internal constant LINEAR = 3;
    uint256 internal constant ABSOLUTE = 4;
    uint256 internal constant JOINT_LINEAR = 5;
    uint256 internal constant JOINT_ABSOLUTE = 6;

    uint256 private constant _WAD = 1e18;
    uint256 private constant _PPM = 1e12;

    /// @notice Field `n` of a word of triples.
    function triple(uint256 word, uint256 n) internal pure returns (uint256) {
        return word >> 80 * n & type(uint80).max;
    }

    function signedTriple(uint256 word, uint256 n) internal pure returns (int256) {
        return int80(uint80(word >> 80 * n));
    }

    /// @notice Checks all words and fills in what follows from them, by the logarithm that strips use.
    function finish(uint256[] memory words, function(uint256) pure returns (int256) ln) internal pure {
        if (words.length < HEAD) revert ParametersMissing(words.length, HEAD);
        uint256 underlyings = words[0] & 0xff;
        uint256 scenarios = words[0] >> 8 & 0xff;
        if (underlyings == 0 || underlyings > MAX_UNDERLYINGS) revert UnderlyingsOutOfRange(underlyings);
        if (scenarios == 0 || scenarios > MAX_SCENARIOS) revert ScenariosOutOfRange(scenarios);
        uint256 expected = HEAD + underlyings * (BODY + scenarios);
        if (words.length != expected) revert ParametersMissing(words.length, expected);
        bool strict = words[0] >> 80 & LENIENT == 0;
        _head(words, strict);
        uint256 previous;
        for (uint256 u; u < underlyings; ++u) {
            uint256 at = HEAD + u * (BODY + scenarios);
            uint256 feed = triple(words[at + 4], 2);
            if (u != 0 && feed <= previous) revert UnderlyingsUnordered(feed, previous);
            if (feed > 255 || _claimant(words, feed) != u + 1) revert FeedWithoutUnderlying(feed, u);
            previous = feed;
            _volatility(words, at, u, strict);
            _margin(words, at, u, strict);
            words[at + 11] = _scenarios(words, at, u, scenarios, strict, ln);
        }
    }

    function _claimant(uint256[] memory words, uint256 feed) private pure returns (uint256) {
        return words[4 + (feed >> 5)] >> 248 - 8 * (feed & 31) & 0x3f;
    }

    function _head(uint256[] memory words, bool strict) private pure {
        uint256 rho = words[0] >> 16 & 0xffffff;
        uint256 share = words[0] >> 40 & 0xffff;
        if (rho > FixedMath.PPM) revert NettingOutOfRange(rho);
        if (share > FixedMath.BPS) revert ProfitShareOutOfRange(share);
        // It fades by the clock, whether or not anybody observed the settlement's mean; what fades with that is another flag (O-09, O-10).
        uint256 window = words[0] >> 56 & 0xffffff;
        if (strict && window != 0) revert SettlementWindowUnsafe(window);
        (uint256 im, uint256 mm, uint256 peg) = (triple(words[1], 0), triple(words[1], 1), triple(words[1], 2));
        if (mm == 0 || im < mm || im > 10 * _WAD) revert LossFactorsUnordered(mm, im);
        uint256 factor = triple(words[2], 0);
        if (peg > (strict ? _WAD : 100 * _WAD) || factor > 10 * _WAD) revert DepegOutOfRange(peg, factor);
        (uint256 threshold, uint256 margin) = (triple(words[2], 1), triple(words[2], 2));
        if (threshold > _WAD || margin > 20 * _WAD) revert ConfidenceOutOfRange(threshold, margin);
        uint256 unit = words[0] >> 96 & type(uint64).max;
        if (strict ? unit != _PPM : unit == 0 || unit > _PPM) revert DoubtUnitOutOfRange(unit);
        (uint256 mmFloor, uint256 imFloor) = (words[3] & type(uint128).max, words[3] >> 128);
        if (strict ? mmFloor == 0 || imFloor <= mmFloor : imFloor < mmFloor) {
            revert ModelFloorsUnordered(mmFloor, imFloor);
        }
        uint256 underlyings = words[0] & 0xff;
        for (uint256 feed; feed < 256; ++feed) {
            uint256 claimant = _claimant(words, feed);
            if (claimant > underlyings) revert FeedWithoutUnderlying(feed, claimant - 1);
        }
    }

    function _volatility(uint256[] memory words, uint256 at, uint256 u, bool strict) private pure {
        for (uint256 i; i < 3; ++i) {
            uint256 value = triple(words[at], i);
            if (value > (i == 2 ? 20 : 10) * _WAD) revert VolatilityShockOutOfRange(u, i, value);
            value = triple(words[at + 1], i);
            if (value > (i == 2 ? 400 days : 10 * _WAD)) revert VolatilityShockOutOfRange(u, 3 + i, value);
            value = triple(words[at + 2], i);
            if (value > 10 * _WAD) revert SkewOutOfRange(u, i, int256(value));
        }
        // A downward shock of more than all volatility, or one that grows without bound toward expiry, is a mistake.
        uint256 down = triple(words[at], 1);
        if (strict && down > _WAD) revert VolatilityShockOutOfRange(u, 1, down);
        int256 limit = 20 * int256(_WAD);
        int256[5] memory fields = [
            signedTriple(words[at + 3], 0),
            int256(triple(words[at + 3], 1)),
            signedTriple(words[at + 3], 2),
            int256(triple(words[at + 4], 0)),
            signedTriple(words[at + 4], 1)
        ];
        for (uint256 i; i < 5; ++i) {
            if (fields[i] > limit || fields[i] < -limit) revert SkewOutOfRange(u, 3 + i, fields[i]);
        }
        // A skew that raises one wing by more than the volatility itself turns the other below zero.
        if (strict && fields[1] > int256(_WAD)) revert SkewOutOfRange(u, 4, fields[1]);
        if (strict && fields[3] > int256(_WAD)) revert SkewOutOfRange(u, 6, fields[3]);
    }

    function _margin(uint256[] memory words, uint256 at, uint256 u, bool strict) private pure {
        (uint256 long, uint256 short) = (triple(words[at + 5], 0), triple(words[at + 6], 0));
        bool unordered = strict ? long > _WAD || short < _WAD : long > 4 * _WAD || short > 4 * _WAD;
        if (unordered || long == 0) revert DiscountsUnordered(u, long, short);
        for (uint256 i = 1; i < 3; ++i) {
            if (triple(words[at + 5], i) > 10 * _WAD) revert RatesOutOfRange(u, i, triple(words[at + 5], i));
            if (triple(words[at + 6], i) > 10 * _WAD) revert RatesOutOfRange(u, 2 + i, triple(words[at + 6], i));
        }
        (uint256 up, uint256 down) = (triple(words[at + 7], 0), triple(words[at + 7], 1));
        if (down == 0 || down >= _WAD || up <= _WAD || up > 3 * _WAD) revert BasisShocksUnordered(u, down, up);
        _contingencies(words, at, u);
        (uint256 bound1, uint256 bound2) = (triple(words[at + 10], 0), triple(words[at + 10], 1));
        if (bound2 < bound1) revert TiersNotConvex(u, bound1, bound2);
    }

    function _contingencies(uint256[] memory words, uint256 at, uint256 u) private pure {
        uint256[8] memory fields = [
            triple(words[at + 7], 2),
            triple(words[at + 8], 0),
            triple(words[at + 8], 1),
            triple(words[at + 8], 2),
            triple(words[at + 9], 0),
            triple(words[at + 9], 1),
            triple(words[at + 9], 2),
            triple(words[at + 10], 2)
        ];
        for (uint256 i; i < 8; ++i) {
            uint256 most = i < 2 ? 20 * _WAD : i < 4 ? 3 * _WAD : i < 6 ? 2 * _WAD : _WAD;
            if (fields[i] > most) revert ContingencyOutOfRange(u, i, fields[i]);
        }
    }

    /// @return derived Word 11.
    function _scenarios(
        uint256[] memory words,
        uint256 at,
        uint256 u,
        uint256 count,
        bool strict,
        function(uint256) pure returns (int256) ln
    ) private pure returns (uint256 derived) {
        if (words[at + 11] != 0) revert DerivedGiven(at + 11);
        (uint256 up, uint256 down) = (triple(words[at + 7], 0), triple(words[at + 7], 1));
        uint256 kinds = 1;
        for (uint256 k; k < count; ++k) {
            uint256 word = words[at + BODY + k];
            (uint256 spot, uint256 kind) = (word & type(uint64).max, word >> 128 & 0xff);
            if (word >> 136 != 0) revert DerivedGiven(at + BODY + k);
            if (spot == 0 || spot > 10 * _WAD) revert SpotShockOutOfRange(u, k, spot);
            uint256 damping = word >> 64 & type(uint64).max;
            if (damping > (strict ? _WAD : 10 * _WAD)) revert DampingOutOfRange(u, k, damping);
            if (kind > JOINT_ABSOLUTE) revert ScenarioKindUnknown(u, k, kind);
            if ((kind == LINEAR || kind == ABSOLUTE) && spot != _WAD) revert SkewWithSpotShock(u, k, spot);
            kinds |= 1 << volKind(kind);
            word |= uint256(uint80(int80(ln(spot)))) << 136;
            uint256 known = spot == _WAD ? 1 : spot == up ? 2 : spot == down ? 3 : 0;
            words[at + BODY + k] = kind == NONE ? word | known << 216 : word;
        }
        derived = uint256(uint80(int80(ln(up)))) | uint256(uint80(int80(ln(down)))) << 80 | kinds << 160;
    }

    /// @notice Which of a record's volatilities a scenario of this kind takes.
    function volKind(uint256 kind) internal pure returns (uint256) {
        unchecked {
            return kind < JOINT_LINEAR ? kind : kind - 2;
        }
    }
}

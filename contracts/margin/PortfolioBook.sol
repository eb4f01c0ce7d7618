// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";

import {Words} from "../libraries/Words.sol";
import {PortfolioParameters as P} from "./PortfolioParameters.sol";

/// @title What one check of a portfolio account has in hand: its parameters and its underlyings
/// @dev Part of PortfolioMargin; Python twin: plimsoll/margin/portfolio_book.py.
library PortfolioBook {
    /// @dev params: pointer to the underlying's words, zero until something of the account has it. spot: 1e-10, zero while unknown. spotDoubt, doubt:
    /// WAD, the second with that of perps. linear: quote WAD that moves with the spot. size: Σ |quantity| × spot, quote WAD.
    /// mask: the scenarios to evaluate, one bit each, the basis last. kinds: bitmap of what these need. pnl: pointer to a word per bit.
    struct Group {
        uint256 params;
        uint256 spot;
        uint256 spotDoubt;
        uint256 doubt;
        uint256 multIm;
        uint256 multMm;
        int256 linear;
        uint256 size;
        uint256 mask;
        uint256 kinds;
        uint256 pnl;
    }

    /// @dev head: pointer to the words for all. im, im0, mm: what is required beside the span, quote WAD. profit: perp PnL. exposed: it owes
    /// something, or may.
    struct Book {
        address source;
        uint256 head;
        uint256 scenarios;
        uint256 witness;
        uint256 witnessLength;
        Group[] groups;
        int256 equity;
        int256 profit;
        uint256 notional;
        uint256 im;
        uint256 im0;
        uint256 mm;
        bool exposed;
    }

    uint256 internal constant ONE = 1 << 14;
    int256 internal constant WAD = 1e18;
    uint256 private constant _FINE = 16;

    function open(address source, bytes calldata witness) internal view returns (Book memory b) {
        b.source = source;
        b.head = _copy(source, 0, P.HEAD);
        uint256 word = Words.get(b.head);
        b.scenarios = word >> 8 & 0xff;
        (b.witness, b.witnessLength) = _place(witness);
        b.groups = new Group[]((word & 0xff) + 1);
    }

    /// @notice Field `n` of the global word `i`.
    function global(Book memory b, uint256 i, uint256 n) internal pure returns (uint256) {
        unchecked {
            return P.triple(Words.get(b.head + 32 * i), n);
        }
    }

    function field(Group memory g, uint256 i, uint256 n) internal pure returns (uint256) {
        unchecked {
            return P.triple(Words.get(g.params + 32 * i), n);
        }
    }

    function signedField(Group memory g, uint256 i, uint256 n) internal pure returns (int256) {
        unchecked {
            return P.signedTriple(Words.get(g.params + 32 * i), n);
        }
    }

    function scenario(Group memory g, uint256 k) internal pure returns (uint256) {
        unchecked {
            return Words.get(g.params + 32 * (P.BODY + k));
        }
    }

    /// @notice The byte of a feed: underlying + 1 in the low six bits, and 0x40.
    function claim(Book memory b, uint256 feed) internal pure returns (uint256 entry) {
        uint256 head = b.head;
        assembly ("memory-safe") {
            entry := byte(0, mload(add(add(head, 128), feed)))
        }
    }

    /// @notice The underlying of a market's feed. Those that no underlying claims, which a listing must prevent, are one of their own
    /// with the first one's parameters, so that they cannot hedge what is claimed.
    function indexOf(Book memory b, uint256 feed) internal view returns (uint256 u) {
        unchecked {
            u = claim(b, feed) & 0x3f;
            u = u == 0 ? b.groups.length - 1 : u - 1;
            touch(b, u);
        }
    }

    /// @notice Opens an underlying that was not yet. Its struct is then read from `b.groups`: one that a function returned would be
    /// made anew, with zeros, each time.
    function touch(Book memory b, uint256 u) internal view {
        Group memory g = b.groups[u];
        if (g.params != 0) return;
        unchecked {
            uint256 words = P.BODY + b.scenarios;
            g.params = _copy(b.source, P.HEAD + (u + 1 == b.groups.length ? 0 : u) * words, words);
            g.pnl = Words.first(new uint256[](b.scenarios + 1));
            (g.multIm, g.multMm) = (ONE, ONE);
            g.mask = _mask(b, u);
            g.kinds = _kinds(b, g);
        }
    }

    /// @dev A witness is one byte for the joint term, then one per underlying in the order of the parameters: a place that nothing an
    /// account's owner does can move.
    function _mask(Book memory b, uint256 u) private pure returns (uint256 mask) {
        if (b.witnessLength == 0) return (2 << b.scenarios) - 1;
        mask = _bit(b, u + 1);
        if (Words.get(b.head) >> 16 & 0xffffff != 0) mask |= _bit(b, 0);
    }

    /// @notice The scenario that a witness names at `place`, as a bit; none when it names none.
    function _bit(Book memory b, uint256 place) private pure returns (uint256) {
        if (place >= b.witnessLength) return 0;
        uint256 at = b.witness + place;
        uint256 named;
        assembly ("memory-safe") {
            named := byte(0, calldataload(at))
        }
        return named > b.scenarios ? 0 : 1 << named;
    }

    /// @notice What the joint term is taken over.
    function jointMask(Book memory b) internal pure returns (uint256) {
        return b.witnessLength == 0 ? (2 << b.scenarios) - 1 : _bit(b, 0);
    }

    function _kinds(Book memory b, Group memory g) private pure returns (uint256 kinds) {
        unchecked {
            kinds = Words.get(g.params + 352) >> 160 & 0xff;
            if (b.witnessLength == 0) return kinds;
            kinds = 1;
            // One or two: what a witness names, but for the basis.
            for (uint256 mask = g.mask & (1 << b.scenarios) - 1; mask != 0; mask &= mask - 1) {
                kinds |= 1 << P.volKind(scenario(g, LibBit.ffs(mask)) >> 128 & 0xff);
            }
        }
    }

    /// @notice Doubt in WAD from its two fields.
    function doubtOf(Book memory b, uint256 units, uint256 fine) internal pure returns (uint256 doubt) {
        unchecked {
            doubt = (units << _FINE | fine) * (Words.get(b.head) >> 96 & type(uint64).max) >> _FINE;
            if (doubt > uint256(WAD)) doubt = uint256(WAD);
        }
    }

    /// @notice What doubtful prices cost an initial margin: nothing below the threshold.
    function doubtful(Book memory b, uint256 doubt, uint256 value) internal pure returns (uint256) {
        unchecked {
            if (doubt + global(b, 2, 1) <= uint256(WAD)) return 0;
            return up(up(doubt, global(b, 2, 2)), value);
        }
    }

    /// @notice x·y in WAD, rounded up; both below 2^128.
    function up(uint256 x, uint256 y) internal pure returns (uint256) {
        unchecked {
            return (x * y + uint256(WAD) - 1) / uint256(WAD);
        }
    }

    /// @notice x·y in WAD, toward −∞.
    function down(int256 x, int256 y) internal pure returns (int256 z) {
        assembly ("memory-safe") {
            let product := mul(x, y)
            z := sub(sdiv(product, 1000000000000000000), slt(smod(product, 1000000000000000000), 0))
        }
    }

    function _place(bytes calldata data) private pure returns (uint256 at, uint256 length) {
        assembly ("memory-safe") {
            at := data.offset
            length := data.length
        }
    }

    /// @dev `count` words of the parameters, from the `from`-th: the data contract begins with a STOP.
    function _copy(address source, uint256 from, uint256 count) private view returns (uint256 at) {
        assembly ("memory-safe") {
            at := mload(64)
            mstore(64, add(at, shl(5, count)))
            extcodecopy(source, at, add(1, shl(5, from)), shl(5, count))
        }
    }
}

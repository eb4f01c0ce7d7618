// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SSTORE2} from "solady/utils/SSTORE2.sol";

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IOptionModel} from "../../interfaces/IOptionModel.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {Words} from "../libraries/Words.sol";
import {OptionStrips} from "./OptionStrips.sol";
import {PortfolioBook as B} from "./PortfolioBook.sol";
import {PortfolioParameters as P} from "./PortfolioParameters.sol";

/// @title Margin by scenarios, for portfolio accounts
/// @notice The worst of a list of scenarios of spot, volatility and skew, and contingencies. Stateless: what it needs is handed to it.
/// @dev Python twin: plimsoll/margin/portfolio_margin.py. With L(u, k) the loss of underlying u in scenario k, basis shocks being the last one,
/// span = (1 − ρ)·Σ_u max_k L + ρ·max_k Σ_u L; MM = mmFactor·span + contingencies, IM likewise with more of each.
/// It reverts for no account: fields are bounded by their words, and what a bounded field may do is clamped.
contract PortfolioMargin is IOptionModel {
    /// @notice Data contract with the words of PortfolioParameters.
    address public immutable PARAMETERS;
    address public immutable TABLE;
    uint256 public immutable MM_FLOOR;
    uint256 public immutable IM_FLOOR;
    /// @notice Share of net unrealised perp profit that supports initial margin and withdrawals, bps.
    uint256 public immutable PNL_SHARE;

    /// @dev Losses and values end here, quote WAD: far beyond any there can be, and low enough that nothing overflows.
    uint256 private constant _LOSS_LIMIT = 1 << 150;
    uint256 private constant _VALUE_LIMIT = 1 << 160;

    /// @param table NormalTable, which strips read.
    /// @param words As in PortfolioParameters, with what is derived left zero.
    constructor(address table, uint256[] memory words) {
        P.finish(words, OptionStrips.ln);
        (MM_FLOOR, IM_FLOOR) = (words[3] & type(uint128).max, words[3] >> 128);
        PNL_SHARE = words[0] >> 40 & 0xffff;
        TABLE = table;
        PARAMETERS = SSTORE2.write(abi.encodePacked(words));
    }

    /// @notice The parameters as they were given and what was derived from them.
    function parameters() external view returns (uint256[] memory words) {
        bytes memory data = SSTORE2.read(PARAMETERS);
        words = new uint256[](data.length / 32);
        for (uint256 i; i < words.length; ++i) {
            words[i] = Words.get(Words.first(data) + 32 * i);
        }
    }

    /// @notice Whether its parameters are within the bounds that a listing asks for.
    function isStrict() external view returns (bool) {
        bytes memory first = SSTORE2.read(PARAMETERS, 0, 32);
        return Words.get(Words.first(first)) >> 80 & P.LENIENT == 0;
    }

    /// @notice Whether some underlying claims markets of this feed: others must not be listed for portfolio accounts.
    function claims(uint256 feed) external view returns (bool) {
        bytes memory entry = SSTORE2.read(PARAMETERS, 128 + feed, 129 + feed);
        return feed < 256 && entry[0] & 0x3f != 0;
    }

    /// @inheritdoc IOptionModel
    function assessOptions(
        uint256[] calldata assets,
        uint256[] calldata tags,
        uint256[] calldata perps,
        uint256[] calldata expiries,
        uint256[] calldata options,
        bytes calldata witness
    ) external view returns (IMarginEngine.Assessment memory) {
        B.Book memory b = B.open(PARAMETERS, witness);
        OptionStrips.spots(b, expiries);
        _spots(b, tags);
        _perps(b, perps);
        _assets(b, assets, tags);
        OptionStrips.run(b, TABLE, expiries, options);
        _groups(b);
        return _sum(b, tags.length == 0 ? 0 : tags[0] >> 40 & type(uint72).max);
    }

    // ---------------------------------------------------------------- what moves with the spot

    /// @dev An asset whose feed is an underlying's own tells its spot, even where nothing else does.
    function _spots(B.Book memory b, uint256[] calldata tags) private view {
        unchecked {
            for (uint256 i; i < tags.length; ++i) {
                uint256 tag = tags[i];
                uint256 u = B.claim(b, tag & 0xff) & 0x3f;
                if (u == 0) continue;
                B.touch(b, u - 1);
                B.Group memory g = b.groups[u - 1];
                if (g.spot != 0 || tag & 0xff != B.field(g, 4, 2)) continue;
                g.spot = tag >> 40 & type(uint72).max;
                g.spotDoubt = B.doubtOf(b, tag >> 8 & 0xffffff, tag >> 112 & 0xffff);
                g.doubt = g.spotDoubt;
            }
        }
    }

    function _perps(B.Book memory b, uint256[] calldata perps) private view {
        unchecked {
            for (uint256 i; i < perps.length; i += 4) {
                uint256 word = perps[i];
                int256 pnl = int256(perps[i + 1]);
                b.equity += pnl;
                b.profit += pnl;
                uint256 notional = word & type(uint136).max;
                if (notional != 0 || pnl < 0) b.exposed = true;
                if (notional == 0) continue;
                b.notional += notional;
                _perp(
                    b, b.groups[B.indexOf(b, perps[i + 2] >> 144 & 0xff)], word, perps[i + 3] >> 144 & type(uint56).max
                );
            }
        }
    }

    /// @dev It moves by its own price; contingencies are measured at the underlying's spot, as far as that is known.
    function _perp(B.Book memory b, B.Group memory g, uint256 word, uint256 size) private pure {
        unchecked {
            uint256 notional = word & type(uint136).max;
            g.linear += word >> 200 & 1 == 1 ? -int256(notional) : int256(notional);
            uint256 multiplier = word >> 136 & 0xffffff;
            if (multiplier > g.multIm) g.multIm = multiplier;
            multiplier = word >> 160 & 0xffffff;
            if (multiplier > g.multMm) g.multMm = multiplier;
            uint256 doubt = B.doubtOf(b, word >> 201 & 0xffffff, word >> 225 & 0xffff);
            if (doubt > g.doubt) g.doubt = doubt;
            if (doubt < g.spotDoubt) doubt = g.spotDoubt;
            if (size != 0 && g.spot != 0) notional = size * g.spot;
            g.size += notional;
            uint256 mm = B.up(notional, B.field(g, 8, 1));
            uint256 more = B.up(notional, B.field(g, 8, 2));
            b.mm += mm;
            b.im0 += mm + more;
            b.im += mm + more + B.doubtful(b, doubt, notional);
        }
    }

    /// @dev A borrowed asset needs margin as much as one that is held, so haircuts are on the size of the net value.
    function _assets(B.Book memory b, uint256[] calldata assets, uint256[] calldata tags) private view {
        unchecked {
            for (uint256 i; i < assets.length; ++i) {
                uint256 word = assets[i];
                int256 value = int256(word) >> 48;
                b.equity += value;
                if (value < 0) b.exposed = true;
                uint256 size = FixedMath.abs(value);
                b.im += _share(size, word >> 32 & 0xffff);
                b.mm += _share(size, word >> 16 & 0xffff);
                b.im0 += _share(size, word & 0xffff);
                if (size > _VALUE_LIMIT) size = _VALUE_LIMIT;
                uint256 tag = tags[i];
                uint256 doubt = B.doubtOf(b, tag >> 8 & 0xffffff, tag >> 112 & 0xffff);
                uint256 entry = B.claim(b, tag & 0xff);
                if (entry & 0x3f != 0) {
                    // No surer than the spot of what it stands for.
                    B.Group memory g = b.groups[B.indexOf(b, tag & 0xff)];
                    if (g.spotDoubt > doubt) doubt = g.spotDoubt;
                    if (entry & 0x40 != 0) g.linear += value < 0 ? -int256(size) : int256(size);
                }
                b.im += B.doubtful(b, doubt, size);
            }
        }
    }

    function _share(uint256 value, uint256 bps) private pure returns (uint256) {
        unchecked {
            return (value * bps + FixedMath.BPS - 1) / FixedMath.BPS;
        }
    }

    // ---------------------------------------------------------------- the span

    /// @dev What each underlying has beside options: what moves with the spot into its scenarios, what its size needs into all three.
    function _groups(B.Book memory b) private pure {
        unchecked {
            for (uint256 u; u < b.groups.length; ++u) {
                B.Group memory g = b.groups[u];
                if (g.params == 0) continue;
                uint256 size = _tiers(g);
                (b.mm, b.im0, b.im) = (b.mm + size, b.im0 + size, b.im + size);
                if (g.linear != 0) _linear(g, b.scenarios);
            }
        }
    }

    /// @dev Written out, as the loops of OptionStrips are.
    function _linear(B.Group memory g, uint256 count) private pure {
        unchecked {
            (uint256 at, uint256 pnl, int256 value) = (g.params + 32 * P.BODY, g.pnl, g.linear);
            uint256 mask = g.mask & (1 << count) - 1;
            assembly ("memory-safe") {
                function down(product) -> z {
                    z := sub(sdiv(product, 1000000000000000000), slt(smod(product, 1000000000000000000), 0))
                }
                for {} mask {
                    mask := shr(1, mask)
                    at := add(at, 32)
                    pnl := add(pnl, 32)
                } {
                    if iszero(and(mask, 1)) { continue }
                    let word := mload(at)
                    let shock := sub(and(word, 0xffffffffffffffff), 1000000000000000000)
                    if iszero(shock) { continue }
                    let gain := down(mul(value, shock))
                    let damping := and(shr(64, word), 0xffffffffffffffff)
                    if sub(damping, 1000000000000000000) { gain := down(mul(gain, damping)) }
                    mstore(pnl, add(mload(pnl), gain))
                }
            }
        }
    }

    /// @dev Convex in the underlying's size: what passes a bound needs more, and what passes the second more still.
    function _tiers(B.Group memory g) private pure returns (uint256 more) {
        unchecked {
            uint256 bound = B.field(g, 10, 0) * FixedMath.WAD;
            if (g.size > bound) more = B.up(g.size - bound, B.field(g, 9, 2));
            bound = B.field(g, 10, 1) * FixedMath.WAD;
            if (g.size > bound) more += B.up(g.size - bound, B.field(g, 10, 2));
        }
    }

    function _sum(B.Book memory b, uint256 quote) private view returns (IMarginEngine.Assessment memory a) {
        (a.equity, a.notional) = (b.equity, b.notional);
        uint256 flags = Words.get(b.head) >> 80 & 0xff;
        if (!b.exposed && flags & P.RESERVE_ALWAYS == 0) return a;
        unchecked {
            uint256 rho = Words.get(b.head) >> 16 & 0xffffff;
            uint256 calm = _span(b, rho, false);
            uint256 wild = _volatile(b) ? _span(b, rho, true) : calm;
            a.mm = b.mm + B.up(calm, B.global(b, 1, 1));
            uint256 factor = B.global(b, 1, 0);
            a.im0 = b.im0 + B.up(calm, factor);
            a.im = b.im + B.up(wild, factor + _depeg(b, quote));
            if (a.mm < MM_FLOOR) a.mm = MM_FLOOR;
            if (a.im0 < IM_FLOOR) a.im0 = IM_FLOOR;
            if (a.im < IM_FLOOR) a.im = IM_FLOOR;
            a.im += _share(FixedMath.positive(b.profit), FixedMath.BPS - PNL_SHARE);
        }
    }

    /// @dev What the quote asset trades below its threshold raises the factor of initial margin alone. Price zero: not known.
    function _depeg(B.Book memory b, uint256 quote) private pure returns (uint256) {
        unchecked {
            quote *= 1e8;
            uint256 threshold = B.global(b, 1, 2);
            return quote == 0 || quote >= threshold ? 0 : B.up(threshold - quote, B.global(b, 2, 0));
        }
    }

    function _volatile(B.Book memory b) private pure returns (bool) {
        unchecked {
            for (uint256 u; u < b.groups.length; ++u) {
                if (b.groups[u].multIm != b.groups[u].multMm) return true;
            }
            return false;
        }
    }

    /// @dev A loss is never below zero: the basis shocks are among the scenarios, and theirs is not. What was not evaluated is zero.
    function _span(B.Book memory b, uint256 rho, bool initial) private pure returns (uint256 span) {
        unchecked {
            for (uint256 u; u < b.groups.length; ++u) {
                B.Group memory g = b.groups[u];
                if (g.params == 0) continue;
                int256 worst = _least(g.pnl, b.scenarios + 1);
                span += (uint256(-worst) * (initial ? g.multIm : g.multMm) + B.ONE - 1) / B.ONE;
            }
            if (rho != 0) {
                uint256 joint = _joint(b, B.jointMask(b), initial);
                span = (span * (FixedMath.PPM - rho) + joint * rho + FixedMath.PPM - 1) / FixedMath.PPM;
            }
            if (span > _LOSS_LIMIT) span = _LOSS_LIMIT;
        }
    }

    /// @dev The least of `count` words and zero.
    function _least(uint256 at, uint256 count) private pure returns (int256 least) {
        assembly ("memory-safe") {
            for { let end := add(at, shl(5, count)) } lt(at, end) { at := add(at, 32) } {
                let word := mload(at)
                if slt(word, least) { least := word }
            }
        }
    }

    /// @dev Scenario by scenario over all underlyings, in units of their multipliers.
    function _joint(B.Book memory b, uint256 mask, bool initial) private pure returns (uint256) {
        unchecked {
            uint256 sums = Words.first(new uint256[](b.scenarios + 1));
            for (uint256 u; u < b.groups.length; ++u) {
                B.Group memory g = b.groups[u];
                if (g.params == 0) continue;
                _accumulate(sums, g.pnl, mask, initial ? g.multIm : g.multMm);
            }
            return uint256(int256(B.ONE) - 1 - _least(sums, b.scenarios + 1)) >> 14;
        }
    }

    function _accumulate(uint256 sums, uint256 pnl, uint256 mask, uint256 factor) private pure {
        assembly ("memory-safe") {
            for {} mask {
                mask := shr(1, mask)
                sums := add(sums, 32)
                pnl := add(pnl, 32)
            } {
                if and(mask, 1) { mstore(sums, add(mload(sums), mul(mload(pnl), factor))) }
            }
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";

/// @title Account ids: owner (20 bytes) · mode (1) · market (2) · index (9)
/// @notice Mode and market are part of the id, so isolation is structural: nothing else can ever enter that account.
library AccountId {
    uint256 internal constant QUOTE = 0;
    /// @dev Set in the market of an account that is isolated to a pair; perp markets are below 64.
    uint256 internal constant PAIR = 0x8000;

    function pack(address owner, IMarginEngine.Mode mode, uint256 market, uint256 index)
        internal
        pure
        returns (bytes32)
    {
        return bytes32(uint256(uint160(owner)) << 96 | uint256(mode) << 88 | market << 72 | index);
    }

    function ownerOf(bytes32 id) internal pure returns (address) {
        return address(uint160(uint256(id) >> 96));
    }

    function modeOf(bytes32 id) internal pure returns (uint256) {
        return uint256(id) >> 88 & 0xff;
    }

    function marketOf(bytes32 id) internal pure returns (uint256) {
        return uint256(id) >> 72 & 0xffff;
    }

    function isIsolated(bytes32 id) internal pure returns (bool) {
        return modeOf(id) == uint256(IMarginEngine.Mode.ISOLATED);
    }

    function isPortfolio(bytes32 id) internal pure returns (bool) {
        return modeOf(id) == uint256(IMarginEngine.Mode.PORTFOLIO);
    }

    /// @notice Portfolio accounts come with their model; an unknown mode, or a market in the id of an account that is not
    /// isolated, would be a second name for nothing.
    /// @param portfolio Whether there is a model for portfolio accounts.
    function requireAvailable(bytes32 id, bool portfolio) internal pure {
        uint256 mode = modeOf(id);
        if (mode > uint256(IMarginEngine.Mode.PORTFOLIO) || isPortfolio(id) && !portfolio) {
            revert IMarginEngine.ModeNotAvailable(mode);
        }
        if (!isIsolated(id) && marketOf(id) != 0) {
            revert IMarginEngine.MarketNotAllowed(id, marketOf(id));
        }
    }

    /// @notice Whether the account is isolated to a collateral/debt pair: 0x8000 | collateral << 6 | debt in place of a market.
    function isPair(bytes32 id) internal pure returns (bool) {
        return isIsolated(id) && marketOf(id) & PAIR != 0;
    }

    function pairCode(uint256 collateral, uint256 debt) internal pure returns (uint256) {
        return PAIR | collateral << 6 | debt;
    }

    function collateralOf(uint256 pair) internal pure returns (uint256) {
        return pair >> 6 & 63;
    }

    function debtOf(uint256 pair) internal pure returns (uint256) {
        return pair & 63;
    }

    /// @notice An isolated perp account holds the quote asset, one of a pair its two assets and the quote asset, and nothing else:
    /// every account must be able to take what the taker of a slice pays for it.
    function requireAsset(bytes32 id, uint256 asset) internal pure {
        if (!isIsolated(id) || asset == QUOTE) return;
        uint256 market = marketOf(id);
        bool allowed = market & PAIR != 0 && (asset == collateralOf(market) || asset == debtOf(market));
        if (!allowed) revert IMarginEngine.AssetNotAllowed(id, asset);
    }

    /// @notice What an isolated perp account has is always held, so no loan's loss reaches it; one of a pair borrows one asset only.
    function requireShares(bytes32 id, uint256 asset, bool debt) internal pure {
        if (!isIsolated(id)) return;
        uint256 market = marketOf(id);
        if (market & PAIR == 0 || debt && asset != debtOf(market)) revert IMarginEngine.AssetNotAllowed(id, asset);
    }

    /// @notice A perp market's position or option: an isolated account has those of its own market only, one of a pair none.
    function requireMarket(bytes32 id, uint256 market) internal pure {
        if (isIsolated(id) && marketOf(id) != market) revert IMarginEngine.MarketNotAllowed(id, market);
    }
}

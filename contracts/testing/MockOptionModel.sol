// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginModel} from "../../interfaces/IMarginModel.sol";
import {IOptionModel} from "../../interfaces/IOptionModel.sol";
import {OptionSeries} from "../libraries/OptionSeries.sol";

/// @title A model simple enough to be checked by hand, for rule and portfolio accounts
/// @notice An option's mark is its pay-off at the spot, and while it lives `timeValue` on top. Every short option, and every perp, needs `rate`
/// of its notional as MM and twice that as IM. The first byte of a witness, if there is one, is the percentage of the requirement it sees.
contract MockOptionModel is IMarginModel, IOptionModel {
    /// @notice What the model was handed, when it is told to show that.
    error Handed(
        uint256[] assets, uint256[] tags, uint256[] perps, uint256[] expiries, uint256[] options, bytes witness
    );

    uint256 public immutable MM_FLOOR;
    uint256 public immutable IM_FLOOR;
    bool public isStrict = true;
    uint256 public timeValue;
    uint256 public rate;
    bool public shows;

    constructor(uint256 mmFloor, uint256 imFloor, uint256 timeValue_, uint256 rate_) {
        (MM_FLOOR, IM_FLOOR, timeValue, rate) = (mmFloor, imFloor, timeValue_, rate_);
    }

    /// @param timeValue_ 1e-10 quote. @param rate_ bps.
    function set(uint256 timeValue_, uint256 rate_, bool shows_) external {
        (timeValue, rate, shows) = (timeValue_, rate_, shows_);
    }

    function loosen() external {
        isStrict = false;
    }

    /// @inheritdoc IMarginModel
    function assess(uint256[] calldata assets, uint256[] calldata perps)
        external
        view
        returns (IMarginEngine.Assessment memory a)
    {
        _assets(a, assets);
        _perps(a, perps);
        _require(a, 100);
    }

    /// @inheritdoc IOptionModel
    function assessOptions(
        uint256[] calldata assets,
        uint256[] calldata tags,
        uint256[] calldata perps,
        uint256[] calldata expiries,
        uint256[] calldata options,
        bytes calldata witness
    ) external view returns (IMarginEngine.Assessment memory a) {
        if (shows) revert Handed(assets, tags, perps, expiries, options, witness);
        _assets(a, assets);
        _perps(a, perps);
        uint256 at;
        for (uint256 e; e < expiries.length; e += 5) {
            uint256 count = expiries[e] >> 16 & 0xffff;
            _expiry(a, expiries[e], expiries[e + 1] & type(uint72).max, options[at:at + count]);
            at += count;
        }
        _require(a, witness.length == 0 ? 100 : uint8(witness[0]));
    }

    function _assets(IMarginEngine.Assessment memory a, uint256[] calldata assets) private pure {
        for (uint256 i; i < assets.length; ++i) {
            int256 value = int256(assets[i]) >> 48;
            a.equity += value;
            if (value < 0) a.mm += uint256(-value) / 10_000;
        }
    }

    function _perps(IMarginEngine.Assessment memory a, uint256[] calldata perps) private view {
        for (uint256 i; i < perps.length; i += 4) {
            uint256 notional = perps[i] & type(uint136).max;
            a.equity += int256(perps[i + 1]);
            a.notional += notional;
            a.mm += notional * rate / 10_000;
        }
    }

    function _expiry(IMarginEngine.Assessment memory a, uint256 first, uint256 spot, uint256[] calldata options)
        private
        view
    {
        uint256 extra = uint32(first >> 32) == 0 ? 0 : timeValue;
        for (uint256 i; i < options.length; ++i) {
            int256 quantity = int64(uint64(options[i]));
            uint256 size = uint256(quantity < 0 ? -quantity : quantity);
            a.equity += quantity * int256(OptionSeries.payoff(options[i] >> 64, spot) + extra);
            a.notional += size * spot;
            if (quantity < 0) a.mm += size * spot * rate / 10_000;
        }
    }

    function _require(IMarginEngine.Assessment memory a, uint256 percent) private view {
        if (a.mm == 0) return;
        a.im = 2 * a.mm > IM_FLOOR ? 2 * a.mm : IM_FLOOR;
        if (a.mm < MM_FLOOR) a.mm = MM_FLOOR;
        a.im0 = a.im;
        (a.mm, a.im, a.im0) = (a.mm * percent / 100, a.im * percent / 100, a.im0 * percent / 100);
    }
}

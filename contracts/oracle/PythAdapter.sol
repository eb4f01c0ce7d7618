// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IPriceSource} from "../../interfaces/IPriceSource.sol";
import {IPyth} from "../../interfaces/IPyth.sol";
import {BoundedCall} from "../libraries/BoundedCall.sol";
import {SequencerGuard} from "./SequencerGuard.sol";

/// @title Pyth's prices in Plimsoll's units, and the reasons not to believe them
/// @dev `latest` never reverts for what Pyth does. Anyone may bring an older signed price on chain as long as it is newer than the last:
/// the age bound is what keeps a chosen one out.
contract PythAdapter is IPriceSource, SequencerGuard, AccessManaged {
    /// @param priceId Pyth's id.
    /// @param maxAge Seconds after which a price is stale.
    /// @param maxConfidencePpm The widest interval, ppm of the price, that is still an answer.
    struct Listing {
        bytes32 priceId;
        uint32 maxAge;
        uint24 maxConfidencePpm;
    }

    uint256 private constant _PRICE_GAS = 60_000;
    uint256 private constant _PPM = 1e6;
    uint256 private constant _MAX_AGE = 1 hours;
    int256 private constant _PRICE_DECIMALS = 10;
    int256 private constant _MIN_EXPONENT = -28;
    int256 private constant _MAX_EXPONENT = 8;

    event PriceListed(bytes32 indexed id, Listing listing);

    error PriceIdMissing(bytes32 id);
    error PriceUnknown(bytes32 id);
    error MaxAgeInvalid(uint256 maxAge);
    error MaxConfidenceInvalid(uint256 maxConfidencePpm);

    /// @notice Pyth's contract on this chain.
    address public immutable pyth;

    mapping(bytes32 id => Listing) private _listings;

    constructor(address initialAuthority, address initialPyth, address initialSequencer, uint256 initialGrace)
        SequencerGuard(initialSequencer, initialGrace)
        AccessManaged(initialAuthority)
    {
        pyth = initialPyth;
    }

    /// @notice Restricted. Lists a price of Pyth as `id`, or replaces it.
    function list(bytes32 id, Listing calldata listing) external restricted {
        if (listing.priceId == 0) revert PriceIdMissing(id);
        if (listing.maxAge == 0 || listing.maxAge > _MAX_AGE) revert MaxAgeInvalid(listing.maxAge);
        if (listing.maxConfidencePpm == 0 || listing.maxConfidencePpm > _PPM) {
            revert MaxConfidenceInvalid(listing.maxConfidencePpm);
        }
        _listings[id] = listing;
        emit PriceListed(id, listing);
    }

    /// @notice The configuration of `id`.
    function entry(bytes32 id) external view returns (Listing memory listed) {
        listed = _listings[id];
        if (listed.maxAge == 0) revert PriceUnknown(id);
    }

    /// @inheritdoc IPriceSource
    function latest(bytes32 id)
        external
        view
        returns (bool ok, uint256 value, uint256 confidence, uint256 publishedAt)
    {
        Listing memory listed = _listings[id];
        if (listed.maxAge == 0) return (false, 0, 0, 0);
        (bool answered, bytes memory data) =
            BoundedCall.ask(pyth, _PRICE_GAS, 4, abi.encodeCall(IPyth.getPriceUnsafe, (listed.priceId)));
        if (!answered) return (false, 0, 0, 0);
        // Words, not the declared types: decoding a number too wide for its type would revert.
        int256 price;
        int256 exponent;
        (price, confidence, exponent, publishedAt) = abi.decode(data, (int256, uint256, int256, uint256));
        if (publishedAt == 0 || publishedAt > block.timestamp) return (false, 0, 0, 0);
        if (!_isSane(price, confidence, exponent)) return (false, 0, 0, publishedAt);
        confidence = (confidence * _PPM + uint256(price) - 1) / uint256(price);
        value = _scaled(uint256(price), exponent);
        ok = value != 0 && confidence <= listed.maxConfidencePpm && block.timestamp - publishedAt <= listed.maxAge
            && _sequencerUp();
    }

    /// @dev Whether these are numbers that Pyth's types can hold, with a positive price.
    function _isSane(int256 price, uint256 confidence, int256 exponent) private pure returns (bool) {
        return price > 0 && price <= type(int64).max && confidence <= type(uint64).max && exponent >= _MIN_EXPONENT
            && exponent <= _MAX_EXPONENT;
    }

    /// @dev price · 10^exponent in 1e-10, rounded down.
    function _scaled(uint256 price, int256 exponent) private pure returns (uint256) {
        int256 shift = exponent + _PRICE_DECIMALS;
        return shift < 0 ? price / 10 ** uint256(-shift) : price * 10 ** uint256(shift);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";
import {IOrderVerifier} from "../../interfaces/IOrderVerifier.sol";

/// @title Orders as typed data, and the one spelling that their legs have
library OrderLegs {
    using EfficientHashLib for bytes32[];

    uint256 internal constant MAX_LEGS = 16;
    /// @dev One package, and one unit of an instrument.
    uint256 internal constant ONE = 1e8;

    bytes32 private constant _LEG_TYPEHASH = keccak256("Leg(uint64 instrument,int64 quantity)");
    bytes32 private constant _ORDER_TYPEHASH = keccak256(
        "Order(bytes32 account,Leg[] legs,uint64 size,int128 limit,uint32 expiry,uint256 nonce,uint64 group,uint32 groupEpoch,uint32 lockdown,address taker,bool reduceOnly)Leg(uint64 instrument,int64 quantity)"
    );

    /// @notice What `size` packages (1e-8) of `quantity` each (1e-8) come to, 1e-8: whole, and it and `quantity` are int64 with either sign.
    function scaled(uint256 instrument, uint64 size, int64 quantity) internal pure returns (int64) {
        unchecked {
            int256 product = int256(uint256(size)) * quantity; // below 2^127
            int256 change = product / int256(ONE);
            if (change * int256(ONE) != product) revert IOrderVerifier.QuantityInexact(instrument, size, quantity);
            int256 most = type(int64).max;
            // Both in [-most, most].
            if (uint256(change + most) > uint256(2 * most) || quantity < -most) {
                revert IOrderVerifier.QuantityOverflow(instrument, size, quantity);
            }
            return int64(change);
        }
    }

    /// @notice Reverts unless the order has 1 to 16 legs, ascending, none empty, and both all of it and `fillSize` of it are whole.
    function requireCanonical(IOrderVerifier.Order calldata order, uint64 fillSize) internal pure {
        IOrderVerifier.Leg[] calldata legs = order.legs;
        uint256 count = legs.length;
        if (count == 0 || count > MAX_LEGS) revert IOrderVerifier.LegCountInvalid(count, MAX_LEGS);
        uint64 size = order.size;
        if (size == 0) revert IOrderVerifier.ZeroAmount();
        uint64 previous;
        for (uint256 i; i < count;) {
            IOrderVerifier.Leg calldata leg = legs[i];
            (uint64 instrument, int64 quantity) = (leg.instrument, leg.quantity);
            if (i != 0 && instrument <= previous) revert IOrderVerifier.LegsNotAscending(instrument, previous);
            if (quantity == 0) revert IOrderVerifier.LegQuantityZero(instrument);
            scaled(instrument, size, quantity);
            if (fillSize != size) scaled(instrument, fillSize, quantity);
            previous = instrument;
            unchecked {
                ++i;
            }
        }
    }

    /// @notice The struct hash of EIP-712.
    /// @dev An order's words are what the hash is over, but for its legs. Bits beyond a field's type no wallet signs, and whoever reads the field
    /// refuses them.
    function hash(IOrderVerifier.Order calldata order) internal pure returns (bytes32) {
        bytes32[] memory words = EfficientHashLib.malloc(12);
        assembly ("memory-safe") {
            calldatacopy(add(words, 64), order, 352)
        }
        words.set(0, _ORDER_TYPEHASH);
        words.set(2, _hash(order.legs));
        return words.hash();
    }

    function _hash(IOrderVerifier.Leg[] calldata legs) private pure returns (bytes32) {
        uint256 count = legs.length;
        bytes32[] memory hashes = EfficientHashLib.malloc(count);
        for (uint256 i; i < count;) {
            IOrderVerifier.Leg calldata leg = legs[i];
            (uint256 instrument, int256 quantity) = (leg.instrument, leg.quantity);
            hashes.set(i, EfficientHashLib.hash(uint256(_LEG_TYPEHASH), instrument, uint256(quantity)));
            unchecked {
                ++i;
            }
        }
        return hashes.hash();
    }
}

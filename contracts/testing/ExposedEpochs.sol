// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EpochMath} from "../libraries/EpochMath.sol";

/// @title EpochMath, callable, for the differential test of its Python twin: records as their two words
contract ExposedEpochs {
    function epochCharge(uint256 factors, uint256 terms, int256 mark, uint256 amount, uint256 net)
        external
        pure
        returns (uint256, uint256)
    {
        EpochMath.Epoch memory epoch = EpochMath.unpack(factors, terms);
        EpochMath.charge(epoch, mark, amount, net);
        return EpochMath.pack(epoch);
    }

    function epochShrink(uint256 factors, uint256 terms, int256 mark, uint256 to, uint256 from, uint256 last)
        external
        pure
        returns (uint256 newFactors, uint256 newTerms, uint256 kept, uint256 base)
    {
        EpochMath.Epoch memory epoch = EpochMath.unpack(factors, terms);
        (kept, base) = EpochMath.shrink(epoch, mark, to, from, last);
        (newFactors, newTerms) = EpochMath.pack(epoch);
    }

    function epochTouch(
        int256 size,
        int256 cost,
        uint256 fromFactors,
        uint256 fromTerms,
        uint256 toFactors,
        uint256 toTerms
    ) external pure returns (uint256, int256, int256, int256) {
        EpochMath.Epoch memory to = EpochMath.unpack(toFactors, toTerms);
        EpochMath.Share memory part =
            EpochMath.advance(EpochMath.share(size, cost), EpochMath.unpack(fromFactors, fromTerms), to);
        (int256 newSize, int256 newCost) = EpochMath.settle(part, to.long, to.mark);
        return (part.size, part.cost, newSize, newCost);
    }
}

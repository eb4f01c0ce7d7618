"""Why a deployment is refused, cannot go on, or differs from what it should be.

DeploymentError                       exit code 6
├── UnsafeParameters                     nothing was sent; `.violations` holds one Violation per broken bound
├── ManifestMissing, ManifestDamaged
├── ManifestOfAnotherChain               its chain id is not the one connected to
├── AlreadyDeployed                      the manifest exists and its contracts are there
├── JournalOfAnotherPlan                 a half-finished deployment with other parameters, code or deployer
├── JournalStale                         what it says was deployed is not on this chain
├── StepFailed                           a step was refused by the chain; resumable
└── Differs                              verify found differences

Violation (a BadInput): one class per bound, named as the contract's own error where it has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plimsoll.errors import BadInput, PlimsollError


class DeploymentError(PlimsollError):
    exit_code = 6


class UnsafeParameters(DeploymentError):
    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = list(violations)
        lines = "\n".join(f"  {type(item).__name__}: {item}" for item in violations)
        super().__init__(f"{len(self.violations)} unsafe parameter(s), nothing was sent:\n{lines}")

    @property
    def fields(self) -> dict[str, Any]:
        return {"violations": [{"error": type(item).__name__, **item.fields} for item in self.violations]}


class ManifestMissing(DeploymentError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"no deployment at {path}; run `plimsoll deploy`, or name its folder with --deployments")


class ManifestDamaged(DeploymentError):
    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"{path} cannot be read ({reason}); restore it, or remove it and deploy again")


class ManifestOfAnotherChain(DeploymentError):
    def __init__(self, path: Path, manifest: int, chain: int) -> None:
        super().__init__(
            f"{path} is a deployment on chain {manifest}, and this is chain {chain}; check the RPC address"
        )
        self.manifest, self.chain = manifest, chain


class AlreadyDeployed(DeploymentError):
    def __init__(self, path: Path, chain_id: int) -> None:
        super().__init__(
            f"chain {chain_id} has a deployment already ({path}); `plimsoll verify` checks it, --fresh replaces"
        )


class JournalOfAnotherPlan(DeploymentError):
    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path} is a half-finished deployment with other {what}; finish it with those, or use --fresh"
        )


class JournalStale(DeploymentError):
    def __init__(self, path: Path, step: str, address: str) -> None:
        super().__init__(
            f"{path} says that {step} is at {address}, and there is no code; another chain? --fresh starts anew"
        )


class StepFailed(DeploymentError):
    def __init__(self, step: str, reason: object) -> None:
        super().__init__(f"step {step} failed: {reason}; what came before is recorded, run the same command to go on")
        self.step = step


class Differs(DeploymentError):
    def __init__(self, differences: Sequence[Any]) -> None:
        self.differences = list(differences)
        super().__init__("\n".join([f"{len(self.differences)} difference(s):", *(f"  {item}" for item in differences)]))

    @property
    def fields(self) -> dict[str, Any]:
        return {"differences": [vars(item) for item in self.differences]}


# ---------------------------------------------------------------------------------------------- unsafe parameters


class Violation(BadInput):
    """A parameter outside its bound: which, its value, and what would be safe."""


class AllocationsExceedPool(Violation): ...


class AssetThresholdOutOfRange(Violation): ...


class BlockTimeOutOfRange(Violation): ...


class BonusAndInsuranceShareTooHigh(Violation): ...


class BonusRampOutOfRange(Violation): ...


class BonusSlopeOutOfRange(Violation): ...


class BorrowCapAboveSupplyCap(Violation): ...


class BorrowVelocityOutOfRange(Violation): ...


class BoundNotRepresentable(Violation): ...


class BountyOutOfRange(Violation): ...


class CallLevelsUnordered(Violation): ...


class CallPeriodOutOfRange(Violation): ...


class CallRateOutOfRange(Violation): ...


class ConfidenceFactorOutOfRange(Violation): ...


class ConfidenceOutOfRange(Violation): ...


class DecimalsOutOfRange(Violation): ...


class DelayOutOfRange(Violation): ...


class DepegFactorOutOfRange(Violation): ...


class DepegThresholdOutOfRange(Violation): ...


class DeviationOutOfRange(Violation): ...


class DustBelowFloor(Violation): ...


class DustOutOfRange(Violation): ...


class FallbackAgeOutOfRange(Violation): ...


class FeeOutOfRange(Violation): ...


class FeedUnknown(Violation): ...


class FillCostAboveHalfMaintenance(Violation): ...


class FloorsUnordered(Violation): ...


class FundingOutOfRange(Violation): ...


class GapOutOfRange(Violation): ...


class HaircutOutOfRange(Violation): ...


class HaircutTooLow(Violation): ...


class HaircutsNotMonotone(Violation): ...


class HalfLifeOutOfRange(Violation): ...


class HeartbeatOutOfRange(Violation): ...


class InitialRateNotAboveMaintenance(Violation): ...


class InsuranceCapOutOfRange(Violation): ...


class InsuranceWindowOutOfRange(Violation): ...


class InterestBoundsUnordered(Violation): ...


class KappaOutOfRange(Violation): ...


class LongShareOutOfRange(Violation): ...


class MakerFeeAboveTaker(Violation): ...


class MarginRateOutOfRange(Violation): ...


class MarginRatesNotConvex(Violation): ...


class MarkRateOutOfRange(Violation): ...


class MaxAgeOutOfRange(Violation): ...


class MaxMultiplierOutOfRange(Violation): ...


class MinSliceOutOfRange(Violation): ...


class MockOnPublicChain(Violation): ...


class MoveOutOfRange(Violation): ...


class NothingListed(Violation): ...


class OffsetOutOfRange(Violation): ...


class OptionThresholdOutOfRange(Violation): ...


class PairAlreadyListed(Violation): ...


class PairInvalid(Violation): ...


class PerpThresholdOutOfRange(Violation): ...


class PnlShareOutOfRange(Violation): ...


class PoolTimingOutOfRange(Violation): ...


class PutRateOutOfRange(Violation): ...


class SpotRatesUnordered(Violation): ...


class StakeTimingOutOfRange(Violation): ...


class TreasuryInvalid(Violation): ...


class QuorumUnsafe(Violation): ...


class QuoteNotPlain(Violation): ...


class ReserveShareOutOfRange(Violation): ...


class RoleAddressInvalid(Violation): ...


class SigmaOutOfRange(Violation): ...


class SigmaRefOutOfRange(Violation): ...


class SignersNotDistinct(Violation): ...


class SizeOutOfRange(Violation): ...


class SkewCapAboveOpenInterestCap(Violation): ...


class SkewCapNotBelowScale(Violation): ...


class SupplyCapOutOfRange(Violation): ...


class TierBoundsNotAscending(Violation): ...


class UnpairedScalesUnordered(Violation): ...

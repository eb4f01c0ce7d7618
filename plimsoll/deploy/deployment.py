"""A deployed protocol: handles to its contracts, on the chain we are connected to.

deployment = deploy(chain, deployer, local())                      everything, manifest written to `directory` if given
deployment = Deployment.open(chain, Path("deployments"))           what its manifest says

deployment.engine.write("execute", batch([...]), sender=owner)
deployment.tokens[0].write("mint", owner, 10**12, sender=owner)
deployment["RuleMargin"].read("MM_FLOOR")
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from plimsoll.abi import checksum, keccak
from plimsoll.chain.base import Chain
from plimsoll.contracts import Artifact, Artifacts, Contract, load
from plimsoll.deploy.bounds import LOCAL_CHAINS, require_safe
from plimsoll.deploy.errors import AlreadyDeployed, Differs, ManifestMissing
from plimsoll.deploy.files import Deployed, Journal, Manifest, manifest_path
from plimsoll.deploy.parameters import Parameters
from plimsoll.deploy.plan import Create, Plan, plain, resolve
from plimsoll.deploy.protocol import protocol_plan, token_name, vault_name
from plimsoll.deploy.runner import Progress, run
from plimsoll.errors import BadInput
from plimsoll.exchange.artifacts import PLACES
from plimsoll.exchange.artifacts import load as exchange_artifacts


class Deployment:
    """Handles by name of the plan; the usual ones as attributes. `tokens` and `vaults` by asset number."""

    def __init__(self, chain: Chain, manifest: Manifest, artifacts: Artifacts | None = None) -> None:
        self.chain, self.manifest = chain, manifest
        self.parameters = manifest.parameters
        self._artifacts = artifacts or load()
        self._handles: dict[str, Contract] = {}

    @classmethod
    def open(cls, chain: Chain, directory: Path) -> Deployment:
        """The deployment on `chain`. Raises ManifestMissing, ManifestDamaged or ManifestOfAnotherChain."""
        return cls(chain, Manifest.load(directory, chain.chain_id))

    def __getitem__(self, name: str) -> Contract:
        if name not in self._handles:
            entry = self.manifest.contracts.get(name)
            if entry is None:
                raise BadInput("contract", name, f"the deployment has {', '.join(self.manifest.contracts)}")
            self._handles[name] = Contract(self.chain, entry.address, self._artifact(entry.contract))
        return self._handles[name]

    def _artifact(self, contract: str) -> Artifact:
        return (exchange_artifacts() if contract in PLACES else self._artifacts)[contract]

    def __repr__(self) -> str:
        return f"<Deployment on chain {self.manifest.chain_id}, engine {self.manifest.address('MarginEngine')}>"

    def at(self, chain: Chain) -> Deployment:
        """The same deployment seen through another connection."""
        return Deployment(chain, self.manifest, self._artifacts)

    @property
    def engine(self) -> Contract:
        return self["MarginEngine"]

    @property
    def router(self) -> Contract:
        return self["OracleRouter"]

    @property
    def surfaces(self) -> Contract:
        return self["VolatilityFeed"]

    @property
    def feed(self) -> Contract:
        return self.router

    @property
    def config(self) -> Contract:
        return self["MarketConfig"]

    @property
    def pool(self) -> Contract:
        return self["LiquidityPool"]

    @property
    def stake(self) -> Contract:
        return self["InsuranceStake"]

    @property
    def verifier(self) -> Contract:
        return self["OrderVerifier"]

    @property
    def portfolio_model(self) -> Contract:
        return self["PortfolioMargin"]

    @property
    def lens(self) -> Contract:
        return self["Lens"]

    @property
    def option_lens(self) -> Contract:
        return self["OptionLens"]

    @property
    def authority(self) -> Contract:
        return self["Authority"]

    @cached_property
    def tokens(self) -> list[Contract]:
        return [self._token(number) for number in range(len(self.parameters.assets))]

    def _token(self, number: int) -> Contract:
        asset = self.parameters.assets[number]
        if asset.token is None:
            return self[token_name(asset)]
        return Contract(self.chain, asset.token, self._artifacts["MockERC20"])  # its ERC-20 functions; it cannot mint

    @cached_property
    def vaults(self) -> list[Contract]:
        return [self[vault_name(asset)] for asset in self.parameters.assets]

    @cached_property
    def aggregators(self) -> dict[int, Contract]:
        """Mock references by feed number; empty where references are real or absent."""
        mocks = [f for f in self.parameters.oracle.feeds if f.reference and f.reference.aggregator is None]
        return {feed.number: self[f"aggregator {feed.symbol}"] for feed in mocks}

    @cached_property
    def pool_account(self) -> bytes:
        return bytes(self.engine.read("poolAccount"))

    @cached_property
    def insurance_account(self) -> bytes:
        return bytes(self.engine.read("insuranceAccount"))


def deploy(
    chain: Chain,
    deployer: str,
    parameters: Parameters,
    *,
    directory: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Deployment:
    """Deploys the protocol, or goes on with a deployment that was cut off.

    `directory` None keeps no files (tests, simulations). Raises UnsafeParameters before anything is sent, StepFailed
    when the chain refuses a step, ChainError when it cannot be reached; after the last two the same call resumes.
    """
    require_safe(parameters, chain.chain_id)
    artifacts, deployer = load(), checksum(deployer)
    if directory is not None and not fresh:
        _refuse_second(chain, directory)
    plan = protocol_plan(parameters, artifacts, deployer)
    journal = Journal.open(directory, chain.chain_id, plan.fingerprint(deployer), fresh=fresh)
    addresses = run(plan, chain, deployer, journal, progress)
    contracts = _contracts(plan, chain, addresses)
    manifest = Manifest(chain.chain_id, deployer, chain.block()[0], artifacts.key, contracts, parameters)
    deployment = Deployment(chain, manifest, artifacts)
    if directory is not None:
        _require_as_planned(deployment)
        manifest.save(directory)
        journal.close()
    return deployment


def _require_as_planned(deployment: Deployment) -> None:
    """No manifest is written for a chain that does not hold what was asked for."""
    from plimsoll.deploy.verification import verify

    if differences := verify(deployment):
        raise Differs(differences)


def _refuse_second(chain: Chain, directory: Path) -> None:
    """A manifest whose contracts are there is not overwritten; one left by a local chain that is gone may be."""
    try:
        manifest = Manifest.load(directory, chain.chain_id)
    except ManifestMissing:
        return
    if chain.chain_id not in LOCAL_CHAINS or chain.code(manifest.address("MarginEngine")):
        raise AlreadyDeployed(manifest_path(directory, chain.chain_id), chain.chain_id)


def _contracts(plan: Plan, chain: Chain, addresses: Mapping[str, str]) -> dict[str, Deployed]:
    return {
        step.name: Deployed(
            contract=step.artifact.name,
            address=addresses[step.name],
            code_hash="0x" + keccak(chain.code(addresses[step.name])).hex(),
            args=plain(resolve(step.args, addresses)),
        )
        for step in plan.steps
        if isinstance(step, Create)
    }

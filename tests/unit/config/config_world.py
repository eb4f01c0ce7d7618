"""MarketConfig over the real engine, in process: what it writes is read back from the engine's own slots."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from plimsoll.abi import keccak
from plimsoll.chain import ProcessChain
from plimsoll.contracts import Contract, load
from plimsoll.errors import Reverted
from plimsoll.margin.black76 import TABLE_FILE
from plimsoll.margin.option_terms import OptionTerms
from plimsoll.prices import ReportSigner

NOBODY = "0x0000000000000000000000000000000000000000"
PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3"
ETH, BTC, UNKNOWN = 1, 2, 9
UNIT = 10**8  # one of a market, as a size
CONFIG_ROLE = 1

# One value per member of IMarketConfig's structs, all different where they may be: a swapped field shows.
QUOTE = {"decimals": 6, "feed": 0, "haircutIm": 0, "haircutMm": 0, "maxAge": 3_600, "sigma": 0, "supplyCap": 10**15}
QUOTE |= {"borrowCap": 10**14, "borrowVelocity": 2_002, "reserveShare": 1_003}
WETH = QUOTE | {"decimals": 18, "feed": ETH, "haircutIm": 1_500, "haircutMm": 1_000, "maxAge": 61, "sigma": 9_001}
RISK = {
    "mmRates": [300, 400, 501],
    "imRates": [600, 801, 1_002],
    "bound1": 1_000,
    "bound2": 5_010,
    "feed": ETH,
    "maxAge": 60,
    "sigma": 8_000,
    "fundingVelocity": 123_456,
    "maxFundingRate": 77,
    "reduceOnly": False,
    "oiLower": 40_010,
    "oiUpper": 900_000,
}
TRADE = {
    "skewScale": 1_000_000 * UNIT,
    "maxSkew": 5_000 * UNIT,
    "maxOi": 20_000 * UNIT,
    "makerFee": 200,
    "takerFee": 500,
    "allocation": 4_000,
    "move": 2_500,
    "gap": 801,
}
TERMS = {
    "lambda": 3_000,
    "beta": 6_000,
    "bonusStart": 500,
    "bonusSlope": 2_000,
    "insuranceShare": 501,
    "minSlice": 1_001,
    "bonusRamp": 600,
    "callPeriod": 3_600,
    "insuranceWindow": 86_400,
    "bounty": 502,
    "dust": 5_000,
}
BLOCK_TIME, KAPPA = 12, 20
INSURANCE_CAP = 123_456


def values(params):
    return tuple(params.values())


@contextmanager
def reverts(name, *expected):
    """The call fails with exactly this error and, when given, exactly these values."""
    with pytest.raises(Reverted) as caught:
        yield
    assert name == caught.value.name
    if expected:
        assert expected == caught.value.values


@dataclass
class World:
    chain: ProcessChain
    owner: str
    stranger: str
    contracts: dict[str, Contract] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)

    def deploy(self, name, *args, as_=None):
        artifact = load()[name]
        for library in artifact.libraries:
            if library not in self.libraries:
                self.libraries[library] = self.deploy(library).address
        receipt = self.chain.deploy(self.owner, artifact.creation(*args, libraries=self.libraries))
        contract = Contract(self.chain, receipt.contract_address, artifact)
        self.contracts[as_ or name] = contract
        return contract

    def rule_margin(self, mm_floor, im_floor, pnl_share):
        options = OptionTerms().to_word()
        return self.deploy("RuleMargin", mm_floor, im_floor, pnl_share, options, self["NormalTable"].address)

    def __getitem__(self, name):
        return self.contracts[name]

    def configure(self, name, *args, sender=None):
        return self["MarketConfig"].write(name, *args, sender=sender or self.owner)

    def vault(self, asset, token):
        return self.deploy(
            "CollateralVault", self["MarginEngine"].address, asset, token.address, "Vault", "V", 2_500, 0
        )

    def list_asset(self, token, vault, params):
        return self.configure("listAsset", token.address, vault.address, values(params))

    def list_market(self, risk=RISK, trade=TRADE, cap=INSURANCE_CAP):
        return self.configure("listMarket", values(risk), values(trade), cap)

    def slot(self, key):
        return self.chain.storage(self["MarginEngine"].address, key)

    def entry(self, slot, key, offset=0):
        """A word of the mapping at `slot`."""
        place = keccak(key.to_bytes(32, "big") + slot.to_bytes(32, "big"))
        return self.slot(int.from_bytes(place, "big") + offset)


def build() -> World:
    """Everything but the listings."""
    chain = ProcessChain()
    world = World(chain, chain.accounts[0], chain.accounts[1])
    authority = world.deploy("Authority", world.owner).address
    signers = ReportSigner([bytes([n]) * 32 for n in (1, 2, 3)], NOBODY, 1).addresses
    router = world.deploy("OracleRouter", authority, list(signers), 2)
    executor = world.deploy("Executor")
    engine = world.deploy("MarginEngine", authority, router.address, executor.address, 6)
    config = world.deploy("MarketConfig", authority, engine.address, router.address, executor.address)
    selector = engine.artifact.function("configure").selector
    manager = world["Authority"]
    manager.write("setTargetFunctionRole", engine.address, [selector], CONFIG_ROLE, sender=world.owner)
    manager.write("grantRole", CONFIG_ROLE, config.address, 0, sender=world.owner)
    world.deploy("MockPriceSource")
    world.deploy("NormalTable", TABLE_FILE.read_bytes())
    world.rule_margin(10**19, 2 * 10**19, 5_000)
    world.deploy("MockERC20", "Quote", "USD", 6, as_="quote")
    world.deploy("MockERC20", "Ether", "WETH", 18, as_="weth")
    world.vault(0, world["quote"])
    world.contracts["quote vault"] = world["CollateralVault"]
    world.contracts["weth vault"] = world.vault(1, world["weth"])
    reference = (world["MockPriceSource"].address, 100, 2_000, NOBODY, bytes(32), bytes(32))
    polled = (NOBODY, 0, 2_000, world["MockPriceSource"].address, bytes(32), bytes(32))
    router.write("setFeed", ETH, reference, sender=world.owner)
    router.write("setFeed", BTC, polled, sender=world.owner)
    chain.advance(12)
    return world


def set_up(world) -> None:
    """Model, terms, two assets and a pool: what a market needs."""
    world.configure("setModel", world["RuleMargin"].address, BLOCK_TIME, KAPPA)
    world.configure("setTerms", values(TERMS))
    world.list_asset(world["quote"], world["quote vault"], QUOTE)
    world.list_asset(world["weth"], world["weth vault"], WETH)
    world.configure("setPool", world["MockPriceSource"].address)  # any contract will do

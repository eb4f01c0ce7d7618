"""The default protocol on a local chain, with mintable tokens and signers whose keys are known to everyone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plimsoll import contracts
from plimsoll.abi import keccak
from plimsoll.chain import LocalChain
from plimsoll.contracts import Contract
from plimsoll.prices import address_of

LIBRARIES = ("MarginCheck", "PerpTrading", "ConfigSlots", "OperatorGrants", "LossLogic", "LiquidationLogic")
TOKENS = (("USD Coin", "USDC", 6), ("Wrapped Ether", "WETH", 18), ("Wrapped Bitcoin", "WBTC", 8))
SIZE, WAD, HOUR = 10**8, 10**18, 3600

#: asset: decimals, feed, haircutIm, haircutMm, maxAge, sigma, supplyCap
ASSETS = (
    (6, 0, 0, 0, 60, 0, 10**16),
    (18, 1, 2000, 1000, 60, 10_000, 10**24),
    (8, 2, 2000, 1000, 60, 10_000, 10**13),
)


@dataclass
class Deployed:
    """Handles by contract name; `tokens` and `vaults` by asset index."""

    admin: str
    handles: dict[str, Contract]
    tokens: list[Contract] = field(default_factory=list)
    vaults: list[Contract] = field(default_factory=list)
    signer_keys: list[bytes] = field(default_factory=list, repr=False)

    def __getitem__(self, name: str) -> Contract:
        return self.handles[name]


def market(feed: int, scale: int, oi: int, *, mm: int = 250, allocation: int = 1500) -> tuple[object, ...]:
    """Risk, trade and insurance cap of one perp market. `scale` and `oi` in whole units."""
    risk = (
        (mm, mm + 100, mm + 250),
        (2 * mm, 2 * mm + 200, 2 * mm + 500),
        5_000,
        20_000,
        feed,
        60,
        10_000,
        900 * 10**12 // (100 * scale),
        2000,
        False,
    )
    trade = (scale * SIZE, scale * SIZE // 200, oi * SIZE, 100, 350, allocation, 2000, 500)
    return risk, trade, 20_000


MARKETS = (
    market(1, 1_000_000, 200_000),
    market(2, 50_000, 10_000),
    market(3, 20_000_000, 4_000_000, mm=400),
    market(4, 100_000_000, 20_000_000, mm=400),
    market(5, 200_000_000, 30_000_000, mm=400),
)
#: lambda, beta, bonusStart, bonusSlope, insuranceShare, minSlice, bonusRamp, callPeriod, insuranceWindow, bounty, dust
TERMS = (5000, 7500, 500, 5000, 500, 1000, HOUR, HOUR, HOUR, 100, 4000)


def deploy_local(chain: LocalChain) -> Deployed:
    """Deploys everything with roles held by the chain's first account."""
    admin = chain.accounts[0]
    art = contracts.load()
    linked: dict[str, str] = {}
    handles: dict[str, Contract] = {}

    def put(name: str, *args: object) -> Contract:
        receipt = chain.deploy(admin, art[name].creation(*args, libraries=linked))
        assert receipt.contract_address
        return Contract(chain, receipt.contract_address, art[name])

    for name in LIBRARIES:
        linked[name] = put(name).address
    keys = [keccak(b"plimsoll test signer %d" % n) for n in range(3)]
    from coincurve import PrivateKey

    signers = [address_of(PrivateKey(key).public_key) for key in keys]
    authority = handles["Authority"] = put("Authority", admin)
    feed = handles["PriceFeed"] = put("PriceFeed", authority.address, signers, 2)
    router = handles["OracleRouter"] = put("OracleRouter", authority.address, feed.address)
    executor = handles["Executor"] = put("Executor")
    engine = handles["MarginEngine"] = put("MarginEngine", authority.address, router.address, executor.address, 6)
    executor.write("setEngine", engine.address, sender=admin)
    config = handles["MarketConfig"] = put(
        "MarketConfig", authority.address, engine.address, router.address, executor.address
    )
    authority.write("grantRole", 1, config.address, 0, sender=admin)
    selector = art["MarginEngine"].function("configure").selector
    authority.write("setTargetFunctionRole", engine.address, [selector], 1, sender=admin)
    model = handles["RuleMargin"] = put("RuleMargin", 10 * WAD, 15 * WAD, 9000)
    deployed = Deployed(admin, handles, signer_keys=keys)
    for number in range(1, 6):
        router.write("setFeed", number, ("0x" + "00" * 20, 0, 20_000, "0x" + "00" * 20, bytes(32), bytes(32)), sender=admin)
    for index, (name, symbol, decimals) in enumerate(TOKENS):
        token = put("MockERC20", name, symbol, decimals)
        deployed.tokens.append(token)
        deployed.vaults.append(
            put("CollateralVault", engine.address, index, token.address, f"Lent {name}", f"l{symbol}")
        )
    pool = handles["LiquidityPool"] = put(
        "LiquidityPool", engine.address, router.address, deployed.vaults[0].address, authority.address, HOUR, HOUR
    )
    config.write("setModel", model.address, 2, 20, sender=admin)
    config.write("setTerms", TERMS, sender=admin)
    config.write("setPool", pool.address, sender=admin)
    for token, vault, params in zip(deployed.tokens, deployed.vaults, ASSETS, strict=True):
        config.write("listAsset", token.address, vault.address, params, sender=admin)
    for risk, trade, cap in MARKETS:
        config.write("listMarket", risk, trade, cap, sender=admin)
    handles["Lens"] = put("Lens", engine.address, router.address)
    return deployed

"""`verify` notices whatever differs from the manifest."""

from dataclasses import astuple, replace

import pytest

from plimsoll.chain import ProcessChain
from plimsoll.contracts import load
from plimsoll.deploy import Deployment, Manifest, deploy, local, roles, verify
from plimsoll.deploy.errors import ManifestDamaged, ManifestMissing, ManifestOfAnotherChain
from plimsoll.deploy.protocol import asset_tuple, risk_tuple, terms_tuple, trade_tuple

STRANGER = "0x" + "77" * 20
HOUR = 3600


def test_a_fresh_deployment_has_no_differences(deployment):
    """Everything read back is what was asked for."""
    assert verify(deployment) == []


def with_(index, value, values):
    return (*values[:index], value, *values[index + 1 :])


P = local()
RULES = astuple(replace(P.markets[1].surfaces, max_rate=4_999))
CHANGES = {
    "asset WETH haircut_im": ("MarketConfig", "setAsset", (1, with_(2, 1600, asset_tuple(P.assets[1])))),
    "market ETH max_funding_rate": (
        "MarketConfig",
        "setMarketRisk",
        (0, with_(8, 400, risk_tuple(P.markets[0]))),
    ),
    "market BTC gap": ("MarketConfig", "setMarketTrade", (1, with_(7, 900, trade_tuple(P.markets[1])))),
    "market SOL insurance_cap": ("MarketConfig", "setInsuranceCap", (2, 5)),
    "terms bounty": ("MarketConfig", "setTerms", (with_(9, 99, terms_tuple(P.terms)),)),
    "LiquidityPool delay": ("LiquidityPool", "setTiming", (2 * HOUR, HOUR)),
    "feed ETH sigma_ref": ("OracleRouter", "setVolatility", (1, 8001, 30_000, 12)),
    "feed BTC half_life": ("OracleRouter", "setVolatility", (2, 6500, 30_000, 13)),
    "VolatilityFeed quorum": ("VolatilityFeed", "setQuorum", (3,)),
    "surfaces BTC max_rate": ("VolatilityFeed", "setRules", (1, RULES)),
    "OracleRouter quorum": ("OracleRouter", "setQuorum", (3,)),
    "role of MarginEngine.configure": (
        "Authority",
        "setTargetFunctionRole",
        ("MarginEngine", ["configure"], roles.RISK),
    ),
}


@pytest.mark.parametrize("where", CHANGES)
def test_a_changed_parameter_is_found(deployment, where):
    """Exactly that one, with both values."""
    contract, function, args = CHANGES[where]
    if contract == "Authority":
        target = deployment[args[0]]
        args = (target.address, [target.artifact.function(name).selector for name in args[1]], args[2])
    deployment[contract].write(function, *args, sender=deployment.manifest.deployer)
    (difference,) = verify(deployment)
    assert difference.where == where
    assert difference.expected != difference.actual


def test_a_changed_delay_is_found(deployment):
    """Who holds a role, and how long it waits."""
    admin = deployment.manifest.deployer
    deployment.authority.write("grantRole", roles.RISK, admin, 77, sender=admin)
    (difference,) = verify(deployment)
    assert difference.where.startswith("RISK of")
    assert "77" in difference.actual


def test_a_feed_without_its_reference_is_found(deployment):
    """The configuration in the router."""
    zero = "0x" + "00" * 20
    config = (zero, 0, 10_000, zero, bytes(32), bytes(32))
    deployment.router.write("setFeed", 1, config, sender=deployment.manifest.deployer)
    found = {difference.where for difference in verify(deployment)}
    assert found == {"feed ETH reference", "feed ETH max_deviation", "feed ETH reference id"}


def test_changed_code_is_found(deployment):
    """By its hash."""
    entry = replace(deployment.manifest.contracts["Lens"], address=deployment.tokens[0].address)
    contracts = deployment.manifest.contracts | {"Lens": entry}
    found = verify(Deployment(deployment.chain, replace(deployment.manifest, contracts=contracts)))
    assert [difference.where for difference in found] == ["Lens code"]


def test_an_empty_chain_is_found(deployment):
    """Nothing is there at all."""
    found = verify(deployment.at(ProcessChain()))
    assert {difference.actual for difference in found} == {"no code"}
    assert len(found) == len(deployment.manifest.contracts)


def test_a_manifest_of_another_chain_is_refused(deployment, tmp_path):
    """Its own chain id says so, whatever its file name."""
    path = deployment.manifest.save(tmp_path)
    path.rename(tmp_path / "5.json")
    with pytest.raises(ManifestOfAnotherChain, match="chain 31337, and this is chain 5"):
        Deployment.open(ProcessChain(chain_id=5), tmp_path)
    with pytest.raises(ManifestMissing, match="plimsoll deploy"):
        Deployment.open(ProcessChain(chain_id=7), tmp_path)


def test_a_manifest_says_everything(deployment, tmp_path):
    """It survives its file, addresses, hashes, arguments and parameters."""
    deployment.manifest.save(tmp_path)
    assert Manifest.load(tmp_path, 31337) == deployment.manifest
    assert verify(Deployment.open(deployment.chain, tmp_path)) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 99}', '{"format": 1, "contracts": {"a": {}}}'])
def test_a_damaged_manifest_is_refused(tmp_path, text):
    """And named."""
    (tmp_path / "31337.json").write_text(text)
    with pytest.raises(ManifestDamaged, match=r"31337\.json"):
        Manifest.load(tmp_path, 31337)


def test_the_deployer_keeps_no_role_that_is_given_away(chain):
    """Admin, risk and guardian go to others; what is left of the deployer would be a difference."""
    parameters = local()
    parameters = replace(parameters, roles=replace(parameters.roles, admin=STRANGER, risk=STRANGER, guardian=STRANGER))
    deployment = deploy(chain, chain.accounts[0], parameters)
    assert verify(deployment) == []
    for role in (roles.ADMIN, roles.RISK, roles.GUARDIAN):
        assert deployment.authority.read("hasRole", role, STRANGER)[0]
        assert not deployment.authority.read("hasRole", role, chain.accounts[0])[0]


def test_every_restricted_function_has_a_role():
    """A function that was forgotten would be left to ADMIN without anyone deciding it."""
    artifacts = load()
    named = {function for names in roles.FUNCTIONS.values() for function in names}
    for contract in {contract for contract, _ in roles.FUNCTIONS}:
        sources = artifacts[contract].functions
        assert any(name in sources for name in named)
    restricted = {
        "configure",
        "pauseRisk",
        "dispute",
        "setFeed",
        "setVolatility",
        "setSigner",
        "setQuorum",
        "list",
        "setTiming",
    }
    assert restricted <= named

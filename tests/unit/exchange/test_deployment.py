"""The exchange as part of a deployment: planned, resumed, written down, verified, or somebody else's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plimsoll.chain import ProcessChain
from plimsoll.deploy import Deployment, Manifest, Parameters, deploy, local, verify
from plimsoll.deploy.errors import UnsafeParameters
from plimsoll.errors import ArtifactsMissing
from plimsoll.exchange import Exchange, artifacts
from plimsoll.exchange.errors import NoExchange
from plimsoll.exchange.listing import ExchangeListing
from plimsoll.testing import World
from plimsoll.testing.deployment import parameters

PRICE = 10**10


def test_verified_and_found_by_its_manifest(world, tmp_path):
    """Another process opens it by the folder alone."""
    assert verify(world.deployed) == []
    world.deployed.manifest.save(tmp_path)
    assert Manifest.load(tmp_path, 31337) == world.deployed.manifest
    exchange = Exchange.of(Deployment.open(world.chain, tmp_path))
    assert exchange.pools == world.exchange.pools
    assert exchange.states() == world.exchange.states()
    assert exchange.at(world.chain).states() == world.exchange.states()
    assert world.deployed["SwapRouter"].read("factory") == exchange.factory.address


def test_prices_may_move_pools_may_not(world):
    """A verification speaks of what was deployed, not of the market."""
    arbitrageur = world.actor("arbitrageur")
    world.mint(arbitrageur, 0, 10**13)
    world.exchange.move_to(world.exchange.pool(1, 0), 3_100 * PRICE, sender=arbitrageur)
    assert verify(world.deployed) == []
    listing = world.deployed.parameters.exchange
    other = replace(listing, pools=(replace(listing.pools[0], fee=3000),))
    changed = replace(world.deployed.manifest, parameters=replace(world.deployed.parameters, exchange=other))
    (difference,) = verify(Deployment(world.chain, changed))
    assert difference.where == "exchange pool WETH/USDC 3000"


def test_parameters_survive_their_file():
    chosen = local()
    assert [pool.name for pool in chosen.exchange.pools] == ["WETH/USDC", "WBTC/USDC", "WETH/WBTC"]
    assert Parameters.from_json(chosen.to_json()) == chosen
    assert local(exchange=False).exchange is None


def test_an_exchange_that_exists(world):
    """Its addresses are parameters: nothing is deployed, all is verified, and it trades."""
    listing = ExchangeListing(world.deployed.parameters.exchange.pools[:1], world.exchange.where)
    tokens = world.deployed.tokens
    assets = tuple(replace(a, token=t.address) for a, t in zip(parameters().assets, tokens, strict=True))
    chosen = replace(parameters(), exchange=listing, assets=assets)
    second = deploy(world.chain, world.admin, Parameters.from_json(chosen.to_json()))
    assert "SwapRouter" not in second.manifest.contracts
    assert verify(second) == []
    exchange = Exchange.of(second)
    assert exchange.states() == world.exchange.states()[:1]
    assert exchange.best_in(0, 10**9, 1) == world.exchange.best_in(0, 10**9, 1)


def test_public_chains_get_none_of_ours():
    """A fresh Uniswap there is a mock like any other."""
    chain = ProcessChain(chain_id=5)
    assert parameters(exchange=True).mocks[-1] == "exchange"
    with pytest.raises(UnsafeParameters, match="exchange"):
        deploy(chain, chain.accounts[0], parameters(exchange=True))


def test_worlds_have_none_unless_asked():
    with pytest.raises(NoExchange, match="`exchange` in the parameters"):
        _ = World.create(liquidity=0, insurance=0).exchange


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.setattr(artifacts, "packages", lambda: tmp_path)
    return tmp_path


def test_packages_that_are_not_installed(elsewhere):
    """The remedy is named; nothing has been sent."""
    chain = ProcessChain()
    with pytest.raises(ArtifactsMissing, match=r"UniswapV3Factory\.json.*bootstrap\.sh runtime"):
        deploy(chain, chain.accounts[0], local())
    assert chain.nonce(chain.accounts[0]) == 0


def test_packages_that_are_damaged(elsewhere):
    path = elsewhere / artifacts.PLACES["UniswapV3Factory"] / "UniswapV3Factory.sol" / "UniswapV3Factory.json"
    path.parent.mkdir(parents=True)
    for text in ("{", "{}", '{"abi": [], "bytecode": 1, "deployedBytecode": "", "linkReferences": {}}'):
        path.write_text(text)
        with pytest.raises(ArtifactsMissing, match="damaged"):
            artifacts.load()


def test_the_published_code():
    """The periphery finds pools by this hash of the core's code: the two packages belong together."""
    assert artifacts.pool_init_code_hash().hex() == "e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54"

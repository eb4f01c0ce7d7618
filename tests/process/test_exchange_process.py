"""The exchange on Anvil, and through a second connection that knows the folder of the deployment alone."""

from __future__ import annotations

import pytest

from plimsoll.chain import Anvil, RpcChain
from plimsoll.deploy import Deployment, verify
from plimsoll.exchange import Exchange
from plimsoll.testing import World

pytestmark = pytest.mark.anvil

USDC, WETH = 0, 1


def test_quotes_swaps_and_arbitrage_over_rpc(tmp_path):
    """Each as foreseen, to the unit."""
    with Anvil(accounts=20) as chain:
        world = World.create(chain, exchange=True)
        world.deployed.manifest.save(tmp_path)
        deployment = Deployment.open(RpcChain(chain.rpc.url), tmp_path)
        assert verify(deployment) == []
        exchange = Exchange.of(deployment)
        owner = world.actor("owner")
        account = world.account(owner)
        world.fund(account, USDC, 10**11)

        quote = exchange.best_in(USDC, 10**10, WETH)
        world.execute(owner, exchange.sell_action(account, USDC, 10**10, WETH, quote.amount_out))
        assert world.held(account, WETH) == quote.amount_out

        arbitrageur, pool = world.actor("arbitrageur"), exchange.pool(WETH, USDC)
        world.token(WETH).write("mint", arbitrageur, 10**22, sender=world.admin)
        exchange.move_to(pool, 2_000 * 10**10, sender=arbitrageur)
        assert exchange.states([pool])[0].price == 2_000 * 10**10

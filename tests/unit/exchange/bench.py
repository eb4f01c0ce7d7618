"""A Uniswap with one pool of two tokens, in whichever order and decimals a test wants them."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.actions import MAX_UINT256
from plimsoll.chain import ProcessChain
from plimsoll.contracts import Contract, load
from plimsoll.deploy.files import Journal
from plimsoll.deploy.parameters import Asset
from plimsoll.deploy.plan import Plan
from plimsoll.deploy.runner import run
from plimsoll.exchange import Exchange
from plimsoll.exchange.listing import BANDS, Addresses, ExchangeListing, PoolListing
from plimsoll.exchange.pair import Pair
from plimsoll.exchange.steps import FACTORY, MULTICALL, POSITIONS, QUOTER, ROUTER, exchange_steps
from plimsoll.exchange.swaps import Pool, pool_address

PRICE = 10**10
BASE, QUOTE = 1, 0


def asset(symbol, decimals):
    return Asset(symbol, symbol, decimals, 0, 0, 0, 60, 0, 0)


def tokens_in_order(plan, decimals, base_first):
    """Creates tokens until the base's address is on the side that was asked for; their addresses follow from nonces."""
    from plimsoll.deploy.runner import contract_address

    deployer, nonce = plan.deployer, len(plan.steps)
    base = plan.create("BASE", "MockERC20", "BASE", "BASE", decimals[0])
    address = int(contract_address(deployer, nonce), 16)
    while True:
        nonce = len(plan.steps)
        right = (address < int(contract_address(deployer, nonce), 16)) == base_first
        quote = plan.create("QUOTE" if right else f"spare {nonce}", "MockERC20", "QUOTE", "QUOTE", decimals[1])
        if right:
            return base, quote


@dataclass
class Bench:
    chain: ProcessChain
    exchange: Exchange
    tokens: dict[int, Contract]
    owner: str

    @property
    def pool(self):
        return self.exchange.pools[0]

    def state(self):
        return self.exchange.states()[0]

    def rich(self, amount=10**40):
        """Somebody with plenty of both tokens and an allowance for the router."""
        person = self.chain.accounts[1]
        for token in self.tokens.values():
            token.write("mint", person, amount, sender=self.owner)
            token.write("approve", self.exchange.router.address, MAX_UINT256, sender=person)
        return person

    def balance(self, number, holder):
        return self.tokens[number].read("balanceOf", holder)


def bench(*, decimals=(18, 6), base_first=True, price=3000 * PRICE, depth=20_000_000, fee=500, bands=BANDS):
    chain = ProcessChain()
    plan = Plan(load())
    plan.deployer = owner = chain.accounts[0]
    base, quote = tokens_in_order(plan, decimals, base_first)
    listing = ExchangeListing((PoolListing("BASE", "QUOTE", fee, price, depth, bands),))
    assets = [asset("QUOTE", decimals[1]), asset("BASE", decimals[0])]
    exchange_steps(plan, listing, assets, [quote, base], owner)
    found = run(plan, chain, owner, Journal.open(None, chain.chain_id, ""))
    where = Addresses(*[found[name] for name in (FACTORY, ROUTER, POSITIONS, QUOTER, MULTICALL)])
    pair = Pair(found["BASE"], decimals[0], found["QUOTE"], decimals[1])
    assert pair.base_is_token0 is base_first
    pool = Pool("BASE/QUOTE", BASE, QUOTE, fee, pool_address(where.factory, pair, fee), pair)
    artifact = load()["MockERC20"]
    tokens = {BASE: Contract(chain, pair.base, artifact), QUOTE: Contract(chain, pair.quote, artifact)}
    return Bench(chain, Exchange(chain, where, [pool], owner), tokens, owner)

"""S-2: no change of parameters makes an account liquidatable, or callable, in the block in which it lands.

Random accounts are written into the engine's own slots, near their margins, with debts, lent balances, pairs and calls
past their deadline; some feeds are stale. Each random change lands in a block of its own, and is compared with the
moment before it.
"""

from __future__ import annotations

import random
from dataclasses import astuple
from itertools import pairwise

import pytest

from plimsoll import ledger
from plimsoll.accounts import cross
from plimsoll.contracts import events, load
from plimsoll.deploy.protocol import risk_tuple, terms_tuple
from plimsoll.errors import Reverted
from plimsoll.margin.account import DEBT, Account, Balance
from plimsoll.margin.option_terms import OptionTerms
from plimsoll.prices import PRICE
from plimsoll.testing import World

LIQUIDATABLE = 3
DAY = 86_400
WAD = 10**18
PAIR = 0x8000 | 1 << 6
PRICES = {1: 3_000 * PRICE, 2: 60_000 * PRICE, 3: 150 * PRICE}


class Town:
    """A protocol with accounts at the edge, and someone who keeps changing its parameters."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.world = World.create()
        self.terms = list(terms_tuple(self.world.deployed.parameters.terms))
        self.risks = [list(risk_tuple(market)) for market in self.world.deployed.parameters.markets]
        self.ramped = 0
        self.accounts: list[bytes] = []
        self.set_lending()
        for number in range(40):
            self.accounts.append(self.settle(number))

    # ---------------------------------------------------------------- accounts

    def store(self, slot: int, word: int) -> None:
        self.world.chain.set_storage(self.world.engine.address, slot, word)

    def set_lending(self) -> None:
        """Half of what is lent is owed, for some time already."""
        for asset in (0, 1, 2):
            words = ledger.read(self.world.engine, [ledger.lending(asset)])
            self.store(ledger.lending(asset), words[0] | 5 * 10**6 << 160)

    def settle(self, number: int) -> bytes:
        """An account whose equity is a few per cent above or below its maintenance or its call margin."""
        draw, paired = self.draw, number % 5 == 4
        owner = cross("0x" + f"{number + 1:040x}")
        id = bytes(owner[:20]) + bytes([1, *PAIR.to_bytes(2, "big")]) + bytes(9) if paired else bytes(owner)
        balances = {1: Balance(held=draw.randint(1, 40) * 10**17)}
        positions: dict[int, tuple[int, int]] = {}
        if paired:
            balances[0] = Balance(shares=draw.randint(300, 10_000) * 10**6, kind=DEBT)
        else:
            if draw.random() < 0.5:
                balances[2] = Balance(shares=draw.randint(1, 10) * 10**6, kind=draw.choice([1, 2]))
            for market in range(3):
                if draw.random() < 0.6:
                    notional = draw.randint(500, 30_000) * WAD * draw.choice([1, -1])
                    positions[market] = (notional // PRICES[market + 1], 0)
        deadline = draw.choice([0, 0, self.world.chain.block()[1] - 1])
        self.write(id, balances, positions, deadline)
        found = self.world.assess(id)
        level = draw.choice([found.mm, found.mm + (found.im0 - found.mm) * self.terms[0] // 10_000])
        short = level * draw.randint(985, 1_030) // 1_000 - found.equity
        if positions:
            market, (size, _) = next(iter(positions.items()))
            positions[market] = (size, -short)
        elif short > 0:
            balances[0] = Balance(balances[0].held if 0 in balances else 0, *astuple(balances.get(0, Balance()))[1:])
            balances[1] = Balance(held=balances[1].held + short * 10**10 // PRICES[1])
        else:
            balances[1] = Balance(held=max(balances[1].held - -short * 10**10 // PRICES[1], 1))
        self.write(id, balances, positions, deadline)
        return id

    def write(self, id: bytes, balances, positions, deadline: int) -> None:
        account = Account.of(id, balances, positions, call_deadline=deadline)
        self.store(ledger.header(id), account.header.to_word())
        for asset, balance in account.balances.items():
            self.store(ledger.balance(id, asset), balance.to_word())
        for market, position in account.positions.items():
            self.store(ledger.position(id, market), position.to_word())

    def assess(self):
        return [self.world.assess(id) for id in self.accounts]

    # ---------------------------------------------------------------- changes

    def change(self) -> str | None:
        """One random change of parameters; the name of the error when it is refused."""
        kind = self.draw.choice(
            [self.asset, self.asset, self.pair, self.market, self.market, self.set_terms, self.model]
        )
        try:
            kind()
        except Reverted as reverted:
            return reverted.name
        return None

    def configure(self, name: str, *args: object) -> None:
        receipt = self.world.config.write(name, *args, sender=self.world.admin)
        self.ramped += len(events(receipt.logs, "ParameterRamped"))

    def asset(self) -> None:
        mm = self.draw.randint(100, 3_000)
        im, age = mm + self.draw.randint(1, 3_000), self.draw.choice([30, 60, 600])
        sigma = self.draw.choice([5_000, 10_000, 20_000])
        number = self.draw.choice([1, 2])
        decimals = (18, 8)[number - 1]
        self.configure("setAsset", number, (decimals, number, im, mm, age, sigma, 10**13, 10**12, 1_000, 1_000))

    def pair(self) -> None:
        mm = self.draw.randint(200, 3_000)
        self.configure("setPair", 1, 0, mm + self.draw.randint(1, 3_000), mm)

    def market(self) -> None:
        number = self.draw.randrange(3)
        risk = list(self.risks[number])
        mm = sorted(self.draw.randint(250, 1_000) for _ in range(3))
        im = sorted(rate + self.draw.randint(1, 1_000) for rate in mm)
        bound = self.draw.choice([1, 10, 5_000])
        risk[:4] = mm, im, bound, bound + self.draw.choice([10, 15_000 - bound])
        risk[5], risk[6] = self.draw.choice([30, 60]), self.draw.choice([8_000, 10_000, 12_000])
        self.configure("setMarketRisk", number, tuple(risk))

    def set_terms(self) -> None:
        self.terms[0], self.terms[1] = sorted(self.draw.sample(range(100, 10_000), 2))
        self.configure("setTerms", tuple(self.terms))

    def model(self) -> None:
        world = self.world
        floor = self.draw.randint(1, 39) * WAD
        artifact = load()["RuleMargin"]
        rule = (floor, 40 * WAD, self.draw.randint(0, 10_000), OptionTerms().to_word())
        code = artifact.creation(*rule, world.deployed["NormalTable"].address)
        receipt = world.chain.deploy(world.admin, code)
        self.configure("setModel", receipt.contract_address, 2, self.draw.choice([20, 22]))


def worse(before, after) -> bool:
    """Whether an account is called or liquidated more easily, or has become liquidatable."""
    below = after.state >= LIQUIDATABLE > before.state
    over_mm, over_im0 = after.equity - after.mm, after.equity - after.im0
    return below or over_mm < before.equity - before.mm or over_im0 < before.equity - before.im0


@pytest.mark.parametrize("seed", range(3))
def test_no_change_makes_an_account_liquidatable_in_its_block(seed):
    """Changes upon changes, in the middle of ramps too; and the accounts do end where the parameters say."""
    town = Town(seed)
    refused: dict[str, int] = {}
    landed = 0
    for step in range(120):
        if town.draw.random() < 0.7:
            town.world.post({})
        town.world.chain.advance(town.draw.choice([12, 90, 3_600, DAY // 3, DAY]))
        before = town.assess()
        error = town.change()
        if error:
            refused[error] = refused.get(error, 0) + 1
            continue
        landed += 1
        for id, one, other in zip(town.accounts, before, town.assess(), strict=True):
            assert not worse(one, other), (step, id.hex(), one, other)

    assert landed > 40
    assert town.ramped > 15  # what would have raised a margin at once
    assert set(refused) <= {"RampInProgress", "FeedNotFresh", "FillCostAboveHalfMaintenance", "DustBelowFloor"}


def test_a_day_later_the_change_has_arrived():
    """MM only rises on the way, and what it rises to is what the parameters alone would ask."""
    town = Town(7)
    town.world.post({})
    town.configure("setAsset", 1, (18, 1, 4_000, 3_000, 60, 10_000, 10**24, 0, 0, 1_000))
    risk = list(town.risks[0])
    risk[:2] = (500, 600, 800), (1_000, 1_200, 1_600)
    town.configure("setMarketRisk", 0, tuple(risk))
    seen = [town.assess()]
    for _ in range(4):
        town.world.chain.advance(DAY // 4)
        town.world.post({})
        seen.append(town.assess())
    town.configure("endRamps", [0, 1, 2])
    after = town.assess()

    for earlier, later in pairwise(seen):
        assert all(one.mm <= other.mm + WAD // 100 for one, other in zip(earlier, later, strict=True))
    assert [one.mm for one in after] == [one.mm for one in seen[-1]]
    assert sum(last.mm > first.mm for first, last in zip(seen[0], seen[-1], strict=True)) > 20
    made = [last for first, last in zip(seen[0], seen[-1], strict=True) if last.state >= LIQUIDATABLE > first.state]
    assert made  # it does bind, a day later

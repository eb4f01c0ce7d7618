"""A market in which a loser owes more than he has, the pool may not pay, and the winners are many.

crash = Crash.create(longs=(60, 40))          # longs of so many ETH, one short of all of it, insurance empty
crash.rise(300)                               # the short is bankrupt; nobody has been touched
crash.liquidate()                             # recognised: the longs' epoch
"""

from __future__ import annotations

from desk import ETH, PRICE, SIZE, USDC, WAD, Desk

from plimsoll.actions import lend, liquidate, settle

MILLION = 1_000_000


class Crash:
    def __init__(self, desk, victim, winners, taker, side):
        self.desk, self.victim, self.winners, self.taker, self.side = desk, victim, winners, taker, side

    @classmethod
    def create(
        cls,
        sizes=(60, 40),
        *,
        loser=None,
        margin=20_000,
        liquidity=MILLION,
        insurance=0,
        side=1,
        entries=None,
        beside=None,
    ):
        """Winners of `sizes` ETH on `side`, who came at `entries`, and across one loser of all of it, or of `loser`;
        `beside`: the entry of one who stands where the loser does, and wins. The market's allocation is nothing."""
        desk = Desk.create(liquidity=liquidity, insurance=insurance)
        desk.set_trade(ETH, move=1, gap=1)
        taker, victim = desk.trader("taker", 10 * MILLION), desk.trader("victim", margin)
        winners = []
        if beside:
            desk.post({1: beside * PRICE})
            desk.trade(desk.trader("beside", 100_000), ETH, -side * int(sum(sizes) * SIZE))
        for number, size in enumerate(sizes):
            winners.append(desk.trader(f"winner {number}", 50_000))
            if entries:
                desk.post({1: entries[number] * PRICE})
            desk.trade(winners[-1], ETH, side * int(size * SIZE))
        desk.post({1: 3_000 * PRICE})
        desk.trade(victim, ETH, -side * int((loser or sum(sizes)) * SIZE))
        desk.set_trade(ETH, allocation=0)
        if not insurance:
            desk.config.write("setInsuranceCap", ETH, 0, sender=desk.admin)
        return cls(desk, victim, winners, taker, side)

    def move(self, by):
        """The price, against the loser, by so much quote."""
        self.desk.post({1: 3_000 * PRICE + self.side * by * PRICE})

    def open(self, account, size):
        """A trade of somebody else, who needs the market's allocation for a moment."""
        self.desk.set_trade(ETH, allocation=3_000)
        receipt = self.desk.trade(account, ETH, size)
        self.desk.set_trade(ETH, allocation=0)
        return receipt

    def liquidate(self, target=None):
        return self.desk.act(self.taker, liquidate(self.taker, target or self.victim))

    def told(self, receipt):
        """What the waterfall says it took, WAD, by its stages, and from whom."""
        desk = self.desk
        recognised = sum(e.args["deficit"] - e.args["insured"] for e in desk.events(receipt, "LossRecognised"))
        pool = sum(e.args["amount"] for e in desk.events(receipt, "PoolPaid"))
        beyond = sum(e.args["beyond"] for e in desk.events(receipt, "PoolPaid"))
        side = sum(e.args["amount"] for e in desk.events(receipt, "SideCharged"))
        lenders = sum(e.args["amount"] for e in desk.events(receipt, "LendersLost")) * 10**12
        return {"recognised": recognised, "pool": pool, "side": side, "lenders": lenders, "beyond": beyond}

    def lend(self, amount):
        lender = self.desk.trader("lender", amount)
        self.desk.act(lender, lend(lender, 0, amount * USDC))
        return lender

    def equity(self, account):
        return self.desk.assess(account).equity

    def settle_all(self):
        """Touches every position."""
        desk = self.desk
        everyone = [one for one in desk.everyone() if one not in (desk.pool_account, desk.insurance)]
        return desk.act(self.taker, settle(ETH, everyone))

    def sums(self):
        """(long, short, C long, C short): the market's, and what the stored positions add up to."""
        desk, words = self.desk, self.desk.market_words(ETH)
        stored = (words.state.long_size, words.state.short_size, words.costs.long_cost, words.costs.short_cost)
        found = [0, 0, 0, 0]
        for account in desk.everyone():
            position = desk.mirror(account).positions[ETH]
            short = position.size < 0
            found[short] += abs(position.size)
            found[2 + short] += position.cost
        return stored, tuple(found)


def wad(amount):
    return int(amount * WAD)

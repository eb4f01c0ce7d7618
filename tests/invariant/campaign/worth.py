"""What accounts, the pool and people are worth at a moment, at last prices whatever their age."""

from __future__ import annotations

from campaign.cast import ASSETS, PEOPLE, UNIT, WAD
from plimsoll.margin import account as twin
from plimsoll.margin import interest_math, preview


class Worth:
    """Part of a Book. Values WAD."""

    def pnl(self, account: bytes, market: int) -> int:
        position = self.position(account, market)
        return position.size * (self.price(market) - self.index[market]) - position.cost

    def equity(self, account: bytes) -> int:
        entry = self.accounts[account]
        worth = 0
        for asset in twin.bits(entry.header.assets):
            amount = entry.balances[asset].held + self.lent(account, asset) - self.debt(account, asset)
            worth += self.value(asset, amount)
        for market in twin.bits(entry.header.markets):
            worth += self.pnl(account, market)
        return worth

    def potential(self) -> int:
        """Φ: what the traders would be paid in premium if all of them closed at index."""
        total = 0
        for market, m in self.markets.items():
            skew = m.state.skew
            total += -(-abs(skew) * self.price(market) * abs(skew) // (2 * m.trade.skew_scale))
        return total

    def pool_equity(self) -> int:
        """From the positions themselves; where some have not met an epoch, from the market's sums."""
        worth = self.held(self.arena.pool_account) * UNIT
        for market, m in self.markets.items():
            if self.stale(market):
                worth += preview.market_contribution(m, self.snapshot)
            else:
                worth -= sum(self.pnl(a, market) for a in self.arena.accounts if self.words[a][0] >> 64 >> market & 1)
        return worth

    def close_out(self) -> int:
        return self.pool_equity() - self.potential()

    def wealth(self, name: str, close_out: int, pending: dict) -> int:
        """All that a person owns anywhere in and around the protocol."""
        arena = self.arena
        place = PEOPLE.index(name)
        worth = sum(self.equity(account) for account in arena.all_of(name))
        address = arena.people[name]
        for asset in ASSETS:
            amount = self.holdings[asset][place]
            amount += interest_math.amount_down(self.shares[asset][place], self.loans[asset].lent_index)
            amount += sum(part for to, part in self.outside.queues[asset] if to == address)
            amount += self.outside.set_aside[asset].get(address, 0)
            worth += self.value(asset, amount)
        if stake := self.outside.stake[place]:
            insured = max(self.held(arena.insurance), 0) + 1
            worth += stake * insured * UNIT // (self.outside.stake_supply + 10**6)
        lp = self.lp[place]
        for kind, controller, amount in pending.values():
            if controller != name:
                continue
            if kind == "deposit":
                worth += amount * UNIT
            else:
                lp += amount
        worth += lp * (max(close_out, 0) + WAD) // (self.lp_supply + WAD)
        return worth + self.claimable[name] * UNIT

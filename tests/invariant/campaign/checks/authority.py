"""A-1 and A-2: owners and operators."""

from __future__ import annotations

from campaign.broken import require
from campaign.cast import ASSETS, DUST, MARKETS, WAD
from plimsoll.margin.account import PriceUse


def a1_only_owners_move_what_is_theirs(run, tx) -> None:
    """Nobody's balance or position is changed by another, but for what is open: deposit, settle, call, liquidate."""
    if not tx.is_batch:
        return
    for account in tx.before.arena.accounts:
        if tx.before.words[account] == tx.after.words[account] or account in tx.targets:
            continue
        owner = run.arena.owner(account)
        if owner in tx.actors:
            continue
        if account in tx.operated:  # what he may do: a2
            continue
        for asset in ASSETS:
            less = tx.after.held(account, asset) < tx.before.held(account, asset)
            require(not less, "A-1", "{} lost asset {} to {}", account.hex(), asset, tx.sender)
            old, new = (book.accounts[account].balances[asset] for book in (tx.before, tx.after))
            same = (old.shares, old.kind) == (new.shares, new.kind)
            require(same, "A-1", "{} has {} of asset {} after {}", account.hex(), new, asset, tx.sender)
        for market in MARKETS:
            old, new = tx.before.position(account, market), tx.after.position(account, market)
            same = old == new or bool(tx.found("SideCharged") or tx.found("SideShrunk"))
            require(same, "A-1", "position of {} changed by {}", account.hex(), tx.sender)


def a2_operators_stay_within_their_limits(run, tx) -> None:
    for account in tx.operated:
        limits = run.grants.get((account, tx.sender))
        require(limits is not None, "A-2", "{} acted without a grant", tx.sender)
        markets, most, leverage, reduce_only, expiry, ppm, daily = limits
        before, after = tx.before, tx.after
        require(after.time < expiry, "A-2", "the grant expired at {}", expiry)
        notional = 0
        for event in tx.found("Traded"):
            if event.args["account"] != account:
                continue
            require(markets >> event.args["market"] & 1 == 1, "A-2", "market {}", event.args["market"])
            notional += abs(event.args["size"]) * event.args["index"]
        cost = max(before.equity(account) - after.equity(account), 0)
        require(cost <= notional * ppm // 10**6 + DUST, "A-2", "a batch cost {} on {}", cost, notional)
        key = (account, tx.sender, after.time // 86_400)
        run.spent[key] = run.spent.get(key, 0) + cost
        require(run.spent[key] <= daily * WAD + DUST * 100, "A-2", "the day cost {} of {}", run.spent[key], daily)
        found = after.assess(account, PriceUse.REDUCE)
        if reduce_only:
            for market in MARKETS:
                old, new = before.size(account, market), after.size(account, market)
                require(abs(new) <= abs(old) and new * old >= 0, "A-2", "reduce-only: {} to {}", old, new)
        else:
            require(found.notional <= most * WAD, "A-2", "notional {} of {}", found.notional, most)
            require(found.notional * 100 <= max(found.equity, 0) * leverage + 100, "A-2", "leverage over {}", leverage)
        for asset in ASSETS[1:]:
            same = before.accounts[account].balances[asset] == after.accounts[account].balances[asset]
            require(same, "A-2", "asset {} of {} moved", asset, account.hex())

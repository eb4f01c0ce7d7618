"""W-1, I-6 and O-2: who pays for a loss, and that it is the loss, to the wei."""

from __future__ import annotations

from campaign.broken import require
from campaign.cast import ASSETS, UNIT
from plimsoll.margin.interest_math import INDEX_ONE


def w1_what_is_socialised_is_the_loss(run, tx) -> None:
    """What insurance leaves of a deficit is written off, and every write-off has its payers, to the wei."""
    written = sum(event.args["amount"] for event in tx.found("LossWrittenDown"))
    sides = sum(event.args["amount"] for event in tx.found("SideCharged"))
    pool = sum(event.args["amount"] + event.args["beyond"] for event in tx.found("PoolPaid"))
    forgiven = [_left_to_lenders(tx, asset) for asset in ASSETS]
    lost = [_lost(tx, asset) for asset in ASSETS]
    levied = (lost[0] - forgiven[0]) * UNIT
    require(
        written == sides + pool + levied,
        "W-1",
        "{} written down; sides {}, pool {}, lenders {}",
        written,
        sides,
        pool,
        levied,
    )
    for asset in ASSETS[1:]:
        borne = lost[asset] == forgiven[asset] or not tx.start.loans[asset].lent_shares
        require(borne, "W-1", "asset {}: {} of debts left to lenders, who lost {}", asset, forgiven[asset], lost[asset])
    _recognised(tx, written)


def _left_to_lenders(tx, asset: int) -> int:
    """Of forgiven debts, what neither reserve nor insurance paid, token units."""
    found = (event.args for event in tx.found("DebtForgiven") if event.args["asset"] == asset)
    return sum(a["amount"] - a["fromReserve"] - a["fromInsurance"] for a in found)


def _lost(tx, asset: int) -> int:
    return sum(event.args["amount"] for event in tx.found("LendersLost") if event.args["asset"] == asset)


def _recognised(tx, written: int) -> None:
    left = sum(event.args["deficit"] - event.args["insured"] for event in tx.found("LossRecognised"))
    debts = [(event.args["asset"], event.args["amount"]) for event in tx.found("DebtForgiven")]
    targets = {event.args["target"] for event in tx.found("LossRecognised")}
    if not debts and not any(tx.before.accounts[target].header.debts for target in targets):
        require(written == left, "W-1", "insurance left {} of deficits, {} is written down", left, written)
    elif tx.before.all_good:
        value = sum(tx.before.value(asset, amount) for asset, amount in debts)
        # Less than a share of a debt is no write-off, and more than that is one up to the next unit.
        slack = sum(tx.before.crumbs(target) for target in targets)
        off = written + value - left
        require(abs(off) <= slack, "W-1", "{} left by insurance, {} written off", left, written + value)


def i6_lent_indices_fall_by_losses_only(run, tx) -> None:
    """At one moment an index moves by a recognised loss of the asset only, and by exactly that; debts' never."""
    for asset in ASSETS:
        old, new = tx.start.loans[asset], tx.after.loans[asset]
        require(new.debt_index == old.debt_index, "I-6", "debt index of {}: {} to {}", asset, old, new)
        losses = [event.args for event in tx.found("LendersLost") if event.args["asset"] == asset]
        if not losses:
            require(new.lent_index == old.lent_index, "I-6", "lent index of {}: {} to {}", asset, old, new)
            continue
        require(new.lent_index == losses[-1]["lentIndex"], "I-6", "lent index of {}: {}, {}", asset, new, losses)
        if new.lent_shares != old.lent_shares:
            continue
        index = old.lent_index
        for loss in losses:
            index = max(old.lent_shares * index - loss["amount"] * INDEX_ONE, 0) // old.lent_shares
        require(index == new.lent_index, "I-6", "lent index of {}: {} after {}", asset, new.lent_index, losses)


def borne(tx, name: str) -> int:
    """What a person may lose by the losses of others: as LP, staker, lender, or winner against a debtor. WAD."""
    before, arena = tx.before, tx.before.arena
    place = arena.holders.index(arena.people[name])
    total = 0
    if before.lp[place] or any(entry[1] == name for entry in tx.pending_before.values()):
        total += sum(event.args["amount"] + event.args["beyond"] for event in tx.found("PoolPaid"))
    if before.outside.stake[place]:
        total += sum(event.args["amount"] for event in tx.found("InsurancePaid")) + UNIT
    accounts = arena.all_of(name)
    for asset in {event.args["asset"] for event in tx.found("LendersLost")}:
        fall = before.loans[asset].lent_index - tx.after.loans[asset].lent_index
        balances = [before.accounts[account].balances[asset] for account in accounts]
        shares = before.shares[asset][place] + sum(b.shares for b in balances if b.kind == 1)
        total += before.value(asset, -(-shares * fall // INDEX_ONE) + 1 + len(balances)) if shares else 0
    for event in tx.found("SideCharged"):
        total += sum(max(charged(before, account, event.args), 0) + 4 for account in accounts)
    return total


def charged(before, account: bytes, event: dict) -> int:
    """What a charge takes of an account: r of its profit there; to a loser there it gives r of his loss."""
    market, sign = event["market"], 1 if event["long"] else -1
    if before.size(account, market) * sign <= 0:
        return 0
    return -(-before.pnl(account, market) * event["amount"] // event["net"])


def relieved(tx, accounts) -> int:
    """What losers on a charged side gain by it, as DESIGN's r·(size·p − cost) has it."""
    found = (charged(tx.before, account, event.args) for event in tx.found("SideCharged") for account in accounts)
    return sum(max(-part, 0) + 4 for part in found)

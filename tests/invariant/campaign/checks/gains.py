"""S-3, S-5, S-6, O-1 and O-2: who may gain and who may lose."""

from __future__ import annotations

from campaign.broken import require
from campaign.cast import ASSETS, ATTACKERS, DUST, PEOPLE, UNIT, WAD
from campaign.checks.losses import borne, relieved


def s3_values_flow_only_as_documented(run, tx) -> None:
    """S-3, S-5, S-6, O-1 and O-2 in one: at constant prices nobody gains but by what is written in DESIGN section 4."""
    if tx.found("MarketFinal"):
        return  # a price of its own begins to hold
    before, after = tx.before, tx.after
    out, now = before.close_out(), after.close_out()
    covered = sum(event.args["amount"] for event in tx.found("InsurancePaid"))
    _insurance_pays_within_its_windows(run, tx, covered)
    pooled = sum(event.args["amount"] + event.args["beyond"] for event in tx.found("PoolPaid"))
    shares = (before.lp_supply + WAD, after.lp_supply + WAD)
    if out > 0:
        kept = (now + pooled + _units_met(tx) + DUST + WAD) * shares[0] - (out + WAD) * shares[1]
        require(kept >= 0, "S-6", "LP shares fell: close-out {} to {}, supply {} to {}", out, now, *shares)
    group = set(tx.actors)
    if group & ATTACKERS:
        group |= ATTACKERS
    targets = {run.arena.owner(account) for account in tx.targets} - group
    gain = lost = 0
    for name in PEOPLE:
        change = after.wealth(name, now, run.pending) - before.wealth(name, out, tx.pending_before)
        if name in group:
            gain += change
        elif name in targets:
            lost += max(-change, 0)
            require(-change <= _owed_by(tx, name, run), "S-4", "{} lost {}", name, -change)
        else:
            # Whose LP request was executed gets whole units of the quote token.
            crumbs = UNIT * sum(tx.pending_before[number][1] == name for number in tx.executed())
            most = DUST + borne(tx, name) + crumbs + _units_met(tx)
            require(change >= -most, "O-2", "{} was no part of it and lost {} of {}", name, -change, most)
    gain += after.potential() - before.potential()
    # What executed requests lose in rounding stays with the other LPs.
    allowed = lost + covered + written_off(tx) + tx.commons + UNIT * len(tx.executed()) + DUST + _reserve_paid(tx)
    allowed += _units_met(tx) + relieved(tx, run.arena.all_of(*group))
    number = "S-3" if tx.found("Liquidated") else "S-6"
    require(gain <= allowed, number, "{} gained {} of {}", sorted(group), gain, allowed)


def _insurance_pays_within_its_windows(run, tx, covered: int) -> None:
    before, after, insurance = tx.before, tx.after, run.arena.insurance
    left = sum(e.args["amount"] for e in tx.found("Withdrawn") if e.args["account"] == insurance) * UNIT
    fund = (after.held(insurance) - before.held(insurance)) * UNIT
    require(fund >= -covered - left, "S-3", "insurance lost {} and paid {}", -fund, covered + left)
    drawn = 0
    for number in (*before.markets, *(("debt", asset) for asset in ASSETS)):
        place = before.debt_insurance[number[1]] if isinstance(number, tuple) else before.markets[number].insurance
        now = after.debt_insurance[number[1]] if isinstance(number, tuple) else after.markets[number].insurance
        same = now.window_start == place.window_start
        drawn += now.spent - (place.spent if same else 0)
        within = now.spent <= now.cap * WAD or now.spent == place.spent
        require(within, "S-3", "insurance of {} past its cap", number)
        fresh = now.window_start - place.window_start >= after.terms.insurance_window
        require(same or fresh, "S-3", "the window of {} began anew too early", number)
    require(drawn >= covered, "S-3", "insurance paid {}, its windows know of {}", covered, drawn)


def written_off(tx) -> int:
    """What the transaction wrote off, of markets and of debts. WAD."""
    written = sum(event.args["amount"] for event in tx.found("LossWrittenDown"))
    return written + sum(tx.before.value(e.args["asset"], e.args["amount"]) for e in tx.found("DebtForgiven"))


def _reserve_paid(tx) -> int:
    """Interest that became insurance's, and so its stakers'."""
    fell = max(tx.before.loans[0].reserve - tx.after.loans[0].reserve, 0)
    return fell * UNIT


def _units_met(tx) -> int:
    """A market's sums move by up to a unit of size where a position meets an epoch (decision 021)."""
    return sum(2 * (count + 1) * tx.before.price(m) for m in tx.before.markets if (count := tx.before.stale(m)))


def _owed_by(tx, name, run) -> int:
    """What a person who did not act may lose as target: bonus and insurance share of his slices, bounties, crumbs."""
    arena = run.arena
    allowed = DUST + UNIT * len(tx.targets) + borne(tx, name)
    for event in tx.found("Liquidated"):
        account = event.args["target"]
        if arena.owner(account) != name:
            continue
        allowed += 4 * UNIT + tx.before.crumbs(account)
        if event.args["equity"] > 0:
            fraction, mm = event.args["fraction"], event.args["mm"]
            allowed += min(event.args["equity"], mm) * fraction // WAD
    for event in tx.found("MarginCalled"):
        if arena.owner(event.args["account"]) == name:
            allowed += event.args["bounty"]
    return allowed

"""S-3, S-5, S-6, O-1 and O-2: who may gain and who may lose."""

from __future__ import annotations

from campaign.broken import require
from campaign.cast import ATTACKERS, DUST, PEOPLE, UNIT, WAD


def s3_values_flow_only_as_documented(run, tx) -> None:
    """S-3, S-5, S-6, O-1 and O-2 in one: at constant prices nobody gains but by what is written in DESIGN section 4."""
    before, after = tx.before, tx.after
    out, now = before.close_out(), after.close_out()
    covered = sum(event.args["amount"] for event in tx.found("InsurancePaid"))
    written = sum(event.args["amount"] for event in tx.found("LossWrittenDown"))
    fund = (after.held(run.arena.insurance) - before.held(run.arena.insurance)) * UNIT
    require(fund >= -covered, "S-3", "insurance lost {} and paid {}", -fund, covered)
    drawn = 0
    for market, m in after.markets.items():
        old = before.markets[market].insurance
        same = m.insurance.window_start == old.window_start
        drawn += m.insurance.spent - (old.spent if same else 0)
        require(m.insurance.spent <= m.insurance.cap * WAD, "S-3", "insurance of market {} past its cap", market)
        fresh = m.insurance.window_start - old.window_start >= after.terms.insurance_window
        require(same or fresh, "S-3", "the window of market {} began anew too early", market)
    require(drawn >= covered, "S-3", "insurance paid {}, its windows know of {}", covered, drawn)
    shares = (before.lp_supply + WAD, after.lp_supply + WAD)
    if out > 0:
        kept = (now + written + DUST + WAD) * shares[0] - (out + WAD) * shares[1]
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
            require(change >= -DUST - written - crumbs, "O-2", "{} was no part of it and lost {}", name, -change)
    gain += after.potential() - before.potential()
    # What executed requests lose in rounding stays with the other LPs.
    allowed = lost + covered + written + tx.commons + UNIT * len(tx.executed()) + DUST
    number = "S-3" if tx.found("Liquidated") else "S-6"
    require(gain <= allowed, number, "{} gained {} of {}", sorted(group), gain, allowed)


def _owed_by(tx, name, run) -> int:
    """What a person who did not act may lose as target: bonus and insurance share of his slices, bounties, crumbs."""
    arena = run.arena
    allowed = DUST + UNIT * len(tx.targets)
    for event in tx.found("Liquidated"):
        account = event.args["target"]
        if arena.owner(account) != name:
            continue
        allowed += 4 * UNIT
        if event.args["equity"] > 0:
            fraction, mm = event.args["fraction"], event.args["mm"]
            allowed += min(event.args["equity"], mm) * fraction // WAD
    for event in tx.found("MarginCalled"):
        if arena.owner(event.args["account"]) == name:
            allowed += event.args["bounty"]
    allowed += sum(event.args["amount"] for event in tx.found("LossWrittenDown"))  # as an LP
    return allowed

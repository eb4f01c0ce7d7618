"""S-4: slices and margin calls."""

from __future__ import annotations

from campaign.broken import require
from campaign.cast import ASSETS, BPS, MARKETS, UNIT, WAD
from plimsoll.margin import account as twin
from plimsoll.margin import preview


def s4_a_slice_never_lowers_health(run, tx) -> None:
    events = tx.found("Liquidated")
    seen = [event.args["target"] for event in events]
    for event in events:
        account, fraction = event.args["target"], event.args["fraction"]
        if seen.count(account) > 1 or _shared(tx):
            continue
        old, new = tx.before.assess(account), tx.after.assess(account)
        header = tx.after.accounts[account].header
        if fraction == WAD:
            whole = not header.markets and not header.debts
            require(whole, "S-4", "{} taken whole keeps positions or debts", account.hex())
            continue
        # Payments are rounded to whole units of the quote token, debts to shares.
        slack = (10 * UNIT + tx.before.crumbs(account)) * max(new.mm, old.mm)
        require(
            new.equity * old.mm + slack >= old.equity * new.mm,
            "S-4",
            "{} health from {}/{} to {}/{}",
            account.hex(),
            old.equity,
            old.mm,
            new.equity,
            new.mm,
        )
        cut = preview.liquidation(tx.before.accounts[account], tx.before.snapshot, WAD)
        if fraction == cut.max_fraction:
            goal = twin.target(new, tx.after.terms)
            goal -= goal // 10**6 + 2 * tx.before.crumbs(account)
            require(new.equity >= goal, "S-4", "full slice leaves {} of {}", new.equity, goal)
            cleared = not header.call_deadline and not header.clock_start
            require(cleared, "S-4", "{} at target but still called", account.hex())


def _shared(tx) -> bool:
    """Whether a loss recognised here changed what others of its targets are worth."""
    several = len(tx.found("Liquidated")) > 1
    return several and bool(tx.found("LendersLost") or tx.found("SideCharged"))


def s4_slices_cost_what_the_rule_says(run, tx) -> None:
    """Bonus, price and insurance are the twin's, and insurance pays for bankrupt accounts only (S-3, T-8)."""
    _insurance_pays_for_the_bankrupt(run.arena, tx)
    _slices_are_the_twins(tx)


def _insurance_pays_for_the_bankrupt(arena, tx) -> None:
    before = tx.before
    bankrupt = {event.args["target"] for event in tx.found("InsurancePaid")}
    bankrupt |= {event.args["target"] for event in tx.found("LossWrittenDown")}
    for account in bankrupt:
        old = before.assess(account)
        if _shared(tx):
            continue
        require(old.equity < 0, "S-3", "insurance paid for {} with equity {}", account.hex(), old.equity)
        paid = sum(e.args["amount"] for e in tx.found("InsurancePaid") if e.args["target"] == account)
        written = sum(e.args["amount"] for e in tx.found("LossWrittenDown") if e.args["target"] == account)
        most = -old.equity + old.mm * before.terms.bonus_start // BPS
        require(paid <= most, "S-3", "insurance paid {} of {}", paid, most)
        require(written <= max(-old.equity - paid, 0), "O-2", "{} written down of {}", written, old.equity)
        if len(bankrupt) == 1:
            cash = before.held(arena.insurance)
            fair = preview.insurance_cover(before.accounts[account], before.snapshot, cash)
            dealt = any(e.args["target"] != account or e.args["toInsurance"] for e in tx.found("Liquidated"))
            if not dealt:
                require(paid == fair, "P-1", "insurance paid {}, the twin {}", paid, fair)
            require(written == 0 or paid >= fair, "O-2", "{} written down before insurance was used", written)


def _slices_are_the_twins(tx) -> None:
    before = tx.before
    events = tx.found("Liquidated")
    seen = [event.args["target"] for event in events]
    for event in events:
        account = event.args["target"]
        if seen.count(account) > 1 or _shared(tx):
            continue
        old = before.assess(account)
        require(
            twin.is_liquidatable(before.accounts[account], old, before.snapshot), "S-2", "{} healthy", account.hex()
        )
        fair = preview.liquidation(before.accounts[account], before.snapshot, event.args["fraction"])
        got = (event.args["fraction"], event.args["paid"], event.args["toInsurance"])
        want = (fair.fraction, fair.to_account, fair.to_insurance)
        require(got == want, "P-1", "slice {} is {} by the twin", got, want)
        require(fair.fraction >= fair.min_fraction > 0, "S-5", "slice {} below {}", fair.fraction, fair.min_fraction)
        rest, _ = preview.take(before.accounts[account], before.snapshot, fair)
        if old.equity >= 0:
            left = tx.after.accounts[account]
            for asset in ASSETS:
                is_, was = left.balances[asset], rest.balances.get(asset, twin.Balance())
                require(is_ == was, "P-1", "{} has {} of asset {}, the twin {}", account.hex(), is_, asset, was)
            for market in MARKETS:
                is_ = tx.after.position(account, market)
                found = rest.positions.get(market)
                was = (found.size, found.cost) if found else (0, 0)
                require((is_.size, is_.cost) == was, "P-1", "{} position {}, the twin {}", account.hex(), is_, was)


def s4_calls_follow_the_levels(run, tx) -> None:
    """A call only below the call margin; no margin leaves a called account; the clock stops only at target or IM₀."""
    before, after = tx.before, tx.after
    for account in tx.removed - tx.targets:
        deadline = before.accounts[account].header.call_deadline
        require(not deadline, "S-4", "margin left {} while it was called", account.hex())
    for event in tx.found("MarginCalled"):
        account = event.args["account"]
        old = before.assess(account)
        level = twin.call_margin(old, before.terms, before.time)
        require(old.equity < level, "S-2", "{} called with {} of {}", account.hex(), old.equity, level)
        most = min(before.terms.bounty * WAD // 100, max(old.equity - old.mm, 0))
        require(event.args["bounty"] <= most, "S-2", "bounty {} of {}", event.args["bounty"], most)
        require(event.args["deadline"] == after.time + after.terms.call_period, "S-2", "deadline of the call")
    for account in before.arena.accounts:
        old, new = before.accounts[account].header, after.accounts[account].header
        if old.clock_start and new.clock_start != old.clock_start:
            require(new.clock_start == 0, "S-4", "the clock of {} started anew", account.hex())
        ended = (old.call_deadline and not new.call_deadline) or (old.clock_start and not new.clock_start)
        if ended and after.at_risk(account) and after.all_good:
            found = after.assess(account)
            full = any(e.args["target"] == account for e in tx.found("Liquidated"))
            goal = twin.target(found, after.terms) if full else found.im0
            goal -= goal // 10**6 + 2 * before.crumbs(account)
            require(found.equity >= goal, "S-4", "{} cleared at {} of {}", account.hex(), found.equity, goal)
        if old.call_deadline and new.call_deadline:
            require(old.call_deadline == new.call_deadline, "S-4", "{} was called again", account.hex())
            gone = [a for a in ASSETS if after.held(account, a) < before.held(account, a)]
            traded = account in tx.traders or account in tx.targets or account in tx.rounded
            require(not gone or traded, "S-4", "margin left the called account {}", account.hex())

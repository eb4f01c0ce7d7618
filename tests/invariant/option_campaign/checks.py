"""The invariants as functions, asked after every transaction of this machine."""

from __future__ import annotations

import random

from campaign.broken import Broken, require

from option_campaign.arena import ASSETS, MARKETS, UNIT
from option_campaign.state import State
from plimsoll.margin import account as twin
from plimsoll.margin import preview
from plimsoll.margin.account import PriceUse
from plimsoll.margin.option_series import expiry_of, group_of, market_of

MAX_SERIES, MAX_EXPIRIES = 128, 12


def o1_no_balance_is_negative(run, tx) -> None:
    """Clearing accounts among them."""
    for account, entry in tx.after.accounts.items():
        for asset in ASSETS:
            held = entry.balances[asset].held
            require(held >= 0, "O-1", "{} holds {} of asset {}", account.hex(), held, asset)


def i1_held_is_what_came_in(run, tx) -> None:
    """Fills, settlements and liquidations move quote between accounts, to the unit; vaults hold what is claimed."""
    state: State = tx.after
    for asset in ASSETS:
        held = sum(entry.balances[asset].held for entry in state.accounts.values())
        require(
            held == state.totals[asset].held, "I-1", "asset {}: {} held, totals {}", asset, held, state.totals[asset]
        )
        cash = run.world.token(asset).read("balanceOf", run.world.vault(asset).address)
        require(cash >= held, "I-5", "asset {}: the vault has {} of {} held", asset, cash, held)
    if tx.label in ("fill", "close", "settle options", "transfer option", "liquidate", "settle"):
        lent = any(tx.found(name) for name in ("LendersLost", "LendingTotals", "SharesChanged"))
        cash = tx.after.cash() - tx.before.cash()
        require(lent or cash == 0, "I-1", "{} made {} of quote", tx.label, cash)


def i2_options_sum_to_zero(run, tx) -> None:
    """Of every series until its price is final; after that what is left is what the clearing account holds."""
    state: State = tx.after
    for series, total in state.sums().items():
        final = state.settled[market_of(series), expiry_of(series)]
        require(total == 0 or final, "I-2", "series {}: quantities sum to {}", series, total)
    for market in MARKETS:
        cash, owed = state.held(run.world.clearing(market)) * UNIT, state.owed(market)
        slack = run.stats["settled accounts"] * UNIT if run.stats["settled accounts"] else 0
        most = (len(run.arena.accounts) * 20 + 1) * UNIT
        require(0 <= cash - owed <= max(slack, most), "I-2", "clearing of {} has {} for {}", market, cash, owed)


def i2_perps_sum_to_zero(run, tx) -> None:
    for market, total in tx.after.perp_pnl().items():
        pool = preview.market_contribution(tx.after.snapshot.markets[market], tx.after.snapshot)
        require(total + pool == 0, "I-2", "market {}: traders {} and pool {}", market, total, pool)


def i3_books_are_in_order(run, tx) -> None:
    """As many as the header says, each once, none of nothing, no more than may be, and nothing behind them."""
    for account, entry in tx.after.accounts.items():
        count, halves = entry.header.options, tx.after.halves(account)
        used = halves[:count]
        where = account.hex()
        require(all(half >> 64 for half in used), "I-3", "{} has an option of nothing: {}", where, used)
        require(not any(halves[count:]), "I-3", "{} has something behind its {} options", where, count)
        require(len({half % 2**64 for half in used}) == count, "I-3", "{} has a series twice", where)
        groups = len({group_of(half % 2**64) for half in used})
        require(count <= MAX_SERIES and groups <= MAX_EXPIRIES, "I-3", "{}: {} in {}", where, count, groups)
        markets = {market_of(half % 2**64) for half in used}
        bound = {int.from_bytes(account[21:23], "big")} if account[20] == 1 else set(MARKETS)
        require(markets <= bound, "I-3", "{} has options of {}", where, markets)


def s1_risk_taken_is_margined(run, tx) -> None:
    """Fully, by all scenarios, at good prices and fresh surfaces."""
    if tx.reducing:
        return
    for account in tx.opened:
        if not tx.after.at_risk(account):
            continue
        try:
            found = tx.after.assess(account, PriceUse.OPEN)
        except (twin.PriceUnusable, ArithmeticError) as error:
            raise Broken("S-1", f"new risk of {account.hex()}: {error}") from None
        # What is covered to the last unit needs no margin, and nothing of its notional stays.
        keeps = account in tx.left and found.mm
        needed = max(found.im, twin.removal_margin(found)) if keeps else found.im
        require(found.equity >= needed, "S-1", "{} leaves with {} of {}", account.hex(), found.equity, needed)


def s2_nobody_is_pushed_below_his_margin(run, tx) -> None:
    """Who did not consent is not changed; who did, and was above MM, is above it after."""
    for account in run.arena.accounts:
        before, after = tx.before.rows[account], tx.after.rows[account]
        if before == after:
            continue
        known = account in tx.parties or account in tx.targets
        require(known, "A-1", "{} changed by {}", account.hex(), tx.label)
        if account in tx.targets or not tx.after.at_risk(account) or tx.after.time != tx.before.time:
            continue
        old, new = tx.before.assess(account), tx.after.assess(account)
        if old.equity >= old.mm:
            require(new.equity >= new.mm, "S-2", "{} by {}: {} to {}", account.hex(), tx.label, old, new)


def s4_slices_are_proven_and_cure(run, tx) -> None:
    """Only below MM by all scenarios, whatever the witness; a slice never lowers health; levels are the twin's."""
    for event in tx.found("Liquidated"):
        target = event.args["target"]
        old = tx.before.assess(target)
        clock = tx.before.state(target)
        require(clock >= twin.AccountState.LIQUIDATABLE, "S-2", "{} was {}: {}", target.hex(), clock.name, old)
        require(event.args["equity"] == old.equity, "P-1", "equity {} of {}", event.args["equity"], old.equity)
        proof = tx.proofs.get(target, b"")
        seen = tx.before.assess(target, PriceUse.TARGET, proof) if proof else old
        require(event.args["mm"] == seen.mm <= old.mm, "P-1", "mm {}, the twin {}", event.args["mm"], seen.mm)
        if len(tx.found("Liquidated")) > 1 or old.equity < 0:
            continue
        new = tx.after.assess(target)
        slack = 40 * UNIT * max(old.mm, 1)
        require(new.equity * old.mm >= old.equity * new.mm - slack, "S-4", "{}: {} to {}", target.hex(), old, new)


def p1_checks_are_the_twins(run, tx) -> None:
    """To the wei, in every number, by a random witness too."""
    engine, accounts = run.world.engine, list(run.arena.accounts)
    draw = random.Random(f"{tx.label} {tx.after.number}")  # apart, so that checks change no step
    for account in {*tx.parties, *tx.targets, draw.choice(accounts)} & set(accounts):
        found = tx.after.assess(account)
        numbers, state = engine.read("assess", account)
        require(tuple(numbers) == tuple(found), "P-1", "{} is {}, the twin {}", account.hex(), numbers, tuple(found))
        require(state == tx.after.state(account), "P-1", "state {} of {}", state, account.hex())
        if account[20] == 2:
            proof = bytes(draw.randrange(40) for _ in range(3))
            part = tx.after.assess(account, PriceUse.TARGET, proof)
            told = tuple(engine.read("assessWitness", account, proof))
            require(told == tuple(part), "P-1", "{} by {} is {}, {}", account.hex(), proof.hex(), told, tuple(part))
            require(part.mm <= found.mm and part.im0 <= found.im0, "S-4", "{} shows more than all", proof.hex())


CHECKS = (
    o1_no_balance_is_negative,
    i1_held_is_what_came_in,
    i2_options_sum_to_zero,
    i2_perps_sum_to_zero,
    i3_books_are_in_order,
    s1_risk_taken_is_margined,
    s2_nobody_is_pushed_below_his_margin,
    s4_slices_are_proven_and_cure,
    p1_checks_are_the_twins,
)

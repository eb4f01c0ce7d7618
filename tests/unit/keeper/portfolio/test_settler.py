"""Expiries: the mean is recorded in time, the keeper is paid, others where it is told to, nothing is tried in vain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from expiring_town import END, MINUTE, WINDOW, ExpiringTown
from structlog.testing import capture_logs

from plimsoll import accounts
from plimsoll.accounts import Mode
from plimsoll.actions import lend
from plimsoll.keeper.portfolio.expiry import COVERAGE, Expiry, due
from plimsoll.keeper.portfolio.settler import BASE, gas_of, parts
from plimsoll.margin.words import Settlement
from plimsoll.options.settling import Holder
from plimsoll.orders import ONE
from plimsoll.sim.anvil import KEY

PUTS = {1_900: 20, 1_950: 20}


@pytest.fixture(scope="module")
def _town(logging_chain):
    return ExpiringTown(logging_chain(timestamp=ExpiringTown.genesis()))


@pytest.fixture
def holding(town):
    """The keeper bought puts of a writer; both have some of the expiry, and so has the bank."""
    town.keep(hedge=False)
    town.owner = town.desk.person("keeper", Mode.PORTFOLIO, KEY)
    town.writer = town.desk.person("writer", Mode.PORTFOLIO)
    town.desk.fund(town.writer.account, town.writer.address, 100_000)
    legs = {town.soon(strike): -count * ONE for strike, count in PUTS.items()}
    town.desk.execute(town.writer.address, *town.desk.matched(town.writer, town.owner, legs, town.now))
    town.trade(town.writer, {town.soon(2_000): -5 * ONE})
    return town


# ---------------------------------------------------------------- the price


def test_nothing_is_looked_at_before_the_last_half_hour(holding):
    """Nor when its first second begins: the engine would refuse."""
    done = holding.through(END - WINDOW - MINUTE, END - WINDOW)
    assert [one.observations for one in done] == [0, 0] and holding.settlement() == (0, 0)


def test_a_price_that_is_not_good_is_not_looked_at_and_the_log_says_so(holding):
    """Tried again later, each time after twice as long; when it is good again, at once."""
    holding.at(END - WINDOW + MINUTE)
    told = []
    for seconds in (70, 1, 14, 1, 28, 2):
        holding.chain.advance(seconds)
        with capture_logs() as logs:
            assert holding.cycle()[0].observations == 0
        told.append([(e["reason"], e["retry_in"]) for e in logs if e["event"] == "observation waits"])
    bad = "the price is not good"
    assert told == [[(bad, 15)], [], [(bad, 30)], [], [], [(bad, 60)]]
    assert holding.settlement() == (0, 0)


def test_looks_follow_each_other_by_the_minute_and_end_with_the_expiry(holding):
    """The whole half hour is covered, in thirty looks and one that ends it."""
    done = holding.through(END - WINDOW + MINUTE, END)
    price, covered = holding.settlement()
    assert sum(one.observations for one in done) == 30 and covered == WINDOW
    seen = [holding.fall.at(time).price("ETH") for time in range(END - WINDOW + MINUTE, END + 1, MINUTE)]
    late = 3  # seconds after the minute: the first stands for more, and the last for less
    assert price == (sum(seen) * MINUTE + late * (seen[0] - seen[-1])) // WINDOW
    assert holding.through(END + MINUTE, END + 2 * MINUTE)[0].observations == 0


def test_no_single_price_moves_the_settlement_by_more_than_a_thirtieth(holding):
    """A price twice as high for one minute, against the same half hour without it."""
    holding.through(END - WINDOW + MINUTE, END - 10 * MINUTE)
    prices = []
    for factor in (1, 2):
        with holding.restored():
            holding.keep(hedge=False)
            holding.price(END - 9 * MINUTE + 1, factor)
            holding.cycle()
            holding.through(END - 8 * MINUTE, END)
            prices.append(holding.settlement()[0])
    plain, jumped = prices
    assert plain < jumped <= plain + holding.fall.at(END - 9 * MINUTE).price("ETH") // 30 + 1


def test_expiries_of_one_time_are_looked_at_in_one_block(holding):
    """One transaction each, none waits for the other."""
    legs = {holding.soon(65_000, "BTC"): -ONE}
    holding.desk.execute(
        holding.writer.address, *holding.desk.matched(holding.writer, holding.owner, legs, holding.now)
    )
    (done,) = holding.through(END - WINDOW + MINUTE, END - WINDOW + MINUTE)
    assert done.observations == 2 and holding.settlement(0)[1] == holding.settlement(1)[1] > 0


def test_what_is_nobody_s_here_is_looked_at_only_where_everybody_is_settled(town):
    """The keeper has none of it: by default it is not its gas."""
    town.sell("writer", 100_000, PUTS, days=1 / 3)
    looks = []
    for settle in ("off", "own", "all"):
        town.keep(settle=settle)
        looks.append(town.through(END - WINDOW + MINUTE, END - WINDOW + MINUTE)[0].observations)
    assert looks == [0, 0, 1]


def test_when_nobody_looked_it_goes_on_after_the_expiry(holding):
    """A keeper that comes late still brings it to an end, and is paid."""
    done = holding.through(END + MINUTE, END + 25 * MINUTE)
    assert holding.settlement()[0] and sum(one.observations for one in done) == 19  # the first stands for two minutes
    assert holding.flat(holding.keeper.portfolio)


def test_a_look_is_due_as_the_engine_counts(holding):
    """Not before its time; at the expiry once more; a mean that is covered ends whatever the price is."""
    holding.at(END - MINUTE)
    view = holding.keeper.mirror.follow()
    every = MINUTE + view.snapshot.globals.block_time  # it lands a block later

    def due_at(now, **seen):
        at = replace(view, head=view.head._replace(time=now))
        return due(Expiry(0, END // 60, Settlement(**seen)), at, every)

    assert due_at(END - 30, covered=1_700, observed_at=END - 89) is None
    assert due_at(END - 30, covered=1_700, observed_at=END - 90).reason == ""
    assert due_at(END, covered=COVERAGE - 1, observed_at=END - 1).reason == ""
    assert due_at(END + 30, covered=COVERAGE - 1, observed_at=END) is None
    assert due_at(END + 600, covered=COVERAGE - 1, observed_at=END).reason == "the price is not good"
    assert due_at(END + 600, covered=COVERAGE, observed_at=END - 1).reason == ""


# ---------------------------------------------------------------- paying out


def test_nothing_is_paid_before_the_price_is_final(holding):
    """Nor tried: the engine would refuse."""
    done = holding.through(END - 5 * MINUTE, END + 5 * MINUTE)
    assert holding.settlement()[0] == 0 and sum(one.settlements for one in done) == 0


def test_the_keeper_is_paid_with_the_losers_that_pay_for_it(holding):
    """In one transaction; the bank, which nobody needs, is left alone."""
    before = holding.engine.read("held", holding.keeper.portfolio, 0)
    holding.through(END - WINDOW + MINUTE, END + MINUTE)
    price = holding.settlement()[0]
    owed = sum(count * max(strike * 10**10 - price, 0) * ONE for strike, count in PUTS.items())
    assert owed and holding.engine.read("held", holding.keeper.portfolio, 0) - before == owed // 10**12
    assert not holding.desk.options(holding.keeper.portfolio) and not holding.desk.options(holding.writer.account)
    assert holding.desk.options(holding.bank.account)


def test_everybody_is_paid_where_the_settings_say_so(holding):
    """Losers before winners, all of the expiry and nothing else."""
    holding.trade(holding.writer, {holding.put(1_900): -ONE})
    holding.keep(hedge=False, settle="all")
    holding.through(END - WINDOW + MINUTE, END + 2 * MINUTE)
    for person in (holding.owner, holding.writer, holding.bank):
        assert not {i for i in holding.desk.options(person.account) if i in map(holding.soon, (1_900, 1_950, 2_000))}
    assert holding.desk.options(holding.bank.account) == {holding.put(1_900): ONE}
    clearing = accounts.pack(holding.engine.address, Mode.CROSS, 0, 1)
    assert holding.engine.read("held", clearing, 0) <= 3


def test_with_settling_off_nobody_is(holding):
    """And the log of the chain is as quiet."""
    holding.keep(hedge=False, settle="off")
    done = holding.through(END - WINDOW + MINUTE, END + MINUTE)
    assert sum(one.observations + one.settlements for one in done) == 0
    assert holding.desk.options(holding.keeper.portfolio)


def test_who_can_pay_is_known_before(holding):
    """Out of what he holds; or, unless he is isolated, out of what somebody lends."""
    settler = holding.keeper.steward.settler
    absent = {mode: accounts.pack("0x" + "12" * 20, mode, 0, 0) for mode in Mode}

    def can(account):
        return settler._may_pay(Holder(account, 1, -1), holding.keeper.mirror.follow() or holding.keeper.mirror.view)

    assert can(holding.writer.account) and not any(map(can, absent.values()))
    lender = holding.desk.person("lender", Mode.CROSS)
    holding.desk.fund(lender.account, lender.address, 1_000)
    holding.desk.execute(lender.address, lend(lender.account, 0, 1_000 * 10**6))
    assert [can(absent[mode]) for mode in (Mode.CROSS, Mode.PORTFOLIO, Mode.ISOLATED)] == [True, True, False]
    assert can(lender.account)


def test_a_loser_who_cannot_pay_is_not_tried_and_a_winner_waits_for_him(holding):
    """Nothing is sent while nobody can pay and the clearing account is empty."""
    final_price(holding)
    holding.keep(hedge=False, settle="all")
    holding.keeper.steward.settler._may_pay = lambda holder, view: False
    with capture_logs() as logs:
        done = holding.through(END + MINUTE, END + 2 * MINUTE)
    assert [one.settlements for one in done] == [0, 0] and not [e for e in logs if "settle" in e["event"]]
    assert holding.desk.options(holding.writer.account) and holding.desk.options(holding.keeper.portfolio)


def test_what_was_tried_and_is_still_there_is_tried_later_and_later(holding):
    """A winner who can be paid only in part: the clearing account is short."""
    final_price(holding)
    holding.keep(hedge=False)
    key = (0, END // 60, holding.keeper.portfolio)
    settler = holding.keeper.steward.settler
    first = [settler.patience.failed(key, END) for _ in range(10)]
    assert first == [15, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]
    assert not settler.patience.ready(key, END + 3_599) and settler.patience.ready(key, END + 3_600)


def test_a_transaction_has_no_more_accounts_than_its_gas(holding):
    """In order, and at least one: an account whose series take more is for the chain to refuse."""
    crowd = [Holder(bytes([n]), 4, n) for n in range(7)]
    cap = BASE + 3 * gas_of(crowd[0])
    assert [len(part) for part in parts(crowd, cap)] == [3, 3, 1]
    assert [h for part in parts(crowd, cap) for h in part] == crowd
    assert [len(part) for part in parts(crowd, BASE)] == [1] * 7


def test_a_dry_run_says_what_it_would_do(holding):
    """Looks and payments, and sends nothing."""
    final_price(holding)
    keeper = holding.keep(dry=True, settle="all")
    with capture_logs() as logs:
        done, told = holding.cycle()
    said = [(entry["accounts"], entry["own"], entry["dry_run"]) for entry in logs if entry["event"] == "settle"]
    assert done.dry_run and done.settlements == 2 and not told and said == [(2, True, True), (1, False, True)]
    assert keeper.wallet is None and holding.desk.options(holding.writer.account)


def test_metrics_count_what_is_in_a_block(holding):
    """Looks and positions, the keeper's and others'."""
    holding.through(END - WINDOW + MINUTE, END + 3 * MINUTE)
    read = holding.keeper.metrics.registry.get_sample_value
    assert read("plimsoll_keeper_observations_total") == 30
    assert read("plimsoll_keeper_settled_series_total", {"whose": "own"}) == 2
    assert read("plimsoll_keeper_settled_series_total", {"whose": "others"}) == 3


def final_price(town):
    """Somebody else's looks bring it about."""
    town.keep(hedge=False, settle="off")
    for time in range(END - WINDOW + MINUTE, END + 1, MINUTE):
        town.at(time)
        town.engine.write("observeExpiry", 0, END // 60, sender=town.desk.admin)
    assert town.settlement()[0]

"""Accounts with options: mirrored, judged to the wei, called and taken over by witness; nobody else is held up."""

from __future__ import annotations

from collections import Counter

import pytest
from portfolio_town import BEGIN, HOUR, OptionTown

from plimsoll.abi import decoder
from plimsoll.accounts import Mode
from plimsoll.actions import Kind, liquidate, trade_perp
from plimsoll.errors import Reverted
from plimsoll.keeper.mirror import Mirror
from plimsoll.keeper.options import witness_of
from plimsoll.keeper.reader import Reader
from plimsoll.keeper.select import look
from plimsoll.keeper.settings import Settings
from plimsoll.margin.account import PriceUse, assess
from plimsoll.orders import ONE
from plimsoll.sim.anvil import KEY

PUTS = {1_900: 100, 1_950: 100}
WAD = 10**18
_ORDER = decoder("((bytes32,uint256,uint256,bool,bytes))")


@pytest.fixture(scope="module")
def _town(logging_chain):
    return OptionTown(logging_chain(timestamp=OptionTown.genesis()))


@pytest.fixture
def town(_town):
    """The same town for every test, as it was when it was founded."""
    with _town.restored():
        yield _town


def sums(town):
    total = Counter()
    for account in {*town.header_accounts(), town.keeper.portfolio}:
        total.update(town.desk.options(account))
    return total


# ---------------------------------------------------------------- reading


def test_the_model_read_from_the_chain_is_the_one_that_was_deployed(town):
    """Its parameters come out of its words."""
    town.sell("fund", 100_000, PUTS)
    view = town.keeper.mirror.follow()
    assert view.snapshot.portfolio.parameters == town.desk.deployment.parameters.portfolio


@pytest.mark.parametrize("mode", [Mode.PORTFOLIO, Mode.CROSS])
def test_accounts_are_assessed_as_the_engine_does(town, mode):
    """To the wei, at the start and five hours into the fall."""
    fund = town.sell("fund", 200_000, PUTS, mode=mode)
    for hour in (0, 5):
        town.at(BEGIN + hour * HOUR)
        view = town.keeper.mirror.follow()
        for account in (fund.account, town.bank.account, town.keeper.portfolio):
            told = assess(view.account(account), view.snapshot, PriceUse.TARGET)
            assert tuple(told) == tuple(town.assess(account)[0])


def test_events_lead_where_pages_do(town):
    """Opened, grown, closed in part and whole, and an account that was unknown before."""
    follower = Mirror(Reader(town.desk.deployment), Settings())
    follower.follow()
    fund = town.sell("fund", 200_000, PUTS)
    writer = town.sell("writer", 200_000, {1_900: 30}, mode=Mode.CROSS)
    town.trade(fund, {town.put(1_900): 100 * ONE, town.put(1_950): 40 * ONE})
    town.trade(writer, {town.put(1_900): 30 * ONE})
    view = follower.follow()
    fresh = Mirror(Reader(town.desk.deployment), Settings()).follow()
    assert follower.resyncs == 1
    assert (view.rows.words == fresh.rows.words).all()
    assert view.rows.optioned == fresh.rows.optioned
    assert {row: o for row, o in view.rows.options.items() if o} == {r: o for r, o in fresh.rows.options.items() if o}
    assert view.account(fund.account).options == {town.put(1_950): -60 * ONE}
    assert view.account(writer.account).options == {}


def test_series_that_differ_from_the_chain_s_are_found(town):
    """Headers may agree when quantities do not."""
    fund = town.sell("fund", 200_000, PUTS)
    mirror = town.keeper.mirror
    view = mirror.follow()
    row = view.rows.row_of[fund.account]
    assert mirror.differing(range(len(view.rows))) == []
    view.rows.options[row][town.put(1_900)] += 1
    assert mirror.differing(range(len(view.rows))) == [fund.account]


def test_without_options_nothing_more_is_read(town, monkeypatch):
    """Not even the model's address, as long as there is no portfolio account."""
    mirror = town.keeper.mirror
    view = mirror.follow()
    view.rows.optioned.clear()
    monkeypatch.setattr(mirror.options, "snapshot", lambda *_: pytest.fail("read"))
    assert mirror._with_options(view.tables, view.rows) is view.tables


# ---------------------------------------------------------------- judging


def test_a_healthy_account_whose_floats_look_ill_is_left_alone(town):
    """What the screen sees of it, a perp and little cash, is a small part of what it is worth."""
    person = town.desk.person("hedged", Mode.PORTFOLIO)
    town.desk.fund(person.account, person.address, 40_000)
    town.trade(person, {town.put(2_000, days=30): 150 * ONE})
    town.desk.execute(person.address, trade_perp(person.account, 0, 100 * ONE))
    town.at(BEGIN + 9 * HOUR)
    survey = look(town.keeper.mirror.follow())
    found, state = town.assess(person.account)
    scores = town.keeper.mirror.view.rows.scores(town.keeper.mirror.view.snapshot)
    row = town.keeper.mirror.view.rows.row_of[person.account]
    assert row in [int(r) for r in scores.rows()]  # by floats it would be a target
    assert state in (0, 1) and found[0] > found[3]
    assert person.account not in {finding.id for finding in (*survey.liquidatable, *survey.calls)}


def test_the_witness_shows_all_of_the_requirement(town):
    """By it alone the engine finds what it finds by every scenario."""
    fund = town.sell("fund", 100_000, PUTS)
    view = town.keeper.mirror.follow()
    witness = witness_of(view.account(fund.account), view.snapshot)
    proven = town.desk.deployment.engine.read("assessWitness", fund.account, witness)
    found, _ = town.assess(fund.account)
    assert len(witness) == 4 and (proven.equity, proven.im0, proven.mm) == (found.equity, found.im0, found.mm)
    other = town.desk.deployment.engine.read("assessWitness", fund.account, bytes([1]) * 4)
    assert other.equity == proven.equity and other.mm < proven.mm


# ---------------------------------------------------------------- acting


def test_a_portfolio_account_is_called_by_witness(town):
    """Once, and without a bounty."""
    fund = town.sell("fund", 93_000, PUTS)
    town.below_call_margin(fund)
    done, told = town.cycle()
    (called,) = [e for e in told if e.name == "MarginCalled"]
    assert done.calls == 1 and called.args["account"] == fund.account and called.args["bounty"] == 0
    assert town.assess(fund.account)[1] == 2


def test_a_portfolio_account_is_liquidated_by_witness(town):
    """Its slice comes into the keeper's portfolio account, series by series, and nothing is lost on the way."""
    fund = town.sell("fund", 90_000, PUTS)
    town.below_mm(fund)
    had = town.desk.options(fund.account)
    done, told = town.cycle()
    (sold,) = [e for e in told if e.name == "Liquidated"]
    assert done.liquidations == 1 and sold.args["liquidator"] == town.keeper.portfolio
    order = sent_orders(town)[0]
    assert order[0] == fund.account and len(order[4]) == 4
    mine, left = town.desk.options(town.keeper.portfolio), town.desk.options(fund.account)
    assert mine and {i: mine.get(i, 0) + left.get(i, 0) for i in had} == had
    assert not any(sums(town).values())
    assert town.assess(town.keeper.portfolio)[1] == 0


def test_a_rule_account_goes_into_the_same_account(town):
    """Without a witness: it has no scenarios."""
    writer = town.sell("writer", 62_000, {1_950: 150}, mode=Mode.CROSS)
    town.below_mm(writer)
    assert town.cycle()[0].liquidations == 1
    assert sent_orders(town)[0][4] == b""
    assert set(town.desk.options(town.keeper.portfolio)) == {town.put(1_950)}


def test_a_slice_is_as_large_as_the_keeper_s_account_can_hold(town):
    """All is refused for its margin, a part is taken; a tenth of its initial margin stays free."""
    town.keep(hedge=False)
    town.sell("fund", 900_000, {1_900: 1_000, 1_950: 1_000})
    town.at(BEGIN + 9 * HOUR)
    town.drain(keep=260_000)
    assert town.cycle()[0].liquidations == 1
    fraction = sent_orders(town)[0][1]
    found, state = town.assess(town.keeper.portfolio)
    assert WAD // 5 < fraction < WAD // 2 and town.desk.options(town.keeper.portfolio)
    assert state == 0 and 1.10 * found[1] <= found[0] < 1.15 * found[1]


def test_who_cannot_be_taken_is_called_and_holds_nobody_up(town):
    """The keeper's portfolio account is empty: a bankrupt perp account beside it goes all the same."""
    fund = town.sell("fund", 90_000, PUTS)
    trader = town.desk.person("trader", Mode.CROSS)
    town.desk.fund(trader.account, trader.address, 12_000)
    town.desk.execute(trader.address, trade_perp(trader.account, 0, 100 * ONE))
    town.drain(keep=0)
    town.desk.fund(town.keeper.account, town.signer.address, 20_000)
    town.below_mm(fund)
    done, _ = town.cycle()
    assert done.deferred == 1 and done.liquidations == 1 and done.calls == 1
    assert town.desk.options(fund.account) and town.assess(fund.account)[1] == 3
    assert town.desk.deployment.engine.read("position", trader.account, 0)[0] == 0


def test_the_keeper_s_own_account_is_no_target(town):
    """Whatever becomes of it."""
    town.keep(hedge=False)
    own = town.desk.person("keeper", Mode.PORTFOLIO, KEY)
    town.drain(keep=90_000)
    town.trade(own, {town.put(strike): -round(q * ONE) for strike, q in PUTS.items()})
    town.below_mm(own)
    done, _ = town.cycle()
    assert town.assess(own.account)[1] == 3 and done.liquidatable == 0 and done.sent == []


def test_a_witness_that_has_grown_old_is_refused(town):
    """The chain is the judge: a healthy account is not sliced, whoever names what."""
    fund = town.sell("fund", 200_000, PUTS)
    with pytest.raises(Reverted, match="WitnessInsufficient"):
        town.desk.execute(town.signer.address, liquidate(town.keeper.portfolio, fund.account, witness=bytes(4)))


def sent_orders(town):
    """The liquidations in the last transaction of the keeper that had any."""
    execute = decoder("((bytes,bool,(uint8,bytes32,bytes)[]))")
    for data in reversed(town.chain.calldata):
        if not data.startswith(town.desk.deployment.engine.artifact.function("execute").selector):
            continue
        ((_, _, found),) = execute(data[4:])
        orders = [_ORDER(item[2])[0] for item in found if item[0] == Kind.LIQUIDATE]
        if orders:
            return orders
    return []

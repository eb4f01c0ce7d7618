"""Signed orders of others: what reduces what the keeper holds at a good price is filled, nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from plimsoll.accounts import Mode
from plimsoll.keeper.portfolio.bids import reducing
from plimsoll.margin.option_series import perp
from plimsoll.orders import ONE, Leg, Order
from plimsoll.signed_orders import SignedOrder
from plimsoll.sim.anvil import KEY


@pytest.fixture
def town(_town, tmp_path):
    """The keeper sold 100 puts and bought 50 of another strike; the bank leaves orders in a folder."""
    with _town.restored():
        _town.folder = tmp_path
        _town.keep(orders=tmp_path, hedge=False)
        _town.owner = _town.desk.person("keeper", Mode.PORTFOLIO, KEY)
        _town.trade(_town.owner, {_town.put(1_950): -100 * ONE, _town.put(1_900): 50 * ONE})
        yield _town


def leave(town, legs, premium_bps=10_000, *, size=ONE, name="order", by=None, **changes):
    """An order of the bank, or whoever, for `legs` (strike → packages), at that share of the marks."""
    person = by or town.bank
    found = tuple(sorted((Leg(town.put(k), round(q * ONE)) for k, q in legs.items()), key=lambda leg: leg.instrument))
    worth = sum(leg.quantity * town.desk.mark(leg.instrument, town.now) for leg in found) // ONE
    limit = worth * premium_bps // 10_000 + 10**4
    nonce = town.desk.nonces[person.address] = town.desk.nonces.get(person.address, -1) + 1
    order = replace(Order(person.account, found, size, limit, town.now.time + 86_400, nonce), **changes)
    signed = SignedOrder(order, person.signer.sign(order), person.signer.domain)
    (town.folder / f"{name}.json").write_text(signed.text())
    return signed


def turn(town):
    """(what it did, its events, why orders waited)"""
    with capture_logs() as logs:
        done, told = town.cycle()
    return done, told, [entry["reason"] for entry in logs if entry["event"] == "order waits"]


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("legs", "changes", "reason"),
    [
        ({1_950: 10}, {}, "it reduces nothing that the keeper has"),
        ({1_900: 10, 1_950: 10}, {}, "it reduces nothing that the keeper has"),
        ({1_800: 1}, {}, "it reduces nothing that the keeper has"),
        ({1_900: 10}, {"taker": "0x" + "12" * 20}, "it is for somebody else"),
        ({1_900: 10}, {"expiry": 1}, "it has expired"),
    ],
)
def test_what_does_not_reduce_or_is_not_for_it_is_left(town, legs, changes, reason):
    """With the reason, and nothing is sent."""
    leave(town, legs, **changes)
    done, told, why = turn(town)
    assert why == [reason] and done.sales == 0 and told == []


def test_a_perp_is_no_option(town):
    """The hedge is for that."""
    person = town.bank
    order = Order(person.account, (Leg(perp(0), ONE),), ONE, 10**20, town.now.time + 86_400, 77)
    text = SignedOrder(order, person.signer.sign(order), person.signer.domain).text()
    (town.folder / "perp.json").write_text(text)
    assert turn(town)[2] == ["it has a leg that is a perp, or has expired"]


def test_an_order_below_the_discount_waits_longer_each_time(town):
    """The log says by how much it is too low."""
    leave(town, {1_900: 10}, 9_800)
    why = []
    for seconds in (1, 13, 2, 29, 2):
        town.chain.advance(seconds)
        why.append(len(turn(town)[2]))
    assert why == [1, 0, 1, 0, 1]
    assert town.desk.options(town.owner.account)[town.put(1_900)] == 50 * ONE


def test_a_signature_of_somebody_else_is_none(town):
    """Nothing is sent that the verifier would refuse."""
    signed = leave(town, {1_900: 10})
    forged = replace(signed, signature=town.owner.signer.sign(replace(signed.order, account=town.owner.account)))
    (town.folder / "order.json").write_text(forged.text())
    assert turn(town)[2] == ["its owner did not sign it"]


def test_a_cancelled_order_is_not_tried(town):
    """Its status is asked for first."""
    signed = leave(town, {1_900: 10})
    verifier = town.desk.deployment.verifier
    verifier.write("cancel", [signed.order.nonce], sender=town.bank.address)
    assert turn(town)[2] == ["its nonce was used or cancelled"]


def test_a_file_that_is_no_order_is_told_once_and_stops_nobody(town):
    """Of another chain, or no JSON."""
    (town.folder / "a.json").write_text("{}")
    leave(town, {1_900: 10}, name="b")
    with capture_logs() as logs:
        done = town.cycle()[0]
        town.chain.advance(1)
        town.cycle()
    assert [entry["file"] for entry in logs if entry["event"] == "order not read"] == ["a.json"]
    assert done.sales == 1


def test_a_maker_who_cannot_pay_is_found_by_simulation(town):
    """The engine's reason is in the log; a good order beside it is filled."""
    poor = town.desk.person("poor", Mode.PORTFOLIO)
    town.desk.fund(poor.account, poor.address, 1)
    leave(town, {1_900: 50}, 10_050, by=poor, name="a")
    leave(town, {1_900: 10}, name="b")
    done, _, why = turn(town)
    assert done.sales == 1 and len(why) == 1 and ("NegativeBalance" in why[0] or "Margin" in why[0])


# ---------------------------------------------------------------- filled


def test_no_more_is_filled_than_the_keeper_has_and_every_leg_stays_whole():
    """Packages of several legs, of sizes that do not divide each other."""
    order = Order(bytes(20) + b"\2" + bytes(11), (Leg(1, 3 * ONE), Leg(2, -ONE // 4)), 100 * ONE, 0, 1, 1)
    assert reducing(order, 100 * ONE, {1: 10 * ONE, 2: -ONE}) == 10 * ONE // 3 // 4 * 4
    assert reducing(order, 2 * ONE, {1: 10 * ONE, 2: -ONE}) == 2 * ONE
    assert reducing(order, 100 * ONE, {1: 10 * ONE, 2: ONE}) == 0
    assert reducing(order, 100 * ONE, {1: 10 * ONE}) == 0


def test_a_bid_for_what_it_bought_is_filled_as_far_as_it_has_some(town):
    """At the maker's limit: what it is paid is what it was promised, the fee deducted."""
    account, engine = town.owner.account, town.desk.deployment.engine
    signed = leave(town, {1_900: 1}, 10_050, size=80 * ONE)
    before = engine.read("held", account, 0)
    done, told, _ = turn(town)
    (matched,) = [event for event in told if event.name == "Matched"]
    assert done.sales == 1 and town.put(1_900) not in town.desk.options(account)
    assert matched.args["size"] == 50 * ONE
    brought = (engine.read("held", account, 0) - before) * 10**12
    promised = signed.order.limit * ONE * 50
    assert abs(promised - matched.args["takerFee"] - brought) < 10**12  # a unit of the quote token
    assert turn(town)[0].sales == 0


def test_who_offers_more_than_the_band_lets_him_pays_nearly_its_edge(town):
    """The engine would refuse his limit, and in the next block the edge itself: marks move."""
    signed = leave(town, {1_900: 10}, 40_000)
    done, told, why = turn(town)
    assert why == []
    (matched,) = [event for event in told if event.name == "Matched"]
    mark, market = town.desk.mark(town.put(1_900), town.now), town.keeper.mirror.view.snapshot.markets[0]
    band = town.now.price("ETH") * market.risk.mm_rate1 // 20_000
    over = matched.args["premium"] / (10 * ONE) - mark
    assert done.sales == 1 and over == pytest.approx(band * 0.98, rel=1e-4)
    assert matched.args["premium"] < signed.order.limit * ONE


def test_an_offer_of_what_it_sold_is_bought_back(town):
    """The maker sells: the keeper pays no more than the marks and the discount."""
    leave(town, {1_950: -40}, 10_050)
    done, told, _ = turn(town)
    assert done.sales == 1 and [event.name for event in told].count("Matched") == 1
    assert town.desk.options(town.owner.account)[town.put(1_950)] == -60 * ONE


def test_the_best_comes_first_and_one_per_block(town):
    """What it leaves is known in the next."""
    leave(town, {1_900: 30}, 10_000, name="a")
    leave(town, {1_900: 40}, 10_200, name="b")
    assert turn(town)[0].sales == 1
    assert town.desk.options(town.owner.account)[town.put(1_900)] == 10 * ONE
    town.chain.advance(20)
    assert turn(town)[0].sales == 1
    assert town.desk.options(town.owner.account)[town.put(1_900)] <= 10  # a third of a package, whole at 1e-8


def test_a_sale_is_hedged_in_the_same_transaction(town):
    """The delta that went is traded back."""
    town.keep(orders=town.folder, hedge_band=10)
    town.cycle()
    assert abs(town.delta(town.owner.account)) < 1e-3
    before = town.perp(town.owner.account)
    leave(town, {1_950: -60})
    town.at(town.chain.block()[1] + 20)
    done, _, _ = turn(town)
    assert done.sales == 1 and done.hedges == 1 and len(done.sent) == 1
    assert abs(town.perp(town.owner.account)) < abs(before) and abs(town.delta(town.owner.account)) < 1e-3


def test_a_dry_run_says_what_it_would_sell(town):
    """And sends nothing."""
    leave(town, {1_900: 10})
    town.keep(orders=town.folder, hedge=False, dry=True)
    with capture_logs() as logs:
        done, told = town.cycle()
    (said,) = [entry for entry in logs if entry["event"] == "sell"]
    assert done.sales == 1 and told == [] and said["dry_run"] and float(said["premium"]) > 10 * 20

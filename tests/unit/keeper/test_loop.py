"""The loop: backs off when the chain is gone, goes on when it is back, ends with a code when it stays away."""

import json
import time
import urllib.error
import urllib.request

import pytest

from plimsoll.errors import BadInput, ChainUnreachable
from plimsoll.keeper.loop import KeptFailing, Loop
from plimsoll.keeper.metrics import Endpoint, Health, Metrics
from plimsoll.prices import PRICE


def failing(times):
    left = [times]

    def head():
        if left[0]:
            left[0] -= 1
            raise ChainUnreachable("http://node", "connection refused")
        return original()

    original = None

    def wrap(reader):
        nonlocal original
        original = reader.head
        reader.head = head

    return wrap


def test_recovers_when_the_node_is_back(world, keeper_of):
    keeper = keeper_of(world, max_failures=5, max_backoff=0.01)
    failing(3)(keeper.reader)
    loop = Loop(keeper)
    assert [loop.step() for _ in range(3)] == [None, None, None]
    assert keeper.health.answer()[0] == 503
    assert loop.step() is not None
    assert loop.failures == 0
    assert keeper.health.answer()[0] == 200


def test_gives_up_after_too_many_failures(world, keeper_of):
    keeper = keeper_of(world, max_failures=3, max_backoff=0.01)
    failing(10)(keeper.reader)
    loop = Loop(keeper)
    with pytest.raises(KeptFailing) as caught:
        for _ in range(10):
            loop.step()
    assert caught.value.exit_code == 4


def test_pauses_grow_up_to_the_limit(world, keeper_of, monkeypatch):
    pauses = []
    keeper = keeper_of(world, max_failures=8, max_backoff=1.0)
    failing(6)(keeper.reader)
    loop = Loop(keeper)
    monkeypatch.setattr(loop, "_sleep", pauses.append)
    for _ in range(6):
        loop.step()
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_what_trying_again_cannot_mend_ends_it_at_once(world, keeper_of, monkeypatch):
    keeper = keeper_of(world)

    def refuse():
        raise BadInput("file", "ack", "it cannot be written")

    monkeypatch.setattr(keeper, "cycle", refuse)
    with pytest.raises(BadInput):
        Loop(keeper).step()


def test_a_difference_between_mirror_and_chain_is_read_again(logging_world, crowd_of, keeper_of):
    account = crowd_of(logging_world).join("long", 4_000, [(0, 3)])
    keeper = keeper_of(logging_world, max_backoff=0.01)
    loop = Loop(keeper)
    loop.step()
    keeper.mirror.view.rows.held(account, 0, 5)
    logging_world.chain.advance(1)
    assert loop.step() is None
    logging_world.chain.advance(1)
    assert loop.step() is not None
    assert keeper.mirror.resyncs == 2
    assert keeper.mirror.differing(range(20)) == []


def test_acknowledges_each_block_in_one_piece(world, crowd_of, keeper_of, tmp_path):
    crowd_of(world).join("sick", 1_000, [(0, 5)])
    world.post({1: 2840 * PRICE})
    keeper = keeper_of(world, ack=tmp_path / "ack.json")
    keeper.cycle()
    told = json.loads((tmp_path / "ack.json").read_text())
    assert (told["event"], told["liquidations"], told["idle"]) == ("block_done", 1, False)
    assert told["block"] == world.chain.block()[0]
    keeper.cycle()
    keeper.cycle()
    assert json.loads((tmp_path / "ack.json").read_text())["idle"]


def test_metrics_and_health_are_served(world, crowd_of, keeper_of):
    crowd_of(world).join("sick", 1_000, [(0, 5)])
    world.post({1: 2840 * PRICE})
    keeper = keeper_of(world)
    keeper.cycle()
    endpoint = Endpoint("127.0.0.1", 0, keeper.metrics, keeper.health)
    try:
        base = f"http://127.0.0.1:{endpoint.port}"
        text = urllib.request.urlopen(base + "/metrics", timeout=5).read().decode()
        assert 'plimsoll_keeper_targets_total{purpose="liquidate"} 1.0' in text
        assert f"plimsoll_keeper_block {float(world.chain.block()[0])}" in text
        health = json.loads(urllib.request.urlopen(base + "/health", timeout=5).read())
        assert health["healthy"]
    finally:
        endpoint.close()


def test_health_fails_when_nothing_happens():
    health = Health(0.01)
    health.done({"block": 1})
    time.sleep(0.02)
    endpoint = Endpoint("127.0.0.1", 0, Metrics(), health)
    try:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/health", timeout=5)
        assert caught.value.code == 503
    finally:
        endpoint.close()


def test_a_port_in_use_is_named():
    metrics, health = Metrics(), Health(1)
    endpoint = Endpoint("127.0.0.1", 0, metrics, health)
    try:
        with pytest.raises(BadInput, match="metrics port"):
            Endpoint("127.0.0.1", endpoint.port, metrics, health)
    finally:
        endpoint.close()

"""The journal and the writer: a transaction is on disk before it leaves, and its nonce decides what becomes of it."""

import json

import pytest

from plimsoll.chain.base import Receipt
from plimsoll.errors import ChainUnreachable, RpcRefused
from plimsoll.keeper.act import Result, Writer
from plimsoll.keeper.journal import AlreadyRunning, Entry, Journal
from plimsoll.keeper.plan import Batch, Planner
from plimsoll.keeper.reader import Head
from plimsoll.keeper.settings import Settings
from plimsoll.keeper.wallet import GasTooExpensive, Prepared, bumped

SENDER = "0x" + "0a" * 20
FEES = {"maxFeePerGas": 100, "maxPriorityFeePerGas": 10}


class Node:
    """A wallet whose node says what the test wants it to."""

    address = SENDER

    def __init__(self, journal=None):
        self.mined, self.receipts, self.known, self.sent = 0, {}, set(), []
        self.journal, self.error, self.expensive = journal, None, False

    def mined_nonce(self):
        return self.mined

    def pending_nonce(self):
        return self.mined

    def fees(self, cap):
        if self.expensive:
            raise GasTooExpensive(cap + 1, cap)
        return dict(FEES)

    def gas(self, to, data):
        return 100_000

    def prepare(self, to, data, gas, nonce, fees):
        return Prepared(nonce, f"0x{nonce}-{fees['maxFeePerGas']}", (to, data))

    def broadcast(self, prepared):
        if self.journal is not None and self.journal.path:
            kept = json.loads(self.journal.path.read_text())["pending"]
            assert prepared.hash in [tx_hash for entry in kept for tx_hash in entry["hashes"]]
        if self.error:
            raise self.error
        self.sent.append(prepared)
        self.known.add(prepared.hash)
        return prepared.hash

    def receipt(self, tx_hash):
        return self.receipts.get(tx_hash)

    def knows(self, tx_hash):
        return tx_hash in self.known


def entry(nonce=0, block=10, **changes):
    values = {"purpose": "liquidate", "data": "00", "gas": 1, "fees": FEES, "hashes": (f"0x{nonce}-100",)}
    return Entry(nonce=nonce, block=block, **{**values, "targets": ("ab" * 32,), **changes})


@pytest.fixture
def journal(tmp_path):
    found = Journal.open(tmp_path, 31337, SENDER)
    yield found
    found.close()


@pytest.fixture
def writer_of(world):
    return lambda journal, node, **options: Writer(world.engine, journal, Settings(**options), node)


def test_what_is_under_way_survives(journal, tmp_path):
    journal.record(entry(3))
    journal.close()
    again = Journal.open(tmp_path, 31337, SENDER)
    assert {3: entry(3)} == again.pending
    assert {bytes.fromhex("ab" * 32)} == again.targets
    again.close()


def test_one_keeper_per_key(journal, tmp_path):
    with pytest.raises(AlreadyRunning):
        Journal.open(tmp_path, 31337, SENDER)


def test_a_damaged_journal_is_put_aside(journal, tmp_path):
    journal.record(entry(3))
    journal.close()
    journal.path.write_text("{half")
    again = Journal.open(tmp_path, 31337, SENDER)
    assert again.pending == {}
    assert again.damaged.read_text() == "{half"
    again.close()


@pytest.mark.parametrize(("status", "outcome"), [(1, "mined"), (0, "failed")])
def test_a_receipt_decides(journal, writer_of, status, outcome):
    node = Node()
    node.mined, node.receipts["0x0-100"] = 1, Receipt(status, 1, (), 11)
    journal.record(entry())
    decided = writer_of(journal, node).reconcile(Head(12, 0))
    assert len(decided) == 1
    assert journal.pending == {}
    assert journal.totals[outcome] == 1


def test_any_version_of_a_replaced_transaction_counts(journal, writer_of):
    node = Node()
    node.mined, node.receipts["0x0-100"] = 1, Receipt(1, 1, (), 11)
    journal.record(entry(hashes=("0x0-100", "0x0-126")))
    writer_of(journal, node).reconcile(Head(12, 0))
    assert journal.totals["mined"] == 1


def test_a_nonce_used_by_another_is_lost(journal, writer_of):
    node = Node()
    node.mined = 1
    journal.record(entry())
    writer_of(journal, node).reconcile(Head(12, 0))
    assert journal.totals["lost"] == 1


def test_what_never_arrived_is_forgotten_and_its_nonce_used_again(journal, writer_of, world):
    """Killed between journal and node: the next transaction takes the same nonce, so only one can be mined."""
    node = Node(journal)
    journal.record(entry(0))
    writer = writer_of(journal, node)
    writer.reconcile(Head(11, 0))
    assert journal.pending == {}
    assert writer._nonce() == 0


def test_what_waits_is_waited_for_and_its_targets_left_alone(journal, writer_of):
    node = Node()
    node.known.add("0x0-100")
    journal.record(entry())
    assert writer_of(journal, node).reconcile(Head(11, 0)) == []
    assert {bytes.fromhex("ab" * 32)} == journal.targets
    assert journal.awaits("liquidate")


def test_what_is_stuck_is_replaced_with_the_same_nonce(journal, writer_of):
    node = Node(journal)
    node.known.add("0x0-100")
    journal.record(entry(block=10))
    writer_of(journal, node, stuck_blocks=3).reconcile(Head(13, 0))
    assert [(sent.nonce, sent.hash) for sent in node.sent] == [(0, "0x0-126")]
    assert journal.pending[0].hashes == ("0x0-100", "0x0-126")


def test_replacement_stops_at_the_cap(journal, writer_of):
    node = Node(journal)
    node.known.add("0x0-100")
    journal.record(entry(block=10))
    writer_of(journal, node, max_gas_price=110).reconcile(Head(20, 0))
    assert node.sent == []
    assert bumped(FEES, FEES, 110) is None


def planner_of(writer):
    view = type("View", (), {"head": Head(7, 0)})
    return Planner(view, writer.settings, bytes(32), SENDER)


def test_it_is_on_disk_before_it_leaves(journal, writer_of):
    node = Node(journal)  # asserts in broadcast
    writer, result = writer_of(journal, node), Result()
    assert writer.post(Batch("call", (), (b"\1" * 32,)), planner_of(writer), result)
    assert result.sent == ["0x0-100"]
    assert list(journal.pending) == [0]


def test_an_answer_that_does_not_come_leaves_it_under_way(journal, writer_of):
    node = Node(journal)
    node.error = ChainUnreachable("http://node", "timed out")
    writer = writer_of(journal, node)
    with pytest.raises(ChainUnreachable):
        writer.post(Batch("call", (), (b"\1" * 32,)), planner_of(writer), Result())
    assert list(journal.pending) == [0]


def test_a_refusal_frees_the_nonce(journal, writer_of):
    node = Node(journal)
    node.error = RpcRefused("eth_sendRawTransaction", -32000, "insufficient funds for gas")
    writer, result = writer_of(journal, node), Result()
    assert not writer.post(Batch("call", (), (b"\1" * 32,)), planner_of(writer), result)
    assert journal.pending == {}
    assert result.sent == []
    assert writer._nonce() == 0


def test_gas_above_the_cap_sends_nothing(journal, writer_of):
    node = Node(journal)
    node.expensive = True
    writer, result = writer_of(journal, node), Result()
    assert not writer.post(Batch("call", (), (b"\1" * 32,)), planner_of(writer), result)
    assert journal.pending == {}
    assert result.batches == []


def test_full_disk_sends_nothing(journal, writer_of, monkeypatch):
    from plimsoll.errors import BadInput
    from plimsoll.keeper import journal as module

    def full(path, content):
        raise BadInput("file", str(path), "it cannot be written (No space left on device)")

    monkeypatch.setattr(module, "write_json", full)
    node = Node(journal)
    writer = writer_of(journal, node)
    with pytest.raises(BadInput, match="No space left"):
        writer.post(Batch("call", (), (b"\1" * 32,)), planner_of(writer), Result())
    assert node.sent == []

"""A deployment that is cut off, at each step and in each way, ends as if it had not been."""

import json

import pytest

from plimsoll.chain import Anvil, ProcessChain, RpcChain, Signer
from plimsoll.contracts import Contract, load
from plimsoll.deploy import Deployment, deploy, local, verify
from plimsoll.deploy.errors import (
    AlreadyDeployed,
    JournalOfAnotherPlan,
    JournalStale,
    ManifestDamaged,
    StepFailed,
)
from plimsoll.deploy.files import Journal
from plimsoll.deploy.plan import Plan
from plimsoll.deploy.protocol import ZERO, protocol_plan
from plimsoll.deploy.runner import run
from plimsoll.errors import BadInput, ChainUnreachable, KeyMissing

STEPS = 5
PROTOCOL_STEPS = len(protocol_plan(local(), load(), ZERO).steps)


def tiny(artifacts):
    """Two tokens and three mints: each mint that is sent twice shows in the supply."""
    plan = Plan(artifacts)
    first = plan.create("first", "MockERC20", "A", "A", 6)
    plan.call("mint 1", first, "mint", first, 1)
    second = plan.create("second", "MockERC20", "B", "B", 6)
    plan.call("mint 2", second, "mint", first, 2)
    plan.call("mint 4", first, "mint", second, 4)
    return plan


class Cut:
    """A chain whose connection breaks at one submission: before it leaves, after it arrived, or before its receipt."""

    def __init__(self, chain, number, moment):
        self._chain, self._number, self._moment, self._count = chain, number, moment, 0

    def __getattr__(self, name):
        return getattr(self._chain, name)

    def submit(self, sender, to, data, *, announce=None, **options):
        self._count += 1
        broken = ChainUnreachable("http://127.0.0.1:8545", "connection reset")
        if self._count != self._number or self._moment == "before its receipt":
            return self._chain.submit(sender, to, data, announce=announce, **options)
        if self._moment == "before announcing":
            raise broken
        if self._moment == "before sending":
            announce(None, self._chain.nonce(sender))
            raise broken
        self._chain.submit(sender, to, data, announce=announce, **options)
        raise broken

    def wait(self, tx_hash):
        if self._count == self._number and self._moment == "before its receipt":
            raise ChainUnreachable("http://127.0.0.1:8545", "connection reset")
        return self._chain.wait(tx_hash)


@pytest.fixture(scope="module")
def node():
    with Anvil() as chain:
        yield chain


MOMENTS = ["before announcing", "before sending", "after sending", "before its receipt"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", range(1, STEPS + 1))
def test_nothing_is_done_twice(node, artifacts, tmp_path, number, moment):
    """Whatever the step and the moment: each contract is created once, each call is made once."""
    snapshot = node.snapshot()
    deployer = node.accounts[0]
    started = node.nonce(deployer)
    journal = Journal.open(tmp_path, node.chain_id, "plan")
    with pytest.raises(ChainUnreachable):
        run(tiny(artifacts), Cut(node, number, moment), deployer, journal)

    addresses = run(tiny(artifacts), node, deployer, Journal.open(tmp_path, node.chain_id, "plan"))

    assert node.nonce(deployer) - started == STEPS
    first, second = (Contract(node, addresses[name], artifacts["MockERC20"]) for name in ("first", "second"))
    assert (first.read("totalSupply"), second.read("totalSupply")) == (5, 2)
    node.revert(snapshot)


def test_a_signed_transaction_is_found_by_its_hash(node, artifacts, tmp_path):
    """With a key of our own the hash is in the journal before the transaction leaves."""
    signer = Signer("c3" * 32)
    node.set_balance(signer.address, 10**18)
    chain = RpcChain(f"http://127.0.0.1:{node.rpc._url.port}", signers=[signer])
    with pytest.raises(ChainUnreachable):
        run(tiny(artifacts), Cut(chain, 3, "after sending"), signer.address, Journal.open(tmp_path, 31337, "plan"))
    entry = Journal.open(tmp_path, 31337, "plan").entry("second")
    assert chain.knows(entry["tx"])
    addresses = run(tiny(artifacts), chain, signer.address, Journal.open(tmp_path, 31337, "plan"))
    assert addresses["second"] == chain.wait(entry["tx"]).contract_address
    assert chain.nonce(signer.address) == STEPS


@pytest.mark.parametrize("number", range(1, PROTOCOL_STEPS + 1))
def test_the_protocol_resumes_at_each_step(number, tmp_path):
    """Every step of the real plan, cut off before its transaction leaves."""
    chain = ProcessChain()
    deployer = chain.accounts[0]
    with pytest.raises(ChainUnreachable):
        deploy(Cut(chain, number, "before sending"), deployer, local(), directory=tmp_path)
    assert not (tmp_path / "31337.json").exists()
    deployment = deploy(chain, deployer, local(), directory=tmp_path)
    assert verify(deployment) == []
    assert chain.nonce(deployer) == PROTOCOL_STEPS
    assert [path.name for path in tmp_path.iterdir()] == ["31337.json"]


def test_the_node_may_die_and_return(tmp_path):
    """An RPC that ends mid-run is a ChainUnreachable; nothing is lost, but a new chain is not the old one."""
    with Anvil() as chain, pytest.raises(ChainUnreachable):
        deploy(Cut(chain, 30, "after sending"), chain.accounts[0], local(), directory=tmp_path)
    with pytest.raises(ChainUnreachable):
        chain.block()
    with Anvil() as other:
        with pytest.raises(JournalStale, match=r"Authority is at 0x.*--fresh"):
            deploy(other, other.accounts[0], local(), directory=tmp_path)
        assert verify(deploy(other, other.accounts[0], local(), directory=tmp_path, fresh=True)) == []


def test_another_plan_does_not_go_on(chain, tmp_path):
    """With other parameters, or another deployer, the half that exists would be the wrong half."""
    with pytest.raises(ChainUnreachable):
        deploy(Cut(chain, 9, "before sending"), chain.accounts[0], local(), directory=tmp_path)
    with pytest.raises(JournalOfAnotherPlan, match="half-finished"):
        deploy(chain, chain.accounts[0], local(risk_delay=5), directory=tmp_path)
    with pytest.raises(JournalOfAnotherPlan):
        deploy(chain, chain.accounts[1], local(), directory=tmp_path)


def test_a_refused_step_is_named_and_can_be_repeated(chain, artifacts):
    """StepFailed says which; what came before stays recorded."""
    plan = Plan(artifacts)
    token = plan.create("token", "MockERC20", "T", "T", 6)
    plan.call("transfer", token, "transfer", token, 1)
    journal = Journal.open(None, chain.chain_id, "plan")
    for _ in range(2):
        with pytest.raises(StepFailed, match=r"step transfer failed.*ERC20InsufficientBalance"):
            run(plan, chain, chain.accounts[0], journal)
    assert journal.entry("token")["done"]
    assert journal.entry("transfer") == {}
    assert chain.nonce(chain.accounts[0]) == 3


def test_a_second_deployment_is_refused(chain, tmp_path):
    """Unless it is asked for."""
    first = deploy(chain, chain.accounts[0], local(), directory=tmp_path)
    with pytest.raises(AlreadyDeployed, match="--fresh"):
        deploy(chain, chain.accounts[0], local(), directory=tmp_path)
    second = deploy(chain, chain.accounts[0], local(), directory=tmp_path, fresh=True)
    assert second.engine.address != first.engine.address
    assert Deployment.open(chain, tmp_path).engine.address == second.engine.address


def test_a_damaged_journal_is_not_guessed_at(chain, tmp_path):
    """It is named, and left as it is."""
    path = tmp_path / "31337.partial.json"
    path.write_text('{"chain_id": 31337, "plan"')
    with pytest.raises(ManifestDamaged, match=r"partial\.json"):
        deploy(chain, chain.accounts[0], local(), directory=tmp_path)
    assert path.read_text().startswith('{"chain_id"')


def test_a_full_disk_is_noticed_before_anything_is_sent(chain, tmp_path):
    """The journal comes first; a folder that cannot be written is named."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        deploy(chain, chain.accounts[0], local(), directory=blocked / "deployments")
    assert chain.nonce(chain.accounts[0]) == 0


def test_keys_are_in_no_file_and_no_error(node, tmp_path):
    """Neither journal nor manifest nor message holds the deployer's key."""
    key = "d4" * 32
    signer = Signer(key)
    node.set_balance(signer.address, 10**20)
    chain = RpcChain(f"http://127.0.0.1:{node.rpc._url.port}", signers=[signer])
    with pytest.raises(ChainUnreachable) as caught:
        deploy(Cut(chain, 5, "after sending"), signer.address, local(), directory=tmp_path)
    assert key not in (tmp_path / "31337.partial.json").read_text() + str(caught.value)
    deployment = deploy(chain, signer.address, local(), directory=tmp_path)
    text = (tmp_path / "31337.json").read_text()
    assert key not in text + repr(deployment) + repr(chain)
    assert json.loads(text)["deployer"] == signer.address
    with pytest.raises(KeyMissing):
        Signer(key[:-2])

"""What every chain promises, on each of them."""

import pytest

from plimsoll.abi import keccak
from plimsoll.chain import Chain, LocalChain, Tx
from plimsoll.contracts import Contract, events, load
from plimsoll.deploy.runner import contract_address
from plimsoll.errors import BadInput, Halted, Reverted

PUSH_FOREVER = bytes.fromhex("5b600056")


def test_it_is_a_local_chain(chain):
    """Both protocols hold."""
    assert isinstance(chain, Chain)
    assert isinstance(chain, LocalChain)
    assert chain.chain_id == 31337


def test_a_receipt_tells_what_happened(chain, token, owner, other):
    """Status, gas, block and the decoded events."""
    receipt = token.write("transfer", other, 7, sender=owner)
    assert (receipt.status, receipt.block) == (1, chain.block()[0])
    assert receipt.gas_used > 21_000
    (event,) = events(receipt.logs)
    assert (event.name, event.address) == ("Transfer", token.address)
    assert event.args == {"from": owner, "to": other, "value": 7}


def test_reading_changes_nothing(chain, token, owner, other):
    """`read` of a function that writes is a simulation."""
    assert token.read("transfer", other, 7, sender=owner) is True
    assert token.read("balanceOf", other) == 0


def test_a_revert_is_raised_with_its_values(token, owner, other):
    """Name and values are decoded; nothing has changed."""
    with pytest.raises(Reverted) as caught:
        token.write("transfer", other, 5_000, sender=owner)
    assert caught.value.matches("ERC20InsufficientBalance", owner, 1_000, 5_000)
    assert not caught.value.matches("ERC20InsufficientBalance", owner, 1_000, 5_001)
    assert "needed=5000" in str(caught.value)
    assert token.read("balanceOf", owner) == 1_000


def test_a_revert_in_a_block_is_raised_too(token, owner, other):
    """With gas given nothing is estimated, so the transaction fails on chain."""
    with pytest.raises(Reverted) as caught:
        token.write("transfer", other, 5_000, sender=owner, gas=100_000)
    assert caught.value.name == "ERC20InsufficientBalance"


def test_a_revert_in_a_read_is_raised(token, owner, other):
    """Reads decode errors like writes."""
    with pytest.raises(Reverted) as caught:
        token.read("transferFrom", owner, other, 1, sender=other)
    assert caught.value.matches("ERC20InsufficientAllowance", other, 0, 1)


def test_running_out_of_gas_is_halted(token, owner, other):
    """Not a revert, and told apart from one."""
    with pytest.raises(Halted):
        token.write("transfer", other, 1, sender=owner, gas=25_000)
    assert token.read("balanceOf", other) == 0


def test_one_failure_among_many_leaves_the_others(chain, token, owner, other):
    """`send_many` reports each transaction for itself."""
    calls = [token.encode("transfer", other, amount) for amount in (1, 9_999, 2)]
    receipts = chain.send_many([Tx(owner, token.address, data, 0, 200_000) for data in calls])
    assert [receipt.status for receipt in receipts] == [1, 0, 1]
    assert receipts[1].error.name == "ERC20InsufficientBalance"
    assert token.read("balanceOf", other) == 3


def test_submitted_transactions_are_announced_and_known(chain, token, owner, other):
    """The nonce is told before sending; the hash leads to the receipt."""
    announced = []
    nonce = chain.nonce(owner)
    tx_hash = chain.submit(
        owner, token.address, token.encode("transfer", other, 1), announce=lambda *told: announced.append(told)
    )
    assert announced == [(None, nonce)]
    assert chain.knows(tx_hash)
    assert not chain.knows("0x" + "11" * 32)
    assert chain.wait(tx_hash).status == 1


def test_snapshots_bring_state_and_clock_back(chain, token, owner, other):
    """An outer snapshot takes inner ones with it, and is used up."""
    outer, before = chain.snapshot(), chain.block()
    token.write("transfer", other, 1, sender=owner)
    chain.snapshot()
    chain.advance(100)
    chain.revert(outer)
    assert (chain.block(), token.read("balanceOf", other)) == (before, 0)
    with pytest.raises(BadInput, match="used already"):
        chain.revert(outer)


def test_time_moves_as_told(chain):
    """Blocks and seconds, forward only."""
    number, time = chain.block()
    chain.advance(30, 3)
    assert chain.block() == (number + 3, time + 30)
    chain.set_timestamp(time + 100)
    assert chain.block() == (number + 4, time + 100)
    with pytest.raises(BadInput, match="already"):
        chain.set_timestamp(time)
    with pytest.raises(BadInput, match="only go forward"):
        chain.advance(-1)


def test_code_is_exact(chain, token):
    """Not padded: its hash is the hash of what was compiled, immutables aside."""
    code = chain.code(token.address)
    assert len(code) == len(load()["MockERC20"].deployed_bytecode) // 2
    assert chain.code("0x" + "12" * 20) == b""
    assert len(keccak(code)) == 32


def test_ether_moves(chain, owner):
    """Values in wei arrive."""
    receiver = "0x" + "ab" * 20
    chain.send(owner, receiver, b"", value=5)
    assert chain.balance(receiver) == 5
    chain.set_balance(receiver, 17)
    assert chain.balance(receiver) == 17


def test_code_over_the_limit_is_refused(chain, owner):
    """24,577 bytes of code cannot be deployed."""
    size = 24_577
    init = bytes.fromhex("61") + size.to_bytes(2, "big") + bytes.fromhex("5f f3".replace(" ", ""))
    with pytest.raises(Halted):
        chain.deploy(owner, init)


def test_a_wrong_address_is_noticed(chain, owner):
    """An address without code answers nothing, and that is no number."""
    with pytest.raises(BadInput, match="MockERC20"):
        Contract(chain, "0x" + "12" * 20, load()["MockERC20"]).read("decimals")


def test_contract_addresses_are_predicted(chain, owner):
    """From sender and nonce, as the journal of a deployment needs it."""
    if not hasattr(chain, "rpc"):
        pytest.skip("in process only creations count as nonces of the EVM")
    nonce = chain.nonce(owner)
    receipt = chain.deploy(owner, load()["MockERC20"].creation("A", "A", 18))
    assert receipt.contract_address == contract_address(owner, nonce)

"""Keys sign and stay unseen."""

import json
import logging
import pickle

import pytest
from eth_account import Account

from plimsoll.chain import RpcChain, Signer
from plimsoll.contracts import Contract, load
from plimsoll.errors import KeyMissing

KEY = "a1" * 32


def test_a_key_is_never_shown(caplog):
    """Not in repr, str, attributes, or a debug log of everything."""
    caplog.set_level(logging.DEBUG)
    signer = Signer("0x" + KEY)
    logging.getLogger("test").debug("%r %s %s", signer, signer, {"signer": signer})
    shown = (
        repr(signer)
        + str(signer)
        + caplog.text
        + str([getattr(signer, name) for name in dir(signer) if name[0] != "_"])
    )
    assert KEY not in shown.lower()
    assert signer.address in repr(signer)
    with pytest.raises(TypeError):
        pickle.dumps(signer)


@pytest.mark.parametrize("key", ["0x12", "zz" * 32, "00" * 32, KEY + "ff"])
def test_a_bad_key_is_refused_without_quoting_it(key):
    """The message, its cause and its context do not hold the text."""
    with pytest.raises(KeyMissing) as caught:
        Signer(key)
    assert key not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_keys_come_from_environment_or_file(monkeypatch, tmp_path):
    """The variable first, then the file; neither is no key at all."""
    monkeypatch.delenv("PLIMSOLL_KEY", raising=False)
    monkeypatch.delenv("PLIMSOLL_KEY_FILE", raising=False)
    assert Signer.find() is None
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    monkeypatch.setenv("PLIMSOLL_KEY_FILE", str(path))
    assert Signer.find().address == Signer(KEY).address
    monkeypatch.setenv("PLIMSOLL_KEY", "b2" * 32)
    assert Signer.find().address == Signer("b2" * 32).address


def test_a_missing_key_file_is_named(tmp_path):
    """With its path, which is no secret."""
    with pytest.raises(KeyMissing, match="nowhere"):
        Signer.from_file(tmp_path / "nowhere")


def test_a_keystore_needs_its_password(tmp_path, monkeypatch):
    """A wrong one is an error that shows neither."""
    path = tmp_path / "keystore.json"
    path.write_text(json.dumps(Account.encrypt(bytes.fromhex(KEY), "right", iterations=2)))
    monkeypatch.delenv("PLIMSOLL_KEY_PASSWORD", raising=False)
    with pytest.raises(KeyMissing, match="PLIMSOLL_KEY_PASSWORD"):
        Signer.from_file(path)
    monkeypatch.setenv("PLIMSOLL_KEY_PASSWORD", "wrong")
    with pytest.raises(KeyMissing) as caught:
        Signer.from_file(path)
    assert "wrong" not in str(caught.value)
    monkeypatch.setenv("PLIMSOLL_KEY_PASSWORD", "right")
    assert Signer.from_file(path).address == Signer(KEY).address


def test_a_signer_sends_and_its_hash_is_known_before(anvil):
    """What the deployment journal relies on."""
    signer = Signer(KEY)
    anvil.set_balance(signer.address, 10**18)
    chain = RpcChain(f"http://127.0.0.1:{anvil.rpc._url.port}", signers=[signer])
    artifact = load()["MockERC20"]
    announced = []
    tx_hash = chain.submit(
        signer.address, None, artifact.creation("A", "A", 6), announce=lambda *told: announced.append(told)
    )
    assert announced == [(tx_hash, 0)]
    token = Contract(chain, chain.wait(tx_hash).contract_address, artifact)
    token.write("mint", signer.address, 5, sender=signer.address)
    assert token.read("balanceOf", signer.address) == 5

"""Settings: two disjoint parts, refused when they cannot be used, and never a key where it could be read."""

from dataclasses import replace
from pathlib import Path

import pytest

from plimsoll.errors import BadInput, KeyMissing
from plimsoll.keeper import logs
from plimsoll.keeper.settings import KEY, KEY_FILE, SECRET_NAMES, CodeDiffers, Settings, find_key, validate

SECRET = "0x" + "7b" * 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_batch", 0),
        ("poll", 0),
        ("page", 10**9),
        ("reserve", -1),
        ("profit_to", "0x12"),
        ("delay", -1),
        ("hedge_band", 10_001),
        ("observe_every", 121),
        ("option_gas", 1),
        ("headroom", -1),
        ("settle", "some"),
    ],
)
def test_a_setting_out_of_bounds_is_named(name, value):
    with pytest.raises(BadInput, match=name.replace("_", "-")):
        Settings(**{name: value})


def test_the_public_part_has_no_secret_and_no_provider_key():
    """Providers put keys into the path of an RPC address."""
    public = Settings(rpc="https://node.example/v3/abcdef", ack=Path("ack.json")).public()
    assert public["rpc"] == "https://node.example"
    assert not set(public) & SECRET_NAMES


def test_no_key_is_a_dry_run_and_a_bad_one_an_error(monkeypatch, tmp_path):
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.delenv(KEY_FILE, raising=False)
    assert find_key() is None
    monkeypatch.setenv(KEY, "0x1234")
    with pytest.raises(KeyMissing) as caught:
        find_key()
    assert "1234" not in str(caught.value)
    monkeypatch.delenv(KEY)
    monkeypatch.setenv(KEY_FILE, str(tmp_path / "missing"))
    with pytest.raises(KeyMissing):
        find_key()


def test_the_key_shows_nowhere(monkeypatch, tmp_path):
    """Not in the signer's repr, not in the wallet's, not in a log line that binds it by mistake."""
    from plimsoll.keeper.wallet import RpcWallet

    path = tmp_path / "keeper.key"
    path.write_text(SECRET)
    monkeypatch.setenv(KEY_FILE, str(path))
    monkeypatch.delenv(KEY, raising=False)
    signer = find_key()
    shown = (
        f"{signer!r} {RpcWallet(None, signer=signer)!r} {logs._redact(None, '', {'key': SECRET, 'password': SECRET})}"
    )
    assert SECRET[2:] not in shown
    assert signer.address in shown


def test_the_chain_must_be_the_manifests(world):
    """Other code at an address, or none, is another deployment: the keeper does not start."""
    validate(world.deployed)
    manifest = world.deployed.manifest
    entry = manifest.contracts["Lens"]
    for changed in (replace(entry, code_hash="0x" + "00" * 32), replace(entry, address="0x" + "12" * 20)):
        contracts = {**manifest.contracts, "Lens": changed}
        world.deployed.manifest = replace(manifest, contracts=contracts)
        with pytest.raises(CodeDiffers, match="Lens"):
            validate(world.deployed)


def test_a_manifest_of_another_chain_is_refused(world):
    world.deployed.manifest = replace(world.deployed.manifest, chain_id=1)
    with pytest.raises(BadInput, match="chain"):
        validate(world.deployed)

"""Artifacts, decoding of errors and events."""

import json

import pytest

from plimsoll import contracts
from plimsoll.chain import Log
from plimsoll.contracts import Artifact, decode_error, decode_event, load, topic
from plimsoll.errors import ArtifactsMissing, BadInput, Reverted


def test_missing_artifacts_name_the_remedy(tmp_path, monkeypatch):
    """The path and `make build`."""
    monkeypatch.setenv("PLIMSOLL_ARTIFACTS", str(tmp_path / "none.json"))
    with pytest.raises(ArtifactsMissing, match=r"none\.json.*make build"):
        load()


def test_damaged_artifacts_name_the_remedy(tmp_path):
    """A file that is cut off is not mistaken for an empty one."""
    path = tmp_path / "artifacts.json"
    path.write_text('{"contracts": {')
    with pytest.raises(ArtifactsMissing, match="damaged"):
        load(path)


def test_an_unknown_contract_is_named():
    """By the name that was asked for."""
    with pytest.raises(ArtifactsMissing, match="NoSuchThing"):
        load()["NoSuchThing"]


def test_libraries_are_linked():
    """Every placeholder is replaced; a missing library is named."""
    artifact = load()["MarginEngine"]
    assert "LiquidationLogic" in artifact.libraries
    with pytest.raises(BadInput, match="LiquidationLogic"):
        artifact.link({})
    code = artifact.link(dict.fromkeys(artifact.libraries, "0x" + "ab" * 20))
    assert code.count(b"\xab" * 20) >= len(artifact.libraries)


def test_interfaces_cannot_be_deployed():
    """They have no code."""
    with pytest.raises(BadInput, match="interface"):
        load()["IPriceFeed"].creation()


@pytest.mark.parametrize(
    ("data", "name", "values"),
    [
        ("", "", ()),
        ("08c379a0" + f"{32:064x}" + f"{2:064x}" + "6e6f".ljust(64, "0"), "Error", ("no",)),
        ("4e487b71" + f"{17:064x}", "Panic", (17,)),
        ("deadbeef01", "0xdeadbeef", (b"\1",)),
    ],
)
def test_every_revert_has_a_name(data, name, values):
    """Solidity's own errors, empty data and unknown selectors."""
    load()
    error = Reverted(bytes.fromhex(data))
    assert (error.name, error.values) == (name, values)
    assert str(error).startswith("reverted")


def test_errors_of_linked_libraries_are_known():
    """Errors that only interfaces declare are decoded from any contract."""
    data = load()["IMarginEngine"].abi
    entry = next(item for item in data if item["type"] == "error" and item["name"] == "UnknownMarket")
    selector = contracts.ErrorType(entry).selector
    assert decode_error(selector + (7).to_bytes(32, "big")) == ("UnknownMarket", (7,), ("market",))


def test_events_are_decoded_by_topic():
    """Indexed and other values together, signed ones signed."""
    load()
    log = Log(
        "0x" + "00" * 20, (topic("HeldChanged(bytes32,uint256,int256)"), b"\5" * 32, bytes(31) + b"\1"), b"\xff" * 32
    )
    event = decode_event(log)
    assert event.name == "HeldChanged"
    assert event.args == {"account": b"\5" * 32, "asset": 1, "held": -1}
    assert decode_event(Log(log.address, (b"\1" * 32,), b"")) is None


def test_wrong_arguments_name_function_and_values():
    """Before anything is sent."""
    with pytest.raises(BadInput, match=r"balanceOf\(address\)"):
        load()["MockERC20"].function("balanceOf").encode(("0x12",))
    with pytest.raises(BadInput, match="no such function"):
        load()["MockERC20"].function("burn")


def test_overloads_are_chosen_by_signature():
    """A bare name that means two functions is an error that lists them."""

    def entry(kind):
        return {"type": "function", "name": "f", "inputs": [{"name": "x", "type": kind}], "outputs": []}

    raw = {"abi": [entry("uint256"), entry("address")], "bytecode": "", "deployedBytecode": "", "linkReferences": {}}
    artifact = Artifact.from_json("Two", json.loads(json.dumps(raw)))
    assert artifact.function("f(uint256)").inputs.kind == "(uint256)"
    with pytest.raises(BadInput, match=r"overloaded: f\(address\), f\(uint256\)"):
        artifact.function("f")

"""Calls from the middle of somebody's batch: through the hook of a token that is being paid out."""

from __future__ import annotations

from plimsoll import contracts

SEND, RECEIVE = False, True


def hook(desk, asset, account, when, target, name, *args):
    """The next time `account` sends or receives the token of `asset`, the token calls `target.name(*args)`."""
    owner = desk.actor("hooker")
    data = target.encode(name, *args)
    desk.token(asset).write("setHook", account, when, target.address, False, data, sender=owner)


def told(desk, asset):
    """What the last call of the hook was told; "" when it went through. Fails when no hook ran."""
    token = desk.token(asset)
    assert token.read("calls") > 0
    if token.read("lastSucceeded"):
        return ""
    result = token.read("lastResult")
    return contracts.decode_error(result)[0] if result else "nothing"


def speak(desk, asset, target, name, *args):
    """The token of `asset` calls `target.name(*args)` itself, outside of any batch, and it goes through."""
    token, scout = desk.token(asset), desk.actor("scout")
    token.write("setHook", scout, RECEIVE, target.address, True, target.encode(name, *args), sender=scout)
    token.write("transfer", scout, 0, sender=desk.admin)


def arguments(function, account, owner):
    """Arguments that a function of the protocol takes, by their ABI types."""
    plain = {
        "uint256": 1,
        "int256": 1,
        "bool": False,
        "bytes": b"",
        "bytes32": account,
        "address": owner,
        "uint256[]": [1],
        "bytes32[]": [account],
    }

    def value(item):
        if item["type"].startswith("tuple"):
            fields = tuple(value(part) for part in item["components"])
            return [] if item["type"].endswith("[]") else fields
        if item["type"] in plain:
            return plain[item["type"]]
        kind, _, count = item["type"].partition("[")
        return [plain[kind]] * int(count[:-1]) if count else 1

    return [value(item) for item in function["inputs"]]

"""14 April 2025, KiloEx: 7 to 8.44 million dollars, most of it returned.

The keeper of the exchange came through a forwarder of meta-transactions whose `execute` was inherited and checked no
signature: anyone could speak in the keeper's name, and the keeper set prices. ETH at 100, a long; ETH at 10,000,
closed.

Property: nobody speaks for another. Every function that changes anything is either everyone's, by name, or refuses a
stranger with his own address; a sender appended to the call data, a call through Executor or through the authority
changes nothing; and a price is its signers', whoever carries it.
"""

from __future__ import annotations

import random

import pytest
from desk import ETH, NOBODY, PRICE, QUOTE, SIZE, USDC, WETH, expect

from plimsoll import contracts
from plimsoll.abi import checksum
from plimsoll.actions import call, trade_perp
from plimsoll.contracts import decode_error
from plimsoll.errors import Halted, Reverted
from plimsoll.prices import Quote

#: What is everyone's. Anything else that is not a view must refuse a stranger: a new function fails here first.
PUBLIC = {
    "MarginEngine": {"execute", "setOperator", "lockdown", "refreshPool", "collectReserve", "deleverage"}
    | {"observeClose", "observeExits", "observeExpiry", "preview"},
    "OracleRouter": {"update", "poke"},
    "LiquidityPool": {"requestDeposit", "requestRedeem", "execute", "claim", "reclaim", "observe"}
    | {"transfer", "transferFrom", "approve"},
    "CollateralVault": {"deposit", "mint", "withdraw", "redeem", "transfer", "transferFrom", "approve"}
    | {"claim", "process"},
    "InsuranceStake": {"cooldown", "deposit", "mint", "withdraw", "redeem", "transfer", "transferFrom", "approve"},
    "MarketConfig": {"endRamps"},
    "OptionConfig": {"endRamp"},
    "VolatilityFeed": {"update"},
    "OrderVerifier": {"cancel", "cancelWord", "cancelGroup"},
    "ChainlinkAdapter": set(),
    "Executor": set(),
}
#: The refusals: by AccessManager's modifier, or by a named owner of the function.
REFUSALS = {
    "changeLent": "NotAuthorized",
    "payStaker": "NotAuthorized",
    "count": "OnlyEngine",
    "fill": "OnlyEngine",
    "pay": "OnlyEngine",
    "pull": "OnlyEngine",
    "push": "OnlyEngine",
    "run": "OnlyEngine",
    "setEngine": "OnlyDeployer",
}


def handle(desk, name):
    return desk.vault(QUOTE) if name == "CollateralVault" else desk.deployed[name]


def privileged():
    for name, public in PUBLIC.items():
        for entry in contracts.load()[name].abi:
            if entry["type"] != "function" or entry["stateMutability"] in ("view", "pure"):
                continue
            if entry["name"] not in public:
                yield name, entry["name"]


PRIVILEGED = sorted(set(privileged()))


def sample(kind, draw, components=()):
    """A random value of an ABI type."""
    if kind.endswith("]"):
        inner, _, count = kind.rpartition("[")
        return [sample(inner, draw, components) for _ in range(int(count[:-1] or draw.randrange(3)))]
    if kind == "tuple":
        return tuple(sample(part["type"], draw, part.get("components", ())) for part in components)
    if kind == "address":
        return checksum(draw.randbytes(20))
    if kind == "bool":
        return draw.random() < 0.5
    if kind in ("bytes", "string"):
        return draw.randbytes(draw.randrange(64))
    if kind.startswith("bytes"):
        return draw.randbytes(int(kind[5:]))
    bits = int(kind.removeprefix("u")[3:])
    value = draw.getrandbits(draw.choice([1, 8, bits - 1]))
    return -value if kind[0] == "i" and draw.random() < 0.5 else value


def arguments(desk, name, function, draw):
    entry = next(e for e in handle(desk, name).artifact.abi if e.get("name") == function and e["type"] == "function")
    return [sample(part["type"], draw, part.get("components", ())) for part in entry["inputs"]]


def refusal(function, stranger):
    name = REFUSALS.get(function, "AccessManagedUnauthorized")
    return name, stranger


def test_the_list_is_not_empty():
    assert len(PRIVILEGED) >= 28
    assert ("MarginEngine", "configure") in PRIVILEGED


@pytest.mark.parametrize(("name", "function"), PRIVILEGED, ids=lambda part: part)
def test_a_stranger_is_refused_by_his_own_name(desk, name, function):
    """Random callers and arguments; bare, and with the admin's or MarketConfig's address appended (ERC-2771)."""
    contract, draw = handle(desk, name), random.Random(f"{name}.{function}")
    for _ in range(12):
        stranger = checksum(draw.randbytes(20))
        data = contract.encode(function, *arguments(desk, name, function, draw))
        for posed in (b"", bytes.fromhex(desk.admin[2:]), bytes.fromhex(desk.deployed["MarketConfig"].address[2:])):
            with pytest.raises(Reverted) as caught:
                desk.chain.send(stranger, contract.address, data + posed)
            expected, who = refusal(function, stranger)
            assert caught.value.name == expected
            assert caught.value.values[-1] == who


@pytest.mark.parametrize(("name", "function"), PRIVILEGED, ids=lambda part: part)
def test_random_call_data_changes_nothing(desk, name, function):
    """Whatever follows the selector: refused, in one way or another."""
    contract, draw = handle(desk, name), random.Random(f"{function}.{name}")
    selector = contract.artifact.function(function).selector
    for length in (0, 1, 31, 32, 33, 64, 160, 320, 640):
        with pytest.raises((Reverted, Halted)):
            desk.chain.send(checksum(draw.randbytes(20)), contract.address, selector + draw.randbytes(length))


def test_a_price_is_its_signers_whoever_carries_it(desk):
    """KiloEx's two prices, by anyone, unsigned; and signed ones by anyone, since they are true."""
    thief = desk.trader("thief", 100_000)
    for value in (100 * PRICE, 10_000 * PRICE):
        with expect("QuorumNotReached", 0, 2):
            desk.router.write("update", desk.signer.report(desk.now, [Quote(1, value)], []), sender=desk.owner(thief))
        with expect("QuorumNotReached", 0, 2):
            forged = desk.signer.report(desk.now, [Quote(1, value)], [])
            desk.act(thief, trade_perp(thief, ETH, SIZE), prices=forged)
    # 100,000 at 20x, from 100 to 10,000: as many millions as there are.
    assert 100_000 * 20 // 100 * (10_000 - 100) > 190_000_000
    desk.chain.advance(2)
    desk.router.write("update", desk.report({1: 3_001 * PRICE}), sender=desk.owner(thief))


def test_executor_is_nobody_s_voice(desk, put):
    """The one contract that calls what it is told: never the core, and with no rights anywhere else."""
    account = desk.trader("thief", 1_000)
    forbidden = [desk.deployed[name].address for name in PUBLIC if name not in ("CollateralVault", "ChainlinkAdapter")]
    forbidden += [desk.vault(asset).address for asset in range(3)] + [desk.token(asset).address for asset in range(3)]
    forbidden.append(desk.deployed["Authority"].address)
    for target in forbidden:
        with expect("CallTargetForbidden", target):
            desk.act(account, call(account, QUOTE, USDC, WETH, 0, target, b""))
    adapter, executor = desk.deployed["ChainlinkAdapter"], desk.deployed["Executor"]
    data = adapter.encode("list", bytes(32), (NOBODY, 1, 1, 0, 0))
    with expect("CallReverted") as caught:
        desk.act(account, call(account, QUOTE, USDC, WETH, 0, adapter.address, data))
    name, values, _ = decode_error(caught.value.values[1])
    assert (name, values) == ("AccessManagedUnauthorized", (executor.address,))


@pytest.mark.parametrize("through", ["execute", "schedule", "multicall"])
def test_the_authority_forwards_nobody(desk, through):
    """AccessManager.execute calls a target in its own name: only for those who might have called it themselves."""
    authority, engine = desk.deployed["Authority"], desk.engine
    stranger = desk.actor("stranger")
    data = engine.encode("pauseRisk", desk.now + 60)
    inner = authority.encode("execute", engine.address, data)
    args = {
        "execute": (engine.address, data),
        "schedule": (engine.address, data, 0),
        "multicall": ([inner],),
    }[through]
    with expect("AccessManagerUnauthorizedCall", stranger, engine.address, data[:4]):
        authority.write(through, *args, sender=stranger)
    assert engine.read("locked") is False

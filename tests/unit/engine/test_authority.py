"""A-1: every state-changing function of every contract refuses strangers, or stands here as open, with a reason.

The functions come from the ABIs: a new one that is in neither table fails the first test.
"""

from __future__ import annotations

import pytest

from plimsoll import contracts
from plimsoll.errors import Reverted
from plimsoll.testing import World

WRITES = ("nonpayable", "payable")
Z = "0x" + "00" * 20
ORDER = "(bytes32,(uint64,int64)[],uint64,int128,uint32,uint256,uint64,uint32,uint32,address,bool)"
MANAGED = ("AccessManagedUnauthorized",)
MANAGER = ("AccessManagerUnauthorizedAccount",)

#: What anyone may call, and why that is safe.
OPEN = {
    "MarginEngine": {
        "execute((bytes,bool,(uint8,bytes32,bytes)[]))": "each action asks for the owner or operator of its account",
        "preview((bytes,bool,(uint8,bytes32,bytes)[]),bytes32[])": "asks as execute does, and always reverts",
        "lockdown()": "revokes the operators of the caller's own accounts",
        "collectReserve(uint256)": "moves what is insurance's to insurance",
        "observeExits()": "looks at prices",
        "refreshPool(uint256[])": "brings a sum to the last prices; nobody's equity changes",
        "deleverage(uint256)": "only when the pool is beyond its limits; nobody's equity changes",
        "observeClose(uint256)": "counts a good price for the time since the last look",
        "observeExpiry(uint256,uint256)": "counts a good price for the time since the last look",
    },
    "OptionConfig": {"endRamp()": "takes down the flag of a ramp that is over; no requirement changes"},
    "MarketConfig": {"endRamps(uint256[])": "takes down flags of ramps that are over; no requirement changes"},
    "OracleRouter": {
        "update(bytes)": "what counts are the signatures in the report",
        "poke(uint256)": "reads a configured source",
    },
    "VolatilityFeed": {"update(bytes)": "what counts are the signatures in the report"},
    "CollateralVault": {
        "deposit(uint256,address)": "with the caller's tokens",
        "mint(uint256,address)": "with the caller's tokens",
        "withdraw(uint256,address,address)": "of the caller's shares, or with their owner's allowance",
        "redeem(uint256,address,address)": "of the caller's shares, or with their owner's allowance",
        "approve(address,uint256)": "ERC-20 over the caller's shares",
        "transfer(address,uint256)": "ERC-20 over the caller's shares",
        "transferFrom(address,address,uint256)": "ERC-20 with an allowance",
        "process(uint256)": "pays queued withdrawals in their order",
        "claim(address)": "what is the caller's own",
    },
    "LiquidityPool": {
        "requestDeposit(uint256,address)": "with the caller's tokens",
        "requestRedeem(uint256,address)": "of the caller's shares",
        "execute(uint256[])": "requests are executed for their controllers, by anyone",
        "claim(address)": "pays the controller, whoever asks",
        "reclaim(uint256)": "gives back to the controller, whoever asks",
        "observe()": "looks at prices",
        "approve(address,uint256)": "ERC-20 over the caller's shares",
        "transfer(address,uint256)": "ERC-20 over the caller's shares",
        "transferFrom(address,address,uint256)": "ERC-20 with an allowance",
    },
    "InsuranceStake": {
        "cooldown(uint256)": "of the caller's own shares",
        "deposit(uint256,address)": "with the caller's tokens",
        "mint(uint256,address)": "with the caller's tokens",
        "withdraw(uint256,address,address)": "of the caller's shares, or with their owner's allowance",
        "redeem(uint256,address,address)": "of the caller's shares, or with their owner's allowance",
        "approve(address,uint256)": "ERC-20 over the caller's shares",
        "transfer(address,uint256)": "ERC-20 over the caller's shares",
        "transferFrom(address,address,uint256)": "ERC-20 with an allowance",
    },
    "OrderVerifier": {
        "cancel(uint256[])": "of the caller's own orders",
        "cancelWord(uint256,uint256)": "of the caller's own orders",
        "cancelGroup(uint64)": "of the caller's own orders",
    },
    "Authority": {
        "multicall(bytes[])": "each call inside is the caller's own, with his rights",
        "renounceRole(uint64,address)": "gives up a role of the caller's own",
    },
}

#: What a stranger is told by everything else.
REFUSED = {
    "MarginEngine": {
        "configure(uint256,uint256,uint256)": MANAGED,
        "pauseRisk(uint256)": MANAGED,
        "closeMarket(uint256)": MANAGED,
        "setAuthority(address)": MANAGED,
        "changeLent(uint256,int256,int256)": ("NotAuthorized",),
        "payStaker(address,uint256)": ("NotAuthorized",),
        "setOperator(bytes32,address,(uint64,uint64,uint16,bool,uint32,uint32,uint64))": ("NotAuthorized",),
    },
    "CollateralVault": {
        "pull(address,uint256)": ("OnlyEngine",),
        "push(address,uint256)": ("OnlyEngine",),
        "pay(address,uint256)": ("OnlyEngine",),
        "count(int256)": ("OnlyEngine",),
    },
    "OrderVerifier": {
        f"fill({ORDER},bytes,address,address,uint256,uint64)": ("OnlyEngine",),
    },
    "Executor": {
        "run(address,uint256,address,address,address,address,bytes)": ("OnlyEngine",),
        "setEngine(address)": ("OnlyDeployer",),
    },
    "Authority": {
        "cancel(address,address,bytes)": ("AccessManagerNotScheduled", "AccessManagerUnauthorizedCancel"),
        "consumeScheduledOp(address,bytes)": ("",),  # asks the caller, who has no code to answer with
        "execute(address,bytes)": ("AccessManagerUnauthorizedCall",),
        "schedule(address,bytes,uint48)": ("AccessManagerUnauthorizedCall",),
    },
}
#: Contracts whose remaining functions are all guarded in one way.
GUARDS = {
    "Authority": MANAGER,
    "ChainlinkAdapter": MANAGED,
    "LiquidityPool": MANAGED,
    "MarketConfig": MANAGED,
    "OptionConfig": MANAGED,
    "OracleRouter": MANAGED,
    "PythAdapter": MANAGED,
    "VolatilityFeed": MANAGED,
}


def _functions() -> list[tuple[str, str]]:
    """(contract, signature) of everything that can change state, tests' own contracts left out."""
    found = []
    for name, artifact in contracts.load().items():
        source = contracts.load()._raw[name].get("sourcePath", "")
        if not artifact.bytecode or "/testing/" in source or not source.startswith("contracts/"):
            continue
        writable = {e["name"] for e in artifact.abi if e["type"] == "function" and e["stateMutability"] in WRITES}
        if any("storage" in item["type"] for e in artifact.abi for item in e.get("inputs", ())):
            continue  # a linked library: its functions take storage and work on the caller's, never on their own
        found += [
            (name, key) for key, function in artifact.functions.items() if "(" in key and function.name in writable
        ]
    return sorted(found)


FUNCTIONS = _functions()


@pytest.fixture(scope="module")
def deployed():
    world = World.create()
    authority = world.deployed["Authority"].address
    handles = {name: world.deployed[name] for name in ("Authority", "Executor", "MarketConfig", "OptionConfig")}
    handles |= {"MarginEngine": world.engine, "OracleRouter": world.router, "LiquidityPool": world.pool}
    handles |= {
        "CollateralVault": world.vault(0),
        "InsuranceStake": world.stake,
        "OrderVerifier": world.verifier,
        "VolatilityFeed": world.deployed.surfaces,
        "ChainlinkAdapter": world.put("ChainlinkAdapter", authority, Z, 0),
        "PythAdapter": world.put("PythAdapter", authority, Z, Z, 0),
    }
    return world, handles


def _zero(entry: dict) -> object:
    kind = entry["type"]
    if kind.endswith("[]"):
        return []
    if kind.endswith("]"):
        item, _, count = kind[:-1].rpartition("[")
        return [_zero({**entry, "type": item})] * int(count)
    if kind == "tuple":
        return tuple(_zero(component) for component in entry["components"])
    if kind == "address":
        return Z
    if kind == "bool":
        return False
    if kind in ("bytes", "string"):
        return b"" if kind == "bytes" else ""
    return bytes(int(kind[5:])) if kind.startswith("bytes") else 0


def _inputs(artifact, signature: str) -> list[dict]:
    named = [e for e in artifact.abi if e["type"] == "function" and e["name"] == signature.partition("(")[0]]
    return next(e["inputs"] for e in named if contracts.Function(e).signature == signature)


def test_a1_every_function_is_open_with_a_reason_or_refused():
    unknown = [
        f"{name}.{signature}"
        for name, signature in FUNCTIONS
        if signature not in OPEN.get(name, {}) and signature not in REFUSED.get(name, {}) and name not in GUARDS
    ]
    known = {(name, signature) for table in (OPEN, REFUSED) for name, rows in table.items() for signature in rows}

    assert unknown == []
    assert known <= set(FUNCTIONS)  # nothing listed that is no longer there
    assert all(reason for rows in OPEN.values() for reason in rows.values())
    assert not [
        name for name, signature in known if signature in OPEN.get(name, {}) and signature in REFUSED.get(name, {})
    ]
    assert len(FUNCTIONS) > 55


GUARDED = [(name, signature) for name, signature in FUNCTIONS if signature not in OPEN.get(name, {})]


@pytest.mark.parametrize(("name", "signature"), GUARDED, ids=[f"{n}.{s.partition('(')[0]}" for n, s in GUARDED])
@pytest.mark.parametrize("caller", ["stranger", "provider", "trader"])
def test_a1_strangers_are_refused(deployed, name, signature, caller):
    """By someone unknown, by an LP, and by the owner of an account; with arguments that are nothing and do no harm."""
    world, handles = deployed
    artifact = handles[name].artifact
    arguments = [_zero(entry) for entry in _inputs(artifact, signature)]
    if (
        name == "Authority" and ",bytes" in signature and "bytes4" not in signature
    ):  # about a call to something that it guards
        pause = world.engine.encode("pauseRisk", 0)
        arguments = [{Z: world.engine.address, b"": pause}.get(value, value) for value in arguments]
    expected = REFUSED.get(name, {}).get(signature) or GUARDS[name]

    with pytest.raises(Reverted) as caught:
        handles[name].write(signature, *arguments, sender=world.actor(caller))

    assert caught.value.name in expected


def test_a1_the_open_ones_give_no_power_over_others():
    """Each open function that names another's account, shares or request, tried on a victim's."""
    world = World.create()
    victim, stranger = world.actor("victim"), world.actor("stranger")
    world.fund(world.account(victim), 0, 1000 * 10**6)
    world.token(0).write("mint", victim, 10**9, sender=world.admin)
    world.vault(0).write("deposit", 10**8, victim, sender=victim)
    shares = world.vault(0).read("balanceOf", victim)
    attempts = (
        (world.vault(0), "redeem", (shares, stranger, victim), "ERC20InsufficientAllowance"),
        (world.vault(0), "withdraw", (10**7, stranger, victim), "ERC20InsufficientAllowance"),
        (world.vault(0), "transferFrom", (victim, stranger, shares), "ERC20InsufficientAllowance"),
        (world.pool, "transferFrom", (world.actor("provider"), stranger, 1), "ERC20InsufficientAllowance"),
        (world.pool, "requestRedeem", (1, victim), "ERC20InsufficientBalance"),
        (world.pool, "claim", (victim,), "NothingToClaim"),
        (world.pool, "reclaim", (99,), "RequestUnknown"),
        (world.deployed["Authority"], "renounceRole", (0, world.admin), "AccessManagerBadConfirmation"),
    )
    for contract, name, arguments, error in attempts:
        with pytest.raises(Reverted) as caught:
            contract.write(name, *arguments, sender=stranger)
        assert caught.value.name == error, name

"""O-05: re-entry from a wallet that is asked for its signature (ERC-1271).

A Match asks the maker's contract wallet whether it signed. The wallet is the attacker's: while it is asked, in the
middle of somebody else's batch, it may call anything: fill its order again, withdraw, liquidate, or read a value that
is half written, for a third protocol to act on.

Rule: the wallet is asked by a static call, before the fill writes anything; and the engine's lock is held, so that
even reading is refused wherever a value or a price is in the answer. The mock answers yes exactly if its own call
failed: that the fill goes through is the proof.
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, expect
from listed_desk import ListedDesk

from plimsoll import accounts
from plimsoll.abi import keccak
from plimsoll.actions import MAX_UINT256, batch, deposit, liquidate, match, withdraw

HONEST, REENTER = 0, 7


@pytest.fixture
def desk():
    return ListedDesk.create().with_options()


@pytest.fixture
def wallet(desk, put):
    """A contract wallet with an account of 50,000 in its name; its key is the actor "key"'s."""
    made = put(desk, "MockWallet", desk.actor("key"))
    account = of(made)
    token, vault = desk.token(QUOTE), desk.vault(QUOTE)
    token.write("mint", made.address, 50_000 * USDC, sender=desk.admin)
    run(desk, made, token.address, token.encode("approve", vault.address, MAX_UINT256))
    run(desk, made, desk.engine.address, desk.engine.encode("execute", batch([deposit(account, QUOTE, 50_000 * USDC)])))
    return made


def of(wallet):
    return accounts.pack(wallet.address, accounts.Mode.CROSS, 0, 0)


def run(desk, wallet, target, data):
    return wallet.write("run", target, data, sender=desk.admin)


def fill(desk, wallet, taker, seal=None):
    """The wallet sells a call to `taker`; a stranger sends the batch."""
    call = desk.call(3_000)
    sold, bought = desk.order(of(wallet), [(call, -SIZE)]), desk.order(taker, [(call, SIZE)])
    signature = seal if seal is not None else desk.seal(sold, "key")
    return match((sold.values(), signature), desk.signed(bought), SIZE, [desk.mark(call)])


def reentrant(desk, wallet, taker):
    """(contract, function, arguments) of what it tries."""
    desk.chain.advance(2)  # so that reports would be news
    engine, verifier = desk.engine, desk.verifier
    account, owner = of(wallet), wallet.address
    order = desk.order(account, [(desk.call(3_000), -SIZE)])
    other = desk.account(desk.actor("victim"))
    return {
        "execute": (engine, "execute", batch([withdraw(account, QUOTE, 50_000 * USDC, owner)])),
        "fill again": (engine, "execute", batch([fill(desk, wallet, taker, b"\1")])),
        "liquidate": (engine, "execute", batch([liquidate(account, taker)])),
        "verifier.fill": (verifier, "fill", order.values(), b"", owner, owner, 0, SIZE),
        "cancel": (verifier, "cancel", [0]),
        "lockdown": (engine, "lockdown"),
        "observe": (engine, "observeExpiry", ETH, desk.expiry),
        "assess": (engine, "assess", account),
        "assess the taker": (engine, "assess", taker),
        "assess another": (engine, "assess", other),
        "assessWitness": (engine, "assessWitness", account, b"\0\0\0\0"),
        "poolEquity": (engine, "poolEquity"),
        "redeem": (desk.vault(QUOTE), "redeem", 1, owner, owner),
        "totalAssets": (desk.vault(QUOTE), "totalAssets"),
        "surfaces": (desk.surfaces, "update", desk.surface_report()),
        "prices": (desk.router, "update", desk.report({})),
    }


TRIED = (
    "execute",
    "fill again",
    "liquidate",
    "verifier.fill",
    "cancel",
    "lockdown",
    "observe",
    "assess",
    "assess the taker",
    "assess another",
    "assessWitness",
    "poolEquity",
    "redeem",
    "totalAssets",
    "surfaces",
    "prices",
)
VALUES = ("assess", "assess the taker", "assess another", "assessWitness", "poolEquity", "totalAssets")


@pytest.mark.parametrize("what", TRIED)
def test_whatever_it_tries_fails(desk, wallet, what):
    """Its own call failed, so it said yes, and the fill is what it would have been."""
    taker = desk.trader("taker", 10_000)
    target, name, *args = reentrant(desk, wallet, taker)[what]
    action = fill(desk, wallet, taker, b"\1")
    wallet.write("set", REENTER, target.address, target.encode(name, *args), sender=desk.admin)
    held = desk.held(of(wallet))
    desk.execute(desk.admin, action)
    assert desk.options(of(wallet)) == {desk.call(3_000): -SIZE}
    assert desk.options(taker) == {desk.call(3_000): SIZE}
    assert desk.held(of(wallet)) > held and desk.token(QUOTE).read("balanceOf", wallet.address) == 0


@pytest.mark.parametrize("what", VALUES)
def test_the_same_question_is_answered_outside(desk, wallet, what):
    """So what it ran into was the lock, not the static call, and not a call that always fails."""
    taker = desk.trader("taker", 10_000)
    target, name, *args = reentrant(desk, wallet, taker)[what]
    wallet.write("set", REENTER, target.address, target.encode(name, *args), sender=desk.admin)
    said = wallet.write("isValidSignature", keccak(b"x"), b"", sender=desk.admin)
    assert said.logs == () or not said.logs
    run(desk, wallet, target.address, target.encode(name, *args))
    assert desk.chain.call(wallet.address, wallet.encode("isValidSignature", keccak(b"x"), b""))[:4] == bytes(4)


def test_an_answered_question_would_have_stopped_the_fill(desk, wallet):
    """The mock's own logic: a view without a value, which answers in mid-batch, makes it say no."""
    taker = desk.trader("taker", 10_000)
    action = fill(desk, wallet, taker, b"\1")
    wallet.write("set", REENTER, desk.token(QUOTE).address, desk.token(QUOTE).encode("decimals"), sender=desk.admin)
    with expect("SignatureInvalid"):
        desk.execute(desk.admin, action)
    wallet.write("set", HONEST, desk.admin, b"", sender=desk.admin)
    desk.execute(desk.admin, fill(desk, wallet, taker))
    assert desk.options(taker) == {desk.call(3_000): SIZE}

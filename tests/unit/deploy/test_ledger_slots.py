"""plimsoll.ledger against the compiler's storage layout and the engine's own getters."""

import json

import pytest

from plimsoll import ledger
from plimsoll.accounts import cross
from plimsoll.actions import batch, deposit
from plimsoll.contracts import artifacts_path
from plimsoll.margin.words import Balance


@pytest.fixture(scope="module")
def layout():
    raw = json.loads(artifacts_path().read_text())["contracts"]["MarginEngine"]["storageLayout"]
    types = raw["types"]
    return types, types[raw["storage"][0]["type"]]["members"]


def test_slots_are_the_compilers(layout):
    """Every member of Ledger.State that has a constant."""
    _, members = layout
    slots = {member["label"]: int(member["slot"]) for member in members}
    constants = {
        "globals": ledger.GLOBALS,
        "pool": ledger.POOL,
        "terms": ledger.TERMS,
        "listedMarkets": ledger.LISTED_MARKETS,
        "headers": ledger.HEADERS,
        "balances": ledger.BALANCES,
        "positions": ledger.POSITIONS,
        "assets": ledger.ASSETS,
        "totals": ledger.TOTALS,
        "vaults": ledger.VAULTS,
        "markets": ledger.MARKETS,
        "lending": ledger.LENDING,
        "debts": ledger.DEBTS,
        "limits": ledger.LIMITS,
        "flows": ledger.FLOWS,
        "pairs": ledger.PAIRS,
        "stake": ledger.STAKE,
        "options": ledger.OPTIONS,
        "settlements": ledger.SETTLEMENTS,
        "optionSetup": ledger.OPTION_SETUP,
        "portfolioRamp": ledger.PORTFOLIO_RAMP,
        "surfaces": ledger.SURFACES,
        "verifier": ledger.VERIFIER,
    }
    assert {label: slots[label] for label in constants} == constants


def test_words_of_a_market_are_the_compilers(layout):
    """In the order of the struct."""
    types, members = layout
    markets = next(member for member in members if member["label"] == "markets")
    struct = types[types[markets["type"]]["value"]]["members"]
    found = {member["label"]: int(member["slot"]) for member in struct}
    words = (ledger.STATE, ledger.RISK, ledger.COSTS, ledger.TRADE, ledger.INSURANCE)
    assert [found[label] for label in ("state", "risk", "costs", "trade", "insurance")] == list(words)


def test_a_balance_is_read_where_it_is(deployment):
    """Through the nested mapping."""
    owner = deployment.chain.accounts[3]
    token, vault = deployment.tokens[0], deployment.vaults[0]
    token.write("mint", owner, 5, sender=owner)
    token.write("approve", vault.address, 5, sender=owner)
    account = cross(owner)
    deployment.engine.write("execute", batch([deposit(account, 0, 5)]), sender=owner)
    word, vault_word = ledger.read(deployment.engine, [ledger.balance(account, 0), ledger.vault(0)])
    assert Balance.from_word(word).held == 5
    assert vault_word == int(vault.address, 16)

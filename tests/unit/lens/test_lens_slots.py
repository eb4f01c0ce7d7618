"""contracts/libraries/LedgerSlots.sol repeats what the compiler decides; here the two are compared."""

from __future__ import annotations

import re

import pytest

from plimsoll.contracts import ROOT, load

SOURCE = (ROOT / "contracts/libraries/LedgerSlots.sol").read_text()
CONSTANTS = {name: int(value) for name, value in re.findall(r"constant (\w+) = (\d+);", SOURCE)}
MEMBERS = {
    "GLOBALS": "globals",
    "POOL": "pool",
    "TERMS": "terms",
    "LISTED_MARKETS": "listedMarkets",
    "HEADERS": "headers",
    "BALANCES": "balances",
    "POSITIONS": "positions",
    "ASSETS": "assets",
    "TOTALS": "totals",
    "VAULTS": "vaults",
    "MARKETS": "markets",
    "LOCKDOWNS": "lockdowns",
    "LENDING": "lending",
    "DEBTS": "debts",
    "LIMITS": "limits",
    "FLOWS": "flows",
    "PAIRS": "pairs",
    "MODEL_RAMP": "modelRamp",
    "STAKE": "stake",
    "OPTIONS": "options",
    "SETTLEMENTS": "settlements",
    "OPTION_SETUP": "optionSetup",
    "PORTFOLIO_RAMP": "portfolioRamp",
    "SURFACES": "surfaces",
    "VERIFIER": "verifier",
}
WORDS = {
    "STATE": "state",
    "RISK": "risk",
    "COSTS": "costs",
    "TRADE": "trade",
    "INSURANCE": "insurance",
    "RAMP": "ramp",
    "LOSS": "loss",
    "CLOSING": "closing",
}
BITS = {
    "ASSET_FEED_BIT": ("Asset", "feed"),
    "SHORT_SIZE_BIT": ("MarketState", "shortSize"),
    "FEED_BIT": ("MarketRisk", "feed"),
    "MAX_AGE_BIT": ("MarketRisk", "maxAge"),
    "ALLOCATION_BIT": ("MarketTrade", "allocation"),
    "MOVE_BIT": ("MarketTrade", "move"),
    "GAP_BIT": ("MarketTrade", "gap"),
}


@pytest.fixture(scope="module")
def layout():
    """{struct: {member: (slot, bit, bytes)}} as the compiler laid them out."""
    types = load()._raw["MarginEngine"]["storageLayout"]["types"]
    return {
        kind["label"].split(".")[-1]: {
            member["label"]: (
                int(member["slot"]),
                8 * member["offset"],
                int(types[member["type"]]["numberOfBytes"]),
            )
            for member in kind["members"]
        }
        for kind in types.values()
        if "members" in kind
    }


def test_every_constant_is_compared():
    """A new constant must join one of the tables above."""
    assert set(CONSTANTS) == {*MEMBERS, *WORDS, *BITS, "MARKET_WORDS"}


def test_the_struct_is_at_slot_zero():
    """The engine's one variable."""
    (variable,) = load()._raw["MarginEngine"]["storageLayout"]["storage"][:1]
    assert (variable["label"], variable["slot"], variable["offset"]) == ("state", "0", 0)


@pytest.mark.parametrize("name", MEMBERS)
def test_members_of_the_state_are_where_the_compiler_puts_them(layout, name):
    """Slot by slot."""
    assert layout["State"][MEMBERS[name]][:2] == (CONSTANTS[name], 0)


@pytest.mark.parametrize("name", WORDS)
def test_words_of_a_market_are_where_the_compiler_puts_them(layout, name):
    """Each struct fits one slot."""
    slot, bit, size = layout["Market"][WORDS[name]]
    assert (slot, bit, size) == (CONSTANTS[name], 0, 32)
    assert CONSTANTS["MARKET_WORDS"] <= len(layout["Market"])  # the first of them are read in a row


@pytest.mark.parametrize("name", BITS)
def test_fields_are_where_the_compiler_puts_them(layout, name):
    """Bit by bit."""
    struct, member = BITS[name]
    assert layout[struct][member][:2] == (0, CONSTANTS[name])


def test_a_settlement_is_one_slot(layout):
    """What a check reads of an expired option."""
    fields = {name: (slot, bit) for name, (slot, bit, _) in layout["Settlement"].items()}
    assert fields == {"price": (0, 0), "weighted": (0, 72), "covered": (0, 168), "observedAt": (0, 192)}


def test_the_header_counts_options_after_its_bitmaps(layout):
    """Sixteen bits from bit 128 on."""
    assert layout["Header"]["options"] == (0, 128, 2)


def test_the_header_begins_with_both_bitmaps(layout):
    """What the lens's loops rely on: assets in the lowest 64 bits, markets in the next."""
    assert layout["Header"]["assets"] == (0, 0, 8)
    assert layout["Header"]["markets"] == (0, 64, 8)

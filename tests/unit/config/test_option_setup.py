"""MarketConfig: the model of portfolio accounts, surfaces and the verifier of orders."""

from __future__ import annotations

import pytest
from config_world import NOBODY, TERMS, reverts, values

from plimsoll.contracts import events

DAY = 86_400
FORBIDDEN, OPTION_SETUP, PORTFOLIO_RAMP, SURFACES, VERIFIER = 13, 28, 29, 30, 31
MODEL_CODE = 17


def now(world):
    return world.chain.block()[1]


def model(world, floor=15 * 10**18):
    return world.deploy("MockOptionModel", floor - 1, floor, 0, 1000).address


@pytest.mark.parametrize("name", ["setPortfolioModel", "setSurfaces", "setVerifier"])
def test_an_address_without_code_or_a_stranger_is_refused(ready, name):
    """Only the role, and only contracts."""
    with reverts("AddressWithoutCode", NOBODY):
        ready.configure(name, NOBODY)
    with reverts("AccessManagedUnauthorized"):
        ready.configure(name, ready["RuleMargin"].address, sender=ready.stranger)


def test_a_verifier_of_another_engine_is_refused(ready):
    """Its orders would be for somebody else."""
    other = ready.deploy("MockVerifier", NOBODY).address
    with reverts("VerifierMismatch", other, NOBODY):
        ready.configure("setVerifier", other)


def test_each_is_written_and_never_called(ready):
    """By `Call`, that is."""
    engine = ready["MarginEngine"].address
    chosen = {
        "setPortfolioModel": (OPTION_SETUP, model(ready)),
        "setSurfaces": (SURFACES, ready.deploy("MockSurfaces").address),
        "setVerifier": (VERIFIER, ready.deploy("MockVerifier", engine).address),
    }
    for name, (slot, address) in chosen.items():
        ready.configure(name, address)
        assert ready.slot(slot) == int(address, 16)
        assert ready.entry(FORBIDDEN, int(address, 16)) == 1


def test_a_model_whose_floor_is_above_the_dust_is_refused(ready):
    """And later dust below its floor."""
    high = model(ready, TERMS["dust"] * 10**16 + 1)
    with reverts("DustBelowFloor"):
        ready.configure("setPortfolioModel", high)
    ready.configure("setPortfolioModel", model(ready, 30 * 10**18))
    with reverts("DustBelowFloor", 29 * 10**18, 30 * 10**18):
        ready.configure("setTerms", values(TERMS | {"dust": 2_900}))


def test_a_replaced_model_is_ramped_to_and_the_next_waits(ready):
    """As the rule model is."""
    first, second = model(ready), model(ready)
    assert events(ready.configure("setPortfolioModel", first).logs, "ParameterRamped") == []
    receipt = ready.configure("setPortfolioModel", second)
    end = now(ready) + DAY
    (told,) = events(receipt.logs, "ParameterRamped")
    assert (told.args["what"], told.args["end"]) == (MODEL_CODE, end)
    assert ready.slot(PORTFOLIO_RAMP) == int(first, 16) | end << 160
    assert ready.slot(OPTION_SETUP) == int(second, 16) | 1 << 160
    with reverts("RampInProgress", MODEL_CODE, 0, end):
        ready.configure("setPortfolioModel", first)
    ready.chain.advance(DAY)
    ready.configure("endRamps", [], sender=ready.stranger)
    assert (ready.slot(PORTFOLIO_RAMP), ready.slot(OPTION_SETUP)) == (0, int(second, 16))

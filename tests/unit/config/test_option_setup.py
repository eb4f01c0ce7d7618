"""OptionConfig: the model of portfolio accounts, surfaces and the verifier of orders."""

from __future__ import annotations

import pytest
from config_world import CONFIG_ROLE, NOBODY, TERMS, reverts, values

from plimsoll.contracts import events

DAY = 86_400
FORBIDDEN, OPTION_SETUP, PORTFOLIO_RAMP, SURFACES, VERIFIER = 13, 28, 29, 30, 31
MODEL_CODE = 17


@pytest.fixture
def setup(ready):
    """Terms are set, and OptionConfig writes into the engine as MarketConfig does."""
    ready.configure("setTerms", values(TERMS))
    ready.deploy("OptionConfig", ready["Authority"].address, ready["MarginEngine"].address)
    ready["Authority"].write("grantRole", CONFIG_ROLE, ready["OptionConfig"].address, 0, sender=ready.owner)
    return ready


def install(world, name, *args, sender=None):
    return world["OptionConfig"].write(name, *args, sender=sender or world.owner)


def now(world):
    return world.chain.block()[1]


def model(world, floor=15 * 10**18):
    return world.deploy("MockOptionModel", floor - 1, floor, 0, 1000).address


@pytest.mark.parametrize("name", ["setPortfolioModel", "setSurfaces", "setVerifier"])
def test_an_address_without_code_or_a_stranger_is_refused(setup, name):
    """Only the role, and only contracts."""
    with reverts("AddressWithoutCode", NOBODY):
        install(setup, name, NOBODY)
    with reverts("AccessManagedUnauthorized"):
        install(setup, name, setup["RuleMargin"].address, sender=setup.stranger)


def test_a_verifier_of_another_engine_is_refused(setup):
    """Its orders would be for somebody else."""
    other = setup.deploy("MockVerifier", NOBODY).address
    with reverts("VerifierMismatch", other, NOBODY):
        install(setup, "setVerifier", other)


def test_each_is_written_and_never_called(setup):
    """By `Call`, that is."""
    engine = setup["MarginEngine"].address
    chosen = {
        "setPortfolioModel": (OPTION_SETUP, model(setup)),
        "setSurfaces": (SURFACES, setup.deploy("MockSurfaces").address),
        "setVerifier": (VERIFIER, setup.deploy("MockVerifier", engine).address),
    }
    for name, (slot, address) in chosen.items():
        install(setup, name, address)
        assert setup.slot(slot) == int(address, 16)
        assert setup.entry(FORBIDDEN, int(address, 16)) == 1


def test_a_model_whose_floor_is_above_the_dust_is_refused(setup):
    """And later dust below its floor."""
    high = model(setup, TERMS["dust"] * 10**16 + 1)
    with reverts("DustBelowFloor"):
        install(setup, "setPortfolioModel", high)
    install(setup, "setPortfolioModel", model(setup, 30 * 10**18))
    with reverts("DustBelowFloor", 29 * 10**18, 30 * 10**18):
        setup.configure("setTerms", values(TERMS | {"dust": 2_900}))


def test_a_model_with_bounds_for_published_cases_is_refused(setup):
    """It says so itself."""
    wide = setup.deploy("MockOptionModel", 14 * 10**18, 15 * 10**18, 0, 1000)
    wide.write("loosen", sender=setup.stranger)
    with reverts("ModelBoundsWide", wide.address):
        install(setup, "setPortfolioModel", wide.address)


def test_a_replaced_model_is_ramped_to_and_the_next_waits(setup):
    """As the rule model is."""
    first, second = model(setup), model(setup)
    assert events(install(setup, "setPortfolioModel", first).logs, "ParameterRamped") == []
    receipt = install(setup, "setPortfolioModel", second)
    end = now(setup) + DAY
    (told,) = events(receipt.logs, "ParameterRamped")
    assert (told.args["what"], told.args["end"]) == (MODEL_CODE, end)
    assert setup.slot(PORTFOLIO_RAMP) == int(first, 16) | end << 160
    assert setup.slot(OPTION_SETUP) == int(second, 16) | 1 << 160
    with reverts("RampInProgress", MODEL_CODE, 0, end):
        install(setup, "setPortfolioModel", first)
    setup.chain.advance(DAY)
    install(setup, "endRamp", sender=setup.stranger)
    assert (setup.slot(PORTFOLIO_RAMP), setup.slot(OPTION_SETUP)) == (0, int(second, 16))

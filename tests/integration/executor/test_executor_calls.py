"""Executor: the sandbox, called by anyone but its engine."""

import pytest
from helpers import reverts
from world import QUOTE, WETH


@pytest.mark.parametrize("role", ["stranger", "deployer", "trader"])
def test_only_the_engine_runs_calls(world, request, role):
    """It has no rights, and lends none."""
    caller = request.getfixturevalue(role)
    quote, weth = world.tokens[QUOTE], world.tokens[WETH]
    vaults = world.vaults[QUOTE], world.vaults[WETH]
    with reverts("OnlyEngine", caller):
        world.executor.run(quote, 0, vaults[0], weth, vaults[1], caller, b"", {"from": caller})


@pytest.mark.parametrize("role", ["stranger", "trader"])
def test_only_its_deployer_names_the_engine(world, request, role):
    """Nobody else."""
    caller = request.getfixturevalue(role)
    with reverts("OnlyDeployer", caller):
        world.executor.setEngine(caller, {"from": caller})


def test_the_engine_is_named_once(world, deployer):
    """For good."""
    with reverts("EngineAlreadySet", world.engine):
        world.executor.setEngine(deployer, {"from": deployer})
    assert world.engine == world.executor.engine()

"""Plans: steps, references, libraries, fingerprints."""

import pytest

from plimsoll.deploy.plan import Create, Derived, Plan, Ref, resolve
from plimsoll.errors import BadInput


def test_libraries_become_steps_before_their_users(artifacts):
    """Each once, in an order in which every link is known."""
    plan = Plan(artifacts)
    zero = "0x" + "00" * 20
    plan.create("MarginEngine", "MarginEngine", zero, zero, zero, 6)
    names = [step.name for step in plan.steps]
    assert names[-1] == "MarginEngine"
    assert len(names) == len(set(names))
    for number, step in enumerate(plan.steps):
        assert isinstance(step, Create)
        assert set(step.artifact.libraries) <= set(names[:number])


def test_a_reference_must_point_backwards(artifacts):
    """Also when it is hidden in a list."""
    plan = Plan(artifacts)
    with pytest.raises(BadInput, match="'later'"):
        plan.create("token", "MockERC20", [Ref("later")], "T", 6)


def test_names_are_unique(artifacts):
    """The journal knows steps by name."""
    plan = Plan(artifacts)
    plan.create("token", "MockERC20", "T", "T", 6)
    with pytest.raises(BadInput, match="each name once"):
        plan.create("token", "MockERC20", "T", "T", 6)


def test_a_call_must_exist_on_its_target(artifacts):
    """Found when planning, not half-way through."""
    plan = Plan(artifacts)
    token = plan.create("token", "MockERC20", "T", "T", 6)
    with pytest.raises(BadInput, match="no such function"):
        plan.call("burn", token, "burn", 5)


def test_references_are_resolved_at_any_depth():
    """In lists and tuples; other values pass."""
    assert resolve((Ref("a"), [1, (Ref("b"),)]), {"a": "0x1", "b": "0x2"}) == ("0x1", [1, ("0x2",)])


def test_what_is_derived_waits_for_its_addresses(artifacts):
    """Its references point backwards; the fingerprint knows its function and arguments."""

    def plan(number):
        plan = Plan(artifacts)
        token = plan.create("token", "MockERC20", "T", "T", 6)
        plan.call("mint", token, "mint", token, plan.derived(_last_byte, token, number))
        return plan

    assert plan(1).steps[-1].args[1] == Derived(_last_byte, (Ref("token"), 1))
    assert resolve(plan(1).steps[-1].args, {"token": "0x05"}) == ("0x05", 6)
    assert plan(1).fingerprint("0xA") == plan(1).fingerprint("0xA") != plan(2).fingerprint("0xA")
    with pytest.raises(BadInput, match="'later'"):
        Plan(artifacts).derived(_last_byte, Ref("later"), 1)


def _last_byte(address, number):
    return int(address[-2:], 16) + number


@pytest.mark.parametrize(
    ("symbol", "decimals", "deployer"), [("U", 6, "0xA"), ("T", 7, "0xA"), ("T", 6, "0xB")], ids=str
)
def test_fingerprints_tell_plans_apart(artifacts, symbol, decimals, deployer):
    """By arguments and deployer."""

    def plan(symbol, decimals):
        plan = Plan(artifacts)
        plan.create("token", "MockERC20", "T", symbol, decimals)
        return plan

    assert plan("T", 6).fingerprint("0xA") == plan("T", 6).fingerprint("0xA")
    assert plan("T", 6).fingerprint("0xA") != plan(symbol, decimals).fingerprint(deployer)

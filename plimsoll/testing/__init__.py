"""A deployed protocol for anyone's tests: `World`, and the pytest fixtures of `plimsoll.testing.plugin`."""

from plimsoll.testing.world import World

__all__ = ["World"]

"""The command line: `plimsoll --help`, docs/cli.md. Commands live in plimsoll/commands, one module per subject."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import typer

from plimsoll import commands

HELP = """On-chain margin: deploy, look, trade, keep, replay.

Keys come from PLIMSOLL_KEY (hex) or the file named by PLIMSOLL_KEY_FILE, never from the command line. Without a key,
commands that would send show what they would do.
"""

app = typer.Typer(
    name="plimsoll",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for _module in sorted(module.name for module in iter_modules(commands.__path__)):
    _register = getattr(import_module(f"plimsoll.commands.{_module}"), "register", None)
    if _register is not None:
        _register(app)

if __name__ == "__main__":
    app()

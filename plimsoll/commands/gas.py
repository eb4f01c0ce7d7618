"""plimsoll gas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plimsoll.commands.common import Json, emit, handled


def register(app: typer.Typer) -> None:
    app.command()(gas)


@handled
def gas(
    as_json: Json = False,
    check: Annotated[
        Path | None, typer.Option("--check", help="Fail when a figure drifts over 1 % from this record.")
    ] = None,
    write: Annotated[Path | None, typer.Option("--write", help="Record the figures in this file.")] = None,
) -> None:
    """Gas of each operation, whole transactions, from receipts of a local Anvil.

    Example: plimsoll gas --check gas.json
    """
    from plimsoll import gas as figures
    from plimsoll.deploy.files import write_json
    from plimsoll.keeper import logs

    logs.configure(as_json=False)
    measured = figures.measure()
    sizes = figures.code_sizes()
    if write is not None:
        write_json(write, measured)
    if check is not None:
        figures.check(measured, check)
    lines = [f"{name:20} {value:>9,}" for name, value in measured.items()]
    lines += ["", f"code of {len(sizes)} contracts, bytes of {figures.CODE_LIMIT:,} allowed:"]
    lines += [f"{name:20} {size:>9,}" for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:6]]
    emit(as_json, measured, lines)

"""The commands of `plimsoll`, one module per subject.

A module here defines `register(app)`, which adds its commands to the typer application; plimsoll.cli finds it by
itself. Use plimsoll.commands.common: `@handled` turns errors into stable exit codes, `emit` prints text or JSON, and
the options that commands share are declared there. Import what is heavy inside the command, so that `plimsoll --help`
stays quick.
"""

"""Results on disk: whole or not at all. What cannot be written where it belongs is kept elsewhere, never lost."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from plimsoll.errors import PlimsollError


class NotWritten(PlimsollError):
    """A result could not be written to `path`. `kept` is where it is instead, None when only on standard output."""

    exit_code = 8

    def __init__(self, path: Path, reason: str, kept: Path | None = None) -> None:
        where = f"it is kept at {kept}" if kept else "it was not kept"
        super().__init__(f"{path} cannot be written ({reason}); {where}; free some space or choose another place")
        self.path, self.kept = path, kept


def write(path: Path, content: str | bytes) -> None:
    """Atomically, through a temporary file beside it. Raises OSError, and then `path` is what it was."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def keep(path: Path, content: str | bytes, fallbacks: list[Path] | None = None) -> Path:
    """Writes to `path`. When that fails, writes to a fallback folder and raises NotWritten, which names it."""
    try:
        write(path, content)
        return path
    except OSError as error:
        reason = error.strerror or str(error)
    for folder in fallbacks if fallbacks is not None else [Path(tempfile.gettempdir()), Path.home()]:
        with contextlib.suppress(OSError):
            kept = folder / f"plimsoll-{os.getpid()}-{path.name}"
            write(kept, content)
            raise NotWritten(path, reason, kept)
    raise NotWritten(path, reason)

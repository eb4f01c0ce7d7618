"""Runs a program and ends it, with all its children, as soon as whoever started us is gone:  guard.py COMMAND...

The starter keeps the other end of our standard input. However it dies, even by SIGKILL, the pipe closes. A file of its
own and not a module: it starts in 20 ms because it imports nothing of the package.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1


def die_with_guard() -> None:
    """Linux only: should we be killed ourselves, the kernel kills the program."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    process = subprocess.Popen(
        sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_guard
    )

    def end(*_: object) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    def watch() -> None:
        while os.read(0, 1024):
            pass
        end()

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end)
    threading.Thread(target=watch, daemon=True).start()
    code = process.wait()
    end()  # whatever it may have left behind
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())

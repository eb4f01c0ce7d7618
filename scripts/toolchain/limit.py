"""Runs a command for at most so many seconds and leaves none of its processes behind:  limit.py SECONDS COMMAND...

A test run that hangs would keep its local chain alive, and one that is killed would orphan it. So the command gets a
session of its own, and whatever is left in that session at the end is ended too; so it is when whoever called this is
gone. Exit status: the command's, 124 when the time was up (as `timeout` does), 128 + signal when interrupted.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from types import FrameType


class Interrupted(Exception):
    def __init__(self, signum: int) -> None:
        self.signum = signum


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt(signum: int, _frame: FrameType | None) -> None:
    """Once: the second of two signals must not interrupt the clean-up."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise Interrupted(signum)


def end_session(group: int, first: signal.Signals) -> None:
    """Asks what is left of the process group to end, and makes it after five seconds."""
    for signum in (first, signal.SIGKILL):
        try:
            os.killpg(group, signum)
            for _ in range(50):
                os.killpg(group, 0)  # raises once nobody is left
                time.sleep(0.1)
        except (ProcessLookupError, PermissionError):
            return


def wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    """The exit status; looks once a second whether the caller still lives."""
    caller, end = os.getppid(), time.monotonic() + seconds
    while True:
        try:
            return process.wait(timeout=max(0.0, min(1.0, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            if os.getppid() != caller:
                raise Interrupted(signal.SIGHUP) from None
            if time.monotonic() >= end:
                raise


def run(seconds: float, command: list[str]) -> int:
    try:
        process = subprocess.Popen(command, start_new_session=True)
    except OSError as error:
        print(f"limit: cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    first = signal.SIGTERM
    try:
        code = wait(process, seconds)
        return code if code >= 0 else 128 - code
    except subprocess.TimeoutExpired:
        print(f"limit: {' '.join(command)} was still running after {seconds:g} s and has been ended", file=sys.stderr)
        return 124
    except Interrupted as stopped:
        first = signal.SIGINT if stopped.signum == signal.SIGINT else signal.SIGTERM
        return 128 + stopped.signum
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if process.poll() is None:  # give it the chance to clean up before its children lose their parent
            process.send_signal(first)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
        end_session(process.pid, signal.SIGTERM)
        process.poll()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for number in SIGNALS:
        signal.signal(number, interrupt)
    try:
        sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
    except Interrupted as early:
        sys.exit(128 + early.signum)

"""The same days beside the run that is reported: with 1-minute and 15-minute steps, and with nobody keeping.

The runs are independent, so they go to worker processes; all are in process and from the same seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

from plimsoll.sim.prices import load
from plimsoll.sim.replay import run
from plimsoll.sim.setup import Setup

STEPS = (60, 300, 900)
NO_KEEPER = "no keeper"


@dataclass(frozen=True)
class Job:
    """One run to be made elsewhere."""

    name: str
    files: tuple[str, ...]
    step: int
    window: dict[str, Any]
    setup: Setup


def jobs(files: Sequence[str], step: int, setup: Setup, window: dict[str, Any]) -> list[Job]:
    """Nobody keeping first, then every step length but the run's own (which is left out, it is there already)."""
    other = "with keeper" if not setup.keeper else NO_KEEPER
    found = [Job(other, tuple(files), step, window, replace(setup, keeper=not setup.keeper))]
    found += [Job(label(length), tuple(files), length, window, setup) for length in STEPS if length != step]
    return found


def label(step: int) -> str:
    return f"{step // 60} min steps" if step % 60 == 0 else f"{step} s steps"


class Beside:
    """Runs under way; `results` waits for them. Results by name; use as a context."""

    def __init__(self, wanted: Sequence[Job], workers: int = 2) -> None:
        self._pool = ProcessPoolExecutor(min(workers, len(wanted)), mp_context=get_context("spawn"))
        self._runs: dict[str, Future[dict[str, Any]]] = {job.name: self._pool.submit(work, job) for job in wanted}

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def results(self) -> dict[str, dict[str, Any]]:
        return {name: future.result() for name, future in self._runs.items()}


def work(job: Job) -> dict[str, Any]:
    path = load(job.files, step=job.step, **job.window)
    return run(path, job.setup).data


def beside(files: Sequence[str], step: int, setup: Setup, window: dict[str, Any]) -> dict[str, dict[str, Any]]:
    with Beside(jobs(files, step, setup, window)) as runs:
        return runs.results()

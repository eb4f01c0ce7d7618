"""A scenario's parts, with volatility scaling and without, each in a process of its own that ends with it.

What a process used for transactions is never freed, so a long replay is many short ones. With a folder to work in, the
result of each part is kept there, and parts that are there already are not replayed again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from plimsoll.errors import PlimsollError
from plimsoll.sim.files import write
from plimsoll.sim.replay import run
from plimsoll.sim.scenarios import Part

Data = dict[str, Any]
ON, OFF = "scaling on", "scaling off"
THINNED = 600  # points of a series that are kept


@dataclass(frozen=True)
class Shard:
    """One part, with or without volatility scaling."""

    part: Part
    volatility: bool

    @property
    def side(self) -> str:
        return ON if self.volatility else OFF

    @property
    def file(self) -> str:
        """Named after what it was made from; an artefact of the contracts is not part of it."""
        made = json.dumps(asdict(self.part), sort_keys=True, default=str)
        return f"{self.part.name}-{'on' if self.volatility else 'off'}-{sha256(made.encode()).hexdigest()[:10]}.json"


class PartFailed(PlimsollError):
    """A part of a scenario could not be replayed to its end."""

    def __init__(self, shard: Shard, reason: str) -> None:
        super().__init__(f"{shard.part.name}, {shard.side}: {reason}")


class WorkerEnded(PlimsollError):
    """A process that replayed a part was ended from outside; what was finished is in `folder`."""

    exit_code = 9

    def __init__(self, folder: Path | None) -> None:
        kept = f"finished parts are in {folder}" if folder else "with --work finished parts are kept"
        super().__init__(f"a process that replayed a part was ended (out of memory?); {kept}: run the command again")


def shards(parts: Sequence[Part], sides: Sequence[bool] = (True, False)) -> list[Shard]:
    return [Shard(part, volatility) for part in parts for volatility in sides]


def replay_all(
    wanted: Sequence[Shard], *, workers: int, folder: Path | None, done: Callable[[Shard, Data], None]
) -> dict[str, dict[str, Data]]:
    """Results by side and part, in the order of `wanted`; `done` is told as they come."""
    results: dict[Shard, Data] = {}
    for shard in wanted:
        if folder is not None and (folder / shard.file).is_file():
            results[shard] = json.loads((folder / shard.file).read_text())
            done(shard, results[shard])
    left = [shard for shard in wanted if shard not in results]
    try:
        for shard, data in _in_workers(left, workers):
            results[shard] = data
            if folder is not None:
                write(folder / shard.file, json.dumps(data) + "\n")
            done(shard, data)
    except BrokenProcessPool:
        raise WorkerEnded(folder) from None
    found: dict[str, dict[str, Data]] = {}
    for shard in wanted:
        found.setdefault(shard.side, {})[shard.part.name] = results[shard]
    return found


def _in_workers(wanted: Sequence[Shard], workers: int) -> Iterator[tuple[Shard, Data]]:
    """Results as they come. Raises PartFailed for the first part that has none."""
    if not wanted:
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        futures = {pool.submit(replay_one, shard): shard for shard in wanted}
        for future in as_completed(futures):
            shard, data = futures[future], future.result()
            if "failed" in data:
                pool.shutdown(wait=False, cancel_futures=True)
                raise PartFailed(shard, data["failed"])
            yield shard, data


def replay_one(shard: Shard) -> Data:
    """In a worker: the part's result with its series thinned, or why there is none."""
    setup = replace(shard.part.setup, volatility=shard.volatility)
    try:
        return thinned(run(shard.part.path(), setup).data)
    except PlimsollError as error:  # typed errors do not travel between processes
        return {"failed": str(error)}


def thinned(data: Data, points: int = THINNED) -> Data:
    """The result with at most `points` steps per series: of each stretch the last value, of counts the sum."""
    series = data["series"]
    length = len(series["time"])
    stride = -(-length // points)
    starts = range(0, length, stride)
    kept: Data = {}
    for name, values in series.items():
        pieces = [values[start : start + stride] for start in starts]
        kept[name] = [sum(piece) if name in SUMMED else _last(name, piece) for piece in pieces]
    return data | {"series": kept}


SUMMED = ("calls", "liquidations")
LARGEST = ("open_deficit", "below_mm")


def _last(name: str, piece: list[Any]) -> Any:
    return max(piece, key=float) if name in LARGEST else piece[-1]

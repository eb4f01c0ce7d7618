"""`plimsoll replay --scenario`: all parts of a scenario, with volatility scaling and without, and one report."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plimsoll.sim.replay import Setup
    from plimsoll.sim.shards import Shard

SIDES = {"both": (True, False), "on": (True,), "off": (False,)}


@dataclass(frozen=True)
class Request:
    """What was asked for. `folder`: where parts that are finished are kept."""

    name: str
    data: Path
    setup: Setup
    start: int | None
    end: int | None
    scaling: str
    workers: int
    folder: Path | None


def run_scenario(request: Request, json_out: str, report: Path | None) -> None:
    import json

    from plimsoll.commands.replay import put
    from plimsoll.errors import BadInput
    from plimsoll.sim.aggregate import aggregate
    from plimsoll.sim.scenario_report import write_scenario
    from plimsoll.sim.scenarios import parts
    from plimsoll.sim.shards import replay_all, shards

    if request.scaling not in SIDES:
        raise BadInput("--scaling", request.scaling, "write both, on or off")
    scenario, found = parts(request.name, request.data, request.setup, start=request.start, end=request.end)
    wanted = shards(found, SIDES[request.scaling])
    sides = replay_all(wanted, workers=request.workers, folder=request.folder, done=_tell)
    about = {"name": scenario.name, "title": scenario.title, "notes": list(scenario.notes)}
    data = aggregate(about, sides)
    put(json.dumps(data, indent=1) + "\n", json_out)
    if report is not None:
        for file in write_scenario(data, sides, report):
            print(file, file=sys.stderr)


def _tell(shard: Shard, data: dict[str, Any]) -> None:
    counts = f"{data['liquidations']} liquidations ({data['bankrupt_liquidations']} bankrupt)"
    money = f"insurance paid {float(data['insurance_paid']):,.0f}, bad debt {float(data['bad_debt']):,.0f}"
    print(f"{shard.part.name}, {shard.side}: {counts}, {money}", file=sys.stderr, flush=True)

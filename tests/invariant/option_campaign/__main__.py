"""Sequences of options, from the root of the repository: python tests/invariant/option_campaign --seed 7 --count 100"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from campaign.broken import Broken

from option_campaign.checks import CHECKS, p1_checks_are_the_twins
from option_campaign.machine import arena, campaign, play, sequence


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--stats", action="store_true")
    parser.add_argument("--quick", action="store_true", help="do not shrink a failure")
    parser.add_argument("--without-twins", action="store_true", help="do not compare checks with their Python twins")
    args = parser.parse_args()
    enforced = [check for check in CHECKS if not (args.without_twins and check is p1_checks_are_the_twins)]
    stats: Counter[str] = Counter()
    started = time.monotonic()
    numbers = range(args.first, args.first + args.count)
    try:
        if args.quick:
            for number in numbers:
                play(arena(), sequence(args.seed, number), stats, enforced=enforced)
                stats["sequences"] += 1
        else:
            campaign(args.seed, numbers, stats, enforced=enforced)
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    if args.stats:
        print("\n".join(f"{count:8d}  {key}" for key, count in sorted(stats.items())))
    print(f"{stats['sequences']} sequences, {stats['steps']} steps in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

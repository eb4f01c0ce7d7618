"""Sequences of actions by ordinary people and attackers; every invariant is asked after each transaction.

From the root of the repository:

    python tests/invariant/campaign --seed 7 --count 100        run sequences 7/0 … 7/99
    python tests/invariant/campaign --replay 7/42               run one, then shrink it when it fails
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from campaign.broken import Broken
from campaign.sequences import arena, campaign, play, sequence, survey


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--replay", metavar="SEED/NUMBER")
    parser.add_argument("--stats", action="store_true")
    parser.add_argument("--survey", action="store_true", help="go on after failures and list them")
    parser.add_argument("--quick", action="store_true", help="do not shrink a failure")
    parser.add_argument("--without", nargs="*", default=(), metavar="NUMBER", help="invariants not to ask for")
    args = parser.parse_args()
    stats: Counter[str] = Counter()
    started = time.monotonic()
    try:
        if args.replay:
            seed, _, number = args.replay.partition("/")
            campaign(int(seed), [int(number)], stats)
        elif args.survey:
            survey(args.seed, range(args.first, args.first + args.count), stats)
        elif args.quick:
            for number in range(args.first, args.first + args.count):
                play(arena(), sequence(args.seed, number), stats, ignored=args.without)
                stats["sequences"] += 1
        else:
            campaign(args.seed, range(args.first, args.first + args.count), stats, ignored=args.without)
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    elapsed = time.monotonic() - started
    if args.stats:
        for key, count in sorted(stats.items()):
            print(f"{count:8d}  {key}")
    print(f"{stats['sequences']} sequences, {stats['steps']} steps in {elapsed:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

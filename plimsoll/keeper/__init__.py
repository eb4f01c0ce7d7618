"""The keeper: calls margin, liquidates with no capital of its own, takes the profit out. docs/keeper.md is its manual.

    settings → reader → mirror ─ rows          what the chain says, one reader, each answer pinned to one block
                         │
    select → book, losses → sales → plan       pure: findings, exact twins, batches; `shop` has the pools
                         │
              act ─ blame, wallet, journal     one writer: simulate, adjust, send, keep track
                         │
              portfolio                        its portfolio account, where options go: taken, hedged, sold, settled
                         │
              cycle → loop                     one block; the only `while`

**Acknowledgement** (what a replay waits for). With `--ack FILE` the keeper replaces FILE atomically after each block
that it has worked through, by one JSON object:

    {"event": "block_done", "block": 1234, "hash": "0x…", "time": 1583971200, "accounts": 400, "candidates": 7,
     "liquidatable": 3, "called": 5, "calls": 2, "cures": 0, "liquidations": 3, "observations": 0, "settlements": 0,
     "hedges": 1, "sales": 0, "deferred": 0, "sent": ["0x…"], "mined": 1, "failed": 0, "pending": 1,
     "idle": false, "dry_run": false, "seconds": 0.0123}

`block` is the newest block when the cycle began: intermediate blocks are passed over, never out of order. `sent` are
the hashes that left for it, `pending` the transactions not in a block yet. To close a step: post prices (block N), wait
for `block >= N`; while not `idle`, mine a block and wait for its acknowledgement. `--ack -` prints such lines to
standard output instead.
"""

#!/bin/sh
# Builds for the package (compile.py), then for brownie, which gets what solc said to the first. Each is skipped if
# nothing changed. Brownie's own detection of changes misses file-level constants, `using … global` and interfaces,
# hence `--all` and a hash.
set -eu
cd "$(dirname "$0")/../.."
. scripts/toolchain/env.sh

python scripts/toolchain/compile.py

KEY=$(python scripts/toolchain/compile.py --print-key)
STAMP=build/.brownie-key
[ "$(cat "$STAMP" 2>/dev/null)" != "$KEY" ] || exit 0

LOG=$(mktemp "${TMPDIR:-/tmp}/plimsoll.XXXXXX")
trap 'rm -f "$LOG"' EXIT
trap 'exit 130' INT TERM HUP
rm -f "$STAMP"
limit 1200 brownie compile --all >"$LOG" 2>&1 || {
    tail -n 40 "$LOG" >&2
    echo "build: brownie could not compile what solc accepts; its last lines are above." >&2
    exit 1
}
echo "$KEY" >"$STAMP.new" && mv "$STAMP.new" "$STAMP"

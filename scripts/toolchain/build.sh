#!/bin/sh
# Compiles twice, side by side: for the package (compile.py) and for brownie. Each is skipped if nothing changed.
# Brownie's own detection of changes misses file-level constants, `using … global` and interfaces, hence `--all` and a hash.
set -eu
cd "$(dirname "$0")/../.."
. scripts/toolchain/env.sh

KEY=$(python scripts/toolchain/compile.py --print-key)
STAMP=build/.brownie-key
LOG=$(mktemp "${TMPDIR:-/tmp}/plimsoll.XXXXXX")
trap 'rm -f "$LOG"' EXIT
trap 'exit 130' INT TERM HUP

brownie_compile() {
    [ "$(cat "$STAMP" 2>/dev/null)" != "$KEY" ] || return 0
    rm -f "$STAMP"
    limit 1200 brownie compile --all >"$LOG" 2>&1 || return 1
    mkdir -p build && echo "$KEY" >"$STAMP.new" && mv "$STAMP.new" "$STAMP"
}

brownie_compile &
BROWNIE=$!
trap 'kill "$BROWNIE" 2>/dev/null; exit 130' INT TERM HUP
python scripts/toolchain/compile.py || {
    kill "$BROWNIE" 2>/dev/null || :
    wait "$BROWNIE" 2>/dev/null || :
    exit 1
}
wait "$BROWNIE" || {
    tail -n 40 "$LOG" >&2
    echo "build: brownie could not compile what solc accepts; its last lines are above." >&2
    exit 1
}

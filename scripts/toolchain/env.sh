# Sourced by the other scripts, from the root of the repository: where the tools are.
ROOT=$(pwd -P)
PATH=$ROOT/.venv/bin:$ROOT/node_modules/.bin:$PATH
SOLCX_BINARY_PATH=$ROOT/scripts/toolchain/solc
PYTHONUNBUFFERED=1
export PATH SOLCX_BINARY_PATH PYTHONUNBUFFERED

# limit SECONDS COMMAND…: never hangs, leaves no process behind.
limit() {
    python "$ROOT/scripts/toolchain/limit.py" "$@"
}

say() {
    printf '\033[1m==>\033[0m %s\n' "$1"
}

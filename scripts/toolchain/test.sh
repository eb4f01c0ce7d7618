#!/bin/sh
# The test suites, in the order in which they fail fastest. Each has a time limit; none may leave a chain running.
#   test.sh                 everything
#   test.sh python|anvil|ganache [pytest arguments]
set -eu
cd "$(dirname "$0")/../.."
. scripts/toolchain/env.sh

PYTHON_SUITES="tests/unit tests/attacks tests/regression tests/invariant tests/process"
WORKERS=${PLIMSOLL_WORKERS:-2}

# Where something listens on the port already, brownie would use that chain instead of starting one.
free_port() {
    python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# No brownie here: its pytest plugin would start a node. The EVM runs inside the process.
python_suites() {
    say "unit, attacks, regression, invariant, processes: $WORKERS workers"
    # shellcheck disable=SC2086
    limit "${PLIMSOLL_TEST_LIMIT:-1500}" pytest -p no:pytest-brownie -n "$WORKERS" --dist worksteal -q $PYTHON_SUITES "$@"
}

on_anvil() {
    say "integration: brownie on Anvil (shanghai)"
    PLIMSOLL_RPC_PORT=$(free_port) limit 900 brownie test tests/integration --network anvil "$@"
}

on_ganache() {
    say "smoke: brownie on Ganache (shanghai)"
    PLIMSOLL_RPC_PORT=$(free_port) limit 400 brownie test tests/smoke --network ganache-cli "$@"
}

suite=${1:-all}
[ $# -eq 0 ] || shift
case $suite in
python) python_suites "$@" ;;
anvil) on_anvil "$@" ;;
ganache) on_ganache "$@" ;;
all)
    python_suites
    on_anvil
    on_ganache
    ;;
*)
    echo "test.sh: no suite '$suite'; there are python, anvil, ganache" >&2
    exit 2
    ;;
esac

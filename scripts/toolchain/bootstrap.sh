#!/bin/sh
# Sets up what Plimsoll runs on, inside the repository only:  bootstrap.sh [runtime | dev]
#   runtime   .venv with the runtime packages, compiler, Anvil and Solidity libraries (what `make demo` needs)
#   dev       the same plus brownie, tests, linters and Ganache (the default)
# A second run skips what is done: each stamp is a copy of the files its step was made from.
set -eu

LAYER=${1:-dev}
ROOT=$(cd "$(dirname "$0")/../.." && pwd -P)
VENV=$ROOT/.venv
LOCK=$ROOT/.bootstrap.lock
cd "$ROOT"

fail() {
    printf 'plimsoll: %s\n' "$1" >&2
    exit 1
}

case $LAYER in
runtime) REQUIREMENTS=requirements-runtime.txt ;;
dev) REQUIREMENTS=requirements.txt ;;
*) fail "bootstrap.sh takes 'runtime' or 'dev', not '$LAYER'." ;;
esac

# --- Python ------------------------------------------------------------------------------------

# Each line: a path that may be a Python. PATH first, folder by folder (a pyenv shim may shadow one that works),
# then the places where pyenv, uv, Homebrew and conda keep theirs.
python_candidates() {
    [ -z "${PLIMSOLL_PYTHON:-}" ] || command -v "$PLIMSOLL_PYTHON" || printf '%s\n' "$PLIMSOLL_PYTHON"
    for name in python3.12 python3.11 python3 python; do
        printf '%s\n' "$PATH" | tr ':' '\n' | while IFS= read -r folder; do
            [ ! -x "$folder/$name" ] || printf '%s\n' "$folder/$name"
        done
    done
    shims=$(printf '%s\n' "$PATH" | tr ':' '\n' | sed -n 's|/shims/*$||p')
    for version in 3.12 3.11; do
        for pyenv in "${PYENV_ROOT:-}" $shims "${HOME:-}/.pyenv"; do
            [ -z "$pyenv" ] || ls -d "$pyenv/versions/$version".*/bin/python 2>/dev/null || :
        done
        ls -d "${UV_PYTHON_INSTALL_DIR:-${HOME:-}/.local/share/uv/python}/cpython-$version".*/bin/python3 2>/dev/null || :
        ls -d "/opt/homebrew/bin/python$version" "/usr/local/bin/python$version" "/usr/bin/python$version" \
            "/opt/python/$version"*/bin/python3 "${HOME:-}"/*conda3/envs/*/bin/python"$version" 2>/dev/null || :
    done
}

# Prints "3.12 /real/path" if the candidate is a 3.11 or 3.12 that can make virtual environments, otherwise why not.
probe='import sys
v = "%d.%d" % sys.version_info[:2]
if v not in ("3.11", "3.12"): print("no " + v)
else:
    try:
        import ensurepip, venv
        print("ok " + (getattr(sys, "_base_executable", None) or sys.executable))
    except ImportError: print("novenv " + v)'

find_python() {
    found='' novenv=''
    list=$(python_candidates)
    old_ifs=$IFS
    IFS='
'
    for candidate in $list; do
        said=$("$candidate" -c "$probe" 2>/dev/null </dev/null) || continue
        case $said in
        "ok "*)
            IFS=$old_ifs
            PYTHON=${said#ok }
            return
            ;;
        "novenv "*) novenv="$candidate (Python ${said#novenv })" ;;
        "no "*) case " $found " in *" ${said#no } "*) ;; *) found="$found ${said#no }" ;; esac ;;
        esac
    done
    IFS=$old_ifs
    [ -z "$novenv" ] || fail "found $novenv, but it cannot create virtual environments; install its venv package (on Debian and Ubuntu: apt install python3-venv) or set PLIMSOLL_PYTHON to another Python 3.11 or 3.12."
    [ -z "$found" ] || fail "needs Python 3.11 or 3.12 and found only$(printf '%s' "$found" | sed 's/ \([^ ]\)/, \1/g; s/^,//'); install one of the two or set PLIMSOLL_PYTHON to its path."
    fail "needs Python 3.11 or 3.12 and found no Python that runs; install one of the two or set PLIMSOLL_PYTHON to its path."
}

# --- Node --------------------------------------------------------------------------------------

check_node() {
    command -v node >/dev/null 2>&1 || fail "needs Node 18 or later and found no 'node' on PATH; install Node 20 (LTS) with npm."
    node=$(node --version 2>/dev/null) || fail "needs Node 18 or later, and the 'node' on PATH does not run; install Node 20 (LTS) with npm."
    major=${node#v}
    major=${major%%.*}
    case $major in *[!0-9]* | '') fail "needs Node 18 or later and cannot read the version '$node' of the 'node' on PATH." ;; esac
    [ "$major" -ge 18 ] || fail "needs Node 18 or later and found $node; install Node 20 (LTS)."
    npm --version >/dev/null 2>&1 || fail "found Node $node but no working 'npm'; install the npm that belongs to it."
}

# --- Steps and stamps --------------------------------------------------------------------------

# done_before STAMP FILE…: true if STAMP was written for this folder and these very files.
done_before() {
    stamp=$1
    shift
    [ -f "$stamp" ] && { echo "$ROOT" && cat "$@"; } | cmp -s - "$stamp"
}

write_stamp() {
    stamp=$1
    shift
    { echo "$ROOT" && cat "$@"; } >"$stamp.new" && mv "$stamp.new" "$stamp"
}

say() {
    printf '\033[1m==>\033[0m %s\n' "$1"
}

# `pip` prints a page per package; keep it for the case that it fails.
quietly() {
    log=$(mktemp "${TMPDIR:-/tmp}/plimsoll.XXXXXX")
    if "$@" >"$log" 2>&1; then
        rm -f "$log"
    else
        tail -n 25 "$log" >&2
        rm -f "$log"
        return 1
    fi
}

take_lock() {
    tries=0
    until mkdir "$LOCK" 2>/dev/null; do
        owner=$(cat "$LOCK/pid" 2>/dev/null || echo '')
        if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
            rm -rf "$LOCK"
            continue
        fi
        [ "$tries" -ne 0 ] || say "waiting for another set-up in this folder (process ${owner:-unknown})"
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail "another set-up has held $LOCK for ten minutes; remove that folder if none is running."
        sleep 1
    done
    trap 'rm -rf "$LOCK"' EXIT
    trap 'exit 130' INT TERM HUP
    echo $$ >"$LOCK/pid"
}

python_ready() {
    "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null || return 1
    done_before "$VENV/.stamp-dev" requirements.txt && return 0
    [ "$LAYER" = runtime ] && done_before "$VENV/.stamp-runtime" requirements-runtime.txt
}

set_up_python() {
    if ! "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null ||
        ! [ "$(cat "$VENV/.stamp-where" 2>/dev/null)" = "$ROOT" ]; then
        find_python
        say "creating .venv with $("$PYTHON" --version 2>&1)"
        rm -rf "$VENV"
        quietly "$PYTHON" -m venv "$VENV" || fail "$PYTHON could not create the virtual environment $VENV."
        echo "$ROOT" >"$VENV/.stamp-where"
    fi
    say "installing $(grep -c == $REQUIREMENTS) Python packages ($LAYER); this can take a minute or two"
    quietly "$VENV/bin/python" -m pip install --disable-pip-version-check -r "$REQUIREMENTS" ||
        fail "pip could not install $REQUIREMENTS; its last lines are above."
    write_stamp "$VENV/.stamp-$LAYER" "$REQUIREMENTS"
}

# The package itself, in place. setuptools is among the pinned packages, so nothing more is downloaded.
set_up_package() {
    say "installing plimsoll into .venv"
    quietly "$VENV/bin/python" -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e . ||
        fail "pip could not install the package plimsoll itself; its last lines are above."
    write_stamp "$VENV/.stamp-package" pyproject.toml
}

node_ready() {
    done_before node_modules/.stamp-dev package-lock.json .npmrc && return 0
    [ "$LAYER" = runtime ] && done_before node_modules/.stamp-runtime package-lock.json .npmrc
}

set_up_node() {
    say "installing npm packages ($LAYER)"
    omit=''
    [ "$LAYER" = dev ] || omit=--omit=dev
    # shellcheck disable=SC2086
    quietly npm ci --no-audit --no-fund $omit || fail "npm could not install package-lock.json; its last lines are above."
    write_stamp "node_modules/.stamp-$LAYER" package-lock.json .npmrc
}

# Anvil and forge proper rather than their Node wrappers: a wrapper that is killed leaves its chain running.
link_binaries() {
    for tool in anvil forge; do
        [ -d "node_modules/@foundry-rs/$tool" ] || continue
        binary=$(ls -d "$ROOT/node_modules/@foundry-rs/$tool"-*/bin/$tool 2>/dev/null | head -n 1)
        [ -n "$binary" ] || fail "npm has no $tool for $(node -p 'process.platform + " " + process.arch'); Plimsoll runs on Linux and macOS."
        ln -sf "$binary" "$VENV/bin/$tool"
    done
}

package_ready() {
    done_before "$VENV/.stamp-package" pyproject.toml && [ -x "$VENV/bin/plimsoll" ]
}

check_node
if python_ready && package_ready && node_ready && [ -x "$VENV/bin/anvil" ]; then
    exit 0
fi
take_lock
python_ready || set_up_python
package_ready || set_up_package
node_ready || set_up_node
link_binaries
say "set-up is complete ($LAYER)"

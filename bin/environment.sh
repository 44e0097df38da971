# Sets up the Python environment of this checkout; sourced by bin/test and bin/demo.
#
# Afterwards $root is the checkout (or a copy of it, see below) and $python its interpreter.
# Idempotent, and quick when nothing changed: a stamp in the environment remembers what it was made from.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf '\033[1m%s\033[0m\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# A checkout that belongs to somebody else (made by root, used by you) is copied to your cache.
use_own_copy() {
    local copy="${XDG_CACHE_HOME:-$HOME/.cache}/raftmaker/source"
    mkdir -p "$copy" || die "Neither $root nor $copy can be written: clone the repository yourself."
    say "$root belongs to somebody else: working in a copy of it, $copy"
    find "$copy" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
    tar -C "$root" --exclude=./.venv --exclude=./.git --exclude='*.egg-info' --exclude=__pycache__ \
        --exclude='./.*_cache' --exclude=./.hypothesis -cf - . | tar -C "$copy" -xf -
    exec "$copy/$(realpath --relative-to="$root" "$0")" "$@"
}

find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3.14 python3; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
}

# $1: "run" for what the daemons need, "dev" for what the tests need as well.
set_up() {
    local kind=$1 venv="${RAFTMAKER_VENV:-$root/.venv}" stamp want base
    python="$venv/bin/python"
    stamp="$venv/raftmaker-$kind.stamp"
    base=$(find_python)
    [ -n "$base" ] || die "Python 3.11 or newer is needed; on Debian: apt-get install python3 python3-venv"
    want="$root $(sha256sum <"$root/pyproject.toml")"
    if "$python" -c 'import raftmaker' 2>/dev/null && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
        return
    fi
    say "Setting up $venv (first run, or pyproject.toml changed) ..."
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        if ! "$base" -m venv --clear "$venv" >/dev/null 2>&1; then
            [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && install_packages python3-venv
            "$base" -m venv --clear "$venv" || die "$base cannot make an environment; on Debian: apt-get install python3-venv"
        fi
    fi
    # pip 25.1 is the first that knows dependency groups.
    pip_install --upgrade 'pip>=25.1'
    local group=()
    [ "$kind" = dev ] && group=(--group "$root/pyproject.toml:dev")
    # "compat": a path in a file, instead of a finder that costs each Python here 20 ms at its start.
    pip_install --config-settings editable_mode=compat --editable "$root" "${group[@]}"
    printf '%s' "$want" >"$stamp"
    # An environment for tests is also one for running.
    [ "$kind" = dev ] && printf '%s' "$want" >"$venv/raftmaker-run.stamp"
    return 0
}

pip_install() {
    local log
    log=$(mktemp)
    "$python" -m pip install --quiet "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        rm -f "$log"
        die "pip could not install what is needed: see above. Does it reach a package index?"
    }
    rm -f "$log"
}

# Packages of services start them at once, if nothing forbids it; tests start what they need.
install_packages() {
    local forbids=/usr/sbin/policy-rc.d made=0
    say "Installing $* ..."
    if [ ! -e $forbids ]; then
        printf '#!/bin/sh\nexit 101\n' >$forbids && chmod 755 $forbids && made=1
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
        { apt-get update -qq >/dev/null 2>&1 &&
          DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; } ||
        printf 'could not install: %s\n' "$*" >&2
    if [ $made = 1 ]; then rm -f $forbids; fi
}

[ -w "$root" ] || use_own_copy "$@"
cd "$root" || exit 1

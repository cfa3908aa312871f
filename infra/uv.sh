#!/bin/sh
# Run our own uv, of the version in requirements/tools.txt; the first time, install it into the cache.
set -eu
here=$(dirname "$0")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/barlake
pins=$here/../requirements/tools.txt
home=$cache/uv-$(sed -n 's/^uv==\([^ ]*\).*/\1/p' "$pins")

mkdir -p "$cache/tmp"
export TMPDIR="$cache/tmp" PIP_CACHE_DIR="$cache/pip" UV_CACHE_DIR="$cache/uv"
export UV_PYTHON_DOWNLOADS=never UV_CUSTOM_COMPILE_COMMAND="make lock"

if ! [ -x "$home/bin/uv" ]; then
    echo "barlake: installing uv into $home, once" >&2
    fresh=$(mktemp -d "$TMPDIR/uv.XXXXXX")
    trap 'rm -rf "$fresh"' EXIT
    "$("$here/python.sh")" -m venv "$fresh"
    "$fresh/bin/python" -m pip install -qq --retries 1 --require-hashes -r "$pins" || {
        echo "barlake: pip cannot install uv as $pins says: is there a network?" >&2
        exit 1
    }
    # Whole or not at all: a killed run leaves nothing that looks finished.
    rm -rf "$home" && mv "$fresh" "$home"
fi
exec "$home/bin/uv" "$@"

#!/bin/sh
# Build .venv as requirements/SET.txt says: infra/setup.sh SET. Writes .venv and the cache, nothing else.
set -eu
cd "$(dirname "$0")/.."
set=$1
# The tests' environment holds what the demo's does: nothing is taken away from it.
if [ -e .venv/.dev ]; then set=dev; fi

# The cache first: with what it holds, no network is needed and none is asked.
uv() {
    infra/uv.sh --quiet --offline "$@" 2>/dev/null || infra/uv.sh "$@"
}

infra/uv.sh --version >/dev/null
echo "barlake: setting up .venv from requirements/$set.txt" >&2
.venv/bin/python -c '' 2>/dev/null || uv venv --quiet --clear --python "$(infra/python.sh)" .venv
build="--python .venv --build-constraints requirements/tools.txt"
# shellcheck disable=SC2086  # these are several words
uv pip sync $build --require-hashes "requirements/$set.txt"
# shellcheck disable=SC2086
uv pip install $build --quiet --no-deps --editable .
touch .venv/.spark ".venv/.$set"

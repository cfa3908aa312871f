#!/bin/sh
# Build an environment as requirements/SET.txt says: infra/setup.sh SET. Airflow has one of its own,
# .venv-airflow, and so has the emulator of AWS, .venv-cloud; .venv is Spark's. Writes that folder and
# the cache, nothing else.
set -eu
cd "$(dirname "$0")/.."
set=$1
# The tests' environment holds what the demo's does: nothing is taken away from it.
if [ "$set" = spark ] && [ -e .venv/.dev ]; then set=dev; fi
home=.venv
case $set in
    airflow) home=.venv-airflow ;;
    emulator) home=.venv-cloud ;;
esac

# The cache first: with what it holds, no network is needed and none is asked.
uv() {
    infra/uv.sh --quiet --offline "$@" 2>/dev/null || infra/uv.sh "$@"
}

infra/uv.sh --version >/dev/null
echo "barlake: setting up $home from requirements/$set.txt" >&2
"$home/bin/python" -c '' 2>/dev/null || uv venv --quiet --clear --python "$(infra/python.sh)" "$home"
build="--python $home --build-constraints requirements/tools.txt"
# shellcheck disable=SC2086  # these are several words
uv pip sync $build --require-hashes "requirements/$set.txt"
if [ "$home" != .venv ]; then
    touch "$home/.$set"
    exit
fi
# shellcheck disable=SC2086
uv pip install $build --quiet --no-deps --editable .
touch .venv/.spark ".venv/.$set"

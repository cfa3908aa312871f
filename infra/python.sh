#!/bin/sh
# Print the Python to build with: the first that fits, or else one that can run lib/barlake/doctor.py,
# where the bounds stand with their reason, and which then says what is missing.
set -eu
fits='import ensurepip, sys; assert (3, 11) <= sys.version_info < (3, 15)'
path='import sys; print(getattr(sys, "_base_executable", sys.executable))'

for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
    if "$name" -c "$fits" 2>/dev/null; then exec "$name" -c "$path"; fi
done
if python3 -c "import importlib.metadata; $path" 2>/dev/null; then exit 0; fi

echo "missing  Python: no python3 that runs is new enough -> install Python 3.11 to 3.14 (apt install python3 python3-venv, brew install python@3.13)" >&2
command -v "${JAVA_HOME:+$JAVA_HOME/bin/}java" >/dev/null ||
    echo "missing  Java: no java on the PATH -> install Java 17 or 21 (apt install openjdk-21-jre-headless or openjdk-17-jre-headless, brew install openjdk@21)" >&2
exit 1

#!/usr/bin/env bash
# All tests, on two processes, on any machine:
#   bash tools/run_tests.sh [pytest arguments]
# Runs in $PYTHON, if that is set. Else in .venv, which is made and kept up to
# date; where there is none and python3 has all that tests need, in python3.
set -euo pipefail
CDPATH= cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. tools/environment.sh

complete() {
    "$1" -c 'import importlib.util as u, sys
sys.exit(not all(map(u.find_spec, (
    "rcg", "torch", "mmengine", "pytest", "xdist"))))'
}

if [ -n "${PYTHON:-}" ]; then
    if ! complete "$PYTHON"; then
        echo "tests need the project and its test tools:" \
            "$PYTHON -m pip install -e '.[tests]'" >&2
        exit 1
    fi
elif [ ! -x .venv/bin/python ] && complete python3; then
    PYTHON=python3
else
    make_environment tests
    PYTHON=$PWD/.venv/bin/python
fi
PYTHON=$(command -v "$PYTHON")
# One thread a process: two that share cores with more wait for each other.
export PYTHON OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
# Tests that run the commands of all pages take minutes: -m pages chooses them.
exec "$PYTHON" -m pytest -n 2 --dist worksteal -m 'not pages' "$@"

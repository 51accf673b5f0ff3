#!/usr/bin/env bash
# All tests, on two processes: bash tools/run_tests.sh [pytest arguments]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    if [ -x .venv/bin/python ]; then PYTHON=.venv/bin/python; fi
fi
PYTHON=$(command -v "$PYTHON")
if ! "$PYTHON" -c 'import importlib.util as u, sys
sys.exit(not all(map(u.find_spec, ("rcg", "pytest", "xdist"))))'; then
    echo "tests need the project and its test tools:" \
        "$PYTHON -m pip install -e '.[tests]'" >&2
    exit 1
fi
# One thread a process: two that share cores with more wait for each other.
export PYTHON OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
exec "$PYTHON" -m pytest -n 2 --dist worksteal "$@"

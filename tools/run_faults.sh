#!/usr/bin/env bash
# Kill, soak and fuzz what runs, and compare it with what nothing happened to:
#   bash tools/run_faults.sh [--short] [--help]
# Runs in $PYTHON, if that is set, else in .venv; see docs/reliability.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/environment.sh

if [ -z "${PYTHON:-}" ]; then
    make_environment tests
    PYTHON=$PWD/.venv/bin/python
fi
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
exec "$PYTHON" -m tests.faults "$@"

#!/usr/bin/env bash
# Build the wheel and the source archive and check what a registry would:
#   bash tools/check_release.sh
# Writes dist/. Runs in $PYTHON, if that is set, else in .venv.
set -euo pipefail
CDPATH= cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. tools/environment.sh

if [ -z "${PYTHON:-}" ]; then
    make_environment docs
    PYTHON=.venv/bin/python
fi
rm -rf dist
# With the setuptools of the environment: nothing is downloaded for it.
"$PYTHON" -m build --no-isolation --outdir dist .
"$PYTHON" -m twine check --strict dist/*

#!/usr/bin/env bash
# Build the documentation site: bash tools/build_docs.sh [mkdocs' arguments]
# Writes site/; open site/index.html, or, for the search, python -m http.server
# -d site. Any warning is an error. Runs in $PYTHON, if that is set, else in
# .venv, which is made and kept up to date.
set -euo pipefail
CDPATH= cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. tools/environment.sh

if [ -z "${PYTHON:-}" ]; then
    make_environment docs
    PYTHON=.venv/bin/python
fi
# MkDocs 1 and its theme advertise their successors on each start.
export NO_MKDOCS_2_WARNING=1
exec "$PYTHON" -m mkdocs build --strict "$@"

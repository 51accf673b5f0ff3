#!/usr/bin/env bash
# The whole of RCG on the digits bundled with scikit-learn, on any machine:
#   bash tools/quickstart.sh [--short] [--seeds 3] [--work-dir DIR]
#       [--generators mage,dit,adm,ldm]
# Makes .venv if there is none, installs the project, trains and scores.
set -euo pipefail
CDPATH= cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. tools/environment.sh
echo "quick start in $PWD"

make_environment
exec .venv/bin/python -m rcg.projects.quickstart "$@"

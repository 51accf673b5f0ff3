#!/usr/bin/env bash
# Evaluate on several processes:
# dist_test.sh CONFIG CHECKPOINT GPUS [test.py's arguments]
# Several machines: see dist_train.sh.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT GPUS [arguments of tools/test.py]" >&2
    exit 2
fi
source "$(dirname -- "${BASH_SOURCE[0]}")/launch.sh"
launch test.py "$3" "$1" "$2" "${@:4}"

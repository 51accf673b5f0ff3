#!/usr/bin/env bash
# Store features on several processes:
# dist_cache_features.sh CONFIG GPUS [cache_features.py's arguments]
# Several machines: see dist_train.sh.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG GPUS [arguments of tools/cache_features.py]" >&2
    exit 2
fi
source "$(dirname -- "${BASH_SOURCE[0]}")/launch.sh"
launch cache_features.py "$2" "$1" "${@:3}"

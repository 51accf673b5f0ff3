#!/usr/bin/env bash
# Train on several processes: dist_train.sh CONFIG GPUS [train.py's arguments]
# Without a GPU, GPUS is the number of processes on the CPU.
# Several machines: run it on each with NNODES, NODE_RANK (0, 1, ...),
# MASTER_ADDR and PORT set, the same but for NODE_RANK.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG GPUS [arguments of tools/train.py]" >&2
    exit 2
fi
source "$(dirname -- "${BASH_SOURCE[0]}")/launch.sh"
launch train.py "$2" "$1" "${@:3}"

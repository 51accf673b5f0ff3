#!/usr/bin/env bash
# Train under Slurm:
# [GPUS=8] [GPUS_PER_NODE=8] [CPUS_PER_TASK=5] [SRUN_ARGS=...] [PORT=29500] \
#     slurm_train.sh PARTITION JOB_NAME CONFIG [WORK_DIR] [train.py's arguments]
# As a batch job it goes back into the queue when its time is over, and goes on:
#   sbatch --requeue --open-mode=append --time 24:00:00 ... \
#       --wrap "bash tools/slurm_train.sh ..."
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG [WORK_DIR] [arguments]" >&2
    exit 2
fi
source "$(dirname -- "${BASH_SOURCE[0]}")/launch.sh"
if [ $# -gt 3 ] && [ "${4#-}" = "$4" ]; then
    set -- "$1" "$2" "$3" --work-dir "${@:4}"
fi
launch_slurm train.py "$@"

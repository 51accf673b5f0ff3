#!/usr/bin/env bash
# Evaluate under Slurm; variables as for slurm_train.sh:
# slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [test.py's arguments]
# As a batch job it goes back into the queue when its time is over, and goes on:
#   sbatch --requeue --open-mode=append --time 24:00:00 ... \
#       --wrap "bash tools/slurm_test.sh ..."
set -euo pipefail
if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT [arguments]" >&2
    exit 2
fi
source "$(dirname -- "${BASH_SOURCE[0]}")/launch.sh"
launch_slurm test.py "$1" "$2" "$3" "$4" "${@:5}"

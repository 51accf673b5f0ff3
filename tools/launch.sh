# Sourced by dist_*.sh and slurm_*.sh: start one process per GPU.

# Each process would otherwise take all cores.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export MKL_NUM_THREADS=${MKL_NUM_THREADS:-$OMP_NUM_THREADS}
TOOLS=$(CDPATH= cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# check_first TOOL PROCESSES ARGUMENTS...: let one process look for all that is
# missing, before any other starts or waits in a queue. RCG_CHECK=0: it does not,
# where only the other machines have the files.
#
# A dry run is one of this process alone, for that many.
check_first() {
    local tool=$1 processes=$2 word
    shift 2
    for word; do
        if [ "$word" = --dry-run ]; then
            WORLD_SIZE=$processes exec "${PYTHON:-python}" "$TOOLS/$tool" "$@"
        fi
    done
    if [ "${RCG_CHECK:-1}" != 0 ]; then
        "${PYTHON:-python}" "$TOOLS/$tool" "$@" --check > /dev/null
    fi
}

# launch TOOL GPUS ARGUMENTS...: through torchrun.
#
# It ends with the exit status of the processes; see _torchrun.py. With
# MAX_RESTARTS=3, it starts them again up to three times when one has failed;
# training then goes on from the newest checkpoint. Machines wait for each
# other for five minutes (RDZV_TIMEOUT, in seconds).
launch() {
    local tool=$1 gpus=$2 nodes=${NNODES:-1} place
    shift 2
    if [ "$nodes" = 1 ] && [ -z "${PORT:-}" ]; then
        place=(--standalone)  # takes a free port
    else
        place=(--rdzv_conf "timeout=${RDZV_TIMEOUT:-300}"
               --nnodes "$nodes" --node_rank "${NODE_RANK:-0}"
               --master_addr "${MASTER_ADDR:-127.0.0.1}"
               --master_port "${PORT:-29500}")
    fi
    if [ -n "${MAX_RESTARTS:-}" ]; then
        place=(--max-restarts "$MAX_RESTARTS" "${place[@]}")
    fi
    echo "$tool on $nodes x $gpus processes"
    check_first "$tool" "$((nodes * gpus))" "$@"
    exec "${PYTHON:-python}" "$TOOLS/_torchrun.py" "${place[@]}" \
        --nproc_per_node "$gpus" "$TOOLS/$tool" "$@" --launcher pytorch
}

# launch_slurm TOOL PARTITION JOB_NAME ARGUMENTS...: through srun.
#
# Slurm sends SIGUSR1 two minutes before the job's time is over (SIGNAL). The
# processes then finish their step, save, and end with exit status 75. Inside
# of a batch job, that job is put into the queue again.
#
# An error of several processes is printed once, after all else: they leave
# theirs in a folder here, which all machines are taken to share.
launch_slurm() {
    local tool=$1 partition=$2 name=$3
    local gpus=${GPUS:-8} per_node=${GPUS_PER_NODE:-8}
    shift 3
    if [ "$per_node" -gt "$gpus" ]; then per_node=$gpus; fi
    export MASTER_PORT=${PORT:-29500}
    check_first "$tool" "$gpus" "$@"
    if RCG_ERRORS=$(mktemp -d "$PWD/.rcg-errors-XXXXXX" 2> /dev/null); then
        export RCG_ERRORS
        trap 'rm -rf -- "$RCG_ERRORS"' EXIT
    else
        unset RCG_ERRORS  # each prints its own
    fi
    # SRUN_ARGS holds several words on purpose.
    # shellcheck disable=SC2086
    srun --signal "${SIGNAL:-USR1@120}" \
        --partition "$partition" --job-name "$name" \
        --gres "gpu:$per_node" --ntasks "$gpus" \
        --ntasks-per-node "$per_node" \
        --cpus-per-task "${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 \
        ${SRUN_ARGS:-} \
        "${PYTHON:-python}" -u "$TOOLS/$tool" "$@" --launcher slurm &
    requeue_when_stopped $!
}

# requeue_when_stopped SRUN: wait for it; end with its exit status.
#
# Signals are handed on to it. A job that was itself ended by SIGTERM (scancel)
# or SIGINT does not come back; Slurm requeues what it preempts.
requeue_when_stopped() {
    local srun=$1 status ended=
    trap 'kill -USR1 "$srun" 2>/dev/null' USR1
    trap 'ended=1; kill -TERM "$srun" 2>/dev/null' TERM HUP
    trap 'ended=1; kill -INT "$srun" 2>/dev/null' INT
    # A trap interrupts wait; the last one gives the status of srun.
    while kill -0 "$srun" 2>/dev/null; do wait "$srun" || true; done
    status=0
    wait "$srun" || status=$?
    trap - USR1 TERM HUP INT
    if [ -n "$(ls -- "${RCG_ERRORS:-}" 2> /dev/null)" ]; then
        "${PYTHON:-python}" "$TOOLS/_left_errors.py" "$RCG_ERRORS" || true
    fi
    if [ "$status" = 75 ] && [ -z "$ended" ]; then
        if [ -n "${SLURM_JOB_ID:-}" ] && scontrol requeue "$SLURM_JOB_ID"; then
            echo "job $SLURM_JOB_ID is in the queue again"
        else
            echo 'stopped; the same command with --resume goes on' >&2
        fi
    fi
    exit "$status"
}

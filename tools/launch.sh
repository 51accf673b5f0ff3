# Sourced by dist_*.sh and slurm_*.sh: start one process per GPU.

# Each process would otherwise take all cores.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export MKL_NUM_THREADS=${MKL_NUM_THREADS:-$OMP_NUM_THREADS}
TOOLS=$(CDPATH= cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# launch TOOL GPUS ARGUMENTS...: through torchrun.
launch() {
    local tool=$1 gpus=$2 nodes=${NNODES:-1} place
    shift 2
    if [ "$nodes" = 1 ] && [ -z "${PORT:-}" ]; then
        place=(--standalone)  # takes a free port
    else
        place=(--nnodes "$nodes" --node_rank "${NODE_RANK:-0}"
               --master_addr "${MASTER_ADDR:-127.0.0.1}"
               --master_port "${PORT:-29500}")
    fi
    echo "$tool on $nodes x $gpus processes"
    exec "${PYTHON:-python}" -m torch.distributed.run "${place[@]}" \
        --nproc_per_node "$gpus" "$TOOLS/$tool" "$@" --launcher pytorch
}

# launch_slurm TOOL PARTITION JOB_NAME ARGUMENTS...: through srun.
launch_slurm() {
    local tool=$1 partition=$2 name=$3
    local gpus=${GPUS:-8} per_node=${GPUS_PER_NODE:-8}
    shift 3
    if [ "$per_node" -gt "$gpus" ]; then per_node=$gpus; fi
    export MASTER_PORT=${PORT:-29500}
    # SRUN_ARGS holds several words on purpose.
    # shellcheck disable=SC2086
    exec srun --partition "$partition" --job-name "$name" \
        --gres "gpu:$per_node" --ntasks "$gpus" \
        --ntasks-per-node "$per_node" \
        --cpus-per-task "${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 \
        ${SRUN_ARGS:-} \
        "${PYTHON:-python}" -u "$TOOLS/$tool" "$@" --launcher slurm
}

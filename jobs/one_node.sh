#!/usr/bin/env bash
# one_node.sh - a study on one node, a rank on every core:
#
#   sbatch --ntasks-per-node=64 --time=12:00:00 jobs/one_node.sh STUDY [OPTION of foldrank run]...
#
# Two minutes before the limit the run saves and ends with 75: submit the same again to go on, or
# several at once by jobs/chain.sh; jobs/batch.sh queues itself again.
#SBATCH --job-name=foldrank
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --open-mode=append
export OMP_NUM_THREADS=1
if [ -z "${LAUNCH:-}" ]; then
    LAUNCH='mpirun --bind-to core'
    srun --mpi=list 2>&1 | grep pmix >/dev/null && LAUNCH='srun --mpi=pmix --cpu-bind=cores'
fi
read -ra launch <<<"$LAUNCH"
exec "${launch[@]}" "${FOLDRANK:-foldrank}" run "$@" # the signal goes to the launcher

#!/usr/bin/env bash
# array.sh - many studies, each a task of a job array with its own nodes; at most 4 at a time:
#
#   sbatch --array=0-9%4 jobs/array.sh studies/*.yaml
#
# Task number i takes the i-th file, counting from 0. Give every study its own output (the
# default, results/ and the study's name, does). Submit the same again to go on: finished
# studies end at once.
#SBATCH --job-name=foldrank
#SBATCH --output=slurm-%A_%a.out
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --open-mode=append
studies=("$@")
study=${studies[${SLURM_ARRAY_TASK_ID:?start it by: sbatch --array=0-9 jobs/array.sh STUDY...}]:-}
if [ -z "$study" ]; then
    echo "array.sh: task $SLURM_ARRAY_TASK_ID has no study, $# were given" >&2
    exit 2
fi
export OMP_NUM_THREADS=1
if [ -z "${LAUNCH:-}" ]; then
    LAUNCH='mpirun --bind-to core'
    srun --mpi=list 2>&1 | grep pmix >/dev/null && LAUNCH='srun --mpi=pmix --cpu-bind=cores'
fi
read -ra launch <<<"$LAUNCH"
exec "${launch[@]}" "${FOLDRANK:-foldrank}" run "$study"

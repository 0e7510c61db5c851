#!/usr/bin/env bash
# many_nodes.sh - a study on many nodes, ranks with threads (MPI x OpenMP), each rank bound to
# cores that lie together in one NUMA domain:
#
#   sbatch --nodes=8 --ntasks-per-node=16 --cpus-per-task=8 jobs/many_nodes.sh STUDY [OPTION]...
#
# Take as many threads as one fit can use: with small models 1 (every core a rank) is fastest.
# One that divides the cores of a NUMA domain keeps a rank's memory near. `foldrank check STUDY
# -n RANKS -N NODES` says whether so many ranks have work and memory. As jobs/one_node.sh, it
# ends with 75 before its limit, to be submitted again.
#SBATCH --job-name=foldrank
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=2
#SBATCH --hint=nomultithread
#SBATCH --distribution=block:block
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --open-mode=append
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1} OMP_PLACES=cores OMP_PROC_BIND=close
export SRUN_CPUS_PER_TASK=$OMP_NUM_THREADS # srun does not take it over from sbatch since 22.05
if [ -z "${LAUNCH:-}" ]; then
    LAUNCH="mpirun --map-by slot:PE=$OMP_NUM_THREADS --bind-to core"
    srun --mpi=list 2>&1 | grep pmix >/dev/null && LAUNCH='srun --mpi=pmix --cpu-bind=cores'
fi
read -ra launch <<<"$LAUNCH"
exec "${launch[@]}" "${FOLDRANK:-foldrank}" run "$@" # the signal goes to the launcher

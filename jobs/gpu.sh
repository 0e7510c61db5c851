#!/usr/bin/env bash
# gpu.sh - a study whose objective is a program of your own on GPUs (`objective: {type: command}`,
# `resources: {gpus: 1}`): one rank for each GPU, with the cores that the program feeds it by:
#
#   sbatch --gres=gpu:4 --ntasks-per-node=4 --cpus-per-task=8 jobs/gpu.sh STUDY [OPTION]...
#
# All ranks of a node see all of its GPUs; foldrank gives each one its own, in
# CUDA_VISIBLE_DEVICES, before it starts the program. A command is not saved in its middle: with
# little time left, none is begun that takes longer, going by those before.
#SBATCH --job-name=foldrank
#SBATCH --nodes=1
#SBATCH --gres=gpu:4
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --open-mode=append
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1} # for the program
export SRUN_CPUS_PER_TASK=$OMP_NUM_THREADS
if [ -z "${LAUNCH:-}" ]; then
    LAUNCH="mpirun --map-by slot:PE=$OMP_NUM_THREADS --bind-to core"
    srun --mpi=list 2>&1 | grep pmix >/dev/null && LAUNCH='srun --mpi=pmix --cpu-bind=cores'
fi
read -ra launch <<<"$LAUNCH"
exec "${launch[@]}" "${FOLDRANK:-foldrank}" run "$@" # the signal goes to the launcher

#!/usr/bin/env bash
# batch.sh - run a study as a Slurm job, on one or many nodes:
#
#   sbatch jobs/batch.sh STUDY [OPTION of `foldrank run`]...
#   sbatch --nodes=8 --ntasks-per-node=64 --time=12:00:00 jobs/batch.sh jobs/digits.yaml
#
# Before the time limit the run saves and the job queues again, and so it does when a node dies,
# until the study is finished or a start gained nothing. FOLDRANK names the program if it is not
# on PATH; LAUNCH replaces the launcher, as LAUNCH='srun --mpi=pmix_v4'. `sbatch` options come
# before the script's name and replace the lines below.
#SBATCH --job-name=foldrank
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --open-mode=append
#SBATCH --requeue
set -u
say() { printf 'batch.sh: %s\n' "$@"; }
if [ $# -eq 0 ] || [ -z "${SLURM_JOB_ID:-}" ]; then
    say "usage: sbatch jobs/batch.sh STUDY [OPTION of foldrank run]..."
    exit 2
fi
: "${FOLDRANK:=foldrank}"
command -v "$FOLDRANK" >/dev/null || { say "no program $FOLDRANK: set PATH or FOLDRANK"; exit 2; }
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
export SRUN_CPUS_PER_TASK=$OMP_NUM_THREADS # srun does not take it over from sbatch since 22.05

# A stop that comes before the program can hear it would kill it: it waits until `started`.
launcher='' asked=''
forward() {
    asked=1
    [ -z "$launcher" ] || {
        while kill -0 "$launcher" 2>/dev/null && ! started; do sleep 0.2; done
        kill -USR1 "$launcher" 2>/dev/null
    } &
}
trap forward USR1

# Where the study's results go is in the study, with the settings among our options.
arguments=("$@") settings=() output=${FOLDRANK_OUTPUT:-}
while [ -z "${FOLDRANK_OUTPUT:-}" ] && shift && [ $# -gt 0 ]; do
    case $1 in
    -s | --set) settings+=(--set "${2-}") ;;
    --set=* | -s?*) settings+=("$1") ;;
    -o | --output) output=${2-} ;;
    --output=*) output=${1#*=} ;;
    -o?*) output=${1#-o} ;;
    esac
done
if [ -z "$output" ]; then
    text=$("$FOLDRANK" check --text "${settings[@]}" "${arguments[0]}") || exit 2
    output=$(sed -nE 's/^output: "?([^"]*)"?$/\1/p' <<<"$text")
fi

# The lock names the job and its start while the program is at work, all ranks of it.
started() {
    [ "$(grep -scxe "job $SLURM_JOB_ID" -e "restarts ${SLURM_RESTART_COUNT:-0}" \
        "$output/lock")" = 2 ]
}
finished() {
    "$FOLDRANK" show "$output" --format json 2>/dev/null | grep '"selection": {' >/dev/null
}
# What only grows: finished folds, and states of fits that are under way.
gains() {
    "$FOLDRANK" watch "$output" --every 0.1s --give-up 0.1s 2>/dev/null |
        grep -oE '[0-9]+/[0-9]+ folds' | tail -n 1
    stat -c '%n %s %y' "$output"/fits/* 2>/dev/null
}

# Without binding: the threads of a rank shall not share one core.
if [ -z "${LAUNCH:-}" ]; then
    LAUNCH='mpirun --bind-to none'
    srun --mpi=list 2>&1 | grep pmix >/dev/null && LAUNCH='srun --mpi=pmix'
fi
read -ra launch <<<"$LAUNCH"
before=$(gains)
say "job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)), nodes $SLURM_JOB_NODELIST: $LAUNCH"
"${launch[@]}" "$FOLDRANK" run "${arguments[@]}" &
launcher=$!
[ -z "$asked" ] || forward
# A signal ends `wait`, not the launcher.
while asked='' && { wait "$launcher"; status=$?; } && [ -n "$asked" ]; do :; done

show="$FOLDRANK show $(printf %q "$output")"
if [ "$status" -eq 0 ] && finished; then
    say "finished; next: $show"
    exit 0
fi
# Some launchers end with 0 although a node died.
[ "$status" -ne 0 ] || status=1
again=${FOLDRANK_AGAIN:-"sbatch --nodes=$SLURM_JOB_NUM_NODES jobs/batch.sh$(printf ' %q' "${arguments[@]}")"}
if [ "$status" -eq 2 ]; then
    say "the study, the data or an option is wrong (see above)" "correct it, then: $again"
elif [ "$(gains)" = "$before" ]; then
    say "status $status, and this start gained nothing: not queued again" \
        "find the reason above (is the time limit long enough for an epoch?), then: $again"
elif scontrol requeue "$SLURM_JOB_ID"; then
    say "status $status, not finished: queued again; Slurm starts it in two minutes or more" \
        "watch it: squeue -j $SLURM_JOB_ID; results so far: $show" \
        "end it:   scancel $SLURM_JOB_ID"
    sleep 60 # until Slurm ends this start
else
    say "status $status, not finished, and Slurm does not queue it again" "go on: $again"
fi
exit "$status"

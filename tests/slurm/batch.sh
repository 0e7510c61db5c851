#!/usr/bin/env bash
# batch.sh - jobs/batch.sh under a private Slurm of three nodes, by srun and by mpirun: a stop
# before the time limit and a power failure cost nothing, and what cannot go on is not repeated.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/../mpi/study.bash"
# shellcheck source=tests/slurm/jobs.bash
. tests/slurm/jobs.bash
trials=40 folds=5
lasting_study $trials $folds 4
launch 2 1 "$dir/reference"
tap_result $? "undisturbed run" "$(tail -n 20 "$dir/reference.log")"

# submit OUTPUT [OPTION...]: two nodes, two ranks each; the job is $job, its log OUTPUT.log.
submit() {
    job=$(sbatch --parsable --nodes=2 --ntasks-per-node=2 --output="$1.log" jobs/batch.sh \
        "$dir/study.yaml" --output "$@" 2>"$dir/sbatch.txt") || cat "$dir/sbatch.txt"
}

# queued_again OUTPUT NAME
queued_again() {
    await 'PENDING BeginTime|COMPLETED|FAILED' 40 && [ "$(state)" = "PENDING BeginTime" ]
    tap_result $? "$2" "$(state)" "$(tail -n 20 "$1.log")"
}

# goes_on OUTPUT NAME: the job is queued again; without its hold of two minutes it finishes, and
# the results are those of a run that nobody disturbed.
goes_on() {
    queued_again "$1" "$2: queued again"
    [ "$(folds_in "$1" | wc -l)" -lt $((trials * folds)) ]
    tap_result $? "$2: it was unfinished"
    # A start in the same second would fail.
    scontrol update JobId="$job" StartTime=now+2
    await 'COMPLETED|FAILED|CANCELLED|TIMEOUT' 60 && [ "$(state)" = "COMPLETED None" ] &&
        [ "$(starts "$1")" -eq 2 ]
    tap_result $? "$2: finishes in the second start" "$(state)" "$(tail -n 20 "$1.log")"
    tap_empty "$2: every fold was trained once" "$(once_each "$1" $((trials * folds)))"
    tap_empty "$2: same results as undisturbed" "$(differences "$dir/reference" "$1")"
}

for launcher in srun mpirun; do
    [ $launcher = srun ] || export LAUNCH=$launcher # srun is what the script finds by itself
    submit "$dir/$launcher-stop"
    busy "$dir/$launcher-stop"
    scancel --batch --signal=USR1 "$job"
    goes_on "$dir/$launcher-stop" "$launcher, USR1"
    grep -q 'begun_before=[1-9]' "$dir/$launcher-stop.log"
    tap_result $? "$launcher, USR1: fits go on in their middle" "$(grep begun "$dir/$launcher-stop.log")"

    submit "$dir/$launcher-power"
    busy "$dir/$launcher-power"
    cluster_power_off n2
    goes_on "$dir/$launcher-power" "$launcher, power failure"
    grep -q 'nodes n\[1,3\]' "$dir/$launcher-power.log"
    tap_result $? "$launcher, power failure: went to living nodes" \
        "$(grep '^batch.sh' "$dir/$launcher-power.log")"
    cluster_power_on n2

    submit "$dir/$launcher-kill"
    busy "$dir/$launcher-kill"
    kill -9 "$(pgrep -n -f "^$FOLDRANK run .*$launcher-kill")"
    queued_again "$dir/$launcher-kill" "$launcher, a rank is killed: queued again"
    scancel "$job"

    # The signal comes while the launcher is still starting.
    submit "$dir/$launcher-early"
    for ((i = 0; i < 200; i++)); do
        grep -sq ', start 1,' "$dir/$launcher-early.log" && break
        sleep 0.02
    done
    scancel --batch --signal=USR1 "$job"
    queued_again "$dir/$launcher-early" "$launcher, early USR1: saved and queued again"
    scancel "$job"
done

# What cannot be saved in the middle lasts longer than a start may: only the first one gains
# something, the suggestions.
cat >"$dir/study.yaml" <<YAML
study: stuck
objective: {type: function, function: sphere, sleep: 60, parameters: {x: {float: [-1, 1]}}}
search: {method: random, trials: 4, seed: 5}
output: $dir/unused
YAML
submit "$dir/stuck" --time 1s
await 'PENDING BeginTime' 30 && scontrol update JobId="$job" StartTime=now+2
await 'FAILED|COMPLETED' 30
[ "$(exit_code)" = 75 ] && [ "$(starts "$dir/stuck")" -eq 2 ]
tap_result $? "no progress: given up with the status" "$(state)" "$(tail -n 20 "$dir/stuck.log")"

submit "$dir/wrong" --set search.trials=none
await 'FAILED|COMPLETED' 30
[ "$(exit_code)" = 2 ] && grep -q trials "$dir/wrong.log"
tap_result $? "wrong study: told, not repeated" "$(state)" "$(tail -n 20 "$dir/wrong.log")"
tap_done

#!/usr/bin/env bash
# extend.sh - more trials for a finished study: its model stays until there is a new one, and the
# end is the same as in one go.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"
trials=60 folds=5 first=15
lasting_study $trials $folds 6
launch 2 1 "$dir/reference"
tap_result $? "in one go: runs" "$(tail -n 20 "$dir/reference.log")"
launch 2 1 "$dir/study" --set search.trials=$first
tap_result $? "$first trials: runs" "$(tail -n 20 "$dir/study.log")"
cp -r "$dir/study" "$dir/few"

# predicts OUTPUT NAME
predicts() {
    local said
    said=$("$FOLDRANK" predict "$1" data/digits.csv.gz -o "$dir/predicted.csv" 2>&1)
    tap_result $? "$2: predicts" "$said"
}

# keeps_model NAME: $dir/study has still what was chosen among the first trials.
keeps_model() {
    local part
    for part in /selection /model; do
        h5diff "$dir/few/results.h5" "$dir/study/results.h5" $part >"$dir/h5diff.txt" 2>&1
        tap_result $? "$1: same $part as before" "$(head -n 20 "$dir/h5diff.txt")"
    done
    predicts "$dir/study" "$1"
}

launch 2 1 "$dir/study" --time 1s --snapshot-every 0.05s
status=$?
[ $status -eq 75 ]
tap_result $? "extended, --time: exit 75" "exit status $status" "$(tail -n 20 "$dir/study.log")"
filed=$(folds_in "$dir/study" | wc -l)
[ "$filed" -gt $((first * folds)) ] && [ "$filed" -lt $((trials * folds)) ]
tap_result $? "extended, --time: stopped between" "$filed folds"
keeps_model "extended, --time"
cp "$dir/study/results.h5" "$dir/stopped.h5"

# Nothing but snapshots is left of a run that is killed.
OMP_NUM_THREADS=1 "$FOLDRANK" run "$dir/study.yaml" --output "$dir/study" \
    --snapshot-every 0.05s >"$dir/killed.log" 2>&1 </dev/null &
program=$!
for ((i = 0; i < 250; i++)); do
    cmp -s "$dir/study/results.h5" "$dir/stopped.h5" || break
    sleep 0.02
done
kill -KILL $program
wait $program 2>/dev/null
! cmp -s "$dir/study/results.h5" "$dir/stopped.h5"
tap_result $? "extended, killed: a snapshot is there" "$(tail -n 20 "$dir/killed.log")"
keeps_model "extended, killed"

launch 3 1 "$dir/study"
tap_result $? "extended, finished: ends" "$(tail -n 20 "$dir/study.log")"
tap_empty "extended, finished: every fold was trained once" \
    "$(once_each "$dir/study" $((trials * folds)))"
tap_empty "extended, finished: same results as in one go" \
    "$(differences "$dir/reference" "$dir/study")"
predicts "$dir/study" "extended, finished"

# All is trained, but results.h5 is from before: its choice is not taken for the last word.
cp "$dir/stopped.h5" "$dir/study/results.h5"
launch 2 1 "$dir/study"
tap_result $? "results.h5 behind the journal: ends" "$(tail -n 20 "$dir/study.log")"
tap_empty "results.h5 behind the journal: same results as in one go" \
    "$(differences "$dir/reference" "$dir/study")"

head -c 1000 "$dir/stopped.h5" >"$dir/study/results.h5"
launch 2 1 "$dir/study"
tap_result $? "damaged results.h5: ends" "$(tail -n 20 "$dir/study.log")"
tap_empty "damaged results.h5: same results as in one go" \
    "$(differences "$dir/reference" "$dir/study")"
tap_done

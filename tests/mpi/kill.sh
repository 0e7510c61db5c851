#!/usr/bin/env bash
# kill.sh - kill -9 of a random rank at a random moment, 20 times in a row: nothing that was
# filed is lost or trained again, and the results are those of a run that nobody disturbed.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"
KILLS=${KILLS:-20}
trials=40 folds=5
lasting_study $trials $folds 30
launch 2 1 "$dir/reference"
tap_result $? "undisturbed run" "$(tail -n 20 "$dir/reference.log")"

# A victim among the processes whose parent is this mpirun.
victim() {
    pgrep -P "$1" -x foldrank | sort -R | head -n 1
}

RANDOM=${SEED:-7}
before=0 kills=0 grew=0 lost="" hung=""
for ((i = 0; i < KILLS; i++)); do
    # shellcheck disable=SC2086
    OMP_NUM_THREADS=1 $MPIRUN 2 "$FOLDRANK" run "$dir/study.yaml" --output "$dir/killed" \
        >"$dir/killed.log" 2>&1 </dev/null &
    launcher=$!
    sleep "$(awk -v r="$RANDOM" 'BEGIN { print 0.4 + r / 32768 * 1.4 }')"
    rank=$(victim $launcher)
    [ -n "$rank" ] && kill -9 "$rank" 2>/dev/null && kills=$((kills + 1))
    for ((wait = 0; wait < 100; wait++)); do
        kill -0 $launcher 2>/dev/null || break
        sleep 0.2
    done
    kill -0 $launcher 2>/dev/null && hung="launcher of kill $i still runs" && kill -9 $launcher
    wait $launcher 2>/dev/null
    now=$([ -f "$dir/killed/journal.bin" ] && folds_in "$dir/killed" | wc -l || echo 0)
    [ "$now" -lt "$before" ] && lost="$lost after kill $i: $now folds, $before before;"
    [ "$now" -gt "$before" ] && grew=$((grew + 1))
    before=$now
done
tap_empty "no hang after a kill" "$hung"
tap_empty "no filed fold is ever lost" "$lost"
[ $kills -gt $((KILLS / 2)) ]
tap_result $? "most kills hit a running rank" "$kills of $KILLS"
[ $grew -gt 2 ]
tap_result $? "killed runs leave what they filed" "$grew of $KILLS"
launch 2 1 "$dir/killed"
tap_result $? "run again: ends" "$(tail -n 20 "$dir/killed.log")"
tap_empty "every fold was trained once" "$(once_each "$dir/killed" $((trials * folds)))"
tap_empty "same results as undisturbed" "$(differences "$dir/reference" "$dir/killed")"
tap_done

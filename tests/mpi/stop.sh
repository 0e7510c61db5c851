#!/usr/bin/env bash
# stop.sh - SIGUSR1, SIGTERM, Ctrl-C and --time: saved, exit 75, and the next run goes on. A
# finished study trains nothing; one that is running cannot be run twice; more trials go on.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"
trials=60 folds=5
tasks=$((trials * folds))
lasting_study $trials $folds 5
launch 2 1 "$dir/reference"
tap_result $? "undisturbed run" "$(tail -n 20 "$dir/reference.log")"

# start OUTPUT: in the background; its process is $launcher. Returns when folds are being filed.
start() {
    # shellcheck disable=SC2086
    OMP_NUM_THREADS=1 $MPIRUN 2 "$FOLDRANK" run "$dir/study.yaml" --output "$1" >"$1.log" 2>&1 \
        </dev/null &
    launcher=$!
    for ((i = 0; i < 250; i++)); do
        [ -f "$1/journal.bin" ] && [ "$(stat -c %s "$1/journal.bin")" -gt 16000 ] && return
        sleep 0.02
    done
}

# finish OUTPUT NAME: run again; the results are the undisturbed ones, no fold came twice.
finish() {
    launch 3 1 "$1"
    tap_result $? "$2: run again ends" "$(tail -n 20 "$1.log")"
    tap_empty "$2: every fold was trained once" "$(once_each "$1" $tasks)"
    tap_empty "$2: same results as undisturbed" "$(differences "$dir/reference" "$1")"
}

start "$dir/usr1"
kill -USR1 $launcher
wait $launcher
status=$?
[ $status -eq 75 ]
tap_result $? "SIGUSR1: exit 75" "exit status $status" "$(tail -n 20 "$dir/usr1.log")"
[ "$(folds_in "$dir/usr1" | wc -l)" -lt $tasks ]
tap_result $? "SIGUSR1: stopped early"
h5ls "$dir/usr1/results.h5" >/dev/null
tap_result $? "SIGUSR1: results.h5 is there"
finish "$dir/usr1" SIGUSR1

# mpirun ends its ranks itself and exits with a status of its own; what counts is what is saved.
for signal in INT TERM; do
    start "$dir/$signal"
    kill -$signal $launcher
    wait $launcher
    [ "$(folds_in "$dir/$signal" | wc -l)" -gt 0 ]
    tap_result $? "SIG$signal: folds are saved" "$(tail -n 20 "$dir/$signal.log")"
    finish "$dir/$signal" "SIG$signal"
done

# Without a launcher the program answers itself, also to two signals at once.
OMP_NUM_THREADS=1 "$FOLDRANK" run "$dir/study.yaml" --output "$dir/alone" >"$dir/alone.log" 2>&1 \
    </dev/null &
program=$!
sleep 2
kill -TERM $program
kill -USR1 $program
wait $program
status=$?
[ $status -eq 75 ]
tap_result $? "no mpirun, SIGTERM and SIGUSR1: exit 75" "exit status $status" \
    "$(tail -n 20 "$dir/alone.log")"
finish "$dir/alone" "no mpirun"

launch 2 1 "$dir/time" --time 2s
status=$?
[ $status -eq 75 ]
tap_result $? "--time: exit 75" "exit status $status" "$(tail -n 20 "$dir/time.log")"
finish "$dir/time" "--time"

cp "$dir/time/results.h5" "$dir/saved.h5"
launch 2 1 "$dir/time"
tap_result $? "finished study: run again ends"
cmp "$dir/time/results.h5" "$dir/saved.h5"
tap_result $? "finished study: nothing is trained or written again"
grep -q 'chosen: trial' "$dir/time.log" && grep -q 'test accuracy' "$dir/time.log"
tap_result $? "finished study: prints the results" "$(tail -n 20 "$dir/time.log")"

launch 2 1 "$dir/more" --set search.trials=20 && launch 3 1 "$dir/more"
tap_result $? "more trials: goes on" "$(tail -n 20 "$dir/more.log")"
tap_empty "more trials: every fold was trained once" "$(once_each "$dir/more" $tasks)"
tap_empty "more trials: same results as in one go" "$(differences "$dir/reference" "$dir/more")"

start "$dir/twice"
said=$("$FOLDRANK" run "$dir/study.yaml" --output "$dir/twice" 2>&1 </dev/null)
status=$?
[ $status -eq 1 ]
tap_result $? "second run while the first lives: refused" "exit status $status" "$said"
kill -USR1 $launcher
wait $launcher
tap_done

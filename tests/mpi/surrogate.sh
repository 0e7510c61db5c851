#!/usr/bin/env bash
# surrogate.sh - gp whose kernel matrix all ranks compute: equal to one rank's, and a study that
# gets there finishes on 4 ranks, survives kill -9, signals and time limits in the middle of it,
# and goes on with another number of ranks.
# Needs besides the program tests/mpi/test_surrogate: SURROGATE, or beside FOLDRANK.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"
: "${SURROGATE:=$(dirname "$FOLDRANK")/tests/mpi/test_surrogate}"
export OMP_NUM_THREADS=1
# Ranks that wait would otherwise keep the cores from those that compute.
export OMPI_MCA_mpi_yield_when_idle=1

# compare RANKS: what the C program reports, numbered anew.
compare() {
    local ranks=$1 log=$dir/compare.log status line seen=0
    # shellcheck disable=SC2086
    timeout -k 5 100 $MPIRUN "$ranks" "$SURROGATE" >"$log" 2>&1 </dev/null
    status=$?
    mapfile -t lines <"$log"
    for line in "${lines[@]}"; do
        case $line in
        'ok '*) tap_result 0 "$ranks ranks: ${line#ok }" && seen=$((seen + 1)) ;;
        'not ok '*) tap_result 1 "$ranks ranks: ${line#not ok }" "$(cat "$log")" ;;
        esac
    done
    [ $status -eq 0 ] && [ $seen -gt 0 ]
    tap_result $? "$ranks ranks: ends well" "exit status $status" "$(tail -n 20 "$log")"
}
for ranks in 1 2 4 5; do compare $ranks; done

trials=100 from=40
cat >"$dir/study.yaml" <<YAML
study: surrogate
objective:
  type: function
  function: hartmann6
  direction: minimize
  sleep: 0.16
  parameters: {a: {float: [0, 1]}, b: {float: [0, 1]}, c: {float: [0, 1]}, d: {float: [0, 1]}, e: {float: [0, 1]}, f: {float: [0, 1]}}
search: {method: gp, trials: $trials, seed: 2, concurrency: 4, distribute_from: $from, generation: 4}
output: $dir/unused
YAML

"$FOLDRANK" check "$dir/study.yaml" | grep -q "model of gp .*beyond $from results"
tap_result $? "check: says that all ranks will compute" "$("$FOLDRANK" check "$dir/study.yaml")"

# decisions OUTPUT FIRST LAST: these trials and their parameters, as far as two numbers of ranks
# agree: to 1e-8 of a range of 1.
decisions() {
    "$FOLDRANK" show "$1" --format csv --top $trials |
        awk -F, -v first="$2" -v last="$3" '$1 >= first && $1 <= last {
            printf "%s", $1; for (i = NF - 6; i < NF; i++) printf " %.8f", $i; print "" }' | sort -n
}

launch 1 1 "$dir/one" --set objective.sleep=0
tap_result $? "study: 1 rank" "$(tail -n 20 "$dir/one.log")"
launch 4 1 "$dir/four"
tap_result $? "study: 4 ranks" "$(tail -n 20 "$dir/four.log")"
grep -q 'schedule kernel ranks=4' "$dir/four.log"
tap_result $? "study: all 4 ranks compute, and the log says so" "$(cat "$dir/four.log")"
[ "$(decisions "$dir/one" $from $((from + 15)) | wc -l)" -eq 16 ]
tap_result $? "study: there are decisions to compare" "$(decisions "$dir/one" 0 $trials)"
tap_empty "study: 1 and 4 ranks decide alike after the crossing" \
    "$(diff <(decisions "$dir/one" 0 $((from + 15))) <(decisions "$dir/four" 0 $((from + 15))))"
launch 4 1 "$dir/again"
tap_empty "study: 4 ranks again, same results" "$(differences "$dir/four" "$dir/again")"

# start OUTPUT [OPTION...]: 4 ranks in the background; returns when they compute together.
start() {
    local output=$1
    shift
    # shellcheck disable=SC2086
    $MPIRUN 4 "$FOLDRANK" run "$dir/study.yaml" --output "$output" "$@" >"$output.log" 2>&1 \
        </dev/null &
    launcher=$!
    for ((i = 0; i < 500; i++)); do
        grep -q 'schedule kernel ranks=4' "$output.log" && return
        kill -0 $launcher 2>/dev/null || return
        sleep 0.02
    done
}

# A rank that dies takes the others with it; what they leave is gone on with.
RANDOM=${SEED:-11}
hung="" lost="" before=0 kills=0
for ((k = 0; k < 4; k++)); do
    start "$dir/killed"
    sleep "$(awk -v r="$RANDOM" 'BEGIN { print r / 32768 * 0.25 }')"
    victim=$(pgrep -P $launcher -x foldrank | sort -R | head -n 1)
    [ -n "$victim" ] && kill -9 "$victim" && kills=$((kills + 1))
    for ((i = 0; i < 200; i++)); do
        kill -0 $launcher 2>/dev/null || break
        sleep 0.2
    done
    kill -0 $launcher 2>/dev/null && hung="launcher of kill $k still runs" && kill -9 $launcher
    wait $launcher 2>/dev/null
    now=$(folds_in "$dir/killed" | wc -l)
    [ "$now" -lt "$before" ] && lost="$lost after kill $k: $now results, $before before;"
    before=$now
done
tap_empty "kill -9: no hang" "$hung"
tap_empty "kill -9: no filed result is lost" "$lost"
[ "$before" -lt $trials ]
tap_result $? "kill -9: before the end" "$before of $trials"
[ $kills -gt 2 ]
tap_result $? "kill -9: hits a running rank" "$kills of 4"
cp -r "$dir/killed" "$dir/other"
launch 4 1 "$dir/killed"
tap_result $? "kill -9: run again ends" "$(tail -n 20 "$dir/killed.log")"
tap_empty "kill -9: every trial ran once" "$(once_each "$dir/killed" $trials)"
tap_empty "kill -9: as many ranks again, same results" \
    "$(differences "$dir/four" "$dir/killed")"
launch 3 1 "$dir/other"
tap_result $? "kill -9: ends on another number of ranks" "$(tail -n 20 "$dir/other.log")"
tap_empty "kill -9: every trial ran once there" "$(once_each "$dir/other" $trials)"

start "$dir/usr1"
kill -USR1 $launcher
wait $launcher
status=$?
[ $status -eq 75 ]
tap_result $? "SIGUSR1: exit 75" "exit status $status" "$(tail -n 20 "$dir/usr1.log")"
launch 4 1 "$dir/usr1"
tap_empty "SIGUSR1: run again, same results" "$(differences "$dir/four" "$dir/usr1")"

start "$dir/time" --time 3s
wait $launcher
status=$?
[ $status -eq 75 ] || [ $status -eq 0 ]
tap_result $? "--time: ends" "exit status $status" "$(tail -n 20 "$dir/time.log")"
launch 4 1 "$dir/time"
tap_empty "--time: run again, same results" "$(differences "$dir/four" "$dir/time")"
tap_done

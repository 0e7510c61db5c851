#!/usr/bin/env bash
# groups.sh - ranks_per_trial 1, 2 and 4: the same weights, scores and choice to the bit, on any
# number of ranks, also when a run is stopped, killed and gone on with in other groups.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"
trials=6 folds=3
tasks=$((trials * folds))

# group_study EPOCHS: batches that make several shards, also some that do not.
group_study() {
    cat >"$dir/study.yaml" <<YAML
study: groups
data: {path: data/digits.csv.gz, target: digit, task: classification, test: {fraction: 0.2, seed: 7}}
validation: {scheme: stratified_kfold, folds: $folds, seed: 3}
models:
  softmax: {l2: {log: [1.0e-6, 1.0e-1]}}
  mlp: {hidden: {choice: [[32], [64, 32]]}, dropout: {float: [0.0, 0.5]}}
train:
  optimizer: {choice: [sgd, adam]}
  learning_rate: {log: [1.0e-3, 1.0e-1]}
  batch_size: {choice: [64, 300, 512]}
  patience: 20
  epochs: $1
search: {method: tpe, trials: $trials, seed: 5, concurrency: 4}
output: $dir/unused
YAML
}
: "${GROUPS_PROGRAM:=$(dirname "$FOLDRANK")/tests/mpi/test_groups}"
for ranks in 2 4 8; do
    # shellcheck disable=SC2086
    timeout -k 5 100 $MPIRUN $ranks "$GROUPS_PROGRAM" >"$dir/groups.log" 2>&1 </dev/null &&
        [ "$(grep -c "^ok " "$dir/groups.log")" -eq 3 ]
    tap_result $? "$ranks ranks add and share in memory" "$(cat "$dir/groups.log")"
done

group_study 40
launch 1 1 "$dir/reference"
tap_result $? "without groups" "$(tail -n 20 "$dir/reference.log")"

# same RANKS PER_TRIAL THREADS GROUPS IDLE
same() {
    local output=$dir/r$1-$2-$3
    launch "$1" "$3" "$output" --set resources.ranks_per_trial="$2"
    tap_result $? "$1 ranks, $2 a trial, $3 threads: ends" "$(tail -n 20 "$output.log")"
    tap_empty "$1 ranks, $2 a trial, $3 threads: same results" \
        "$(differences "$dir/reference" "$output" | grep -v 'ranks_per_trial\|^---\|^[0-9]*c[0-9]*$')"
    [ "$(sed -nE 's/.* groups=([0-9]+) .*/\1/p' "$output.log")" = "$4" ] &&
        [ "$(sed -nE 's/.*idle_ranks=([0-9]+).*/\1/p' "$output.log")" = "$5" ]
    tap_result $? "$1 ranks, $2 a trial: $4 groups${5:+, $5 idle}" "$(grep -h 'groups\|idle' "$output.log")"
}
same 2 2 1 1 ''
same 4 2 2 2 ''
same 4 4 1 1 ''
same 7 2 1 3 1

launch 3 1 "$dir/none" --set resources.ranks_per_trial=4
[ $? -eq 2 ] && grep -q 'no node has so many of the 3 ranks' "$dir/none.log"
tap_result $? "too few ranks for a group: said, exit 2" "$(tail -n 5 "$dir/none.log")"
for value in 3 32; do
    launch 4 1 "$dir/none" --set resources.ranks_per_trial=$value
    [ $? -eq 2 ] && grep -q 'ranks_per_trial.*1' "$dir/none.log"
    tap_result $? "ranks_per_trial $value: refused" "$(tail -n 5 "$dir/none.log")"
done
said=$("$FOLDRANK" check "$dir/study.yaml" -n 7 -N 2 --set resources.ranks_per_trial=2)
grep -q '^ranks *7 on 2 nodes, in 3 groups of 2, 1 of them idle' <<<"$said" &&
    grep -q 'batches of 64 rows leave ranks waiting' <<<"$said"
tap_result $? "check says it before" "$said"

# Stopped and killed while groups of other sizes are at work.
group_study 400
launch 2 1 "$dir/long"
tap_result $? "a longer study" "$(tail -n 20 "$dir/long.log")"
i=0 status=75
for setting in '4 4' '2 2' '3 1' '4 2' '5 4' '6 2'; do
    read -r ranks per_trial <<<"$setting"
    i=$((i + 1))
    if [ $((i % 2)) -eq 1 ]; then
        launch "$ranks" 1 "$dir/stopped" --set resources.ranks_per_trial="$per_trial" --time 1.5s
        status=$?
        [ $status -eq 75 ] || [ $status -eq 0 ]
        tap_result $? "stopped in groups of $per_trial" "exit status $status" "$(tail -n 20 "$dir/stopped.log")"
    else
        # shellcheck disable=SC2086
        OMP_NUM_THREADS=1 $MPIRUN "$ranks" "$FOLDRANK" run "$dir/study.yaml" --output "$dir/stopped" \
            --checkpoint-every 0.1s --set resources.ranks_per_trial="$per_trial" >"$dir/killed.log" 2>&1 </dev/null &
        launcher=$!
        sleep 1.5
        kill -9 "$(pgrep -P $launcher -x foldrank | sort -R | head -n 1)" 2>/dev/null
        for ((k = 0; k < 300; k++)); do
            kill -0 $launcher 2>/dev/null || break
            sleep 0.1
        done
        ! kill -0 $launcher 2>/dev/null
        tap_result $? "killed in groups of $per_trial: all end" "$(tail -n 5 "$dir/killed.log")"
        wait $launcher 2>/dev/null
    fi
done
launch 4 1 "$dir/stopped" --set resources.ranks_per_trial=4
tap_result $? "run again: ends" "$(tail -n 20 "$dir/stopped.log")"
tap_empty "every fold was filed once" "$(once_each "$dir/stopped" $tasks)"
tap_empty "same results as undisturbed" \
    "$(differences "$dir/long" "$dir/stopped" | grep -v 'ranks_per_trial\|^---\|^[0-9]*c[0-9]*$')"
tap_done

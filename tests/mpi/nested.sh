#!/usr/bin/env bash
# nested.sh - nested cross-validation: the same bits for any number of ranks, kills and resumes; the
# study's own results stay as they are without it; no search sees the rows that it is judged on.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

# nested_study TRIALS FOLDS EPOCHS OUTER: as write_study, with a sampler that learns, and pruning.
nested_study() {
    write_study "$1" "$2" "$3"
    sed -i -e "s/^search: .*/search: {method: tpe, trials: $1, seed: 5, concurrency: 3}/" \
        -e "s/^output: .*/nested: {outer_folds: $4}\npruning: {method: [asha, racing], first_epoch: 1, reduction: 2}\n&/" \
        "$dir/study.yaml"
}
# own A B: what differs in the study's own search, choice and model; empty when nothing does.
own() {
    h5diff -c --exclude-path /nested --exclude-path /ranks --exclude-path /study/config --exclude-path /trials/seconds \
        --exclude-path /folds/seconds --exclude-path /folds/samples_per_second --exclude-path /folds/rank \
        --exclude-path /folds/start_s --exclude-path /folds/end_s --exclude-attribute / \
        "$1/results.h5" "$2/results.h5" 2>&1 | grep -v 'is an empty dataset$' | head -n 10
}
# twice OUTPUT: outer folds that were filed more than once.
twice() {
    outer_folds_in "$1" | sort | uniq -d
}

nested_study 10 3 6 3
launch 1 1 "$dir/reference"
tap_result $? "1 rank: runs" "$(tail -n 20 "$dir/reference.log")"
grep -qE '^nested accuracy: 0\.[0-9]+ \+- 0\.[0-9]+ over 3 outer folds' "$dir/reference.log"
tap_result $? "the estimate is told" "$(tail -n 20 "$dir/reference.log")"
for ranks in 2 3 5; do
    launch $ranks 1 "$dir/other"
    tap_empty "$ranks ranks: same results" "$(differences "$dir/reference" "$dir/other")"
    tap_empty "$ranks ranks: every outer fold was filed once" "$(twice "$dir/other")"
    rm -rf "$dir/other"
done

# Without it, then with it in the same directory: only what is missing is trained.
launch 2 1 "$dir/later" --set nested.outer_folds=0
[ "$(h5ls "$dir/later/results.h5" | grep -c nested)" = 0 ]
tap_result $? "without outer folds nothing is told of them"
tap_empty "the study's own results are the same without it" "$(own "$dir/reference" "$dir/later")"
folds=$(folds_in "$dir/later" | wc -l)
launch 2 1 "$dir/later"
tap_empty "added later: same results" "$(differences "$dir/reference" "$dir/later")"
[ "$(folds_in "$dir/later" | wc -l)" = "$folds" ]
tap_result $? "added later: nothing of the study itself is trained again"
launch 2 1 "$dir/later" --set nested.outer_folds=2
launch 2 1 "$dir/later"
grep -q 'all of it was there already' "$dir/later.log"
tap_result $? "another number of outer folds between: nothing is lost" "$(tail -n 12 "$dir/later.log")"
tap_empty "another number of outer folds between: same results" "$(differences "$dir/reference" "$dir/later")"

# More trials: each search goes on.
launch 2 1 "$dir/fewer" --set search.trials=5
launch 2 1 "$dir/fewer"
tap_empty "with more trials: same results" "$(differences "$dir/reference" "$dir/fewer")"

# More ranks than tasks.
nested_study 1 2 2 2
launch 1 1 "$dir/few1" && launch 5 1 "$dir/few5"
tap_result $? "few tasks on 5 ranks: ends" "$(tail -n 20 "$dir/few5.log")"
tap_empty "few tasks on 5 ranks: same results" "$(differences "$dir/few1" "$dir/few5")"

# Groups that train together.
launch 2 1 "$dir/groups" --set resources.ranks_per_trial=2
tap_result $? "a group of two ranks: ends" "$(tail -n 20 "$dir/groups.log")"
tap_empty "a group of two ranks: same results" \
    "$(differences "$dir/few1" "$dir/groups" | grep -v 'ranks_per_trial\|^---\|^[0-9]*c[0-9]*$')"

# Kill -9 and SIGUSR1 in the midst.
nested_study 8 3 "${NESTED_EPOCHS:-40}" 2
launch 2 1 "$dir/whole"
took=$(sed -nE 's/.* wall_s=([0-9.]+) .*/\1/p' "$dir/whole.log")
for signal in KILL USR1 KILL; do
    # shellcheck disable=SC2086
    OMP_NUM_THREADS=1 $MPIRUN 2 "$FOLDRANK" run "$dir/study.yaml" --output "$dir/stopped" --checkpoint-every 0.2s \
        >"$dir/stopped.log" 2>&1 </dev/null &
    launcher=$!
    sleep "$(awk -v t="$took" 'BEGIN { print 0.5 + t / 5 }')"
    if [ $signal = KILL ]; then
        pkill -KILL -P $launcher -x foldrank
    else
        kill -USR1 $launcher 2>/dev/null
    fi
    wait $launcher 2>/dev/null
done
stopped=$(outer_folds_in "$dir/stopped" | wc -l)
launch 3 1 "$dir/stopped"
tap_result $? "stopped and gone on with: ends" "$(tail -n 20 "$dir/stopped.log")"
tap_empty "stopped and gone on with: same results" "$(differences "$dir/whole" "$dir/stopped")"
tap_empty "stopped and gone on with: no outer fold was filed twice" "$(twice "$dir/stopped")"
[ "$stopped" -gt 0 ]
tap_result $? "stopped in the midst of the outer searches" "$stopped of them were filed"
tap_done

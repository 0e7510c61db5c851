#!/usr/bin/env bash
# budget.sh - `stop`: the same end on any number of ranks and after a kill, a finished study at
# the end, and more of it with a larger budget.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

# ended OUTPUT: what the results say ended the study.
ended() { "$FOLDRANK" show "$1" -f json | sed -nE 's/.*"ended_by": "([a-z_]*)".*/\1/p'; }

# same NAME WORD OPTION...: ends by WORD, alike on 1, 2, 3 and 5 ranks, and when killed and
# finished.
same() {
    local name=$1 word=$2 ranks
    shift 2
    launch 1 1 "$dir/reference" "$@"
    tap_result $? "$name: runs" "$(tail -n 20 "$dir/reference.log")"
    [ "$(ended "$dir/reference")" = "$word" ]
    tap_result $? "$name: ended by $word" "$("$FOLDRANK" show "$dir/reference")"
    grep -q "^ended by .*$word\|^ended by all" "$dir/reference.log"
    tap_result $? "$name: says so" "$(tail -n 20 "$dir/reference.log")"
    for ranks in 2 3 5; do
        launch $ranks 1 "$dir/other" "$@"
        tap_empty "$name: $ranks ranks, same results" "$(differences "$dir/reference" "$dir/other")"
        rm -rf "$dir/other"
    done
    launch 3 1 "$dir/other" "$@" &
    sleep 0.7
    # Until none is left: a rank may just be starting when the others are killed.
    while pkill -9 -f "foldrank run $dir/study.yaml"; do sleep 0.1; done
    wait
    launch 2 1 "$dir/other" "$@"
    tap_empty "$name: killed and finished, same results" \
        "$(differences "$dir/reference" "$dir/other")"
    rm -rf "$dir/other"
}

tpe=(--set search.method=tpe --set search.concurrency=4 --set 'pruning=[asha, racing]')
write_study 0 4 9
same "epochs" epochs "${tpe[@]}" --set stop.epochs=700
mv "$dir/reference" "$dir/epochs"
same "fits" fits --set stop.fits=90 --set 'pruning=[median, racing]'
rm -rf "$dir/reference"
same "target score" score "${tpe[@]}" --set stop.score=0.93 --set search.trials=60
rm -rf "$dir/reference"

epochs=$("$FOLDRANK" show "$dir/epochs" -f json | sed -nE 's/.*"epochs": ([0-9]+).*/\1/p' | head -1)
[ "$epochs" -le 700 ] && [ "$epochs" -gt 660 ]
tap_result $? "a budget is not exceeded, and less than a trial is left of it" "$epochs of 700 epochs"

# A larger budget goes on; a smaller one changes nothing and says so.
launch 2 1 "$dir/more" "${tpe[@]}" --set stop.epochs=300
tap_result $? "a smaller budget: runs" "$(tail -n 20 "$dir/more.log")"
"$FOLDRANK" predict "$dir/more" data/digits.csv.gz -o "$dir/predicted.csv" >/dev/null 2>&1
tap_result $? "a study that its budget ended has a model" "$(tail -n 20 "$dir/more.log")"
launch 3 1 "$dir/more" "${tpe[@]}" --set stop.epochs=700
tap_empty "with a larger budget it goes on, to the same end" "$(differences "$dir/epochs" "$dir/more")"
launch 2 1 "$dir/more" "${tpe[@]}" --set stop.epochs=100
tap_result $? "a budget lowered afterwards: runs" "$(tail -n 20 "$dir/more.log")"
grep -q 'stop.epochs=100 there=[0-9]*: .*holds more' "$dir/more.log"
tap_result $? "a budget lowered afterwards: is told" "$(tail -n 20 "$dir/more.log")"
launch 2 1 "$dir/more" "${tpe[@]}" --set search.trials=3
grep -q 'search.trials=3 there=[0-9]*: .*holds more' "$dir/more.log"
tap_result $? "trials lowered afterwards: is told" "$(tail -n 20 "$dir/more.log")"

# The clock: what was begun is finished, the model is there, and the time of all runs counts.
launch 2 1 "$dir/clock" --set stop.wall=1s
tap_result $? "wall: exit 0" "$(tail -n 20 "$dir/clock.log")"
[ "$(ended "$dir/clock")" = wall ]
tap_result $? "wall: ended by it" "$("$FOLDRANK" show "$dir/clock")"
"$FOLDRANK" predict "$dir/clock" data/digits.csv.gz -o "$dir/predicted.csv" >/dev/null 2>&1
tap_result $? "wall: there is a model" "$(tail -n 20 "$dir/clock.log")"
before=$(folds_in "$dir/clock" | wc -l)
launch 2 1 "$dir/clock" --set stop.wall=1s
after=$(folds_in "$dir/clock" | wc -l)
[ "$before" -eq "$after" ]
tap_result $? "wall: used up by the first run" "$before folds, then $after"
used=$(h5dump -a /core_s "$dir/clock/results.h5" | sed -nE 's/.*\(0\): ([0-9.]+).*/\1/p')
launch 2 1 "$dir/clock" --set "stop.core_hours=$(awk -v s="$used" 'BEGIN { print (s + 8) / 3600 }')"
[ "$(ended "$dir/clock")" = core_hours ] && [ "$(folds_in "$dir/clock" | wc -l)" -gt "$after" ]
tap_result $? "core_hours: goes on" "$(tail -n 20 "$dir/clock.log")"
tap_empty "no fold is trained twice" "$(folds_in "$dir/clock" | sort | uniq -d)"
tap_done

#!/usr/bin/env bash
# warm.sh - learning from earlier studies: the same results on any number of ranks and after a
# kill, also when the earlier results are gone by then.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

write_study 14 3 5
launch 2 1 "$dir/old" --set search.method=tpe --set 'pruning=[asha]'
tap_result $? "earlier study: runs" "$(tail -n 20 "$dir/old.log")"
# Other data: some columns are left out.
launch 2 1 "$dir/other-data" --set search.method=random --set search.trials=12 \
    --set 'data.drop=[px_3_3, px_4_4]'
tap_result $? "earlier study, other data: runs" "$(tail -n 20 "$dir/other-data.log")"

# The rate starts higher, an optimizer is new, the number of epochs is searched.
options=(--set search.method=tpe --set search.concurrency=3 --set search.trials=16
    --set 'train.learning_rate={log: [5.0e-3, 1.0e-1]}' --set 'train.epochs={int: [3, 6]}'
    --set 'train.optimizer={choice: [adam, adamw, sgd]}'
    --set "search.warm_start=[$dir/old, $dir/other-data/results.h5]")

launch 1 1 "$dir/cold" "${options[@]}" --set 'search.warm_start=[]'
launch 1 1 "$dir/reference" "${options[@]}"
tap_result $? "runs" "$(tail -n 20 "$dir/reference.log")"
used=$(sed -nE "s/.*warm_start=.*old.*trials=14 learned_from=([0-9]+) outside=([0-9]+).*/\1 \2/p" \
    "$dir/reference.log")
# shellcheck disable=SC2086
set -- $used
grep -q 'other-data.*learned_from=[1-9].* data=other' "$dir/reference.log"
tap_result $? "other data are told apart" "$(grep warm_start "$dir/reference.log")"
[ $# -eq 2 ] && [ "$1" -gt 0 ] && [ "$2" -gt 0 ] && [ $(($1 + $2)) -le 14 ]
tap_result $? "one line counts what is learned from and what lies outside" \
    "$(grep warm_start "$dir/reference.log")"
! h5diff -q "$dir/cold/results.h5" "$dir/reference/results.h5" /trials/params >/dev/null 2>&1
tap_result $? "it changes what is tried"
[ "$("$FOLDRANK" show "$dir/reference" -f csv | sed 1d | wc -l)" -eq 16 ]
tap_result $? "earlier trials are not among its own" "$("$FOLDRANK" show "$dir/reference" --top 99)"
for ranks in 2 3 5; do
    launch $ranks 1 "$dir/same" "${options[@]}"
    tap_empty "$ranks ranks, same results" "$(differences "$dir/reference" "$dir/same")"
    rm -rf "$dir/same"
done

launch 2 1 "$dir/killed" "${options[@]}" --set search.trials=5
mv "$dir/old" "$dir/moved"
cp "$dir/cold/results.h5" "$dir/other-data/results.h5"
launch 3 1 "$dir/killed" "${options[@]}" &
sleep 0.7
while pkill -9 -f "foldrank run $dir/study.yaml"; do sleep 0.1; done
wait
launch 2 1 "$dir/killed" "${options[@]}"
tap_result $? "killed, the earlier results gone and changed: ends" "$(tail -n 20 "$dir/killed.log")"
tap_empty "killed, the earlier results gone and changed: same results" \
    "$(differences "$dir/reference" "$dir/killed")"
launch 2 1 "$dir/new" "${options[@]}"
[ $? -eq 2 ] && grep -q "$dir/old: No such file" "$dir/new.log"
tap_result $? "a new study needs them" "$(tail -n 20 "$dir/new.log")"
launch 1 1 "$dir/killed" "${options[@]}" --set 'search.warm_start=[]'
[ $? -eq 2 ] && grep -q 'search.warm_start: .* there, \[\] here' "$dir/killed.log"
tap_result $? "a study that learned from others is another study" "$(tail -n 20 "$dir/killed.log")"
tap_done

#!/usr/bin/env bash
# explain.sh - explanations of the chosen trial: the same for any number of ranks, of the models
# that the search scored, and not lost with a stop.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

write_study 4 3 4
launch 1 1 "$dir/reference" --set explain.when=always
tap_result $? "1 rank: runs" "$(tail -n 20 "$dir/reference.log")"

# 7 ranks on 3 folds: each fold's columns are cut in two. Groups train together, but explain alone.
for more in "2" "7" "4 --set resources.ranks_per_trial=2"; do
    # shellcheck disable=SC2086
    set -- $more
    ranks=$1
    shift
    launch "$ranks" 1 "$dir/other" --set explain.when=always "$@"
    status=$?
    found=$(h5diff -c "$dir/reference/results.h5" "$dir/other/results.h5" /explain 2>&1)
    [ $status -eq 0 ] && [ -z "$found" ]
    tap_result $? "$more ranks: same explanations" "$found" "$(tail -n 5 "$dir/other.log")"
    rm -rf "$dir/other"
done

# What the folds' models say out of fold has the accuracy that the search saw; folds differ by a row.
"$FOLDRANK" export "$dir/reference" --csv "$dir/tables" >"$dir/export.log" 2>&1 &&
    awk -F, 'FNR == 1 { file++; next }
        file == 1 { n++; hits += $2 == $3 }
        file == 2 && $3 == 1 { seen = $4 }
        END { d = hits / n - seen; print hits / n, seen; exit !(n == 1437 && d < 1e-3 && d > -1e-3) }' \
        "$dir/tables/out_of_fold.csv" "$dir/tables/selection.csv" >"$dir/accuracy"
tap_result $? "out-of-fold predictions are those of the search" "$(cat "$dir/export.log" "$dir/accuracy")"

# Asked for later: nothing else is computed. Asked for again: nothing at all.
launch 2 1 "$dir/later" --set explain.when=never
tap_empty "explain.when=never: none" "$(h5ls -r "$dir/later/results.h5" | grep '^/explain')"
"$FOLDRANK" show --explain "$dir/later" >"$dir/shown" 2>&1
[ $? -eq 2 ] && grep -q 'set explain.when=always' "$dir/shown"
tap_result $? "show --explain says how to have them" "$(cat "$dir/shown")"
launch 2 1 "$dir/later" --set explain.when=always && grep -q 'fits=0 ' "$dir/later.log"
tap_result $? "asked for later: only explanations are computed" "$(tail -n 5 "$dir/later.log")"
tap_empty "asked for later: the same" "$(differences "$dir/reference" "$dir/later")"
before=$(stat -c %i "$dir/later/results.h5")
launch 2 1 "$dir/later" --set explain.when=always && [ "$before" = "$(stat -c %i "$dir/later/results.h5")" ]
tap_result $? "asked for again: results.h5 stays as it is" "$(tail -n 5 "$dir/later.log")"

# A stop in the midst of explanations keeps the model; the next run explains.
launch 2 1 "$dir/stopped" --time 3s --set explain.when=always --set explain.repeats=1000
[ $? -eq 75 ] && h5ls -r "$dir/stopped/results.h5" | grep -q '^/model/family' &&
    ! h5ls -r "$dir/stopped/results.h5" | grep -q '^/explain'
tap_result $? "stopped while it explains: the model is there" "$(tail -n 5 "$dir/stopped.log")"
launch 2 1 "$dir/stopped" --set explain.when=always && grep -q 'fits=0 ' "$dir/stopped.log"
tap_result $? "after the stop: goes on" "$(tail -n 5 "$dir/stopped.log")"
tap_empty "after the stop: same results" "$(differences "$dir/reference" "$dir/stopped")"

"$FOLDRANK" show --explain --ascii "$dir/reference" >"$dir/shown" 2>&1
status=$?
text=$(for line in '^columns: by how much accuracy' '^partial dependence' '^out of fold: true class' \
    '^calibration: probabilities of the predicted class' '^hardest rows'; do
    grep -q "$line" "$dir/shown" || echo "no line $line"
done)
[ $status -eq 0 ] && [ -z "$text" ]
tap_result $? "show --explain: all parts" "$text" "$(cat "$dir/shown")"
tap_done

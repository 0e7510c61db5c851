#!/usr/bin/env bash
# ensemble.sh - an ensemble: the same for any number of ranks, after kills and stops; stored, and
# predicted with like a single model.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

write_study 6 3 12
sed -i 's/^models:/models:\n  svm: {}/' "$dir/study.yaml"
echo 'ensemble: {size: 6, candidates: 4, initial: 2}' >>"$dir/study.yaml"
launch 1 1 "$dir/reference"
tap_result $? "1 rank: runs" "$(tail -n 20 "$dir/reference.log")"
members=$(h5ls -r "$dir/reference/results.h5" | grep -c '^/ensemble/members/[0-9]*/model/family')
[ "$members" -ge 2 ]
tap_result $? "several members, each with its model" "$members"

# 7 ranks are more than members; groups train together, but members are trained alone.
for more in 2 3 5 7 "4 --set resources.ranks_per_trial=2"; do
    # shellcheck disable=SC2086
    set -- $more
    ranks=$1
    shift
    launch "$ranks" 1 "$dir/other" "$@"
    status=$?
    found=$(h5diff -c "$dir/reference/results.h5" "$dir/other/results.h5" /ensemble 2>&1 |
        grep -v 'is an empty dataset$')
    [ $status -eq 0 ] && [ -z "$found" ]
    tap_result $? "$more ranks: same ensemble" "$found" "$(tail -n 5 "$dir/other.log")"
    rm -rf "$dir/other"
done

# Asked for later: the search stands. Asked for again: nothing is done.
launch 2 1 "$dir/later" --set ensemble.size=0
tap_empty "size 0: none" "$(h5ls -r "$dir/later/results.h5" | grep '^/ensemble')"
"$FOLDRANK" predict --with ensemble "$dir/later" data/digits.csv.gz >"$dir/said" 2>&1
[ $? -eq 2 ] && grep -q 'ensemble.size=10' "$dir/said"
tap_result $? "predict --with ensemble: says how to have one" "$(tail -n 3 "$dir/said")"
launch 2 1 "$dir/later" && grep -q 'fits=0 ' "$dir/later.log"
tap_result $? "asked for later: nothing is searched" "$(tail -n 5 "$dir/later.log")"
tap_empty "asked for later: the same" "$(differences "$dir/reference" "$dir/later")"
before=$(stat -c %i "$dir/later/results.h5")
launch 2 1 "$dir/later" && [ "$before" = "$(stat -c %i "$dir/later/results.h5")" ]
tap_result $? "asked for again: results.h5 stays as it is" "$(tail -n 5 "$dir/later.log")"

# disturb SIGNAL OUTPUT: run, and send the signal to all ranks when the second of its files is there.
disturb() {
    local files=0
    launch 2 1 "$2" &
    for _ in $(seq 2000); do
        files=$(find "$2/fits" -name '*-1[0-9]' 2>/dev/null | wc -l)
        [ "$files" -ge 2 ] && break
        kill -0 $! 2>/dev/null || break
        sleep 0.003
    done
    # shellcheck disable=SC2046
    kill "-$1" $(pgrep -f "^$FOLDRANK run $dir/study.yaml --output $2") 2>/dev/null
    wait $!
}
for signal in KILL USR1; do
    rm -rf "$dir/other"
    launch 2 1 "$dir/other" --set ensemble.size=0
    disturb $signal "$dir/other"
    status=$?
    [ $signal = KILL ] || [ $status -eq 75 ]
    tap_result $? "SIG$signal: stops" "exit status $status" "$(tail -n 5 "$dir/other.log")"
    kept=$(find "$dir/other/fits" -type f 2>/dev/null | wc -l)
    launch 3 1 "$dir/other" && grep -q 'fits=0 ' "$dir/other.log" && [ "$kept" -ge 2 ]
    tap_result $? "after SIG$signal: goes on with what was found" "$kept files" "$(tail -n 5 "$dir/other.log")"
    tap_empty "after SIG$signal: same results" "$(differences "$dir/reference" "$dir/other")"
    [ ! -e "$dir/other/fits" ]
    tap_result $? "after SIG$signal: no files of fits are left at the end"
done

"$FOLDRANK" show --ascii "$dir/reference" >"$dir/shown" 2>&1 && grep -q '^ensemble: the mean of' "$dir/shown"
tap_result $? "show: the ensemble" "$(cat "$dir/shown")"
"$FOLDRANK" show --format json "$dir/reference" >"$dir/shown.json" 2>&1 &&
    python3 -c 'import json, sys
e = json.load(open(sys.argv[1]))["ensemble"]
assert len(e["members"]) > 1 and abs(sum(m["weight"] for m in e["members"]) - 1) < 1e-12, e
assert 0 < e["honest_score"] <= 1 and e["test_score"] > 0.5, e' "$dir/shown.json"
tap_result $? "show --format json: members and scores" "$(cat "$dir/shown.json")"

# Predictions: on any number of ranks the same; of the test rows what /ensemble/test says.
for ranks in 1 3; do
    # shellcheck disable=SC2086
    $MPIRUN $ranks "$FOLDRANK" predict --with ensemble "$dir/reference" data/digits.csv.gz \
        -o "$dir/p$ranks.h5" >"$dir/predict.log" 2>&1
done
tap_empty "predict on 3 ranks: as on 1" "$(h5diff "$dir/p1.h5" "$dir/p3.h5" 2>&1)" "$(cat "$dir/predict.log")"
"$FOLDRANK" predict --with single "$dir/reference" data/digits.csv.gz -o "$dir/single.h5" >"$dir/predict.log" 2>&1
h5diff -q "$dir/p1.h5" "$dir/single.h5" /outputs
[ $? -eq 1 ]
tap_result $? "predict --with single: other predictions"

# No ensemble of models without probabilities; keys that nobody looks at.
cat >"$dir/wrong.yaml" <<'YAML'
data: {path: data/digits.csv.gz, target: digit, task: classification}
models: {svm: {}}
ensemble: {size: 4, seed: 3}
YAML
"$FOLDRANK" check "$dir/wrong.yaml" >"$dir/said" 2>&1
[ $? -eq 2 ] && grep -q 'wrong.yaml:3: ensemble: none of the models has probabilities' "$dir/said" &&
    grep -q 'ensemble.seed has no effect without ensemble.bags above 1' "$dir/said"
tap_result $? "check: what cannot be averaged, what has no effect" "$(cat "$dir/said")"
tap_done

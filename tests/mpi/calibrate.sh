#!/usr/bin/env bash
# calibrate.sh - study key calibrate: the same for any number of ranks, changed without another
# search, and better on rows that nobody learnt from.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

write_study 2 3 12
launch 1 1 "$dir/reference" --set calibrate=temperature
tap_result $? "1 rank: runs" "$(tail -n 20 "$dir/reference.log")"
"$FOLDRANK" show "$dir/reference" --format json >/dev/null && h5ls -r "$dir/reference/results.h5" | grep -q '^/model/calibration/temperature'
tap_result $? "the temperature is in the model"

for ranks in 2 7; do
    launch "$ranks" 1 "$dir/other" --set calibrate=temperature
    tap_empty "$ranks ranks: the same" "$(differences "$dir/reference" "$dir/other")"
    rm -rf "$dir/other"
done

# Asked for later, changed, and taken back: nothing but the folds of the chosen trial is trained.
launch 2 1 "$dir/later" --set explain.when=never
cp "$dir/later/results.h5" "$dir/plain.h5"
launch 2 1 "$dir/later" --set explain.when=never --set calibrate=platt && grep -q 'fits=0 ' "$dir/later.log" &&
    h5ls -r "$dir/later/results.h5" | grep -q '^/model/calibration/slope' && ! h5ls -r "$dir/later/results.h5" | grep -q '^/explain'
tap_result $? "asked for later: the model learns, nothing else is computed" "$(tail -n 12 "$dir/later.log")"
before=$(stat -c %i "$dir/later/results.h5")
launch 2 1 "$dir/later" --set explain.when=never --set calibrate=platt && [ "$before" = "$(stat -c %i "$dir/later/results.h5")" ]
tap_result $? "asked for again: results.h5 stays as it is" "$(tail -n 5 "$dir/later.log")"
launch 2 1 "$dir/later" --set calibrate=temperature
tap_empty "another method, with explanations: as if asked for at once" "$(differences "$dir/reference" "$dir/later")"
launch 2 1 "$dir/later" --set explain.when=never
found=$(for part in /model /test /selection; do h5diff -c "$dir/plain.h5" "$dir/later/results.h5" $part; done 2>&1 |
    grep -v 'is an empty dataset$'; h5ls -r "$dir/later/results.h5" | grep calibration/)
tap_empty "taken back: the model is what it was" "$found"

# A network that is too sure of itself: on rows that nobody learnt from the log loss falls, too.
cat >"$dir/sure.yaml" <<YAML
data: {path: data/breast_cancer.csv.gz, target: diagnosis, task: classification, test: {fraction: 0.3}}
models: {mlp: {hidden: [32]}}
train: {epochs: 60, learning_rate: {choice: [0.02]}, optimizer: adam}
metric: f1_macro
search: {method: random, trials: 1}
calibrate: {method: platt, threshold: tune}
output: $dir/sure
YAML
timeout "$RUN_TIMEOUT" "$FOLDRANK" run "$dir/sure.yaml" >"$dir/sure.out" 2>&1 </dev/null && "$FOLDRANK" show "$dir/sure" >"$dir/shown" 2>&1 &&
    line=$(grep '^  test rows:' "$dir/shown") && grep -qxF -- "$line" "$dir/sure.out" &&
    [[ $line =~ log_loss\ ([0-9.]+)\ -\>\ ([0-9.]+), ]] && awk -v a="${BASH_REMATCH[1]}" -v b="${BASH_REMATCH[2]}" 'BEGIN { exit !(b < 0.8 * a) }'
tap_result $? "run and show: worth before and after, on the test rows better" "$(cat "$dir/sure.out" "$dir/shown")"

"$FOLDRANK" show "$dir/sure" --format json | python3 -c '
import json, sys
c = json.load(sys.stdin)["calibration"]
sys.exit(not (c["rows"] == 398 and c["test_rows"] == 171 and c["log_loss"]["test"][1] < c["log_loss"]["test"][0] and c["f1_macro"]["out_of_fold"][1] >= c["f1_macro"]["out_of_fold"][0]))'
tap_result $? "show: the same as JSON" "$("$FOLDRANK" show "$dir/sure" --format json | grep calibration)"

# A threshold that is given is not learnt: no rows, and nothing said of them.
timeout "$RUN_TIMEOUT" "$FOLDRANK" run "$dir/sure.yaml" --set calibrate.method=none --set calibrate.threshold=0.9 --set calibrate.metric=study >"$dir/given.out" 2>&1 </dev/null &&
    grep -qx 'calibrated: method none, threshold 0.9' "$dir/given.out" && ! grep -q 'out of fold:' "$dir/given.out" &&
    grep -q '^  test rows:   log_loss' "$dir/given.out"
tap_result $? "a threshold that is given: nothing is learnt" "$(cat "$dir/given.out")"

# Ten classes have no threshold: told by check.
"$FOLDRANK" check "$dir/study.yaml" --set calibrate.threshold=0.3 >"$dir/told" 2>&1
[ $? -eq 2 ] && grep -q 'calibrate.threshold is between two classes, and there are 10' "$dir/told"
tap_result $? "check: a threshold wants two classes" "$(cat "$dir/told")"
tap_done

#!/usr/bin/env bash
# xgboost.sh - studies with boosted trees: what check says of them, the same bits on any number of
# ranks and threads and after interruptions, sparse data, and a build without the library.
# Needs FOLDRANK and MPIRUN (ends in -n) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1

has() {
    grep -qE -- "$3" <<<"$2"
    tap_result $? "$1" "pattern: $3" "$2"
}
study() { # FAMILIES [LINE...]
    printf '%s\n' "study: trees" "data: {path: data/hpc_data.csv.gz, target: class, task: classification," \
        "       test: {fraction: 0.2}}" "validation: {folds: 3}" "models:" "  $1" "${@:2}" \
        "search: {method: tpe, trials: 6, seed: 1}"
}
trees='xgboost: {rounds: 12, max_depth: {int: [2, 4]}, subsample: {float: [0.5, 1]}, colsample_bytree: {float: [0.5, 1]}}'

study "$trees" >"$dir/study.yaml"
text=$("$FOLDRANK" check "$dir/study.yaml" 2>&1)
if ! "$FOLDRANK" --version | grep -q '^XGBoost [0-9]'; then
    has "without the library: what is missing, where, and how to get it" "$text" \
        'study.yaml:6: models.xgboost: this foldrank was built without XGBoost.*libxgboost-dev'
    tap_skip "boosted trees" "built without XGBoost"
    tap_done
fi
has "check: whose trees, and what of train counts" "$text" '^training +model xgboost grows trees by XGBoost [0-9.]+: a round is an epoch'
has "check: nodes at most" "$text" '^largest model +1488 parameters, 26 inputs' # 12 rounds x 4 classes x (2 x 16 - 1)
study "$trees" "train: {epochs: 7, momentum: 0.5, patience: 3}" >"$dir/useless.yaml"
text=$("$FOLDRANK" check "$dir/useless.yaml" 2>&1)
has "epochs are rounds" "$text" 'useless.yaml:7: train.epochs has no effect on model xgboost: set models.xgboost.rounds'
has "trees have no momentum" "$text" 'train.momentum has no effect on model xgboost'
tap_empty "patience counts" "$(grep patience <<<"$text")"
study 'xgboost: {eta: 0.1, batch_size: 3, keep_best: true}' >"$dir/own.yaml"
text=$("$FOLDRANK" check "$dir/own.yaml" 2>&1)
has "another name of a key" "$text" 'unknown key eta in models.xgboost'
has "a key of train that trees do not have" "$text" 'unknown key batch_size in models.xgboost'
tap_empty "a key of train that they have" "$(grep keep_best <<<"$text" | grep unknown.key.keep)"
study 'xgboost: {tree_method: exact, max_bin: 16, subsample: 0}' >"$dir/exact.yaml"
text=$("$FOLDRANK" check "$dir/exact.yaml" 2>&1)
has "bins of exact" "$text" 'models.xgboost.max_bin has no effect with tree_method exact'
has "a share of nothing" "$text" 'models.xgboost.subsample.*0 < x <= 1'
study "$trees" "  mlp: {hidden: [16]}" "train: {learning_rate: {log: [1.0e-3, 1.0e-1]}, epochs: 5}" "pruning: {method: asha, first_epoch: 2}" >"$dir/both.yaml"
has "with another family, train is that one's" "$("$FOLDRANK" check "$dir/both.yaml")" '^learning_rate .* model = mlp$'

run() { # STUDY NAME RANKS THREADS [ARGUMENTS...]
    OMP_NUM_THREADS=$4 $MPIRUN "$3" "$FOLDRANK" run "$dir/$1.yaml" --output "$dir/$2" "${@:5}" >"$dir/$2.out" 2>"$dir/$2.log" </dev/null
}
run both one 1 1
tap_result $? "runs" "$(tail -n 5 "$dir/one.log")"
run both many 3 2
tap_result $? "runs on 3 ranks" "$(tail -n 5 "$dir/many.log")"
run both group 2 1 --set resources.ranks_per_trial=2
tap_result $? "runs with two ranks for a trial" "$(tail -n 5 "$dir/group.log")"
run both again 2 1 --set stop.fits=7
run both again 2 1
columns() { "$FOLDRANK" export "$dir/$1" --csv "$dir/$1.tables" 2>/dev/null && cat "$dir/$1.tables/test.csv" "$dir/$1.tables/selection.csv" \
    && "$FOLDRANK" show "$dir/$1" -f csv --sort trial | cut -d, -f1-4 && h5dump -g /model "$dir/$1/results.h5"; }
columns one >"$dir/one.columns"
[ "$(wc -l <"$dir/one.columns")" -gt 100 ] && grep -q '/trees\|"trees"' "$dir/one.columns"
tap_result $? "there is something to compare, trees" "$(head -n 20 "$dir/one.columns")"
for other in many group again; do
    columns $other | diff -I HDF5 - "$dir/one.columns" >"$dir/cmp" 2>&1
    tap_result $? "$other: the same scores and model" "$(head -n 20 "$dir/cmp")"
done
"$FOLDRANK" predict "$dir/one" data/hpc_data.csv.gz -o "$dir/p1.csv" 2>/dev/null
$MPIRUN 3 "$FOLDRANK" predict "$dir/one" data/hpc_data.csv.gz -o "$dir/p3.csv" 2>/dev/null >/dev/null </dev/null
cmp "$dir/p1.csv" "$dir/p3.csv" >"$dir/cmp" 2>&1
tap_result $? "predict on 3 ranks: the same rows" "$(cat "$dir/cmp")"
has "predict: probabilities" "$(head -n 1 "$dir/p1.csv")" '^row,prediction,(p_|prob)'

# Cells that are kept sparse, a regression, and rows that weigh.
gzip -dc data/digits.csv.gz | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "digit") t = i; next } NR > 400 { exit }
    { line = $t; k = 0
      for (i = 1; i <= NF; i++) if (i != t) { k++; if ($i != 0) line = line " " k ":" $i }
      print line }' >"$dir/digits.svm"
for storage in sparse dense; do
    printf '%s\n' "study: $storage" "data: {path: $dir/digits.svm, storage: $storage, task: regression}" "metric: rmse" \
        "preprocess: {scale: none, scale_target: true}" "models: {xgboost: {rounds: 10, missing: zero, max_depth: {int: [2, 4]}}}" \
        "search: {method: random, trials: 2, seed: 1}" >"$dir/$storage.yaml"
    run $storage $storage 2 1
    tap_result $? "digits, $storage: runs" "$(tail -n 5 "$dir/$storage.log")"
    "$FOLDRANK" predict "$dir/$storage" "$dir/digits.svm" -o "$dir/$storage.csv" 2>>"$dir/$storage.log" >/dev/null
    "$FOLDRANK" show "$dir/$storage" -f csv --sort trial | cut -d, -f1-4 >>"$dir/$storage.csv"
done
[ "$(wc -l <"$dir/sparse.csv")" -gt 400 ] && cmp "$dir/sparse.csv" "$dir/dense.csv" >"$dir/cmp" 2>&1
tap_result $? "sparse cells: the same scores and predictions" "$(cat "$dir/cmp")" "$(head -n 3 "$dir/sparse.csv")"
tap_done

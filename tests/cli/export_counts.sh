#!/usr/bin/env bash
# export_counts.sh - `foldrank export` of models that weigh counts: in onnxruntime and as C they say
# what `foldrank predict` says, of rows without anything, too.
# Needs FOLDRANK (the program) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1
# shellcheck source=tests/exported.sh
. tests/exported.sh

counts() { # FIRST LAST
    awk -v first="$1" -v last="$2" 'BEGIN { for (i = first; i < last; i++) { line = i % 3
        for (j = 1; j <= 14; j++) { n = (i * 7919 + j * 104729 + i * i * j * 31) % 11
            if (i % 29 != 7 && n < 4) line = line " " j ":" n + 1 + 3 * (j % 3 == i % 3) }
        print line } }'
}
counts 0 240 >"$dir/known.svm"
counts 240 340 >"$dir/counts.svm"
# The same as a table, which is what the models are given.
awk 'BEGIN { for (j = 1; j <= 14; j++) printf "%sf%d", (j > 1 ? "," : ""), j; print "" } {
    split("", x); for (k = 2; k <= NF; k++) { split($k, pair, ":"); x[pair[1]] = pair[2] }
    for (j = 1; j <= 14; j++) printf "%s%d", (j > 1 ? "," : ""), x[j]; print "" }' "$dir/counts.svm" >"$dir/counts.csv"
grep -q '^0,0,0,0,0,0,0,0,0,0,0,0,0,0$' "$dir/counts.csv"
tap_result $? "some rows are zeros"

weighed=(
    "softmax classification softmax: {}; scale: tfidf" "svm classification svm: {}; scale: tfidf, sublinear: true, min_rows: 60"
    "linear regression linear: {}; scale: tfidf, sublinear: true"
    "mlp classification mlp: {hidden: [9]}; scale: tfidf, sublinear: true, max_share: 0.36"
    "fm regression fm: {factors: 3}; scale: tfidf, select_features: f_test, keep_features: 8"
    "kernel classification kernel: {}; scale: tfidf, pca: 5"
    "fourier classification softmax: {}; scale: tfidf, sublinear: true, fourier: 20, fourier_gamma: 0.5"
    "xgboost classification xgboost: {rounds: 6}; scale: tfidf, sublinear: true"
    "plain classification softmax: {}; scale: maxabs"
)
for model in "${weighed[@]}"; do
    read -r name task settings <<<"$model"
    if [[ $settings == xgboost* ]] && ! "$FOLDRANK" --version | grep -q ^XGBoost; then
        tap_skip "weighed_xgboost" "built without XGBoost"
        continue
    fi
    name=weighed_$name
    study "$name" "$task" "${settings%%; *}" "${settings##*; }"
    sed -i "s|^data: .*|data: {path: $dir/known.svm, task: $task, storage: sparse, test: {path: $dir/counts.svm}}|" "$dir/$name.yaml"
    export_study "$name" || continue
    "$FOLDRANK" predict "$dir/$name" "$dir/counts.svm" -o "$dir/$name.counts.csv" >/dev/null 2>&1
    printf '%s\t%s\t%s\t%s\n' "$name" "$dir/$name.onnx" "$dir/counts.csv" "$dir/$name.counts.csv" >>"$dir/cases"
    compare_c "$name" "$name" "$([ "$task" = regression ] && echo 0 || echo 3)" "$(seq -s, 0 13)" counts
done
"$FOLDRANK" export "$dir/weighed_svm" --onnx "$dir/weighed.onnx" --inputs columns 2>/dev/null
printf 'weighed_svm by column\t%s\t%s\t%s\n' "$dir/weighed.onnx" "$dir/counts.csv" "$dir/weighed_svm.counts.csv" >>"$dir/cases"

compare_onnx
tap_done

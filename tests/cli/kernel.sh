#!/usr/bin/env bash
# kernel.sh - studies with kernel models: what check says of them, and the same bits on any number of
# ranks and threads and after an interruption.
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
    printf '%s\n' "study: kernel" "data: {path: data/breast_cancer.csv.gz, target: diagnosis, task: classification," \
        "       test: {fraction: 0.2}}" "models:" "  $1" "${@:2}" "search: {method: tpe, trials: 8, seed: 1}"
}
kernel='kernel: {kernel: {choice: [rbf, laplace]}, gamma: {log: [1.0e-3, 1.0e-1]}, ridge: {log: [1.0e-3, 1]}}'

study "$kernel" >"$dir/study.yaml"
text=$("$FOLDRANK" check "$dir/study.yaml")
has "check: no epochs" "$text" '^training +model kernel has a closed form'
has "check: a kernel model keeps its rows" "$text" '^largest model +14562 parameters, 30 inputs' # 455 x (30 + 2) + 2
study "$kernel" "train: {epochs: 7}" >"$dir/useless.yaml"
has "train without a family that trains" "$("$FOLDRANK" check "$dir/useless.yaml" 2>&1)" \
    'useless.yaml:6: train.epochs has no effect on model kernel, which has a closed form'
study 'kernel: {epochs: 3}' >"$dir/own.yaml"
has "a family without epochs has no key of train" "$("$FOLDRANK" check "$dir/own.yaml" 2>&1)" \
    'unknown key epochs in models.kernel'
study 'kernel: {kernel: linear, gamma: 0.5, degree: 2}' >"$dir/linear.yaml"
text=$("$FOLDRANK" check "$dir/linear.yaml" 2>&1)
has "gamma of a linear kernel" "$text" 'models.kernel.gamma has no effect with kernel linear'
has "degree of a linear kernel" "$text" 'models.kernel.degree has no effect without kernel polynomial'
study "$kernel" "metric: log_loss" >"$dir/log_loss.yaml"
has "log_loss" "$("$FOLDRANK" check "$dir/log_loss.yaml" 2>&1)" 'models.kernel gives no probabilities'
study "$kernel" "pruning: hyperband" >"$dir/hyperband.yaml"
has "hyperband" "$("$FOLDRANK" check "$dir/hyperband.yaml" 2>&1)" 'models.kernel has no epochs'
study "$kernel" "  softmax: {}" "train: {learning_rate: {log: [1.0e-3, 1.0e-1]}, epochs: 5}" >"$dir/both.yaml"
has "with another family, train is that one's" "$("$FOLDRANK" check "$dir/both.yaml")" '^learning_rate .* model = softmax$'

run() { # NAME RANKS THREADS [ARGUMENTS...]
    OMP_NUM_THREADS=$3 $MPIRUN "$2" "$FOLDRANK" run "$dir/both.yaml" --output "$dir/$1" "${@:4}" >"$dir/$1.out" 2>"$dir/$1.log" </dev/null
}
run one 1 1
tap_result $? "runs" "$(tail -n 5 "$dir/one.log")"
run many 3 2
tap_result $? "runs on 3 ranks" "$(tail -n 5 "$dir/many.log")"
run again 2 1 --set stop.fits=15
run again 2 1
columns() { "$FOLDRANK" export "$dir/$1" --csv "$dir/$1.tables" 2>/dev/null && cat "$dir/$1.tables/test.csv" "$dir/$1.tables/selection.csv" \
    && "$FOLDRANK" show "$dir/$1" -f csv --sort trial | cut -d, -f1-4 && "$FOLDRANK" export "$dir/$1" --c - | grep -vE '^ \* (created|command)'; }
columns one >"$dir/one.columns"
[ "$(wc -l <"$dir/one.columns")" -gt 100 ]
tap_result $? "there is something to compare"
for other in many again; do
    columns $other | cmp - "$dir/one.columns" >"$dir/cmp" 2>&1
    tap_result $? "$other: the same scores and model" "$(cat "$dir/cmp")"
done
"$FOLDRANK" predict "$dir/one" data/breast_cancer.csv.gz -o "$dir/p1.csv" 2>/dev/null
$MPIRUN 3 "$FOLDRANK" predict "$dir/one" data/breast_cancer.csv.gz -o "$dir/p3.csv" 2>/dev/null >/dev/null </dev/null
cmp "$dir/p1.csv" "$dir/p3.csv" >"$dir/cmp" 2>&1
tap_result $? "predict on 3 ranks: the same rows" "$(cat "$dir/cmp")"
has "predict: decision values" "$(head -n 1 "$dir/p1.csv")" '^row,prediction,decision_benign,decision_malignant$'

# Cells that are kept sparse say what the same cells say in a dense table.
gzip -dc data/digits.csv.gz | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "digit") t = i; next } NR > 400 { exit }
    { line = $t; k = 0
      for (i = 1; i <= NF; i++) if (i != t) { k++; if ($i != 0 || k == 64) line = line " " k ":" $i }
      print line }' >"$dir/digits.svm"
for storage in sparse dense; do
    printf '%s\n' "study: $storage" "data: {path: $dir/digits.svm, storage: $storage, task: classification}" \
        "preprocess: {scale: maxabs}" "models: {kernel: {gamma: {log: [1.0e-2, 1]}}}" "search: {method: random, trials: 3, seed: 1}" \
        >"$dir/$storage.yaml"
    $MPIRUN 2 "$FOLDRANK" run "$dir/$storage.yaml" --output "$dir/$storage" >"$dir/$storage.out" 2>"$dir/$storage.log" </dev/null
    tap_result $? "digits, $storage: runs" "$(tail -n 5 "$dir/$storage.log")"
    "$FOLDRANK" predict "$dir/$storage" "$dir/digits.svm" -o "$dir/$storage.csv" 2>>"$dir/$storage.log" >/dev/null
    "$FOLDRANK" show "$dir/$storage" -f csv --sort trial | cut -d, -f1-4 >>"$dir/$storage.csv"
done
[ "$(wc -l <"$dir/sparse.csv")" -gt 400 ] && cmp "$dir/sparse.csv" "$dir/dense.csv" >"$dir/cmp" 2>&1
tap_result $? "sparse cells: the same scores and predictions" "$(cat "$dir/cmp")" "$(head -n 3 "$dir/sparse.csv")"
has "sparse: a scale that moves 0" "$("$FOLDRANK" check "$dir/sparse.yaml" --set preprocess.scale=standard 2>&1)" \
    'preprocess.scale is standard, which moves 0'
tap_done

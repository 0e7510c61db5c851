#!/usr/bin/env bash
# export.sh - `foldrank export`: for every model family with every preprocessing step, the ONNX model
# in onnxruntime and the C function, compiled by gcc and clang, say what `foldrank predict` says; the
# card, the CSV tables and the JSON say what `show` says.
# Needs FOLDRANK (the program) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
root=$PWD
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1
# shellcheck source=tests/exported.sh
. tests/exported.sh

has() {
    grep -qE -- "$3" <<<"$2"
    tap_result $? "$1" "pattern: $3" "$2"
}
same() {
    [ "$2" = "$3" ]
    tap_result $? "$1" "got:    $2" "wanted: $3"
}
refused() { # NAME STATUS PATTERN ARGUMENTS...
    local name=$1 want=$2 pattern=$3 text status
    shift 3
    text=$("$FOLDRANK" export "$@" 2>&1 >/dev/null </dev/null)
    status=$?
    [ $status -eq "$want" ] && grep -qE -- "$pattern" <<<"$text"
    tap_result $? "$name" "exit status $status, wanted $want" "pattern: $pattern" "$text"
}

# rows FIRST LAST VIOLET: columns of every kind, the most frequent level never the first. `label`, `fr_z` and the quotes are there to get in
# the way of names; `code` has categories that are numbers; `same` is constant.
rows() {
    awk -v first="$1" -v last="$2" -v violet="$3" 'BEGIN {
        print "a,b,colour,\"si\"\"ze */ in\\ cm\",code,same,label,fr_z,kind,value"
        for (i = first; i < last; i++) {
            colour = i % 19 == 3 ? "" : i % 7 == 1 ? "re\"d?" "?/" : i % 7 < 4 ? "zinc" : "green"
            if (violet != "" && i % 23 == 4) colour = violet
            gsub(/"/, "\"\"", colour)
            printf "%s,%d,\"%s\",%.3f,%s,7,%s,%.2f,k%d,%.3f\n", i % 17 == 5 ? "" : i % 101 / 7,
                i * i % 13, colour, i % 97 / 9, i % 11 == 7 ? "" : 10 ^ (i % 5 < 4 ? i % 5 : 2), i % 5 ? "y" : "x",
                i % 41 == 0 ? 900 : i % 53 / 5, (i % 101 + i * i % 13 + (i % 7 < 4)) % 3,
                1000 + 40 * (i % 101 / 7) + 25 * (i * i % 13) + (i % 7 == 1) * 90
        } }'
}
rows 0 240 "" >"$dir/train.csv"
rows 240 340 violet >"$dir/test.csv"     # a level of the test part, which no training row has
rows 340 440 indigo >"$dir/new.csv"      # a text that was never seen

# Every value of every step stands beside every family at least once.
preprocess=(
    "impute: mean, scale: standard, encode: onehot, drop_constant: true, scale_target: true"
    "impute: median, scale: minmax, encode: ordinal, drop_constant: false, scale_target: false"
    "impute: most_frequent, scale: robust, encode: onehot, drop_constant: false, scale_target: true"
    "impute: constant, fill_value: -1.5, scale: none, encode: ordinal, drop_constant: true, scale_target: true"
)
models=(
    "softmax classification softmax: {}" "svm classification svm: {}" "linear regression linear: {}"
    "relu classification mlp: {hidden: [9, 5], activation: relu, dropout: 0.3}"
    "leaky_relu regression mlp: {hidden: [9], activation: leaky_relu, negative_slope: 0.2}"
    "tanh classification mlp: {hidden: [9, 5, 4], activation: tanh}"
    "sigmoid regression mlp: {hidden: [9], activation: sigmoid, loss: huber}"
    "gelu classification mlp: {hidden: [9, 9], activation: gelu}"
    "factors regression fm: {factors: 4}" "weights regression fm: {factors: 0}" "pairs binary fm: {factors: 3, init_sd: 0.3}"
    "rbf classification kernel: {gamma: {log: [0.01, 0.1]}}"
    "laplace regression kernel: {kernel: laplace, ridge: {log: [0.1, 1]}, class_weight: none}"
    "polynomial classification kernel: {kernel: polynomial, degree: 2, ridge: {log: [0.1, 1]}, class_weight: balanced}"
    "dual regression kernel: {kernel: linear, ridge: {log: [0.1, 1]}, ridge_steps: 3}"
    "boosted classification xgboost: {rounds: 8, learning_rate: {log: [0.2, 0.4]}, colsample_bytree: 0.7}"
    "grown regression xgboost: {rounds: {int: [5, 9]}, max_depth: 4, missing: zero}"
    "odds binary xgboost: {rounds: {int: [5, 9]}, tree_method: exact, subsample: 0.8}"
    "sequence classification cnn: {shape: [WIDTH, 1], filters: [4, 4], pool: [1, 2], batch_norm: true, residual: true, hidden: [5], activation: leaky_relu}"
    "averages regression cnn: {shape: [1, WIDTH, 1], filters: [3, 5], pool: [1], kernel: 5, global_pool: average, activation: gelu}"
)
widths=(14 8 14 8)   # inputs that each makes of the columns, which a cnn has to be told; it keeps constant ones
# What comes behind these, beside some families.
further=(
    "encode: onehot, select_features: mutual_information, keep_features: 0.4"
    "encode: onehot, pca: 6, whiten: true"
    "impute: mean, scale: robust, encode: onehot, pca: 0.9, fourier: 40, fourier_gamma: 0.05"
    "encode: ordinal, fourier: 30, fourier_orthogonal: true"
)
compare_model() { # NAME TASK MODEL PREPROCESS [CALIBRATE]
    local classes=3 takes=0,1,-3,3,-5,5,-7,7
    study "$@"
    export_study "$1" test new || return
    [ "$2" = regression ] && classes=0
    [ "$2" = binary ] && classes=2 takes=0,1,-3,3,-5,5,7
    compare_c "$1" "$1" "$classes" "$takes" test new
}
"$FOLDRANK" --version | grep -q ^XGBoost || tap_skip "models of boosted trees" "built without XGBoost"
for model in "${models[@]}"; do
    read -r name task settings <<<"$model"
    [[ $settings != xgboost* ]] || "$FOLDRANK" --version | grep -q ^XGBoost || continue
    for i in "${!preprocess[@]}"; do
        compare_model "$name$i" "$task" "${settings//WIDTH/${widths[i]}}" "${preprocess[i]}"
    done
    for i in "${!further[@]}"; do
        [[ " softmax pairs rbf " != *" $name "* ]] ||
            compare_model "${name}_further$i" "$task" "$settings" "${further[i]}"
    done
done

# Models of several families and preprocessings together.
trees=', xgboost: {rounds: 6}'
"$FOLDRANK" --version | grep -q ^XGBoost || trees=
mixed="impute: median, scale: {choice: [standard, minmax]}, encode: {choice: [onehot, ordinal]}"
trials=14 with=ensemble compare_model together classification "softmax: {}, mlp: {hidden: [9, 5]}$trees" "$mixed"
trials=14 with=ensemble compare_model sums regression "linear: {}, mlp: {hidden: [9]}, fm: {factors: 3}, kernel: {}$trees" "$mixed"
trials=8 with=ensemble compare_model either binary "fm: {factors: 3}, mlp: {hidden: [5]}" "$mixed" "method: platt, threshold: 0.9"
text=$(for name in together sums either; do
    h5ls "$dir/$name/results.h5/ensemble/members" | grep -c . | awk -v name=$name '$1 < 2 { print name ": " $1 " member" }'
done)
[ -z "$text" ] && grep -q '^## Ensemble' "$dir/together.card.md"
tap_result $? "ensembles of several models, with a card that says so" "$text"

# Calibrated in every way, of families with and without probabilities, of two classes and more.
calibrated=(
    "line binary mlp: {hidden: [9]}@method: platt, threshold: tune, metric: mcc" "bound binary softmax: {}@threshold: 0.3"
    "margin binary svm: {}@method: platt, threshold: tune" "odds classification mlp: {hidden: [9]}@method: platt"
    "margins classification svm: {}@method: platt" "warm classification mlp: {hidden: [9]}@method: temperature"
    "dualcal classification kernel: {}@method: temperature" "pairscal binary fm: {factors: 3, init_sd: 0.3}@method: temperature, threshold: tune"
    "leaves classification xgboost: {rounds: 5}@method: platt" "leaf binary xgboost: {rounds: 5}@method: temperature, threshold: tune"
)
for case in "${calibrated[@]}"; do
    read -r name task settings <<<"${case%@*}"
    [[ $settings != xgboost* || -n $trees ]] || continue
    compare_model "$name" "$task" "$settings" "${preprocess[0]}" "${case#*@}"
done
has "a threshold is in the C function" "$(cat "$dir/bound.h")" 'return out\[1\] > 0\.3'
has "card: what calibration did" "$(cat "$dir/line.card.md")" '^After the selection: method platt, threshold tuned for mcc\. Learnt from 240 out-of-fold predictions'

# Numbers only: a matrix, and classes that are numbers; the same by columns.
cat >"$dir/digits.yaml" <<YAML
study: 8 digits
data: {path: $root/data/digits.csv.gz, target: digit, task: classification, test: {fraction: 0.2, seed: 7}}
validation: {scheme: stratified_kfold, folds: 2}
models: {mlp: {hidden: {choice: [[32], [16]]}}}
train: {epochs: 3, learning_rate: {log: [1.0e-3, 1.0e-2]}}
search: {method: random, trials: 3, seed: 1}
select: {rule: dice, k: 2, rounds: 7}
output: $dir/digits
YAML
zcat data/digits.csv.gz | sed -n '1p;1000,1300p' >"$dir/sheet.csv"
export_study digits sheet && compare_c digits model_8_digits 10 "$(seq -s, 0 63)" sheet

# Pictures: each pooling, with batch normalisation and residuals and without, sides that it does not divide.
pictures=(
    "largest cnn: {filters: [8, 8, 6], pool: [1, 2, 3], batch_norm: true, residual: true, dropout: 0.2, hidden: [16]}"
    "mean cnn: {shape: [8, 8, 1], filters: [8, 8], pooling: average, pool: [3, 1], residual: true, activation: tanh}"
    "whole cnn: {filters: [6], kernel: 5, global_pool: max, batch_norm: true, activation: sigmoid}"
    "frames cnn: {shape: [8, 8], filters: [6, 7], pool: [2], batch_norm: true, activation: gelu, shift: 1, noise: 0.1}"
)
for model in "${pictures[@]}"; do
    read -r name settings <<<"$model"
    sed "s/^study: .*/study: $name/; s/^models: .*/models: {$settings}/; s|^output: .*|output: $dir/$name|" "$dir/digits.yaml" >"$dir/$name.yaml"
    export_study "$name" sheet && compare_c "$name" "$name" 10 "$(seq -s, 0 63)" sheet
done
"$FOLDRANK" export "$dir/digits" --onnx "$dir/by_column.onnx" --inputs columns 2>/dev/null
printf 'digits by column\t%s\t%s\t%s\n' "$dir/by_column.onnx" "$dir/sheet.csv" "$dir/digits.sheet.csv" >>"$dir/cases"

compare_onnx

# The card beside the model.
card=$(cat "$dir/digits.card.md")
has "card: title" "$card" '^# Model card: 8 digits$'
has "card: data and test rows" "$card" 'digits\.csv\.gz: 1797 rows, of which the search never saw 3[56][0-9]'
has "card: test score with its interval" "$card" '^\| \*\*test, 3[56][0-9] rows\*\* \| \*\*0\.[0-9]+\*\* \| 0\.[0-9]+ to 0\.[0-9]+ \|$'
has "card: validation with its interval" "$card" '^\| validation, mean of 2 folds \| 0\.[0-9]+ \| '
has "card: limits" "$card" '^- The validation score was [0-9.e-]+ too (good|modest)'
has "card: seeds" "$card" '^\| search_seed \| 1 \|$'
"$FOLDRANK" show "$dir/digits" -f json >"$dir/shown.json"
score=$(sed -nE 's/.*"test_score": ([0-9.]+).*/\1/p' "$dir/shown.json")
has "card: the score is that of show" "$card" "^\\| test_score \\| ${score//./\\.} \\|$"
awk '/^```$/ { inside = 0 } inside; /^```yaml$/ { inside = 1 }' "$dir/digits.card.md" >"$dir/again.yaml"
"$FOLDRANK" check "$dir/again.yaml" --text 2>&1 | sed -E 's/ +# .*//' >"$dir/again.text"
same "card: its study is the study" "$(cat "$dir/again.text")" "$(cat "$dir/digits/study.yaml")"
"$FOLDRANK" export "$dir/digits" --c "$dir/x.h" --card "$dir/told.md" 2>/dev/null
same "card: where --card says" "$(ls "$dir"/x.card.md 2>/dev/null; head -n 1 "$dir/told.md")" "# Model card: 8 digits"
same "the same results give the same files" "$("$FOLDRANK" export "$dir/digits" --c - | cmp - "$dir/digits.h" &&
    "$FOLDRANK" export "$dir/digits" --onnx - | cmp - "$dir/digits.onnx" && echo same)" same

# Tables.
"$FOLDRANK" export "$dir/digits" --csv "$dir/tables" --json "$dir/all.json" 2>/dev/null
tap_result $? "csv and json are written"
same "csv: the tables" "$(cd "$dir/tables" && echo *)" \
    "curves.csv expected.csv folds.csv ranks.csv rounds.csv selection.csv space.csv test.csv trials.csv"
same "csv: trials as show has them" "$(cat "$dir/tables/trials.csv")" "$("$FOLDRANK" show "$dir/digits" -f csv --sort trial)"
same "csv: folds as show has them" "$(grep '^2,' "$dir/tables/folds.csv" | cut -d, -f2-)" \
    "$("$FOLDRANK" show "$dir/digits" --trial 2 -f csv | sed 1d)"
same "csv: curves, a row for each epoch" "$(wc -l <"$dir/tables/curves.csv")" 19
same "csv: rounds of the dice" "$(wc -l <"$dir/tables/rounds.csv")" 8
same "csv: the space" "$(sed -n 2p "$dir/tables/space.csv")" 'mlp.hidden,choice,0,1,1,"[[32], [16]]",'
hits=$(awk -F, 'NR > 1 { hits += $2 == $3 } END { printf "%.12g", hits / (NR - 1) }' "$dir/tables/test.csv")
same "csv: the test rows give the test score" "$hits" "$(printf '%.12g' "$score")"
if command -v python3 >/dev/null; then
    "$FOLDRANK" export "$dir/linear0" --csv "$dir/errors" 2>/dev/null
    python3 - "$dir/tables/test.csv" "$dir/digits.card.md" "$dir/errors/test.csv" "$dir/linear0.card.md" >"$dir/card.log" 2>&1 <<'PY'
import csv, random, re, sys

rows = list(csv.DictReader(open(sys.argv[1])))
card = open(sys.argv[2]).read()
for k in range(10):
    mine = re.search(rf"^\| {k} \| (\d+) \| ([\d.-]+) \| ([\d.-]+) \| ([\d.-]+) \|$", card, re.M)
    true = [r for r in rows if r["target"] == str(k)]
    said = [r for r in rows if r["prediction"] == str(k)]
    hits = sum(r["target"] == r["prediction"] for r in true)
    want = (len(true), hits / len(said), hits / len(true), 2 * hits / (len(true) + len(said)))
    assert all(abs(float(a) - b) < 6e-5 for a, b in zip(mine.groups(), want)), (mine.groups(), want)
    line = re.search(rf"^\| {k} \|((?: \d+ \|){{10}})$", card, re.M).group(1)
    assert [int(x) for x in line.split("|")[:10]] == [sum(r["prediction"] == str(j) for r in true) for j in range(10)]
error = 0
for b in range(10):
    inside = [r for r in rows if min(int(float(r["prob_" + r["prediction"]]) * 10), 9) == b]
    error += abs(sum(float(r["prob_" + r["prediction"]]) - (r["target"] == r["prediction"]) for r in inside))
assert abs(float(re.search(r"off by ([\d.]+) on", card).group(1)) - error / len(rows)) < 6e-5

# The bootstrap: percentiles of 5,000 draws, which 1,000 draws come near to.
rows = list(csv.DictReader(open(sys.argv[3])))
errors = [(float(r[None][0] if None in r else r["prediction"]) - float(r["target"])) ** 2 for r in rows]
rmse = lambda e: (sum(e) / len(e)) ** 0.5
random.seed(1)
draws = sorted(rmse(random.choices(errors, k=len(errors))) for _ in range(5000))
card = open(sys.argv[4]).read()
score, low, high = map(float, re.search(r"\*\*test, 100 rows\*\* \| \*\*([\d.]+)\*\* \| ([\d.]+) to ([\d.]+)", card).groups())
width = draws[4875] - draws[125]
assert abs(score - rmse(errors)) < 1e-3 * score
assert abs(low - draws[125]) < 0.1 * width and abs(high - draws[4875]) < 0.1 * width, (low, high, draws[125], draws[4875])
PY
    tap_result $? "card: classes, calibration and the bootstrap are right" "$(cat "$dir/card.log")"
else
    tap_skip "card: classes, calibration and the bootstrap are right" "python3 is not installed"
fi
if command -v python3 >/dev/null; then
    python3 - "$dir/all.json" "$dir/shown.json" >"$dir/json.log" 2>&1 <<'PY'
import json, sys

def no_constant(word):
    raise ValueError(word)

whole, shown = (json.load(open(path), parse_constant=no_constant) for path in sys.argv[1:])
for key, value in shown.items():
    if key == "trials":
        for trial in value:
            there = dict(whole["trials"][trial["trial"]])
            folds = there.pop("folds")
            assert there == trial and len(folds) == 2 and len(folds[0]["curve"]) == 3
    elif key == "selection":
        assert {k: whole[key][k] for k in value} == value and len(whole[key]["round_winner"]) == 7
    else:
        assert whole[key] == value, key
assert whole["space"][0]["choices"] == [[32], [16]] and whole["config"].startswith("study:")
PY
    tap_result $? "json: show's, and all the rest" "$(cat "$dir/json.log")"
else
    tap_skip "json: show's, and all the rest" "python3 is not installed"
fi

refused "nothing to write" 2 'export: what\? Give --onnx.* --optuna' "$dir/digits"
refused "a matrix for text" 2 '--onnx .*cannot hold column colour.*columns' "$dir/relu0" --onnx "$dir/y.onnx" --inputs matrix
refused "inputs of nothing" 2 '--inputs belongs to --onnx' "$dir/digits" --csv "$dir/t" --inputs matrix
refused "no such results" 2 'nowhere.*No such file' "$dir/nowhere" --c "$dir/y.h"
refused "a place that cannot be written" 1 'nowhere/y\.h: No such file' "$dir/digits" --c "$dir/nowhere/y.h"
refused "a full disk" 1 '/dev/full: No space' "$dir/digits" --json /dev/full
cat >"$dir/function.yaml" <<YAML
study: function
objective: {type: function, function: sphere, direction: minimize, parameters: {x: {float: [-1, 1]}}}
search: {method: random, trials: 2, seed: 1}
output: $dir/function
YAML
"$FOLDRANK" run "$dir/function.yaml" >/dev/null 2>&1 </dev/null
refused "results without a model" 1 'no model in it to export: its study trains nothing' "$dir/function" --onnx "$dir/y.onnx"
same "their tables can be had" "$("$FOLDRANK" export "$dir/function" --csv "$dir/t" 2>/dev/null; wc -l <"$dir/t/trials.csv")" 3
same "their study goes to Optuna" "$("$FOLDRANK" export "$dir/function" --optuna - | grep -c '"op_code": 4.*"value": ')" 2
refused "Optuna, and a full disk" 1 '/dev/full: No space' "$dir/function" --optuna /dev/full
same "no half file is left" "$(ls "$dir"/*.tmp "$dir"/y.* 2>/dev/null)" ""
tap_done

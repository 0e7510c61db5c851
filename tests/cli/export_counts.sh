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

# Texts of many scripts; in the new ones any letter of Unicode may stand beside words that are known.
python3 - "$dir" <<'PY'
import csv, random, sys

random.seed(7)
words = "ab Ab free FREE \u00dcBER ma\u00df \u043f\u0440\u0438\u0432\u0435\u0442 \u041f\u0420\u0418\u0412\u0415\u0422 \u6211 \u7231 \u5317\u4eac a _x9 \u0395\u03bb\u03bb \u00e9 4u I".split(" ")
joins = [" ", " ", " ", "  ", "\t", "\u00a0", "\u1680", "\u3000", "\u2028", ",", "-", "'", "", "x", ". "]

def anything():
    while True:
        c = random.choice([random.randrange(32, 0x250), random.randrange(0x250, 0x3100), random.randrange(0x3100, 0x110000)])
        if not 0xd800 <= c <= 0xdfff and c != 0x7f:
            return chr(c)

def text(wild):
    out = random.choice(["", " "])
    for _ in range(random.randrange(1, 9)):
        out += random.choice(words) + random.choice(joins) + (anything() if wild and random.random() < 0.4 else "")
    return out

for name, n, wild in (("known_text", 240, False), ("text", 400, True)):
    with open(f"{sys.argv[1]}/{name}.csv", "w", newline="", encoding="utf-8") as file:
        write = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        write.writerow(["kind", "message", "value"])
        for i in range(n):
            line = "" if i == 5 else "?!" if i == 6 else text(wild)
            write.writerow([f"k{(len(line) + line.count('a')) % 3}", line, len(line) + 0.5 * line.count("\u6211")])
PY
texts=(
    "words classification softmax: {}; scale: tfidf, sublinear: true; text_words: [1, 2]"
    "both regression linear: {}; scale: none; text_words: [1, 3], text_chars: [1, 2, 4]"
    "letters classification svm: {}; scale: tfidf; text_words: [], text_chars: [3, 5], text_lower: false"
    "grown classification xgboost: {rounds: 6}; scale: tfidf, sublinear: true, min_rows: 3; text_words: [1], text_chars: [4]"
    "projected classification mlp: {hidden: [7]}; scale: maxabs, pca: 6; text_words: [2, 1]"
    "mean classification softmax: {}, mlp: {hidden: [5]}; scale: {choice: [tfidf, maxabs]}, min_rows: {choice: [1, 4]}; text_words: [1], text_chars: [2]"
)
for model in "${texts[@]}"; do
    read -r name task settings <<<"$model"
    if [[ $settings == xgboost* ]] && ! "$FOLDRANK" --version | grep -q ^XGBoost; then
        tap_skip "text_grown" "built without XGBoost"
        continue
    fi
    rest=${settings#*; }
    target=kind trials='' with=auto
    [ "$task" = regression ] && target=value
    [ "$name" = mean ] && trials=8 with=ensemble
    name=text_$name
    study "$name" "$task" "${settings%%; *}" "${rest%%; *}"
    sed -i "s|^data: .*|data: {path: $dir/known_text.csv, target: $target, task: $task, text: message, ${rest##*; }, test: {path: $dir/text.csv}}|
        s|epochs: 12, learning_rate: .*|epochs: 6, learning_rate: 0.1, optimizer: adagrad}|" "$dir/$name.yaml"
    export_study "$name" text || continue
    text_column=1 compare_c "$name" "$name" "$([ "$task" = regression ] && echo 0 || echo 3)" 0 text
done
[ "$(h5ls "$dir/text_mean/results.h5/ensemble/members" | grep -c .)" -gt 1 ]
tap_result $? "the ensemble has several members"
text=$("$FOLDRANK" export "$dir/text_words" --onnx "$dir/x.onnx" --inputs matrix 2>&1)
[ $? -eq 2 ] && grep -q 'a matrix of numbers cannot hold column message, which is text' <<<"$text"
tap_result $? "a matrix is no text" "$text"
printf '%s\n' '#include <stdio.h>' '#include "text_words.h"' 'int main(void) { float out[3]; int k = text_words_predict("caf\xe9 ab", out);' \
    'printf("%d %d\n", k, out[0] != out[0]); return 0; }' >"$dir/latin1.c"
[ "$(gcc -I"$dir" -o "$dir/latin1" "$dir/latin1.c" -lm 2>&1 && "$dir/latin1")" = "-1 1" ]
tap_result $? "C: says so of what is not UTF-8"

compare_onnx
tap_done

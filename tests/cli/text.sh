#!/usr/bin/env bash
# text.sh - a study on a column of text: from the table to predictions for new texts.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

awk 'BEGIN { print "kind\ttext\tnumber"
    split("red green blue pink grey", colour); split("cat dog cow hen pig", animal)
    for (i = 0; i < 120; i++) { c = colour[i % 5 + 1]; a = animal[int(i / 5) % 5 + 1]
        print (i % 5 < 2 ? "warm" : "cold") "\tThe " c " " a " ran, " i " Mal, schön\t" i } }' >"$dir/text.tsv"
cat >"$dir/study.yaml" <<YAML
study: text
data: {path: $dir/text.tsv, target: kind, text: text, text_words: [1, 2], text_chars: [3], test: {fraction: 0.2}}
preprocess: {scale: tfidf, sublinear: {choice: [true, false]}, min_rows: {choice: [1, 2]}}
validation: {folds: 3}
metric: accuracy
models: {softmax: {}}
train: {optimizer: adagrad, learning_rate: 0.5, epochs: 8}
search: {method: random, trials: 3}
output: $dir/out
YAML
launch() { # RANKS OUTPUT
    # shellcheck disable=SC2086
    OMP_NUM_THREADS=1 timeout -k 5 100 $MPIRUN "$1" "$FOLDRANK" run "$dir/study.yaml" --output "$2" \
        >"$2.log" 2>&1 </dev/null
}

launch 1 "$dir/out"
tap_result $? "run: one rank" "$(tail -n 5 "$dir/out.log")"
launch 2 "$dir/two" && h5diff -q "$dir/out/results.h5" "$dir/two/results.h5" /model/parameters
tap_result $? "run: two ranks, the same weights" "$(tail -n 5 "$dir/two.log")"

printf 'id,text\n1,A GREEN horse\n2,pink pig\n' >"$dir/new.csv"
"$FOLDRANK" predict "$dir/out" "$dir/new.csv" -o "$dir/said.csv" 2>"$dir/log"
tap_result $? "predict: new texts, other columns missing" "$(cat "$dir/log")"
[ "$(tail -n +2 "$dir/said.csv" | tr ',' '\n' | grep -xE 'warm|cold' | tr '\n' ' ')" = "warm cold " ]
tap_result $? "predict: knows the words" "$(cat "$dir/said.csv")"

# The same texts as JSON lines, with the target first: the same features, so the same weights.
awk -F '\t' 'NR > 1 { printf "{\"kind\": \"%s\", \"text\": \"%s\", \"meta\": [%d]}\n", $1, $2, $3 }' "$dir/text.tsv" >"$dir/text.jsonl"
OMP_NUM_THREADS=1 "$FOLDRANK" run "$dir/study.yaml" --output "$dir/lines" --set "data.path=$dir/text.jsonl" >"$dir/log" 2>&1 </dev/null &&
    h5diff -q "$dir/out/results.h5" "$dir/lines/results.h5" /model/parameters
tap_result $? "run: JSON lines, the same weights" "$(cat "$dir/log")"
printf '{"text": "A GREEN horse"}\n{"id": 2, "text": "pink pi\\u0067"}\n{"text": null}\n' >"$dir/new.jsonl"
"$FOLDRANK" predict "$dir/out" "$dir/new.jsonl" -o "$dir/said.csv" 2>"$dir/log" &&
    [ "$(tail -n +2 "$dir/said.csv" | tr ',' '\n' | grep -xE 'warm|cold' | head -n 2 | tr '\n' ' ')" = "warm cold " ] &&
    [ "$(wc -l <"$dir/said.csv")" -eq 4 ]
tap_result $? "predict: JSON lines" "$(cat "$dir/log" "$dir/said.csv")"
printf '{"text": "good"}\n{"text": "caf\351"}\n' >"$dir/latin1.jsonl"
"$FOLDRANK" predict "$dir/out" "$dir/latin1.jsonl" >/dev/null 2>"$dir/log"
[ $? -eq 2 ] && grep -q 'latin1.jsonl:2: is not UTF-8' "$dir/log"
tap_result $? "predict: names the line of JSON that is not UTF-8" "$(cat "$dir/log")"

"$FOLDRANK" export "$dir/out/results.h5" --onnx "$dir/x.onnx" --c "$dir/x.h" 2>"$dir/log" && grep -q 'text_predict(const char \*text, float \*out)' "$dir/x.h"
tap_result $? "export: takes the text" "$(cat "$dir/log")"
printf 'kind\ttext\nwarm\tcaf\351 noir\n' >"$dir/latin1.tsv"
"$FOLDRANK" predict "$dir/out" "$dir/latin1.tsv" >/dev/null 2>"$dir/log"
[ $? -eq 2 ] && grep -q 'latin1.tsv:2: the text in column .text. is not UTF-8' "$dir/log"
tap_result $? "predict: names the line that is not UTF-8" "$(cat "$dir/log")"
# Buckets: no list of words in the model, and new words count.
OMP_NUM_THREADS=1 "$FOLDRANK" run "$dir/study.yaml" --output "$dir/buckets" --set data.text_buckets=512 --set data.text_across=true >"$dir/log" 2>&1 </dev/null &&
    "$FOLDRANK" predict "$dir/buckets" "$dir/new.csv" -o "$dir/said.csv" 2>>"$dir/log" &&
    [ "$(tail -n +2 "$dir/said.csv" | tr ',' '\n' | grep -xE 'warm|cold' | tr '\n' ' ')" = "warm cold " ]
tap_result $? "run, predict: buckets" "$(cat "$dir/log" "$dir/said.csv")"
! "$FOLDRANK" export "$dir/buckets/results.h5" --c "$dir/x.h" 2>"$dir/log" && grep -q 'in buckets (data.text_buckets)' "$dir/log"
tap_result $? "export: says that C cannot hold buckets" "$(cat "$dir/log")"
"$FOLDRANK" check "$dir/study.yaml" --set 'preprocess.text_chars={choice: [[], [3]]}' --set 'preprocess.text_words=[3]' >"$dir/log" 2>&1
[ $? -eq 2 ] && grep -q 'text_words: n-grams of length 3 are not counted; add 3 to data.text_words' "$dir/log" && [ "$(grep -c 'not counted' "$dir/log")" -eq 1 ]
tap_result $? "check: lengths of n-grams that are not counted" "$(cat "$dir/log")"
OMP_NUM_THREADS=1 "$FOLDRANK" run "$dir/study.yaml" --output "$dir/lengths" --set 'preprocess.text_chars={choice: [[], [3]]}' --set 'preprocess.text_words={choice: [[1], [1, 2]]}' >"$dir/log" 2>&1 </dev/null &&
    "$FOLDRANK" show "$dir/lengths" 2>>"$dir/log" | grep -q 'text_words=\[1.*text_chars=\['
tap_result $? "run: searches lengths of n-grams" "$(cat "$dir/log")"
"$FOLDRANK" check "$dir/study.yaml" --set preprocess.scale=standard >"$dir/log" 2>&1
[ $? -eq 2 ] && grep -q 'set it to maxabs, tfidf or none' "$dir/log"
tap_result $? "check: refuses a scaling that moves 0" "$(cat "$dir/log")"
tap_done

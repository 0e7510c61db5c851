#!/usr/bin/env bash
# sparse_text.sh PROGRAM PYTHON [LINES] - linear classifiers of CLINC150's 150 intents on TF-IDF of
# words and pairs of words: foldrank's softmax and SVM beside scikit-learn's SGDClassifier and
# liblinear, on one thread each, in turn, ROUNDS times. Training and validation parts are trained
# on, the test part is scored. Each has the settings, of those tried, that were quickest to GOAL on
# that part. Prints for each its least processor time of a fit, how often as long as the softmax's
# that is, its accuracy, and whether it solves one problem for all classes or one for each.
#
# foldrank is charged with its whole command (start, reading, counting words, files), halved: it
# fits twice, once to validate and once for the model. The rivals' texts are matrices already.
# LINES: the file of data/fetch.sh clinc150. PYTHON needs tests/bench/requirements.txt.
set -euo pipefail
program=$(realpath "$1") python=$2
lines=$(realpath "${3:-$(dirname "$0")/../../data/fetched/clinc150.jsonl}")
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
: "${ROUNDS:=5}" "${GOAL:=0.915}"
export OMP_NUM_THREADS=1

study() { # FAMILY SETTINGS TRAIN
    cat <<YAML
study: $1
data: {path: $lines, target: intent, text: text, text_words: [1, 2], test: {column: part, values: [test]}}
preprocess: {scale: tfidf, sublinear: true}
validation: {scheme: holdout, fraction: 0.01}
metric: accuracy
models: {$1: {$2}}
train: {$3}
search: {method: grid, trials: 1}
explain: {when: never}
output: $dir/$1
YAML
}
study softmax 'label_smoothing: 0.1' \
    'optimizer: sgd, learning_rate: 64, schedule: cosine, batch_size: 16, epochs: 3' >"$dir/softmax.yaml"
study svm 'l2: 0' \
    'optimizer: adagrad, learning_rate: 0.3, batch_size: 32, epochs: 2' >"$dir/svm.yaml"
ours() { # FAMILY PROBLEMS
    local used
    rm -rf "${dir:?}/$1"
    TIMEFORMAT='%U %S'
    used=$({ time "$program" run "$dir/$1.yaml" >/dev/null 2>"$dir/log" </dev/null; } 2>&1) || { cat "$dir/log" >&2; exit 1; }
    awk -v name="foldrank $1" -v used="$used" -v problems="$2" '/^test:/ {
        split(used, t, " "); printf "%s\t%.3f\t%s\t%s\n", name, (t[1] + t[2]) / 2, $3, problems }' <("$program" show "$dir/$1")
}
for round in $(seq "$ROUNDS"); do
    echo "round $round" >&2
    ours softmax one
    ours svm 'one a class, in one pass'
    "$python" "$here/peer_sparse_text.py" "$lines"
done >"$dir/rounds"
awk -F '\t' -v goal="$GOAL" '
    !($1 in best) { names[++n] = $1; best[$1] = $2 }
    { if ($2 < best[$1]) best[$1] = $2; accuracy[$1] = $3; problems[$1] = $4 }
    END {
        printf "%-40s %8s %8s %10s  %s\n", "to an accuracy of " goal, "fit [s]", "x", "accuracy", "problems"
        for (i = 1; i <= n; i++)
            printf "%-40s %8.2f %8.2f %10.4f  %s%s\n", names[i], best[names[i]], best[names[i]] / best[names[1]],
                accuracy[names[i]], problems[names[i]], accuracy[names[i]] < goal ? ", short of it" : ""
    }' "$dir/rounds"

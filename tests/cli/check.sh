#!/usr/bin/env bash
# check.sh - what `foldrank check` says of a study: the sizes of its run, the filled-in study, and its
# faults, all at once, each with its line.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1

has() { # NAME TEXT PATTERN
    grep -qE -- "$3" <<<"$2"
    tap_result $? "$1" "pattern: $3" "$2"
}
wrong() { # NAME PATTERN ARGUMENT...: check says so, and exits with 2
    local text
    text=$("$FOLDRANK" check "${@:3}" 2>&1 >/dev/null)
    [ $? -eq 2 ] && grep -qE -- "$2" <<<"$text"
    tap_result $? "$1" "pattern: $2" "$text"
}

awk 'BEGIN { print "a,b,kind"; for (i = 0; i < 60; i++) print i % 7 "," i * i % 11 "," (i % 3 ? "x" : "y") }' >"$dir/rows.csv"
cat >"$dir/study.yaml" <<YAML
study: small
data: {path: $dir/rows.csv, target: kind, test: {fraction: 0.2}}
validation: {folds: 3}
metric: accuracy
models: {softmax: {l2: {log: [1.0e-6, 1.0e-1]}}}
train: {epochs: 5}
search: {method: random, trials: 4}
output: $dir/out
YAML

text=$("$FOLDRANK" check "$dir/study.yaml" -n 20 2>&1)
tap_result $? "a good study: exit 0" "$text"
has "rows and features" "$text" '^ +60 rows, 2 features, 2 classes'
has "test rows apart" "$text" '^test +12 rows that the search never sees, 48 for the search'
has "rows of a fold" "$text" '^ +fold 2: 32 training rows, 16 validation rows'
has "the space" "$text" '^softmax\.l2 +log \[1e-06, 0\.1\]'
has "fits" "$text" '^fits +12 = 4 trials x 3 folds, then one'
has "ranks with nothing to do" "$text" '^ranks +20 on 1 node, 8 of them idle'
has "the largest model" "$text" '^largest model +6 parameters, 2 inputs' # (2 + 1) x 2
[ ! -e "$dir/out" ]
tap_result $? "nothing is written"

"$FOLDRANK" check "$dir/study.yaml" --set train.epochs=9 --text >"$dir/filled.yaml" 2>"$dir/log"
tap_result $? "--text prints the study" "$(cat "$dir/log")"
has "--text has what --set changed" "$(cat "$dir/filled.yaml")" '^ +epochs: 9 +# [a-z]'
has "--text has defaults" "$(cat "$dir/filled.yaml")" '^ +text_words: \[1\] +# [a-z]'
bare=$(grep -nvE '^[a-z]|:$|  # |^  +enqueue: ' "$dir/filled.yaml")
tap_empty "--text says what each key of a block is" "$bare"
"$FOLDRANK" run "$dir/study.yaml" --set train.epochs=9 -o "$dir/ran" >"$dir/log" 2>&1
tap_empty "without its comments it is the study.yaml of a run" "$(diff <(sed -E 's/ +# .*//' "$dir/filled.yaml") <(sed "s@^output: .*@$(grep ^output: "$dir/filled.yaml")@" "$dir/ran/study.yaml") 2>&1)"
"$FOLDRANK" check "$dir/filled.yaml" --text >"$dir/again.yaml" 2>"$dir/log"
tap_empty "the filled-in study is a study, filled in" "$(diff "$dir/filled.yaml" "$dir/again.yaml" 2>&1; cat "$dir/log")"

sed 's/epochs/epocks/; s/folds: 3/folds: 1/' "$dir/study.yaml" >"$dir/faults.yaml"
wrong "an unknown key: its line, and what was meant" 'faults.yaml:6: unknown key epocks in train.*did you mean epochs' "$dir/faults.yaml"
wrong "another fault of the same file" 'faults.yaml:3: .*folds' "$dir/faults.yaml"
wrong "a column that is not there" 'has no column .kinds.*did you mean' "$dir/study.yaml" --set data.target=kinds
wrong "a file that is not there" "$dir/none.csv" "$dir/study.yaml" --set "data.path=$dir/none.csv"
wrong "a log range with 0" 'l2.*log' "$dir/study.yaml" --set 'models.softmax.l2={log: [0, 1]}'
wrong "more folds than rows of a class" 'class .*folds' "$dir/study.yaml" --set validation.folds=40
wrong "no such study" 'nowhere.yaml' "$dir/nowhere.yaml"
tap_done

#!/usr/bin/env bash
# broken.sh - broken studies, data and directories: a clear message with file and line where there
# is one, the right exit status on every rank, no hang, no backtrace.
# Needs FOLDRANK (the program) and MPIRUN (ending in -n) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'umount "$dir/small" 2>/dev/null; rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1

# Sixty rows, three classes, two numbers and a category.
rows() {
    awk 'BEGIN { print "a,b,colour,kind"
        for (i = 0; i < 60; i++)
            printf "%.2f,%d,%s,%s\n", i / 7, i * i % 13, i % 2 ? "red" : "blue", "k" i % 3 }'
}
rows >"$dir/good.csv"

# study [SED-EXPRESSION...]: the good study, edited.
study() {
    local args=(-e '') e
    for e in "$@"; do args+=(-e "$e"); done
    sed "${args[@]}" <<YAML
study: broken
data: {path: $dir/good.csv, target: kind, task: classification, test: {fraction: 0.2}}
preprocess: {impute: median, scale: standard}
validation: {scheme: stratified_kfold, folds: 3}
metric: accuracy
models:
  softmax: {l2: {log: [1.0e-6, 1.0e-1]}}
  mlp:
    hidden: {choice: [[4], [8]]}
    activation: {choice: [relu, tanh]}
train:
  optimizer: {choice: [sgd, adam]}
  learning_rate: {log: [1.0e-3, 1.0e-1]}
  momentum: {float: [0.0, 0.9], when: {optimizer: sgd}}
  batch_size: 16
  epochs: 2
search: {method: random, trials: 3, seed: 1}
output: $dir/out
YAML
}

# expect NAME STATUS PATTERN [COMMAND...]: run the study in $dir/study.yaml (or the command) with
# two ranks; the message must match and must look like one, not like a crash.
expect() {
    local name=$1 want=$2 pattern=$3 text status
    shift 3
    [ $# -gt 0 ] || set -- run "$dir/study.yaml"
    # shellcheck disable=SC2086
    text=$(timeout -k 5 60 $MPIRUN 2 "$FOLDRANK" "$@" 2>&1 </dev/null)
    status=$?
    [ $status -eq "$want" ] && grep -qE -- "$pattern" <<<"$text" &&
        ! grep -qiE 'backtrace|segmentation|assert|signal [0-9]+|HDF5-DIAG|sanitizer' <<<"$text"
    tap_result $? "$name" "exit status $status, wanted $want" "pattern: $pattern" "$text"
    rm -rf "$dir/out"
}

# broken_study NAME PATTERN SED...: an edited study must be refused with exit 2.
broken_study() {
    local name=$1 pattern=$2
    shift 2
    study "$@" >"$dir/study.yaml"
    expect "$name" 2 "$pattern"
}

# broken_data NAME PATTERN FILE [SED...]: the good study on another file.
broken_data() {
    local name=$1 pattern=$2 file=$3
    shift 3
    study "s#$dir/good.csv#$file#" "$@" >"$dir/study.yaml"
    expect "$name" 2 "$pattern"
}

study >"$dir/study.yaml"
expect "the good study runs" 0 'accuracy'

# The study file.
broken_study "typo in a key" 'study\.yaml:13: .*learning_rat\b.*did you mean learning_rate' \
    's/learning_rate:/learning_rat:/'
broken_study "wrong type" 'study\.yaml:16: .*epochs.*many' 's/epochs: 2/epochs: many/'
broken_study "empty range" 'study\.yaml:13: .*learning_rate' 's/1.0e-3, 1.0e-1/1.0e-1, 1.0e-3/'
broken_study "log range with a bound of 0" 'study\.yaml:13: .*learning_rate.*0' \
    's/1.0e-3, 1.0e-1/0, 1.0e-1/'
broken_study "value outside the allowed range" 'study\.yaml:.*dropout.*1\.5' \
    's/^    hidden:/    dropout: 1.5\n    hidden:/'
broken_study "a choice that the setting does not have" 'study\.yaml:10: .*rellu.*did you mean relu' \
    's/\[relu, tanh\]/[rellu, tanh]/'
broken_study "unknown metric" 'study\.yaml:5: .*acuracy.*did you mean accuracy' \
    's/metric: accuracy/metric: acuracy/'
broken_study "metric of another task" 'study\.yaml:5: .*rmse.*classification' \
    's/metric: accuracy/metric: rmse/'
broken_study "unknown family" 'study\.yaml:8: .*mpl.*did you mean mlp' 's/^  mlp:/  mpl:/'
broken_study "duplicate key" 'study\.yaml:16: .*batch_size.*15' 's/epochs: 2/batch_size: 8/'
broken_study "condition on an unknown parameter" \
    'study\.yaml:14: .*optimiser.*did you mean optimizer' \
    's/when: {optimizer: sgd}/when: {optimiser: sgd}/'
broken_study "conditions in a circle" 'study\.yaml:1[34]: .*(circle|cycle)' \
    's/1.0e-3, 1.0e-1\]}/1.0e-3, 1.0e-1], when: {momentum: 0.5}}/' \
    's/when: {optimizer: sgd}/when: {learning_rate: 0.01}/'
broken_study "grid over a continuous parameter" 'study\.yaml:.*(learning_rate|l2|momentum)' \
    's/method: random/method: grid/'
broken_study "two faults are both told" 'study\.yaml:16: .*epochs' \
    's/epochs: 2/epochs: -1/' 's/metric: accuracy/metric: acuracy/'
printf 'study: x\n\tdata: {}\n' >"$dir/study.yaml"
expect "not YAML" 2 'study\.yaml:2'
: >"$dir/study.yaml"
expect "empty study file" 2 'study\.yaml'
head -c 500 /dev/urandom >"$dir/study.yaml"
expect "binary rubbish as a study" 2 'study\.yaml'
expect "no such study file" 2 'nowhere\.yaml' run "$dir/nowhere.yaml"
expect "a directory as a study file" 2 "$dir" run "$dir"

# The command line.
study >"$dir/study.yaml"
expect "unknown command" 2 'rnu.*did you mean .?run' rnu "$dir/study.yaml"
expect "unknown option" 2 '--ouput.*did you mean --output' run "$dir/study.yaml" --ouput x
expect "bad duration" 2 '--time.*soon' run "$dir/study.yaml" --time soon
expect "bad --set" 2 '--set train.epochs=none' run "$dir/study.yaml" --set train.epochs=none

# Data files.
broken_data "missing data file" 'study\.yaml:2: .*nowhere\.csv' "$dir/nowhere.csv"
broken_data "missing target column" 'good\.csv.*knd.*did you mean .?kind' "$dir/good.csv" \
    's/target: kind/target: knd/'
rows | sed '17s/^[^,]*/abc/' >"$dir/cell.csv"
broken_data "a word among numbers" 'cell\.csv:17: .*abc' "$dir/cell.csv"
rows | sed '9s/,[^,]*$/,/' >"$dir/nolabel.csv"
broken_data "a missing target" 'nolabel\.csv:9: ' "$dir/nolabel.csv"
rows | sed '12s/,/,,/' >"$dir/ragged.csv"
broken_data "a row with too many cells" 'ragged\.csv:12: .*5.*4' "$dir/ragged.csv"
(rows; echo '1,2,red,rare') >"$dir/rare.csv"
broken_data "a class with one row" 'study\.yaml: .*rare\.csv: .*rare. has 0 rows' "$dir/rare.csv"
(echo a,b,colour,kind; for i in $(seq 60); do echo "$i,2,red,$((i * 7))"; done) >"$dir/numbers.csv"
broken_data "numbers as classes" 'study\.yaml: .*60 different values.*task: regression' "$dir/numbers.csv"
rows | head -n 1 >"$dir/none.csv"
broken_data "zero rows" 'none\.csv' "$dir/none.csv"
: >"$dir/empty.csv"
broken_data "an empty file" 'empty\.csv' "$dir/empty.csv"
rows | sed '1s/b/a/' >"$dir/twice.csv"
broken_data "duplicate column" 'twice\.csv.*a' "$dir/twice.csv"
rows | gzip | head -c 150 >"$dir/cut.csv.gz"
broken_data "truncated gzip" 'cut\.csv\.gz' "$dir/cut.csv.gz"
echo 'no HDF5 at all' >"$dir/fake.h5"
broken_data "HDF5 that is not HDF5" 'fake\.h5.*HDF5' "$dir/fake.h5"
broken_data "a directory as data" "$dir" "$dir"
printf '\x93NUMPY\x01\x00\x76\x00{' >"$dir/cut.npy"
broken_data "truncated NPY" 'cut\.npy' "$dir/cut.npy"
printf '\0\0\010\3\0\0\0\5' >"$dir/cut-idx3-ubyte"
broken_data "truncated IDX" 'cut-idx3-ubyte' "$dir/cut-idx3-ubyte"
texts='s/target: kind, /target: kind, text: text, fold: part, /'
folds() { for i in $(seq 40); do echo "k$((i % 2)),$([ "$i" -gt 20 ] && echo "$1"),$((i > 20))"; done; }
(echo kind,text,part; folds word) >"$dir/half.csv"
broken_data "no words in the training rows of a fold" 'half\.csv: column .text. has no words in the [0-9]+ training rows of fold 1' \
    "$dir/half.csv" "$texts" 's/stratified_kfold, folds: 3/column/' '/^preprocess/d' 's/^metric/preprocess: {scale: tfidf}\nmetric/'
(echo kind,text,part; folds '?!') >"$dir/mute.csv"
broken_data "texts without words" 'mute\.csv: column .text. has no words' "$dir/mute.csv" "$texts"
broken_data "texts without words, in buckets" 'mute\.csv: column .text. has no words in the [0-9]+ training rows of fold 0' \
    "$dir/mute.csv" "$texts" 's/text: text/text: text, text_buckets: 8/' 's/stratified_kfold, folds: 3/column/' '/^preprocess/d' 's/^metric/preprocess: {scale: tfidf}\nmetric/'
(echo kind,text,part; folds word; printf 'k1,a\0b,1\n') >"$dir/nul.csv"
broken_data "a NUL byte in a text" 'nul\.csv: has a NUL byte' "$dir/nul.csv" "$texts"
printf '{"kind": "a", "text": "x"}\n{"kind": "b", "text": "x\0y"}\n' >"$dir/nul.jsonl"
broken_data "a NUL byte in JSON lines" 'nul\.jsonl:2: is not JSON' "$dir/nul.jsonl" "$texts"
printf 'kind,text,part\na,\303\244,0\nb,caf\351,1\n' >"$dir/latin.csv"
broken_data "a text that is not UTF-8" 'latin\.csv:3: .*not UTF-8' "$dir/latin.csv" "$texts"
printf '1 1:0.5 2:x\n' >"$dir/bad.svm"
broken_data "malformed SVMlight" 'bad\.svm:1: ' "$dir/bad.svm" \
    's/target: kind, /format: svmlight, /'
broken_data "a regression target that is text" 'good\.csv.*kind' "$dir/good.csv" \
    's/task: classification/task: regression/' 's/metric: accuracy/metric: rmse/' \
    's/stratified_kfold/kfold/' '/softmax/d'
broken_data "groups without a group column" 'group' "$dir/good.csv" \
    's/stratified_kfold/group_kfold/'
broken_data "more folds than rows" '100' "$dir/good.csv" \
    's/stratified_kfold, folds: 3/kfold, folds: 100/'
study 's/^  softmax: .*/  fm: {factors: 4}/' >"$dir/study.yaml"
three='study\.yaml:7: models\.fm tells two classes apart, and kind of .* has 3: take softmax'
expect "a factorisation machine of three classes" 2 "$three"
expect "and told by check, too" 2 "$three" check "$dir/study.yaml"
if [ "$(id -u)" -ne 0 ]; then
    cp "$dir/good.csv" "$dir/secret.csv" && chmod 0 "$dir/secret.csv"
    broken_data "unreadable file" 'secret\.csv.*[Pp]ermission' "$dir/secret.csv"
else
    tap_skip "unreadable file" "root may read everything"
fi

# The output directory.
study >"$dir/study.yaml"
"$FOLDRANK" run "$dir/study.yaml" --output "$dir/other" >/dev/null 2>&1
study 's/epochs: 2/epochs: 3/' >"$dir/study.yaml"
expect "directory of another study" 2 'train\.epochs.*2.*3' \
    run "$dir/study.yaml" --output "$dir/other"
study >"$dir/study.yaml"
size=$(stat -c %s "$dir/other/journal.bin")
printf '\xff\xff\xff' |
    dd of="$dir/other/journal.bin" bs=1 seek=$((size * 4 / 5)) conv=notrunc 2>/dev/null
expect "journal damaged in the middle" 1 'journal\.bin.*(offset|byte) [0-9]+' \
    run "$dir/study.yaml" --output "$dir/other"
: >"$dir/file"
expect "a file where the directory should be" 1 "$dir/file" \
    run "$dir/study.yaml" --output "$dir/file/out"
mkdir -p "$dir/small"
if mount -t tmpfs -o size=24k tmpfs "$dir/small" 2>/dev/null; then
    study 's/trials: 3/trials: 200/' >"$dir/study.yaml"
    expect "a full disk" 1 '[Nn]o space left' run "$dir/study.yaml" --output "$dir/small/out"
    mount -o remount,size=16m "$dir/small"
    expect "and on it goes when there is room again" 0 'accuracy' \
        run "$dir/study.yaml" --output "$dir/small/out"
    mount -o remount,ro "$dir/small"
    expect "a read-only directory" 1 '[Rr]ead-only' \
        run "$dir/study.yaml" --output "$dir/small/new"
    umount "$dir/small"
else
    for name in "a full disk" "and on it goes when there is room again" "a read-only directory"; do
        tap_skip "$name" "needs the right to mount a tmpfs"
    done
fi
tap_done

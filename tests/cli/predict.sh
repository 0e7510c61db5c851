#!/usr/bin/env bash
# predict.sh - `foldrank predict`: any number of ranks gives the same bytes, columns are matched by
# name, and what does not fit is told.
# Needs FOLDRANK (the program) and MPIRUN (ending in -n) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'umount "$dir/small" 2>/dev/null; rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1

same() {
    [ "$2" = "$3" ]
    tap_result $? "$1" "got:    $2" "wanted: $3"
}

# predict RANKS ARGUMENTS...
predict() {
    local ranks=$1
    shift
    # shellcheck disable=SC2086
    timeout -k 5 120 $MPIRUN "$ranks" "$FOLDRANK" predict "$@" 2>"$dir/stderr" </dev/null
}

# refused NAME STATUS PATTERN ARGUMENTS...
refused() {
    local name=$1 want=$2 pattern=$3 status
    shift 3
    predict 2 "$@" >"$dir/stdout"
    status=$?
    [ $status -eq "$want" ] && grep -qE -- "$pattern" "$dir/stderr" && ! grep -q 'HDF5-DIAG' "$dir/stderr"
    tap_result $? "$name" "exit status $status, wanted $want" "pattern: $pattern" "$(cat "$dir/stderr")"
}

# rows N: a,b,colour,"size, in cm",kind with a missing cell here and there.
rows() {
    awk -v n="$1" 'BEGIN { print "a,b,colour,\"size, in cm\",kind"
        for (i = 0; i < n; i++)
            printf "%s,%d,%s,%.3f,k%d\n", i % 17 == 5 ? "" : i % 101 / 7, i * i % 13,
                i % 19 == 3 ? "" : i % 2 ? "red" : "blue", i % 97 / 9, (i % 101 + i * i % 13) % 3 }'
}
rows 300 >"$dir/train.csv"
rows 20000 >"$dir/new.csv"
write_study() { # NAME TARGET TASK MODEL
    cat >"$dir/$1.yaml" <<YAML
study: $1
data: {path: $dir/train.csv, target: $2, task: $3}
validation: {scheme: kfold, folds: 2}
models: {$4}
train: {epochs: 3, learning_rate: {log: [1.0e-3, 1.0e-1]}}
search: {method: random, trials: 2, seed: 1}
output: $dir/$1
YAML
    # shellcheck disable=SC2086
    $MPIRUN 2 "$FOLDRANK" run "$dir/$1.yaml" >"$dir/log" 2>&1 </dev/null
    tap_result $? "the study $1 runs" "$(cat "$dir/log")"
}
write_study classes kind classification 'mlp: {hidden: [8]}'
write_study values b regression 'linear: {}'
write_study margins kind classification 'svm: {}'

for study in classes values margins; do
    predict 1 "$dir/$study" "$dir/new.csv" -o "$dir/$study.1.csv" >"$dir/score.1"
    tap_result $? "$study: 1 rank" "$(cat "$dir/stderr")"
    predict 1 "$dir/$study" "$dir/new.csv" -o "$dir/$study.1.h5" >/dev/null
    tap_result $? "$study: HDF5" "$(cat "$dir/stderr")"
    for ranks in 2 3 5; do
        predict $ranks "$dir/$study" "$dir/new.csv" -o "$dir/n.csv" >"$dir/score" &&
            cmp "$dir/n.csv" "$dir/$study.1.csv" && cmp "$dir/score" "$dir/score.1" &&
            predict $ranks "$dir/$study" "$dir/new.csv" -o "$dir/n.h5" >/dev/null &&
            cmp "$dir/n.h5" "$dir/$study.1.h5"
        tap_result $? "$study: $ranks ranks, the same bytes" "$(cat "$dir/stderr")"
    done
    same "$study: a line for each row" "$(wc -l <"$dir/$study.1.csv")" 20001
    same "$study: rows in order" "$(tail -n 1 "$dir/$study.1.csv" | cut -d, -f1)" 19999
    grep -qE '^(accuracy|rmse) [0-9.]+ on 20000 rows$' "$dir/score.1"
    tap_result $? "$study: the score is told" "$(cat "$dir/score.1")"
done
same "classes: header" "$(head -n 1 "$dir/classes.1.csv")" "row,prediction,prob_k0,prob_k1,prob_k2"
same "values: header" "$(head -n 1 "$dir/values.1.csv")" "row,prediction"
same "margins: header" "$(head -n 1 "$dir/margins.1.csv")" \
    "row,prediction,decision_k0,decision_k1,decision_k2"
worst=$(awk -F, 'NR > 1 { d = $3 + $4 + $5 - 1; if (d < 0) d = -d; if (d > worst) worst = d
    best = $3 >= $4 && $3 >= $5 ? "k0" : $4 >= $5 ? "k1" : "k2"; if (best != $2) worst = 9 }
    END { print worst < 1e-5 ? "good" : worst }' "$dir/classes.1.csv")
same "classes: probabilities add to 1, the largest is predicted" "$worst" good
score=$(paste -d, <(sed 1d "$dir/classes.1.csv") <(sed -e 1d -e 's/.*,//' "$dir/new.csv") |
    awk -F, '{ hits += $2 == $NF } END { printf "%.6g", hits / NR }')
predict 2 "$dir/classes" "$dir/new.csv" -o "$dir/n.csv" >"$dir/score"
same "classes: the score is right" "$(cut -d' ' -f2 "$dir/score")" "$score"

# What the score is not.
grep -q 'is the file that the model was trained on' "$dir/stderr"
tap_result $((! $?)) "new rows are not called training rows" "$(cat "$dir/stderr")"
predict 2 "$dir/classes" "$dir/train.csv" -o "$dir/n.csv" >/dev/null
grep -q 'is the file that the model was trained on' "$dir/stderr"
tap_result $? "training rows are named" "$(cat "$dir/stderr")"
sed '2,4s/,[^,]*$/,k9/' "$dir/new.csv" >"$dir/foreign.csv"
predict 2 "$dir/classes" "$dir/foreign.csv" -o "$dir/n.csv" >"$dir/score"
grep -q 'on 19997 rows' "$dir/score" && grep -q 'unscored=3' "$dir/stderr"
tap_result $? "rows of unknown class are counted" "$(cat "$dir/score" "$dir/stderr")"

# The same rows in other clothes.
sed 1d "$dir/classes.1.csv" | head -n 300 >"$dir/wanted"
first() { predict 2 "$dir/classes" "$@" | sed 1d; }
# The awk splits at commas: the header's quoted name has one.
awk -F, 'BEGIN { OFS = "," } NR == 1 { print "kind,extra,\"size, in cm\",colour,b,a"; next }
    { print $5, "x" NR, $4, $3, $2, $1 }' "$dir/train.csv" >"$dir/shuffled.csv"
same "columns in another order, and one more" "$(first "$dir/shuffled.csv")" "$(cat "$dir/wanted")"
cut -d, -f2-6 "$dir/shuffled.csv" | sed '1s/.*/extra,"size, in cm",colour,b,a/' >"$dir/untold.csv"
same "without the target" "$(first "$dir/untold.csv")" "$(cat "$dir/wanted")"
same "then there is no score" "$(grep -c scored "$dir/stderr")" 0
gzip -c "$dir/train.csv" >"$dir/train.csv.gz"
same "gzip" "$(first "$dir/train.csv.gz")" "$(cat "$dir/wanted")"
sed -e '1s/"size, in cm"/size; in cm/' -e 's/,/\t/g' -e '1s/size; in cm/size, in cm/' \
    "$dir/train.csv" >"$dir/train.tsv"
same "tabs" "$(first "$dir/train.tsv")" "$(cat "$dir/wanted")"
sed 's/red/violet/' "$dir/train.csv" >"$dir/violet.csv"
sed 's/red//' "$dir/train.csv" >"$dir/blank.csv"
same "an unknown category counts as missing" "$(first "$dir/violet.csv")" "$(first "$dir/blank.csv")"
head -n 2 "$dir/train.csv" >"$dir/one.csv"
same "one row on more ranks than rows" "$(first "$dir/one.csv")" "$(head -n 1 "$dir/wanted")"

cut -d, -f1,2,4,5,6 "$dir/train.csv" >"$dir/lacking.csv"
refused "a column is missing" 2 'lacking\.csv.*colour' "$dir/classes" "$dir/lacking.csv"
sed 's/,colour,/,color,/' "$dir/train.csv" >"$dir/renamed.csv"
refused "a column has another name" 2 'renamed\.csv.*colour' "$dir/classes" "$dir/renamed.csv"
sed '5s/^[^,]*/abc/' "$dir/train.csv" >"$dir/word.csv"
refused "a word among numbers" 2 'word\.csv:5: .*abc' "$dir/classes" "$dir/word.csv"
refused "no such data" 2 'nowhere\.csv' "$dir/classes" "$dir/nowhere.csv"
refused "no such results" 2 'nowhere.*No such file' "$dir/nowhere" "$dir/new.csv"
refused "an unknown format" 2 '--format.*cvs.*did you mean csv' "$dir/classes" "$dir/new.csv" -f cvs
refused "an output that cannot be written" 1 'nowhere/x\.csv' "$dir/classes" "$dir/new.csv" -o "$dir/nowhere/x.csv"
refused "an HDF5 output that cannot be written" 1 'nowhere/x\.h5' "$dir/classes" "$dir/new.csv" -o "$dir/nowhere/x.h5"
"$FOLDRANK" predict "$dir/classes" "$dir/new.csv" >/dev/full 2>"$dir/stderr"
same "a full disk under stdout" "$?" 1
mkdir "$dir/small"
if mount -t tmpfs -o size=64k tmpfs "$dir/small" 2>/dev/null; then
    for name in x.csv x.h5; do
        refused "a full disk: $name" 1 "small/$name: No space left" "$dir/classes" "$dir/new.csv" -o "$dir/small/$name"
        same "no half file: $name" "$(ls -A "$dir/small")" ""
    done
else
    tap_skip "a full disk" "mounting a small tmpfs needs root"
fi
cat >"$dir/function.yaml" <<YAML
study: function
objective: {type: function, function: sphere, direction: minimize, parameters: {x: {float: [-1, 1]}}}
search: {method: random, trials: 2, seed: 1}
output: $dir/function
YAML
# shellcheck disable=SC2086
$MPIRUN 1 "$FOLDRANK" run "$dir/function.yaml" >/dev/null 2>&1 </dev/null
"$FOLDRANK" run "$dir/function.yaml" >/dev/full 2>"$dir/stderr"
same "a study's results on a full disk" "$?" 1
refused "results without a model" 1 'no model in it.*trains nothing' "$dir/function" "$dir/new.csv"
head -c 4000 "$dir/classes/results.h5" >"$dir/cut.h5"
refused "damaged results" 2 'cut\.h5.*damaged' "$dir/cut.h5" "$dir/new.csv"
tap_done

#!/usr/bin/env bash
# bench_search.sh - `foldrank bench search`: problems of every kind, and what it says to mistakes.
# Needs FOLDRANK (the program) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# A table whose median is 3 and whose best is 1: after all five rows nothing is missing, the floor.
printf 'x,score\n1,5\n2,4\n3,3\n4,1\n5,2\n' >"$dir/grid.csv"
cat >"$dir/grid.yaml" <<EOF
study: grid
objective: {type: table, path: $dir/grid.csv, direction: minimize, parameters: {x: {int: [1, 5]}}}
EOF
printf 'study: none\nobjective: {type: function, function: spere, parameters: {x: {float: [0, 1]}}}\n' >"$dir/typo.txt"

out=$("$FOLDRANK" bench search --sampler random --sampler tpe --sampler cmaes --seeds 3 --trials 5 "$dir/grid.yaml")
[ "$(grep -cE '^(random|tpe|cmaes) +grid +-6\.00 \+-0\.00 ' <<<"$out")" = 3 ]
tap_result $? "every row of a table was tried" "$out"
[ "$("$FOLDRANK" bench search -m random -s 3 -t 5 "$dir" | sed 's/ [0-9.]* ms//' | grep grid)" = \
    "$(grep '^random *grid' <<<"$out" | sed 's/ [0-9.]* ms//')" ]
tap_result $? "a directory of studies"

# Curves of two folds that end with means of 3, 1 and 8; nobody waits for the 9 s of run time.
mkdir "$dir/curves"
printf 'x,a@1,a@2,b@1,b@2,took\n1,0,4,0,2,9\n2,4,1,4,1,9\n3,0,7,0,9,9\n' >"$dir/curves/table.csv"
cat >"$dir/curves/study.yaml" <<EOF
study: curves
objective: {type: table, path: $dir/curves/table.csv, direction: minimize, values: [a, b], steps: 2,
            run_time: took, parameters: {x: {int: [1, 3]}}}
validation: {folds: 2}
EOF
out=$(timeout 20 "$FOLDRANK" bench search -m random -s 3 -t 3 "$dir/curves/study.yaml")
[[ $out == *" curves "*"-6.00 +-0.00 "* ]]
tap_result $? "a table with folds, curves and run times" "$out"

out=$("$FOLDRANK" bench search -m random -m cmaes -s 4 -t 150 sphere:4 mixed:4 conditional:2)
awk '$2 == "mean" { mean[$1] = $NF } END { exit !(mean["cmaes"] < mean["random"] - 0.5) }' <<<"$out"
tap_result $? "functions, on which a strategy beats chance" "$out"

mistake() { # TEXT ARGUMENT...: exit 2, and a message with TEXT
    local text=$1 message
    shift
    message=$("$FOLDRANK" bench search "$@" 2>&1 >/dev/null)
    [ $? = 2 ] && [[ $message == *"$text"* ]]
    tap_result $? "${*##*/}: $text" "$message"
}
mistake "did you mean tpe?" -m tpee sphere:2
mistake "did you mean sphere?" spere:2
mistake "did you mean sphere?" "$dir/typo.txt"
mistake "2 to 2 dimensions" branin:7
mistake "no study file" /dev
mistake "trains models" jobs/digits.yaml
mistake "several scores" zdt1:3
tap_done

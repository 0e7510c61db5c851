#!/usr/bin/env bash
# nested.sh - the estimate of nested cross-validation: the numbers of scikit-learn, rows of an outer fold
# that nothing sees before the last score, what check and show say, and what is refused.
# Needs FOLDRANK in the environment.
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
study() { # DATA METRIC OUTPUT [LINE...]
    printf '%s\n' "study: ridge" "data: {path: $1, target: y, task: regression, fold: fold}" \
        "preprocess: {scale: standard, scale_target: false}" "validation: {scheme: column}" "nested: {outer_folds: 4}" \
        "metric: $2" "models: {kernel: {kernel: rbf, intercept: false," \
        "    gamma: {choice: [0.01, 0.03, 0.1]}, ridge: {choice: [0.3, 1.0, 3.0]}}}" \
        "search: {method: grid}" "explain: {when: never}" "output: $3" "${@:4}"
}
# rows RESULTS: "outer score search_score gamma ridge" of every outer fold
rows() {
    "$FOLDRANK" show "$1" --format json | perl -ne \
        'print "$1 $2 $3 $4 $5\n" if /"outer": (\d+), .*"score": ([^,]+), "search_score": ([^,]+),.*gamma": ([^,]+), .*ridge": ([^}]+)}/'
}

# The same folds, grid and pipeline: GridSearchCV inside outer folds.
reference=tests/reference/sklearn_nested
study $reference.csv r2 "$dir/ridge" >"$dir/ridge.yaml"
text=$("$FOLDRANK" check "$dir/ridge.yaml")
has "check: fits of the outer searches" "$text" '^nested +148 more = 4 outer folds x \(36 fits \+ one of its model\); in all 185'
has "check: ranks find work in all searches" "$("$FOLDRANK" check "$dir/ridge.yaml" -n 180)" 'ranks +180 on 1 node, 0 of them idle'
text=$("$FOLDRANK" run "$dir/ridge.yaml" 2>"$dir/log")
tap_result $? "runs" "$(cat "$dir/log")"
has "run tells the estimate" "$text" '^nested r2: 0\.3769[0-9]* \+- 0\.1 over 4 outer folds \(0\.1057[0-9]* to 0\.5632[0-9]*\)'
wrong_rows=$(paste -d' ' <(grep '^[0-9]' $reference.txt) <(rows "$dir/ridge") | awk '
    function far(a, b) { return (a > b ? a - b : b - a) > 1e-6 }
    $1 != $6 || far($2, $7) || far($3, $8) || $4 != $9 || $5 != $10')
[ "$(rows "$dir/ridge" | wc -l)" -eq 4 ] && [ -z "$wrong_rows" ]
tap_result $? "scores and choices are those of scikit-learn" "$wrong_rows"
text=$("$FOLDRANK" show "$dir/ridge")
has "show: the estimate" "$text" '^nested r2: 0\.3769'
has "show: each outer fold" "$text" '^ +2 +complete +0\.10578[0-9] +0\.48390[0-9] +40 .*kernel\.gamma=0\.03 kernel\.ridge=0\.3$'
has "show: how far the settings agree" "$text" '^  kernel\.gamma +0\.01 in 3 of 4'
"$FOLDRANK" export "$dir/ridge" --csv "$dir/tables" >/dev/null 2>&1
"$FOLDRANK" export "$dir/ridge" --card "$dir/card.md" >/dev/null 2>&1
has "export: the estimate is in the card" "$(cat "$dir/card.md" 2>&1)" '^\| nested cross-validation, mean of 4 of 4 outer folds \| 0\.3769[0-9]* \| standard error 0\.1'
has "export: a table" "$(cat "$dir/tables/nested.csv" 2>&1)" '^2,complete,0\.1057.*,0\.03,0\.3,$'

# Other rows in outer fold 0: what its search finds stays as it is, to the bit; the others see them.
awk -F, -v OFS=, 'NR > 1 && $12 == "f0" { for (j = 1; j <= 10; j++) $j = 1000 - 7 * $j; $11 = 3 * NR } { print }' \
    $reference.csv >"$dir/poisoned.csv"
study "$dir/poisoned.csv" r2 "$dir/poisoned" >"$dir/poisoned.yaml"
"$FOLDRANK" run "$dir/poisoned.yaml" >"$dir/log" 2>&1
tap_result $? "other rows in outer fold 0: runs" "$(cat "$dir/log")"
[ "$(rows "$dir/ridge" | sed -n 1p | cut -d' ' -f3-)" = "$(rows "$dir/poisoned" | sed -n 1p | cut -d' ' -f3-)" ]
tap_result $? "its search does not see them" "$(rows "$dir/ridge")" "$(rows "$dir/poisoned")"
same=$(join <(rows "$dir/ridge" | cut -d' ' -f1,3) <(rows "$dir/poisoned" | cut -d' ' -f1,3) | awk '$2 == $3 { print $1 }' | xargs)
[ "$same" = 0 ]
tap_result $? "and the other searches do" "equal: $same"

# Targets of outer fold 0 moved by 1000: the mean error moves by just that, if its model has not seen them.
for shift in 1000 2000; do
    awk -F, -v OFS=, -v shift=$shift 'NR > 1 && $12 == "f0" { $11 += shift } { print }' $reference.csv >"$dir/$shift.csv"
    study "$dir/$shift.csv" mae "$dir/$shift" >"$dir/$shift.yaml"
    "$FOLDRANK" run "$dir/$shift.yaml" >"$dir/log" 2>&1
done
moved=$(join <(rows "$dir/1000" | cut -d' ' -f1,2) <(rows "$dir/2000" | cut -d' ' -f1,2))
awk 'NR == 1 { d = $3 - $2 - 1000; ok = d < 0.001 && d > -0.001 } NR > 1 && $3 - $2 < 1 { ok = 0 } END { exit !ok }' <<<"$moved"
tap_result $? "its final model does not see them" "$moved"

# What makes no sense is refused.
wrong "one outer fold" 'nested\.outer_folds: 1 leaves no rows for the search' "$dir/ridge.yaml" --set nested.outer_folds=1
wrong "a column with other folds" 'data\.fold has 4 values, and each is an outer fold: set it to 4' "$dir/ridge.yaml" --set nested.outer_folds=3
wrong "the clock ends a search" 'nested\.outer_folds does not go with stop\.wall' "$dir/ridge.yaml" --set stop.wall=5m
wrong "too few rows of a class" 'nested\.outer_folds 3: without outer fold' jobs/digits.yaml \
    --set validation.folds=120 --set nested.outer_folds=3
cat >"$dir/function.yaml" <<'YAML'
objective: {type: function, function: branin, direction: minimize, parameters: {x: {float: [-5, 10]}, y: {float: [0, 15]}}}
nested: {outer_folds: 3}
YAML
wrong "an objective without data" 'function\.yaml:2: nested does not go with objective' "$dir/function.yaml"
tap_done

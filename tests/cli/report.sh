#!/usr/bin/env bash
# report.sh - `foldrank report`: what it hands to the analysis package, and what it says where
# that is not installed. The page itself is tested by analysis/tests.
# Needs FOLDRANK (the program) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin"

# report STATUS ARGUMENTS...: run with only our own directory on the path; keeps $text.
report() {
    local want=$1
    shift
    text=$(PATH="$dir/bin" "$FOLDRANK" report "$@" 2>&1 </dev/null)
    [ $? -eq "$want" ]
}

report 1 results/digits && [[ $text == *"pip install ./analysis"* ]]
tap_result $? "says how to install what is missing" "$text"

cat >"$dir/bin/foldrank-report" <<'SH'
#!/bin/sh
printf '[%s]' "$@"
exit 7
SH
chmod +x "$dir/bin/foldrank-report"
report 7 a b -o "x y.html" --data rows.csv &&
    [ "$text" = "[--output][x y.html][--data][rows.csv][--][a][b]" ]
tap_result $? "hands over arguments and exit status" "$text"

report 7 -- -odd && [ "$text" = "[--][-odd]" ]
tap_result $? "a file with an odd name stays a file" "$text"

report 2 && [[ $text == *"usage: foldrank report RESULTS"* ]]
tap_result $? "wants results" "$text"

tap_done

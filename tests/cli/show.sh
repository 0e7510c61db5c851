#!/usr/bin/env bash
# show.sh - `foldrank show`: table, csv and json of a finished study, of one trial, of a run that
# goes on, and what it says of files that are none.
# Needs FOLDRANK (the program) and MPIRUN (ending in -n) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1

# has NAME TEXT PATTERN: the text matches.
has() {
    grep -qE -- "$3" <<<"$2"
    tap_result $? "$1" "pattern: $3" "$2"
}

# same NAME GOT WANTED
same() {
    [ "$2" = "$3" ]
    tap_result $? "$1" "got:    $2" "wanted: $3"
}

# refused NAME STATUS PATTERN ARGUMENTS...: show fails with this status and says so.
refused() {
    local name=$1 want=$2 pattern=$3 text status
    shift 3
    text=$("$FOLDRANK" show "$@" 2>&1 >/dev/null </dev/null)
    status=$?
    [ $status -eq "$want" ] && grep -qE -- "$pattern" <<<"$text" && ! grep -q HDF5 <<<"${text//HDF5 file/}"
    tap_result $? "$name" "exit status $status, wanted $want" "pattern: $pattern" "$text"
}

# valid_json NAME TEXT
valid_json() {
    if command -v python3 >/dev/null; then
        python3 -c 'import json, sys; json.loads(sys.argv[1], parse_constant=lambda c: 1 / 0)' "$2"
        tap_result $? "$1" "$2"
    else
        tap_skip "$1" "python3 is not installed"
    fi
}

cat >"$dir/study.yaml" <<YAML
study: shown
data: {path: data/digits.csv.gz, target: digit, task: classification, test: {fraction: 0.2, seed: 7}}
validation: {scheme: stratified_kfold, folds: 3}
metric: accuracy
models:
  softmax: {l2: {log: [1.0e-6, 1.0e-1]}}
  mlp: {hidden: {choice: [[8], [16, 8]]}}
train:
  learning_rate: {log: [1.0e-4, 1.0e-1]}
  epochs: 2
search: {method: random, trials: 6, seed: 1}
output: $dir/out
YAML
# shellcheck disable=SC2086
text=$($MPIRUN 2 "$FOLDRANK" run "$dir/study.yaml" 2>&1 </dev/null)
tap_result $? "the study runs" "$text"
show() { "$FOLDRANK" show "$dir/out" "$@" 2>&1 </dev/null; }

text=$(show)
has "names study, metric and folds" "$text" '^shown: accuracy, more is better, 3 folds'
has "counts the states" "$text" '^6 trials: 6 complete'
has "counts the fits" "$text" '^18 fits, '
has "a row of the table" "$text" '^ +[0-5]  complete  0\.[0-9]{4} \+- 0\.[0-9]{4} +6  .*learning_rate='
has "the chosen trial is marked" "$text" '^\* +[0-5]  complete'
has "the chosen trial is told" "$text" '^chosen: trial [0-5] by rule best, accuracy 0\.[0-9]{4} \+- '
has "the test score and its optimism" "$text" \
    '^test: +accuracy 0\.[0-9]{4} on rows that the search never saw: .* too (good|modest)$'
same "the chosen trial is the first row" "$(grep -c '^\*' <<<"$(sed -n '/trial  state/{n;p;}' <<<"$text")")" 1
same "the file does as well as its directory" "$("$FOLDRANK" show "$dir/out/results.h5")" "$text"
same "--top 2 shows two" "$(show --top 2 | grep -c ' complete  ')" 2

csv=$(show --format csv)
same "csv: a line for each trial and the header" "$(wc -l <<<"$csv")" 7
same "csv: columns" "$(head -n 1 <<<"$csv")" \
    "trial,state,score_mean,score_se,folds_done,folds_cancelled,epochs,seconds,model,softmax.l2,mlp.hidden,learning_rate,message"
same "csv: best first" "$(sed 1d <<<"$csv" | cut -d, -f3)" "$(sed 1d <<<"$csv" | cut -d, -f3 | sort -gr)"
same "csv: --sort trial" "$(show -f csv --sort trial | sed 1d | cut -d, -f1 | paste -sd ' ')" "0 1 2 3 4 5"
rates=$(show -f csv --sort learning_rate | sed 1d | sed -E 's/,$//; s/.*,//')
same "csv: --sort by a parameter" "$rates" "$(sort -g <<<"$rates")"
has "csv: a list is quoted" "$csv" ',mlp,,"\[16, 8\]",|,mlp,,\[8\],'
same "csv: --top" "$(show -f csv --top 3 | wc -l)" 4

json=$(show -f json)
valid_json "json is valid" "$json"
has "json: selection" "$json" '"selection": \{"rule": "best", "chosen": [0-5], "score_mean": 0\.[0-9]+'
has "json: a choice keeps its type" "$json" '"mlp.hidden": \[(8|16, 8)\]'
same "json: trials" "$(grep -c '"trial": [0-5], "state": "complete"' <<<"$json")" 6

text=$(show --trial 2)
has "--trial: head" "$text" '^trial 2 of shown: complete, accuracy 0\.'
has "--trial: full settings" "$text" '^  learning_rate +[0-9.e-]{12,}$'
same "--trial: a row for each fold" "$(grep -cE '^ +[0-2]  complete' <<<"$text")" 3
has "--trial: curve" "$text" '0\.[0-9]{4} \.\. 0\.[0-9]{4} \(epoch [12]\) \.\. 0\.[0-9]{4}$'
same "--trial: csv" "$(show --trial 2 -f csv | wc -l)" 4
json=$(show --trial 2 -f json)
valid_json "--trial: json is valid" "$json"
same "--trial: json has the curves" "$(grep -oE '"curve": \[[0-9.]+, [0-9.]+\]' <<<"$json" | wc -l)" 3

# Charts: `big` decides the score, `small` adds a little, `none` nothing.
awk 'BEGIN { print "big,small,none,score"; for (b = 0; b < 5; b++) for (s = 0; s < 5; s++)
    for (n = 0; n < 4; n++) print b "," s "," n "," (b - 3) * (b - 3) + s / 9 }' >"$dir/table.csv"
cat >"$dir/charts.yaml" <<YAML
study: charts
objective: {type: table, path: $dir/table.csv, direction: minimize,
            parameters: {none: {int: [0, 3]}, big: {int: [0, 4]}, small: {int: [0, 4]}}}
search: {method: random, trials: 100, seed: 1}
output: $dir/charts
YAML
"$FOLDRANK" run "$dir/charts.yaml" >"$dir/log" 2>&1 </dev/null
tap_result $? "the study of the charts runs" "$(cat "$dir/log")"
text=$(LC_ALL=C.UTF-8 "$FOLDRANK" show "$dir/charts")
has "history: a falling line" "$text" '^  [^ ]*[▇█][^ ]*▁+$'
has "importance: the best of all" "$text" '^importance: share of the variance of being among the best 10 of 100 trials$'
has "importance: what decides comes first" "$(grep -A1 '^importance' <<<"$text")" '^  big    █+[▏▎▍▌▋▊▉]? +0\.[3-9]'
has "importance: what matters little is second" "$(grep -A2 '^importance' <<<"$text")" '^  small  [^ ]+ +0\.[0-2]'
has "importance: what does not matter is not shown" "$text" '^  and 1 more with less$'
text=$(LC_ALL=C "$FOLDRANK" show "$dir/charts")
same "a locale that is not UTF-8: nothing but ASCII" "$(LC_ALL=C grep -c '[^ -~]' <<<"$text")" 0
has "a locale that is not UTF-8: bars of #" "$text" '^  big    #+ +0\.[3-9]'
same "--ascii does the same" "$(LC_ALL=C.UTF-8 "$FOLDRANK" show "$dir/charts" --ascii)" "$text"

refused "no such file" 2 'nowhere.*No such file.*results file' "$dir/nowhere"
mkdir "$dir/empty"
refused "a directory without results" 2 'empty/results\.h5: No such file.*no study was run' "$dir/empty"
mkdir "$dir/begun" && cp "$dir/out/journal.bin" "$dir/begun"
refused "a study that has just begun" 2 'begun/results\.h5 is not there yet.*--snapshot-every' "$dir/begun"
refused "a text file" 2 'study\.yaml: this is no HDF5 file' "$dir/study.yaml"
head -c 3000 "$dir/out/results.h5" >"$dir/cut.h5"
refused "a file cut short" 2 'cut\.h5: this is no HDF5 file, or it is damaged' "$dir/cut.h5"
refused "no such trial" 2 '--trial 6: .*allowed: 0 to 5' "$dir/out" --trial 6
refused "a trial that is no number" 2 '--trial best: .*0 to 5' "$dir/out" --trial best
refused "an unknown key" 2 '--sort learning_rat: .*did you mean learning_rate' "$dir/out" --sort learning_rat
refused "an unknown format" 2 'yaml.*table' "$dir/out" --format yaml
"$FOLDRANK" show "$dir/out" >/dev/full 2>"$dir/full"
same "a full disk under stdout" "$?" 1

# While a run goes on: every look shows a whole file.
cat >"$dir/slow.yaml" <<YAML
study: slow
objective: {type: function, function: sphere, sleep: 0.02, direction: minimize, parameters: {x: {float: [-1, 1]}, y: {float: [-1, 1]}}}
search: {method: random, trials: 100, seed: 1}
output: $dir/slow
YAML
# shellcheck disable=SC2086
$MPIRUN 1 "$FOLDRANK" run "$dir/slow.yaml" --snapshot-every 0.1 >"$dir/slow.log" 2>&1 </dev/null &
run=$! looks=0 partial=0 bad=0
while kill -0 $run 2>/dev/null; do
    if [ -e "$dir/slow/results.h5" ]; then
        text=$("$FOLDRANK" show "$dir/slow" 2>&1) || bad=$((bad + 1))
        looks=$((looks + 1))
        grep -q 'nothing is selected yet' <<<"$text" && partial=$((partial + 1))
    fi
    sleep 0.05
done
wait $run
tap_result $? "the slow run ends well" "$(cat "$dir/slow.log")"
[ $bad -eq 0 ] && [ $looks -gt 2 ] && [ $partial -gt 0 ]
tap_result $? "a running study can be looked at" "$looks looks, $partial before the end, $bad failed" "$text"
has "a study without data" "$("$FOLDRANK" show "$dir/slow")" '^slow: score, less is better, 1 fold,'
valid_json "its json is valid" "$("$FOLDRANK" show "$dir/slow" -f json)"
has "its test score is null" "$("$FOLDRANK" show "$dir/slow" -f json)" '"test_score": null, "optimism": null'
tap_done

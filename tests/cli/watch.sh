#!/usr/bin/env bash
# watch.sh - `foldrank watch`: follows a run from before its first fit to its end, through a kill and a
# resume, without a lock, and ends when the study does.
# Needs FOLDRANK (the program) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
root=$PWD
dir=$(mktemp -d) || exit 1
watcher='' runner=''
trap '{ [ -n "$watcher" ] && kill "$watcher"; [ -n "$runner" ] && kill "$runner"; } 2>/dev/null; rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1

has() {
    grep -qE -- "$3" <<<"$2"
    tap_result $? "$1" "pattern: $3" "$2"
}
same() {
    [ "$2" = "$3" ]
    tap_result $? "$1" "got:    $2" "wanted: $3"
}
# start_watch NAME ARGUMENTS...: in the background; the log is $dir/NAME.log, the last line its code.
start_watch() {
    local log=$dir/$1.log
    shift
    { "$FOLDRANK" watch "$@" --every 0.1 >"$log" 2>&1 </dev/null; echo "code $?" >>"$log"; } &
    watcher=$!
}
# until_seen NAME PATTERN: wait until the log says so; false after a minute.
until_seen() {
    local i
    for ((i = 0; i < 600; i++)); do
        grep -qE -- "$2" "$dir/$1.log" 2>/dev/null && return 0
        sleep 0.1
    done
    return 1
}
# ends NAME: wait for the watch; its log in $text. A minute is for ever.
ends() {
    until_seen "$1" '^code '
    local status=$?
    [ $status -ne 0 ] && kill $watcher
    wait $watcher
    watcher=''
    text=$(cat "$dir/$1.log")
    return $status
}

cat >"$dir/slow.yaml" <<YAML
study: slow
objective: {type: function, function: sphere, sleep: 0.02, direction: minimize, parameters: {x: {float: [-1, 1]}, y: {float: [-1, 1]}}}
search: {method: random, trials: 100, seed: 1}
output: $dir/slow
YAML
mkdir "$dir/slow"
start_watch first "$dir/slow"
until_seen first 'no run has begun here'
tap_result $? "an empty directory: it waits" "$(cat "$dir/first.log")"
"$FOLDRANK" run "$dir/slow.yaml" --snapshot-every 0.2 >"$dir/run.log" 2>&1 </dev/null &
runner=$!
until_seen first '[1-9][0-9]/100 folds .*process '
tap_result $? "it sees fits and who makes them" "$(cat "$dir/first.log")"
kill -9 $runner && wait $runner 2>/dev/null
until_seen first 'no run is at work here; to go on'
tap_result $? "it sees that the run was killed" "$(cat "$dir/first.log")"
"$FOLDRANK" run "$dir/slow.yaml" --snapshot-every 0.2 >"$dir/run.log" 2>&1 </dev/null
tap_result $? "the run goes on" "$(cat "$dir/run.log")"
ends first
tap_result $? "it ends with the study" "$text"
has "with code 0" "$text" '^code 0$'
has "the last look has everything" "$text" '100/100 folds  best [0-9.e-]+ \(trial [0-9]+\)  failed 0  finished$'
has "what to do next" "$text" "^next: foldrank show $dir/slow\$"
done_fits=$(sed -nE 's/^[0-9:]+  ([0-9]+)\/100 folds.*/\1/p' <<<"$text")
same "counts only grow" "$done_fits" "$(sort -n <<<"$done_fits")"
best=$("$FOLDRANK" show "$dir/slow" -f csv --top 1 | sed -n 2p | cut -d, -f1)
has "its best is that of show" "$(tail -n 3 "$dir/first.log")" "\(trial $best\)"

# More trials: the earlier selection stays in results.h5 meanwhile, and is not the end.
start_watch more "$dir/slow" --give-up 20s
ends more
has "a finished study: one look" "$text" '^code 0$'
"$FOLDRANK" run "$dir/slow.yaml" --set search.trials=180 --snapshot-every 0.2 >"$dir/run.log" 2>&1 </dev/null &
runner=$!
for ((i = 0; i < 100; i++)); do [ -e "$dir/slow/lock" ] && break; sleep 0.05; done
start_watch extended "$dir/slow"
ends extended
wait $runner
tap_result $? "more trials: the run ends well" "$(cat "$dir/run.log")"
runner=''
has "more trials: it watches them all" "$text" '180/180 folds .*finished$'

# Racing over folds: what the race spares counts as done here as in the results.
cat >"$dir/race.yaml" <<YAML
study: race
data: {path: $root/data/digits.csv.gz, target: digit, task: classification}
validation: {scheme: stratified_kfold, folds: 4}
models: {softmax: {}}
train: {learning_rate: {log: [1.0e-5, 1.0]}, epochs: 1}
search: {method: random, trials: 30, seed: 1}
pruning: [racing]
output: $dir/race
YAML
"$FOLDRANK" run "$dir/race.yaml" >"$dir/run.log" 2>&1 </dev/null
start_watch race "$dir/race" --give-up 20s
ends race
has "racing: all fits are accounted for" "$text" '120/120 folds .*finished$'
has "racing: some trials were beaten" "$("$FOLDRANK" show "$dir/race")" '[1-9][0-9]* pruned'

# Nested cross-validation: the searches without the outer folds, at the end and on the way.
sed "s/race/outer/; s/trials: 30/trials: 5/; s/^pruning.*/nested: {outer_folds: 3}/; s@/race@/outer@" "$dir/race.yaml" >"$dir/outer.yaml"
"$FOLDRANK" run "$dir/outer.yaml" >"$dir/run.log" 2>&1 </dev/null
start_watch outer "$dir/outer" --give-up 20s
ends outer
has "nested: all outer folds are judged" "$text" '20/20 folds .*failed 0  nested 3/3 \+60 folds  finished$'
if command -v script >/dev/null; then
    text=$(LC_ALL=C TERM=xterm script -qec "$FOLDRANK watch $dir/outer --give-up 20s" /dev/null </dev/null | tr -d '\r\033')
    mean=$("$FOLDRANK" show "$dir/outer" | sed -nE 's/^nested accuracy: ([0-9.]{4}).*/\1/p')
    has "nested: their mean is that of show" "$text" "^nested    3 of 3 outer folds judged, mean ${mean}[0-9]*; 60 folds of their searches"
else
    tap_skip "nested: their mean" "script is not installed"
fi
cp -r "$dir/outer" "$dir/begun"
rm "$dir/begun/results.h5"
truncate -s $(($(stat -c %s "$dir/begun/journal.bin") * 2 / 3)) "$dir/begun/journal.bin"
start_watch begun "$dir/begun" --give-up 0.5s
ends begun
has "nested: some are not yet" "$text" ' nested [0-2]/3 \+[1-5][0-9]? folds  no run is at work'

# A study without a number of trials: a budget ends it.
cat >"$dir/budget.yaml" <<YAML
study: budget
objective: {type: function, function: sphere, direction: minimize, parameters: {x: {float: [-1, 1]}}}
search: {method: random, seed: 1}
stop: {fits: 40}
output: $dir/budget
YAML
"$FOLDRANK" run "$dir/budget.yaml" >"$dir/run.log" 2>&1 </dev/null
start_watch budget "$dir/budget" --give-up 20s
ends budget
has "a budget: its end is the end" "$text" '40/40 folds .*finished$'

# A terminal: one screen.
if command -v script >/dev/null; then
    text=$(LC_ALL=C.UTF-8 TERM=xterm script -qec "$FOLDRANK watch $dir/race --give-up 20s" /dev/null </dev/null | tr -d '\r')
    has "terminal: the screen is wiped" "$text" $'^\033\\[2J\033\\[Hrace: accuracy, more is better'
    has "terminal: progress" "$text" '^folds     █{24} 120 of 120 \(100 %\)'
    has "terminal: states" "$text" '^trials    30 of 30: [0-9]+ complete, [0-9]+ pruned'
    has "terminal: the best with its settings" "$text" '^best      0\.[0-9]+ \+- [0-9.e-]+, trial [0-9]+: learning_rate='
    has "terminal: history" "$text" '^history   .*█'
    text=$(LC_ALL=C TERM=xterm script -qec "$FOLDRANK watch $dir/race --give-up 20s" /dev/null </dev/null | tr -d '\r\033')
    same "terminal: ASCII where the locale is not UTF-8" "$(LC_ALL=C grep -c '[^ -~]' <<<"$text")" 0
else
    tap_skip "terminal" "script is not installed"
fi

# What is not whole, or is not there.
cp -r "$dir/slow" "$dir/torn"
printf 'abc' >>"$dir/torn/journal.bin"
start_watch torn "$dir/torn" --give-up 20s
ends torn
has "a torn last record is passed over" "$text" '180/180 folds .*finished$'
cp -r "$dir/slow" "$dir/broken"
printf '\377\377\377' | dd of="$dir/broken/journal.bin" bs=1 seek=4000 conv=notrunc 2>/dev/null
start_watch broken "$dir/broken" --give-up 20s
ends broken
has "a journal that stays broken is told" "$text" 'journal\.bin: the record at offset [0-9]+'
has "a journal that stays broken: code 1" "$text" '^code 1$'
rm "$dir/torn/results.h5"
start_watch idle "$dir/torn" --give-up 0.5s
ends idle
has "it gives up when no run is at work" "$text" '^code 75$'
has "it says why" "$text" '^the study is not finished, and no run goes on with it$'
rm "$dir/broken/journal.bin"
text=$("$FOLDRANK" watch "$dir/broken" 2>&1 </dev/null)
same "results without a journal: code" "$?" 2
has "results without a journal" "$text" 'broken/results\.h5: there is no journal.*foldrank show'
text=$("$FOLDRANK" watch "$dir/nowhere" 2>&1 </dev/null)
same "no such directory: code" "$?" 2
has "no such directory" "$text" 'nowhere: No such file.*foldrank run'
same "it leaves nothing behind" "$(cd "$dir/race" && echo *)" "journal.bin results.h5 study.yaml"
tap_done

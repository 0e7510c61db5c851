#!/usr/bin/env bash
# failure.sh - what breaks while ranks train ends the run everywhere, with one message, and what
# was filed before is kept.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

cat >"$dir/study.yaml" <<YAML
study: empty
objective: {type: function, function: sphere, direction: minimize, sleep: 0.0004,
            parameters: {x: {float: [-1, 1]}, y: {float: [-1, 1]}}}
search: {method: random, trials: 20000, seed: 1}
output: $dir/unused
YAML

# A limit on the size of files, set while the ranks run, stands for a disk that is full.
launch 2 1 "$dir/full" &
waiter=$!
for ((i = 0; i < 200; i++)); do
    [ -f "$dir/full/journal.bin" ] && break
    sleep 0.02
done
for rank in $(pgrep -x foldrank); do
    grep -qz -- "$dir/full" "/proc/$rank/cmdline" && prlimit --pid "$rank" --fsize=1500000
done
wait $waiter
status=$?
[ $status -eq 1 ]
tap_result $? "journal cannot grow: exit 1 on all ranks" "exit status $status" \
    "$(tail -n 20 "$dir/full.log")"
[ "$(grep -c '^foldrank: .*journal' "$dir/full.log")" -eq 1 ]
tap_result $? "journal cannot grow: one message that names it" "$(tail -n 20 "$dir/full.log")"
before=$(folds_in "$dir/full" | wc -l)
[ "$before" -gt 0 ]
tap_result $? "journal cannot grow: what fitted is kept"
launch 3 1 "$dir/full"
tap_result $? "with room again: goes on to the end" "$(tail -n 20 "$dir/full.log")"
tap_empty "with room again: every task was done once" "$(once_each "$dir/full" 20000)"
launch 1 1 "$dir/reference"
tap_empty "with room again: same results as undisturbed" "$(differences "$dir/reference" "$dir/full")"

launch 2 1 "$dir/empty" --set objective.sleep=0
tap_result $? "empty tasks: runs" "$(tail -n 20 "$dir/empty.log")"
tap_empty "empty tasks: every one was done once" "$(once_each "$dir/empty" 20000)"
tap_done

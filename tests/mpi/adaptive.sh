#!/usr/bin/env bash
# adaptive.sh - search that learns and fits that are stopped early: what is tried and what is
# pruned depend on results, and must not depend on ranks, on the order of arrival or on a crash.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

# same NAME OPTION...: 1, 2, 3 and 5 ranks, and 3 ranks killed in the middle, then finished.
same() {
    local name=$1 ranks
    shift
    launch 1 1 "$dir/reference" "$@"
    tap_result $? "$name: runs" "$(tail -n 20 "$dir/reference.log")"
    for ranks in 2 3 5; do
        launch $ranks 1 "$dir/other" "$@"
        tap_empty "$name: $ranks ranks, same results" "$(differences "$dir/reference" "$dir/other")"
        rm -rf "$dir/other"
    done
    launch 3 1 "$dir/other" "$@" &
    sleep 0.7
    # Until none is left: a rank may just be starting when the others are killed.
    while pkill -9 -f "foldrank run $dir/study.yaml"; do sleep 0.1; done
    wait
    launch 2 1 "$dir/other" "$@"
    tap_empty "$name: killed and finished, same results" \
        "$(differences "$dir/reference" "$dir/other")"
    rm -rf "$dir/other"
}

# states OUTPUT WORD: number of trials in a state.
states() { "$FOLDRANK" show "$1" --format csv | awk -F, -v w="$2" '$2 == w' | wc -l; }

write_study 24 4 9
same "tpe" --set search.method=tpe --set search.concurrency=4
rm -rf "$dir/reference"
same "tpe, asha and racing" --set search.method=tpe --set search.concurrency=4 \
    --set 'pruning=[asha, racing]'
[ "$(states "$dir/reference" pruned)" -gt 4 ]
tap_result $? "asha and racing prune" "$("$FOLDRANK" show "$dir/reference" --top 99)"
rm -rf "$dir/reference"
same "random, median and patience" --set search.method=random --set search.concurrency=6 \
    --set 'pruning={method: [median, patience], startup_trials: 3, patience: 3}'
[ "$(states "$dir/reference" pruned)" -gt 2 ]
tap_result $? "median and patience prune" "$("$FOLDRANK" show "$dir/reference" --top 99)"
rm -rf "$dir/reference"
same "gp, hyperband" --set search.method=gp --set search.concurrency=6 \
    --set pruning=hyperband
tap_done

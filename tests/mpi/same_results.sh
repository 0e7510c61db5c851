#!/usr/bin/env bash
# same_results.sh - the same study gives the same bits for any number of ranks and threads.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

write_study 6 3 4
launch 1 1 "$dir/reference"
tap_result $? "1 rank, 1 thread: runs" "$(tail -n 20 "$dir/reference.log")"

for ranks in 1 2 3 5; do
    for threads in 1 2 3; do
        [ "$ranks$threads" = 11 ] && continue
        launch $ranks $threads "$dir/other"
        status=$?
        found=$(differences "$dir/reference" "$dir/other")
        [ $status -eq 0 ] && [ -z "$found" ]
        tap_result $? "$ranks ranks, $threads threads: same results" "exit status $status" \
            "$found" "$(tail -n 5 "$dir/other.log")"
        rm -rf "$dir/other"
    done
done

launch 2 1 "$dir/snapshots" --snapshot-every 0.01s
tap_result $? "results.h5 written all the time: runs" "$(tail -n 20 "$dir/snapshots.log")"
tap_empty "results.h5 written all the time: same results" \
    "$(differences "$dir/reference" "$dir/snapshots")"

# Fewer tasks than ranks: the others wait and end with them.
write_study 1 2 2
launch 1 1 "$dir/few1" && launch 5 1 "$dir/few5"
tap_result $? "2 tasks on 5 ranks: ends" "$(tail -n 20 "$dir/few5.log")"
tap_empty "2 tasks on 5 ranks: same results" "$(differences "$dir/few1" "$dir/few5")"

# The comparison can fail: another seed is another study.
launch 1 1 "$dir/seed" --set search.seed=6
h5diff -q "$dir/few1/results.h5" "$dir/seed/results.h5" /trials/score_mean
[ $? -eq 1 ]
tap_result $? "another seed: other results"
tap_done

#!/usr/bin/env bash
# table.sh - recorded trainings whose run times shuffle the order of arrival: with every sampler
# and every pruner the same results on any number of ranks and after a kill. The file is read by
# root alone.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

# 8 x 6 x 2 settings; curves of 9 steps in 3 folds that cross now and then; from 2 to 80 ms.
mkdir "$dir/root" "$dir/others"
awk 'BEGIN {
    srand(4)
    printf "rate,units,act"
    for (f = 0; f < 3; f++) for (e = 1; e <= 9; e++) printf ",f%d@%d", f, e
    print ",took"
    for (r = 1; r <= 8; r++) for (u = 1; u <= 6; u++) for (a = 0; a < 2; a++) {
        q = exp(-((r - 5) ^ 2 + (u - 4) ^ 2) / 9) - 0.1 * a
        printf "%g,%d,%s", r / 10, 2 ^ u, a ? "tanh" : "relu"
        for (f = 0; f < 3; f++) for (e = 1; e <= 9; e++)
            printf ",%.6f", q * (1 - exp(-e / 3)) + 0.05 * f + 0.04 * rand()
        printf ",%.4f\n", 0.002 + 0.078 * rand() ^ 3
    }
}' >"$dir/root/table.csv"
cat >"$dir/root/study.yaml" <<YAML
study: table
objective:
  type: table
  path: table.csv
  direction: maximize
  values: [f0, f1, f2]
  steps: 9
  run_time: took
  parameters: {rate: {float: [0.1, 0.8], step: 0.1}, units: {choice: [2, 4, 8, 16, 32, 64]}, act: {choice: [relu, tanh]}}
validation: {folds: 3}
search: {method: random, trials: 30, seed: 5, concurrency: 6}
YAML

# look RANKS OUTPUT OPTION...: only the first rank has a table.csv where it works.
look() {
    local ranks=$1 output=$2 others=()
    shift 2
    local command=("$FOLDRANK" run "$dir/root/study.yaml" --output "$output" "$@")
    [ "$ranks" -gt 1 ] && others=(: -n $((ranks - 1)) -wdir "$dir/others" "${command[@]}")
    # shellcheck disable=SC2086
    OMP_NUM_THREADS=1 timeout -k 5 "$RUN_TIMEOUT" $MPIRUN 1 -wdir "$dir/root" "${command[@]}" \
        "${others[@]}" >"$output.log" 2>&1 </dev/null
}

# arrival OUTPUT: folds in the order in which they were filed.
arrival() { folds_in "$1" | tr '\n' ';'; }

# same NAME OPTION...: on 1, 2, 3 and 5 ranks, and 3 ranks killed in the middle, then finished.
same() {
    local name=$1 ranks orders=1
    shift
    look 1 "$dir/reference" "$@"
    tap_result $? "$name: runs" "$(tail -n 20 "$dir/reference.log")"
    for ranks in 2 3 5; do
        look $ranks "$dir/other" "$@"
        tap_empty "$name: $ranks ranks, same results" "$(differences "$dir/reference" "$dir/other")"
        [ "$(arrival "$dir/reference")" = "$(arrival "$dir/other")" ] || orders=$((orders + 1))
        rm -rf "$dir/other"
    done
    [ $orders -gt 1 ]
    tap_result $? "$name: folds arrive in another order" "$orders orders"
    look 3 "$dir/other" "$@" &
    sleep 0.6
    # Until none is left: a rank may just be starting when the others are killed.
    while pkill -9 -f "foldrank run $dir/root/study.yaml"; do sleep 0.1; done
    wait
    look 2 "$dir/other" "$@"
    tap_empty "$name: killed and finished, same results" \
        "$(differences "$dir/reference" "$dir/other")"
    rm -rf "$dir/other"
    pruned=$("$FOLDRANK" show "$dir/reference" -f csv | awk -F, '$2 == "pruned"' | wc -l)
    rm -rf "$dir/reference"
}

# prunes NAME: the last study did.
prunes() {
    [ "$pruned" -gt 3 ]
    tap_result $? "$1: prunes" "$pruned trials"
}

same "grid" --set search.method=grid
same "random, median" --set pruning=median
prunes "median"
same "sobol, percentile" --set search.method=sobol --set 'pruning={method: percentile, percentile: 40}'
prunes "percentile"
same "tpe, asha" --set search.method=tpe --set pruning=asha
prunes "asha"
same "gp, hyperband" --set search.method=gp --set pruning=hyperband
prunes "hyperband"
same "auto, threshold" --set 'pruning={method: threshold, threshold: 0.3, first_epoch: 5}' \
    --set search.method=auto
prunes "threshold"
same "tpe, patience" --set search.method=tpe --set 'pruning={method: patience, patience: 1}'
same "gp, racing" --set search.method=gp --set pruning=racing
prunes "racing"
same "tpe, all together" --set search.method=tpe \
    --set 'pruning={method: [median, percentile, asha, hyperband, threshold, patience, racing], threshold: 0.01}'
prunes "all together"
tap_done

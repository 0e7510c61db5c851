#!/usr/bin/env bash
# fm_epoch.sh PROGRAM RATINGS - processor and wall seconds of an epoch of a factorisation machine over
# 80 % of the ratings (CSV with userId, movieId, rating; data/fetch.sh movielens), foldrank and PyTorch
# loops in turn, ROUNDS times, THREADS threads each: 16 factors, batches of 256, Adam, EPOCHS epochs.
# peer_fm.py has torch.optim.Adam over all parameters, and SparseAdam over those of the batch, as
# foldrank has. Prints medians, ratios, and the validation RMSE.
#
# foldrank is charged with its whole command but for the wall time: start, reading, validation, the refit
# (as many epochs of more rows), the files. PyTorch's start, reading and first epoch are free.
# PYTHON names an interpreter with tests/bench/requirements.txt.
set -euo pipefail
program=$(realpath "$1") data=$(realpath "$2")
cd "$(dirname "$0")/../.."
: "${PYTHON:=build/bench/venv/bin/python}" "${ROUNDS:=3}" "${THREADS:=2}" "${EPOCHS:=6}"
unset OPENBLAS_CORETYPE # for all alike
export OMP_NUM_THREADS=$THREADS
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/fm.yaml" <<YAML
study: fm
data: {path: $data, target: rating, task: regression, categorical: [userId, movieId], drop: [title, year, genres, timestamp]}
validation: {scheme: holdout, fraction: 0.2}
metric: rmse
models: {fm: {factors: 16, l2: 0.1, l2_factors: 0.1, init_sd: 0.05}}
train: {optimizer: adam, learning_rate: 3.0e-3, batch_size: 256, epochs: $EPOCHS, score_every: $EPOCHS}
search: {method: random, trials: 1}
explain: {when: never}
resources: {threads: $THREADS}
output: $dir/results
YAML

ours() {
    local used
    rm -rf "$dir/results"
    TIMEFORMAT='%U %S'
    used=$({ time "$program" run "$dir/fm.yaml" >/dev/null 2>"$dir/log"; } 2>&1) || { cat "$dir/log" >&2; exit 1; }
    "$program" show "$dir/results" -f csv --trial 0 >"$dir/fold.csv"
    awk -F, -v used="$used" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { split(used, t, " "); n = $at["epochs"] # of 80 % of the rows, then of all
          printf "foldrank wall=%.4f processor=%.4f rmse=%.4f\n", $at["seconds"] / n, (t[1] + t[2]) / (2.25 * n), $at["score"] }' "$dir/fold.csv"
}
theirs() { # NAME OPTIMIZER
    "$PYTHON" tests/bench/peer_fm.py "$data" --threads "$THREADS" --epochs "$EPOCHS" --optimizer "$2" | sed "s/^/$1 /"
}

for round in $(seq "$ROUNDS"); do
    echo "round $round" >&2
    ours
    theirs PyTorch,Adam adam
    theirs PyTorch,SparseAdam sparse
done | tee "$dir/rounds" >&2
awk '
    function median(list, n, i, j, t, v) {
        n = split(list, v, " ")
        for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++)
            if (v[i] + 0 > v[j] + 0) { t = v[i]; v[i] = v[j]; v[j] = t }
        return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    { for (i = 2; i <= NF; i++) { split($i, kv, "="); seen[$1, kv[1]] = seen[$1, kv[1]] " " kv[2] } names[$1] = 1 }
    END {
        printf "%-20s %10s %14s %12s %6s\n", "an epoch", "wall [s]", "processor [s]", "processor x", "RMSE"
        mine = median(seen["foldrank", "processor"])
        for (name in names) {
            own = median(seen[name, "processor"])
            printf "%-20s %10.3f %14.3f %12.1f %6.4f\n", name, median(seen[name, "wall"]), own, own / mine,
                median(seen[name, "rmse"])
        }
    }' "$dir/rounds"

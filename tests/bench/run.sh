#!/usr/bin/env bash
# run.sh PROGRAM - `make bench`: this machine's arithmetic, then the digits study in foldrank, in
# scikit-learn and in Optuna with PyTorch, one after the other in every round so that all three
# meet the same noise; foldrank, ten times as short, before, between and after its rivals.
# Prints medians of ROUNDS rounds and ratios of fits per second.
#
# PYTHON may name an interpreter that has tests/bench/requirements.txt; otherwise a virtual
# environment is made under build/. Python's start and imports are not counted for the rivals.
# The rivals train the hyperparameter sets that foldrank drew, so that none is lucky with them.
# foldrank is timed twice: the whole command, mpirun's start and the writing of results
# included, and, as the rivals are, from the first task to the last, without the refit
# (`inside`).
set -euo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")/../.."
: "${MPIRUN:=mpirun --oversubscribe --mca pml ob1 -n}" "${ROUNDS:=5}" "${RANKS:=2}"
export OMP_NUM_THREADS=1
unset OPENBLAS_CORETYPE # for all three alike
mkdir -p build/bench

if [ -z "${PYTHON:-}" ]; then
    PYTHON=build/bench/venv/bin/python
    if [ ! -x $PYTHON ]; then
        python3 -m venv build/bench/venv
        $PYTHON -m pip install -q -r tests/bench/requirements.txt
    fi
fi

# shellcheck disable=SC2086
$MPIRUN 1 "$program" bench --seconds 6

ours() {
    local begin end accuracy inside
    rm -rf build/bench/digits
    begin=$(date +%s.%N)
    # shellcheck disable=SC2086
    $MPIRUN "$RANKS" "$program" run tests/bench/digits.yaml >build/bench/ours.out 2>build/bench/ours.log
    end=$(date +%s.%N)
    accuracy=$("$program" show build/bench/digits --format json |
        sed -nE 's/.*"test_score": *([0-9.]+).*/\1/p' | head -n 1)
    inside=$("$program" show build/bench/digits --format json |
        sed -nE 's/.*"wall_seconds": *([0-9.]+).*/\1/p' | head -n 1)
    awk -v b="$begin" -v e="$end" -v i="$inside" -v a="$accuracy" 'BEGIN {
        printf "foldrank fits_per_second=%.3f test_accuracy=%s\n", 320 / (e - b), a
        printf "foldrank,inside fits_per_second=%.3f test_accuracy=%s\n", 320 / i, a }'
}

ours >/dev/null
"$program" show build/bench/digits --format csv --top 64 >build/bench/trials.csv

for round in $(seq "$ROUNDS"); do
    echo "round $round"
    { ours
      echo "scikit-learn $("$PYTHON" tests/bench/peer_sklearn.py --like build/bench/trials.csv | tail -n 1)"
      ours
      echo "optuna+pytorch $("$PYTHON" tests/bench/peer_optuna_torch.py --like build/bench/trials.csv | tail -n 1)"
      ours; } | tee -a build/bench/rounds.$$
done

echo
awk -v rounds="$ROUNDS" '
    function median(list, n,    i, j, t, v) {
        n = split(list, v, " ")
        for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++)
            if (v[i] + 0 > v[j] + 0) { t = v[i]; v[i] = v[j]; v[j] = t }
        return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    { for (i = 2; i <= NF; i++) { split($i, kv, "="); seen[$1, kv[1]] = seen[$1, kv[1]] " " kv[2] } }
    END {
        split("foldrank foldrank,inside scikit-learn optuna+pytorch", who, " ")
        whole = median(seen[who[1], "fits_per_second"])
        inside = median(seen[who[2], "fits_per_second"])
        printf "%-16s %10s %14s %11s %9s\n", rounds " rounds", "fits/s", "test accuracy", "foldrank x", "inside x"
        for (i = 1; i <= 4; i++) {
            rate = median(seen[who[i], "fits_per_second"])
            printf "%-16s %10.1f %14.4f %11.1f %9.1f\n", who[i], rate, median(seen[who[i], "test_accuracy"]), whole / rate, inside / rate
        }
    }' build/bench/rounds.$$
rm -f build/bench/rounds.$$

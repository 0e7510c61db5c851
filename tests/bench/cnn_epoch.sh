#!/usr/bin/env bash
# cnn_epoch.sh PROGRAM - processor and wall time of training a small CNN on IMAGES images of Fashion-MNIST
# (Debian package dataset-fashion-mnist) for an epoch, foldrank and PyTorch in turn, ROUNDS times, THREADS
# threads each: two convolutions of 3 x 3 with batch normalisation, relu and pooling, 32 and 64 channels, 128
# dense units with dropout, Adam, batches of BATCH. Prints medians per 60,000 images and their ratio.
#
# foldrank is charged with its whole command but for the wall time: start, reading, a validation fold, the
# refit (which is a second epoch, and counted as one), the files. PyTorch's start and reading are free, and
# it has its images as floats in memory. PYTHON names an interpreter with tests/bench/requirements.txt.
set -euo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")/../.."
: "${PYTHON:=build/bench/venv/bin/python}" "${ROUNDS:=3}" "${IMAGES:=60000}" "${THREADS:=2}" "${BATCH:=128}"
: "${FASHION:=/usr/share/datasets/fashion-mnist}"
unset OPENBLAS_CORETYPE # for both alike
export OMP_NUM_THREADS=$THREADS
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# first FILE BYTES HEADER: the first IMAGES records of an IDX file whose header has so many bytes.
first() {
    local n
    n=$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((IMAGES >> 24)) $((IMAGES >> 16 & 255)) $((IMAGES >> 8 & 255)) $((IMAGES & 255)))
    gzip -dc "$FASHION/$1" >"$dir/all"
    head -c 4 "$dir/all"
    printf '%b' "$n"
    head -c $(($3 + IMAGES * $2)) "$dir/all" | tail -c +9
}
first train-images-idx3-ubyte.gz 784 16 >"$dir/images"
first train-labels-idx1-ubyte.gz 1 8 >"$dir/labels"
cat >"$dir/study.yaml" <<YAML
study: epoch
data: {path: $dir/images, labels: $dir/labels, task: classification}
preprocess: {scale: minmax}
validation: {scheme: holdout, fraction: 0.02, seed: 0}
metric: accuracy
models: {cnn: {filters: [32, 64], batch_norm: true, hidden: [128], dropout: 0.4}}
train: {optimizer: adam, learning_rate: 0.002, batch_size: $BATCH, epochs: 1}
search: {method: random, trials: 1, seed: 1}
resources: {threads: $THREADS}
output: $dir/results
YAML

ours() {
    local used
    rm -rf "$dir/results"
    TIMEFORMAT='%U %S'
    used=$({ time "$program" run "$dir/study.yaml" >/dev/null 2>"$dir/log"; } 2>&1) || { cat "$dir/log" >&2; exit 1; }
    "$program" show "$dir/results" -f csv --trial 0 >"$dir/fold.csv"
    awk -F, -v used="$used" -v n="$IMAGES" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { split(used, t, " ")
          printf "foldrank wall=%.3f processor=%.3f\n", $at["seconds"] / (0.98 * n) * 6e4, (t[1] + t[2]) / (1.98 * n) * 6e4 }' "$dir/fold.csv"
}
theirs() { # NAME LAYOUT
    "$PYTHON" tests/bench/peer_cnn_torch.py "$dir/images" "$dir/labels" "$BATCH" 1 "$THREADS" "$2" |
        awk -v name="$1" -v n="$IMAGES" '{ printf "%s wall=%.3f processor=%.3f\n", name, $1 / n * 6e4, $2 / n * 6e4 }'
}

for round in $(seq "$ROUNDS"); do
    echo "round $round" >&2
    ours
    theirs PyTorch contiguous
    theirs PyTorch,channels_last channels_last
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
        printf "%-24s %10s %12s %11s\n", "60,000 images", "wall [s]", "processor [s]", "processor x"
        mine = median(seen["foldrank", "processor"])
        for (name in names)
            printf "%-24s %10.1f %12.1f %11.2f\n", name, median(seen[name, "wall"]),
                median(seen[name, "processor"]), median(seen[name, "processor"]) / mine
    }' "$dir/rounds"

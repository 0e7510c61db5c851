#!/usr/bin/env bash
# known_results.sh PROGRAM DATA_DIR [NAME...] - our cross-validated or test scores beside published
# or independently measured ones, as a table. DATA_DIR holds the sets listed below (PMLB tables,
# UCI regression sets); MPIRUN ends in -n. A set that is not there is named as skipped.
#
# The reference figures: accuracy of scikit-learn 1.2.1's untuned logistic regression or MLP; RMSE
# of a plain one-hidden-layer network from the result files published with Gal and Ghahramani,
# "Dropout as a Bayesian approximation", ICML 2016.
set -u
program=$1 data=$2
shift 2
wanted=("$@")
: "${MPIRUN:=mpirun --oversubscribe -n}" "${RANKS:=2}"
export OMP_NUM_THREADS=1
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

# One search for all: 16 random configurations of one family or, `families`, of three, 5 folds,
# test part untouched. The reference of some is a mean over 5 folds of all rows: there is no test
# part then.
part=', test: {fraction: 0.25, seed: 1}'
study() { # NAME FILE TARGET TASK METRIC MODELS EXTRA-DATA ENCODE
    cat <<YAML
study: $1
data: {path: $2, target: $3, task: $4$part$7}
preprocess: {impute: median, scale: standard, encode: $8}
validation: {folds: 5, seed: 0}
metric: $5
models:
  $6
train:
  optimizer: adam
  learning_rate: {log: [1.0e-3, 3.0e-2]}
  batch_size: {choice: [32, 64, 128]}
  schedule: cosine
  epochs: $epochs
  score_every: $epochs
search: {method: random, trials: 16, seed: 1}
output: $work/$1
YAML
}

softmax='softmax: {l2: {log: [1.0e-6, 1.0e-2]}}'
mlp='mlp: {hidden: {choice: [[64], [128], [128, 64]]}, dropout: {float: [0.0, 0.2]}}'

# Searched together.
families='mlp: {hidden: {choice: [[50], [50, 50]]}}
  kernel: {kernel: {choice: [rbf, laplace]}, gamma: {log: [1.0e-2, 1]}, ridge: {log: [1.0e-4, 1.0e-1]}}
  linear: {l2: {log: [1.0e-6, 1.0e-1]}}'

# number KEY: the first value of a key in $json.
number() { sed -nE "s/.*\"$1\": *([-0-9.e+]+).*/\1/p" <<<"$json" | head -n 1; }

# row NAME FILE TARGET TASK METRIC MODELS REFERENCE [EXTRA-DATA] [ENCODE]
row() {
    local name=$1 file=$2 reference=$7 json
    [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $name "* ]] || return 0
    if [ ! -e "$file" ]; then
        printf '%-22s %-9s %10s   skipped: no %s\n' "$name" "$5" "$reference" "$file"
        return
    fi
    study "$name" "$file" "$3" "$4" "$5" "$6" "${8:-}" "${9:-onehot}" >"$work/$name.yaml"
    # shellcheck disable=SC2086
    if ! $MPIRUN "$RANKS" "$program" run "$work/$name.yaml" >"$work/$name.out" 2>"$work/$name.log"; then
        printf '%-22s failed:\n' "$name"
        tail -n 5 "$work/$name.log"
        return
    fi
    json=$("$program" show "$work/$name" --format json)
    printf '%-22s %-9s %10s %10.4f %10s\n' "$name" "$5" "$reference" \
        "$(number score_mean)" "${part:+$(printf %.4f "$(number test_score)")}"
}

printf '%-22s %-9s %10s %10s %10s\n' "set, family" metric reference "5 folds" test
c=$data/classification r=$data/regression b=$data/bio
epochs=30
row letter-mlp "$c/letter.tsv.gz" target classification accuracy \
    'mlp: {hidden: [64]}' 0.903
row magic-mlp "$c/magic.tsv.gz" target classification accuracy 'mlp: {hidden: [64]}' 0.865
row phoneme-mlp "$c/phoneme.tsv.gz" target classification accuracy 'mlp: {hidden: [64]}' 0.802
row segmentation-mlp "$c/segmentation.tsv.gz" target classification accuracy \
    'mlp: {hidden: [64]}' 0.915
row spambase-mlp "$c/spambase.tsv.gz" target classification accuracy 'mlp: {hidden: [64]}' 0.937
row dna-softmax "$b/dna.tsv.gz" target classification accuracy "$softmax" 0.958
# The letters of splice are coded as numbers: all columns but the last are categories.
letters=$(zcat "$b/splice.tsv.gz" 2>/dev/null | head -n 1 | tr '\t' ',' | sed 's/,target$//')
row splice-onehot-softmax "$b/splice.tsv.gz" target classification accuracy "$softmax" 0.959 \
    ", categorical: [$letters]"
row splice-codes-softmax "$b/splice.tsv.gz" target classification accuracy "$softmax" 0.825
part=
row digits-mlp "$here/data/digits.csv.gz" digit classification accuracy "$mlp" 0.980
row hpc_data-mlp "$here/data/hpc_data.csv.gz" class classification accuracy "$mlp" 0.778
epochs=100
row hpc_data-softmax "$here/data/hpc_data.csv.gz" class classification accuracy "$softmax" 0.728
part=', test: {fraction: 0.25, seed: 1}' epochs=400
row energy-mlp "$r/energy.txt.gz" -1 regression rmse 'mlp: {hidden: [50]}' 0.967
row concrete-families "$r/concrete.txt.gz" -1 regression rmse "$families" 5.45
row yacht-families "$r/yacht.txt.gz" -1 regression rmse "$families" 1.23
epochs=100
row kin8nm-mlp "$r/kin8nm.txt.gz" -1 regression rmse 'mlp: {hidden: [50]}' 0.0916
row power-mlp "$r/power-plant.txt.gz" -1 regression rmse 'mlp: {hidden: [50]}' 4.18
epochs=40
row protein-mlp "$r/protein-tertiary-structure.txt.gz" -1 regression rmse \
    'mlp: {hidden: [100]}' 4.39

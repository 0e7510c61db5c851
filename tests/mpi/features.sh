#!/usr/bin/env bash
# features.sh - studies that search what becomes of the features: the same bits for any number of
# ranks and threads, predictions, and what cannot be, said before anything trains.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"

# study_of NAME LINE...: $dir/study.yaml with these lines of `preprocess`.
study_of() {
    local name=$1
    shift
    cat >"$dir/study.yaml" <<YAML
study: $name
data: {path: data/digits.csv.gz, target: digit, task: classification, test: {fraction: 0.2, seed: 7}}
preprocess:
$(printf '  %s\n' "$@")
validation: {folds: 2, seed: 3}
models:
  softmax: {l1: {log: [1.0e-5, 1.0e-3]}}
  svm: {l2: {log: [1.0e-5, 1.0e-3]}}
train: {optimizer: adam, learning_rate: 0.02, epochs: 4}
search: {method: random, trials: 5, seed: 5}
output: $dir/unused
YAML
}

# compare NAME: one rank and two give the same; new rows are predicted well.
compare() {
    local found right
    launch 1 1 "$dir/one"
    tap_result $? "$1: runs" "$(tail -n 20 "$dir/one.log")"
    launch 2 2 "$dir/two"
    local status=$?
    found=$(differences "$dir/one" "$dir/two")
    [ $status -eq 0 ] && [ -z "$found" ]
    tap_result $? "$1: 2 ranks, 2 threads: same results" "exit status $status" "$found" "$(tail -n 5 "$dir/two.log")"
    "$FOLDRANK" predict "$dir/one" data/digits.csv.gz -o "$dir/predicted.csv" 2>"$dir/log"
    right=$(paste -d, "$dir/predicted.csv" <(gzip -dc data/digits.csv.gz |
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "digit") t = i } { print $t }') |
        awk -F, 'NR > 1 { n += $2 == $NF } END { print n }')
    [ "${right:-0}" -gt 1600 ]
    tap_result $? "$1: most predictions are right" "$right of 1797" "$(cat "$dir/log")"
    rm -rf "$dir/one" "$dir/two"
}

# refused NAME PATTERN: check says so and exits with 2.
refused() {
    "$FOLDRANK" check "$dir/study.yaml" >"$dir/log" 2>&1
    local status=$?
    [ $status -eq 2 ] && grep -qE -- "$2" "$dir/log"
    tap_result $? "$1" "exit status $status" "pattern: $2" "$(cat "$dir/log")"
}

study_of selection 'select_features: {choice: [variance, f_test, chi2, mutual_information]}' \
    'keep_features: {float: [0.4, 0.9], step: 0.1}'
compare selection

study_of projection 'pca: {choice: [0, 0.9, 20]}' 'whiten: {choice: [false, true]}' 'fourier: {choice: [0, 400]}' \
    'fourier_gamma: {log: [1.0e-3, 3.0e-2]}' 'fourier_orthogonal: {choice: [false, true]}'
compare projection

study_of nothing 'keep_features: 10'
refused "a number of features without a choice" 'study.yaml:4: preprocess.keep_features has no effect without select_features'
study_of nothing 'whiten: true' 'fourier_gamma: 0.1'
refused "whiten without components" 'study.yaml:4: preprocess.whiten has no effect without pca'
refused "gamma without Fourier features" 'study.yaml:5: preprocess.fourier_gamma has no effect without fourier'
study_of picture 'pca: 10'
sed -i 's|^models:|&\n  cnn: {shape: [8, 8, 1], filters: [4]}|' "$dir/study.yaml"
refused "components of a picture" 'study.yaml:4: preprocess.pca leaves model cnn without its picture'
study_of choice 'pca: {choice: [0, 10], when: {model: [softmax, svm]}}'
sed -i 's|^models:|&\n  cnn: {shape: [8, 8, 1], filters: [4]}|' "$dir/study.yaml"
"$FOLDRANK" check "$dir/study.yaml" >"$dir/log" 2>&1
tap_result $? "components for the other families" "$(cat "$dir/log")"
printf '%s\n' 'a,b,y' 1,2,x 2,1,z 3,-4.5,x 1,1,z 2,2,x 3,3,z >"$dir/small.csv"
study_of negative 'scale: standard' 'select_features: {choice: [f_test, chi2]}'
sed -i "s|^data: .*|data: {path: $dir/small.csv, target: y, task: classification}|" "$dir/study.yaml"
refused "chi2 of numbers below 0" \
    "study.yaml:5: preprocess.select_features chi2 .*column b of .*small.csv has -4.5, which is below 0 \(row 3 of the data\): take f_test"
launch 2 1 "$dir/negative"
[ $? -eq 2 ] && [ ! -e "$dir/negative/results.h5" ]
tap_result $? "run refuses it, too" "$(cat "$dir/negative.log")"
tap_done

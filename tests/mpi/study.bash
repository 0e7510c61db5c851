# shellcheck shell=bash
# study.bash - sourced by the tests of `foldrank run`: a small study, launching, comparing.
# Needs FOLDRANK (the program) and MPIRUN (ending in -n) in the environment.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
: "${RUN_TIMEOUT:=100}"

# write_study TRIALS FOLDS EPOCHS: $dir/study.yaml, real data, two families, two optimizers.
write_study() {
    cat >"$dir/study.yaml" <<YAML
study: small
data: {path: data/digits.csv.gz, target: digit, task: classification, test: {fraction: 0.2, seed: 7}}
preprocess: {scale: standard}
validation: {scheme: stratified_kfold, folds: $2, seed: 3}
metric: accuracy
models:
  softmax: {l2: {log: [1.0e-6, 1.0e-1]}}
  mlp: {hidden: {choice: [[16], [32, 16]]}, activation: {choice: [relu, tanh]}, dropout: {float: [0.0, 0.5]}}
train:
  optimizer: {choice: [sgd, adam]}
  learning_rate: {log: [1.0e-3, 1.0e-1]}
  momentum: {float: [0.0, 0.95], when: {optimizer: sgd}}
  batch_size: {choice: [32, 64]}
  epochs: $3
search: {method: random, trials: $1, seed: 5}
output: $dir/unused
YAML
}

# launch RANKS THREADS OUTPUT [OPTION...]: run the study; log in OUTPUT.log, status as returned.
launch() {
    local ranks=$1 threads=$2 output=$3
    shift 3
    # shellcheck disable=SC2086
    OMP_NUM_THREADS=$threads timeout -k 5 "$RUN_TIMEOUT" $MPIRUN "$ranks" "$FOLDRANK" run \
        "$dir/study.yaml" --output "$output" "$@" >"$output.log" 2>&1 </dev/null
}

# lasting_study TRIALS FOLDS SECONDS: write_study with so many epochs that two ranks of this
# machine take at least about so long, enough to be disturbed; the faster of two probes counts.
lasting_study() {
    local epochs
    write_study "$1" "$2" 8
    epochs=$(for i in 1 2; do
        launch 2 1 "$dir/probe$i"
        sed -nE 's/.* wall_s=([0-9.]+) .*/\1/p' "$dir/probe$i.log"
    done | sort -n | awk -v seconds="$3" 'NR == 1 { n = int(8 * seconds / $1)
        print(n < 8 ? 8 : n > 600 ? 600 : n) }')
    rm -rf "$dir"/probe*
    write_study "$1" "$2" "${epochs:-8}"
}

# differences A B: what differs in two results but for timings and host facts; empty when equal.
# The study's own text names the output directory, so it is compared without that line. h5diff
# has nothing to compare in empty data sets; h5ls shows that they are empty in both.
differences() {
    h5diff -c --exclude-path /ranks --exclude-path /study/config --exclude-path /trials/seconds \
        --exclude-path /folds/seconds --exclude-path /folds/samples_per_second \
        --exclude-path /folds/rank --exclude-path /folds/start_s --exclude-path /folds/end_s --exclude-path /nested/seconds \
        --exclude-attribute / "$1/results.h5" "$2/results.h5" >"$dir/h5diff.txt" 2>&1 ||
        echo "h5diff: status $?"
    grep -v 'is an empty dataset$' "$dir/h5diff.txt" | head -n 20
    diff <(h5ls -r "$1/results.h5" | grep -v '^/ranks') \
        <(h5ls -r "$2/results.h5" | grep -v '^/ranks')
    diff <(grep -v '^output:' "$1/study.yaml") <(grep -v '^output:' "$2/study.yaml")
}

# folds_in OUTPUT: "trial fold" of every fold record in the journal, in its order.
folds_in() {
    perl -e '
        open my $f, "<:raw", $ARGV[0] or die "no journal\n";
        local $/; my $b = <$f>;
        my $at = 20 + unpack "V", substr $b, 12, 4;
        while ($at + 8 <= length $b) {
            my $n = unpack "V", substr $b, $at, 4;
            last if $at + 8 + $n > length $b;
            my ($type, $trial, $fold) = unpack "CQ<V", substr $b, $at + 8, 13;
            print "$trial $fold\n" if $type == 2;
            $at += 8 + $n;
        }' "$1/journal.bin"
}

# outer_folds_in OUTPUT: "search trial fold" of every fold record of nested cross-validation; fold
# 4294967295 is the outer fold.
outer_folds_in() {
    perl -e '
        open my $f, "<:raw", $ARGV[0] or die "no journal\n";
        local $/; my $b = <$f>;
        my $at = 20 + unpack "V", substr $b, 12, 4;
        while ($at + 8 <= length $b) {
            my $n = unpack "V", substr $b, $at, 4;
            last if $at + 8 + $n > length $b;
            my ($outer, $plan, $search, $type, $trial, $fold) = unpack "CQ<VCQ<V", substr $b, $at + 8, $n;
            print "$search $trial $fold\n" if $outer == 5 && $type == 2;
            $at += 8 + $n;
        }' "$1/journal.bin"
}

# once_each OUTPUT TASKS: says what is wrong when a fold was not trained exactly once.
once_each() {
    local all distinct
    all=$(folds_in "$1" | wc -l)
    distinct=$(folds_in "$1" | sort -u | wc -l)
    [ "$all" -eq "$2" ] && [ "$distinct" -eq "$2" ] ||
        echo "$all fold records, $distinct different ones, $2 tasks"
}

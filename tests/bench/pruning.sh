#!/usr/bin/env bash
# pruning.sh PROGRAM DATA_DIR - what ASHA and racing over folds save, and what they cost: the same
# search (MLP, 5 folds, 30 epochs) with and without them, over several seeds of search and test
# part. Prints the epochs of both, counted and trained (a fold may be trained while another shows
# its trial to be beaten), and the test scores of both chosen models with the standard error of a
# share of so many rows.
#
# SETS ("digits letter"), TRIALS (200), SEEDS (10), RANKS (1), CONCURRENCY (8), METHOD (auto) and
# PRUNING change it; with KEEP=DIR the studies stay there, and the same command goes on where it stopped.
# DATA_DIR holds classification/letter.tsv.gz. MPIRUN ends in -n.
set -u
program=$1 data=$2
: "${MPIRUN:=mpirun --oversubscribe -n}" "${RANKS:=1}" "${SETS:=digits letter}" "${TRIALS:=200}"
: "${SEEDS:=10}" "${CONCURRENCY:=8}" "${METHOD:=auto}" "${KEEP:=}"
halving_and_racing='{method: [asha, racing], first_epoch: 3, alpha: 0.25}'
: "${PRUNING:=$halving_and_racing}"
export OMP_NUM_THREADS=1
here=$(cd "$(dirname "$0")/../.." && pwd)
if [ -n "$KEEP" ]; then
    work=$KEEP && mkdir -p "$work"
else
    work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
fi

study() { # FILE TARGET SEED PRUNING
    cat <<YAML
data: {path: $1, target: $2, task: classification, test: {fraction: 0.2, seed: $3}}
preprocess: {scale: standard}
validation: {scheme: stratified_kfold, folds: 5, seed: $3}
metric: accuracy
models:
  mlp: {hidden: {choice: [[32], [64], [128], [64, 32]]}, activation: {choice: [relu, tanh]}, dropout: {float: [0.0, 0.5]}}
train:
  optimizer: {choice: [sgd, adam]}
  learning_rate: {log: [1.0e-4, 1.0e-1]}
  batch_size: {choice: [32, 64, 128]}
  epochs: 30
search: {method: $METHOD, trials: $TRIALS, seed: $3, concurrency: $CONCURRENCY}
pruning: $4
YAML
}

# number KEY: the first value of a key in $json.
number() { sed -nE "s/.*\"$1\": *([-0-9.e+]+).*/\1/p" <<<"$json" | head -n 1; }

# measure NAME FILE TARGET SEED PRUNING: "epochs trained fits test_score" of one study.
measure() {
    local out=$work/$1 json rows trained
    study "$2" "$3" "$4" "$5" >"$out.yaml"
    # shellcheck disable=SC2086
    if ! $MPIRUN "$RANKS" "$program" run "$out.yaml" --output "$out" >"$out.out" 2>>"$out.log" </dev/null; then
        tail -n 5 "$out.log" >&2
        return 1
    fi
    json=$("$program" show "$out" --format json --top 1)
    # Epochs of folds that were cancelled while they trained are in the journal only.
    trained=$(perl -e '
        open my $f, "<:raw", $ARGV[0] or die; local $/; my $b = <$f>;
        my ($at, $sum) = (20 + unpack("V", substr $b, 12, 4), 0);
        while ($at + 8 <= length $b) {
            my $n = unpack "V", substr $b, $at, 4;
            $sum += unpack "V", substr $b, $at + 46, 4 if ord(substr $b, $at + 8, 1) == 2;
            $at += 8 + $n;
        }
        print $sum' "$out/journal.bin")
    rows=$(sed -nE 's/.*test_rows=([0-9]+).*/\1/p' "$out.log" | tail -n 1)
    echo "$(number epochs) $trained $(number fits) $(number test_score) $rows"
}

printf '%-7s %4s %9s %9s %9s %7s %8s %8s %8s %7s\n' set seed epochs counted trained share \
    'test' 'pruned' 'lost' 'error'
cd "$here" || exit 1
for set in $SETS; do
    case $set in
    digits) file=data/digits.csv.gz target=digit ;;
    letter) file=$data/classification/letter.tsv.gz target=target ;;
    *) echo "no set $set; known: digits letter" >&2 && exit 2 ;;
    esac
    [ -e "$file" ] || { echo "$set: skipped, no $file" && continue; }
    for ((seed = 1; seed <= SEEDS; seed++)); do
        full=$(measure "$set-$seed-full" "$file" "$target" "$seed" "[]") || exit 1
        pruned=$(measure "$set-$seed-pruned" "$file" "$target" "$seed" "$PRUNING") || exit 1
        echo "$set $seed $full $pruned"
    done
done | awk '
    NF < 12 { print; fflush(); next }
    {
        set = $1; error = sqrt($6 * (1 - $6) / $7); lost = $6 - $11; share = $9 / $3
        printf "%-7s %4d %9d %9d %9d %7.3f %8.4f %8.4f %+8.4f %7.4f\n",
            set, $2, $3, $8, $9, share, $6, $11, lost, error
        fflush()
        n[set]++; shares[set] += share; gone[set] += lost; test[set] += $6; errors[set] += error
        within[set] += lost <= error; third[set] += share <= 1 / 3
    }
    END {
        for (set in n)
            printf "%s: mean of %d: %.3f of the epochs (at most a third in %d), test score %.4f, " \
                "%+.4f lost (within one standard error, %.4f, in %d)\n", set, n[set],
                shares[set] / n[set], third[set], test[set] / n[set], gone[set] / n[set],
                errors[set] / n[set], within[set]
    }'

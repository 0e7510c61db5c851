#!/usr/bin/env bash
# kernel_ranks.sh - kernel models, and principal components, whose matrix all ranks share: equal to
# LAPACK on one rank, with and without groups of ranks; the same bits again on as many ranks;
# killed, stopped and gone on with; and told when the shares do not fit.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"
export OMP_NUM_THREADS=1
# Ranks that wait would otherwise keep the cores from those that compute.
export OMPI_MCA_mpi_yield_when_idle=1

kernels='kernel: {choice: [rbf, laplace, polynomial]}, gamma: {log: [1.0e-2, 1.0e-1]}, ridge: 0.01, ridge_steps: 2'
cat >"$dir/regression.yaml" <<YAML
study: regression
data: {path: data/diabetes.csv.gz, target: progression, task: regression, test: {fraction: 0.1}}
validation: {scheme: holdout}
models: {kernel: {$kernels, distribute_from: 100}}
search: {method: random, trials: 3, seed: 1}
output: $dir/unused
YAML
cat >"$dir/classes.yaml" <<YAML
study: classes
data: {path: data/breast_cancer.csv.gz, target: diagnosis, task: classification, test: {fraction: 0.1}}
validation: {scheme: holdout}
models: {kernel: {$kernels, class_weight: balanced, distribute_from: 100}}
search: {method: random, trials: 2, seed: 3}
output: $dir/unused
YAML
rows_of() {
    case $1 in
    regression) echo data/diabetes.csv.gz ;;
    wide | tall) echo "$dir/$1.csv" ;;
    *) echo data/breast_cancer.csv.gz ;;
    esac
}

# fit STUDY NAME RANKS [OPTION...]: run it and predict all rows.
fit() {
    cp "$dir/$1.yaml" "$dir/study.yaml"
    launch "$3" 1 "$dir/$1-$2" "${@:4}"
    tap_result $? "$1, $2: runs" "$(tail -n 5 "$dir/$1-$2.log")"
    "$FOLDRANK" predict "$dir/$1-$2" "$(rows_of "$1")" -o "$dir/$1-$2.csv" >/dev/null 2>&1
    { "$FOLDRANK" show "$dir/$1-$2" -f csv --sort trial | cut -d, -f3,4 && cat "$dir/$1-$2.csv"; } >"$dir/$1-$2.numbers"
}
# apart A B: the largest difference of two tables in units of the numbers' size; "inf" when they differ otherwise.
apart() {
    paste -d, "$1" "$2" | awk -F, '{ n++; for (i = 1; i <= NF / 2; i++) {
        a = $i; b = $(i + NF / 2)
        if (a == b) continue
        if (a != a + 0 || b != b + 0) { bad = 1; continue }
        d = a < b ? b - a : a - b; s = a < 0 ? -a : a; if (s < 1) s = 1
        if (d > worst * s) worst = d / s } }
        END { if (n > 100 && !bad) printf "%.3g\n", worst + 0; else print "inf" }'
}
for study in regression classes; do
    fit $study lapack 1 --set models.kernel.distribute_from=0
    fit $study 2 2
    if [ $study = regression ]; then
        fit $study 1 1
        fit $study 4 4
        fit $study grouped 4 --set resources.ranks_per_trial=2
        grep -q 'schedule kernel ranks=4' "$dir/$study-4.log"
        tap_result $? "$study: all ranks compute, and the log says so" "$(cat "$dir/$study-4.log")"
    else
        fit $study single 2 --set models.kernel.precision=single
    fi
    for other in 1 2 4 grouped single; do
        [ -e "$dir/$study-$other" ] || continue
        off=$(apart "$dir/$study-lapack.numbers" "$dir/$study-$other.numbers")
        awk -v off="$off" 'BEGIN { exit !(off < 1e-6) }'
        tap_result $? "$study, $other: scores and predictions are LAPACK's to 1e-6" "off by $off"
    done
done

# Principal components of more columns than rows and of more rows than columns: a matrix of 160
# and of 150 rows, in two blocks each.
for shape in 'wide 200 400' 'tall 500 150'; do
    read -r study rows cols <<<"$shape"
    awk -v n="$rows" -v d="$cols" 'BEGIN { srand(7)
        for (j = 1; j <= d; j++) printf "x%d,", j
        print "y"
        for (i = 0; i < n; i++) { a = rand(); b = rand(); c = rand()
            for (j = 1; j <= d; j++) printf "%.4f,", sin(j) * a + cos(3 * j) * b + sin(j * j) * c + rand() / 5
            printf "%.4f\n", a * b + c } }' >"$dir/$study.csv"
    cat >"$dir/$study.yaml" <<YAML
study: $study
data: {path: $dir/$study.csv, target: y, task: regression, test: {fraction: 0.1}}
preprocess: {pca: {choice: [3, 0.9]}, whiten: true, pca_distribute_from: 100}
validation: {scheme: holdout}
models: {kernel: {gamma: 0.1, ridge: 0.1}}
search: {method: grid}
output: $dir/unused
YAML
    fit "$study" lapack 1 --set preprocess.pca_distribute_from=0
    for ranks in 1 2 4; do
        fit "$study" $ranks $ranks
        off=$(apart "$dir/$study-lapack.numbers" "$dir/$study-$ranks.numbers")
        awk -v off="$off" 'BEGIN { exit !(off < 1e-5) }'
        tap_result $? "$study, $ranks: scores and predictions are LAPACK's to 1e-5" "off by $off"
    done
    grep -q 'schedule kernel ranks=4: .*principal components' "$dir/$study-4.log"
    tap_result $? "$study: all ranks compute, and the log says so" "$(cat "$dir/$study-4.log")"
done
cp "$dir/tall.yaml" "$dir/study.yaml"
launch 4 1 "$dir/tall-again"
tap_empty "components by as many ranks again: the same results" "$(differences "$dir/tall-4" "$dir/tall-again")"
launch 4 1 "$dir/tall-grouped" --set resources.ranks_per_trial=2
tap_result $? "components of groups: runs" "$(tail -n 5 "$dir/tall-grouped.log")"

cp "$dir/regression.yaml" "$dir/study.yaml"
launch 4 1 "$dir/again"
tap_empty "as many ranks again: the same results" "$(differences "$dir/regression-4" "$dir/again")"
"$FOLDRANK" export "$dir/again" --onnx "$dir/again.onnx" --c "$dir/again.h" >"$dir/export.log" 2>&1
tap_result $? "the model is exported like any other" "$(cat "$dir/export.log")"

# Long enough to be disturbed: a few factorisations of 1,600 rows for each of 2 trials.
awk 'BEGIN { srand(3); print "a,b,c,y"
    for (i = 0; i < 2000; i++) { a = rand(); b = rand(); c = rand(); printf "%.4f,%.4f,%.4f,%.4f\n", a, b, c, sin(9 * a) + b * c } }' >"$dir/rows.csv"
cat >"$dir/study.yaml" <<YAML
study: disturbed
data: {path: $dir/rows.csv, target: y, task: regression}
validation: {scheme: holdout}
models: {kernel: {gamma: {log: [0.1, 1]}, ridge: 0.001, ridge_steps: 3, distribute_from: 500}}
search: {method: random, trials: 2, seed: 1}
output: $dir/unused
YAML
launch 3 1 "$dir/whole"
tap_result $? "disturbed: runs" "$(tail -n 5 "$dir/whole.log")"
start() { # OUTPUT: 3 ranks in the background; returns when they compute together.
    # shellcheck disable=SC2086
    $MPIRUN 3 "$FOLDRANK" run "$dir/study.yaml" --output "$1" >"$1.log" 2>&1 </dev/null &
    launcher=$!
    for ((i = 0; i < 500; i++)); do
        grep -q 'schedule kernel ranks=3' "$1.log" && break
        kill -0 $launcher 2>/dev/null || break
        sleep 0.02
    done
    sleep 0.3
}
start "$dir/usr1"
kill -USR1 $launcher
wait $launcher
status=$?
[ $status -eq 75 ]
tap_result $? "SIGUSR1 while all compute: exit 75" "exit status $status" "$(tail -n 5 "$dir/usr1.log")"
start "$dir/killed"
kill -9 "$(pgrep -P $launcher -x foldrank | head -n 1)"
wait $launcher 2>/dev/null
for name in usr1 killed; do
    launch 3 1 "$dir/$name"
    tap_result $? "$name: goes on" "$(tail -n 5 "$dir/$name.log")"
    tap_empty "$name: the same results" "$(differences "$dir/whole" "$dir/$name")"
done

text=$("$FOLDRANK" check "$dir/study.yaml" -n 4)
grep -Eq '^kernel matrix +[0-9.]+ MiB for 2000 rows, [0-9.]+ MiB on each rank' <<<"$text"
tap_result $? "check: says what a rank's share is" "$text"

grep -Eq '^kernel matrix +15.3 MiB for 2000 rows, 3.8 MiB on each rank' \
    <<<"$("$FOLDRANK" check "$dir/study.yaml" -n 4 --set models.kernel.precision=single)"
tap_result $? "check: half of it in single precision"

# 1.2 GB of shares where 1 GB is left to a process.
awk 'BEGIN { srand(5); print "a,y"; for (i = 0; i < 15000; i++) { a = rand(); printf "%.4f,%.4f\n", a, a * a } }' >"$dir/many.csv"
sed "s@rows.csv@many.csv@; s@trials: 2@trials: 1@" "$dir/study.yaml" >"$dir/many.yaml"
cp "$dir/many.yaml" "$dir/study.yaml"
(ulimit -v 1000000 && launch 2 1 "$dir/many")
text=$("$FOLDRANK" show "$dir/many" -f csv)
grep -q 'a matrix of 12000 rows takes .* of it on a node with 2 ranks that has .*: spread the ranks over more nodes' <<<"$text"
tap_result $? "shares that do not fit are told before anything is computed" "$text" "$(tail -n 5 "$dir/many.log")"
tap_done

#!/usr/bin/env bash
# embed.sh - libfoldrank as others get it: installed, found by pkg-config, linked shared and static
# by C and Fortran programs, which are tuned with 4 ranks, alone and in groups.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"
: "${CC:=mpicc}" "${FC:=mpifort}"
prefix=$dir/prefix

said=$(make -s install PREFIX="$prefix" 2>&1)
tap_result $? "make install" "$said"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export LD_LIBRARY_PATH=$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
[ "$(pkg-config --modversion foldrank)" = "$("$prefix/bin/foldrank" --version | awk 'NR == 1 { print $2 }')" ]
tap_result $? "pkg-config and the program agree on the version"
readelf -d "$prefix/lib/libfoldrank.so" | grep -q 'SONAME.*\[libfoldrank\.so\.[0-9]*\]'
tap_result $? "the shared library has a SONAME"

# What is visible is what tune.h and status.h declare as public, and nothing else.
declared=$(sed -nE 's/.*FR_PUBLIC.*[ *](fr_[a-z_]+)\(.*/\1/p' include/foldrank/{tune,status}.h | sort)
shared=$(nm -D --defined-only "$prefix/lib/libfoldrank.so" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort)
tap_empty "the shared library exports what the headers declare" "$(diff <(echo "$declared") <(echo "$shared"))"
static=$(nm -g --defined-only "$prefix/lib/libfoldrank.a" | awk '$2 == "T" { print $3 }' | sort)
tap_empty "so does the static one" "$(diff <(echo "$declared") <(echo "$static"))"
tap_empty "the manual page names every function" "$(
    for name in $declared; do
        name=${name%_f}
        [[ $name == fr_status_[rw]* ]] || grep -q "^\.Fn $name" src/embed/foldrank.3 || echo "$name"
    done
)"

# compile NAME COMMAND...
compile() {
    local name=$1 text
    shift
    text=$("$@" 2>&1)
    tap_result $? "$name compiles" "$* : $text"
}
# shellcheck disable=SC2046
compile "the C example, shared" "$CC" -std=c11 -Wall -Wextra -Werror tests/examples/tune.c \
    $(pkg-config --cflags --libs foldrank) -lm -o "$dir/tune"
# shellcheck disable=SC2046
compile "the C example, static" "$CC" -std=c11 tests/examples/tune.c $(pkg-config --cflags foldrank) \
    -L"$prefix/lib" -Wl,-Bstatic -lfoldrank -Wl,-Bdynamic \
    $(pkg-config --static --libs foldrank | sed 's/-lfoldrank//') -o "$dir/tune_static"
! readelf -d "$dir/tune_static" | grep -q libfoldrank
tap_result $? "the static program needs no libfoldrank.so"

# start RANKS PROGRAM ARGUMENT...: what it says goes to $dir/said.
start() {
    local ranks=$1
    shift
    # shellcheck disable=SC2086
    timeout -k 5 100 $MPIRUN "$ranks" "$@" >"$dir/said" 2>&1 </dev/null
}
# same_on_all RANKS: every rank has printed the same best.
same_on_all() {
    [ "$(grep -c '^rank ' "$dir/said")" -eq "$1" ] &&
        [ "$(sed -nE 's/^rank [0-9]+: *//p' "$dir/said" | sort -u | wc -l)" -eq 1 ]
}

start 4 "$dir/tune" 1 "$dir/c4" && same_on_all 4 && grep -q 'method sor' "$dir/said"
tap_result $? "C, 4 ranks: sor is found to be best" "$(cat "$dir/said")"
"$FOLDRANK" show "$dir/c4" --format csv --top 99 >"$dir/c.csv"
[ "$(grep -c ,pruned, "$dir/c.csv")" -gt 3 ] && [ "$(grep -c ,complete, "$dir/c.csv")" -gt 3 ]
tap_result $? "trials are pruned and complete" "$(cat "$dir/c.csv")"
for run in '1 1' '3 1' '4 2' '3 2' '2 2'; do
    # shellcheck disable=SC2086
    set -- $run
    start "$1" "$dir/tune" "$2" "$dir/c$1$2" && same_on_all "$1"
    tap_result $? "C, $1 ranks, $2 for each trial" "$(cat "$dir/said")"
    tap_empty "same results as before" "$(differences "$dir/c4" "$dir/c$1$2")"
done
start 2 "$dir/tune_static" 1 "$dir/static" && same_on_all 2
tap_result $? "the static program runs" "$(cat "$dir/said")"
start 2 "$dir/tune" 1 "$dir/c4" && same_on_all 2
tap_result $? "a finished study gives its best at once" "$(cat "$dir/said")"
start 2 "$dir/tune" 3 "$dir/many"
[ $? -eq 1 ] && grep -q 'tune: 3 ranks for each trial; allowed: 1 to 2' "$dir/said"
tap_result $? "more ranks for a trial than there are" "$(cat "$dir/said")"

if command -v "$FC" >/dev/null && "$FC" --version >/dev/null 2>&1; then
    # shellcheck disable=SC2046
    compile "the Fortran example" "$FC" -J"$dir" -Wall -Werror=implicit-interface \
        "$(pkg-config --variable=fortran_module foldrank)" tests/examples/tune.f90 \
        $(pkg-config --cflags --libs foldrank) -o "$dir/tune_f"
    start 4 "$dir/tune_f" "$dir/f4" && same_on_all 4 && grep -q 'method heavy ball' "$dir/said"
    tap_result $? "Fortran, 4 ranks in groups of 2" "$(cat "$dir/said")"
else
    tap_skip "the Fortran example compiles" "there is no $FC that works"
    tap_skip "Fortran, 4 ranks in groups of 2" "there is no $FC that works"
fi

# A program that does what it is told, for the rest: LEVEL RANKS_PER_TRIAL OUTPUT TEXT.
cat >"$dir/any.c" <<'C'
#include <foldrank/tune.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static fr_status f(const fr_tune_trial *t, MPI_Comm group, double *score)
{
    const char *what = fr_tune_get_text(t, "what");
    int rank = 0;
    if (fr_tune_trial_context(t) != (void *)f) return FR_FAIL(FR_ERR_ARG, "no context");
    if (!isnan(fr_tune_get(t, "nothing")) || fr_tune_get_text(t, "nothing") != NULL) abort();
    if (strncmp(what, "rank", 4) == 0) MPI_Comm_rank(group, &rank);
    if (strcmp(what, "rank fails") == 0 && rank == 1) return FR_FAIL(FR_ERR_IO, "rank 1 cannot");
    if (strcmp(what, "fail") == 0) return FR_FAIL(FR_ERR_NUMERIC, "singular");
    if (strcmp(what, "code") == 0) return FR_ERR_NUMERIC;
    if (strcmp(what, "rubbish") == 0) return (fr_status)-7;
    if (strcmp(what, "wait") == 0)
        while (!fr_tune_should_stop(t)) usleep(1000);
    if (strcmp(what, "nan") != 0) *score = fr_tune_trial_fold(t) + 0.5;
    return FR_OK;
}

int main(int argc, char **argv)
{
    int level, rank;
    fr_tune *tune;
    MPI_Init_thread(&argc, &argv, atoi(argv[1]), &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    fr_status st = fr_tune_parse(MPI_COMM_WORLD, argv[4], &tune);
    if (st == FR_OK) st = fr_tune_set_ranks_per_trial(tune, atoi(argv[2]));
    if (st == FR_OK) st = fr_tune_set(tune, "output", argv[3]);
    if (argc > 5) fr_tune_set_time(tune, atof(argv[5]));
    if (st == FR_OK) st = fr_tune_run(tune, f, (void *)f);
    printf("rank %d: status %d best %g message %s\n", rank, (int)st, fr_tune_best_score(tune),
           st == FR_OK ? "" : fr_status_message());
    fr_tune_destroy(&tune);
    MPI_Finalize();
    return 0;
}
C
# shellcheck disable=SC2046
compile "a program" "$CC" -std=c11 -D_DEFAULT_SOURCE "$dir/any.c" $(pkg-config --cflags --libs foldrank) -o "$dir/any"
single=0 funneled=1 multiple=3 # as in Open MPI
text() {
    printf 'study: any\nobjective: {type: embedded, parameters: {what: {choice: [%s]}}}\n' "$1"
    printf 'validation: {folds: 2}\nsearch: {method: grid}\n'
}
start 4 "$dir/any" $multiple 2 "$dir/odd" "$(text 'good, fail, rank fails, code, rubbish, nan')"
same_on_all 4 && grep -q 'status 0 best 1 message $' "$dir/said"
tap_result $? "a run with failures, 4 ranks in groups of 2" "$(cat "$dir/said")"
"$FOLDRANK" show "$dir/odd" --format csv --top 99 >"$dir/odd.csv"
for row in 'complete.*,good,' 'failed.*,fail,singular' 'failed.*,"*rank fails"*,rank 1 cannot' \
    'failed.*,code,the function returned status numeric' 'failed.*,rubbish,the function returned -7' \
    'diverged.*,"?nan"?,the value is nan'; do
    grep -qE "$row" "$dir/odd.csv"
    tap_result $? "trial: $row" "$(cat "$dir/odd.csv")"
done
# told NAME RANKS STATUS PATTERN ARGUMENT...: the same status and sentence on every rank.
told() {
    local name=$1 ranks=$2 status=$3 pattern=$4
    shift 4
    start "$ranks" "$dir/any" "$@" && same_on_all "$ranks" && grep -qE "status $status .*$pattern" "$dir/said"
    tap_result $? "$name" "$(cat "$dir/said")"
}
told "threads: a single one is too few" 2 1 'MPI_THREAD_FUNNELED' $single 1 "$dir/t1" "$(text good)"
told "threads: a group wants all" 2 1 'MPI_THREAD_MULTIPLE' $funneled 2 "$dir/t2" "$(text good)"
told "threads: one rank a trial wants one" 2 0 '' $funneled 1 "$dir/t3" "$(text good)"
told "a study with faults" 2 1 'study:2: .*choice' $funneled 1 "$dir/t4" "$(text '')"
told "another type of objective" 2 1 'type: embedded' $funneled 1 "$dir/t5" \
    'objective: {type: function, function: sphere, parameters: {x: {float: [0, 1]}}}'
told "a group is stopped by time" 2 11 'time limit' $multiple 2 "$dir/t6" "$(text wait)" 0.5
text good >"$dir/study.yaml"
said=$("$FOLDRANK" run "$dir/study.yaml" --output "$dir/t7" 2>&1)
[ $? -eq 2 ] && grep -q 'a function of a program that links' <<<"$said"
tap_result $? "foldrank run says that it is not for it" "$said"
tap_done

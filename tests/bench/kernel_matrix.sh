#!/usr/bin/env bash
# kernel_matrix.sh PROGRAM [N [RANKS...]] - seconds to factor a kernel matrix of N (5,000)
# observations with its log-determinant, to solve with it and to invert it, on RANKS (1 2 4)
# ranks by ScaLAPACK, in double and in single precision (not refined), and on one by LAPACK, as a
# table. Best of 3; `off`: the largest relative difference from LAPACK's log-determinant and
# solution. PROGRAM is tests/mpi/test_distributed.
set -euo pipefail
: "${MPIRUN:=mpirun --oversubscribe -n}"
export OMP_NUM_THREADS=1
program=$(realpath "$1") n=${2:-5000}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- 1 2 4
echo "| ranks | precision | LAPACK, 1 rank: fill + factor | fill | factor, log-determinant | solve | invert | off |"
echo "|---|---|---|---|---|---|---|---|"
for ranks in "$@"; do
    for precision in double single; do
        # shellcheck disable=SC2086
        $MPIRUN "$ranks" "$program" bench "$n" $precision |
            sed -nE "s/^# ranks=(\\S+) n=\\S+ lapack_s=(\\S+) fill_s=(\\S+) factor_s=(\\S+) solve_s=(\\S+) invert_s=(\\S+) off=(\\S+)/| \\1 | $precision | \\2 s | \\3 s | \\4 s | \\5 s | \\6 s | \\7 |/p"
    done
done

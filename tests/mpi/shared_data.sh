#!/usr/bin/env bash
# shared_data.sh - HDF5 files read by 1 to 8 ranks of a node: the same bytes as read by one, held once.
# Needs MPIRUN (ending in -n) and the program: SHARED_DATA, or beside FOLDRANK.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
: "${SHARED_DATA:=$(dirname "${FOLDRANK:-build/release/foldrank}")/tests/mpi/test_shared_data}"
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1 OMPI_MCA_mpi_yield_when_idle=1
read -ra launch <<<"${MPIRUN:?}"
for ranks in 1 2 3 8; do
    timeout -k 5 120 "${launch[@]}" $ranks "$SHARED_DATA" "$dir/x.h5" talk >"$dir/log" 2>&1 </dev/null
    status=$? seen=0
    mapfile -t lines <"$dir/log"
    for line in "${lines[@]}"; do
        case $line in
        'ok '*) tap_result 0 "$ranks ranks: ${line#ok }" && seen=$((seen + 1)) ;;
        '# '*) echo "$line" ;;
        'not ok '*) tap_result 1 "$ranks ranks: ${line#not ok }" "$(grep '^rank ' "$dir/log")" ;;
        esac
    done
    [ $status -eq 0 ] && [ $seen -eq 9 ]
    tap_result $? "$ranks ranks: ends well" "exit status $status" "$(tail -n 20 "$dir/log")"
    # Of the nine, one is too small, and one is not there for all.
    [ "$(grep -c "data readers=$ranks " "$dir/log")" -eq $((ranks > 1 ? 7 : 0)) ]
    tap_result $? "$ranks ranks: all read" "$(grep 'readers=\|slab=' "$dir/log")"
done
tap_done

#!/usr/bin/env bash
# distributed.sh - distributed dense algebra and its server under 1 to 5 ranks: more ranks than
# cores, ranks outside the grid, blocks that do not fill it.
# Needs MPIRUN (ending in -n) and the program: DISTRIBUTED, or beside FOLDRANK.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
: "${DISTRIBUTED:=$(dirname "${FOLDRANK:-build/release/foldrank}")/tests/mpi/test_distributed}"
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
export OMP_NUM_THREADS=1
# Ranks that wait would otherwise keep the cores from those that compute.
export OMPI_MCA_mpi_yield_when_idle=1
read -ra launch <<<"${MPIRUN:?}"

# run RANKS ARGUMENT...: what the program reports, numbered anew.
run() {
    local ranks=$1 status line seen=0
    shift
    timeout -k 5 120 "${launch[@]}" "$ranks" "$DISTRIBUTED" "$@" >"$log" 2>&1 </dev/null
    status=$?
    mapfile -t lines <"$log"
    for line in "${lines[@]}"; do
        case $line in
        'ok '*) tap_result 0 "$ranks ranks: ${line#ok }" && seen=$((seen + 1)) ;;
        'not ok '*) tap_result 1 "$ranks ranks: ${line#not ok }" "$(grep '^rank ' "$log")" ;;
        '# '*) echo "$line" ;;
        esac
    done
    [ $status -eq 0 ] && [ $seen -gt 0 ]
    tap_result $? "$ranks ranks: ends well${*:+ ($*)}" "exit status $status" "$(tail -n 20 "$log")"
}

for ranks in 1 2 3 4 5; do run $ranks; done
for ranks in 1 2 4; do run $ranks large; done
tap_done

#!/usr/bin/env bash
# rooms.sh - the house as DESIGN draws it: headers compile alone, rooms include downward only,
# each external library stays in its rooms.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh

# Lowest first. A header belongs to the room that implements it.
rooms=(base linalg space search select data model ensemble explain train config objective store export schedule embed cli)
declare -A room_of=(
    [command]=config [stem]=model [trees]=model [guard]=objective [plugin]=objective [directory]=base [media]=data
    [ask]=base [checksum]=base [clock]=base [hot]=base [version]=base [log]=base [memory]=base [option]=base [pack]=base [plain]=base
    [random]=base [budget]=search [past]=search [status]=base [text]=base [collective]=linalg [linalg]=linalg [space]=space [history]=search [importance]=select [nested]=select [follow]=store
    [search]=search [pareto]=search [select]=select [network]=model [kernel_ridge]=model [text_table]=data [letters]=data [gram]=linalg [data]=data [sparse]=data [explain]=explain [preprocess]=data [prune]=search [distributed]=linalg [folds]=data [metric]=model [calibrate]=model
    [model]=model [ensemble]=ensemble [train]=train [study]=config [objective]=objective [store]=store [export]=export
    [coordinator]=schedule [schedule]=schedule [simulate]=schedule [tune]=embed [foldrank]=cli)
declare -A level
for i in "${!rooms[@]}"; do level[${rooms[i]}]=$i; done

# floor_of FILE: the level of the room that the file belongs to.
floor_of() {
    local name
    case $1 in
    src/*) name=${1#src/} name=${name%%/*} ;;
    *) name=$(basename "$1" .h) name=${room_of[$name]:-unknown} ;;
    esac
    echo "${level[$name]:-unknown}"
}

upward=$(
    for file in src/*/*.[ch] include/foldrank/*.h; do
        here=$(floor_of "$file")
        [ "$here" = unknown ] && echo "$file: belongs to no room" && continue
        sed -nE 's@^#include "foldrank/([a-z0-9_]+)\.h".*@\1@p' "$file" | while read -r header; do
            there=$(floor_of "include/foldrank/$header.h")
            if [ "$there" = unknown ] || [ "$there" -gt "$here" ]; then
                echo "$file includes foldrank/$header.h of a room above"
            fi
        done
    done
)
tap_empty "no room includes one above it" "$upward"

# library header pattern -> rooms that may include it
wall() {
    local pattern=$1 allowed=$2
    tap_empty "$pattern only in: $allowed" "$(
        grep -lE "^#include <($pattern)" src/*/*.[ch] include/foldrank/*.h | while read -r file; do
            name=$(basename "$file" .h)
            case $file in src/*) name=${file#src/} name=${name%%/*} ;; *) name=${room_of[$name]} ;; esac
            [[ " $allowed " == *" $name "* ]] || echo "$file"
        done
    )"
}
wall 'hdf5' 'data store'
wall 'mpi\.h' 'linalg schedule embed cli'
wall 'yaml\.h' 'config'
wall 'nlopt\.h' 'search'
wall 'zlib\.h' 'data'
wall 'sndfile|fftw3|png|jansson' 'data'
wall 'onnx|protobuf' 'export'
wall 'xgboost' 'train'
wall 'cblas|lapack|f77blas' 'linalg'
wall 'omp\.h' 'linalg model train schedule cli'

cc=${CC:-mpicc}
for header in include/foldrank/*.h; do
    # A header that needs what its includer had included before does not compile alone.
    text=$("$cc" -std=c11 -D_GNU_SOURCE -Iinclude -Wall -Wextra -Wpedantic -Werror -x c \
        -fsyntax-only -include "$header" /dev/null 2>&1)
    tap_result $? "$header compiles alone" "$text"
done
tap_done

#!/usr/bin/env bash
# source.sh - what a reader of the source would stumble over: size, format, left-overs, guards.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
mapfile -t c_files < <(ls src/*/*.[ch] include/foldrank/*.h tests/*/*.[ch] 2>/dev/null)

allowed_top='^(Makefile|README\.md|LICENSE|src|include|jobs|tests|data|analysis|build|config\.mk|results)$'
tap_empty "nothing else at the top level" "$(printf '%s\n' * | grep -vE "$allowed_top")"

tap_empty "every C file names its licence" \
    "$(grep -L 'SPDX-License-Identifier: BSD-3-Clause' "${c_files[@]}")"

tap_empty "files of at most 500 lines" \
    "$(wc -l src/*/*.[ch] include/foldrank/*.h | awk '$1 > 500 && $2 != "total" { print $2 ": " $1 }')"

# Our format puts a function's braces in column 0.
tap_empty "functions of at most 50 lines" "$(
    awk '/^\{/ { start = FNR } /^\}/ && start { if (FNR - start - 1 > 50)
         print FILENAME ":" start ": " FNR - start - 1 " lines"; start = 0 }' src/*/*.[ch]
)"

tap_empty "no left-overs" "$(
    grep -nIiE '\b(TODO|FIXME|XXX)\b|^#if 0|not (yet )?implemented|placeholder' \
        "${c_files[@]}" Makefile README.md
)"

tap_empty "include guards carry the header's name" "$(
    for header in include/foldrank/*.h; do
        name=FR_$(basename "$header" .h | tr '[:lower:]' '[:upper:]')_H
        if ! grep -qx "#ifndef $name" "$header" || ! grep -qx "#define $name" "$header"; then
            echo "$header: guard is not $name"
        fi
    done
)"

# Libraries return a status; only the command line ends the program or prints.
tap_empty "no exit, abort or printf below the command line" "$(
    grep -nE '\b(exit|_exit|abort|printf|puts) *\(' src/*/*.c | grep -vE '^src/cli/' |
        grep -vE 'snprintf|fprintf|^[^:]*:[0-9]+: *(/\*|\*)'
)"

if command -v clang-format-14 >/dev/null; then
    tap_empty "clang-format" "$(clang-format-14 --dry-run -Werror "${c_files[@]}" 2>&1 | grep error: | head -20)"
else
    tap_skip "clang-format" "clang-format-14 is not installed: make deps"
fi

mapfile -t scripts < <(ls tests/run tests/venv tests/*.sh tests/*/*.sh data/*.sh jobs/*.sh .ci/run 2>/dev/null)
if command -v shellcheck >/dev/null; then
    text=$(shellcheck -x "${scripts[@]}" 2>&1)
    tap_result $? "shellcheck" "$text"
else
    tap_skip "shellcheck" "shellcheck is not installed: make deps"
fi
tap_done

#!/usr/bin/env bash
# man.sh - the manual: a page for every command, every option and every key of a study, and nothing
# that man or mandoc complains of.
# Needs FOLDRANK (the program) in the environment, and the pages of `make man` beside it.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
pages=$(dirname "$FOLDRANK")/man

missing=
commands=$("$FOLDRANK" --help | sed -nE '/^commands:/,/^$/s/^  ([a-z]+( [a-z]+)?)  .*/\1/p')
while read -r command; do
    page=$pages/man1/foldrank-${command// /-}.1
    read -ra words <<<"$command"
    [ -s "$page" ] || missing+="no page for $command"$'\n'
    for option in $("$FOLDRANK" "${words[@]}" --help | sed -nE 's/^  (-[a-z],|   ) --([a-z-]+).*/\2/ip'); do
        grep -qF -- "\\-\\-${option//-/\\-}\\fR" "$page" || missing+="$command: no --$option"$'\n'
    done
    name=${command// /-}
    grep -qF "foldrank\\-${name//-/\\-} (1)" "$pages/man1/foldrank.1" || missing+="foldrank.1 has no $command"$'\n'
done <<<"$commands"
tap_empty "a page for every command, every option in it" "$missing"
[ "$(wc -w <<<"$commands")" -ge 8 ]
tap_result $? "the commands were found" "$commands"

missing=
for key in $("$FOLDRANK" check jobs/digits.yaml --text | sed -nE 's/^ *([a-z_0-9]+):.*/\1/p' | sort -u); do
    # A key has an entry, a block its section; models and enqueue are made of others.
    grep -qE "^\\\\fB$key\\\\fR|^\.SH \"KEY ([a-z]+\.)?$key\"" "$pages/man5/foldrank-study.5" ||
        [[ $key == models || $key == enqueue ]] || missing+="$key "
done
tap_empty "every key of a study" "$missing"

for page in "$pages"/man?/*; do
    name=$(basename "$page")
    if command -v mandoc >/dev/null; then
        tap_empty "$name: mandoc" "$(mandoc -T lint -W warning "$page" 2>&1)"
    else
        tap_skip "$name: mandoc" "mandoc is not installed"
    fi
    if command -v man >/dev/null && command -v troff >/dev/null; then
        tap_empty "$name: man" "$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)"
    else
        tap_skip "$name: man" "man is not installed"
    fi
done
tap_done

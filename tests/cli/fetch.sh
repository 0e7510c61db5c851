#!/usr/bin/env bash
# fetch.sh - data/fetch.sh: what it offers, and that only the right bytes stay.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

data/fetch.sh list >"$dir/list" 2>"$dir/log"
tap_result $? "list" "$(cat "$dir/log")"
tap_empty "every set that a study of jobs/apps names is in the list" "$(
    sed -nE 's@^# .*data/fetch\.sh ([a-z0-9_]+).*@\1@p' jobs/apps/*.yaml | while read -r name; do
        grep -q "^$name " "$dir/list" || echo "$name"
    done
)"
data/fetch.sh nothing "$dir/out" >/dev/null 2>"$dir/log"
[ $? -eq 2 ] && grep -q "no data set 'nothing'; fetch.sh list names them" "$dir/log"
tap_result $? "a name that is not there: exit 2" "$(cat "$dir/log")"

mkdir "$dir/mirror"
echo '{"train": []}' >"$dir/mirror/data_full.json"
FOLDRANK_MIRROR=file://$dir/mirror data/fetch.sh clinc150 "$dir/out" >"$dir/said" 2>"$dir/log"
[ $? -eq 1 ] && grep -q 'wrong SHA-256, deleted' "$dir/log"
tap_result $? "other bytes than were promised: exit 1" "$(cat "$dir/log")"
tap_empty "and nothing stays, and nothing is said to be ready" "$(ls -A "$dir/out"; cat "$dir/said")"
FOLDRANK_MIRROR=file://$dir/nowhere data/fetch.sh clinc150 "$dir/out" >"$dir/said" 2>"$dir/log"
[ $? -eq 1 ] && grep -q 'cannot download' "$dir/log" && [ -z "$(ls -A "$dir/out")" ]
tap_result $? "no such file: exit 1" "$(cat "$dir/log")"

# An archive of recordings is judged by the recordings.
mkdir -p "$dir/mirror/some-1.0/recordings" && echo RIFF >"$dir/mirror/some-1.0/recordings/0_a_0.wav"
tar -czf "$dir/mirror/v1.0.10.tar.gz" -C "$dir/mirror" some-1.0
FOLDRANK_MIRROR=file://$dir/mirror data/fetch.sh fsdd "$dir/out" >"$dir/said" 2>"$dir/log"
[ $? -eq 1 ] && grep -q 'wrong SHA-256 of the recordings, deleted' "$dir/log" && [ -z "$(ls -A "$dir/out")" ]
tap_result $? "other recordings than were promised: exit 1, and nothing stays" "$(cat "$dir/log")"
for name in golub movielens; do
    said=$(data/fetch.sh "$name" "$dir/out" 2>&1)
    case $? in
    0) [ -f "$said" ] ;;
    *) grep -qE 'sudo apt-get install r-(bioc|cran)-' <<<"$said" ;;
    esac
    tap_result $? "$name from R, or how to get it" "$said"
done
tap_done

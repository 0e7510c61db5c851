#!/usr/bin/env bash
# submit.sh - `foldrank submit`: the script it writes, what it hands to sbatch, and that nothing
# broken gets that far. sbatch is a stand-in here; tests/slurm has the real one.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
: "${FOLDRANK:=build/release/foldrank}"
FOLDRANK=$(realpath "$FOLDRANK")
study=jobs/digits.yaml

# submit OPTION...: stdout in $dir/out, stderr in $dir/err; the stand-in's words in $dir/sbatch.
mkdir "$dir/bin"
cat >"$dir/bin/sbatch" <<SBATCH
#!/bin/sh
printf '%s\n' "\$@" >"$dir/sbatch"
[ -z "\${REFUSE:-}" ] || { echo "sbatch: error: invalid partition" >&2; exit 1; }
echo '4711;here'
SBATCH
chmod +x "$dir/bin/sbatch"
submit() {
    rm -f "$dir/sbatch"
    PATH=$dir/bin:$PATH "$FOLDRANK" submit "$@" >"$dir/out" 2>"$dir/err"
}

submit $study -N 3 -n 8 -c 2 -t 36:00:00 -p long -A "my group" -m openmpi --module hdf5/1.10 \
    --sbatch=--gres=gpu:1 -s search.trials=40 -o "$dir/it's here"
tap_result $? "a good study is submitted" "$(cat "$dir/err")"
script="$dir/it's here/submit.sh"
printf '%s\n' --parsable "$script" | cmp -s - "$dir/sbatch" && [ -x "$script" ]
tap_result $? "sbatch gets the script" "$(cat "$dir/sbatch")"
missing=$(grep -vxFf "$script" <<EXPECTED
#!/usr/bin/env bash
#SBATCH --job-name=digits
#SBATCH --nodes=3
#SBATCH --ntasks-per-node=8
#SBATCH --cpus-per-task=2
#SBATCH --time=1-12:00:00
#SBATCH --partition=long
#SBATCH --account='my group'
#SBATCH --chdir=$PWD
#SBATCH --gres=gpu:1
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
module load openmpi || exit
module load hdf5/1.10 || exit
FOLDRANK=$FOLDRANK
EXPECTED
)
tap_empty "the script says all that was asked for" "$missing"
checker="bash -n"
command -v shellcheck >/dev/null && checker="shellcheck -S warning"
text=$($checker "$script" 2>&1)
tap_result $? "the script is clean" "$text"

# The shell reads back what was meant: the words of the run, and where its results are.
sed -n '/^FOLDRANK=/,/^set -- /p' "$script" >"$dir/words"
# shellcheck disable=SC2016
bash -c '. "$1"; printf "%s\n" "$FOLDRANK_OUTPUT" "$FOLDRANK_AGAIN" "$@"' - "$dir/words" >"$dir/read"
cat >"$dir/expected" <<EXPECTED
$dir/it's here
sbatch '$dir/it'\''s here/submit.sh'
$study
--set
search.trials=40
--set
output="$dir/it's here"
EXPECTED
text=$(diff "$dir/expected" "$dir/read")
tap_result $? "words with quotes and blanks survive" "$text"
for words in 'job 4711: 3 nodes, 8 ranks on each, 2 threads a rank' 'squeue -j 4711' \
    'scancel 4711' 'tail -F ' 'foldrank show '; do
    grep -qF "$words" "$dir/out"
    tap_result $? "says: $words" "$(cat "$dir/out")"
done

submit $study -n 4 -t 5m -o "$dir/dry" --dry-run &&
    [ ! -e "$dir/dry" ] && [ ! -e "$dir/sbatch" ] &&
    grep -qx '#SBATCH --signal=B:USR1@30' "$dir/out"
tap_result $? "--dry-run prints the script and does nothing" "$(head -n 12 "$dir/out")"
cmp -s <(sed '1,/^set -u$/d' jobs/batch.sh) <(sed '1,/^set -u$/d' "$dir/out")
tap_result $? "below its options it is jobs/batch.sh"

submit $study -n 4 -o "$dir/bad" -s train.epochs=none
[ $? -eq 2 ] && grep -q 'train.epochs' "$dir/err" && [ ! -e "$dir/bad" ] && [ ! -e "$dir/sbatch" ]
tap_result $? "a broken study never waits in a queue" "$(cat "$dir/err")"
submit $study -n 4 -o "$dir/bad" -s data.target=none
[ $? -eq 2 ] && [ ! -e "$dir/sbatch" ]
tap_result $? "nor does one whose data is wrong" "$(cat "$dir/err")"
submit $study -o "$dir/bad"
[ $? -eq 2 ] && grep -q -- '--ntasks-per-node' "$dir/err"
tap_result $? "the number of ranks has to be given" "$(cat "$dir/err")"
submit $study -n 400 -o "$dir/idle" &&
    grep -q '^foldrank: 80 of 400 ranks would have nothing to do: 320 fits' "$dir/err"
tap_result $? "idle ranks are told" "$(cat "$dir/err")"

mkdir "$dir/other"
"$FOLDRANK" check $study --text -s search.seed=77 -s output="$dir/other" >"$dir/other/study.yaml"
submit $study -n 4 -o "$dir/other"
[ $? -eq 2 ] && grep -q 'results of another study: search.seed' "$dir/err" && [ ! -e "$dir/sbatch" ]
tap_result $? "results of another study are told before" "$(cat "$dir/err")"

REFUSE=1 submit $study -n 4 -o "$dir/refused"
[ $? -eq 1 ] && grep -q 'invalid partition' "$dir/err" && grep -q 'did not take' "$dir/err"
tap_result $? "what sbatch refuses is told in its words" "$(cat "$dir/err")"
rm "$dir/bin/sbatch"
mkdir "$dir/none"
for tool in sh bash env; do ln -s "$(command -v $tool)" "$dir/none/"; done
PATH=$dir/none "$FOLDRANK" submit $study -n 4 -o "$dir/nowhere" >"$dir/out" 2>"$dir/err"
[ $? -eq 1 ] && grep -q 'there is no sbatch here' "$dir/err" && [ -x "$dir/nowhere/submit.sh" ]
tap_result $? "without sbatch it says where the script is" "$(cat "$dir/err")"
tap_done

#!/usr/bin/env bash
# checkpoint.sh - fits that take longer than a start may last: each start goes on where the last
# one stopped, on any number of ranks, and the results are those of a run that nobody disturbed.
# Damaged files cost a fit its start, no more. With little time left nothing is begun in vain.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"
tasks=4

# long_study EPOCHS: two trials on two folds.
long_study() {
    cat >"$dir/study.yaml" <<YAML
study: long
data: {path: data/digits.csv.gz, target: digit, task: classification, test: {fraction: 0.2, seed: 7}}
validation: {scheme: stratified_kfold, folds: 2, seed: 3}
models: {mlp: {hidden: [64, 32], dropout: 0.2}}
train: {optimizer: adam, learning_rate: {log: [1.0e-4, 1.0e-3]}, keep_best: true, epochs: $1}
search: {method: random, trials: 2, seed: 5}
output: $dir/unused
YAML
}

# An epoch takes so long that a fit of so many takes 1.5 s.
long_study 40
launch 1 1 "$dir/probe"
epochs=$(sed -nE 's/.* wall_s=([0-9.]+) .*/\1/p' "$dir/probe.log" |
    awk -v fits=$((tasks + 1)) '{ n = int(40 * fits * 1.5 / $1); print(n < 40 ? 40 : n > 20000 ? 20000 : n) }')
long_study "${epochs:-40}"
launch 2 1 "$dir/reference"
tap_result $? "undisturbed run" "$(tail -n 20 "$dir/reference.log")"
[ ! -e "$dir/reference/fits" ]
tap_result $? "a finished run leaves no states"

states() { find "$1/fits" -type f 2>/dev/null | wc -l; }

# Also the refit is longer than a start.
starts=0 status=75 most=0 late=''
while [ $status -eq 75 ] && [ $starts -lt 90 ]; do
    ranks=$((starts % 3 + 1)) starts=$((starts + 1))
    launch $ranks 1 "$dir/pieces" --time 1s
    status=$?
    found=$(states "$dir/pieces")
    [ "$found" -gt "$most" ] && most=$found
    [ $status -ne 0 ] || break
    grep -q "saved, and $found in the middle" "$dir/pieces.log" || late="$late start $starts: $found files"
done
tap_result $status "many short starts come to the end" "exit status $status after $starts starts" \
    "$(tail -n 20 "$dir/pieces.log")"
[ $starts -gt 3 ]
tap_result $? "a start was shorter than the study" "$starts starts"
[ "$most" -gt 0 ] && [ "$most" -le $tasks ]
tap_result $? "a file for each fit under way, at most" "$most files"
tap_empty "a stopped run says how many fits it has saved" "$late"
[ ! -e "$dir/pieces/fits" ]
tap_result $? "in the end there are none" "$(ls "$dir/pieces/fits" 2>&1)"
tap_empty "every fold was filed once" "$(once_each "$dir/pieces" $tasks)"
tap_empty "same results as undisturbed" "$(differences "$dir/reference" "$dir/pieces")"

# kill -9 leaves what was saved on the way.
# shellcheck disable=SC2086
OMP_NUM_THREADS=1 $MPIRUN 2 "$FOLDRANK" run "$dir/study.yaml" --output "$dir/killed" \
    --checkpoint-every 0.1s >"$dir/killed.log" 2>&1 </dev/null &
launcher=$!
for ((i = 0; i < 300; i++)); do
    [ "$(states "$dir/killed")" -ge 2 ] && break
    sleep 0.05
done
pkill -9 -P $launcher -x foldrank
wait $launcher 2>/dev/null
launch 3 1 "$dir/killed"
tap_result $? "kill -9: run again ends" "$(tail -n 20 "$dir/killed.log")"
grep -q 'begun_before=[1-9]' "$dir/killed.log" && ! grep -q 'saved_fit=ignored' "$dir/killed.log"
tap_result $? "kill -9: what was saved on the way is used" "$(grep -n fit "$dir/killed.log")"
tap_empty "kill -9: same results" "$(differences "$dir/reference" "$dir/killed")"

# One file is cut short, one has a wrong bit, one belongs to another fit.
for seconds in 1 1.5 2 3 4 6 9 14; do
    rm -rf "$dir/damaged"
    launch 3 1 "$dir/damaged" --time ${seconds}s
    [ "$(states "$dir/damaged")" -lt 2 ] || break
done
mapfile -t files < <(find "$dir/damaged/fits" -type f | sort)
mv "${files[0]}" "$dir/damaged/fits/1-1"
cp "${files[1]}" "${files[0]}"
perl -e 'truncate $ARGV[0], 1000' "${files[0]}"
perl -e 'open my $f, "+<", $ARGV[0]; seek $f, 5000, 0; read $f, my $b, 1; seek $f, 5000, 0;
    print $f chr(ord($b) ^ 1)' "${files[1]}"
launch 3 1 "$dir/damaged"
tap_result $? "damaged states: run again ends" "$(tail -n 20 "$dir/damaged.log")"
[ "$(grep -c 'saved_fit=ignored' "$dir/damaged.log")" -eq 3 ]
tap_result $? "damaged states: one line for each" "$(grep -n fit "$dir/damaged.log")"
tap_empty "damaged states: same results" "$(differences "$dir/reference" "$dir/damaged")"

# What cannot be saved in the middle is not begun when it cannot end in time.
cat >"$dir/study.yaml" <<YAML
study: sleeper
objective: {type: function, function: sphere, sleep: 2, parameters: {x: {float: [-1, 1]}}}
search: {method: random, trials: 12, seed: 5}
output: $dir/unused
YAML
launch 2 1 "$dir/left" --time 5s
status=$?
[ $status -eq 75 ] && grep -q 'too few to begin another' "$dir/left.log" &&
    [ "$(folds_in "$dir/left" | wc -l)" -ge 2 ]
tap_result $? "little time left: nothing is begun in vain" "exit status $status" \
    "$(cat "$dir/left.log")"

# The time comes from Slurm: from its variable, or from squeue.
SLURM_JOB_END_TIME=$(($(date +%s) + 1000)) launch 1 1 "$dir/end" --set search.trials=1
grep -qE 'time_left_s=9[0-4]' "$dir/end.log" # a minute is kept back
tap_result $? "SLURM_JOB_END_TIME says how much is left" "$(head -n 5 "$dir/end.log")"
SLURM_JOB_END_TIME=$(($(date +%s) + 3)) launch 1 1 "$dir/ended" --set objective.sleep=60
status=$?
[ $status -eq 75 ] && grep -q 'the batch job ends in' "$dir/ended.log"
tap_result $? "SLURM_JOB_END_TIME ends the run" "exit status $status" "$(cat "$dir/ended.log")"
mkdir "$dir/bin"
cat >"$dir/bin/squeue" <<'SQUEUE'
#!/bin/sh
[ "$*" = '-h -j 77 -o %L' ] && echo 0-00:01:40
SQUEUE
chmod +x "$dir/bin/squeue"
PATH=$dir/bin:$PATH SLURM_JOB_ID=77 launch 1 1 "$dir/asked" --set search.trials=1
grep -qE 'time_left_s=(89|90)' "$dir/asked.log"
tap_result $? "squeue tells the time that is left" "$(head -n 5 "$dir/asked.log")"
PATH=$dir/bin:$PATH SLURM_JOB_ID=78 launch 1 1 "$dir/unknown" --set search.trials=1 &&
    ! grep -q time_left_s "$dir/unknown.log"
tap_result $? "no answer is no limit" "$(head -n 5 "$dir/unknown.log")"
tap_done

#!/usr/bin/env bash
# jobs.sh - the other scripts of jobs/ under a private Slurm of three nodes: an array, a chain of
# dependent jobs, threads with binding, GPUs, `foldrank submit`. Disturbed by signals and a power
# failure, submitted again, they come to the results of runs that nobody disturbed.
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/../mpi/study.bash"
# shellcheck source=tests/slurm/jobs.bash
. tests/slurm/jobs.bash
trials=30 folds=5
lasting_study $trials $folds 4
sed "s/^study: .*/study: other/; s/seed: 5/seed: 6/" "$dir/study.yaml" >"$dir/other.yaml"
launch 2 1 "$dir/reference" && launch 2 1 "$dir/reference2" --set study=other --set search.seed=6
tap_result $? "undisturbed runs" "$(tail -n 20 "$dir/reference.log")"

ended='COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL'

# submit SBATCH-OPTION... SCRIPT ARGUMENT...: the job is $job.
submit() {
    job=$(sbatch --parsable "$@" 2>"$dir/sbatch.txt") || cat "$dir/sbatch.txt"
}

# finished OUTPUT TASKS NAME REFERENCE: all is there, once, and as undisturbed.
finished() {
    tap_empty "$3: every fold was trained once" "$(once_each "$1" "$2")"
    tap_empty "$3: same results as undisturbed" "$(differences "$4" "$1")"
}

# ---- an array of two studies; one is stopped, the other loses its node ----

for i in 1 2; do
    output=$dir/array$i
    sed -i "s|^output: .*|output: $output|" "$(printf '%s\n' "$dir"/{study,other}.yaml | sed -n ${i}p)"
done
submit_array() {
    submit --array=0-1 --ntasks-per-node=2 --no-requeue --output="$dir/array-%a.log" \
        --exclusive jobs/array.sh "$dir/study.yaml" "$dir/other.yaml"
}
submit_array
array=$job
busy "$dir/array1" && busy "$dir/array2"
scancel --batch --signal=USR1 "${array}_0"
node=$(squeue -h -j "${array}_1" -o %N)
cluster_power_off "$node"
job=${array}_0 && await "$ended" 30
[ "$(exit_code)" = 75 ] && [ "$(folds_in "$dir/array1" | wc -l)" -lt $((trials * folds)) ]
tap_result $? "array: a task that gets USR1 saves and ends with 75" "$(state)" \
    "$(tail -n 20 "$dir/array-0.log")"
job=${array}_1 && await "$ended" 30
[ "$(folds_in "$dir/array2" | wc -l)" -lt $((trials * folds)) ]
tap_result $? "array: a task loses its node" "$(state)" "$(tail -n 20 "$dir/array-1.log")"
submit_array
array=$job
for task in 0 1; do
    job=${array}_$task && await "$ended" 60 && [ "$(state)" = "COMPLETED None" ]
    tap_result $? "array: submitted again, task $task finishes on a living node" "$(state)" \
        "$(tail -n 20 "$dir/array-$task.log")"
done
finished "$dir/array1" $((trials * folds)) "array, task 0" "$dir/reference"
finished "$dir/array2" $((trials * folds)) "array, task 1" "$dir/reference2"
cluster_power_on "$node"

# ---- a chain: the first is stopped, the second loses its node, the others go on ----

mapfile -t chain < <(jobs/chain.sh 4 --ntasks-per-node=2 --no-requeue --output="$dir/chain.log" \
    jobs/one_node.sh "$dir/study.yaml" --output "$dir/chain")
[ ${#chain[@]} -eq 4 ] && job=${chain[3]} && [ "$(state)" = "PENDING Dependency" ]
tap_result $? "chain: four jobs, each behind the one before" "${chain[@]}"
job=${chain[0]} && busy "$dir/chain" && scancel --batch --signal=USR1 "$job"
await "$ended" 30 && [ "$(exit_code)" = 75 ]
tap_result $? "chain: the first saves and ends with 75" "$(state)" "$(tail -n 20 "$dir/chain.log")"
before=$(stat -c %s "$dir/chain/journal.bin")
job=${chain[1]} && for ((i = 0; i < 300; i++)); do
    [ "$(stat -c %s "$dir/chain/journal.bin")" -gt $((before + 1000)) ] && break
    sleep 0.05
done
node=$(squeue -h -j "$job" -o %N)
[ -n "$node" ] && cluster_power_off "$node"
await "$ended" 30 && [ "$(folds_in "$dir/chain" | wc -l)" -lt $((trials * folds)) ]
tap_result $? "chain: the second loses its node" "$(state)" "$(tail -n 20 "$dir/chain.log")"
for i in 2 3; do
    job=${chain[i]} && await "$ended" 60 && [ "$(state)" = "COMPLETED None" ]
    tap_result $? "chain: job $((i + 1)) ends well" "$(state)" "$(tail -n 20 "$dir/chain.log")"
done
finished "$dir/chain" $((trials * folds)) chain "$dir/reference"
[ -z "$node" ] || cluster_power_on "$node"

# ---- threads and binding, GPUs: by srun, which the scripts find by themselves, and mpirun ----

# where OUTPUT: ranks, threads and hosts as the run has logged them.
where() { sed -nE 's/.*start .*(ranks=[0-9]+ threads=[0-9]+ hosts=[0-9]+).*/\1/p' "$1.log"; }

threads=$(($(nproc) > 1 ? 2 : 1))
for launcher in srun mpirun; do
    [ $launcher = srun ] || export LAUNCH="mpirun --map-by slot:PE=$threads --bind-to core"
    output=$dir/many-$launcher
    submit --nodes=3 --ntasks-per-node=1 --cpus-per-task=$threads --output="$output.log" \
        jobs/many_nodes.sh "$dir/study.yaml" --output "$output"
    await "$ended" 60 && [ "$(state)" = "COMPLETED None" ] &&
        [ "$(where "$output")" = "ranks=3 threads=$threads hosts=3" ]
    tap_result $? "many nodes, $launcher: ranks with threads on every node" "$(state)" \
        "$(tail -n 20 "$output.log")"
    finished "$output" $((trials * folds)) "many nodes, $launcher" "$dir/reference"

    output=$dir/gpu-$launcher
    [ $launcher = srun ] || export LAUNCH="mpirun --map-by slot:PE=1 --bind-to core"
    submit --gres=gpu:2 --ntasks-per-node=2 --cpus-per-task=1 --output="$output.log" \
        jobs/gpu.sh "$dir/study.yaml" --output "$output" --set search.trials=2
    await "$ended" 60 && [ "$(state)" = "COMPLETED None" ] &&
        [ "$(where "$output")" = "ranks=2 threads=1 hosts=1" ]
    tap_result $? "GPUs, $launcher: a rank for each" "$(state)" "$(tail -n 20 "$output.log")"
done
unset LAUNCH

# ---- an HDF5 file, read by all nodes, instead of text read by one ----

perl -e 'srand 4; for my $r (0 .. 12000) { print join(",", $r ? map { sprintf "%.3f", rand } 1 .. 30 : map { "x$_" } 1 .. 30),
    ",", $r ? int(rand 3) : "y", "\n" }' >"$dir/wide.csv"
"$FOLDRANK" import "$dir/wide.csv" "$dir/wide.h5" --target y >/dev/null
cp "$dir/study.yaml" "$dir/digits.yaml"
cat >"$dir/study.yaml" <<YAML
study: wide
data: {path: $dir/wide.csv, target: y, task: classification, test: {fraction: 0.2, seed: 7}}
models: {softmax: {l2: {log: [1.0e-6, 1.0e-1]}}}
train: {optimizer: adam, epochs: 1}
search: {method: random, trials: 2, seed: 5}
output: $dir/unused
YAML
launch 1 1 "$dir/wide"
submit --nodes=3 --ntasks-per-node=1 --output="$dir/wide5.log" jobs/many_nodes.sh \
    "$dir/study.yaml" --set data.path="$dir/wide.h5" --output "$dir/wide5" --log-level debug
await "$ended" 60 && [ "$(state)" = "COMPLETED None" ] && grep -q 'data readers=3 ' "$dir/wide5.log"
tap_result $? "HDF5: read on three nodes" "$(state)" "$(tail -n 20 "$dir/wide5.log")"
tap_empty "HDF5: same results as of text" "$(differences "$dir/wide" "$dir/wide5" | grep -v 'path:\|target\|^---\|^[0-9]*c[0-9]*$')"
cp "$dir/digits.yaml" "$dir/study.yaml"

# ---- foldrank submit, all the way ----

said=$("$FOLDRANK" submit "$dir/study.yaml" -N 2 -n 2 -t 10m -o "$dir/it is" 2>&1)
job=$(sed -nE 's/^job ([0-9]+): .*/\1/p' <<<"$said")
busy "$dir/it is" && scancel --batch --signal=USR1 "$job"
await "PENDING BeginTime|$ended" 40 && [ "$(state)" = "PENDING BeginTime" ]
tap_result $? "submit: stopped, it queues again" "$said" "$(state)" "$(cat "$dir/it is/job-$job.log")"
scontrol update JobId="$job" StartTime=now+2
await "$ended" 60 && [ "$(state)" = "COMPLETED None" ]
tap_result $? "submit: finishes" "$(state)" "$(tail -n 20 "$dir/it is/job-$job.log")"
finished "$dir/it is" $((trials * folds)) submit "$dir/reference"
tap_done

#!/usr/bin/env bash
# faults.sh - ROUNDS starts of a study, each disturbed in its own way: killed ranks, launchers and
# node daemons, signals, a full disk, files in the way, damaged journals, two runs at once. What
# was finished is never lost nor done twice, nothing hangs, and the messages say what happened.
#   ROUNDS=50 SEED=3 tests/run tests/mpi/faults.sh
# shellcheck disable=SC2317 # the faults are called by their names
# shellcheck source=tests/mpi/study.bash
. "$(dirname "$0")/study.bash"
: "${ROUNDS:=13}" "${SEED:=1}" "${LONGEST:=30}"
RANDOM=$SEED
trials=30 folds=5
lasting_study $trials $folds 10
launch 2 1 "$dir/reference"
tap_result $? "undisturbed run" "$(tail -n 20 "$dir/reference.log")"

# A small disk where one can be mounted; else a limit on the size of files stands for it.
disk=$dir/disk
mkdir "$disk"
trap 'umount "$disk" 2>/dev/null; rm -rf "$dir"' EXIT
mount -t tmpfs -o size=8m tmpfs "$disk" 2>/dev/null && mounted=1 || mounted=

# start [COMMAND...]: the run in the background; its launcher is $launcher.
start() {
    # shellcheck disable=SC2086
    OMP_NUM_THREADS=1 "$@" $MPIRUN 2 "$FOLDRANK" run "$dir/study.yaml" --output "$output" \
        --checkpoint-every 0.2s --snapshot-every 0.3s >"$log" 2>&1 </dev/null &
    launcher=$!
}

ranks() { pgrep -f "^$FOLDRANK run .*--output $output( |\$)"; }
size() { stat -c %s "$output/journal.bin" 2>/dev/null || echo 0; }

# busy: until this start has filed something more, or has ended.
busy() {
    local before
    before=$(size)
    for ((k = 0; k < 600; k++)); do
        [ "$(size)" -gt $((before + 200)) ] && break
        kill -0 "$launcher" 2>/dev/null || return 0
        sleep 0.05
    done
    sleep "0.$((RANDOM % 8))"
}

# ends: waits for the launcher and all ranks. A hang is noted, and ended.
ends() {
    for ((k = 0; k < 10 * LONGEST; k++)); do
        kill -0 "$launcher" 2>/dev/null || [ -n "$(ranks)" ] || break
        sleep 0.1
    done
    if kill -0 "$launcher" 2>/dev/null || [ -n "$(ranks)" ]; then
        hung="$hung round $round ($fault);"
        # shellcheck disable=SC2046
        kill -9 "$launcher" $(ranks) 2>/dev/null
    fi
    wait "$launcher" 2>/dev/null
    status=$?
}

# says PATTERN: the log of this start does, unless it had come to its end before the fault.
says() {
    grep -qE -- "$1" "$log" && return
    grep -q '^next: foldrank show' "$log" ||
        silent="$silent round $round ($fault) does not say '$1': $(tail -n 3 "$log");"
}

# ---- the faults; each starts the run and sees it end ----

rank_killed() {
    start && busy
    kill -9 "$(ranks | sort -R | head -n 1)" 2>/dev/null
    ends && says 'signal 9'
}

launcher_killed() {
    start && busy
    kill -9 "$launcher"
    ends
}

term() {
    start && busy
    kill -TERM "$launcher" 2>/dev/null
    ends && says 'signal|stopped'
}

usr1_to_a_rank() {
    start && busy
    kill -USR1 "$(ranks | sort -R | head -n 1)" 2>/dev/null
    ends && says 'stopped early \(a signal came'
    [ "$status" -eq 75 ] || [ "$status" -eq 0 ] || silent="$silent round $round: exit status $status;"
}

disk_full() {
    if [ -n "$mounted" ]; then
        dd if=/dev/zero of="$disk/ballast" bs=4k count=100000 status=none 2>/dev/null
        truncate -s -$((8192 + RANDOM)) "$disk/ballast"
        start && ends
        rm "$disk/ballast"
    else
        # shellcheck disable=SC2016
        start bash -c 'ulimit -f $1; shift; exec "$@"' - $(($(size) / 1024 + 3)) && ends
    fi
    says 'No space left|File too large|disk full'
}

# As for a user who may not write: a directory where the file has to go.
results_in_the_way() {
    rm -f "$output/results.h5.tmp"
    mkdir -p "$output/results.h5.tmp"
    start && busy
    kill -USR1 "$launcher" 2>/dev/null
    ends && says 'cannot write .*results.h5'
    rmdir "$output/results.h5.tmp"
}

states_in_the_way() {
    rm -rf "$output/fits"
    mkdir -p "$output" && touch "$output/fits"
    start && busy
    kill -USR1 "$launcher" 2>/dev/null
    ends && says 'saved_fit=no: cannot make .*fits'
    rm -f "$output/fits"
}

# A tear of a few bytes never takes a whole record.
torn_journal() {
    [ "$(size)" -gt 4000 ] || rank_killed
    truncate -s -$((1 + RANDOM % 8)) "$output/journal.bin" 2>/dev/null
    may_lose=1
    start && busy
    kill -USR1 "$launcher" 2>/dev/null
    ends && says 'torn_record=dropped'
}

garbage_behind_the_journal() {
    [ "$(size)" -gt 4000 ] || rank_killed
    head -c $((1 + RANDOM % 3000)) /dev/urandom >>"$output/journal.bin"
    start && busy
    kill -USR1 "$launcher" 2>/dev/null
    ends && says 'torn_record=dropped'
}

# Not at its end: nothing may be trained on such ground, nor written.
damaged_journal() {
    [ "$(size)" -gt 8000 ] || rank_killed
    cp "$output/journal.bin" "$dir/journal.good"
    perl -e 'open my $f, "+<", $ARGV[0]; seek $f, $ARGV[1], 0; print $f "\x55\xaa\x55"' \
        "$output/journal.bin" 3000
    cp "$output/journal.bin" "$dir/journal.bad"
    start && ends && says 'journal.bin.*(offset|damaged)'
    cmp -s "$dir/journal.bad" "$output/journal.bin" || silent="$silent round $round: damage was overwritten;"
    cp "$dir/journal.good" "$output/journal.bin"
}

two_at_once() {
    local first
    log=$log.first start && first=$launcher
    start && busy
    kill -USR1 "$first" "$launcher" 2>/dev/null
    ends
    launcher=$first && ends
    cat "$log.first" >>"$log"
    says 'another run is (at work|starting) here'
}

# ---- on the nodes of a private Slurm, where there can be one ----

# job LAUNCHER: the run as a job on two nodes. From there nobody sees that a run on this host is
# gone: its lock is removed as the message about it says.
job() {
    rm -f "$output/lock"
    job=$(LAUNCH=$1 sbatch --parsable --nodes=2 --ntasks-per-node=1 --no-requeue \
        --output="$log" jobs/one_node.sh "$dir/study.yaml" --checkpoint-every 0.2s --output "$output")
    sleep 600 & # in the place of a launcher
    launcher=$!
}

# job_ends: as soon as Slurm says so, the launcher's place is empty.
job_ends() {
    for ((k = 0; k < 10 * LONGEST; k++)); do
        [ -z "$(squeue -h -j "$job" 2>/dev/null)" ] && break
        sleep 0.1
    done
    [ -n "$(squeue -h -j "$job" 2>/dev/null)" ] || kill "$launcher"
    ends
    scancel "$job" 2>/dev/null
}

# on_cluster PATTERN: a process of this Slurm.
on_cluster() {
    for p in $(pgrep -f "$1"); do
        tr '\0' '\n' 2>/dev/null <"/proc/$p/environ" | grep -qx "SLURM_CONF=$SLURM_CONF" && echo "$p"
    done | head -n 1
}

mpi_daemon_killed() {
    job mpirun && busy
    kill -9 "$(on_cluster '^(/usr/bin/)?orted ')" 2>/dev/null
    job_ends && says 'ORTE|daemon|signal'
}

# The node goes with it; Slurm is told, since it needs half a minute to notice.
node_daemon_killed() {
    job 'srun --mpi=pmix' && busy
    kill -9 "$(on_cluster '^slurmd -D -N n2')" 2>/dev/null
    scontrol update NodeName=n2 State=DOWN Reason=fault
    job_ends && says 'NODE FAILURE|signal|Killed'
    cluster_power_on n2
    for ((k = 0; k < 100; k++)); do
        [ "$(sinfo -h -t idle -o %D)" = 2 ] && break
        sleep 0.1
    done
}

faults=(rank_killed launcher_killed term usr1_to_a_rank disk_full results_in_the_way
    states_in_the_way torn_journal garbage_behind_the_journal damaged_journal two_at_once)
# shellcheck source=tests/slurm/cluster.bash
. tests/slurm/cluster.bash
why=$(cluster_missing)
if [ -n "$why" ]; then
    tap_skip "killed daemons of nodes" "$why"
else
    faults+=(mpi_daemon_killed node_daemon_killed)
    trap 'cluster_stop; umount "$disk" 2>/dev/null; rm -rf "$dir"' EXIT
    chmod 711 "$dir"
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 TMPDIR=$dir/tmp
    mkdir "$TMPDIR"
    cluster_start "$dir/slurm" 2 2
    tap_result $? "a Slurm of two nodes is up" "$(tail -qn 5 "$dir"/slurm/*.{out,log})"
fi

hung='' lost='' twice='' silent='' wrong='' finished=0 before=0
output=$disk/study0 log=$dir/log

# Every kind once in some order, then any.
mapfile -t order < <(for ((i = 0; i < ${#faults[@]}; i++)); do echo "$RANDOM $i"; done | sort -n | cut -d ' ' -f 2)
for ((round = 1; round <= ROUNDS; round++)); do
    i=${order[round - 1]:-$((RANDOM % ${#faults[@]}))}
    fault=${faults[i]} may_lose=
    $fault
    now=$(folds_in "$output" 2>/dev/null | wc -l)
    again=$(folds_in "$output" 2>/dev/null | sort | uniq -d)
    [ "$now" -ge $((before - ${may_lose:-0})) ] ||
        lost="$lost round $round ($fault): $now folds, $before before;"
    [ -z "$again" ] || twice="$twice round $round ($fault): $again;"
    before=$now
    echo "# round $round: $fault, $now folds"
    [ "$now" -lt $((trials * folds)) ] && [ $round -lt "$ROUNDS" ] && continue
    launch 3 1 "$output" || wrong="$wrong round $round: $(tail -n 3 "$output.log");"
    wrong="$wrong$(once_each "$output" $((trials * folds)))$(differences "$dir/reference" "$output")"
    finished=$((finished + 1)) output=$disk/study$finished before=0
done

tap_empty "nothing hangs longer than $LONGEST s" "$hung"
tap_empty "what was filed is never lost" "$lost"
tap_empty "nothing is trained twice" "$twice"
tap_empty "messages say what happened" "$silent"
tap_empty "studies come to their end with the undisturbed results" "$wrong"
echo "# $ROUNDS rounds, $finished studies finished; disk full by ${mounted:+a small tmpfs}${mounted:-the size of files}" | sed 's/tmpfs1/tmpfs/'
tap_done

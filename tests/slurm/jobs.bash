# shellcheck shell=bash
# jobs.bash - sourced by the tests of jobs/ after tests/mpi/study.bash: starts a private Slurm of
# three nodes and looks at jobs. Where there can be none, the test is skipped and says why.
# shellcheck source=tests/slurm/cluster.bash
. tests/slurm/cluster.bash
why=$(cluster_missing)
if [ -n "$why" ]; then
    tap_skip "jobs/ under Slurm" "$why"
    tap_done
fi
trap 'cluster_stop; rm -rf "$dir"' EXIT
chmod 711 "$dir" # munge wants its socket to be reachable
cluster_start "$dir/slurm" 3 4
tap_result $? "a Slurm of three nodes is up" "$(tail -qn 5 "$dir"/slurm/*.{out,log})"

# All nodes are one machine of few cores, and the user may be root. TMPDIR takes what Open MPI
# leaves behind when it is killed.
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export TMPDIR=$dir/tmp
mkdir "$TMPDIR"

# Of job number $job.
state() { scontrol show job "$job" | sed -nE 's/.*JobState=(\w+) Reason=(\w+).*/\1 \2/p'; }
exit_code() { scontrol show job "$job" | sed -nE 's/.* ExitCode=([0-9]+):.*/\1/p'; }
starts() { grep -c '^batch.sh: job .*, start' "$1.log"; }

# await STATES SECONDS: until the job's state (and reason) is one of these.
await() {
    for ((i = 0; i < 10 * $2; i++)); do
        [[ $(state) =~ ^($1) ]] && return 0
        sleep 0.1
    done
    return 1
}

# busy OUTPUT: until folds are being filed.
busy() {
    for ((i = 0; i < 300; i++)); do
        [ "$(stat -c %s "$1/journal.bin" 2>/dev/null || echo 0)" -gt 16000 ] && return 0
        sleep 0.05
    done
    return 1
}

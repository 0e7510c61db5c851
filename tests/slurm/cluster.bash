# shellcheck shell=bash
# cluster.bash - sourced by tests: a private Slurm of several nodes on this machine, for any user.
# Every node is a slurmd with its own host name, /dev/shm and process numbers (namespaces), so
# that Open MPI takes it for a machine, and killing its first process is a power failure.
PATH=$PATH:/usr/sbin:/sbin
cluster_namespaces=(unshare --uts --mount --pid --fork --mount-proc --kill-child)
[ "$(id -u)" -eq 0 ] || cluster_namespaces+=(--user --map-current-user --keep-caps)

# cluster_missing: says what keeps such a cluster from working here; empty when nothing does.
cluster_missing() {
    local program
    for program in munged slurmctld slurmd sbatch srun scontrol unshare; do
        command -v $program >/dev/null && continue
        echo "$program is not installed: make deps"
        return
    done
    "${cluster_namespaces[@]}" true 2>/dev/null || echo "namespaces are not allowed here"
}

# cluster_start DIR NODES CPUS: all its files are in DIR, which must be short and absolute.
# Exports SLURM_CONF: from here on sbatch and the like mean this cluster.
cluster_start() {
    local nodes=$2 i port=$((20000 + $$ % 1500 * 8)) user
    cluster=$1 user=$(id -un)
    export SLURM_CONF=$cluster/slurm.conf
    mkdir -p "$cluster/state" "$cluster/munge"
    chmod 755 "$cluster"
    chmod 711 "$cluster/munge"
    (umask 077 && head -c 128 /dev/urandom >"$cluster/munge/key")
    echo 'CgroupPlugin=cgroup/v1' >"$cluster/cgroup.conf" # not used; looking for one may fail
    # GPUs in name only.
    echo "Name=gpu File=/dev/null,/dev/zero" >"$cluster/gres.conf"
    # TmpFS: the nodes' PMIx directories would be one. The scheduler looks every second, a dead
    # node is noticed and a job that does not end is killed soon.
    cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthInfo=socket=$cluster/munge/socket
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/%n
TmpFS=$cluster/tmp-%n
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/%n.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=1
MailProg=/bin/true
ReturnToService=2
KillWait=2
SlurmdTimeout=5
GresTypes=gpu
NodeName=n[1-$nodes] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + nodes))] CPUs=$3 Gres=gpu:2
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    munged --key-file="$cluster/munge/key" --socket="$cluster/munge/socket" \
        --pid-file="$cluster/munge/pid" --log-file="$cluster/munge/log" \
        --seed-file="$cluster/munge/seed" 2>"$cluster/munge/errors" && slurmctld || return 1
    for ((i = 1; i <= nodes; i++)); do cluster_power_on "n$i"; done
    for ((i = 0; i < 200; i++)); do
        [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = "$nodes" ] && return 0
        sleep 0.1
    done
    return 1
}

# cluster_power_on NODE
cluster_power_on() {
    mkdir -p "$cluster/$1" "$cluster/tmp-$1"
    rm -f "$cluster/$1.pid"
    # shellcheck disable=SC2016
    "${cluster_namespaces[@]}" bash -c 'hostname "$0" && mount -t tmpfs -o mode=1777 tmpfs /dev/shm &&
        slurmd -D -N "$0" & wait' "$1" </dev/null >>"$cluster/$1.out" 2>&1 &
    echo $! >"$cluster/$1.power"
    disown
}

# cluster_power_off NODE: all its processes are gone at once. Slurm is told, since it needs half
# a minute to notice.
cluster_power_off() {
    kill -9 "$(cat "$cluster/$1.power")"
    scontrol update NodeName="$1" State=DOWN Reason='power failure'
}

# cluster_stop: nothing of it lives on.
cluster_stop() {
    local pid power
    [ -n "${cluster:-}" ] || return 0
    for power in "$cluster"/*.power; do kill -9 "$(cat "$power")" 2>/dev/null; done
    pid=$(cat "$cluster/slurmctld.pid" 2>/dev/null) && kill "$pid" &&
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    [ ! -S "$cluster/munge/socket" ] || munged --stop --socket="$cluster/munge/socket"
}

#!/usr/bin/env bash
# chain.sh - several jobs in a row that all work on one study: for clusters that do not let a job
# queue itself again as jobs/batch.sh does. On the login node:
#
#   jobs/chain.sh 5 --nodes=8 --time=12:00:00 jobs/many_nodes.sh STUDY [OPTION]...
#
# Each starts when the one before has ended, however it ended, and goes on where that stopped;
# when the study is finished the rest ends at once. Prints the job numbers.
set -eu
if [ $# -lt 3 ] || ! [ "$1" -gt 0 ] 2>/dev/null; then
    echo "usage: jobs/chain.sh N [OPTION of sbatch]... SCRIPT STUDY [OPTION]..." >&2
    exit 2
fi
jobs=$1 after=()
shift
for ((i = 0; i < jobs; i++)); do
    job=$(sbatch --parsable "${after[@]}" "$@")
    job=${job%%;*}
    echo "$job"
    after=(--dependency="afterany:$job")
done

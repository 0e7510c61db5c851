# shellcheck shell=bash
# pytest.bash - sourced by the scripts of this directory: tests of the Python package as TAP, in
# the virtual environment that `make build/analysis-venv/ready` has made.
# Needs FOLDRANK (the program) and MPIRUN (ending in -n) in the environment.
set -u
cd "$(dirname "$0")/../.." || exit 1
venv=$PWD/build/analysis-venv

# in_venv COMMAND...: replaces this script by a command of the environment; skips without one.
in_venv() {
    if [ ! -e "$venv/ready" ]; then
        echo "ok 1 - $(basename "$0") # SKIP build/analysis-venv is not there: make build/analysis-venv/ready tells why"
        echo "1..1"
        exit 0
    fi
    cd analysis || exit 1
    PATH=$venv/bin:$PATH OMP_NUM_THREADS=1 MPLCONFIGDIR=$venv exec "$@"
}

# run_pytest FILE...: tests of analysis/tests
run_pytest() {
    in_venv "$venv/bin/pytest" -p tap_lines -q -p no:cacheprovider "${@/#/tests/}"
}

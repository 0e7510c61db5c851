# shellcheck shell=bash
# tap.sh - sourced by shell tests: numbered TAP results and the plan at the end.
tap_count=0 tap_failed=0

# tap_result STATUS NAME [DETAIL...]: one result; the details are shown when it is a failure.
tap_result() {
    local status=$1 name=$2
    shift 2
    tap_count=$((tap_count + 1))
    if [ "$status" -eq 0 ]; then
        echo "ok $tap_count - $name"
    else
        echo "not ok $tap_count - $name"
        tap_failed=$((tap_failed + 1))
        [ $# -gt 0 ] && printf '%s\n' "$@" | sed 's/^/# /'
    fi
    return 0
}

# tap_empty NAME TEXT: passes when TEXT is empty, otherwise shows it.
tap_empty() {
    [ -z "$2" ]
    tap_result $? "$1" "$2"
}

tap_skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

tap_done() {
    echo "1..$tap_count"
    exit $((tap_failed > 0))
}

#!/usr/bin/env bash
# lint.sh - the Python package is formatted, without left-overs, and typed.
# shellcheck source=tests/analysis/pytest.bash
. "$(dirname "$0")/pytest.bash"
[ -e "$venv/ready" ] || in_venv true
. tests/tap.sh
cd analysis || exit 1
tap_empty "formatted" "$("$venv/bin/ruff" format --no-cache --check . 2>&1 | grep -v 'already formatted')"
tap_empty "no left-overs" "$("$venv/bin/ruff" check --no-cache --quiet . 2>&1)"
text=$("$venv/bin/mypy" --cache-dir=/dev/null 2>&1)
tap_result $? "typed" "$text"
tap_done

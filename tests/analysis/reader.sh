#!/usr/bin/env bash
# shellcheck source=tests/analysis/pytest.bash
. "$(dirname "$0")/pytest.bash"
run_pytest test_reader.py

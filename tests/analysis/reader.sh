#!/usr/bin/env bash
. "$(dirname "$0")/pytest.bash"
run_pytest test_reader.py

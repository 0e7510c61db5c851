#!/usr/bin/env bash
# shellcheck source=tests/analysis/pytest.bash
. "$(dirname "$0")/pytest.bash"
run_pytest test_model.py test_optuna.py test_tidy.py test_examples.py

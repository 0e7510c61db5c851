#!/usr/bin/env bash
. "$(dirname "$0")/pytest.bash"
run_pytest test_model.py test_optuna.py test_tidy.py test_examples.py

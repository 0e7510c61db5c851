"""The examples, and the lines that the READMEs show, run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest
import studies

EXAMPLES = studies.ROOT / "analysis/examples"
CANCER = studies.ROOT / "data/breast_cancer.csv.gz"
WRITES = {
    "first_look.py": ["first_look.png"],
    "trust.py": ["trust.png"],
    "with_optuna.py": ["optuna.db", "history.html"],
    "look_into_model.py": ["model.png"],
    "compare_runs.py": ["compared.png", "report.html"],
}


def python(directory, *arguments):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=directory,
        env={**os.environ, "MPLBACKEND": "Agg"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_all_examples_are_tried():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(WRITES)


@pytest.mark.parametrize("name", WRITES)
def test_example(output, tmp_path, name):
    results = [output("complete")]
    results += [CANCER] if name == "look_into_model.py" else []
    results += [output("dice")] if name == "compare_runs.py" else []
    assert python(tmp_path, EXAMPLES / name, *results)
    for file in WRITES[name]:
        assert (tmp_path / file).stat().st_size > 10_000


def test_the_lines_of_the_main_readme(output, tmp_path):
    text = (studies.ROOT / "README.md").read_text()
    lines = re.search(r"((?: {4}.*\n)*? {4}import foldrank\n(?: {4}.*\n)+)", text).group(1)
    code = "\n".join(line[4:] for line in lines.splitlines())
    assert len(code.splitlines()) == 3
    (tmp_path / "results").mkdir()
    shutil.copytree(output("complete"), tmp_path / "results/cancer")
    code = re.sub(r"\n(\w.*)$", r"\nprint(\1)", code)
    shown = python(tmp_path, "-c", code)
    assert "adam" in shown and "64" in shown


def test_the_code_of_our_readme(output, tmp_path):
    text = (studies.ROOT / "analysis/README.md").read_text()
    (tmp_path / "results").mkdir()
    shutil.copytree(output("complete"), tmp_path / "results/cancer")
    shutil.copytree(output("dice"), tmp_path / "results/other")
    (tmp_path / "data").mkdir()
    shutil.copy(CANCER, tmp_path / "data/breast_cancer.csv.gz")
    command = re.search(r"`foldrank (export \S+ --optuna \S+)`", text)
    assert command is not None
    subprocess.run([studies.FOLDRANK, *command[1].split()], cwd=tmp_path, check=True)
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(blocks) >= 4
    python(tmp_path, "-c", "\n".join(blocks))

"""The studies that the tests run, each small, each with something to see."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDRANK = os.environ.get("FOLDRANK") or str(ROOT / "build/release/foldrank")
AS_ROOT = " --allow-run-as-root" if os.geteuid() == 0 else ""
MPIRUN = os.environ.get("MPIRUN", f"mpirun --oversubscribe{AS_ROOT} -n")

CANCER = f"""
data: {{path: {ROOT}/data/breast_cancer.csv.gz, target: diagnosis, task: classification,
       test: {{fraction: 0.2, seed: 7}}}}
"""
DIABETES = f"""
data: {{path: {ROOT}/data/diabetes.csv.gz, target: -1, task: regression,
       test: {{fraction: 0.2, seed: 7}}}}
metric: rmse
"""
TWO_FAMILIES = """
models:
  softmax: {l2: {log: [1.0e-6, 1.0e-1]}}
  mlp: {hidden: {choice: [[16], [8, 4]]}, dropout: {float: [0.0, 0.5]}}
train:
  optimizer: {choice: [sgd, adam]}
  learning_rate: {log: [1.0e-3, 1.0e-1]}
  momentum: {float: [0.0, 0.99], when: {optimizer: sgd}}
  batch_size: {choice: [32, 64]}
  epochs: 8
"""
GRID = """
models: {softmax: {l2: 0.001}}
train:
  optimizer: {choice: [sgd, adam]}
  learning_rate: {log: [1.0e-3, 1.0e-1], grid: 3}
  batch_size: {choice: [32, 64]}
  nesterov: false
  epochs: 4
search: {method: grid}
"""

STUDIES = {
    # conditional parameters, two families, pruned trials
    "pruned": CANCER + TWO_FAMILIES + "search: {method: tpe, trials: 40, seed: 1}\n"
    "pruning: [asha, racing]\n",
    # all trials complete, several folds and repeats, nothing under /explain
    "complete": CANCER + TWO_FAMILIES + "search: {method: random, trials: 24, seed: 3}\n"
    "validation: {scheme: stratified_kfold, folds: 3, repeats: 2}\n"
    "explain: {when: never}\n",
    "grid": CANCER + GRID,
    "nested": CANCER + GRID + "nested: {outer_folds: 3}\n",
    "one_standard_error": CANCER + TWO_FAMILIES + "search: {method: random, trials: 12}\n"
    "select: {rule: one_standard_error}\n",
    "paired_test": CANCER + TWO_FAMILIES + "search: {method: random, trials: 12}\n"
    "select: {rule: paired_test}\n",
    "dice": CANCER + TWO_FAMILIES + "search: {method: random, trials: 16}\n"
    "select: {rule: dice, k: 5, rounds: 400}\n",
    "objectives": CANCER
    + """
metric: [accuracy, {minimize: parameters}]
models: {mlp: {hidden: {choice: [[2], [4], [16], [8, 4]]}, activation: {choice: [relu, tanh]}}}
train: {learning_rate: {log: [1.0e-3, 1.0e-1]}, epochs: 4}
search: {method: random, trials: 24, seed: 1}
select: {rule: knee}
""",
    "regression": DIABETES
    + """
models:
  linear: {l2: {log: [1.0e-6, 1.0]}}
  mlp: {hidden: {choice: [[8], [16]]}, activation: {choice: [relu, tanh]}}
train: {optimizer: adam, learning_rate: {log: [1.0e-3, 1.0e-1]}, epochs: 6}
search: {method: random, trials: 12, seed: 2}
""",
    # some trials have too few active numbers for the function and fail
    "failed": """
objective:
  type: function
  function: rosenbrock
  direction: minimize
  parameters:
    half: {choice: [true, false]}
    x: {float: [-2, 2]}
    y: {float: [-1, 3], when: {half: false}}
search: {method: random, trials: 20, seed: 4}
""",
    # learning rates so large that weights overflow
    "diverged": CANCER
    + """
models: {mlp: {hidden: [8], activation: relu}}
train: {optimizer: sgd, momentum: 0.99, learning_rate: {log: [1.0e-2, 1.0e+6]}, epochs: 6}
search: {method: random, trials: 10, seed: 5}
""",
    "function": """
objective:
  type: function
  function: branin
  direction: minimize
  noise: 0.5
  parameters: {x: {float: [-5, 10]}, y: {float: [0, 15]}}
search: {method: tpe, trials: 60, seed: 6}
""",
}


def run(
    directory: Path, name: str, text: str, ranks: int = 1, settings: tuple[str, ...] = ()
) -> Path:
    """Run a study and return its output directory; one rank needs no launcher."""
    study = directory / f"{name}.yaml"
    study.write_text(f"study: {name}\n{text.strip()}\noutput: {directory / name}\n")
    command = [FOLDRANK, "run", str(study)]
    for setting in settings:
        command += ["--set", setting]
    if ranks > 1:
        command = [*shlex.split(MPIRUN), str(ranks), *command]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
    return directory / name

# SPDX-License-Identifier: BSD-3-Clause
"""What the peers share: the data and its split, the options, the last line."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "data" / "digits.csv.gz"
HIDDEN = [(64,), (128,), (128, 64)]
OPTIMIZERS = ["sgd", "adam"]
LEARNING_RATE = (1e-4, 1e-1)
BATCH_SIZES = [32, 64, 128]
MOMENTUM = 0.9
FOLDS = 5


def load(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read digits and hold out 20 %, stratified.

    Returns
    -------
    x_train, x_test : ndarray of float32, shape (n, 64)
    y_train, y_test : ndarray of int64
    """
    from sklearn.model_selection import train_test_split

    table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)
    x, y = table[:, :-1], table[:, -1].astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=7, stratify=y)
    return x_train, x_test, y_train, y_test


def trials_like(path: Path | None) -> list[dict[str, object]]:
    """Read the hyperparameter sets of `foldrank show --format csv`: the same work for all.

    Returns
    -------
    list of dict
        `hidden` (empty for softmax), `optimizer`, `learning_rate`, `batch_size` of each trial.
    """
    if path is None:
        return []
    with path.open(newline="") as file:
        return [{"hidden": tuple(json.loads(row["mlp.hidden"])) if row["model"] == "mlp" else (),
                 "optimizer": row["optimizer"], "learning_rate": float(row["learning_rate"]),
                 "batch_size": int(row["batch_size"])}
                for row in sorted(csv.DictReader(file), key=lambda row: int(row["trial"]))]


def parser(about: str) -> argparse.ArgumentParser:
    """Return a parser of --trials, --epochs, --processes, --seed, --like and --data."""
    made = argparse.ArgumentParser(description=about.splitlines()[0])
    made.add_argument("--trials", type=int, default=64, help="hyperparameter sets, each fitted on five folds (64)")
    made.add_argument("--epochs", type=int, default=20, help="passes over the training rows of a fit (20)")
    made.add_argument("--processes", type=int, default=2, help="worker processes, one thread each (2)")
    made.add_argument("--seed", type=int, default=1, help="of the search and the trainings (1)")
    made.add_argument("--like", type=Path, help="hyperparameter sets to train, in place of drawn ones: what foldrank show --format csv prints")
    made.add_argument("--data", type=Path, default=DATA, help="the table (data/digits.csv.gz)")
    return made


def report(fits: int, seconds: float, cv_accuracy: float, test_accuracy: float) -> None:
    """Print the line that a runner reads."""
    print(f"fits={fits} seconds={seconds:.4f} fits_per_second={fits / seconds:.3f} "
          f"best_cv_accuracy={cv_accuracy:.6f} test_accuracy={test_accuracy:.6f}", flush=True)

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Optuna's samplers on the problems of `foldrank bench search`, with its protocol and its rows.

A problem is NAME:DIMENSIONS, a test function on the box that `foldrank bench search` takes, or a study file with a `table`
objective. One trial at a time; a sampler's defaults but for the seed. The row has the mean over seeds of log10 of the normalised
regret, (best so far - optimum) / (median - optimum), floor 1e-6, after 25, 50, 100 and 200 trials; the standard error of the last
one; and the processor time of a suggestion. The functions are written anew here from their definitions, so that equal rows for
`random` check both programs.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import math
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import optuna
import yaml

MARKS = (25, 50, 100, 200)
FLOOR = 1e-6
SAMPLERS = {"random": "RandomSampler", "tpe": "TPESampler", "gp": "GPSampler", "cmaes": "CmaEsSampler"}


def hartmann6(x: np.ndarray) -> np.ndarray:
    """Return Hartmann's function in six dimensions."""
    alpha = np.array([1.0, 1.2, 3.0, 3.2])
    a = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
    p = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                         [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]])
    return -(alpha * np.exp(-(a * (x[..., None, :] - p) ** 2).sum(-1))).sum(-1)


def levy(x: np.ndarray) -> np.ndarray:
    """Return Levy's function."""
    w = 1 + (x - 1) / 4
    inner = ((w[..., :-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[..., :-1] + 1) ** 2)).sum(-1)
    return np.sin(np.pi * w[..., 0]) ** 2 + inner + (w[..., -1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[..., -1]) ** 2)


def ackley(x: np.ndarray) -> np.ndarray:
    """Return Ackley's function."""
    return 20 + math.e - 20 * np.exp(-0.2 * np.sqrt((x**2).mean(-1))) - np.exp(np.cos(2 * np.pi * x).mean(-1))


def branin(x: np.ndarray) -> np.ndarray:
    """Return Branin's function."""
    bend = x[..., 1] - 5.1 / (4 * np.pi**2) * x[..., 0] ** 2 + 5 / np.pi * x[..., 0] - 6
    return bend**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x[..., 0]) + 10


def rosenbrock(x: np.ndarray) -> np.ndarray:
    """Return Rosenbrock's function."""
    return (100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2).sum(-1)


def griewank(x: np.ndarray) -> np.ndarray:
    """Return Griewank's function."""
    return (x**2).sum(-1) / 4000 - np.cos(x / np.sqrt(np.arange(1, x.shape[-1] + 1))).prod(-1) + 1


# Name: function; the coordinate of its minimum and the width of its box; the minimum.
SHIFTED: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float, float]] = {
    "sphere": (lambda x: (x**2).sum(-1), 0, 10),
    "rosenbrock": (rosenbrock, 1, 15),
    "rastrigin": (lambda x: (x**2 - 10 * np.cos(2 * np.pi * x) + 10).sum(-1), 0, 10),
    "ackley": (ackley, 0, 60),
    "levy": (levy, 1, 20),
    "griewank": (griewank, 0, 1200),
}

# Name: function, box, minimum.
FIXED: dict[str, tuple[Callable[[np.ndarray], np.ndarray], list[tuple[float, float]], float]] = {
    "branin": (branin, [(-5, 10), (0, 15)], 0.39788735772973816),
    "hartmann6": (hartmann6, [(0, 1)] * 6, -3.322368011391339),
}


def box_of(name: str, dims: int) -> list[tuple[float, float]]:
    """Return the box of a function: the minimum lies at 0.2 + 0.6 frac(0.618... j) of parameter j = 1, 2, ... of its range."""
    if name in FIXED:
        return FIXED[name][1]
    _, best, width = SHIFTED[name]
    golden = (math.sqrt(5) - 1) / 2
    places = [0.2 + 0.6 * (j * golden % 1) for j in range(1, dims + 1)]
    return [(best - place * width, best + (1 - place) * width) for place in places]


@dataclass
class Problem:
    """What is searched, and what there is to find.

    Attributes
    ----------
    name : str
        As in the rows.
    objective : callable
        Takes an Optuna trial, returns the score.
    maximize : bool
        Direction of the score.
    optimum, median : float
        Of all points.
    """

    name: str
    objective: Callable[[optuna.Trial], float]
    maximize: bool
    optimum: float
    median: float


def function_problem(text: str) -> Problem:
    """Make the problem NAME:DIMENSIONS."""
    name, dims = text.split(":")
    f = (FIXED.get(name) or SHIFTED[name])[0]
    optimum = FIXED[name][2] if name in FIXED else 0.0
    box = box_of(name, int(dims))
    low, high = np.array(box, dtype=float).T
    sample = np.random.default_rng(0).uniform(low, high, (100_000, len(box)))

    def objective(trial: optuna.Trial) -> float:
        return float(f(np.array([trial.suggest_float(f"x{j}", *bounds) for j, bounds in enumerate(box)])))

    return Problem(text, objective, False, optimum, float(np.median(f(sample))))


def conditional_problem(text: str) -> Problem:
    """Make the problem conditional:DIMENSIONS: two families of so many numbers, the second with a choice and its branches inside."""
    dims = int(text.split(":")[1])

    def cost(branch: int, numbers: np.ndarray) -> np.ndarray:
        return ((numbers - (0.3, 0.7, 0.3)[branch]) ** 2).sum(-1) + 0.1 * branch

    def objective(trial: optuna.Trial) -> float:
        family = trial.suggest_categorical("family", ["a", "b"])
        shared = trial.suggest_float("shared", 0, 1)
        branch = family if family == "a" else trial.suggest_categorical("kind", ["p", "q"])
        numbers = [trial.suggest_float(f"{branch}{j}", 0, 1) for j in range(1, dims + 1)]
        return float(cost("apq".index(branch), np.array([shared, *numbers])))

    rng = np.random.default_rng(0)
    sample = [cost(b, rng.uniform(0, 1, (n, dims + 1))) for b, n in ((0, 50_000), (1, 25_000), (2, 25_000))]
    return Problem(text, objective, False, 0.0, float(np.median(np.concatenate(sample))))


def suggest(trial: optuna.Trial, name: str, distribution: dict[str, list]) -> object:
    """Draw one parameter of a study file; only what tables have."""
    (kind, values), = distribution.items()
    if kind == "choice":
        return trial.suggest_categorical(name, values)
    return trial.suggest_int(name, *values) if kind == "int" else trial.suggest_float(name, *values)


def table_problem(path: str) -> Problem:
    """Make the problem of a study file whose objective is a table."""
    study = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    objective = study["objective"]
    names = list(objective["parameters"])
    with gzip.open(objective["path"], "rt") as file:
        rows = list(csv.DictReader(file))
    others = [c for c in rows[0] if c not in names]
    scores = {tuple(float(r[n]) for n in names): float(np.mean([float(r[c]) for c in others if r[c]])) for r in rows}
    maximize = objective["direction"] == "maximize"
    values = np.array(list(scores.values()))

    def lookup(trial: optuna.Trial) -> float:
        return scores[tuple(float(suggest(trial, n, objective["parameters"][n])) for n in names)]

    return Problem(study["study"], lookup, maximize, float(values.max() if maximize else values.min()), float(np.median(values)))


def problem_of(text: str) -> Problem:
    """Make the problem that an argument names."""
    if text.endswith(".yaml"):
        return table_problem(text)
    return conditional_problem(text) if text.startswith("conditional:") else function_problem(text)


def run(problem: Problem, sampler: str, trials: int, seed: int) -> tuple[list[float], float]:
    """Run one study.

    Returns
    -------
    tuple of (list of float, float)
        Log10 of the regret after each mark; processor time per trial [s].
    """
    made = getattr(optuna.samplers, SAMPLERS[sampler])(seed=seed)
    study = optuna.create_study(sampler=made, direction="maximize" if problem.maximize else "minimize")
    begin = time.process_time()
    study.optimize(problem.objective, n_trials=trials)
    seconds = time.process_time() - begin
    scores = np.array([t.value for t in study.trials])
    best = np.maximum.accumulate(scores) if problem.maximize else np.minimum.accumulate(scores)
    share = (best - problem.optimum) / (problem.median - problem.optimum)
    return [math.log10(max(share[m - 1], FLOOR)) for m in MARKS if m <= trials], seconds / trials


def main() -> None:
    """Print one row per sampler and problem, and the mean of each sampler."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sampler", action="append", choices=SAMPLERS, help="may be repeated [tpe]")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("problem", nargs="+", help="NAME:DIMENSIONS or a study file")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    problems = [problem_of(p) for p in options.problem]
    for sampler in options.sampler or ["tpe"]:
        if sampler == "gp":
            import torch

            torch.set_num_threads(1)
        means = []
        for problem in problems:
            results = [run(problem, sampler, options.trials, seed) for seed in range(options.seeds)]
            regret = np.array([r[0] for r in results])
            means.append(regret.mean(0))
            error = regret[:, -1].std(ddof=1) / math.sqrt(len(regret)) if len(regret) > 1 else math.nan
            cells = "".join(f" {value:7.2f}" for value in means[-1])
            print(f"optuna-{sampler:<8} {problem.name:<28}{cells} +-{error:.2f} {1e3 * np.mean([r[1] for r in results]):9.3f} ms",
                  flush=True)
        print(f"optuna-{sampler:<8} {'mean':<28}" + "".join(f" {value:7.2f}" for value in np.mean(means, 0)), flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The digits study in Optuna and PyTorch: worker processes share a study; a plain training loop, tuned.

Tensors are in memory, one permutation is gathered per epoch and sliced into batches, the forward pass calls functions rather than
modules, the optimizer is the fused one, and PyTorch has one thread per process: each was measured to be the fastest of the plain
ways. The validation fold is scored once, at the end of a fit. Imports, the start of the worker processes and the refit of the
winner are not timed.
"""

from __future__ import annotations

import multiprocessing as mp
import tempfile
import time
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.nn import functional as F

import digits_study as study

STUDY = "digits"
CLASSES = 10
START_LIMIT = 120.0  # seconds; a worker that dies before it is ready ends the others
Rows = tuple[torch.Tensor, torch.Tensor]


def standardized(x: np.ndarray, y: np.ndarray, train: np.ndarray, x_other: np.ndarray, y_other: np.ndarray) -> tuple[Rows, Rows]:
    """Return training and other rows as tensors, scaled by the training rows' mean and deviation."""
    mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
    deviation[deviation == 0.0] = 1.0
    return ((torch.from_numpy((x[train] - mean) / deviation), torch.from_numpy(y[train])),
            (torch.from_numpy((x_other - mean) / deviation), torch.from_numpy(y_other)))


def suggest(trial: optuna.trial.BaseTrial) -> dict[str, object]:
    """Draw a model family and its hyperparameters."""
    hidden = ()
    if trial.suggest_categorical("family", ["softmax", "mlp"]) == "mlp":
        hidden = study.HIDDEN[trial.suggest_int("hidden", 0, len(study.HIDDEN) - 1)]
    return {"hidden": hidden,
            "optimizer": trial.suggest_categorical("optimizer", study.OPTIMIZERS),
            "learning_rate": trial.suggest_float("learning_rate", *study.LEARNING_RATE, log=True),
            "batch_size": trial.suggest_categorical("batch_size", study.BATCH_SIZES)}


def as_suggested(trial: dict[str, object]) -> dict[str, object]:
    """Return what `suggest` has to draw to get this trial."""
    drawn = {key: trial[key] for key in ("optimizer", "learning_rate", "batch_size")}
    if trial["hidden"]:
        return drawn | {"family": "mlp", "hidden": study.HIDDEN.index(trial["hidden"])}
    return drawn | {"family": "softmax"}


def fit(train: Rows, other: Rows, epochs: int, hidden: tuple[int, ...], optimizer: str, learning_rate: float,
        batch_size: int) -> float:
    """Train one model.

    Parameters
    ----------
    train, other : Rows
        Rows to train on, rows to score.
    epochs : int
        Passes over the training rows.
    hidden, optimizer, learning_rate, batch_size
        What `suggest` returns.

    Returns
    -------
    float
        Accuracy on the other rows after the last epoch.
    """
    x, y = train
    widths = [x.shape[1], *hidden, CLASSES]
    layers = [nn.Linear(before, after) for before, after in zip(widths, widths[1:])]
    weights = [(layer.weight, layer.bias) for layer in layers]
    parameters = [p for pair in weights for p in pair]

    def forward(rows: torch.Tensor) -> torch.Tensor:
        for weight, bias in weights[:-1]:
            rows = F.relu(F.linear(rows, weight, bias))
        return F.linear(rows, *weights[-1])

    if optimizer == "adam":
        step = torch.optim.Adam(parameters, lr=learning_rate, fused=True)
    else:
        step = torch.optim.SGD(parameters, lr=learning_rate, momentum=study.MOMENTUM, fused=True)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for xb, yb in zip(x[order].split(batch_size), y[order].split(batch_size)):
            for parameter in parameters:
                parameter.grad = None
            F.cross_entropy(forward(xb), yb).backward()
            step.step()
    with torch.inference_mode():
        return (forward(other[0]).argmax(dim=1) == other[1]).double().mean().item()


def work(worker: int, journal: str, data: Path, trials: int, epochs: int, seed: int,
         claimed: Synchronized[int], ready: Barrier) -> None:
    """Run trials of the shared study until all are claimed."""
    torch.set_num_threads(1)
    torch.manual_seed(seed + worker)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    x, _, y, _ = study.load(data)
    splits = StratifiedKFold(study.FOLDS, shuffle=True, random_state=0).split(x, y)
    folds = [standardized(x, y, train, x[other], y[other]) for train, other in splits]
    fit(*folds[0], 1, (64,), "adam", 1e-3, 128)  # loads what PyTorch loads at first use
    shared = optuna.load_study(study_name=STUDY, storage=JournalStorage(JournalFileBackend(journal)),
                               sampler=optuna.samplers.RandomSampler(seed=seed + worker))
    ready.wait(START_LIMIT)
    while True:
        with claimed.get_lock():
            if claimed.value == trials:
                return
            claimed.value += 1
        trial = shared.ask()
        chosen = suggest(trial)
        shared.tell(trial, float(np.mean([fit(*fold, epochs, **chosen) for fold in folds])))


def main() -> None:
    """Run the search, refit the winner, report."""
    args = study.parser(__doc__).parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    x, x_test, y, y_test = study.load(args.data)
    context = mp.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        journal = str(Path(folder) / "journal")
        storage = JournalStorage(JournalFileBackend(journal))
        empty = optuna.create_study(study_name=STUDY, storage=storage, direction="maximize")
        for trial in study.trials_like(args.like):
            empty.enqueue_trial(as_suggested(trial))
        claimed, ready = context.Value("i", 0), context.Barrier(args.processes + 1)
        workers = [context.Process(target=work, args=(w, journal, args.data, args.trials, args.epochs, args.seed, claimed, ready))
                   for w in range(args.processes)]
        for worker in workers:
            worker.start()
        ready.wait(START_LIMIT)
        start = time.perf_counter()
        for worker in workers:
            worker.join()
        seconds = time.perf_counter() - start
        if any(worker.exitcode for worker in workers):
            raise SystemExit("a worker failed")
        best = optuna.load_study(study_name=STUDY, storage=storage).best_trial
    torch.manual_seed(args.seed)
    train, test = standardized(x, y, np.arange(len(x)), x_test, y_test)
    test_accuracy = fit(train, test, args.epochs, **suggest(optuna.trial.FixedTrial(best.params)))
    study.report(args.trials * study.FOLDS, seconds, best.value, test_accuracy)


if __name__ == "__main__":
    main()

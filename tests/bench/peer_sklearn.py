#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The digits study in scikit-learn: RandomizedSearchCV over softmax and MLP classifiers.

The softmax half of the study is MLPClassifier without a hidden layer: the same mini-batches, optimizers and epochs as the others.
`--softmax sgd` takes SGDClassifier with log loss instead (one classifier per class, plain SGD row by row: no optimizer, no batches),
`--softmax lbfgs` LogisticRegression with as many L-BFGS iterations as epochs and searches its C; both are faster, neither is the study.
Every fit runs all its epochs and is scored once, at its end. Imports, the start of the worker processes and the
refit of the winner are not timed.
"""

from __future__ import annotations

import os
import time
import warnings

import joblib
from scipy.stats import loguniform
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import digits_study as study


def spaces(softmax: str, epochs: int, seed: int) -> list[dict[str, object]]:
    """Return one search space per family; RandomizedSearchCV draws a family, then its parameters."""
    mlp = MLPClassifier(max_iter=epochs, early_stopping=False, n_iter_no_change=epochs, momentum=study.MOMENTUM,
                        nesterovs_momentum=False, random_state=seed)
    deep = {"model": [mlp], "model__hidden_layer_sizes": study.HIDDEN, "model__solver": study.OPTIMIZERS,
            "model__learning_rate_init": loguniform(*study.LEARNING_RATE), "model__batch_size": study.BATCH_SIZES}
    if softmax == "mlp":
        return [deep | {"model__hidden_layer_sizes": [()]}, deep]
    if softmax == "lbfgs":
        return [{"model": [LogisticRegression(max_iter=epochs)], "model__C": loguniform(1e-3, 1e3)}, deep]
    linear = SGDClassifier(loss="log_loss", learning_rate="constant", max_iter=epochs, tol=None, random_state=seed)
    return [{"model": [linear], "model__eta0": loguniform(*study.LEARNING_RATE)}, deep]


def same(trials: list[dict[str, object]], epochs: int, seed: int) -> list[dict[str, object]]:
    """Return the given trials as spaces of one point each."""
    mlp = spaces("mlp", epochs, seed)[0]["model"]
    return [{"model": mlp, "model__hidden_layer_sizes": [t["hidden"]], "model__solver": [t["optimizer"]],
             "model__learning_rate_init": [t["learning_rate"]], "model__batch_size": [t["batch_size"]]} for t in trials]


def main() -> None:
    """Run the search, refit the winner, report."""
    parser = study.parser(__doc__)
    parser.add_argument("--softmax", choices=["mlp", "sgd", "lbfgs"], default="mlp", help="how the softmax half is trained (mlp)")
    args = parser.parse_args()
    os.environ["PYTHONWARNINGS"] = "ignore::UserWarning"  # for the workers: so few epochs do not converge
    warnings.simplefilter("ignore", ConvergenceWarning)
    x_train, x_test, y_train, y_test = study.load(args.data)
    pipeline = Pipeline([("scale", StandardScaler()), ("model", SGDClassifier())])
    folds = StratifiedKFold(study.FOLDS, shuffle=True, random_state=0)
    chosen = same(study.trials_like(args.like), args.epochs, args.seed)
    search = RandomizedSearchCV(pipeline, chosen or spaces(args.softmax, args.epochs, args.seed), n_iter=args.trials, n_jobs=args.processes,
                                cv=folds, refit=False, random_state=args.seed)
    with threadpool_limits(1), joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        RandomizedSearchCV(pipeline, spaces(args.softmax, 1, 0), n_iter=2 * args.processes, n_jobs=args.processes, cv=folds,
                           refit=False, random_state=0).fit(x_train, y_train)  # starts the processes
        start = time.perf_counter()
        search.fit(x_train, y_train)
        seconds = time.perf_counter() - start
    best = pipeline.set_params(**search.best_params_).fit(x_train, y_train)
    study.report(args.trials * study.FOLDS, seconds, search.best_score_, best.score(x_test, y_test))


if __name__ == "__main__":
    main()

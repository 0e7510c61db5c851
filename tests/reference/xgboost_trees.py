#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write xgboost_trees.txt: what XGBoost's own objectives predict, grown in its own loop, on small fixed inputs."""

from __future__ import annotations

import numpy as np
import xgboost
from records import Records

ABOUT = f"""
xgboost {xgboost.__version__} (Python package), made by xgboost_trees.py; format: see records.py.

`x` (80, 4) has missing cells (nan), `y` (80) is a regression's target, `class` (80) one of three classes, `weight` (80) of a row; the first 60
rows train, the others are predicted; x and weight are multiples of 1/16 and 1/4, exact in float32.
prediction objective=... case=...: after 6 rounds with learning_rate 0.3 (`absolute`: 1, as this version
does not apply it to medians); of `binary` the probability that the class is not 0, of `softmax` the
probabilities of all classes, of the others the value. The margin begins at the weighted mean, median, log odds, or logarithms of the classes' shares.
The cases: plain (max_depth 3); weighted; exact (tree_method exact, max_depth 4, min_child_weight 2); bins (max_bin 8);
penalties (lambda 0.5, alpha 0.3, gamma 0.2, max_delta_step 0.8); leaves (grow_policy lossguide, max_leaves 4, max_depth 6).
"""

N_TRAIN, ROUNDS = 60, 6
CASES: dict[str, dict[str, object]] = {
    "plain": {"max_depth": 3},
    "weighted": {"max_depth": 3},
    "exact": {"tree_method": "exact", "max_depth": 4, "min_child_weight": 2},
    "bins": {"max_depth": 3, "max_bin": 8},
    "penalties": {"max_depth": 3, "lambda": 0.5, "alpha": 0.3, "gamma": 0.2, "max_delta_step": 0.8},
    "leaves": {"max_depth": 6, "grow_policy": "lossguide", "max_leaves": 4},
}


def make_rows() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Eighty rows: four features, a target, a class, a weight."""
    rng = np.random.default_rng(11)
    x = np.round(rng.normal(size=(80, 4)) * 16) / 16
    y = np.round((np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + rng.normal(scale=0.3, size=80)) * 64) / 64
    classes = np.digitize(x[:, 0] + 0.5 * x[:, 3] + rng.normal(scale=0.5, size=80), [-0.6, 0.5])
    x[rng.random(size=x.shape) < 0.1] = np.nan
    return x, y, classes, rng.integers(1, 9, size=80) / 4


def margins(objective: str, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return what every row begins with: (1) or (3)."""
    if objective == "squared":
        return np.array([np.average(target, weights=weight)])
    if objective == "absolute":
        order = np.argsort(target)
        half = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
        return np.array([np.median(target) if len(np.unique(weight)) == 1 else target[order[half]]])
    share = np.array([weight[target == k].sum() for k in np.unique(target)]) / weight.sum()
    return np.log(share[1:] / share[:1]) if objective == "binary" else np.log(share)


def main() -> None:
    """Write the file."""
    out = Records(ABOUT)
    x, y, classes, weight = make_rows()
    for name, values in (("x", x), ("y", y), ("class", classes), ("weight", weight)):
        out.add(name, values)
    objectives = {
        "squared": ("reg:squarederror", y),
        "absolute": ("reg:absoluteerror", y),
        "binary": ("binary:logistic", np.minimum(classes, 1)),
        "softmax": ("multi:softprob", classes),
    }
    for objective, (theirs, target) in objectives.items():
        for case, options in CASES.items():
            if objective == "absolute" and case == "exact":
                continue  # leaves are no medians then
            own = weight if case == "weighted" else np.ones(80)
            start = np.tile(margins(objective, target[:N_TRAIN], own[:N_TRAIN]), (80, 1))
            parts = [slice(0, N_TRAIN), slice(N_TRAIN, None)]
            train, test = (
                xgboost.DMatrix(x[p], target[p], base_margin=start[p].squeeze(), weight=own[p] if case == "weighted" else None)
                for p in parts
            )
            params = {"objective": theirs, "tree_method": "hist", "eta": 0.3, "nthread": 1, **options}
            if objective == "absolute":
                params["eta"] = 1
            if objective == "softmax":
                params["num_class"] = 3
            out.add("prediction", xgboost.train(params, train, ROUNDS).predict(test), objective=objective, case=case)
    out.write(__file__)


if __name__ == "__main__":
    main()

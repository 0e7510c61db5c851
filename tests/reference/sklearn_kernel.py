#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write sklearn_kernel.txt: kernel ridge regression and its leave-one-out errors on small fixed inputs."""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel

from records import Records

ABOUT = f"""
scikit-learn {sklearn.__version__}, made by sklearn_kernel.py; format: see records.py. All in float64.

`x` (20, 3), `y` (20) and `weight` (20): the first 14 rows train, the others are predicted; all numbers are multiples of 1/8, exact in float32.
prediction kernel=...: KernelRidge with alpha 0.25, gamma 0.5, degree 3, coef0 1; `weighted=1` with the weights.
intercept: Ridge(alpha=0.25) with its intercept, which is the linear kernel's; `weighted=1` likewise.
loo kernel=... ridge=...: sum over the training rows of the squared errors of fits without the row, intercept included: each is one solution of
the bordered system [[K + ridge, 1], [1', 0]] without that row.
"""

N_TRAIN, ALPHA, GAMMA = 14, 0.25, 0.5


def make_rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Twenty rows of three features, a target and a weight, on a grid of 1/8."""
    rng = np.random.default_rng(7)
    x = np.round(rng.normal(size=(20, 3)) * 8) / 8
    y = np.round((np.sin(x[:, 0]) + 0.5 * x[:, 2] + 1 + rng.normal(scale=0.4, size=20)) * 8) / 8
    weight = rng.integers(1, 9, size=20) / 4
    return x, y, weight


def leave_one_out(kernel: np.ndarray, y: np.ndarray, ridge: float) -> float:
    """Return the sum of squared errors, each row predicted by a fit to the others."""
    total = 0.0
    for out in range(len(y)):
        keep = [i for i in range(len(y)) if i != out]
        n = len(keep)
        system = np.ones((n + 1, n + 1))
        system[:n, :n] = kernel[np.ix_(keep, keep)] + ridge * np.eye(n)
        system[n, n] = 0
        solved = np.linalg.solve(system, np.append(y[keep], 0))
        total += (y[out] - kernel[out, keep] @ solved[:n] - solved[n]) ** 2
    return total


def main() -> None:
    """Write the file."""
    out = Records(ABOUT)
    x, y, weight = make_rows()
    out.add("x", x)
    out.add("y", y)
    out.add("weight", weight)
    train, test = slice(0, N_TRAIN), slice(N_TRAIN, None)
    for ours, theirs in (("rbf", "rbf"), ("laplace", "laplacian"), ("polynomial", "poly"), ("linear", "linear")):
        model = KernelRidge(alpha=ALPHA, kernel=theirs, gamma=GAMMA, degree=3, coef0=1)
        out.add("prediction", model.fit(x[train], y[train]).predict(x[test]), kernel=ours)
        weighted = model.fit(x[train], y[train], sample_weight=weight[train])
        out.add("prediction", weighted.predict(x[test]), kernel=ours, weighted=1)
    ridge = Ridge(alpha=ALPHA)
    out.add("intercept", ridge.fit(x[train], y[train]).predict(x[test]))
    out.add("intercept", ridge.fit(x[train], y[train], sample_weight=weight[train]).predict(x[test]), weighted=1)
    kernels = {"rbf": rbf_kernel(x[train], gamma=GAMMA), "laplace": laplacian_kernel(x[train], gamma=GAMMA)}
    for name, kernel in kernels.items():
        for value in (0.001, 0.01, 0.1, 1.0, 10.0):
            out.add("loo", leave_one_out(kernel, y[train], value), kernel=name, ridge=value)
    out.write(__file__)


if __name__ == "__main__":
    main()

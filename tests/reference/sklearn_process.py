#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write sklearn_process.txt: likelihood, its gradient and the posterior of a small Gaussian process."""

from __future__ import annotations

import numpy as np
import scipy
import sklearn
from records import Records
from scipy import stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

ABOUT = f"""
scikit-learn {sklearn.__version__} and scipy {scipy.__version__}, made by sklearn_process.py; format: see records.py. All in float64.

A Gaussian process of zero mean, kernel Matern-5/2 with one length scale a column, plus noise: observations x, y; log_theta holds the logarithms of
the length scales and of the noise variance; the log marginal likelihood and its derivatives by log_theta; at the points z the posterior mean and the
variance of the function without noise.

Yeo and Johnson's transformation: `scores`, skewed; `exponent`, the likeliest of -2, -1.9 .. 4 for the standardised scores (population deviation); and
`bent`, these transformed with it and standardised again.
"""


def standardised(y: np.ndarray) -> np.ndarray:
    """Mean 0, population deviation 1."""
    return (y - y.mean()) / y.std()


def main() -> None:
    """Compute and write the file."""
    rng = np.random.default_rng(5)
    x, z = rng.random((12, 3)), rng.random((5, 3))
    y = np.sin(3 * x[:, 0]) - x[:, 1] ** 2 + 0.1 * rng.standard_normal(12)
    log_theta = np.log([0.6, 0.9, 2.0, 0.02])
    noise = np.exp(log_theta[3])
    kernel = Matern(length_scale=np.exp(log_theta[:3]), nu=2.5) + WhiteKernel(noise)
    process = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y)
    value, gradient = process.log_marginal_likelihood(log_theta, eval_gradient=True)
    mean, deviation = process.predict(z, return_std=True)
    records = Records(ABOUT)
    records.add("x", x)
    records.add("y", y)
    records.add("log_theta", log_theta)
    records.add("likelihood", [value])
    records.add("gradient", gradient)
    records.add("z", z)
    records.add("mean", mean)
    records.add("variance", deviation**2 - noise)
    scores = np.exp(rng.standard_normal(20)) - 3
    grid = np.arange(-20, 41) / 10
    best = grid[np.argmax([stats.yeojohnson_llf(e, standardised(scores)) for e in grid])]
    records.add("scores", scores)
    records.add("exponent", [best])
    records.add("bent", standardised(stats.yeojohnson(standardised(scores), best)))
    records.write(__file__)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""Importance of hyperparameters from scipy's one-way analysis of variance; makes importance.txt."""

import numpy as np
import scipy.stats

from records import Records

ABOUT = f"""
scipy {scipy.__version__}, made by importance.py; format: see records.py. Scores are minimised.
    trials   rows of x (float), code (choice of 3), when_a (int 1..5, active while code is 0, else nan), score
    share    of x, code, when_a: epsilon squared ((F - 1)(k - 1) / ((k - 1) F + n - k)) from scipy.stats.f_oneway of
             the indicator of the best trials, times the parameter's part of the sum of squares
"""


def share(values, best):
    """Epsilon squared of the groups of the values, as a part of the variance of all trials."""
    active = ~np.isnan(values)
    v, y = values[active], best[active].astype(float)
    if np.array_equal(v, np.floor(v)) and v.max() <= 2:
        group = v
    else:
        bins = min(max(len(v) // 10, 2), 10)
        group = np.floor((scipy.stats.rankdata(v, "min") - 1) * bins / len(v))
    groups = [y[group == g] for g in np.unique(group)]
    n, k = len(y), len(groups)
    f = scipy.stats.f_oneway(*groups).statistic
    epsilon = (f - 1) * (k - 1) / ((k - 1) * f + n - k)
    total = lambda a: ((a - a.mean()) ** 2).sum()
    return max(epsilon, 0.0) * total(y) / total(best.astype(float))


def main():
    records = Records(ABOUT)
    for n, seed in ((24, 1), (90, 2), (120, 3)):
        rng = np.random.default_rng(seed)
        x = rng.random(n).round(3)
        code = rng.integers(0, 3, n).astype(float)
        when_a = np.where(code == 0, rng.integers(1, 6, n), np.nan)
        score = (x - 0.3) ** 2 + 0.3 * (code == 1) + 0.2 * np.nan_to_num(np.abs(when_a - 4)) + 0.1 * rng.random(n)
        m = max(-(-n // 10), min(10, n // 2))
        best = np.zeros(n, bool)
        best[np.argsort(score, kind="stable")[:m]] = True
        records.add("trials", np.column_stack([x, code, when_a, score]), n=n)
        records.add("share", [share(v, best) for v in (x, code, when_a)], n=n)
    records.write(__file__)


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write sklearn_ranking.txt: ranking metrics of each user's rows."""

from __future__ import annotations

import itertools

import numpy as np
import sklearn
from sklearn.metrics import average_precision_score, ndcg_score

from records import Records

ABOUT = f"""
scikit-learn {sklearn.__version__}, made by sklearn_ranking.py; format: see records.py. All in float64.

Rows of one list in the order of a file: `user`, `y` (stars; 4 and more are relevant) and `output`, with ties. Then for each k one record per metric:
a value for each user 0, 1, ..., nan for those who are left out (no star at all for ndcg, no relevant row for the others), and their mean.
ndcg is scikit-learn's ndcg_score of the user's rows (ties share their places' discounts). recall, precision and map are means over all orders of
the user's rows that his outputs allow, each order scored by counting; precision divides by k, map by the smaller of k and the relevant rows.
"""

# User 3 has no relevant row, user 4 only zeros, user 5 one row, user 6 the same output everywhere.
USER = [2, 0, 1, 0, 3, 2, 0, 1, 5, 0, 4, 6, 2, 1, 0, 6, 3, 2, 1, 0, 6, 4, 2, 1, 0, 6, 2, 3, 1, 6]
Y = [5, 4, 3, 2, 3.5, 1, 5, 4, 4.5, 0.5, 0, 4, 3, 4, 3, 2, 1, 4, 5, 4, 5, 0, 2, 1, 1, 3, 0.5, 2, 2.5, 1]
OUTPUT = [4.5, 3.5, 3, 3.5, 3, 2, 4, 3, 4, 3.5, 2, 3, 4.5, 4, 1, 3, 3, 2, 3, 4, 3, 2.5, 4.5, 2, 3.5, 3, 1, 2, 4, 3]
RELEVANT = 4.0


def orders(output: np.ndarray) -> list[list[int]]:
    """All orders of the rows, the greatest output first, that differ in tied rows only."""
    ties = [[int(i) for i in np.flatnonzero(output == value)] for value in sorted(set(output), reverse=True)]
    return [list(itertools.chain(*parts)) for parts in itertools.product(*map(itertools.permutations, ties))]


def count(relevant: np.ndarray, output: np.ndarray, k: int) -> np.ndarray:
    """Recall, precision and average precision among the first k, as a mean over the orders."""
    total = int(relevant.sum())
    if total == 0:
        return np.full(3, np.nan)
    found = []
    for order in orders(output):
        hit = relevant[order][:k]
        down_to = np.cumsum(hit) / np.arange(1, len(hit) + 1)
        found.append((hit.sum() / total, hit.sum() / k, (down_to * hit).sum() / min(k, total)))
    if len(found) == 1 and k >= len(output):
        assert np.isclose(found[0][2], average_precision_score(relevant, output))
    return np.mean(found, axis=0)


def main() -> None:
    """Write the file."""
    user, y, output = np.array(USER), np.array(Y, float), np.array(OUTPUT, float)
    out = Records(ABOUT)
    out.add("user", user)
    out.add("y", y)
    out.add("output", output)
    users = [user == u for u in range(user.max() + 1)]
    for k in (1, 2, 3, 5, 20):
        gains = [ndcg_score([y[rows]], [output[rows]], k=k) if rows.sum() > 1 and y[rows].any()
                 else 1.0 if y[rows].any() else np.nan for rows in users]
        counted = np.array([count(y[rows] >= RELEVANT, output[rows], k) for rows in users])
        for name, values in (("ndcg", np.array(gains)), *zip(("recall", "precision", "map"), counted.T)):
            out.add(f"{name}@{k}", np.append(values, np.nanmean(values)))
    out.write(__file__)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Logistic regression on data/breast_cancer.csv.gz in plain Python: a program to be tuned.

foldrank starts it once for every trial and fold (jobs/command.yaml). By hand:
    python3 jobs/command.py learning_rate=0.1 l2=0.001 epochs=5
"""

import csv
import gzip
import math
import os
import random
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(ROOT, "analysis", "foldrank"))
import objective  # noqa: E402 - the helper stands alone, nothing needs to be installed


def read_rows():
    """Give every row as (features, 0 or 1)."""
    with gzip.open(os.path.join(ROOT, "data", "breast_cancer.csv.gz"), "rt") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != "diagnosis"]
    first = rows[0]["diagnosis"]
    return [([float(r[n]) for n in names], float(r["diagnosis"] == first)) for r in rows]


def split(rows):
    """Give the training and validation rows of this task's fold, scaled by the former."""
    k = max(objective.folds(), 2)
    train = [r for i, r in enumerate(rows) if i % k != objective.fold()]
    valid = [r for i, r in enumerate(rows) if i % k == objective.fold()]
    columns = list(zip(*(x for x, _ in train)))
    means = [sum(c) / len(c) for c in columns]
    sds = [math.sqrt(sum((v - m) ** 2 for v in c) / len(c)) for c, m in zip(columns, means)]

    def scale(part):
        return [([(v - m) / s for v, m, s in zip(x, means, sds)], y) for x, y in part]

    return scale(train), scale(valid)


def log_odds(weights, x):
    """Give the model's output for one row, within what exp can take."""
    z = weights[-1] + sum(w * v for w, v in zip(weights, x))
    return max(-30.0, min(30.0, z))


def main():
    """Train by stochastic gradient descent, and report the accuracy after every epoch."""
    p = objective.parameters()
    train, valid = split(read_rows())
    order = random.Random(objective.seed())
    weights = [0.0] * (len(train[0][0]) + 1)
    for epoch in range(1, p["epochs"] + 1):
        order.shuffle(train)
        for x, y in train:
            step = p["learning_rate"] * (y - 1 / (1 + math.exp(-log_odds(weights, x))))
            for j, v in enumerate(x):
                weights[j] += step * v - p["learning_rate"] * p["l2"] * weights[j]
            weights[-1] += step
        good = sum((log_odds(weights, x) > 0) == (y > 0.5) for x, y in valid)
        objective.report(good / len(valid), step=epoch)


if __name__ == "__main__":
    main()

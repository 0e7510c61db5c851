#!/usr/bin/env python3
"""ensemble.py - greedy ensemble selection with numpy, for tests/unit/test_ensemble.c.

Written from Caruana et al., "Ensemble selection from libraries of models" (ICML 2004): sorted
initialisation, selection with replacement, the best ensemble on the way; and the score on folds
that had no part in the choice. Predictions are multiples of 1/64, so that sums are exact and
equal in any order.
"""
import numpy as np

FOLDS, CANDIDATES = 4, 6


def accuracy(y, p):
    return np.mean(np.argmax(p, axis=1) == y)


def log_loss(y, p):
    p = np.clip(p.astype(np.float32).astype(np.float64), np.finfo(np.float32).eps, None)
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def rmse(y, p):
    return np.sqrt(np.mean((p[:, 0].astype(np.float64) - y) ** 2))


def mean(library, counts, fold):
    total = sum(counts)
    acc = sum(c * m[fold].astype(np.float64) for c, m in zip(counts, library))
    return (acc / total).astype(np.float32)


def score(library, targets, counts, folds, metric):
    return np.mean([metric(targets[f], mean(library, counts, f)) for f in folds])


def select(library, targets, folds, metric, sign, size, initial):
    n = len(library)

    def value(counts):
        return sign * score(library, targets, counts, folds, metric)

    alone = [value([int(i == c) for i in range(n)]) for c in range(n)]
    order = sorted(range(n), key=lambda c: (-alone[c], c))
    starts = []
    for k in range(1, min(initial, size, n) + 1):
        counts = [int(c in order[:k]) for c in range(n)]
        starts.append((value(counts), counts))
    best, counts = max(starts, key=lambda s: s[0])  # the first of equal ones
    kept = list(counts)
    counts = list(counts)
    while sum(counts) < size:
        tried = []
        for c in order:
            more = list(counts)
            more[c] += 1
            tried.append((value(more), more))
        now, counts = max(tried, key=lambda s: s[0])
        if now > best:
            best, kept = now, list(counts)
    return kept, order[0]


def main():
    rng = np.random.default_rng(7)
    print("# made by ensemble.py: predictions in 1/64, row-major")
    for name, metric, sign, outputs, size, initial in [
        ("accuracy", accuracy, 1, 3, 8, 3),
        ("log_loss", log_loss, -1, 3, 10, 1),
        ("rmse", rmse, -1, 1, 12, 6),
    ]:
        rows = [9, 8, 10, 9]
        targets, library = [], [[] for _ in range(CANDIDATES)]
        for f in range(FOLDS):
            y = rng.integers(0, 3, rows[f])
            targets.append(y)
            for c in range(CANDIDATES):
                if outputs == 1:
                    p = np.round((y[:, None] + rng.normal(0, 0.6 + 0.1 * c, (rows[f], 1))) * 64)
                else:
                    p = np.zeros((rows[f], 3))
                    for i in range(rows[f]):
                        hit = rng.random() < 0.62 - 0.03 * c
                        top = y[i] if hit else rng.integers(0, 3)
                        p[i] = rng.multinomial(24, [1 / 3] * 3) + 1
                        p[i, top] += 64 - p[i].sum()
                library[c].append((p / 64).astype(np.float32))
        print(f"case {name} {outputs} {size} {initial}")
        for f in range(FOLDS):
            print("rows", rows[f])
            print("target", *targets[f])
            for c in range(CANDIDATES):
                print("said", *(int(v) for v in np.round(library[c][f] * 64).ravel()))
        everything = range(FOLDS)
        counts, _ = select(library, targets, everything, metric, sign, size, initial)
        print("counts", *counts)
        honest, single = [], []
        for f in everything:
            rest = [g for g in everything if g != f]
            c, top = select(library, targets, rest, metric, sign, size, initial)
            honest.append(score(library, targets, c, [f], metric))
            alone = [int(i == top) for i in range(CANDIDATES)]
            single.append(score(library, targets, alone, [f], metric))
        print("score %.17g" % score(library, targets, counts, everything, metric))
        print("honest %.17g %.17g" % (np.mean(honest), np.mean(single)))


main()

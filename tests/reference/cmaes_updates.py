#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write cmaes_updates.txt: how the distributions of the package `cmaes` move over given generations."""

from __future__ import annotations

import math

import cmaes
import numpy as np
from cmaes import CMA, CatCMA, CMAwM

from records import Records

GENERATIONS = 12

ABOUT = f"""
cmaes {cmaes.__version__}, made by cmaes_updates.py; format: see records.py.

A run begins with `start`: mean, then sigma. Every generation has `x`, the latent vectors, best first, row by row, and then the state
that they lead to: `mean`, `sigma`, `covariance` (C, row by row), and with margin `stretch` (the diagonal of A). `plain` has floats only;
`margin` has a float, then 5, 2 and 40 steps of [0, 1] whose values are the middles of equal cells. `chances` has choices of 3, 2 and 4
values: `values` holds what the best half of a generation took, row by row, `chance` the probabilities that result.
The package's h_sigma counts generations from 1 where the tutorial (arXiv 1604.00772) counts from 0; the runs here are such that both say
the same in every generation, which the script checks.
"""


def same_h_sigma(cma: CMA) -> bool:
    """Whether both counts of generations give the same h_sigma, after an update."""
    norm = float(np.linalg.norm(cma._p_sigma))
    limit = (1.4 + 2 / (cma.dim + 1)) * cma._chi_n
    return len({norm / math.sqrt(1 - (1 - cma._c_sigma) ** (2 * g)) < limit for g in (cma._g, cma._g + 1)}) == 1


def bowl(x: np.ndarray) -> float:
    """Return an ill-conditioned quadratic with its minimum off the grid."""
    return float(sum(30.0 ** (i / len(x)) * (v - 0.23 - 0.17 * i) ** 2 for i, v in enumerate(x)))


def add_plain(out: Records) -> None:
    """Add a run in four continuous coordinates, with an odd population."""
    cma = CMA(mean=np.array([0.5, 0.4, 0.6, 0.5]), sigma=0.2, seed=5, population_size=9)
    out.add("start", [*cma.mean, 0.2], kind="plain", dims=4, population=9)
    for generation in range(GENERATIONS):
        solutions = sorted(((x, bowl(x)) for x in (cma.ask() for _ in range(9))), key=lambda s: s[1])
        out.add("x", np.ravel([s[0] for s in solutions]), kind="plain", generation=generation)
        cma.tell(solutions)
        assert same_h_sigma(cma), generation
        add_state(out, cma, "plain", generation)


def add_state(out: Records, cma: CMA, kind: str, generation: int) -> None:
    """Add the normal distribution."""
    out.add("mean", cma._mean, kind=kind, generation=generation)
    out.add("sigma", [cma._sigma], kind=kind, generation=generation)
    out.add("covariance", cma._C.ravel(), kind=kind, generation=generation)


def add_margin(out: Records) -> None:
    """Add a run with a float and three stepped coordinates."""
    steps = np.array([0.0, 1 / 5, 1 / 2, 1 / 40])
    bounds = np.column_stack([steps / 2, 1 - steps / 2])
    cma = CMAwM(mean=np.full(4, 0.55), sigma=0.25, bounds=bounds, steps=steps, seed=3, population_size=8)
    out.add("start", [*cma.mean, 0.25], kind="margin", dims=4, population=8)
    for generation in range(2 * GENERATIONS):
        asked = [cma.ask() for _ in range(8)]
        solutions = sorted(((raw, bowl(encoded)) for encoded, raw in asked), key=lambda s: s[1])
        out.add("x", np.ravel([s[0] for s in solutions]), kind="margin", generation=generation)
        cma.tell(solutions)
        assert same_h_sigma(cma._cma), generation
        add_state(out, cma._cma, "margin", generation)
        out.add("stretch", cma._A, kind="margin", generation=generation)


def add_chances(out: Records) -> None:
    """Add a run of three choices."""
    values = np.array([3, 2, 4])
    cat = CatCMA(mean=np.zeros(2), sigma=1.0, cat_num=values, seed=2, population_size=8)
    for generation in range(2 * GENERATIONS):
        asked = [cat.ask() for _ in range(8)]
        chosen = [np.argmax(c, axis=1) for _, c in asked]
        scores = [float((v != [1, 0, 3]) @ [3.0, 1.0, 2.0]) + 0.1 * float(x @ x) for (x, _), v in zip(asked, chosen)]
        order = np.argsort(scores)
        out.add("values", np.ravel([chosen[i] for i in order[:4]]), kind="chances", generation=generation)
        cat.tell([(asked[i], scores[i]) for i in order])
        out.add("chance", np.concatenate([cat._q[i, :k] for i, k in enumerate(values)]), kind="chances", generation=generation)


def main() -> None:
    """Write the file."""
    out = Records(ABOUT)
    add_plain(out)
    add_margin(out)
    add_chances(out)
    out.write(__file__)


if __name__ == "__main__":
    main()

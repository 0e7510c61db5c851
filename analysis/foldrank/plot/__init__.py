"""Every plot as one function: results in, matplotlib axes out.

``foldrank.plot.history(r)`` makes a figure of its own; ``foldrank.plot.history(r, ax=ax)`` draws
into axes that are there. Colours are those of Okabe and Ito, and viridis: both can be told apart
by colour-blind readers and in print. The data come from :mod:`foldrank.tidy` and
:mod:`foldrank.explain`.
"""

from foldrank.plot.machine import scaling, timeline
from foldrank.plot.model import calibration, confusion, dependence, permutation, residuals
from foldrank.plot.search import (
    contour,
    curves,
    distribution,
    history,
    importance,
    parallel,
    rank,
    slice,
)
from foldrank.plot.selection import dice, expected, folds, hypervolume, paired, pareto

__all__ = [
    "calibration",
    "confusion",
    "contour",
    "curves",
    "dependence",
    "dice",
    "distribution",
    "expected",
    "folds",
    "history",
    "hypervolume",
    "importance",
    "paired",
    "parallel",
    "pareto",
    "permutation",
    "rank",
    "residuals",
    "scaling",
    "slice",
    "timeline",
]

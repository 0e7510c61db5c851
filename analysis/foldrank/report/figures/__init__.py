"""The plots of the report: frames of :mod:`foldrank.tidy` and :mod:`foldrank.explain`."""

from foldrank.report.figures.choice import dice, ensemble, folds, paired
from foldrank.report.figures.machine import scaling, timeline
from foldrank.report.figures.model import (
    calibration,
    confusion,
    dependence,
    groups,
    hardest,
    permutation,
    residuals,
)
from foldrank.report.figures.pairs import contour, parallel, rank, slices
from foldrank.report.figures.search import (
    curves,
    distribution,
    expected,
    history,
    hypervolume,
    importance,
    pareto,
)

__all__ = [
    "calibration",
    "confusion",
    "contour",
    "curves",
    "dependence",
    "dice",
    "ensemble",
    "distribution",
    "expected",
    "folds",
    "groups",
    "hardest",
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
    "slices",
    "timeline",
]

"""The data behind every plot: results in, one tidy frame out.

:mod:`foldrank.plot` draws these frames with matplotlib, the report with plotly.
"""

from foldrank.tidy.front import hypervolume, objectives, pareto, volume
from foldrank.tidy.machine import scaling, timeline, utilisation
from foldrank.tidy.search import (
    check_params,
    curves,
    distribution,
    expected,
    history,
    importance,
    pair,
    settings,
)
from foldrank.tidy.selection import dice, ensemble, folds, paired, paired_p_value, valid_share

__all__ = [
    "check_params",
    "curves",
    "dice",
    "distribution",
    "ensemble",
    "expected",
    "folds",
    "history",
    "hypervolume",
    "importance",
    "objectives",
    "pair",
    "paired",
    "paired_p_value",
    "pareto",
    "scaling",
    "settings",
    "timeline",
    "utilisation",
    "valid_share",
    "volume",
]

"""Read, plot and report the results of foldrank.

>>> import foldrank
>>> r = foldrank.open("results/digits")            # doctest: +SKIP
>>> r.trials.groupby("params/optimizer")["score_mean"].mean()  # doctest: +SKIP
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from foldrank.ensemble import Ensemble
from foldrank.errors import (
    FoldrankError,
    MissingError,
    NewerFileError,
    TornFileError,
    WrongFileError,
)
from foldrank.results import Best, Results, Selection
from foldrank.space import Parameter, Space

if TYPE_CHECKING:
    from foldrank import plot as plot
    from foldrank.optuna_bridge import from_optuna as from_optuna
    from foldrank.report import write as write_report

__version__ = "0.1.0"
__all__ = [
    "Best",
    "Ensemble",
    "FoldrankError",
    "MissingError",
    "NewerFileError",
    "Parameter",
    "Results",
    "Selection",
    "Space",
    "TornFileError",
    "WrongFileError",
    "from_optuna",
    "open",
    "plot",
    "write_report",
]


def open(path: str | os.PathLike[str]) -> Results:
    """Open the results of a study, also while a run goes on.

    Parameters
    ----------
    path : path-like
        A ``results.h5``, or the output directory of a run.

    Returns
    -------
    Results
        Its tables are read when they are asked for.

    Raises
    ------
    WrongFileError
        There is no such file, or it holds something else.
    NewerFileError
        It was written by a newer foldrank.
    TornFileError
        It is cut off or damaged.
    """
    return Results(path)


def __getattr__(name: str) -> Any:
    """Import what needs matplotlib, Optuna or plotly only when it is used."""
    import importlib

    if name == "plot":
        return importlib.import_module("foldrank.plot")
    if name == "from_optuna":
        return importlib.import_module("foldrank.optuna_bridge").from_optuna
    if name == "write_report":
        return importlib.import_module("foldrank.report").write
    raise AttributeError(f"module 'foldrank' has no attribute {name!r}")

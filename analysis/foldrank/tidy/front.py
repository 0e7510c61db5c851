"""Several objectives: the front and its hypervolume."""

from __future__ import annotations

import numpy as np
import pandas as pd

from foldrank.errors import MissingError
from foldrank.hdf5 import Array
from foldrank.results import SCORES, Results


def objectives(r: Results) -> dict[str, str]:
    """Names and directions of the objectives of a study with several.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    dict
        ``maximize`` or ``minimize`` by name.
    """
    if len(r.objectives) < 2:
        raise MissingError(
            f"{r.path}: the study has one objective, {r.metric}; this needs several, "
            "as in `metric: [accuracy, {minimize: parameters}]`"
        )
    return r.objectives


def losses_of(r: Results, frame: pd.DataFrame) -> Array:
    """Objectives as (trials, objectives), all to be minimised."""
    return np.column_stack(
        [
            frame[SCORES + name].to_numpy(float) * (-1 if direction == "maximize" else 1)
            for name, direction in objectives(r).items()
        ]
    )


def is_front(losses: Array) -> Array:
    """Which rows no other row dominates; of equal rows all."""
    kept: list[int] = []
    for i in np.lexsort(losses.T[::-1]):  # no row dominates one before it in this order
        others, row = losses[kept], losses[i]
        if not ((others <= row).all(axis=1) & (others < row).any(axis=1)).any():
            kept.append(int(i))
    front = np.zeros(len(losses), dtype=bool)
    front[kept] = True
    return front


def pareto(r: Results) -> pd.DataFrame:
    """Objectives of the complete trials, and which of them no other trial beats in all.

    Where the search is over, the front is that of the file, which meets the constraints.

    Parameters
    ----------
    r : Results
        Results of a study with several objectives.

    Returns
    -------
    pandas.DataFrame
        Index ``trial``; a column for each objective, ``front`` and ``chosen``.
    """
    names = list(objectives(r))
    done = r.trials[r.trials["state"] == "complete"]
    done = done[done[[SCORES + name for name in names]].notna().all(axis=1)]
    frame = done[[SCORES + name for name in names]].set_axis(names, axis=1)
    if r.selection is not None and len(r.selection.front):
        frame["front"] = frame.index.isin(r.selection.front)
    else:
        frame["front"] = is_front(losses_of(r, done))
    frame["chosen"] = frame.index == (r.selection.chosen if r.selection is not None else -1)
    return frame


def volume(points: Array, reference: Array) -> float:
    """Hypervolume that points dominate, by slicing along the last objective.

    Parameters
    ----------
    points : numpy.ndarray
        Shape (points, objectives), to be minimised.
    reference : numpy.ndarray
        A point that is worse in all objectives.

    Returns
    -------
    float
        The volume between them.
    """
    points = points[(points < reference).all(axis=1)]
    if len(points) == 0:
        return 0.0
    if points.shape[1] == 1:
        return float(reference[0] - points.min())
    points = points[np.argsort(points[:, -1])]
    ends = np.append(points[1:, -1], reference[-1])
    total = 0.0
    for i, depth in enumerate(ends - points[:, -1]):
        if depth > 0:
            total += depth * volume(points[: i + 1, :-1], reference[:-1])
    return total


def hypervolume(r: Results) -> pd.DataFrame:
    """Hypervolume of the front found so far, trial by trial.

    Parameters
    ----------
    r : Results
        Results of a study with several objectives.

    Returns
    -------
    pandas.DataFrame
        ``trial`` and ``hypervolume``; attribute ``unit``: the file's own has the product of the
        objectives' units and ends at ``selection/reference``; while the search goes on it is the
        share of the box from the best to the worst value of each objective.
    """
    objectives(r)
    if r.selection is not None and "hypervolume" in r.selection.extra:
        stored = pd.Series(r.selection.extra["hypervolume"], dtype=float).dropna()
        out = pd.DataFrame({"trial": stored.index, "hypervolume": stored.to_numpy()})
        out.attrs["unit"] = "product of the objectives"
        return out
    frame = pareto(r)
    done = r.trials.loc[frame.index]
    losses = losses_of(r, done)
    if len(losses) == 0:
        return pd.DataFrame({"trial": [], "hypervolume": []}, dtype=float)
    low, high = losses.min(axis=0), losses.max(axis=0)
    scaled = (losses - low) / np.where(high > low, high - low, 1)
    reference = np.full(losses.shape[1], 1.0 + 1e-9)
    front = np.empty((0, losses.shape[1]))
    values = []
    for row in scaled:
        if not (front <= row).all(axis=1).any():
            front = np.vstack([front[~(row <= front).all(axis=1)], row])
            current = volume(front, reference)
        values.append(current)
    out = pd.DataFrame({"trial": frame.index, "hypervolume": values})
    out.attrs["unit"] = "share of the box of all trials"
    return out

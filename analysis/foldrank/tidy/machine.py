"""The machine: what every rank did, and how runs scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from foldrank.errors import MissingError
from foldrank.results import Results


def timeline(r: Results) -> pd.DataFrame:
    """What every rank did when.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    pandas.DataFrame
        ``rank``, ``start_s``, ``end_s``, ``kind``, ``trial``, ``fold``, ``state``. Kinds:
        ``fit``; ``waiting``: between two fits; ``idle``: before the first or after the last;
        ``stopped``: no rank had a fit for long, because the run was interrupted.
    """
    fits = r.folds[r.folds["start_s"].notna() & r.folds["end_s"].notna()]
    if len(fits) == 0:
        raise MissingError(f"{r.path}: no fit is finished yet")
    fits = fits.sort_values(["rank", "start_s"])
    start, end = fits["start_s"].min(), fits["end_s"].max()
    stops = _stops(fits)
    gaps: list[tuple[int, float, float, str]] = []
    n_ranks = max(len(r.ranks), int(fits["rank"].max()) + 1)
    for rank in range(n_ranks):
        mine = fits[fits["rank"] == rank]
        begins = np.append(mine["start_s"].to_numpy(), end)
        ends = np.append(start, np.maximum.accumulate(mine["end_s"].to_numpy()))
        for i, (a, b) in enumerate(zip(ends, begins, strict=True)):
            kind = "waiting" if 0 < i < len(mine) else "idle"
            gaps += [(rank, *piece) for piece in _cut(a, b, kind, stops)]
    frame = fits[["rank", "start_s", "end_s", "trial", "fold", "state"]].assign(kind="fit")
    rest = pd.DataFrame(gaps, columns=["rank", "start_s", "end_s", "kind"])
    names = ["rank", "start_s", "end_s", "kind", "trial", "fold", "state"]
    frame = pd.concat([frame, rest[rest["end_s"] > rest["start_s"]]])[names]
    return frame.sort_values(["rank", "start_s"], ignore_index=True)


def _stops(fits: pd.DataFrame) -> list[tuple[float, float]]:
    """Spans in which no rank had a fit, much longer than any fit: the run was not there."""
    ordered = fits.sort_values("start_s")
    reached = ordered["end_s"].cummax().shift().to_numpy()
    begins = ordered["start_s"].to_numpy()
    longest = max(30.0, 3 * float((fits["end_s"] - fits["start_s"]).max()))
    return [(a, b) for a, b in zip(reached, begins, strict=True) if b - a > longest]


def _cut(
    a: float, b: float, kind: str, stops: list[tuple[float, float]]
) -> list[tuple[float, float, str]]:
    pieces = []
    for low, high in stops:
        if a < high and b > low:
            pieces += [(a, max(a, low), kind), (max(a, low), min(b, high), "stopped")]
            a = min(b, high)
    return [*pieces, (a, b, kind)]


def utilisation(r: Results) -> pd.DataFrame:
    """Share of its time that each rank spent on fits.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    pandas.DataFrame
        Index ``rank``; seconds of ``fit``, ``waiting`` and ``idle``, and ``busy``, the share of
        the fits.
    """
    frame = timeline(r)
    frame["seconds"] = frame["end_s"] - frame["start_s"]
    sums = frame.pivot_table(index="rank", columns="kind", values="seconds", aggfunc="sum")
    sums = sums.reindex(columns=["fit", "waiting", "idle"]).fillna(0.0)
    sums["busy"] = sums["fit"] / sums[["fit", "waiting", "idle"]].sum(axis=1)
    return sums


def scaling(runs: Sequence[Results]) -> pd.DataFrame:
    """Speed of several runs of one study on different numbers of cores.

    Parameters
    ----------
    runs : sequence of Results
        Results of each run.

    Returns
    -------
    pandas.DataFrame
        A row for each run, fewest cores first: ``path``, ``ranks``, ``threads``, ``cores``,
        ``fits``, ``wall_s`` (from the first fit's start to the last one's end), ``fits_per_s``,
        ``speedup`` and ``efficiency`` against the first row.
    """
    rows = []
    for r in runs:
        lines = timeline(r)
        fits = lines[lines["kind"] == "fit"]
        stopped = sum(b - a for a, b in _stops(fits))
        wall = float(fits["end_s"].max() - fits["start_s"].min() - stopped)
        ranks = max(len(r.ranks), 1)
        threads = int(r.attributes.get("threads", 1)) or 1
        rows.append(
            (r.path, ranks, threads, ranks * threads, len(fits), wall, len(fits) / wall)
        )
    names = ["path", "ranks", "threads", "cores", "fits", "wall_s", "fits_per_s"]
    frame = pd.DataFrame(rows, columns=names).sort_values("cores", ignore_index=True)
    frame["speedup"] = frame["fits_per_s"] / frame["fits_per_s"].iloc[0]
    frame["efficiency"] = frame["speedup"] * frame["cores"].iloc[0] / frame["cores"]
    return frame

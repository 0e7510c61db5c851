"""Colours, labels and axes that all plots have in common."""

from __future__ import annotations

import itertools
import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.gridspec import GridSpecBase

from foldrank import yaml12
from foldrank.results import Results
from foldrank.space import Parameter

# M. Okabe and K. Ito, Color Universal Design, 2008.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, RED, PURPLE, GREY = "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#8A8A8A"
CYCLE = [BLUE, ORANGE, GREEN, RED, SKY, PURPLE, BLACK]
SCALE = "viridis"

STATES = {
    "complete": (BLUE, "o"),
    "pruned": (ORANGE, "v"),
    "failed": (RED, "x"),
    "diverged": (PURPLE, "x"),
    "timeout": (BLACK, "x"),
    "interrupted": (GREY, "x"),
    "pending": (GREY, "o"),
}
KINDS = {"fit": BLUE, "waiting": YELLOW, "idle": RED, "stopped": "#D9D9D9"}


def axes(ax: Axes | None, width: float = 7.0, height: float = 4.2) -> Axes:
    """Return the axes to draw into, new ones if need be, without clutter.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        Axes that are there.
    width, height : float
        Size of a new figure [inch].

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a light grid behind the data.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="#E3E3E3", linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def score_label(r: Results) -> str:
    """Label of an axis of scores.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    str
        The metric and which way is better.
    """
    return f"{r.metric} ({'higher' if r.maximize else 'lower'} is better)"


def scale_axis(ax: Axes, which: str, parameter: Parameter, most: int = 6) -> None:
    """Give an axis of positions the ticks and the name of a parameter.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes whose data on this axis are positions from 0 to 1.
    which : str
        ``x`` or ``y``.
    parameter : Parameter
        Of the space.
    most : int
        Upper limit for the ticks of a range.
    """
    places, texts = ticks(parameter, most)
    axis = ax.xaxis if which == "x" else ax.yaxis
    long = which == "x" and sum(map(len, texts)) > 40
    axis.set_ticks(places, texts)
    if long:
        ax.tick_params(axis="x", rotation=25)
    limits = (-0.05, 1.05)
    ax.set_xlim(limits) if which == "x" else ax.set_ylim(limits)
    label = parameter.name + (" (log scale)" if parameter.is_log else "")
    ax.set_xlabel(label) if which == "x" else ax.set_ylabel(label)


def ticks(parameter: Parameter, most: int = 6) -> tuple[list[float], list[str]]:
    """Round values of a parameter and where they lie.

    Parameters
    ----------
    parameter : Parameter
        Of the space.
    most : int
        Upper limit for the ticks of a range.

    Returns
    -------
    tuple
        Positions from 0 to 1; texts.
    """
    values: list[Any]
    if parameter.is_choice:
        values = list(parameter.choices)
    elif parameter.is_log:
        low, high = math.log10(parameter.low), math.log10(parameter.high)
        powers = [10.0**e for e in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)]
        values = powers[:: max(1, math.ceil(len(powers) / most))]
        if len(values) < 2:
            values = [parameter.low, parameter.high]
    else:
        values = _round_ticks(parameter, most)
    places = [float(p) for p in parameter.position(values)]
    if len(values) == 1:
        places = [0.0]
    return places, [_tick_text(value) for value in values]


def _round_ticks(parameter: Parameter, most: int) -> list[Any]:
    from matplotlib.ticker import MaxNLocator

    locator = MaxNLocator(most - 1, integer=parameter.is_integer, steps=[1, 2, 2.5, 5, 10])
    values = locator.tick_values(parameter.low, parameter.high)
    slack = 1e-9 * (parameter.high - parameter.low)
    return [v for v in values if parameter.low - slack <= v <= parameter.high + slack]


def _tick_text(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if 0 < number <= 1e-3 and math.log10(number).is_integer():
            return f"1e{math.log10(number):.0f}"
        return f"{number:.4g}".replace("e-0", "e-").replace("e+0", "e")
    return yaml12.show(value)


def score_limits(values: Any) -> tuple[float, float]:
    """Limits that leave out scores far worse than most, which would flatten everything.

    Parameters
    ----------
    values : array-like
        Scores; NaN are left out.

    Returns
    -------
    tuple
        Lower and upper limit with a margin.
    """
    scores = np.asarray(values, dtype=float)
    scores = scores[np.isfinite(scores)]
    if len(scores) == 0:
        return 0.0, 1.0
    low, mid, high = np.quantile(scores, [0.05, 0.5, 0.95])
    reach = 3 * max(high - mid, mid - low)
    low, high = max(scores.min(), mid - reach), min(scores.max(), mid + reach)
    if high - low <= 0:
        low, high = scores.min(), scores.max()
    margin = 0.06 * (high - low) or 0.5 * abs(high) or 0.5
    return float(low - margin), float(high + margin)


def cut_note(ax: Axes, values: Any) -> None:
    """Say how many points lie outside the axes of scores, if any do.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes whose y are scores.
    values : array-like
        All scores.
    """
    scores = np.asarray(values, dtype=float)
    low, high = ax.get_ylim()
    outside = int(((scores < low) | (scores > high)).sum())
    if outside:
        ax.annotate(
            f"{outside} far off, not shown",
            (0.99, 0.02),
            xycoords="axes fraction",
            ha="right",
            fontsize="small",
            color="#555555",
        )


def panels(ax: Axes | None, n: int, columns: int = 3) -> list[Axes]:
    """Make small axes side by side, sharing one height.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        Axes whose place they take.
    n : int
        How many.
    columns : int
        At most so many in a row.

    Returns
    -------
    list of matplotlib.axes.Axes
        The new axes.
    """
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    if ax is None:
        figure = plt.figure(figsize=(2.9 * columns + 0.6, 2.7 * rows), layout="constrained")
        grid: GridSpecBase = figure.add_gridspec(rows, columns)
    else:
        root = ax.get_figure(root=True)
        place = ax.get_subplotspec()
        if root is None or place is None:
            raise ValueError("ax must be one of a grid, as from plt.subplots")
        figure = root
        grid = place.subgridspec(rows, columns)
        ax.set_axis_off()
    out: list[Axes] = []
    for row, column in itertools.islice(itertools.product(range(rows), range(columns)), n):
        small = figure.add_subplot(grid[row, column], sharey=out[0] if out else None)
        if column > 0:
            small.tick_params(labelleft=False)
        out.append(axes(small))
    return out

"""Plots of the choice: whether the best trial is really better, and at what price."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from foldrank import tidy
from foldrank.plot import style
from foldrank.results import Results


def folds(r: Results, n: int = 20, ax: Axes | None = None) -> Axes:
    """Fold scores of the best trials, with the band of one standard error of the best.

    Parameters
    ----------
    r : Results
        Results of a study.
    n : int
        That many trials, and the chosen one.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = tidy.folds(r, n)
    ax = style.axes(ax)
    order = {trial: i for i, trial in enumerate(frame["trial"].unique())}
    x = frame["trial"].map(order).to_numpy(float)
    ax.axhspan(
        frame.attrs["low"],
        frame.attrs["high"],
        color=style.SKY,
        alpha=0.3,
        lw=0,
        label="one standard error of the best",
    )
    ax.scatter(x, frame["score"], s=14, color=style.GREY, label="fold")
    means = frame.drop_duplicates("trial")
    at = means["trial"].map(order).to_numpy(float)
    ax.errorbar(
        at,
        means["mean"],
        means["se"],
        fmt="o",
        color=style.BLUE,
        capsize=3,
        markersize=5,
        label="mean and its standard error",
    )
    chosen = means[means["chosen"]]
    if len(chosen):
        ax.plot(
            chosen["trial"].map(order),
            chosen["mean"],
            "*",
            color=style.RED,
            markersize=14,
            markeredgecolor="white",
            label="chosen",
            zorder=5,
        )
    ax.set_xticks(range(len(order)), [str(trial) for trial in order])
    if len(order) > 25:
        ax.tick_params(axis="x", rotation=90)
    ax.set(xlabel="trial, best first", ylabel=style.score_label(r))
    ax.legend(fontsize="small", frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    return ax


def paired(r: Results, n: int = 10, ax: Axes | None = None) -> Axes:
    """Compare the best trials on the same folds: corrected resampled t-test of each pair.

    Parameters
    ----------
    r : Results
        Results of a study.
    n : int
        That many of the best trials.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = tidy.paired(r, n)
    ax = style.axes(ax, 6.4, 5.2)
    ax.grid(False)
    trials = list(frame["a"].unique())
    values = (
        frame.pivot(index="a", columns="b", values="p_value").loc[trials, trials].to_numpy()
    )
    values = values.astype(float)
    np.fill_diagonal(values, np.nan)
    colours = mpl.colormaps[style.SCALE].with_extremes(bad="#EEEEEE")
    image = ax.imshow(values, cmap=colours, vmin=0, vmax=1)
    for i in range(len(trials)):
        for j in range(len(trials)):
            if i != j and np.isfinite(values[i, j]):
                dark = values[i, j] < 0.6
                ax.text(
                    j,
                    i,
                    f"{values[i, j]:.2f}",
                    ha="center",
                    va="center",
                    fontsize="small",
                    color="white" if dark else "black",
                    fontweight="bold" if values[i, j] < 0.05 else "normal",
                )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(range(len(trials)), [str(trial) for trial in trials])
    ax.set(xlabel="trial, best first", ylabel="trial, best first")
    bar = plt.colorbar(image, ax=ax, pad=0.02)
    bar.set_label("p value that both are equally good (bold: < 0.05)")
    return ax


def dice(r: Results, n: int = 10, ax: Axes | None = None) -> Axes:
    """How often each of the best trials is the best of k drawn at random.

    Parameters
    ----------
    r : Results
        Results of a study.
    n : int
        That many of the best trials.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = tidy.dice(r, n)
    ax = style.axes(ax)
    at = np.arange(len(frame))
    ax.bar(at, frame["share"] * 100, color=style.BLUE, width=0.7)
    ax.set_xticks(at, [str(trial) for trial in frame["trial"]])
    ax.set(xlabel="trial, best first", ylabel=f"best of {frame.attrs['k']} drawn at random [%]")
    ax.grid(axis="x", visible=False)
    return ax


def expected(r: Results, ax: Axes | None = None) -> Axes:
    """Expected best score of k random trials: whether more of them would pay.

    Parameters
    ----------
    r : Results
        Results of a study.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = tidy.expected(r)
    ax = style.axes(ax)
    mark = "o" if len(frame) < 30 else None
    ax.plot(frame["k"], frame["score"], color=style.BLUE, marker=mark, markersize=4)
    ax.set_ylim(style.score_limits(frame["score"]))
    ax.set_xscale("log" if len(frame) > 50 else "linear")
    ax.set(xlabel="trials drawn at random", ylabel=f"expected best {r.metric}")
    return ax


def pareto(
    r: Results, x: str | None = None, y: str | None = None, ax: Axes | None = None
) -> Axes:
    """Objectives against each other; the front is what no trial beats in all of them.

    Parameters
    ----------
    r : Results
        Results of a study with several objectives.
    x, y : str, optional
        Objectives to show; the first two by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    directions = tidy.objectives(r)
    names = list(directions)
    x, y = x or names[0], y or next(name for name in names if name != (x or names[0]))
    frame = tidy.pareto(r)
    ax = style.axes(ax)
    rest, front = frame[~frame["front"]], frame[frame["front"]].sort_values([x, y])
    ax.scatter(rest[x], rest[y], s=16, color="#AAAAAA", label=f"other trials ({len(rest)})")
    label = f"front ({len(front)})"
    if len(names) == 2:
        rises = directions[x] == "minimize"
        ax.step(front[x], front[y], where="post" if rises else "pre", color=style.BLUE, lw=1)
    ax.scatter(front[x], front[y], s=26, color=style.BLUE, label=label, zorder=3)
    chosen = frame[frame["chosen"]]
    if len(chosen):
        ax.plot(
            chosen[x],
            chosen[y],
            "*",
            color=style.RED,
            markersize=14,
            markeredgecolor="white",
            label="chosen",
            zorder=4,
        )
    better = {"maximize": "higher is better", "minimize": "lower is better"}
    ax.set(xlabel=f"{x} ({better[directions[x]]})", ylabel=f"{y} ({better[directions[y]]})")
    ax.legend(fontsize="small", frameon=False)
    return ax


def hypervolume(r: Results, ax: Axes | None = None) -> Axes:
    """Hypervolume of the front found so far.

    Parameters
    ----------
    r : Results
        Results of a study with several objectives.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = tidy.hypervolume(r)
    ax = style.axes(ax)
    ax.step(frame["trial"], frame["hypervolume"], where="post", color=style.BLUE)
    ax.set(xlabel="trial", ylabel=f"hypervolume [{frame.attrs['unit']}]")
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax

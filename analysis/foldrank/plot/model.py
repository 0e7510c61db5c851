"""Plots of the chosen model."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from foldrank import explain
from foldrank.explain import Data
from foldrank.plot import style
from foldrank.results import Results


def confusion(r: Results, data: Data | None = None, ax: Axes | None = None) -> Axes:
    """Confusion matrix: rows of each class, and what they were taken for.

    Parameters
    ----------
    r : Results
        Results with a classifier.
    data : path-like or pandas.DataFrame, optional
        Rows to predict; by default what the file holds.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = explain.confusion(r, data)
    labels = list(dict.fromkeys(frame["truth"]))
    ax = style.axes(ax, 1.8 + 0.55 * max(len(labels), 5), 1.2 + 0.5 * max(len(labels), 5))
    ax.grid(False)
    counts = frame.pivot(index="truth", columns="prediction", values="rows")
    counts = counts.reindex(index=labels, columns=labels).fillna(0).to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(100 * shares, cmap=style.SCALE, vmin=0, vmax=100)
    for i in range(len(labels) if len(labels) <= 20 else 0):
        for j in range(len(labels)):
            if counts[i, j]:
                colour = "white" if shares[i, j] < 0.6 else "black"
                text = f"{counts[i, j]:.0f}"
                ax.text(j, i, text, ha="center", va="center", fontsize="small", color=colour)
    ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    ax.set_yticks(range(len(labels)), labels)
    ax.set(xlabel="prediction", ylabel="truth")
    plt.colorbar(image, ax=ax, pad=0.02).set_label("share of the class's rows [%]")
    return ax


def residuals(r: Results, data: Data | None = None, ax: Axes | None = None) -> Axes:
    """Residuals of a regression against its predictions.

    Parameters
    ----------
    r : Results
        Results with a regression.
    data : path-like or pandas.DataFrame, optional
        Rows to predict; by default what the file holds.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = explain.residuals(r, data)
    ax = style.axes(ax)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.scatter(frame["prediction"], frame["residual"], s=12, color=style.BLUE, alpha=0.6, lw=0)
    target = r.model.target
    ax.set(
        xlabel=f"prediction [unit of {target}]",
        ylabel=f"truth minus prediction [unit of {target}]",
    )
    return ax


def calibration(r: Results, data: Data | None = None, ax: Axes | None = None) -> Axes:
    """Calibration: predicted probability against how often it came true.

    Parameters
    ----------
    r : Results
        Results with a classifier that has probabilities.
    data : path-like or pandas.DataFrame, optional
        Rows to predict; by default what the file holds.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = explain.calibration(r, data)
    ax = style.axes(ax, 5.2, 4.8)
    ax.plot([0, 1], [0, 1], "--", color=style.GREY, label="perfect")
    groups = list(frame.groupby("label", sort=False))
    for colour, (label, part) in zip(style.CYCLE * len(groups), groups, strict=False):
        ax.plot(
            part["predicted"], part["observed"], "o-", markersize=4, color=colour, label=label
        )
    ax.set(xlabel="predicted probability", ylabel="share that came true")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.legend(fontsize="small", frameon=False, ncols=1 + len(groups) // 8)
    return ax


def permutation(
    r: Results, data: Data | None = None, n: int = 20, ax: Axes | None = None
) -> Axes:
    """Permutation importance: how much worse the model is with one column shuffled.

    Parameters
    ----------
    r : Results
        Results with a model.
    data : path-like or pandas.DataFrame, optional
        Rows to predict; by default what the file holds.
    n : int
        That many of the most important columns.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    every = explain.permutation(r, data)
    frame = every.head(n)
    ax = style.axes(ax, 6.4, 1.0 + 0.27 * len(frame))
    at = np.arange(len(frame))
    ax.barh(at, frame["importance"], xerr=frame["spread"], color=style.BLUE, height=0.7)
    ax.set_yticks(at, frame["feature"])
    ax.invert_yaxis()
    ax.set_xlabel(f"{every.attrs['what']} with the column shuffled (line: standard deviation)")
    ax.grid(axis="y", visible=False)
    return ax


def dependence(
    r: Results, data: Data | None = None, feature: str | None = None, ax: Axes | None = None
) -> Axes:
    """Partial dependence: mean prediction with one column set to each value.

    Parameters
    ----------
    r : Results
        Results with a model.
    data : path-like or pandas.DataFrame, optional
        Rows to predict; by default what the file holds.
    feature : str, optional
        A column; by default the most important one.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = explain.dependence(r, data, feature)
    ax = style.axes(ax)
    groups = list(frame.groupby("label", sort=False))
    if r.model.is_classifier and len(groups) == 2:
        groups = groups[1:]
    for colour, (label, part) in zip(style.CYCLE * len(groups), groups, strict=False):
        ax.plot(
            part["value"], part["prediction"], "o-", markersize=3, color=colour, label=label
        )
    what = "value" if not r.model.is_classifier else "probability"
    ax.set(
        xlabel=str(frame["feature"].iloc[0]),
        ylabel="mean decision value" if r.model.family == "svm" else f"mean predicted {what}",
    )
    ax.legend(fontsize="small", frameon=False)
    return ax

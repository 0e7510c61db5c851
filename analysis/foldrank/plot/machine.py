"""Plots of the machine: where the time went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch

from foldrank import tidy
from foldrank.plot import style
from foldrank.results import Results


def timeline(r: Results, ax: Axes | None = None) -> Axes:
    """What every rank did when, and which share of its time it trained.

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
    frame, busy = tidy.timeline(r), tidy.utilisation(r)
    n = len(busy)
    ax = style.axes(ax, 8.0, max(1.9, min(0.34 * n + 1.4, 9.0)))
    for kind in ("waiting", "idle", "stopped", "fit"):
        part, colour = frame[frame["kind"] == kind], style.KINDS[kind]
        if kind == "waiting":  # below the fits, so that gaps of less than a pixel are seen
            part = part.groupby("rank", as_index=False).agg({"start_s": "min", "end_s": "max"})
        a, b = part["start_s"].to_numpy(), part["end_s"].to_numpy()
        low, high = part["rank"].to_numpy() - 0.4, part["rank"].to_numpy() + 0.4
        boxes = np.stack([np.stack([a, low], 1), np.stack([a, high], 1)], 1)
        far = np.stack([np.stack([b, high], 1), np.stack([b, low], 1)], 1)
        corners = np.concatenate([boxes, far], 1)
        edge = "white" if kind == "fit" and len(part) < 400 else "none"
        ax.add_collection(
            PolyCollection(list(corners), facecolors=colour, edgecolors=edge, lw=0.3)
        )
    start, end = frame["start_s"].min(), frame["end_s"].max()
    ax.set(xlim=(start, end), ylim=(n - 0.5, -0.5))
    shown = range(0, n, max(1, n // 24))
    ax.set_yticks(list(shown), [f"{i}" for i in shown])
    for i in shown if n <= 24 else []:
        ax.annotate(
            f"{100 * busy['busy'].iloc[i]:.0f} %",
            (1.01, i),
            xycoords=ax.get_yaxis_transform(),
            va="center",
            fontsize="small",
        )
    total = busy["fit"].sum() / busy[["fit", "waiting", "idle"]].to_numpy().sum()
    ax.set(xlabel="time since the start of the study [s]", ylabel="rank")
    ax.grid(False)
    kinds = [kind for kind in style.KINDS if (frame["kind"] == kind).any()]
    ax.legend(
        handles=[Patch(color=style.KINDS[kind], label=kind) for kind in kinds],
        title=f"{100 * total:.0f} % of the time of all ranks is fits",
        fontsize="small",
        title_fontsize="small",
        frameon=False,
        ncols=len(kinds),
        loc="lower left",
        bbox_to_anchor=(0, 1),
    )
    return ax


def scaling(runs: Sequence[Results], ax: Axes | None = None) -> Axes:
    """Speed of several runs of one study against their number of cores.

    Parameters
    ----------
    runs : sequence of Results
        Results of each run.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = tidy.scaling(runs)
    ax = style.axes(ax, 5.6, 4.4)
    cores = frame["cores"].to_numpy(float)
    ideal = frame["fits_per_s"].iloc[0] * cores / cores[0]
    ax.plot(cores, ideal, "--", color=style.GREY, label="as fast as the cores add up")
    ax.plot(cores, frame["fits_per_s"], "o-", color=style.BLUE, label="measured")
    for row in frame.itertuples():
        ax.annotate(
            f"{100 * row.efficiency:.0f} %",
            (row.cores, row.fits_per_s),
            (6, -12),
            textcoords="offset points",
            fontsize="small",
        )
    if cores.max() > 1.5 * cores.min():
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
    ax.set_xticks(cores, [f"{c:.0f}" for c in cores])
    ticks = np.unique(frame["fits_per_s"])
    ax.set_yticks(ticks, [f"{t:.4g}" for t in ticks])
    ax.minorticks_off()
    ax.set(xlabel="cores (ranks x threads)", ylabel="fits per second [1/s]")
    ax.legend(fontsize="small", frameon=False)
    return ax

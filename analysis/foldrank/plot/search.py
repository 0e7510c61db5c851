"""Plots of the search: what was tried, and what mattered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator
from matplotlib.tri import Triangulation

from foldrank import tidy
from foldrank.plot import style
from foldrank.results import Results


def history(r: Results, ax: Axes | None = None) -> Axes:
    """Optimisation history: every trial's score and the best so far.

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
    frame = tidy.history(r)
    ax = style.axes(ax)
    ax.set_ylim(style.score_limits(frame["score"]))
    low = ax.get_ylim()[0]
    for state, (colour, marker) in style.STATES.items():
        part = frame[frame["state"] == state]
        known = part[part["score"].notna()]
        lost = part.index[part["score"].isna()]
        label = f"{state} ({len(part)})"
        face = colour if marker == "x" else "none" if state == "pruned" else colour
        if len(known):
            ax.scatter(
                known.index,
                known["score"],
                s=16,
                marker=marker,
                facecolors=face,
                edgecolors=None if marker == "x" else colour,
                linewidths=0.9,
                alpha=0.75,
                label=label,
            )
        if len(lost) and state != "pending":
            ax.plot(
                lost,
                np.full(len(lost), low),
                "|",
                color=colour,
                markersize=9,
                clip_on=False,
                label=None if len(known) else f"{label}, no score",
            )
    if frame["best"].notna().any():
        ax.step(frame.index, frame["best"], where="post", color="black", label="best complete")
    if r.selection is not None and r.selection.chosen in frame.index:
        chosen = r.selection.chosen
        ax.plot(
            chosen,
            frame.at[chosen, "score"],
            "*",
            color=style.RED,
            markersize=13,
            markeredgecolor="white",
            label=f"chosen: trial {chosen}",
        )
    style.cut_note(ax, frame["score"])
    ax.set(xlabel="trial", ylabel=style.score_label(r))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize="small", frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    return ax


def curves(r: Results, n: int = 30, ax: Axes | None = None) -> Axes:
    """Learning curves, mean over the folds; the best five in colour, the very best with its folds.

    Parameters
    ----------
    r : Results
        Results of a study.
    n : int
        Trials to draw: half of them the best, the others spread over the rest.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = tidy.curves(r, n)
    ax = style.axes(ax)
    top = frame[frame["place"] <= 5]
    for _, part in frame[~(frame["place"] <= 5)].groupby("trial"):
        ax.plot(part["epoch"], part["score"], color="#BBBBBB", linewidth=0.7, zorder=1)
    for colour, (_, part) in zip(style.CYCLE, top.groupby("place"), strict=False):
        label = f"{int(part['place'].iloc[0])}. trial {part['trial'].iloc[0]}"
        if part["place"].iloc[0] == 1:
            ax.fill_between(part["epoch"], part["low"], part["high"], color=colour, alpha=0.15)
        mark = "o" if part["epoch"].nunique() == 1 else None
        ax.plot(
            part["epoch"], part["score"], color=colour, linewidth=1.8, label=label, marker=mark
        )
    ends = frame.groupby("trial")["score"].last()
    shown = np.concatenate([ends.to_numpy(), top["low"].to_numpy(), top["high"].to_numpy()])
    ax.set_ylim(style.score_limits(shown))
    ax.set(xlabel="epoch", ylabel=style.score_label(r))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(top):
        ax.legend(fontsize="small", frameon=False, title="best trials", loc="best")
    return ax


def distribution(r: Results | Sequence[Results], ax: Axes | None = None) -> Axes:
    """Empirical distribution of the complete trials' scores.

    Parameters
    ----------
    r : Results or sequence of Results
        Results of one study, or of several to compare.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    runs = [r] if isinstance(r, Results) else list(r)
    ax = style.axes(ax)
    scores = []
    for run, colour in zip(runs, style.CYCLE * len(runs), strict=False):
        frame = tidy.distribution(run)
        scores.append(frame["score"].to_numpy())
        ax.step(frame["score"], frame["share"], where="post", color=colour, label=run.name)
    ax.set_xlim(style.score_limits(np.concatenate(scores)))
    ax.set(xlabel=style.score_label(runs[0]), ylabel="share of trials with this score or less")
    ax.set_ylim(0, 1.02)
    if len(runs) > 1:
        ax.legend(frameon=False)
    return ax


def parallel(r: Results, params: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Parallel coordinates: a line for each complete trial, the best on top.

    Parameters
    ----------
    r : Results
        Results of a study.
    params : sequence of str, optional
        Parameters to show; all of them by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    names = tidy.check_params(r, params)
    frame = tidy.settings(r, names)
    ax = style.axes(ax, width=max(6.0, 1.35 * (len(names) + 1)))
    ax.grid(False)
    limits = style.score_limits(frame["score"])
    norm = Normalize(*limits)
    colours = mpl.colormaps[style.SCALE if r.maximize else f"{style.SCALE}_r"]
    for trial, part in sorted(
        frame.groupby("trial"), key=lambda item: -item[1]["place"].iloc[0]
    ):
        at = dict(zip(part["parameter"], part["position"], strict=True))
        score = part["score"].iloc[0]
        xs = [0, *(i + 1 for i, name in enumerate(names) if name in at)]
        ys = [np.clip(norm(score), 0, 1), *(at[name] for name in names if name in at)]
        nudge = 0.012 * ((trial * 7) % 5 - 2)  # so that lines of equal choices do not cover
        ys[1:] = [
            y + nudge if r.space[names[x - 1]].is_choice else y
            for x, y in zip(xs[1:], ys[1:], strict=True)
        ]
        ax.plot(xs, ys, color=colours(norm(score)), linewidth=1.1, alpha=0.7)
    for i, name in enumerate(names, start=1):
        ax.axvline(i, color="black", linewidth=0.8)
        for place, text in zip(*style.ticks(r.space[name], 5), strict=True):
            ax.annotate(
                text,
                (i, place),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize="x-small",
                bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75},
            )
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_xticks(range(len(names) + 1), [r.metric, *names], rotation=20, ha="right")
    ax.set(xlim=(-0.05, len(names) + 0.55), ylim=(-0.06, 1.06))
    ax.spines[:].set_visible(False)
    scores = MaxNLocator(5).tick_values(*limits)
    scores = [s for s in scores if limits[0] <= s <= limits[1]]
    ax.set_yticks([float(norm(s)) for s in scores], [f"{s:.4g}" for s in scores])
    _colour_bar(ax, norm, r)
    return ax


def _colour_bar(ax: Axes, norm: Normalize, r: Results, label: str | None = None) -> None:
    name = style.SCALE if r.maximize else f"{style.SCALE}_r"
    bar = plt.colorbar(ScalarMappable(norm, name), ax=ax, pad=0.02)
    bar.set_label(label or style.score_label(r))
    bar.outline.set_visible(False)


def slice(
    r: Results, params: Sequence[str] | None = None, ax: Axes | None = None
) -> list[Axes]:
    """Score against each parameter by itself.

    Parameters
    ----------
    r : Results
        Results of a study.
    params : sequence of str, optional
        Parameters to show; all of them by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw; its place is divided.

    Returns
    -------
    list of matplotlib.axes.Axes
        One for each parameter.
    """
    names = tidy.check_params(r, params)
    frame = tidy.settings(r, names)
    out = style.panels(ax, len(names))
    limits = style.score_limits(frame["score"])
    for i, (name, small) in enumerate(zip(names, out, strict=True)):
        part = frame[frame["parameter"] == name]
        x = part["position"].to_numpy(float)
        if r.space[name].is_choice:
            x = x + 0.03 * ((part["trial"].to_numpy() * 7) % 5 - 2) / 2
        points = small.scatter(
            x, part["score"], c=part["trial"], cmap=style.SCALE, s=14, vmin=0, vmax=r.n_trials
        )
        style.scale_axis(small, "x", r.space[name], most=4)
        small.set_ylim(limits)
        if i % 3 == 0:
            small.set_ylabel(style.score_label(r))
    bar = plt.colorbar(points, ax=out, pad=0.01, fraction=0.03)
    bar.set_label("trial")
    return out


def contour(
    r: Results, x: str | None = None, y: str | None = None, ax: Axes | None = None
) -> Axes:
    """Score over two parameters, interpolated between the trials.

    Parameters
    ----------
    r : Results
        Results of a study.
    x, y : str, optional
        Parameters; by default the two that tell most.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = tidy.pair(r, x, y)
    ax = style.axes(ax, 6.2, 4.6)
    limits = style.score_limits(frame["score"])
    norm = Normalize(*limits)
    name = style.SCALE if r.maximize else f"{style.SCALE}_r"
    px, py = frame["x_position"].to_numpy(float), frame["y_position"].to_numpy(float)
    if _spans(px, py):
        area = Triangulation(px, py)
        levels = np.linspace(*limits, 12)
        scores = np.clip(frame["score"].to_numpy(), *limits)
        ax.tricontourf(area, scores, levels=levels, cmap=name, norm=norm, alpha=0.85)
    ax.scatter(
        px, py, c=frame["score"], cmap=name, norm=norm, s=22, edgecolors="white", linewidths=0.6
    )
    _mark_best(ax, frame)
    style.scale_axis(ax, "x", r.space[frame.attrs["x"]])
    style.scale_axis(ax, "y", r.space[frame.attrs["y"]])
    _colour_bar(ax, norm, r)
    return ax


def _spans(x: Any, y: Any) -> bool:
    """Whether points lie on no line, so that there is something between them."""
    points = np.unique(np.column_stack([x, y]), axis=0)
    return len(points) > 3 and bool(np.linalg.matrix_rank(points - points.mean(0), 1e-9) == 2)


def _mark_best(ax: Axes, frame: Any) -> None:
    if len(frame):
        best = frame.loc[frame["place"].idxmin()]
        ax.plot(
            best["x_position"],
            best["y_position"],
            "*",
            color=style.RED,
            markeredgecolor="white",
            markersize=13,
        )


def rank(
    r: Results, x: str | None = None, y: str | None = None, ax: Axes | None = None
) -> Axes:
    """Place of the trials over two parameters: good regions, whatever the scale of the score.

    Parameters
    ----------
    r : Results
        Results of a study.
    x, y : str, optional
        Parameters; by default the two that tell most.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = tidy.pair(r, x, y)
    ax = style.axes(ax, 6.2, 4.6)
    norm = Normalize(1, max(len(frame), 2))
    ax.scatter(
        frame["x_position"].to_numpy(float),
        frame["y_position"].to_numpy(float),
        c=frame["place"],
        cmap=f"{style.SCALE}_r",
        norm=norm,
        s=26,
        edgecolors="#555555",
        linewidths=0.4,
    )
    _mark_best(ax, frame)
    style.scale_axis(ax, "x", r.space[frame.attrs["x"]])
    style.scale_axis(ax, "y", r.space[frame.attrs["y"]])
    bar = plt.colorbar(ScalarMappable(norm, f"{style.SCALE}_r"), ax=ax, pad=0.02)
    bar.set_label("place (1 = best)")
    bar.ax.invert_yaxis()
    return ax


def importance(r: Results, evaluator: Any = None, ax: Axes | None = None) -> Axes:
    """Importance of the parameters by Optuna's evaluators; conditional ones in their scope.

    Parameters
    ----------
    r : Results
        Results of a study.
    evaluator : optuna.importance.BaseImportanceEvaluator, optional
        fANOVA by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    frame = tidy.importance(r, evaluator)
    scopes = list(dict.fromkeys(frame["scope"]))
    ax = style.axes(ax, 7.0, 0.9 + 0.24 * (len(frame) + len(scopes)))
    place, places, labels = 0.0, [], []
    for scope, colour in zip(scopes, style.CYCLE * len(scopes), strict=False):
        part = frame[frame["scope"] == scope]
        at = place + np.arange(len(part))
        ax.barh(at, part["importance"], color=colour, height=0.72)
        for y, share in zip(at, part["importance"], strict=True):
            ax.text(share + 0.008, y, f"{share:.2f}", va="center", fontsize="small")
        where = scope if scope == "all trials" else f"where {scope}"
        ax.text(
            0.995,
            at.mean(),
            f"{where}\n({part['trials'].iloc[0]} trials)",
            color=colour,
            ha="right",
            va="center",
            fontsize="small",
            fontweight="bold",
            transform=ax.get_yaxis_transform(),
        )
        places += list(at)
        labels += list(part["parameter"])
        place += len(part) + 0.8
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    ax.set_xlim(0, max(1.25 * float(frame["importance"].max()) + 0.2, 0.5))
    ax.set_xlabel("importance (share of the variance of the score)")
    ax.grid(axis="y", visible=False)
    return ax

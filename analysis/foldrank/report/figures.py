"""The plots of the report: the frames of :mod:`foldrank.tidy`, drawn by plotly.

Nothing here needs WebGL, which a browser on a cluster's login node or a virtual machine lacks.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.interpolate import griddata

from foldrank import explain, tidy, yaml12
from foldrank.explain import Data
from foldrank.plot import style
from foldrank.results import Results

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
POINTS = 4000  # of one plot; more only make it slow
LINES = 600


AXIS = {
    "gridcolor": "#E6E6E6",
    "zeroline": False,
    "linecolor": "#888888",
    "ticks": "outside",
    "tickcolor": "#888888",
    "automargin": True,
    "title": {"standoff": 8},
}


def _base(height: int = 380, grid: go.Figure | None = None) -> go.Figure:
    figure = go.Figure() if grid is None else grid
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 10, "r": 10, "t": 34, "b": 10},
        font={"family": FONT, "size": 13, "color": "#222222"},
        paper_bgcolor="white",
        plot_bgcolor="white",
        colorway=style.CYCLE,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"font": {"family": FONT}},
        hovermode="closest",
    )
    if grid is None:
        figure.update_layout(xaxis=AXIS, yaxis=AXIS)
    else:
        figure.update_xaxes(**AXIS)
        figure.update_yaxes(**AXIS)
    return figure


def _text(value: Any) -> str:
    return html.escape(str(value))


def _thin(frame: pd.DataFrame, most: int = POINTS) -> pd.DataFrame:
    """Every n-th row, and the last."""
    if len(frame) <= most:
        return frame
    kept = np.unique(np.linspace(0, len(frame) - 1, most).astype(int))
    return frame.iloc[kept]


def _score(r: Results) -> str:
    return _text(style.score_label(r))


def _scale(r: Results) -> str:
    return "Viridis" if r.maximize else "Viridis_r"


def _settings(r: Results, trial: int) -> str:
    pairs = (f"{_text(n)} = {_text(yaml12.show(v))}" for n, v in r.params(trial).items())
    return "<br>".join(pairs)


def _ticks(axis: Any, r: Results, name: str, most: int = 6) -> None:
    places, texts = style.ticks(r.space[name], most)
    label = name + (" (log scale)" if r.space[name].is_log else "")
    axis.update(
        tickvals=places,
        ticktext=[_text(text) for text in texts],
        range=[-0.05, 1.05],
        title_text=_text(label),
    )


def history(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.history`."""
    frame = tidy.history(r)
    figure = _base()
    limits = style.score_limits(frame["score"])
    symbols = {"o": "circle", "v": "triangle-down-open", "x": "x-thin-open"}
    hover = len(frame) <= POINTS
    for state, (colour, marker) in style.STATES.items():
        part = frame[frame["state"] == state]
        known = _thin(part[part["score"].notna()])
        lost = _thin(part[part["score"].isna()], 1000)
        name = f"{state} ({len(part)})"
        if len(known):
            text = [_settings(r, t) for t in known.index] if hover else None
            figure.add_scatter(
                x=known.index,
                y=known["score"],
                text=text,
                mode="markers",
                name=name,
                legendgroup=state,
                marker={"color": colour, "symbol": symbols[marker], "size": 7, "opacity": 0.75},
                hovertemplate="trial %{x}<br>%{y:.5g}<br>%{text}<extra>" + state + "</extra>",
            )
        if len(lost) and state != "pending":
            figure.add_scatter(
                x=lost.index,
                y=np.full(len(lost), limits[0]),
                mode="markers",
                name=f"{name}, no score",
                legendgroup=state,
                showlegend=len(known) == 0,
                marker={"color": colour, "symbol": "line-ns-open", "size": 9},
                hovertemplate="trial %{x}: no score<extra>" + state + "</extra>",
            )
    best = frame["best"].dropna()
    if len(best):
        steps = best[(best != best.shift()) | (np.arange(len(best)) == len(best) - 1)]
        figure.add_scatter(
            x=steps.index,
            y=steps,
            mode="lines",
            line={"shape": "hv", "color": "black", "width": 2},
            name="best complete",
            hovertemplate="best up to trial %{x}: %{y:.5g}<extra></extra>",
        )
    if r.selection is not None and r.selection.chosen in frame.index:
        chosen = r.selection.chosen
        figure.add_scatter(
            x=[chosen],
            y=[frame.at[chosen, "score"]],
            mode="markers",
            name=f"chosen: trial {chosen}",
            marker={
                "symbol": "star",
                "size": 16,
                "color": style.RED,
                "line": {"color": "white", "width": 1},
            },
            hovertemplate="chosen: trial %{x}<br>%{y:.5g}<extra></extra>",
        )
    figure.update_xaxes(title_text="trial")
    figure.update_yaxes(title_text=_score(r), range=list(limits))
    return figure


def expected(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.expected`."""
    frame = tidy.expected(r)
    figure = _base()
    figure.add_scatter(
        x=frame["k"],
        y=frame["score"],
        mode="lines" if len(frame) > 30 else "lines+markers",
        line={"color": style.BLUE, "width": 2},
        hovertemplate="best of %{x}: %{y:.5g}<extra></extra>",
    )
    figure.update_xaxes(
        title_text="trials drawn at random", type="log" if len(frame) > 50 else "linear"
    )
    figure.update_yaxes(
        title_text=_text(f"expected best {r.metric}"),
        range=list(style.score_limits(frame["score"])),
    )
    return figure


def distribution(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.distribution`."""
    frame = _thin(tidy.distribution(r))
    figure = _base()
    figure.add_scatter(
        x=frame["score"],
        y=100 * frame["share"],
        mode="lines",
        line={"shape": "hv", "color": style.BLUE, "width": 2},
        hovertemplate="%{y:.3g} %% of the trials have %{x:.5g} or less<extra></extra>",
    )
    figure.update_xaxes(title_text=_score(r), range=list(style.score_limits(frame["score"])))
    figure.update_yaxes(title_text="trials with this score or less [%]", range=[0, 102])
    return figure


def curves(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.curves`."""
    frame = tidy.curves(r)
    figure = _base(420)
    hover = "epoch %{x}<br>%{y:.5g}<extra>trial %{meta}</extra>"
    top = frame[frame["place"] <= 5]
    for trial, part in frame[~(frame["place"] <= 5)].groupby("trial"):
        figure.add_scatter(
            x=part["epoch"],
            y=part["score"],
            mode="lines",
            meta=int(trial),
            line={"color": "#C4C4C4", "width": 1},
            showlegend=False,
            hovertemplate=hover,
        )
    for colour, (place, part) in zip(style.CYCLE, top.groupby("place"), strict=False):
        trial = int(part["trial"].iloc[0])
        if place == 1:
            figure.add_scatter(
                x=np.append(part["epoch"], part["epoch"][::-1]),
                y=np.append(part["high"], part["low"][::-1]),
                fill="toself",
                fillcolor="rgba(0,114,178,0.13)",
                line={"width": 0},
                mode="lines",
                showlegend=False,
                hoverinfo="skip",
            )
        figure.add_scatter(
            x=part["epoch"],
            y=part["score"],
            mode="lines+markers" if part["epoch"].nunique() == 1 else "lines",
            meta=trial,
            name=f"{int(place)}. trial {trial}",
            line={"color": colour, "width": 2.2},
            hovertemplate=hover,
        )
    ends = frame.groupby("trial")["score"].last()
    shown = np.concatenate([ends, top["low"], top["high"]])
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(title_text=_score(r), range=list(style.score_limits(shown)))
    return figure


def importance(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.importance`."""
    frame = tidy.importance(r)
    scopes = list(dict.fromkeys(frame["scope"]))
    figure = _base(110 + 26 * len(frame) + 22 * len(scopes))
    for scope, colour in zip(scopes, style.CYCLE * len(scopes), strict=False):
        part = frame[frame["scope"] == scope]
        where = scope if scope == "all trials" else f"where {scope}"
        group = f"{_text(where)}<br>({part['trials'].iloc[0]})"
        figure.add_bar(
            y=[[group] * len(part), [_text(name) for name in part["parameter"]]],
            x=part["importance"],
            orientation="h",
            marker_color=colour,
            text=[f"{share:.2f}" for share in part["importance"]],
            textposition="outside",
            cliponaxis=False,
            showlegend=False,
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    figure.update_xaxes(title_text="share of the variance of the score")
    figure.update_yaxes(autorange="reversed", showgrid=False, title_text="")
    figure.update_layout(bargap=0.25, margin={"r": 40})
    return figure


def slices(r: Results, names: Sequence[str]) -> go.Figure:
    """Draw :func:`foldrank.tidy.settings`, each parameter by itself."""
    frame = tidy.settings(r, names)
    columns = 3
    rows = -(-len(names) // columns)
    grid = make_subplots(
        rows, columns, shared_yaxes=True, horizontal_spacing=0.03, vertical_spacing=0.28 / rows
    )
    figure = _base(70 + 250 * rows, grid)
    figure.update_xaxes(title_standoff=4)
    figure.update_layout(margin={"l": 60, "b": 60})
    for i, name in enumerate(names):
        part = _thin(frame[frame["parameter"] == name], POINTS // 4)
        where = {"row": 1 + i // columns, "col": 1 + i % columns}
        x = part["position"].to_numpy(float)
        if r.space[name].is_choice:
            x = x + 0.02 * ((part["trial"].to_numpy() * 7) % 5 - 2)
        figure.add_scatter(
            x=x,
            y=part["score"],
            text=[_text(text) for text in part["text"]],
            customdata=part["trial"],
            mode="markers",
            showlegend=False,
            marker={"color": part["trial"], "coloraxis": "coloraxis", "size": 6},
            hovertemplate="trial %{customdata}<br>%{text}<br>%{y:.5g}<extra></extra>",
            **where,
        )
        _ticks(next(figure.select_xaxes(**where)), r, name, 4)
    figure.update_yaxes(range=list(style.score_limits(frame["score"])))
    figure.update_yaxes(title_text=_text(r.metric), col=1)
    bar = {"title": {"text": "trial", "side": "top"}, "thickness": 12, "len": 0.6}
    figure.update_layout(
        coloraxis={"colorscale": "Viridis", "colorbar": bar, "cmin": 0, "cmax": r.n_trials}
    )
    return figure


def parallel(r: Results, names: Sequence[str]) -> go.Figure:
    """Draw :func:`foldrank.tidy.settings` as one line for each trial."""
    frame = tidy.settings(r, names)
    figure = _base(460)
    limits = style.score_limits(frame["score"])
    places = r.complete.index
    kept = set(_thin(pd.DataFrame(index=places), LINES).index)
    table = frame[frame["trial"].isin(kept)].pivot(
        index="trial", columns="parameter", values="position"
    )
    table = table.reindex(columns=list(names))
    score = r.trials.loc[table.index, "score_mean"].to_numpy()
    height = np.clip((score - limits[0]) / (limits[1] - limits[0]), 0, 1)
    classes = 12
    worth = height if r.maximize else 1 - height
    bucket = np.minimum((worth * classes).astype(int), classes - 1)
    colours = _viridis(classes)
    nudge = 0.012 * ((table.index.to_numpy() * 7) % 5 - 2)
    for b in range(classes):
        xs: list[float | None] = []
        ys: list[float | None] = []
        texts: list[str | None] = []
        for row in np.flatnonzero(bucket == b):
            trial = int(table.index[row])
            label = f"trial {trial}: {score[row]:.5g}"
            values = [
                float(v) + (nudge[row] if r.space[n].is_choice else 0)
                for n, v in zip(names, table.iloc[row], strict=True)
            ]
            for x, y in enumerate([float(height[row]), *values]):
                if not np.isnan(y):
                    xs.append(x)
                    ys.append(y)
                    texts.append(label)
            xs.append(None)
            ys.append(None)
            texts.append(None)
        if xs:
            figure.add_scatter(
                x=xs,
                y=ys,
                text=texts,
                mode="lines",
                opacity=0.45 + 0.5 * b / classes,
                line={"color": colours[b], "width": 1.2},
                showlegend=False,
                hovertemplate="%{text}<extra></extra>",
            )
    for i, name in enumerate(names, start=1):
        ticks = zip(*style.ticks(r.space[name], 5), strict=True)
        for place, text in ticks:
            figure.add_annotation(
                x=i,
                y=place,
                text=_text(text),
                showarrow=False,
                xanchor="left",
                xshift=3,
                font={"size": 11},
                bgcolor="rgba(255,255,255,0.75)",
            )
    for i in range(len(names) + 1):
        figure.add_vline(x=i, line={"color": "#333333", "width": 1})
    steps = [limits[0] + (limits[1] - limits[0]) * f for f in (0.1, 0.3, 0.5, 0.7, 0.9)]
    figure.update_yaxes(
        range=[-0.06, 1.06],
        tickvals=[0.1, 0.3, 0.5, 0.7, 0.9],
        ticktext=[f"{s:.4g}" for s in steps],
        showgrid=False,
        title_text=_score(r),
    )
    figure.update_xaxes(
        tickvals=list(range(len(names) + 1)),
        ticktext=[_text(r.metric), *map(_text, names)],
        range=[-0.05, len(names) + 0.5],
        showgrid=False,
        tickangle=20,
    )
    return figure


def _viridis(n: int) -> list[str]:
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    return [to_hex(mpl.colormaps[style.SCALE](0.97 * i / max(n - 1, 1))) for i in range(n)]


def contour(r: Results, x: str, y: str) -> go.Figure:
    """Draw :func:`foldrank.tidy.pair` with the score between the trials."""
    frame = tidy.pair(r, x, y)
    figure = _base(430)
    limits = style.score_limits(frame["score"])
    points = frame[["x_position", "y_position"]].to_numpy(float)
    line = np.linspace(0, 1, 101)
    scores = np.clip(frame["score"].to_numpy(), *limits)
    distinct = len(np.unique(points, axis=0))
    rank = np.linalg.matrix_rank(points - points.mean(axis=0), 1e-9) if len(points) else 0
    if distinct > 3 and rank == 2:
        few = _thin(pd.DataFrame(points).assign(z=scores), 2000).to_numpy()
        grid = griddata(few[:, :2], few[:, 2], tuple(np.meshgrid(line, line)))
        figure.add_heatmap(
            x=line,
            y=line,
            z=grid.astype(np.float32),
            colorscale=_scale(r),
            zmin=limits[0],
            zmax=limits[1],
            opacity=0.85,
            colorbar={"title": {"text": _text(r.metric), "side": "top"}, "thickness": 12},
            hoverinfo="skip",
        )
    figure.add_trace(_pair_points(r, frame, frame["score"], _scale(r), limits))
    _pair_axes(r, figure, x, y)
    return figure


def _pair_points(
    r: Results, frame: pd.DataFrame, colour: Any, scale: str, limits: tuple[float, float]
) -> go.Scatter:
    kept = _thin(frame, POINTS // 2).index
    part = frame.loc[kept]
    return go.Scatter(
        x=part["x_position"].to_numpy(float),
        y=part["y_position"].to_numpy(float),
        mode="markers",
        showlegend=False,
        text=[
            f"trial {t}<br>{_text(a)}, {_text(b)}<br>{s:.5g} (place {p:.0f})"
            for t, a, b, s, p in zip(
                part.index,
                part["x_text"],
                part["y_text"],
                part["score"],
                part["place"],
                strict=True,
            )
        ],
        marker={
            "color": colour.loc[kept],
            "colorscale": scale,
            "cmin": limits[0],
            "cmax": limits[1],
            "size": 8,
            "line": {"color": "white", "width": 0.8},
        },
        hovertemplate="%{text}<extra></extra>",
    )


def _pair_axes(r: Results, figure: go.Figure, x: str, y: str) -> None:
    _ticks(figure.layout.xaxis, r, x)
    _ticks(figure.layout.yaxis, r, y)


def rank(r: Results, x: str, y: str) -> go.Figure:
    """Draw :func:`foldrank.tidy.pair` with the places of the trials."""
    frame = tidy.pair(r, x, y)
    figure = _base(430)
    points = _pair_points(r, frame, frame["place"], "Viridis_r", (1, max(len(frame), 2)))
    points.marker.update(
        colorbar={"title": {"text": "place", "side": "top"}, "thickness": 12},
        line={"color": "#666666", "width": 0.5},
    )
    points.marker.colorbar.update(tickmode="auto")
    figure.add_trace(points)
    _pair_axes(r, figure, x, y)
    return figure


def folds(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.folds`."""
    frame = tidy.folds(r)
    figure = _base(420)
    order = [f"{trial}" for trial in frame["trial"].unique()]
    x = frame["trial"].astype(str)
    figure.add_hrect(
        y0=frame.attrs["low"],
        y1=frame.attrs["high"],
        fillcolor=style.SKY,
        opacity=0.28,
        line_width=0,
        layer="below",
    )
    figure.add_scatter(
        x=x,
        y=frame["score"],
        mode="markers",
        name="fold",
        customdata=frame["fold"],
        marker={"color": style.GREY, "size": 6},
        hovertemplate="trial %{x}, fold %{customdata}<br>%{y:.5g}<extra></extra>",
    )
    means = frame.drop_duplicates("trial")
    figure.add_scatter(
        x=means["trial"].astype(str),
        y=means["mean"],
        mode="markers",
        name="mean and its standard error",
        error_y={"type": "data", "array": means["se"], "color": style.BLUE},
        marker={"color": style.BLUE, "size": 9},
        hovertemplate="trial %{x}<br>mean %{y:.5g}<extra></extra>",
    )
    chosen = means[means["chosen"]]
    figure.add_scatter(
        x=chosen["trial"].astype(str),
        y=chosen["mean"],
        mode="markers",
        name="chosen",
        marker={
            "symbol": "star",
            "size": 16,
            "color": style.RED,
            "line": {"color": "white", "width": 1},
        },
        hovertemplate="chosen: trial %{x}<extra></extra>",
    )
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        name="one standard error of the best",
        marker={"symbol": "square", "size": 12, "color": style.SKY, "opacity": 0.4},
    )
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=order,
        title_text="trial, best first",
        tickangle=0 if len(order) < 12 else -60,
    )
    figure.update_yaxes(title_text=_score(r))
    return figure


def paired(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.paired`."""
    frame = tidy.paired(r)
    figure = _base(440)
    trials = list(frame["a"].unique())
    names = [str(trial) for trial in trials]
    p = frame.pivot(index="a", columns="b", values="p_value").loc[trials, trials]
    d = frame.pivot(index="a", columns="b", values="difference").loc[trials, trials]
    values = p.to_numpy(float).copy()
    np.fill_diagonal(values, np.nan)
    texts = [
        ["" if np.isnan(v) else f"<b>{v:.2f}</b>" if v < 0.05 else f"{v:.2f}" for v in row]
        for row in values
    ]
    figure.add_heatmap(
        x=names,
        y=names,
        z=values,
        text=texts,
        texttemplate="%{text}",
        textfont={"size": 12},
        customdata=d.to_numpy(),
        colorscale="Viridis",
        zmin=0,
        zmax=1,
        xgap=1,
        ygap=1,
        colorbar={"title": {"text": "p value", "side": "top"}, "thickness": 12},
        hovertemplate="trial %{y} minus trial %{x}: %{customdata:.4g}<br>"
        "p = %{z:.3f}<extra></extra>",
    )
    figure.update_xaxes(
        type="category", title_text="trial, best first", showgrid=False, tickangle=0
    )
    figure.update_yaxes(
        type="category", title_text="trial, best first", autorange="reversed", showgrid=False
    )
    return figure


def dice(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.dice`."""
    frame = tidy.dice(r)
    figure = _base()
    figure.add_bar(
        x=frame["trial"].astype(str),
        y=100 * frame["share"],
        marker_color=style.BLUE,
        hovertemplate="trial %{x}: %{y:.3g} %<extra></extra>",
    )
    figure.update_xaxes(type="category", title_text="trial, best first", tickangle=0)
    figure.update_yaxes(title_text=f"best of {frame.attrs['k']} drawn at random [%]")
    return figure


def pareto(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.pareto`, the first two objectives."""
    directions = tidy.objectives(r)
    x, y = list(directions)[:2]
    frame = tidy.pareto(r)
    figure = _base(430)
    parts = (
        (f"other trials ({(~frame['front']).sum()})", ~frame["front"], "#AAAAAA", "circle", 7),
        (f"front ({frame['front'].sum()})", frame["front"], style.BLUE, "circle", 9),
        ("chosen", frame["chosen"], style.RED, "star", 16),
    )
    for name, member, colour, symbol, size in parts:
        part = _thin(frame[member])
        figure.add_scatter(
            x=part[x],
            y=part[y],
            customdata=part.index,
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": size},
            hovertemplate="trial %{customdata}<br>%{x:.5g}<br>%{y:.5g}<extra></extra>",
        )
    better = {"maximize": "higher is better", "minimize": "lower is better"}
    figure.update_xaxes(title_text=_text(f"{x} ({better[directions[x]]})"))
    figure.update_yaxes(title_text=_text(f"{y} ({better[directions[y]]})"))
    return figure


def hypervolume(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.hypervolume`."""
    frame = tidy.hypervolume(r)
    unit = frame.attrs["unit"]
    frame = _thin(frame)
    figure = _base()
    figure.add_scatter(
        x=frame["trial"],
        y=frame["hypervolume"],
        mode="lines",
        line={"shape": "hv", "color": style.BLUE, "width": 2},
        hovertemplate="up to trial %{x}: %{y:.4f}<extra></extra>",
    )
    figure.update_xaxes(title_text="trial")
    figure.update_yaxes(title_text=f"hypervolume [{unit}]", rangemode="tozero")
    return figure


def timeline(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.timeline`."""
    frame, busy = tidy.timeline(r), tidy.utilisation(r)
    n = len(busy)
    figure = _base(int(min(130 + 34 * n, 900)))
    width = max(2.0, min(24.0, 0.75 * (min(130 + 34 * n, 900) - 110) / n))
    start, end = frame["start_s"].min(), frame["end_s"].max()
    for kind in ("waiting", "idle", "stopped", "fit"):
        part, colour = frame[frame["kind"] == kind], style.KINDS[kind]
        if kind == "fit":
            part = _merge(part, (end - start) / 1500)
        elif kind == "waiting":  # below the fits, so that gaps of less than a pixel are seen
            part = part.groupby("rank", as_index=False).agg(
                {
                    "rank": "first",
                    "start_s": "min",
                    "end_s": "max",
                    "trial": "first",
                    "fold": "first",
                }
            )
        if len(part) == 0:
            continue
        part = _thin(part.sort_values("end_s", ascending=True), 2 * POINTS)
        rows = len(part)
        gap = np.full(rows, np.nan)
        xs = np.column_stack([part["start_s"], part["end_s"], gap]).ravel()
        ys = np.column_stack([part["rank"], part["rank"], gap]).ravel()
        fit = kind == "fit"
        texts = [
            f"trial {t:.0f}, fold {f:.0f}" if fit and m == 1 else f"{m:.0f} fits" if fit else ""
            for t, f, m in zip(
                part["trial"],
                part["fold"],
                part["merged"] if fit else np.ones(rows),
                strict=True,
            )
        ]
        figure.add_scatter(
            x=xs,
            y=ys,
            text=np.repeat(texts, 3),
            mode="lines",
            name=kind,
            line={"color": colour, "width": width},
            hovertemplate="rank %{y}, %{x:.4g} s<br>%{text}<extra>" + kind + "</extra>",
        )
    shown = busy if n <= 24 else busy.iloc[:0]
    for rank_, row in shown.iterrows():
        figure.add_annotation(
            x=1.0,
            xref="paper",
            xanchor="left",
            xshift=4,
            y=rank_,
            text=f"{100 * row['busy']:.0f} %",
            showarrow=False,
        )
    figure.update_layout(margin={"r": 50 if n <= 24 else 10})
    figure.update_xaxes(
        title_text="time since the start of the study [s]", range=[start, end], showgrid=False
    )
    figure.update_yaxes(
        title_text="rank",
        range=[n - 0.4, -0.6],
        showgrid=False,
        dtick=1 if n <= 24 else None,
    )
    return figure


def _merge(fits: pd.DataFrame, least: float) -> pd.DataFrame:
    """Join fits of a rank that are less than ``least`` seconds apart: one cannot see them."""
    fits = fits.sort_values(["rank", "start_s"])
    if len(fits) <= POINTS:
        return fits.assign(merged=1)
    apart = (fits["start_s"] - fits["end_s"].shift() > least) | (
        fits["rank"] != fits["rank"].shift()
    )
    groups = fits.groupby(apart.cumsum())
    return groups.agg(
        rank=("rank", "first"),
        start_s=("start_s", "first"),
        end_s=("end_s", "max"),
        trial=("trial", "first"),
        fold=("fold", "first"),
        merged=("trial", "size"),
    )


def scaling(runs: Sequence[Results]) -> go.Figure:
    """Draw :func:`foldrank.tidy.scaling`."""
    frame = tidy.scaling(runs)
    figure = _base()
    ideal = frame["fits_per_s"].iloc[0] * frame["cores"] / frame["cores"].iloc[0]
    figure.add_scatter(
        x=frame["cores"],
        y=ideal,
        mode="lines",
        name="as fast as the cores add up",
        line={"color": style.GREY, "dash": "dash"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=frame["cores"],
        y=frame["fits_per_s"],
        mode="lines+markers+text",
        name="measured",
        text=[f"{100 * e:.0f} %" for e in frame["efficiency"]],
        textposition="bottom right",
        line={"color": style.BLUE},
        hovertemplate="%{x} cores: %{y:.4g} fits/s<extra></extra>",
    )
    figure.update_xaxes(title_text="cores (ranks x threads)", tickvals=list(frame["cores"]))
    figure.update_yaxes(title_text="fits per second [1/s]", rangemode="tozero")
    return figure


def confusion(r: Results, data: Data | None) -> go.Figure:
    """Draw :func:`foldrank.explain.confusion`."""
    frame = explain.confusion(r, data)
    labels = list(dict.fromkeys(frame["truth"]))
    counts = frame.pivot(index="truth", columns="prediction", values="rows")
    counts = counts.reindex(index=labels, columns=labels).fillna(0).to_numpy(float)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = _base(160 + 26 * max(len(labels), 8))
    names = [_text(label) for label in labels]
    figure.add_heatmap(
        x=names,
        y=names,
        z=shares,
        customdata=counts,
        text=[[f"{c:.0f}" if c else "" for c in row] for row in counts],
        texttemplate="%{text}" if len(labels) <= 20 else None,
        colorscale="Viridis",
        zmin=0,
        zmax=100,
        xgap=1,
        ygap=1,
        colorbar={"title": {"text": "%", "side": "top"}, "thickness": 12},
        hovertemplate="truth %{y}, prediction %{x}<br>%{customdata} rows, %{z:.3g} %"
        "<extra></extra>",
    )
    figure.update_xaxes(type="category", title_text="prediction", showgrid=False)
    figure.update_yaxes(
        type="category", title_text="truth", autorange="reversed", showgrid=False
    )
    return figure


def residuals(r: Results, data: Data | None) -> go.Figure:
    """Draw :func:`foldrank.explain.residuals`."""
    frame = _thin(explain.residuals(r, data))
    figure = _base()
    figure.add_scatter(
        x=frame["prediction"],
        y=frame["residual"],
        mode="markers",
        marker={"color": style.BLUE, "size": 6, "opacity": 0.6},
        hovertemplate="prediction %{x:.5g}<br>residual %{y:.5g}<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": "black", "width": 1})
    unit = _text(f"[unit of {r.model.target}]")
    figure.update_xaxes(title_text=f"prediction {unit}")
    figure.update_yaxes(title_text=f"truth minus prediction {unit}")
    return figure


def calibration(r: Results, data: Data | None) -> go.Figure:
    """Draw :func:`foldrank.explain.calibration`."""
    frame = explain.calibration(r, data)
    figure = _base(420)
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="perfect",
        line={"color": style.GREY, "dash": "dash"},
        hoverinfo="skip",
    )
    groups = frame.groupby("label", sort=False)
    for (label, part), colour in zip(groups, style.CYCLE * len(groups), strict=False):
        figure.add_scatter(
            line={"color": colour},
            x=part["predicted"],
            y=part["observed"],
            customdata=part["rows"],
            mode="lines+markers",
            name=_text(label),
            hovertemplate="predicted %{x:.3f}<br>came true %{y:.3f}<br>%{customdata} rows",
        )
    figure.update_xaxes(title_text="predicted probability", range=[-0.02, 1.02])
    figure.update_yaxes(title_text="share that came true", range=[-0.02, 1.02])
    return figure


def permutation(r: Results, data: Data | None) -> go.Figure:
    """Draw :func:`foldrank.explain.permutation`."""
    every = explain.permutation(r, data)
    frame = every.head(20)
    figure = _base(90 + 24 * len(frame))
    figure.add_bar(
        y=[_text(name) for name in frame["feature"]],
        x=frame["importance"],
        orientation="h",
        error_x={"type": "data", "array": frame["spread"]},
        marker_color=style.BLUE,
        hovertemplate="%{y}: %{x:.4g}<extra></extra>",
    )
    what = _text(every.attrs["what"])
    figure.update_xaxes(title_text=f"{what} with the column shuffled")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def dependence(r: Results, data: Data | None, feature: str | None = None) -> go.Figure:
    """Draw :func:`foldrank.explain.dependence`, by default of the most important column."""
    frame = explain.dependence(r, data, feature)
    figure = _base()
    groups = list(frame.groupby("label", sort=False))
    if r.model.is_classifier and len(groups) == 2:
        groups = groups[1:]
    for label, part in groups:
        figure.add_scatter(
            x=part["value"],
            y=part["prediction"],
            mode="lines+markers",
            name=_text(label),
            hovertemplate="%{x}: %{y:.4g}<extra></extra>",
        )
    what = "value" if not r.model.is_classifier else "probability"
    figure.update_xaxes(title_text=_text(frame["feature"].iloc[0]))
    figure.update_yaxes(
        title_text="mean decision value" if r.model.family == "svm" else f"mean {what}"
    )
    return figure

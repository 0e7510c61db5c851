"""The score over one, two and all parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.interpolate import griddata

from foldrank import tidy
from foldrank.plot import style
from foldrank.report.figures import base
from foldrank.results import Results

LINES = 600


def slices(r: Results, names: Sequence[str]) -> go.Figure:
    """Draw :func:`foldrank.tidy.settings`, each parameter by itself."""
    frame = tidy.settings(r, names)
    columns = 3
    rows = -(-len(names) // columns)
    grid = make_subplots(
        rows, columns, shared_yaxes=True, horizontal_spacing=0.03, vertical_spacing=0.28 / rows
    )
    figure = base.blank(70 + 250 * rows, grid)
    figure.update_xaxes(title_standoff=4)
    figure.update_layout(margin={"l": 60, "b": 60})
    for i, name in enumerate(names):
        part = base.thin(frame[frame["parameter"] == name], base.POINTS // 4)
        where = {"row": 1 + i // columns, "col": 1 + i % columns}
        x = part["position"].to_numpy(float)
        if r.space[name].is_choice:
            x = x + 0.02 * ((part["trial"].to_numpy() * 7) % 5 - 2)
        figure.add_scatter(
            x=x,
            y=part["score"],
            text=[base.text(text) for text in part["text"]],
            customdata=part["trial"],
            mode="markers",
            showlegend=False,
            marker={"color": part["trial"], "coloraxis": "coloraxis", "size": 6},
            hovertemplate="trial %{customdata}<br>%{text}<br>%{y:.5g}<extra></extra>",
            **where,
        )
        _ticks(next(figure.select_xaxes(**where)), r, name, 4)
    figure.update_yaxes(range=list(style.score_limits(frame["score"])))
    figure.update_yaxes(title_text=base.text(r.metric), col=1)
    bar = {"title": {"text": "trial", "side": "top"}, "thickness": 12, "len": 0.6}
    figure.update_layout(
        coloraxis={"colorscale": "Viridis", "colorbar": bar, "cmin": 0, "cmax": r.n_trials}
    )
    return figure


def _ticks(axis: Any, r: Results, name: str, most: int = 6) -> None:
    places, texts = style.ticks(r.space[name], most)
    label = name + (" (log scale)" if r.space[name].is_log else "")
    axis.update(
        tickvals=places,
        ticktext=[base.text(text) for text in texts],
        range=[-0.05, 1.05],
        title_text=base.text(label),
    )


def parallel(r: Results, names: Sequence[str]) -> go.Figure:
    """Draw :func:`foldrank.tidy.settings` as one line for each trial."""
    frame = tidy.settings(r, names)
    figure = base.blank(460)
    limits = style.score_limits(frame["score"])
    places = r.complete.index
    kept = set(base.thin(pd.DataFrame(index=places), LINES).index)
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
                text=base.text(text),
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
        title_text=base.score(r),
    )
    figure.update_xaxes(
        tickvals=list(range(len(names) + 1)),
        ticktext=[base.text(r.metric), *map(base.text, names)],
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
    figure = base.blank(430)
    limits = style.score_limits(frame["score"])
    points = frame[["x_position", "y_position"]].to_numpy(float)
    line = np.linspace(0, 1, 101)
    scores = np.clip(frame["score"].to_numpy(), *limits)
    distinct = len(np.unique(points, axis=0))
    rank = np.linalg.matrix_rank(points - points.mean(axis=0), 1e-9) if len(points) else 0
    if distinct > 3 and rank == 2:
        few = base.thin(pd.DataFrame(points).assign(z=scores), 2000).to_numpy()
        grid = griddata(few[:, :2], few[:, 2], tuple(np.meshgrid(line, line)))
        figure.add_heatmap(
            x=line,
            y=line,
            z=grid.astype(np.float32),
            colorscale=base.scale(r),
            zmin=limits[0],
            zmax=limits[1],
            opacity=0.85,
            colorbar={"title": {"text": base.text(r.metric), "side": "top"}, "thickness": 12},
            hoverinfo="skip",
        )
    figure.add_trace(_pair_points(r, frame, frame["score"], base.scale(r), limits))
    _pair_axes(r, figure, x, y)
    return figure


def _pair_points(
    r: Results, frame: pd.DataFrame, colour: Any, scale: str, limits: tuple[float, float]
) -> go.Scatter:
    kept = base.thin(frame, base.POINTS // 2).index
    part = frame.loc[kept]
    return go.Scatter(
        x=part["x_position"].to_numpy(float),
        y=part["y_position"].to_numpy(float),
        mode="markers",
        showlegend=False,
        text=[
            f"trial {t}<br>{base.text(a)}, {base.text(b)}<br>{s:.5g} (place {p:.0f})"
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
    figure = base.blank(430)
    points = _pair_points(r, frame, frame["place"], "Viridis_r", (1, max(len(frame), 2)))
    points.marker.update(
        colorbar={"title": {"text": "place", "side": "top"}, "thickness": 12},
        line={"color": "#666666", "width": 0.5},
    )
    points.marker.colorbar.update(tickmode="auto")
    figure.add_trace(points)
    _pair_axes(r, figure, x, y)
    return figure

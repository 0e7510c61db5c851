"""The chosen model: where it errs and what it goes by."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from foldrank import explain
from foldrank.errors import MissingError
from foldrank.explain import Data
from foldrank.plot import style
from foldrank.report.figures import base
from foldrank.results import Results


def confusion(r: Results, data: Data | None) -> go.Figure:
    """Draw :func:`foldrank.explain.confusion`."""
    frame = explain.confusion(r, data)
    labels = list(dict.fromkeys(frame["truth"]))
    counts = frame.pivot(index="truth", columns="prediction", values="rows")
    counts = counts.reindex(index=labels, columns=labels).fillna(0).to_numpy(float)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = base.blank(160 + 26 * max(len(labels), 8))
    names = [base.text(label) for label in labels]
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
    frame = base.thin(explain.residuals(r, data))
    figure = base.blank()
    figure.add_scatter(
        x=frame["prediction"],
        y=frame["residual"],
        mode="markers",
        marker={"color": style.BLUE, "size": 6, "opacity": 0.6},
        hovertemplate="prediction %{x:.5g}<br>residual %{y:.5g}<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": "black", "width": 1})
    unit = base.text(f"[unit of {r.model.target}]")
    figure.update_xaxes(title_text=f"prediction {unit}")
    figure.update_yaxes(title_text=f"truth minus prediction {unit}")
    return figure


def calibration(r: Results, data: Data | None) -> go.Figure:
    """Draw :func:`foldrank.explain.calibration`."""
    frame = explain.calibration(r, data)
    figure = base.blank(420)
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
            name=base.text(label),
            hovertemplate="predicted %{x:.3f}<br>came true %{y:.3f}<br>%{customdata} rows",
        )
    figure.update_xaxes(title_text="predicted probability", range=[-0.02, 1.02])
    figure.update_yaxes(title_text="share that came true", range=[-0.02, 1.02])
    return figure


def permutation(r: Results, data: Data | None) -> go.Figure:
    """Draw :func:`foldrank.explain.permutation`."""
    every = explain.permutation(r, data)
    frame = every.head(20)
    figure = base.blank(90 + 24 * len(frame))
    figure.add_bar(
        y=[base.text(name) for name in frame["feature"]],
        x=frame["importance"],
        orientation="h",
        error_x={"type": "data", "array": frame["spread"]},
        marker_color=style.BLUE,
        hovertemplate="%{y}: %{x:.4g}<extra></extra>",
    )
    what = base.text(every.attrs["what"])
    figure.update_xaxes(title_text=f"{what} with the column shuffled")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def dependence(r: Results, data: Data | None, feature: str | None = None) -> go.Figure:
    """Draw :func:`foldrank.explain.dependence`, by default of the most important column."""
    frame = explain.dependence(r, data, feature)
    figure = base.blank()
    groups = list(frame.groupby("label", sort=False))
    if r.model.is_classifier and len(groups) == 2:
        groups = groups[1:]
    for label, part in groups:
        figure.add_scatter(
            x=part["value"],
            y=part["prediction"],
            mode="lines+markers",
            name=base.text(label),
            hovertemplate="%{x}: %{y:.4g}<extra></extra>",
        )
    what = "value" if not r.model.is_classifier else "probability"
    figure.update_xaxes(title_text=base.text(frame["feature"].iloc[0]))
    figure.update_yaxes(
        title_text="mean decision value" if r.model.family == "svm" else f"mean {what}"
    )
    return figure


def groups(r: Results) -> go.Figure:
    """Draw :func:`foldrank.explain.groups`, the worst of them."""
    every = explain.groups(r)
    frame = every[every["score"].notna()].head(20)
    if len(frame) == 0:
        raise MissingError(f"{r.path}: the score of no group is defined")
    figure = base.blank(90 + 24 * len(frame))
    figure.add_bar(
        y=[f"group of row {row}" for row in frame["first_row"]],
        x=frame["score"],
        orientation="h",
        customdata=frame["rows"],
        marker_color=style.BLUE,
        hovertemplate="%{y}: %{x:.4g}<br>%{customdata} rows<extra></extra>",
    )
    figure.update_xaxes(title_text=base.score(r))
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def hardest(r: Results) -> go.Figure:
    """Draw :func:`foldrank.explain.hardest`."""
    frame = explain.hardest(r).head(20)
    pairs = list(zip(frame["truth"], frame["prediction"], strict=True))
    if r.model.is_classifier:
        texts = [f"{truth}, taken for {said}" for truth, said in pairs]
    else:
        texts = [f"{truth:.4g}, predicted {said:.4g}" for truth, said in pairs]
    figure = base.blank(90 + 24 * len(frame))
    figure.add_bar(
        y=[f"row {row}" for row in frame.index],
        x=frame["loss"],
        orientation="h",
        text=[base.text(text) for text in texts],
        textposition="auto",
        marker_color=style.BLUE,
        hovertemplate="%{y}: %{text}<br>loss %{x:.4g}<extra></extra>",
    )
    figure.update_xaxes(title_text="loss")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure

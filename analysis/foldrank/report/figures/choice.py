"""How sure the choice of the trial is."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from foldrank import tidy
from foldrank.plot import style
from foldrank.report.figures import base
from foldrank.results import Results


def folds(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.folds`."""
    frame = tidy.folds(r)
    figure = base.blank(420)
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
    figure.update_yaxes(title_text=base.score(r))
    return figure


def paired(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.paired`."""
    frame = tidy.paired(r)
    figure = base.blank(440)
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
    figure = base.blank()
    figure.add_bar(
        x=frame["trial"].astype(str),
        y=100 * frame["share"],
        marker_color=style.BLUE,
        hovertemplate="trial %{x}: %{y:.3g} %<extra></extra>",
    )
    figure.update_xaxes(type="category", title_text="trial, best first", tickangle=0)
    figure.update_yaxes(title_text=f"best of {frame.attrs['k']} drawn at random [%]")
    return figure


def ensemble(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.ensemble`."""
    frame = tidy.ensemble(r)
    figure = base.blank()
    figure.add_bar(
        x=frame["trial"].astype(str),
        y=100 * frame["weight"],
        marker_color=style.BLUE,
        customdata=np.stack(
            [frame["score"].map("{:.5g}".format), frame["settings"].map(base.text)], axis=1
        ),
        hovertemplate="trial %{x}: %{y:.3g} %<br>alone %{customdata[0]}<br>%{customdata[1]}"
        "<extra></extra>",
    )
    figure.update_xaxes(type="category", title_text="trial, heaviest first", tickangle=0)
    figure.update_yaxes(title_text="weight in the ensemble [%]", rangemode="tozero")
    return figure

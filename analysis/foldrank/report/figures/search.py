"""The search: history, what was to be expected, importance, learning curves, Pareto front."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from foldrank import tidy, yaml12
from foldrank.plot import style
from foldrank.report.figures import base
from foldrank.results import Results


def history(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.history`."""
    frame = tidy.history(r)
    figure = base.blank()
    limits = style.score_limits(frame["score"])
    symbols = {"o": "circle", "v": "triangle-down-open", "x": "x-thin-open"}
    hover = len(frame) <= base.POINTS
    for state, (colour, marker) in style.STATES.items():
        part = frame[frame["state"] == state]
        known = base.thin(part[part["score"].notna()])
        lost = base.thin(part[part["score"].isna()], 1000)
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
    figure.update_yaxes(title_text=base.score(r), range=list(limits))
    return figure


def _settings(r: Results, trial: int) -> str:
    pairs = (
        f"{base.text(n)} = {base.text(yaml12.show(v))}" for n, v in r.params(trial).items()
    )
    return "<br>".join(pairs)


def expected(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.expected`."""
    frame = tidy.expected(r)
    figure = base.blank()
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
        title_text=base.text(f"expected best {r.metric}"),
        range=list(style.score_limits(frame["score"])),
    )
    return figure


def distribution(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.distribution`."""
    frame = base.thin(tidy.distribution(r))
    figure = base.blank()
    figure.add_scatter(
        x=frame["score"],
        y=100 * frame["share"],
        mode="lines",
        line={"shape": "hv", "color": style.BLUE, "width": 2},
        hovertemplate="%{y:.3g} %% of the trials have %{x:.5g} or less<extra></extra>",
    )
    figure.update_xaxes(
        title_text=base.score(r), range=list(style.score_limits(frame["score"]))
    )
    figure.update_yaxes(title_text="trials with this score or less [%]", range=[0, 102])
    return figure


def curves(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.curves`."""
    frame = tidy.curves(r)
    figure = base.blank(420)
    hover = "epoch %{x}<br>%{y:.5g}<extra>trial %{customdata}</extra>"
    top = frame[frame["place"] <= 5]
    others = [part for _, part in frame[~(frame["place"] <= 5)].groupby("trial")]
    if others:  # one trace: of many each is slow to draw; a row without an epoch ends a line
        lines = pd.concat([row for part in others for row in (part, part.iloc[:1] * np.nan)])
        figure.add_scatter(
            x=lines["epoch"],
            y=lines["score"],
            mode="lines",
            customdata=lines["trial"],
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
            customdata=part["trial"],
            name=f"{int(place)}. trial {trial}",
            line={"color": colour, "width": 2.2},
            hovertemplate=hover,
        )
    ends = frame.groupby("trial")["score"].last()
    shown = np.concatenate([ends, top["low"], top["high"]])
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(title_text=base.score(r), range=list(style.score_limits(shown)))
    return figure


def importance(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.importance`."""
    frame = tidy.importance(r)
    scopes = list(dict.fromkeys(frame["scope"]))
    figure = base.blank(110 + 26 * len(frame) + 22 * len(scopes))
    for scope, colour in zip(scopes, style.CYCLE * len(scopes), strict=False):
        part = frame[frame["scope"] == scope]
        where = scope if scope == "all trials" else f"where {scope}"
        group = f"{base.text(where)}<br>({part['trials'].iloc[0]})"
        figure.add_bar(
            y=[[group] * len(part), [base.text(name) for name in part["parameter"]]],
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


def pareto(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.pareto`, the first two objectives."""
    directions = tidy.objectives(r)
    x, y = list(directions)[:2]
    frame = tidy.pareto(r)
    figure = base.blank(430)
    parts = (
        (f"other trials ({(~frame['front']).sum()})", ~frame["front"], "#AAAAAA", "circle", 7),
        (f"front ({frame['front'].sum()})", frame["front"], style.BLUE, "circle", 9),
        ("chosen", frame["chosen"], style.RED, "star", 16),
    )
    for name, member, colour, symbol, size in parts:
        part = base.thin(frame[member])
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
    figure.update_xaxes(title_text=base.text(f"{x} ({better[directions[x]]})"))
    figure.update_yaxes(title_text=base.text(f"{y} ({better[directions[y]]})"))
    return figure


def hypervolume(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.hypervolume`."""
    frame = tidy.hypervolume(r)
    unit = frame.attrs["unit"]
    frame = base.thin(frame)
    figure = base.blank()
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

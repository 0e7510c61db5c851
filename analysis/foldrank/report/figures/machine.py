"""What the ranks did, and how speed grows with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from foldrank import tidy
from foldrank.plot import style
from foldrank.report.figures import base
from foldrank.results import Results


def timeline(r: Results) -> go.Figure:
    """Draw :func:`foldrank.tidy.timeline`."""
    frame, busy = tidy.timeline(r), tidy.utilisation(r)
    n = len(busy)
    figure = base.blank(int(min(130 + 34 * n, 900)))
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
        part = base.thin(part.sort_values("end_s", ascending=True), 2 * base.POINTS)
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
    if len(fits) <= base.POINTS:
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
    figure = base.blank()
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

"""What all plots of the report share: an empty figure, texts, the most points.

Nothing here needs WebGL, which a browser on a cluster's login node or a virtual machine lacks.
"""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from foldrank.plot import style
from foldrank.results import Results

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
POINTS = 4000  # of one plot; more only make it slow
AXIS = {
    "gridcolor": "#E6E6E6",
    "zeroline": False,
    "linecolor": "#888888",
    "ticks": "outside",
    "tickcolor": "#888888",
    "title": {"standoff": 8},
}


def blank(height: int = 380, grid: go.Figure | None = None) -> go.Figure:
    """Return a figure of the report's style, empty or with the axes of ``grid``."""
    figure = go.Figure() if grid is None else grid
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 66, "r": 10, "t": 34, "b": 50},
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


def text(value: Any) -> str:
    """Return a value as text that is no markup."""
    return html.escape(str(value))


def thin(frame: pd.DataFrame, most: int = POINTS) -> pd.DataFrame:
    """Every n-th row, and the last."""
    if len(frame) <= most:
        return frame
    kept = np.unique(np.linspace(0, len(frame) - 1, most).astype(int))
    return frame.iloc[kept]


def score(r: Results) -> str:
    """Return the title of an axis with scores."""
    return text(style.score_label(r))


def scale(r: Results) -> str:
    """Return the colour scale on which good scores are bright."""
    return "Viridis" if r.maximize else "Viridis_r"


def settle(figure: go.Figure) -> go.Figure:
    """Give room to the axes whose ticks are texts; numbers fit the margins of :func:`blank`.

    Room for ticks is only known once they are drawn, so that the plot is drawn twice.
    """
    named = set()
    for trace in figure.data:
        for side in "xy":
            values = getattr(trace, side, None)
            if values is not None and len(values) > 0 and isinstance(values[0], str):
                named.add(trace[f"{side}axis"] or side)
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        name = axis.plotly_name.replace("axis", "")
        if axis.type == "category" or axis.ticktext is not None or name in named:
            axis.automargin = True
    return figure

"""From results to one HTML page."""

from __future__ import annotations

import html
import itertools
import json
import math
import os
import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from foldrank import explain, findings, tidy, words, yaml12
from foldrank.errors import MissingError
from foldrank.explain import Data
from foldrank.honest import estimate
from foldrank.report import figures
from foldrank.report.figures.base import settle
from foldrank.results import PARAMS, SCORES, Results

TABLE_ROWS = 3000
PARAMETERS = 12  # in slices and parallel coordinates
Figures = list[tuple[str, go.Figure]]


@dataclass
class _Plot:
    """One plot, or several to pick from."""

    title: str
    about: str
    variants: Figures
    wide: bool = False
    least: int = 0  # pixels; on a narrower screen it is moved sideways


def _try(
    title: str,
    about: str,
    draw: Callable[[], go.Figure | Figures],
    wide: bool = False,
    least: int = 0,
) -> list[_Plot]:
    """A plot, or none where the file has not what it needs."""
    try:
        drawn = draw()
    except MissingError:
        return []
    variants = drawn if isinstance(drawn, list) else [("", drawn)]
    return [_Plot(title, about, variants, wide, least)] if variants else []


def _ordered_params(r: Results) -> list[str]:
    """Parameters in the order of the space; of many the most important ones."""
    if len(r.space) <= PARAMETERS:
        return list(r.space)
    try:
        first = tidy.importance(r).sort_values("importance", ascending=False)["parameter"]
        names = list(dict.fromkeys([*first, *r.space]))
    except MissingError:
        names = list(r.space)
    kept = set(names[:PARAMETERS])
    return [name for name in r.space if name in kept]


def _pairs(r: Results, draw: Callable[[Results, str, str], go.Figure]) -> Figures:
    """The plot for pairs of the parameters that tell most, six of them at most."""
    first = tidy.pair(r)
    x, y = first.attrs["x"], first.attrs["y"]
    complete = r.complete[[PARAMS + name for name in r.space]].notna()
    useful = sorted(r.space, key=lambda n: (r.space[n].is_choice, -complete[PARAMS + n].sum()))
    pairs = [(x, y)] + [
        (a, b) for a, b in itertools.combinations(useful[:5], 2) if {a, b} != {x, y}
    ]
    out: Figures = []
    for a, b in pairs:
        together = (complete[PARAMS + a] & complete[PARAMS + b]).sum()
        if together >= 3 and len(out) < 6:
            out.append((f"{a} and {b}", draw(r, a, b)))
    return out


def _search_plots(r: Results) -> list[_Plot]:
    params = _ordered_params(r)
    some = " over the most important parameters" if len(params) < len(r.space) else ""
    return [
        *_try(
            "Optimisation history",
            "Every trial's mean score over the folds, and the best so far. "
            "A pruned trial's mean is over fewer folds or epochs.",
            lambda: figures.history(r),
            wide=True,
        ),
        *_try(
            "Pareto front",
            "What no other trial beats in all objectives.",
            lambda: figures.pareto(r),
        ),
        *_try(
            "Hypervolume",
            "What the front found so far dominates; a flat end means that more trials add little.",
            lambda: figures.hypervolume(r),
        ),
        *_try(
            "Expected best of k trials",
            "Where it is flat, more random trials would not pay.",
            lambda: figures.expected(r),
        ),
        *_try(
            "Distribution of the scores",
            "Share of the complete trials with a score or less.",
            lambda: figures.distribution(r),
        ),
        *_try(
            "Importance of the hyperparameters",
            "fANOVA by Optuna. Conditional parameters are judged where they are active; in "
            "brackets: trials.",
            lambda: figures.importance(r),
            wide=True,
            least=560,
        ),
        *_try(
            "Score by parameter",
            f"Complete trials{some}; the colour tells when a trial was suggested.",
            lambda: figures.slices(r, params),
            wide=True,
        ),
        *_try(
            "Parallel coordinates",
            f"A line for each complete trial{some}; bright lines are good.",
            lambda: figures.parallel(r, params),
            wide=True,
            least=95 * (len(params) + 1),
        ),
        *_try(
            "Contour",
            "Score over two parameters, interpolated between the trials.",
            lambda: _pairs(r, figures.contour),
        ),
        *_try(
            "Rank",
            "Place of the trials over two parameters: good regions, whatever the scale.",
            lambda: _pairs(r, figures.rank),
        ),
        *_try(
            "Learning curves",
            "Mean over the folds; the five best trials in colour, the best with the range of its "
            "folds.",
            lambda: figures.curves(r),
            wide=True,
        ),
    ]


def _choice_plots(r: Results) -> list[_Plot]:
    if r.n_folds < 2:
        return _try(
            "Dice",
            "How often each trial is the best of k drawn at random.",
            lambda: figures.dice(r),
        )
    return [
        *_try(
            "Fold scores of the best trials",
            "A trial whose mean lies in the band is within one standard error of the best.",
            lambda: figures.folds(r),
            wide=True,
        ),
        *_try(
            "Paired comparison",
            "p values of the corrected resampled t-test (Nadeau and Bengio) on the same folds; "
            "bold: below 0.05.",
            lambda: figures.paired(r),
        ),
        *_try(
            "Dice",
            "How often each trial is the best of k drawn at random: how stable the choice is.",
            lambda: figures.dice(r),
        ),
        *_try(
            "Ensemble",
            "How much each member counts; its own score and settings are told by the bar.",
            lambda: figures.ensemble(r),
        ),
    ]


def _machine_plots(r: Results, others: Sequence[Results]) -> list[_Plot]:
    def scaling() -> go.Figure:
        if not others:
            raise MissingError("one run does not scale")
        return figures.scaling([r, *others])

    return [
        *_try(
            "What every rank did",
            "At the right: share of its time that a rank spent on fits.",
            lambda: figures.timeline(r),
            wide=True,
        ),
        *_try("Scaling", "Speed against the number of cores.", scaling),
    ]


def _dependences(r: Results, data: Data | None) -> Figures:
    """The plot for each column that the file has; for given rows that of the first only."""
    if data is not None:
        return [("", figures.dependence(r, data))]
    names = dict.fromkeys(explain.dependences(r)["feature"])
    return [(name, figures.dependence(r, None, name)) for name in names]


def _model_plots(r: Results, data: Data | None) -> list[_Plot]:
    if not r.file.has("model"):
        return []
    folds = "for the validation rows of the folds"
    where = explained = "for the given rows"
    if data is None:
        where = "for the test rows" if r.test is not None else folds
        explained = folds
    return [
        *_try(
            "Confusion matrix",
            f"What each class was taken for, {where}.",
            lambda: figures.confusion(r, data),
        ),
        *_try(
            "Residuals",
            f"Truth minus prediction, {where}.",
            lambda: figures.residuals(r, data),
        ),
        *_try(
            "Calibration",
            f"Whether probabilities come true, {where}.",
            lambda: figures.calibration(r, data),
        ),
        *_try(
            "Permutation importance",
            f"Which columns the model uses, {explained}.",
            lambda: figures.permutation(r, data),
        ),
        *_try(
            "Partial dependence",
            "Mean prediction with the column set to each value, the others as they are.",
            lambda: _dependences(r, data),
        ),
        *_try(
            "Scores of the groups",
            f"The worst of them, by models that did not train on them, {folds}.",
            lambda: figures.groups(r),
        ),
        *_try(
            "Hardest rows",
            "Rows of the data, numbered from 0, that models which did not train on them get most "
            "wrong: odd cases, or wrong labels.",
            lambda: figures.hardest(r),
        ),
    ]


# ---- the table ----


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, (bool, np.bool_)):
        return yaml12.show(bool(value))
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return value if isinstance(value, (int, str)) else yaml12.show(value)


def _table(r: Results) -> tuple[dict[str, Any], str]:
    """Rows of the trial table, best first, and what was left out."""
    trials = r.trials
    order = [*r.complete.index, *trials.index.difference(r.complete.index)]
    kept = trials.loc[order[:TABLE_ROWS]]
    titles = {"score_mean": r.metric, "score_se": "se", "folds_done": "folds"}
    names = ["state", "score_mean", "score_se", "folds_done", "epochs", "seconds"]
    names += [SCORES + name for name in r.objectives if name != r.metric]
    names += [name for name in trials.columns if name.startswith(PARAMS)]
    if (trials["message"] != "").any():
        names.append("message")
    heads = [titles.get(n, n.removeprefix(PARAMS).removeprefix(SCORES)) for n in names]
    columns = [[_cell(value) for value in kept[name]] for name in names]
    rows = [list(row) for row in zip(map(int, kept.index), *columns, strict=True)]
    chosen = r.selection.chosen if r.selection is not None else None
    note = ""
    if len(order) > TABLE_ROWS:
        note = (
            f"The {TABLE_ROWS} best of {len(order)} trials; "
            "<code>foldrank show RESULTS --format csv</code> writes all."
        )
    name = r.name or "trials"
    return {"columns": ["trial", *heads], "rows": rows, "chosen": chosen, "name": name}, note


# ---- pieces of the page ----


def _plotly() -> str:
    """Plotly's script, out of the function in which it comes for module loaders.

    A browser reads a function's text once to find its end, and again when it is called; of
    five megabytes that is half a second.
    """
    script: str = get_plotlyjs()
    parts = re.search(
        r"^(/\*\*.*?\*/).*?\(typeof self [^\n]*\(\) => \{\n(.*\nwindow\.Plotly = Plotly;)\n"
        r"return Plotly;\n\}\)\);\s*$",
        script,
        re.S,
    )
    if parts is not None:
        script = f"{parts[1]}\n{parts[2]}\n"
    return script.replace("</script", "<\\/script")


def _tile(label: str, value: str, about: str, strong: bool = False) -> str:
    kind = "tile strong" if strong else "tile"
    e = html.escape
    return (
        f'<div class="{kind}"><div class="label">{e(label)}</div>'
        f'<div class="value">{e(value)}</div><div class="about">{e(about)}</div></div>'
    )


def _tiles(r: Results) -> str:
    out = []
    judged, best = estimate(r), r.best
    if judged is not None:
        interval = ""
        if math.isfinite(judged.low):
            interval = (
                f"95 %: {findings.number(judged.low)} to {findings.number(judged.high)}; "
                f"{judged.assumes}"
            )
        value = findings.number(judged.test)
        out.append(_tile(f"test {r.metric}: the honest score", value, interval, True))
    if best is not None:
        title = "selected" if best.chosen else "best so far"
        score = words.plus_minus(best.score, best.se)
        folds = f", mean over {r.n_folds} folds" if r.n_folds > 1 else ""
        about = f"trial {best.trial}{folds}"
        out.append(_tile(f"{title} {r.metric}", score, about))
    states = r.trials["state"].value_counts()
    out.append(
        _tile(
            "trials", str(r.n_trials), ", ".join(f"{n} {state}" for state, n in states.items())
        )
    )
    trained = r.folds[r.folds["state"] != "cancelled"]
    seconds = float(trained["seconds"].sum())
    busy, idle = r.ranks["busy_s"].sum(), r.ranks["idle_s"].sum()
    share = (
        f", {100 * busy / (busy + idle):.0f} % of the ranks' time" if busy + idle > 0 else ""
    )
    about = f"{len(trained)} fits{share}"
    out.append(_tile("training", words.duration(seconds), about))
    return "\n".join(out)


def _warnings(found: list[findings.Finding]) -> str:
    if not found:
        return (
            '<p class="good">None: the search space, the bounds, the seeds, the test score and '
            "the ranks look as they should.</p>"
        )
    e = html.escape
    return "\n".join(
        f'<div class="warning" data-code="{e(f.code)}"><h3>{e(f.title)}</h3>'
        f'<p>{e(f.text)}</p><p class="advice">{e(f.advice)}</p></div>'
        for f in found
    )


def _plots(plots: list[_Plot], start: int) -> tuple[str, dict[str, Any]]:
    parts, data = [], {}
    for number, plot in enumerate(plots, start=start):
        key = f"plot{number}"
        data[key] = [json.loads(settle(figure).to_json()) for _, figure in plot.variants]
        pick = ""
        if len(plot.variants) > 1:
            options = "".join(
                f'<option value="{i}">{html.escape(name)}</option>'
                for i, (name, _) in enumerate(plot.variants)
            )
            pick = f'<select aria-label="parameters" data-for="{key}">{options}</select>'
        height = plot.variants[0][1].layout.height or 380
        parts.append(
            f'<figure class="card{" wide" if plot.wide else ""}">'
            f"<figcaption><h3>{html.escape(plot.title)}</h3>{pick}"
            f"<p>{html.escape(' '.join(plot.about.split()))}</p></figcaption>"
            f'<div class="pan"><div class="plot" id="{key}" role="img" '
            f'style="height:{height}px;min-width:{plot.least}px" '
            f'aria-label="{html.escape(plot.title)}"></div></div></figure>'
        )
    return "\n".join(parts), data


def _provenance(r: Results) -> str:
    a = r.attributes
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("foldrank", "plotly", "optuna")
    )
    rows = {
        "foldrank": f"{a.get('version', '')} (git {a.get('git', '')})",
        "first run": a.get("created", ""),
        "command": a.get("command", ""),
        "ranks x threads": f"{a.get('ranks', '?')} x {a.get('threads', '?')}",
        "hosts": a.get("hosts", ""),
        "MPI": str(a.get("mpi", "")).split(",")[0],
        "HDF5": a.get("hdf5", ""),
        "BLAS kernels, own kernels": f"{a.get('blas', '')}, {a.get('kernels', '')}",
        "seed of the search": a.get("seed", ""),
        "fingerprint of the study": f"{int(a.get('fingerprint', 0)):016x}",
        "fingerprint of the data": f"{int(a.get('data_fingerprint', 0)):016x}",
        "report by": f"{versions}, Python {platform.python_version()}",
        "file": r.path,
    }
    return "\n".join(
        f"<dt>{html.escape(key)}</dt><dd>{html.escape(str(value))}</dd>"
        for key, value in rows.items()
    )


def _reproduce(r: Results) -> str:
    ranks = int(r.attributes.get("ranks", 1) or 1)
    kernels = html.escape(str(r.attributes.get("kernels", "")))
    start = f"mpirun -n {ranks} " if ranks > 1 else ""
    return (
        "<p>Save the study below as <code>study.yaml</code>, where its data can be found, and "
        f"run</p><pre>{start}foldrank run study.yaml --output again</pre>"
        "<p>Scores, selection and weights come out equal to the bit for any number of ranks and "
        f"threads on a processor with the same kernels ({kernels}). "
        '<code>foldrank.open("again").compare(RESULTS).equal</code> in Python, or '
        "<code>h5diff</code> as in <code>data/FORMAT.md</code>, says whether they did.</p>"
    )


def _script_json(value: Any) -> str:
    """JSON that can stand in a script element, whatever texts it holds."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return (
        text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )


def _section(key: str, title: str, body: str) -> str:
    grid = f'<div class="grid">{body}</div>'
    return f'<section id="{key}"><h2>{title}</h2>{grid}</section>' if body else ""


def page(r: Results, others: Sequence[Results] = (), data: Data | None = None) -> str:
    """Compose the report.

    Parameters
    ----------
    r : Results
        Results of a study.
    others : sequence of Results
        Further runs of the study, with other seeds or on other numbers of cores.
    data : path-like or pandas.DataFrame, optional
        Rows on which to look at the model.

    Returns
    -------
    str
        HTML that needs nothing else.
    """
    groups = {
        "search": ("The search", _search_plots(r)),
        "choice": ("The choice", _choice_plots(r)),
        "model": ("The model", _model_plots(r, data)),
        "machine": ("The machine", _machine_plots(r, others)),
    }
    drawn: dict[str, Any] = {}
    sections, links = [], []
    for key, (title, plots) in groups.items():
        body, own = _plots(plots, len(drawn))
        drawn.update(own)
        if body:
            sections.append(_section(key, title, body))
            links.append(f'<a href="#{key}">{title.removeprefix("The ").capitalize()}</a>')
    table, note = _table(r)
    here = resources.files("foldrank.report")
    text = (here / "report.html").read_text(encoding="utf-8")
    sentences = "\n".join(f"<p>{html.escape(s)}</p>" for s in words.sentences(r))
    return Template(text).substitute(
        title=html.escape(r.name or "study"),
        subtitle=html.escape(f"{r.metric}, {'more' if r.maximize else 'less'} is better"),
        style=(here / "report.css").read_text(encoding="utf-8"),
        plotly=_plotly(),
        script=(here / "report.js").read_text(encoding="utf-8"),
        links="\n".join(links),
        tiles=_tiles(r),
        sentences=sentences,
        warnings=_warnings(findings.check(r, others)),
        sections="\n".join(sections),
        note=note,
        provenance=_provenance(r),
        reproduce=_reproduce(r),
        study=html.escape(r.study),
        figures=_script_json(drawn),
        table=_script_json(table),
    )


def write(
    r: Results | str | os.PathLike[str],
    path: str | os.PathLike[str],
    others: Sequence[Results | str | os.PathLike[str]] = (),
    data: Data | None = None,
) -> Path:
    """Write the report as one HTML file.

    Parameters
    ----------
    r : Results or path-like
        Results of a study.
    path : path-like
        The HTML file.
    others : sequence of Results or path-like
        Further runs of the study, with other seeds or on other numbers of cores.
    data : path-like or pandas.DataFrame, optional
        Rows on which to look at the model: confusion matrix, calibration, importance of columns.

    Returns
    -------
    pathlib.Path
        The HTML file.
    """
    mine = r if isinstance(r, Results) else Results(r)
    rest = [other if isinstance(other, Results) else Results(other) for other in others]
    if isinstance(data, (str, os.PathLike)):
        data = pd.read_csv(data)
    text = page(mine, rest, data)
    target = Path(path)
    beside = target.with_name(f".{target.name}.new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, target)
    return target

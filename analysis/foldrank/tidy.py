"""The data behind every plot: results in, one tidy frame out.

:mod:`foldrank.plot` draws these frames with matplotlib, the report with plotly.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from foldrank import yaml12
from foldrank.errors import MissingError
from foldrank.hdf5 import Array
from foldrank.results import PARAMS, SCORES, Results


def _need_complete(r: Results, least: int = 1) -> pd.DataFrame:
    """The complete trials, best first, or an error that says what is missing."""
    if len(r.complete) < least:
        raise MissingError(
            f"{r.path}: this needs {least} complete trials, and there are {len(r.complete)} so far"
        )
    return r.complete


def history(r: Results) -> pd.DataFrame:
    """Scores in the order of the trials, and the best so far.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    pandas.DataFrame
        Index ``trial``; ``state``, ``score``, ``se``, ``best`` (over complete trials; NaN before
        the first).
    """
    frame = r.trials[["state", "score_mean", "score_se"]]
    frame = frame.rename(columns={"score_mean": "score", "score_se": "se"})
    complete = frame["score"].where(frame["state"] == "complete")
    frame["best"] = (complete.cummax() if r.maximize else complete.cummin()).ffill()
    return frame


def curves(r: Results, n: int = 30) -> pd.DataFrame:
    """Learning curves: the mean over the folds of each trial.

    Parameters
    ----------
    r : Results
        Results of a study.
    n : int
        That many trials: half of them the best ones, the others spread evenly over the rest.

    Returns
    -------
    pandas.DataFrame
        ``trial``, ``place`` (1 = best complete trial; NaN for others), ``epoch``, ``score``,
        ``low``, ``high`` (smallest and largest fold), ``train_loss``, ``folds``.
    """
    if len(r.curves) == 0:
        raise MissingError(
            f"{r.path}: there are no learning curves: nothing was trained by epochs"
        )
    scored = r.curves[r.curves["score"].notna()]  # train.score_every leaves epochs out
    best = list(r.complete.index[: (n + 1) // 2])
    others = [trial for trial in scored["trial"].unique() if trial not in set(best)]
    room = max(n - len(best), 0)
    spread = np.unique(np.linspace(0, len(others) - 1, min(room, len(others))).astype(int))
    kept = set(best) | {others[i] for i in spread}
    points = scored[scored["trial"].isin(kept)]
    groups = points.groupby(["trial", "epoch"])
    frame = groups.agg(
        score=("score", "mean"),
        low=("score", "min"),
        high=("score", "max"),
        train_loss=("train_loss", "mean"),
        folds=("score", "size"),
    ).reset_index()
    places = pd.Series(np.arange(1.0, len(r.complete) + 1), index=r.complete.index)
    frame.insert(1, "place", frame["trial"].map(places))
    return frame


def settings(r: Results, params: Sequence[str] | None = None) -> pd.DataFrame:
    """Complete trials and their parameters, one row for each pair.

    Parameters
    ----------
    r : Results
        Results of a study.
    params : sequence of str, optional
        Only these parameters.

    Returns
    -------
    pandas.DataFrame
        ``trial``, ``place`` (1 = best), ``score``, ``parameter``, ``value``, ``text``,
        ``position`` (0 to 1 in the range, on its own scale). Inactive parameters have no row.
    """
    complete = _need_complete(r).rename(columns={"score_mean": "score"})
    parts = []
    for name in check_params(r, params):
        column = complete[PARAMS + name]
        active = column.notna()
        values = r.space[name].plain(column[active])
        parts.append(
            pd.DataFrame(
                {
                    "trial": complete.index[active],
                    "place": np.flatnonzero(active) + 1,
                    "score": complete.loc[active, "score"].to_numpy(),
                    "parameter": name,
                    "value": pd.Series(values, dtype=object),
                    "text": [yaml12.show(value) for value in values],
                    "position": r.space[name].position(values),
                }
            )
        )
    names = ["trial", "place", "score", "parameter", "value", "text", "position"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)


def check_params(r: Results, params: Sequence[str] | None) -> list[str]:
    """Names of parameters, all of them by default.

    Parameters
    ----------
    r : Results
        Results of a study.
    params : sequence of str, optional
        Wanted ones.

    Returns
    -------
    list of str
        Names in the space.
    """
    if params is None:
        return list(r.space)
    for name in params:
        if name not in r.space:
            raise MissingError(
                f"{r.path}: the space has no parameter {name!r}; allowed: {', '.join(r.space)}"
            )
    return list(params)


def pair(r: Results, x: str | None = None, y: str | None = None) -> pd.DataFrame:
    """Two parameters and the score of the complete trials that have both.

    Parameters
    ----------
    r : Results
        Results of a study.
    x, y : str, optional
        Names; by default the two that tell most about the score, numbers first.

    Returns
    -------
    pandas.DataFrame
        Index ``trial``; ``x``, ``y`` (values), ``x_text``, ``y_text``, ``x_position``,
        ``y_position``, ``score``, ``place``; attributes ``x`` and ``y`` name the parameters.
    """
    if x is None or y is None:
        x, y = _pick_pair(r, x, y)
    check_params(r, [x, y])
    complete = _need_complete(r)
    both = complete[complete[PARAMS + x].notna() & complete[PARAMS + y].notna()]
    frame = pd.DataFrame({"score": both["score_mean"]}, index=both.index)
    frame["place"] = frame["score"].rank(ascending=not r.maximize, method="first")
    for axis, name in (("x", x), ("y", y)):
        values = r.space[name].plain(both[PARAMS + name])
        frame[axis] = pd.Series(values, index=both.index, dtype=object)
        frame[f"{axis}_text"] = [yaml12.show(value) for value in values]
        frame[f"{axis}_position"] = r.space[name].position(values)
    frame.attrs.update(x=x, y=y)
    return frame


def _strength(r: Results, name: str) -> float:
    """How much of the ranks of the scores one parameter tells, for the choice of a default."""
    column = r.complete[PARAMS + name]
    active = column.notna().to_numpy()
    position = r.space[name].position(r.space[name].plain(column[active]))
    scores = stats.rankdata(r.complete["score_mean"].to_numpy()[active])
    if len(scores) < 3 or np.ptp(position) == 0:
        return -1.0
    bins = np.minimum((position * 4).astype(int), 3)
    means = [scores[bins == b].mean() for b in np.unique(bins)]
    return float(np.std(means) / len(scores) * active.mean())


def _pick_pair(r: Results, x: str | None, y: str | None) -> tuple[str, str]:
    if len(r.space) < 2:
        raise MissingError(f"{r.path}: two parameters are needed, the space has {len(r.space)}")
    _need_complete(r)
    ordered = sorted(r.space, key=lambda name: (r.space[name].is_choice, -_strength(r, name)))
    free = [name for name in ordered if name not in (x, y)]
    first = x if x is not None else free.pop(0)
    return first, y if y is not None else free[0]


def distribution(r: Results) -> pd.DataFrame:
    """Empirical distribution of the scores of complete trials.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    pandas.DataFrame
        ``score`` ascending and ``share`` of the trials that have this score or less.
    """
    scores = np.sort(_need_complete(r)["score_mean"].to_numpy())
    return pd.DataFrame({"score": scores, "share": np.arange(1, len(scores) + 1) / len(scores)})


def importance(r: Results, evaluator: Any = None, limit: int = 500) -> pd.DataFrame:
    """Importance of the hyperparameters, by Optuna's evaluators.

    A parameter that is active only in some trials is compared with those that are always active,
    among the trials that have it.

    Parameters
    ----------
    r : Results
        Results of a study.
    evaluator : optuna.importance.BaseImportanceEvaluator, optional
        fANOVA by default.
    limit : int
        Of more complete trials, so many spread evenly over the study are used: fANOVA takes
        time with their square.

    Returns
    -------
    pandas.DataFrame
        ``scope`` (``all trials`` or the condition), ``parameter``, ``importance`` (shares of one
        in each scope), ``trials``; largest first.
    """
    from foldrank.optuna_bridge import importances

    _need_complete(r, 2)
    rows = importances(r, evaluator, limit)
    if not rows:
        raise MissingError(
            f"{r.path}: there is nothing to compare: importance needs four complete trials that "
            f"differ in a parameter, and there are {len(r.complete)} complete ones"
        )
    frame = pd.DataFrame(rows, columns=["scope", "parameter", "importance", "trials"])
    first = frame["scope"] == "all trials"
    return pd.concat(
        [
            part.sort_values("importance", ascending=False)
            for _, part in [*frame[first].groupby("scope"), *frame[~first].groupby("scope")]
        ],
        ignore_index=True,
    )


def folds(r: Results, n: int = 20) -> pd.DataFrame:
    """Fold scores of the best trials.

    Parameters
    ----------
    r : Results
        Results of a study.
    n : int
        That many trials, and the chosen one.

    Returns
    -------
    pandas.DataFrame
        ``place``, ``trial``, ``fold``, ``score``, ``mean``, ``se``, ``chosen``; attributes
        ``low`` and ``high``: the best mean and one standard error on either side of it.
    """
    complete = _need_complete(r)
    best = complete.iloc[0]
    chosen = r.selection.chosen if r.selection is not None else None
    kept = list(complete.index[:n])
    if chosen is not None and chosen not in kept and chosen in complete.index:
        kept.append(chosen)
    done = r.folds[(r.folds["state"] == "complete") & r.folds["trial"].isin(kept)]
    frame = done[["trial", "fold", "score"]].copy()
    places = pd.Series(np.arange(1, len(complete) + 1), index=complete.index)
    frame.insert(0, "place", frame["trial"].map(places))
    frame["mean"] = frame["trial"].map(complete["score_mean"])
    frame["se"] = frame["trial"].map(complete["score_se"])
    frame["chosen"] = frame["trial"] == chosen
    frame.attrs.update(
        low=float(best["score_mean"] - best["score_se"]),
        high=float(best["score_mean"] + best["score_se"]),
    )
    return frame.sort_values(["place", "fold"], ignore_index=True)


def valid_share(r: Results) -> float:
    """Validation rows by training rows of one fold.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    float
        As the study's validation scheme has it; 1 for a study without folds.
    """
    stored = float(r.attributes.get("valid_share", np.nan))
    if np.isfinite(stored):
        return stored
    if "objective" in r.config:
        return 1.0
    options = r.config.get("validation", {})
    if options.get("scheme") in ("holdout", "shuffle_split"):
        part = float(options.get("fraction", 0.2))
        return part / (1 - part)
    parts = max(r.n_folds // int(options.get("repeats", 1) or 1), 2)
    return 1.0 / (parts - 1)


def paired_p_value(difference: Array, share: float) -> float:
    """Two-sided p value of Nadeau and Bengio's corrected resampled t-test.

    Parameters
    ----------
    difference : numpy.ndarray
        Differences of two trials' scores, one for each fold.
    share : float
        Validation rows by training rows.

    Returns
    -------
    float
        1 when all differences are 0; NaN for less than two.

    References
    ----------
    C. Nadeau and Y. Bengio, Inference for the generalization error, Machine Learning 52, 2003.
    """
    n = len(difference)
    if n < 2:
        return float("nan")
    if not difference.any():
        return 1.0
    spread = difference.var(ddof=1) * (1 / n + share)
    if spread == 0:
        return 0.0
    return float(2 * stats.t.sf(abs(difference.mean()) / np.sqrt(spread), n - 1))


def paired(r: Results, n: int = 10) -> pd.DataFrame:
    """Compare each pair of the best trials on the same folds.

    Parameters
    ----------
    r : Results
        Results of a study.
    n : int
        That many of the best trials.

    Returns
    -------
    pandas.DataFrame
        ``a``, ``b`` (trials), ``difference`` (mean of a minus mean of b) and ``p_value`` of the
        corrected resampled t-test, see :func:`paired_p_value`.
    """
    if r.n_folds < 2:
        raise MissingError(f"{r.path}: trials have one fold each; comparing them needs two")
    best = list(_need_complete(r, 2).index[:n])
    done = r.folds[r.folds["trial"].isin(best)]
    scores = done.pivot(index="fold", columns="trial", values="score")
    share = valid_share(r)
    rows = []
    for a in best:
        for b in best:
            difference = (scores[a] - scores[b]).to_numpy()
            rows.append((a, b, difference.mean(), paired_p_value(difference, share)))
    return pd.DataFrame(rows, columns=["a", "b", "difference", "p_value"])


def dice(r: Results, n: int = 10, k: int | None = None) -> pd.DataFrame:
    """How often a trial is the best of k drawn at random.

    Taken from the file where the rule was ``dice``; else computed in closed form: the trial of
    place i of n wins if it is drawn and none of the better ones is.

    Parameters
    ----------
    r : Results
        Results of a study.
    n : int
        That many of the best trials.
    k : int, optional
        Trials drawn in a round; by default as the study has it, at most half of them.

    Returns
    -------
    pandas.DataFrame
        ``place``, ``trial``, ``share`` of the rounds won; attribute ``k``.
    """
    complete = _need_complete(r)
    total = len(complete)
    given = int(r.config.get("select", {}).get("k", 10)) or total
    selection = r.selection
    if k is None and selection is not None and "win_share" in selection.ranking:
        frame = selection.ranking.reset_index().rename(columns={"win_share": "share"})
        frame.attrs["k"] = min(given, total)
        return frame[["place", "trial", "share"]].iloc[:n]
    k = min(k if k is not None else given, max(total // 2, 1))
    shares = [comb(total - i - 1, k - 1) / comb(total, k) for i in range(min(n, total))]
    frame = pd.DataFrame(
        {
            "place": range(1, len(shares) + 1),
            "trial": complete.index[: len(shares)],
            "share": shares,
        }
    )
    frame.attrs["k"] = k
    return frame


def expected(r: Results, limit: int = 1000) -> pd.DataFrame:
    """Expected best mean score of k trials drawn at random without replacement.

    Parameters
    ----------
    r : Results
        Results of a study.
    limit : int
        Largest k.

    Returns
    -------
    pandas.DataFrame
        ``k`` and ``score``.

    References
    ----------
    J. Dodge et al., Show your work, EMNLP 2019, equation 2 (there with replacement).
    """
    scores = _need_complete(r)["score_mean"].to_numpy()
    n = len(scores)
    sizes = np.arange(1, min(n, limit) + 1)
    values = []
    for k in sizes:
        # weight[i]: the chance that the trial of place i+1 is the best of the k drawn.
        i = np.arange(1, n - k + 1)
        weight = k / n * np.append(1.0, np.cumprod((n - i - k + 1) / (n - i)))
        values.append(float(weight @ scores[: n - k + 1]))
    return pd.DataFrame({"k": sizes, "score": values})


def objectives(r: Results) -> dict[str, str]:
    """Names and directions of the objectives of a study with several.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    dict
        ``maximize`` or ``minimize`` by name.
    """
    if len(r.objectives) < 2:
        raise MissingError(
            f"{r.path}: the study has one objective, {r.metric}; this needs several, "
            "as in `metric: [accuracy, {minimize: parameters}]`"
        )
    return r.objectives


def _losses(r: Results, frame: pd.DataFrame) -> Array:
    """Objectives as (trials, objectives), all to be minimised."""
    return np.column_stack(
        [
            frame[SCORES + name].to_numpy(float) * (-1 if direction == "maximize" else 1)
            for name, direction in objectives(r).items()
        ]
    )


def _is_front(losses: Array) -> Array:
    """Which rows no other row dominates; of equal rows all."""
    kept: list[int] = []
    for i in np.lexsort(losses.T[::-1]):  # no row dominates one before it in this order
        others, row = losses[kept], losses[i]
        if not ((others <= row).all(axis=1) & (others < row).any(axis=1)).any():
            kept.append(int(i))
    front = np.zeros(len(losses), dtype=bool)
    front[kept] = True
    return front


def pareto(r: Results) -> pd.DataFrame:
    """Objectives of the complete trials, and which of them no other trial beats in all.

    Where the search is over, the front is that of the file, which meets the constraints.

    Parameters
    ----------
    r : Results
        Results of a study with several objectives.

    Returns
    -------
    pandas.DataFrame
        Index ``trial``; a column for each objective, ``front`` and ``chosen``.
    """
    names = list(objectives(r))
    done = r.trials[r.trials["state"] == "complete"]
    done = done[done[[SCORES + name for name in names]].notna().all(axis=1)]
    frame = done[[SCORES + name for name in names]].set_axis(names, axis=1)
    if r.selection is not None and len(r.selection.front):
        frame["front"] = frame.index.isin(r.selection.front)
    else:
        frame["front"] = _is_front(_losses(r, done))
    frame["chosen"] = frame.index == (r.selection.chosen if r.selection is not None else -1)
    return frame


def volume(points: Array, reference: Array) -> float:
    """Hypervolume that points dominate, by slicing along the last objective.

    Parameters
    ----------
    points : numpy.ndarray
        Shape (points, objectives), to be minimised.
    reference : numpy.ndarray
        A point that is worse in all objectives.

    Returns
    -------
    float
        The volume between them.
    """
    points = points[(points < reference).all(axis=1)]
    if len(points) == 0:
        return 0.0
    if points.shape[1] == 1:
        return float(reference[0] - points.min())
    points = points[np.argsort(points[:, -1])]
    ends = np.append(points[1:, -1], reference[-1])
    total = 0.0
    for i, depth in enumerate(ends - points[:, -1]):
        if depth > 0:
            total += depth * volume(points[: i + 1, :-1], reference[:-1])
    return total


def hypervolume(r: Results) -> pd.DataFrame:
    """Hypervolume of the front found so far, trial by trial.

    Parameters
    ----------
    r : Results
        Results of a study with several objectives.

    Returns
    -------
    pandas.DataFrame
        ``trial`` and ``hypervolume``; attribute ``unit``: the file's own has the product of the
        objectives' units and ends at ``selection/reference``; while the search goes on it is the
        share of the box from the best to the worst value of each objective.
    """
    objectives(r)
    if r.selection is not None and "hypervolume" in r.selection.extra:
        stored = pd.Series(r.selection.extra["hypervolume"], dtype=float).dropna()
        out = pd.DataFrame({"trial": stored.index, "hypervolume": stored.to_numpy()})
        out.attrs["unit"] = "product of the objectives"
        return out
    frame = pareto(r)
    done = r.trials.loc[frame.index]
    losses = _losses(r, done)
    if len(losses) == 0:
        return pd.DataFrame({"trial": [], "hypervolume": []}, dtype=float)
    low, high = losses.min(axis=0), losses.max(axis=0)
    scaled = (losses - low) / np.where(high > low, high - low, 1)
    reference = np.full(losses.shape[1], 1.0 + 1e-9)
    front = np.empty((0, losses.shape[1]))
    values = []
    for row in scaled:
        if not (front <= row).all(axis=1).any():
            front = np.vstack([front[~(row <= front).all(axis=1)], row])
            current = volume(front, reference)
        values.append(current)
    out = pd.DataFrame({"trial": frame.index, "hypervolume": values})
    out.attrs["unit"] = "share of the box of all trials"
    return out


def timeline(r: Results) -> pd.DataFrame:
    """What every rank did when.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    pandas.DataFrame
        ``rank``, ``start_s``, ``end_s``, ``kind``, ``trial``, ``fold``, ``state``. Kinds:
        ``fit``; ``waiting``: between two fits; ``idle``: before the first or after the last;
        ``stopped``: no rank had a fit for long, because the run was interrupted.
    """
    fits = r.folds[r.folds["start_s"].notna() & r.folds["end_s"].notna()]
    if len(fits) == 0:
        raise MissingError(f"{r.path}: no fit is finished yet")
    fits = fits.sort_values(["rank", "start_s"])
    start, end = fits["start_s"].min(), fits["end_s"].max()
    stops = _stops(fits)
    gaps: list[tuple[int, float, float, str]] = []
    n_ranks = max(len(r.ranks), int(fits["rank"].max()) + 1)
    for rank in range(n_ranks):
        mine = fits[fits["rank"] == rank]
        begins = np.append(mine["start_s"].to_numpy(), end)
        ends = np.append(start, np.maximum.accumulate(mine["end_s"].to_numpy()))
        for i, (a, b) in enumerate(zip(ends, begins, strict=True)):
            kind = "waiting" if 0 < i < len(mine) else "idle"
            gaps += [(rank, *piece) for piece in _cut(a, b, kind, stops)]
    frame = fits[["rank", "start_s", "end_s", "trial", "fold", "state"]].assign(kind="fit")
    rest = pd.DataFrame(gaps, columns=["rank", "start_s", "end_s", "kind"])
    names = ["rank", "start_s", "end_s", "kind", "trial", "fold", "state"]
    frame = pd.concat([frame, rest[rest["end_s"] > rest["start_s"]]])[names]
    return frame.sort_values(["rank", "start_s"], ignore_index=True)


def _stops(fits: pd.DataFrame) -> list[tuple[float, float]]:
    """Spans in which no rank had a fit, much longer than any fit: the run was not there."""
    ordered = fits.sort_values("start_s")
    reached = ordered["end_s"].cummax().shift().to_numpy()
    begins = ordered["start_s"].to_numpy()
    longest = max(30.0, 3 * float((fits["end_s"] - fits["start_s"]).max()))
    return [(a, b) for a, b in zip(reached, begins, strict=True) if b - a > longest]


def _cut(
    a: float, b: float, kind: str, stops: list[tuple[float, float]]
) -> list[tuple[float, float, str]]:
    pieces = []
    for low, high in stops:
        if a < high and b > low:
            pieces += [(a, max(a, low), kind), (max(a, low), min(b, high), "stopped")]
            a = min(b, high)
    return [*pieces, (a, b, kind)]


def utilisation(r: Results) -> pd.DataFrame:
    """Share of its time that each rank spent on fits.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    pandas.DataFrame
        Index ``rank``; seconds of ``fit``, ``waiting`` and ``idle``, and ``busy``, the share of
        the fits.
    """
    frame = timeline(r)
    frame["seconds"] = frame["end_s"] - frame["start_s"]
    sums = frame.pivot_table(index="rank", columns="kind", values="seconds", aggfunc="sum")
    sums = sums.reindex(columns=["fit", "waiting", "idle"]).fillna(0.0)
    sums["busy"] = sums["fit"] / sums[["fit", "waiting", "idle"]].sum(axis=1)
    return sums


def scaling(runs: Sequence[Results]) -> pd.DataFrame:
    """Speed of several runs of one study on different numbers of cores.

    Parameters
    ----------
    runs : sequence of Results
        Results of each run.

    Returns
    -------
    pandas.DataFrame
        A row for each run, fewest cores first: ``path``, ``ranks``, ``threads``, ``cores``,
        ``fits``, ``wall_s`` (from the first fit's start to the last one's end), ``fits_per_s``,
        ``speedup`` and ``efficiency`` against the first row.
    """
    rows = []
    for r in runs:
        lines = timeline(r)
        fits = lines[lines["kind"] == "fit"]
        stopped = sum(b - a for a, b in _stops(fits))
        wall = float(fits["end_s"].max() - fits["start_s"].min() - stopped)
        ranks = max(len(r.ranks), 1)
        threads = int(r.attributes.get("threads", 1)) or 1
        rows.append(
            (r.path, ranks, threads, ranks * threads, len(fits), wall, len(fits) / wall)
        )
    names = ["path", "ranks", "threads", "cores", "fits", "wall_s", "fits_per_s"]
    frame = pd.DataFrame(rows, columns=names).sort_values("cores", ignore_index=True)
    frame["speedup"] = frame["fits_per_s"] / frame["fits_per_s"].iloc[0]
    frame["efficiency"] = frame["speedup"] * frame["cores"].iloc[0] / frame["cores"]
    return frame

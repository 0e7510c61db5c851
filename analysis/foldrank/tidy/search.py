"""The search: scores in order, learning curves, settings, and what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from foldrank import yaml12
from foldrank.errors import MissingError
from foldrank.results import PARAMS, Results
from foldrank.tidy.needs import need_complete


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
    complete = need_complete(r).rename(columns={"score_mean": "score"})
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
    complete = need_complete(r)
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
    need_complete(r)
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
    scores = np.sort(need_complete(r)["score_mean"].to_numpy())
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

    need_complete(r, 2)
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
    scores = need_complete(r)["score_mean"].to_numpy()
    n = len(scores)
    sizes = np.arange(1, min(n, limit) + 1)
    values = []
    for k in sizes:
        # weight[i]: the chance that the trial of place i+1 is the best of the k drawn.
        i = np.arange(1, n - k + 1)
        weight = k / n * np.append(1.0, np.cumprod((n - i - k + 1) / (n - i)))
        values.append(float(weight @ scores[: n - k + 1]))
    return pd.DataFrame({"k": sizes, "score": values})

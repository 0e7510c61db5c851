"""The choice: folds, paired comparisons and dice."""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd
from scipy import stats

from foldrank.errors import MissingError
from foldrank.hdf5 import Array
from foldrank.results import Results
from foldrank.tidy.needs import need_complete


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
    complete = need_complete(r)
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
    best = list(need_complete(r, 2).index[:n])
    done = r.folds[r.folds["trial"].isin(best)]
    scores = done.pivot(index="fold", columns="trial", values="score")
    share = valid_share(r)
    rows = []
    for a in best:
        for b in best:
            difference = (scores[a] - scores[b]).to_numpy()
            rows.append((a, b, difference.mean(), paired_p_value(difference, share)))
    return pd.DataFrame(rows, columns=["a", "b", "difference", "p_value"])


def ensemble(r: Results) -> pd.DataFrame:
    """Members of the ensemble.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    pandas.DataFrame
        As ``Ensemble.members``: ``trial``, ``weight``, ``score``, ``settings``.
    """
    if r.ensemble is None:
        raise MissingError(f"{r.path}: has no ensemble; the study did not ask for one")
    return r.ensemble.members


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
    complete = need_complete(r)
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

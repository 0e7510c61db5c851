"""The trials in the layout of scikit-learn's ``cv_results_``."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from foldrank.hdf5 import Array

if TYPE_CHECKING:
    from foldrank.results import Results


def _grid(r: Results, column: str) -> Array:
    """One column of the complete folds as (trials, folds); NaN where there is none."""
    folds = r.folds[r.folds["state"] == "complete"]
    out = np.full((r.n_trials, r.n_folds), np.nan)
    out[folds["trial"].to_numpy(), folds["fold"].to_numpy()] = folds[column].to_numpy(float)
    return out


def _put_scores(r: Results, column: str, word: str, out: dict[str, Any]) -> None:
    scores = _grid(r, column)
    for fold in range(r.n_folds):
        out[f"split{fold}_{word}_score"] = scores[:, fold]
    _put_moments(scores, f"{word}_score", out)


def _put_moments(values: Array, word: str, out: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a trial without a fold has no mean
        out[f"mean_{word}"] = np.nanmean(values, axis=1)
        out[f"std_{word}"] = np.nanstd(values, axis=1)


def cv_results(r: Results) -> dict[str, Any]:
    """Lay the trials out as scikit-learn's searches do.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    dict
        See :attr:`foldrank.results.Results.cv_results_`.
    """
    out: dict[str, Any] = {}
    _put_moments(_grid(r, "seconds"), "fit_time", out)
    out["mean_score_time"] = np.zeros(r.n_trials)
    out["std_score_time"] = np.zeros(r.n_trials)
    params = r.settings
    for name in r.space:
        column = np.ma.MaskedArray(np.empty(r.n_trials, dtype=object), mask=True)
        for i, values in enumerate(params):
            if name in values:
                column[i] = values[name]
        out[f"param_{name}"] = column
    out["params"] = params
    _put_scores(r, "score", "test", out)
    out["rank_test_score"] = _ranks(r, out["mean_test_score"])
    _put_scores(r, "train_score", "train", out)
    return out


def _ranks(r: Results, mean: Array) -> Array:
    """Equal scores share the better rank; trials that are not complete come last."""
    complete = (r.trials["state"] == "complete").to_numpy() & ~np.isnan(mean)
    worth = np.where(complete, mean if r.maximize else -mean, -np.inf)
    better = np.sort(-worth)
    return np.asarray(np.searchsorted(better, -worth, side="left") + 1, dtype=np.int32)

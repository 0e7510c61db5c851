"""Two studies beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldrank import yaml12

if TYPE_CHECKING:
    from foldrank.results import Results


@dataclass(frozen=True)
class Comparison:
    """What differs between two studies.

    Attributes
    ----------
    summary : pandas.DataFrame
        A row for each quantity (trials, best score, test score, fits, time, ...); columns
        ``this`` and ``other``.
    study : pandas.DataFrame
        A row for each key of the study file that differs; columns ``this`` and ``other``.
    trials : pandas.DataFrame
        Trials of both with equal parameters: their numbers, scores and the ``difference``
        (this minus other).
    equal : bool
        Whether both have the same trials in the same order with the same states and the same
        scores, to the bit: what foldrank promises for equal studies on equal data.
    """

    summary: pd.DataFrame
    study: pd.DataFrame
    trials: pd.DataFrame
    equal: bool


def _flatten(value: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(value, dict) and value:
        flat: dict[str, str] = {}
        for key, item in value.items():
            flat.update(_flatten(item, f"{prefix}.{key}" if prefix else str(key)))
        return flat
    return {prefix: yaml12.show(yaml12.freeze(value))}


def _settings(r: Results) -> pd.DataFrame:
    texts = [
        "; ".join(f"{name}={value!r}" for name, value in values.items())
        for values in r.settings
    ]
    return pd.DataFrame(
        {
            "settings": texts,
            "trial": r.trials.index,
            "state": r.trials["state"].to_numpy(),
            "score": r.trials["score_mean"].to_numpy(),
        }
    )


def facts(r: Results) -> dict[str, Any]:
    """Quantities that tell what a study did.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    dict
        By name, units in the names.
    """
    best = r.best
    trained = r.folds[r.folds["state"] != "cancelled"]
    busy, idle = r.ranks["busy_s"].sum(), r.ranks["idle_s"].sum()
    return {
        "study": r.name,
        "metric": r.metric,
        "direction": r.direction,
        "trials": r.n_trials,
        "complete trials": len(r.complete),
        "best trial": best.trial if best else None,
        "score": best.score if best else np.nan,
        "standard error": best.se if best else np.nan,
        "test score": best.test_score if best else np.nan,
        "fits": len(trained),
        "training [s]": float(trained["seconds"].sum()),
        "ranks": len(r.ranks),
        "busy share": float(busy / (busy + idle)) if busy + idle > 0 else np.nan,
        "version": r.attributes.get("version"),
        "git": r.attributes.get("git"),
        "kernels": r.attributes.get("kernels"),
    }


def compare(this: Results, other: Results) -> Comparison:
    """Put two studies beside each other.

    Parameters
    ----------
    this, other : Results
        Results of two studies.

    Returns
    -------
    Comparison
        What differs.
    """
    summary = pd.DataFrame({"this": facts(this), "other": facts(other)}, dtype=object)
    left, right = _flatten(this.config), _flatten(other.config)
    keys = [key for key in {**left, **right} if left.get(key) != right.get(key)]
    study = pd.DataFrame(
        {"this": [left.get(key) for key in keys], "other": [right.get(key) for key in keys]},
        index=pd.Index(keys, name="key"),
        dtype=object,
    )
    mine, theirs = _settings(this), _settings(other)
    trials = mine.merge(theirs, on="settings", suffixes=("_this", "_other"))
    trials["difference"] = trials["score_this"] - trials["score_other"]
    return Comparison(
        summary=summary.rename_axis("quantity"),
        study=study,
        trials=trials.drop(columns="settings"),
        equal=mine.equals(theirs),
    )

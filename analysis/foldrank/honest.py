"""How good the chosen model really is, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from foldrank.results import Results
from foldrank.tidy import valid_share


@dataclass(frozen=True)
class Estimate:
    """The test score and what the search believed.

    Attributes
    ----------
    test, test_se, low, high : float
        Score on rows that the search never saw, its standard error, its 95 % interval.
    selected, selected_se : float
        Mean score of the chosen trial over the folds, and the standard error of that mean.
    optimism : float
        How much better the selected score was; negative when it was worse.
    assumes : str
        What the interval rests on; empty when there is none.
    """

    test: float
    test_se: float
    low: float
    high: float
    selected: float
    selected_se: float
    optimism: float
    assumes: str


def _test_part(r: Results) -> tuple[float, str]:
    """Validation rows of a fold by test rows, and in words where that is from."""
    options = r.config.get("data", {}).get("test", {}) or {}
    outside = any(options.get(key) is not None for key in ("path", "labels", "column"))
    fraction = options.get("fraction")
    if outside or not isinstance(fraction, (int, float)) or not 0 < fraction < 1:
        return 1.0, "the test part is taken to be as large as the validation part of a fold"
    share = valid_share(r)
    validation = (1 - fraction) * share / (1 + share)
    return validation / fraction, f"the test part is {100 * fraction:g} % of the rows"


def _fold_spread(r: Results, best: int = 10) -> float:
    """Standard deviation of a fold's score, pooled over the best trials."""
    top = r.complete.index[:best]
    scores = r.folds[r.folds["trial"].isin(top) & (r.folds["state"] == "complete")]
    return float(np.sqrt(scores.groupby("trial")["score"].var(ddof=1).mean()))


def estimate(r: Results) -> Estimate | None:
    """Judge the chosen model.

    The interval takes the test score to vary like the score of a fold of the best trials, scaled
    by the sizes of both parts: t quantile, spread between folds, square root of the ratio.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    Estimate or None
        None when there is no test score.
    """
    best = r.best
    if best is None or not best.chosen or np.isnan(best.test_score):
        return None
    sign = 1 if r.maximize else -1
    optimism = sign * (best.score - best.test_score)
    test_se = low = high = float("nan")
    assumes = ""
    if r.n_folds > 1:
        ratio, assumes = _test_part(r)
        test_se = _fold_spread(r) * float(np.sqrt(ratio))
        reach = float(stats.t.ppf(0.975, r.n_folds - 1)) * test_se
        low, high = best.test_score - reach, best.test_score + reach
        low, high = _clip(r.metric, low), _clip(r.metric, high)
    return Estimate(best.test_score, test_se, low, high, best.score, best.se, optimism, assumes)


def _clip(metric: str, value: float) -> float:
    """Keep an interval inside what the metric can be."""
    bounds = {
        "accuracy": (0.0, 1.0),
        "balanced_accuracy": (0.0, 1.0),
        "f1_macro": (0.0, 1.0),
        "f1_weighted": (0.0, 1.0),
        "roc_auc": (0.0, 1.0),
        "mcc": (-1.0, 1.0),
        "r2": (-np.inf, 1.0),
        "explained_variance": (-np.inf, 1.0),
        "rmse": (0.0, np.inf),
        "mae": (0.0, np.inf),
        "log_loss": (0.0, np.inf),
    }
    low, high = bounds.get(metric, (-np.inf, np.inf))
    return float(min(max(value, low), high))

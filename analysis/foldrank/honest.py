"""How good the chosen model really is, and how sure that is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from foldrank.results import Results
from foldrank.tidy import valid_share

MIN_ROWS, MAX_ROWS = 10, 100_000  # of a test part that is drawn from anew


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
    share = valid_share(r)
    rows, tested = (int(r.attributes.get(name, 0)) for name in ("rows", "test_rows"))
    if tested:
        return (rows - tested) * share / (1 + share) / tested, f"{tested} test rows"
    fraction = (r.config.get("data", {}).get("test", {}) or {}).get("fraction")
    if isinstance(fraction, (int, float)) and 0 < fraction < 1:
        part = (1 - fraction) * share / (1 + share)
        return part / fraction, f"the test part is {100 * fraction:g} % of the rows"
    return 1.0, "the test part is taken to be as large as the validation part of a fold"


def _fold_spread(r: Results, best: int = 10) -> float:
    """Standard deviation of a fold's score, pooled over the best trials."""
    top = r.complete.index[:best]
    scores = r.folds[r.folds["trial"].isin(top) & (r.folds["state"] == "complete")]
    return float(np.sqrt(scores.groupby("trial")["score"].var(ddof=1).mean()))


def _wilson(share: float, rows: int) -> tuple[float, float, float]:
    """Standard error and interval of a share of rows (E. Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    z = float(stats.norm.ppf(0.975))
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    reach = np.sqrt(share * (1 - share) / rows + (z / (2 * rows)) ** 2) * z / (1 + z * z / rows)
    return float(reach / z), float(middle - reach), float(middle + reach)


def _score(metric: str, r: Results) -> Callable[[pd.DataFrame], float] | None:
    """The metric of rows of :attr:`Results.test`, by scikit-learn; None where it has none."""
    from sklearn import metrics

    labels = list(r.model.classes_)
    names = [f"output/{label}" for label in labels]
    numbers = {label: i for i, label in enumerate(labels)}

    def auc(rows: pd.DataFrame) -> float:
        truth = rows["truth"].map(numbers).to_numpy()
        areas = [metrics.roc_auc_score(truth == i, rows[name]) for i, name in enumerate(names)]
        return float(np.mean(areas))

    plain = {
        "balanced_accuracy": metrics.balanced_accuracy_score,
        "mcc": metrics.matthews_corrcoef,
        "f1_macro": lambda t, p: metrics.f1_score(t, p, average="macro", zero_division=0),
        "f1_weighted": lambda t, p: metrics.f1_score(t, p, average="weighted", zero_division=0),
        "rmse": lambda t, p: np.sqrt(metrics.mean_squared_error(t, p)),
        "mae": metrics.mean_absolute_error,
        "r2": metrics.r2_score,
        "explained_variance": metrics.explained_variance_score,
    }
    if metric in plain:
        return lambda rows: float(plain[metric](rows["truth"], rows["prediction"]))
    if metric == "log_loss":
        order = np.argsort(labels)
        return lambda rows: float(
            metrics.log_loss(
                rows["truth"],
                rows[names].to_numpy(float)[:, order],
                labels=[labels[i] for i in order],
            )
        )
    return auc if metric == "roc_auc" else None


def _bootstrap(r: Results, resamples: int = 400) -> tuple[float, float, float] | None:
    """Standard error and interval of the test score, rows drawn anew with replacement."""
    rows = r.test
    if rows is None or not MIN_ROWS <= len(rows) <= MAX_ROWS:
        return None
    score = _score(r.metric, r)
    assert r.best is not None
    if score is None:
        return None
    random = np.random.default_rng(0)
    values: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a draw may lack a class
        if not np.isclose(score(rows), r.best.test_score, rtol=1e-3, atol=1e-6):
            return None  # weighted rows, or a metric that scikit-learn defines otherwise
        for _ in range(resamples):
            try:
                values.append(score(rows.iloc[random.integers(0, len(rows), len(rows))]))
            except ValueError:
                continue
    good = np.array([value for value in values if np.isfinite(value)])
    if len(good) < resamples // 2:
        return None
    low, high = np.quantile(good, [0.025, 0.975])
    return float(good.std(ddof=1)), float(low), float(high)


def _interval(r: Results, score: float) -> tuple[float, float, float, str]:
    """Standard error and 95 % interval of the test score, and what they rest on."""
    rows = int(r.attributes.get("test_rows", 0))
    right = score * rows
    if r.metric == "accuracy" and rows and abs(right - round(right)) < 1e-6 * rows:
        return (*_wilson(score, rows), f"of {rows} test rows")
    drawn = _bootstrap(r)
    if drawn is not None:
        return (*drawn, f"bootstrap of {rows} test rows")
    if r.n_folds < 2:
        return np.nan, np.nan, np.nan, ""
    ratio, assumes = _test_part(r)
    se = _fold_spread(r) * float(np.sqrt(ratio))
    reach = float(stats.t.ppf(0.975, r.n_folds - 1)) * se
    low, high = _clip(r.metric, score - reach), _clip(r.metric, score + reach)
    return se, low, high, f"from the spread between folds; {assumes}"


def estimate(r: Results) -> Estimate | None:
    """Judge the chosen model.

    The 95 % interval of the test score: of an accuracy Wilson's for so many rows; of another
    metric by drawing the test rows anew with replacement, where the file holds what the model
    said of them; else the score is taken to vary like that of a fold of the best trials, scaled
    by the sizes of both parts (Student's quantile, spread between folds, square root of the
    ratio).

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
    if "honest" not in r.notes:
        sign = 1 if r.maximize else -1
        optimism = sign * (best.score - best.test_score)
        se, low, high, assumes = _interval(r, best.test_score)
        r.notes["honest"] = Estimate(
            best.test_score, se, low, high, best.score, best.se, optimism, assumes
        )
    known: Estimate = r.notes["honest"]
    return known


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

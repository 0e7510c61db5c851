"""What the chosen model does: data behind the plots of a model.

Without rows each function takes what the file holds: of what the model said of the test rows,
which neither search nor training have seen; else, and for importance and dependence, what the
run has written under ``/explain`` about the folds' models and their validation rows. It may also
look at other rows: then those that the model was trained on flatter it.
"""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from foldrank.errors import MissingError, TornFileError
from foldrank.hdf5 import Array
from foldrank.model import read_rows
from foldrank.results import Results

Data: TypeAlias = "str | os.PathLike[str] | pd.DataFrame"


def _stored(r: Results, name: str, columns: list[str]) -> pd.DataFrame | None:
    """Columns of a group of ``/explain``; None where the file does not have them."""
    group = f"explain/{name}"
    if not all(column in r.file.names(group) for column in columns):
        return None
    rows = len(r.file.column(f"{group}/{columns[0]}"))
    return pd.DataFrame({c: r.file.column(f"{group}/{c}", rows) for c in columns})


def _named(r: Results, numbers: Any, names: Any) -> Array:
    """Names by their numbers, which a damaged file may have wrong."""
    places = np.asarray(numbers, dtype=np.int64)
    if len(places) > 0 and not (places.min() >= 0 and places.max() < len(names)):
        raise TornFileError(f"{r.path}: /explain has numbers of no class or column: damaged?")
    return np.asarray(names, dtype=object)[places]


def _missing(r: Results, what: str) -> MissingError:
    return MissingError(
        f"{r.path}: holds no {what} (no /explain/{what}); give the rows to look at: "
        f'foldrank.plot.{what}(r, data="rows.csv") with the columns of the study\'s data'
    )


def _need(r: Results, data: Data | None, what: str) -> Data:
    if data is None:
        raise _missing(r, what)
    return data


def _need_classes(r: Results, wanted: bool, what: str) -> None:
    if r.model.is_classifier != wanted:
        kind = "classification" if wanted else "regression"
        raise MissingError(
            f"{r.path}: {what} is for a {kind}, the model is of a {r.model.task}"
        )


def confusion(r: Results, data: Data | None = None) -> pd.DataFrame:
    """How often each class was taken for each.

    Parameters
    ----------
    r : Results
        Results with a model.
    data : path-like or pandas.DataFrame, optional
        Rows to predict; without, the test rows of the file, or those of its folds.

    Returns
    -------
    pandas.DataFrame
        ``truth``, ``prediction``, ``rows``; a row for each pair of classes.
    """
    _need_classes(r, True, "a confusion matrix")
    classes = list(r.model.classes_)
    pairs = pd.MultiIndex.from_product([classes] * 2, names=["truth", "prediction"])
    stored = _stored(r, "confusion", ["target", "prediction", "rows"])
    if data is None and r.test is not None:
        frame = r.test[["truth", "prediction"]]
    elif data is None and stored is not None:
        stored["truth"] = _named(r, stored["target"], classes)
        stored["prediction"] = _named(r, stored["prediction"], classes)
        sums = stored.groupby(["truth", "prediction"])["rows"].sum()
        return sums.reindex(pairs, fill_value=0).rename("rows").reset_index()
    else:
        x, truth = read_rows(r, _need(r, data, "confusion"))
        frame = pd.DataFrame({"truth": truth, "prediction": r.model.predict(x)})
    counts = frame.value_counts()
    return counts.reindex(pairs, fill_value=0).rename("rows").reset_index()


def residuals(r: Results, data: Data | None = None) -> pd.DataFrame:
    """Predictions of a regression against the truth.

    Parameters
    ----------
    r : Results
        Results with a model.
    data : path-like or pandas.DataFrame, optional
        Rows to predict; without, the test rows of the file, or those of its folds.

    Returns
    -------
    pandas.DataFrame
        ``truth``, ``prediction``, ``residual`` (truth minus prediction).
    """
    _need_classes(r, False, "a plot of residuals")
    held = r.test if r.test is not None else r.out_of_fold
    if data is None and held is not None:
        frame = held[["truth", "prediction"]].reset_index(drop=True)
    else:
        x, truth = read_rows(r, _need(r, data, "residuals"))
        frame = pd.DataFrame({"truth": truth, "prediction": r.model.predict(x)})
    frame["residual"] = frame["truth"] - frame["prediction"]
    return frame


def calibration(r: Results, data: Data | None = None, bins: int = 10) -> pd.DataFrame:
    """How often predictions of some probability come true, by scikit-learn.

    Parameters
    ----------
    r : Results
        Results with a classifier that has probabilities.
    data : path-like or pandas.DataFrame, optional
        Rows to predict; without, the test rows of the file, or those of its folds: then of
        more than two classes the predicted one.
    bins : int
        Equal parts of the probabilities.

    Returns
    -------
    pandas.DataFrame
        ``label`` (the class against the rest), ``predicted``, ``observed``, ``rows``.
    """
    _need_classes(r, True, "calibration")
    columns = ["label", "predicted", "observed", "rows"]
    stored = _stored(r, "calibration", columns[1:])
    if data is None and r.test is None and stored is not None:
        two = len(r.model.classes_) == 2
        label = r.model.classes_[1] if two else "the predicted class"
        return stored.assign(label=label)[columns]
    from sklearn.calibration import calibration_curve

    if r.model.family == "svm":
        raise MissingError(
            f"{r.path}: the outputs of a model of family svm are no probabilities"
        )
    if data is None and r.test is not None:
        truth = r.test["truth"].to_numpy()
        probability = r.test.filter(like="output/").to_numpy(float)
    else:
        x, truth = read_rows(r, _need(r, data, "calibration"))
        probability = r.model.predict_proba(x)
    parts = []
    first = 1 if len(r.model.classes_) == 2 else 0
    for i, label in enumerate(r.model.classes_[first:], start=first):
        observed, predicted = calibration_curve(truth == label, probability[:, i], n_bins=bins)
        edges = np.linspace(0, 1, bins + 1)
        counts = np.bincount(np.searchsorted(edges[1:-1], probability[:, i]), minlength=bins)
        part = pd.DataFrame({"predicted": predicted, "observed": observed})
        parts.append(part.assign(label=label, rows=counts[counts > 0]))
    return pd.concat(parts, ignore_index=True)[columns]


def permutation(
    r: Results, data: Data | None = None, repeats: int = 5, seed: int = 0
) -> pd.DataFrame:
    """How much the score drops when one column is shuffled, by scikit-learn.

    Parameters
    ----------
    r : Results
        Results with a model.
    data : path-like or pandas.DataFrame, optional
        Rows to predict; without, ``/explain/importance`` of the file.
    repeats, seed : int
        Shuffles of each column; start of the random numbers.

    Returns
    -------
    pandas.DataFrame
        ``feature``, ``importance``, ``spread`` (standard deviation: of the repeats, in the file
        of the folds); largest first. ``attrs["what"]`` says in words what the importance is.
    """
    frame = _stored(r, "importance", ["mean", "fold_sd"]) if data is None else None
    if frame is not None:
        names = [feature.name for feature in r.model.features]
        frame["feature"] = _named(r, np.arange(len(frame)), names)
        frame = frame.rename(columns={"mean": "importance", "fold_sd": "spread"})
        frame = frame[["feature", "importance", "spread"]]
        what = f"loss in {r.metric}"
    else:
        from sklearn.inspection import permutation_importance
        from sklearn.metrics import accuracy_score, r2_score

        x, truth = read_rows(r, _need(r, data, "permutation"))
        x = x[list(r.model.feature_names_in_)]
        score = accuracy_score if r.model.is_classifier else r2_score
        found = permutation_importance(
            r.model,
            x,
            truth,
            scoring=lambda model, rows, y: score(y, model.predict(rows)),
            n_repeats=repeats,
            random_state=seed,
        )
        frame = pd.DataFrame(
            {
                "feature": x.columns,
                "importance": found.importances_mean,
                "spread": found.importances_std,
            }
        )
        what = "drop of accuracy" if r.model.is_classifier else "drop of R2"
    frame = frame.sort_values("importance", ascending=False, ignore_index=True)
    frame.attrs["what"] = what
    return frame


def dependences(r: Results) -> pd.DataFrame:
    """Partial dependence on every column for which the file holds it.

    Parameters
    ----------
    r : Results
        Results with ``/explain``.

    Returns
    -------
    pandas.DataFrame
        As :func:`dependence`, one column after the other, the most important one first.
    """
    stored = _stored(r, "dependence", ["feature", "value"])
    if stored is None or len(stored) == 0:
        raise _missing(r, "dependence")
    outputs = r.file.array("explain/dependence/output")
    labels = list(r.model.classes_) if r.model.is_classifier else [r.model.target]
    if outputs.shape != (len(stored), len(labels)):
        raise TornFileError(f"{r.path}: /explain/dependence has other outputs than the model")
    _named(r, stored["feature"], r.model.features)
    parts = []
    for number, rows in stored.groupby("feature", sort=False).indices.items():
        column = r.model.features[int(number)]
        values = stored["value"].to_numpy()[rows]
        shown = _named(r, values, column.levels) if column.levels else values
        for i, label in enumerate(labels):
            parts.append(
                pd.DataFrame(
                    {
                        "feature": column.name,
                        "value": shown,
                        "label": label,
                        "prediction": outputs[rows, i],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def dependence(
    r: Results, data: Data | None = None, feature: str | None = None, points: int = 30
) -> pd.DataFrame:
    """Mean prediction when one column is set to each of several values (partial dependence).

    Parameters
    ----------
    r : Results
        Results with a model.
    data : path-like or pandas.DataFrame, optional
        Rows to predict; without, ``/explain/dependence`` of the file.
    feature : str, optional
        A column; by default the most important one.
    points : int
        Values of a numeric column, from its 5 % to its 95 % quantile.

    Returns
    -------
    pandas.DataFrame
        ``feature``, ``value``, ``label`` (the class; the target of a regression), ``prediction``
        (probability, decision value or value).

    References
    ----------
    J. Friedman, Greedy function approximation, Annals of Statistics 29, 2001, section 8.2.
    """
    if data is None:
        stored = dependences(r)
        chosen = feature if feature is not None else stored["feature"].iloc[0]
        own = stored[stored["feature"] == chosen].reset_index(drop=True)
        if len(own) == 0:
            known = ", ".join(dict.fromkeys(stored["feature"]))
            raise MissingError(f"{r.path}: no dependence on {chosen!r}; it has: {known}")
        return own
    rows = data
    x, _ = read_rows(r, rows)
    model = r.model
    if feature is None:
        feature = str(permutation(r, rows, repeats=1)["feature"].iloc[0])
    if feature not in set(model.feature_names_in_):
        raise MissingError(f"{r.path}: the model has no input {feature!r}")
    levels = next(f.levels for f in model.features if f.name == feature)
    values: list[Any] = list(levels)
    if not levels:
        known = pd.to_numeric(x[feature], errors="coerce").dropna()
        values = list(np.unique(np.quantile(known, np.linspace(0.05, 0.95, points))))
    has_probability = model.is_classifier and model.family != "svm"
    labels = list(model.classes_) if model.is_classifier else [model.target]
    parts = []
    for value in values:
        changed = x.assign(**{feature: value})
        if has_probability:
            means = model.predict_proba(changed).mean(axis=0)
        elif model.is_classifier:
            means = model.decision_function(changed).mean(axis=0)
        else:
            means = np.array([model.predict(changed).mean()])
        parts.append(
            pd.DataFrame(
                {"feature": feature, "value": value, "label": labels, "prediction": means}
            )
        )
    return pd.concat(parts, ignore_index=True)


def hardest(r: Results) -> pd.DataFrame:
    """Rows of the data that models which did not train on them get most wrong.

    Parameters
    ----------
    r : Results
        Results with ``/explain``.

    Returns
    -------
    pandas.DataFrame
        Index ``row`` of the data; ``loss``, the largest first, and the columns of
        :attr:`Results.out_of_fold`.
    """
    frame = _stored(r, "hardest", ["row", "loss"])
    if frame is None or r.out_of_fold is None:
        raise MissingError(
            f"{r.path}: holds no hardest rows (no /explain/hardest); run the study with "
            "`explain: {when: always}`"
        )
    return frame.set_index("row").join(r.out_of_fold)


def groups(r: Results) -> pd.DataFrame:
    """How well models that did not train on a group do on it.

    Parameters
    ----------
    r : Results
        Results with ``/explain`` of a study with ``data.group``.

    Returns
    -------
    pandas.DataFrame
        Index ``group``, a number; ``first_row`` (a row of the data that belongs to it), ``rows``,
        ``score`` (NaN where it is not defined); the worst first.
    """
    columns = ["group", "first_row", "rows", "score"]
    frame = _stored(r, "groups", columns)
    if frame is None:
        raise MissingError(
            f"{r.path}: holds no scores of groups (no /explain/groups); run the study with "
            "`data: {group: COLUMN}` and `explain: {when: always}`"
        )
    return frame.set_index("group").sort_values("score", ascending=r.maximize)

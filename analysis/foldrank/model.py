"""The refitted model of a results file, predicting with numpy.

For looking into a model from Python. Where speed matters ``foldrank predict`` does the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit, ndtr, softmax

from foldrank import yaml12
from foldrank.errors import MissingError, NewerFileError
from foldrank.hdf5 import Array, ResultsFile

if TYPE_CHECKING:
    from foldrank.results import Results

_ACTIVATIONS: dict[str, Any] = {
    "relu": lambda z, slope: np.maximum(z, 0),
    "leaky_relu": lambda z, slope: np.where(z > 0, z, slope * z),
    "tanh": lambda z, slope: np.tanh(z),
    "sigmoid": lambda z, slope: 1 / (1 + np.exp(-z)),
    "gelu": lambda z, slope: z * ndtr(z),
}
_FAMILIES = ("linear", "softmax", "svm", "mlp", "fm")
_KINDS = ("drop", "numeric", "onehot", "ordinal")


@dataclass(frozen=True)
class Feature:
    """One input column and what becomes of it."""

    name: str
    levels: tuple[str, ...]
    kind: str
    first: int
    width: int
    fill: float
    shift: float
    factor: float
    place: Array


@dataclass(frozen=True)
class Calibration:
    """What a model has learnt after the selection (study key ``calibrate``).

    Attributes
    ----------
    method : str
        ``none``, ``platt`` or ``temperature``.
    slope, intercept : numpy.ndarray
        Sigmoids of ``platt``: one of two classes, else one for each.
    temperature : float
        Of ``temperature``.
    threshold : float
        Of two classes the second is said above this probability.
    """

    method: str
    slope: Array
    intercept: Array
    temperature: float
    threshold: float

    def probabilities(self, scores: Array, log_scores: bool) -> Array:
        """Calibrated probabilities.

        Parameters
        ----------
        scores : numpy.ndarray
            Shape (rows, classes): outputs of the last layer.
        log_scores : bool
            Whether their softmax is a probability; else they are decision values.

        Returns
        -------
        numpy.ndarray
            Shape (rows, classes).
        """
        scores = scores.astype(np.float64)
        if self.method == "temperature":
            return np.asarray(softmax(scores / self.temperature, axis=1))
        if scores.shape[1] == 2:
            p = expit(self.slope[0] * (scores[:, 1] - scores[:, 0]) + self.intercept[0])
            return np.stack([1 - p, p], axis=1)
        if log_scores:
            p = softmax(scores, axis=1)
            others = np.stack(
                [np.delete(p, k, axis=1).sum(axis=1) for k in range(p.shape[1])], axis=1
            )
            scores = np.log(np.maximum(p, 1e-300)) - np.log(np.maximum(others, 1e-12))
        p = expit(self.slope * scores + self.intercept)
        return np.asarray(p / p.sum(axis=1, keepdims=True))


@dataclass
class Model:
    """The refitted model; quacks like a fitted scikit-learn estimator.

    Attributes
    ----------
    family, task, target : str
        As in the study.
    classes_ : numpy.ndarray
        Names of the classes in the order of the outputs; empty for a regression.
    feature_names_in_ : numpy.ndarray
        Names of the input columns.
    """

    family: str
    task: str
    target: str
    classes_: Array
    feature_names_in_: Array
    options: dict[str, Any]
    features: list[Feature]
    layers: list[tuple[Array, Array]]
    target_shift: float
    target_factor: float
    calibration: Calibration | None = None
    fitted_: bool = field(default=True)

    @property
    def is_classifier(self) -> bool:
        """Whether it predicts classes."""
        return self.task == "classification"

    @property
    def _estimator_type(self) -> str:
        return "classifier" if self.is_classifier else "regressor"

    def __sklearn_tags__(self) -> Any:
        from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

        mixin = ClassifierMixin if self.is_classifier else RegressorMixin
        return type("Kind", (mixin, BaseEstimator), {})().__sklearn_tags__()

    def fit(self, x: Any, y: Any = None) -> Model:
        """Do nothing: foldrank has trained it; for scikit-learn's functions.

        Parameters
        ----------
        x, y : object
            Not used.

        Returns
        -------
        Model
            Itself.
        """
        return self

    def _column(self, feature: Feature, cells: Any) -> Array:
        """Numbers of one input column: values, or numbers of levels; NaN where missing."""
        if not feature.levels:
            return np.asarray(pd.to_numeric(cells, errors="coerce"), dtype=np.float64)
        number = {level: float(i) for i, level in enumerate(feature.levels)}
        return np.array([number.get(_level(cell), np.nan) for cell in cells])

    def inputs(self, x: Any) -> Array:
        """Preprocess rows as the model wants them.

        Parameters
        ----------
        x : pandas.DataFrame or array-like
            Input columns, by name or in the model's order.

        Returns
        -------
        numpy.ndarray
            Shape (rows, preprocessed inputs).
        """
        if not isinstance(x, pd.DataFrame):
            x = pd.DataFrame(np.asarray(x), columns=self.feature_names_in_)
        lacking = [name for name in self.feature_names_in_ if name not in x.columns]
        if lacking:
            raise MissingError(f"the rows lack the columns that the model wants: {lacking}")
        out = np.zeros((len(x), sum(feature.width for feature in self.features)), np.float32)
        for feature in self.features:
            if feature.kind == "drop":
                continue
            cells = self._column(feature, x[feature.name])
            if feature.kind == "onehot":
                self._put_onehot(feature, cells, out)
            else:
                filled = np.where(np.isnan(cells), feature.fill, cells)
                out[:, feature.first] = (filled - feature.shift) * feature.factor
        return out

    @staticmethod
    def _put_onehot(feature: Feature, cells: Array, out: Array) -> None:
        level = np.where(np.isnan(cells), feature.fill, cells).astype(int)
        known = (level >= 0) & (level < len(feature.place))
        place = np.where(known, feature.place[np.where(known, level, 0)], -1)
        rows = np.flatnonzero(place >= 0)
        out[rows, feature.first + place[rows]] = 1

    def decision_function(self, x: Any) -> Array:
        """Outputs of the last layer.

        Parameters
        ----------
        x : pandas.DataFrame or array-like
            Input columns.

        Returns
        -------
        numpy.ndarray
            Shape (rows, outputs).
        """
        h = self.inputs(x)
        if self.family == "fm":
            return self._factor_scores(h)
        activation = _ACTIVATIONS[str(self.options.get("activation", "relu"))]
        slope = float(self.options.get("negative_slope", 0.01))
        for i, (weight, bias) in enumerate(self.layers):
            h = h @ weight + bias
            if i + 1 < len(self.layers):
                h = activation(h, slope).astype(np.float32)
        return h

    def _factor_scores(self, h: Array) -> Array:
        """Score of a factorisation machine; of two classes the first has 0."""
        weight, bias = self.layers[0]
        own, factors = weight[:, 0], weight[:, 1:].astype(np.float64)
        pairs = ((h @ factors) ** 2 - (h**2) @ (factors**2)).sum(axis=1) / 2
        z = (h @ own + bias[0] + pairs).astype(np.float32)
        return np.stack([np.zeros_like(z), z], axis=1) if self.is_classifier else z[:, None]

    def predict_proba(self, x: Any) -> Array:
        """Class probabilities.

        Parameters
        ----------
        x : pandas.DataFrame or array-like
            Input columns.

        Returns
        -------
        numpy.ndarray
            Shape (rows, classes), in the order of ``classes_``.
        """
        calibration = self.calibration
        if self.is_classifier and calibration is not None and calibration.method != "none":
            return calibration.probabilities(self.decision_function(x), self.family != "svm")
        if not self.is_classifier or self.family == "svm":
            raise MissingError(f"a model of family {self.family} has no probabilities")
        return np.asarray(softmax(self.decision_function(x).astype(np.float64), axis=1))

    def predict(self, x: Any) -> Array:
        """Classes, or values of a regression.

        Parameters
        ----------
        x : pandas.DataFrame or array-like
            Input columns.

        Returns
        -------
        numpy.ndarray
            One for each row.
        """
        calibration = self.calibration
        if calibration is not None:
            outputs = self.predict_proba(x)
            if len(self.classes_) == 2:
                above = outputs[:, 1] > calibration.threshold
                return np.asarray(self.classes_[above.astype(int)])
            return np.asarray(self.classes_[outputs.argmax(axis=1)])
        outputs = self.decision_function(x)
        if self.is_classifier:
            return np.asarray(self.classes_[outputs.argmax(axis=1)])
        return np.asarray(outputs[:, 0] / self.target_factor + self.target_shift)


def _level(cell: Any) -> str:
    """A cell as the text of its level: 3.0 of a numeric column is the level 3."""
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    return str(cell)


def read_model(r: Results) -> Model:
    """Read ``/model``.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    Model
        Ready to predict.
    """
    file = r.file
    if not file.has("model"):
        raise MissingError(
            f"{r.path}: holds no model: the search is not over, or the study trains none"
        )
    family = str(file.scalar("model/family"))
    kinds = file.column("model/preprocessing/kind")
    unknown = [kind for kind in kinds if kind not in _KINDS]
    if family in ("cnn", "kernel"):
        raise MissingError(
            f"{r.path}: a model of family {family} is not computed here; "
            "`foldrank predict` uses it"
        )
    if family not in _FAMILIES or unknown:
        raise NewerFileError(
            f"{r.path}: the model ({' '.join([family, *unknown])}) is of a newer foldrank; "
            "`foldrank predict` of that version can use it"
        )
    texts = zip(
        file.column("model/options/name"), file.column("model/options/value"), strict=True
    )
    layers: list[tuple[Array, Array]] = []
    while file.has(f"model/parameters/layer{len(layers)}"):
        group = f"model/parameters/layer{len(layers)}"
        layers.append((file.array(f"{group}/weight"), file.array(f"{group}/bias")))
    return Model(
        family=family,
        task=str(file.scalar("model/task")),
        target=str(file.scalar("model/target")),
        classes_=file.column("model/classes").astype(str),
        feature_names_in_=file.column("model/features/name"),
        options={name: yaml12.load(text) for name, text in texts},
        features=_features(file, kinds),
        layers=layers,
        target_shift=float(file.scalar("model/preprocessing/target_shift")),
        target_factor=float(file.scalar("model/preprocessing/target_factor")),
        calibration=_calibration(file),
    )


def _calibration(file: ResultsFile) -> Calibration | None:
    group = "model/calibration"
    if not file.has(group):
        return None
    method = str(file.scalar(f"{group}/method"))
    if method not in ("none", "platt", "temperature"):
        raise NewerFileError(
            f"the model is calibrated by {method}, which is of a newer foldrank"
        )
    platt, warm = method == "platt", method == "temperature"
    return Calibration(
        method=method,
        slope=file.column(f"{group}/slope") if platt else np.zeros(0),
        intercept=file.column(f"{group}/intercept") if platt else np.zeros(0),
        temperature=float(file.scalar(f"{group}/temperature")) if warm else 1.0,
        threshold=float(file.scalar(f"{group}/threshold")),
    )


def _features(file: ResultsFile, kinds: Array) -> list[Feature]:
    rows = len(kinds)
    group = "model/preprocessing"
    names = file.column("model/features/name", rows)
    owner, levels = file.column("model/levels/feature"), file.column("model/levels/name")
    first, width = file.column(f"{group}/first", rows), file.column(f"{group}/width", rows)
    places = file.column(f"{group}/places", rows)
    ends = np.cumsum(places)
    place = file.column(f"{group}/place", int(ends[-1]) if rows else 0)
    numbers = {key: file.column(f"{group}/{key}", rows) for key in ("fill", "shift", "factor")}
    return [
        Feature(
            name=names[i],
            levels=tuple(levels[owner == i]),
            kind=kinds[i],
            first=int(first[i]),
            width=int(width[i]),
            fill=float(numbers["fill"][i]),
            shift=float(numbers["shift"][i]),
            factor=float(numbers["factor"][i]),
            place=place[ends[i] - places[i] : ends[i]],
        )
        for i in range(rows)
    ]


def read_rows(
    r: Results, data: str | os.PathLike[str] | pd.DataFrame
) -> tuple[pd.DataFrame, Array]:
    """Input columns and target of rows to look at.

    Parameters
    ----------
    r : Results
        Results with a model.
    data : path-like or pandas.DataFrame
        CSV file, plain or compressed, or a frame, with the model's columns and its target.

    Returns
    -------
    tuple
        Frame of the inputs; array of the targets.
    """
    frame = data if isinstance(data, pd.DataFrame) else pd.read_csv(data)
    model = r.model
    target = model.target if model.target in frame.columns else None
    if target is None:
        rest = [name for name in frame.columns if name not in set(model.feature_names_in_)]
        if len(rest) != 1:
            raise MissingError(
                f"the rows have no column {model.target!r}, which the model predicts; "
                f"there are: {', '.join(map(str, frame.columns[:12]))}"
            )
        target = rest[0]
    truth = frame[target]
    inputs = frame.drop(columns=[target])
    if model.is_classifier:
        return inputs, np.array([_level(cell) for cell in truth])
    return inputs, truth.to_numpy(float)

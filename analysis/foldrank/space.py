"""The search space: parameters with their ranges, choices and conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foldrank import yaml12
from foldrank.hdf5 import Array, ResultsFile


@dataclass(frozen=True)
class Parameter:
    """One hyperparameter.

    Attributes
    ----------
    name : str
        Full name, such as ``mlp.hidden``.
    kind : str
        ``float``, ``log``, ``int``, ``int_log`` or ``choice``.
    low, high : float
        Range, ends included; of a choice: first and last index.
    step : float
        Values are low, low + step, ...; 0 = continuous.
    choices : tuple
        Values of a choice, lists as tuples; empty for numbers.
    condition : str
        When it is active, such as ``optimizer = sgd``; empty = always.
    """

    name: str
    kind: str
    low: float
    high: float
    step: float
    choices: tuple[Any, ...]
    condition: str

    @property
    def is_choice(self) -> bool:
        """Whether its values are a list and not a range."""
        return self.kind == "choice"

    @property
    def is_log(self) -> bool:
        """Whether its scale is logarithmic."""
        return self.kind in ("log", "int_log")

    @property
    def is_integer(self) -> bool:
        """Whether its values are whole numbers of a range."""
        return self.kind in ("int", "int_log")

    def position(self, values: Any) -> Array:
        """Place values in the range.

        Parameters
        ----------
        values : sequence
            Values of this parameter.

        Returns
        -------
        numpy.ndarray
            0 at the lower end, 1 at the upper one, on the parameter's own scale; choices are
            spread evenly. NaN where inactive.
        """
        if self.is_choice:
            index = {value: i for i, value in enumerate(self.choices)}
            last = max(len(self.choices) - 1, 1)
            return np.array([index.get(value, np.nan) / last for value in values], dtype=float)
        number = np.asarray(values, dtype=float)
        low, high = self.low, self.high
        if self.is_log:
            number, low, high = np.log(number), np.log(low), np.log(high)
        if high == low:
            return np.where(np.isnan(number), np.nan, 0.5)
        return np.asarray((number - low) / (high - low))

    def values(self, column: Array) -> Array:
        """Turn a column of the file into values.

        Parameters
        ----------
        column : numpy.ndarray
            As in the file: numbers, or texts of a choice.

        Returns
        -------
        numpy.ndarray
            int64, float64, bool or objects; inactive ones NaN among numbers, None otherwise.
        """
        if not self.is_choice:
            if self.is_integer and not np.isnan(column).any():
                return column.astype(np.int64)
            return column
        texts, which = np.unique(column.astype(str), return_inverse=True)
        active = [yaml12.freeze(yaml12.load(text)) if text else None for text in texts]
        kinds = {type(value) for value in self.choices}
        missing = bool((texts == "").any())
        if kinds and kinds <= {int, float}:
            as_number = float if missing or float in kinds else np.int64
            numbers = [np.nan if value is None else value for value in active]
            return np.array(numbers, dtype=as_number)[which]
        if kinds == {bool} and not missing:
            return np.array(active, dtype=bool)[which]
        objects = np.empty(len(active), dtype=object)
        objects[:] = active
        return objects[which]

    def plain(self, values: Any) -> list[Any]:
        """Turn active values into Python's own types, as a study file has them.

        Parameters
        ----------
        values : sequence
            Values of this parameter, none of them inactive.

        Returns
        -------
        list
            int, float, or the choices themselves.
        """
        if self.is_choice:
            own = {choice: choice for choice in self.choices}
            return [own.get(value, value) for value in values]
        return [int(value) if self.is_integer else float(value) for value in values]


class Space(Mapping[str, Parameter]):
    """Parameters by name, parents before children.

    Parameters
    ----------
    parameters : list of Parameter
        In the order of the file.
    """

    def __init__(self, parameters: list[Parameter]) -> None:
        self._parameters = {parameter.name: parameter for parameter in parameters}

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def __repr__(self) -> str:
        return f"Space({', '.join(self)})"

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each parameter."""
        rows = [
            (p.name, p.kind, p.low, p.high, p.step, p.choices, p.condition)
            for p in self.values()
        ]
        names = ["name", "kind", "low", "high", "step", "choices", "condition"]
        return pd.DataFrame(rows, columns=names).set_index("name")


def read_space(file: ResultsFile) -> Space:
    """Read ``/study/space``.

    Parameters
    ----------
    file : ResultsFile
        An opened file.

    Returns
    -------
    Space
        The search space.
    """
    group = "study/space"
    names = file.column(f"{group}/name")
    texts = {
        key: file.column(f"{group}/{key}", len(names))
        for key in ("kind", "choices", "condition")
    }
    numbers = {
        key: file.column(f"{group}/{key}", len(names)) for key in ("low", "high", "step")
    }
    parameters = []
    for i, name in enumerate(names):
        choices = yaml12.load(texts["choices"][i]) if texts["choices"][i] else []
        parameters.append(
            Parameter(
                name=name,
                kind=texts["kind"][i],
                low=float(numbers["low"][i]),
                high=float(numbers["high"][i]),
                step=float(numbers["step"][i]),
                choices=tuple(yaml12.freeze(choice) for choice in choices),
                condition=texts["condition"][i],
            )
        )
    return Space(parameters)

"""A results file as pandas frames."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from foldrank import yaml12
from foldrank.errors import MissingError, TornFileError
from foldrank.hdf5 import Array, ResultsFile
from foldrank.space import Space, read_space

if TYPE_CHECKING:
    import optuna

    from foldrank.compare import Comparison
    from foldrank.ensemble import Ensemble
    from foldrank.model import Model

PARAMS = "params/"
SCORES = "scores/"
PLACE = ("rank", "start_s", "end_s", "message")


@dataclass(frozen=True)
class Best:
    """The chosen trial, or the best one so far.

    Attributes
    ----------
    trial : int
        Its number.
    score, se : float
        Mean score over the folds, and the standard error of that mean.
    params : dict
        Values of its active parameters.
    test_score : float
        Of the refitted model on rows that the search never saw; NaN without.
    chosen : bool
        Whether the study's rule chose it; else the search is not over, and it leads.
    """

    trial: int
    score: float
    se: float
    params: dict[str, Any]
    test_score: float
    chosen: bool


@dataclass(frozen=True)
class Selection:
    """How the model was chosen.

    Attributes
    ----------
    rule : str
        ``best``, ``one_standard_error``, ``paired_test``, ``dice``, ...
    chosen : int
        Number of the chosen trial.
    test_score : float
        Of the refitted model on rows that the search never saw; NaN without.
    ranking : pandas.DataFrame
        Index ``place`` from 1; column ``trial`` and, by rule, ``p_value``, ``difference``,
        ``win_share``.
    round_winner : numpy.ndarray
        dice: the trial that won each round; else empty.
    expected : numpy.ndarray
        dice: expected best mean score of 1, 2, ... random trials; else empty.
    test_scores : dict
        Of several objectives: the test score in each that scores predictions.
    front : numpy.ndarray
        Of several objectives: trials that no other one beats in all of them.
    extra : dict
        Whatever else the file holds under ``/selection``.
    """

    rule: str
    chosen: int
    test_score: float
    ranking: pd.DataFrame
    round_winner: Array
    expected: Array
    test_scores: dict[str, float] = field(default_factory=dict)
    front: Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    extra: dict[str, Any] = field(default_factory=dict)


class Results:
    """The results of one study, read when they are asked for.

    All that is read comes from the file as it was when it was opened; :meth:`refresh` opens
    what a run has written since. Made by :func:`foldrank.open`.

    Parameters
    ----------
    path : path-like
        A results file, or the output directory of a run.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._given = path
        self.notes: dict[str, Any] = {}  # what was computed from this file once
        self._file = ResultsFile(path)

    # ---- the file ----

    @property
    def path(self) -> str:
        """The results file."""
        return str(self._file.path)

    @property
    def file(self) -> ResultsFile:
        """The opened file, for data sets that have no property here."""
        return self._file

    @property
    def stale(self) -> bool:
        """Whether a run has written a newer file since this one was opened."""
        return self._file.stale

    def refresh(self) -> Results:
        """Open what the run has written since.

        Returns
        -------
        Results
            This object, when nothing is new; else a new one.
        """
        return Results(self._given) if self.stale else self

    def close(self) -> None:
        """Close the file; frames that were read stay usable."""
        self._file.close()

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<foldrank results of {self.name}: {self.n_trials} trials, {self.path}>"

    # ---- the study ----

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Provenance and study: attributes of the file's root and of ``/study``."""
        return {**self._file.attributes("/"), **self._file.attributes("study")}

    @property
    def name(self) -> str:
        """Name of the study."""
        return str(self.attributes.get("name", ""))

    @property
    def metric(self) -> str:
        """Name of the score."""
        return str(self.attributes.get("metric", "score"))

    @property
    def direction(self) -> str:
        """``maximize`` or ``minimize``."""
        return str(self.attributes.get("direction", "maximize"))

    @property
    def maximize(self) -> bool:
        """Whether more is better."""
        return self.direction == "maximize"

    @property
    def n_folds(self) -> int:
        """Folds of each trial, repeats included."""
        return int(self.attributes.get("folds", 1))

    @cached_property
    def n_trials(self) -> int:
        """Trials that were suggested so far."""
        return len(self._file.column("trials/id"))

    @cached_property
    def study(self) -> str:
        """The study file, every default filled in (YAML)."""
        return str(self._file.scalar("study/config"))

    @cached_property
    def config(self) -> dict[str, Any]:
        """The study file as Python values."""
        return dict(self._yaml(self.study) or {})

    def _yaml(self, text: str) -> Any:
        try:
            return yaml12.load(text)
        except yaml.YAMLError as error:
            raise TornFileError(
                f"{self.path}: a text of the study is damaged: {error}"
            ) from error

    @cached_property
    def space(self) -> Space:
        """The search space."""
        try:
            return read_space(self._file)
        except yaml.YAMLError as error:
            raise TornFileError(f"{self.path}: the choices are damaged: {error}") from error

    # ---- tables ----

    def _table(self, group: str, first: list[str]) -> pd.DataFrame:
        """All columns of a group, the named ones first; columns of later versions last."""
        ordered = first + [name for name in self._file.names(group) if name not in first]
        rows = len(self._file.column(f"{group}/{ordered[0]}"))
        columns = {name: self._file.column(f"{group}/{name}", rows) for name in ordered}
        return pd.DataFrame(columns)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row for each trial.

        Index ``trial``; columns ``state``, ``score_mean``, ``score_se``, ``folds_done``,
        ``epochs``, ``seconds``, of several objectives ``scores/NAME`` and ``scores_se/NAME``,
        ``params/NAME``, ``message``. Inactive parameters are NaN among numbers and None among
        other values; lists are tuples.
        """
        first = ["id", "state", "score_mean", "score_se", "folds_done", "epochs", "seconds"]
        frame = self._table("trials", [*first, "message"])
        rows = len(frame)
        columns = {name: frame[name] for name in frame.columns if name not in ("id", "message")}
        for kind in (SCORES, "scores_se/"):
            for name in self.objectives:
                columns[kind + name] = self._file.column(f"trials/{kind}{name}", rows)
        columns |= self._settings("trials", rows)
        columns["message"] = frame["message"]
        return pd.DataFrame(columns).set_index(pd.Index(frame["id"], name="trial"))

    def _settings(self, group: str, rows: int) -> dict[str, Any]:
        """Columns ``params/NAME`` of a group with a row for each point of the space."""
        columns: dict[str, Any] = {}
        for name, parameter in self.space.items():
            column = self._file.column(f"{group}/params/{name}", rows)
            try:
                columns[PARAMS + name] = parameter.values(column)
            except yaml.YAMLError as error:
                raise TornFileError(f"{self.path}: {name} holds damaged values") from error
        return columns

    @cached_property
    def nested(self) -> pd.DataFrame:
        """A row for each outer fold of nested cross-validation; none when it was not asked for.

        Index ``outer``; ``state``, ``score`` on the fold's rows, ``search_score``: what the
        search without them thought, ``chosen``, ``trials``, ``fits``, ``train_rows``,
        ``test_rows``, ``seconds``, of several objectives ``scores/NAME``, ``params/NAME``: the
        settings chosen without the fold, ``message``.
        """
        first = "state score search_score chosen trials fits train_rows test_rows seconds"
        if not self._file.has("nested"):
            return pd.DataFrame(columns=[*first.split(), "message"]).rename_axis("outer")
        frame = self._table("nested", [*first.split(), "message"])
        for name in list(self.objectives)[1:]:
            frame[SCORES + name] = self._file.column(f"nested/scores/{name}", len(frame))
        return frame.assign(**self._settings("nested", len(frame))).rename_axis("outer")

    @cached_property
    def folds(self) -> pd.DataFrame:
        """A row for each finished fold, by trial, then fold; of several objectives each score."""
        first = "trial fold state score train_score loss epochs best_epoch seconds"
        frame = self._table("folds", [*first.split(), "samples_per_second", "flops", *PLACE])
        for name in self.objectives:
            frame[SCORES + name] = self._file.column(f"folds/scores/{name}", len(frame))
        return frame

    @cached_property
    def curves(self) -> pd.DataFrame:
        """A row for each fold and epoch: training loss and validation score."""
        return self._table("curves", ["trial", "fold", "epoch", "train_loss", "score"])

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """A row for each rank of the last run; index ``rank``."""
        columns = ["host", "threads", "busy_s", "idle_s", "fits", "flops"]
        if not self._file.has("ranks"):
            return pd.DataFrame(columns=columns).rename_axis("rank")
        return self._table("ranks", columns).rename_axis("rank")

    @cached_property
    def complete(self) -> pd.DataFrame:
        """The rows of :attr:`trials` whose folds are all done, best first."""
        trials = self.trials
        done = trials[(trials["state"] == "complete") & trials["score_mean"].notna()]
        return done.sort_values("score_mean", ascending=not self.maximize, kind="stable")

    # ---- several objectives ----

    @cached_property
    def objectives(self) -> dict[str, str]:
        """Name and direction of each objective; empty for a study of one score."""
        if not self._file.has("study/objectives/name"):
            return {}
        names = self._file.column("study/objectives/name")
        directions = self._file.column("study/objectives/direction", len(names))
        several = dict(zip(names, directions, strict=True))
        return several if len(several) > 1 else {}

    # ---- what came out ----

    @cached_property
    def selection(self) -> Selection | None:
        """How the model was chosen; None while the search is not over."""
        names = self._file.names("selection")
        if "chosen" not in names:
            return None
        columns = {"trial": self._file.column("selection/ranking")}
        rows = len(columns["trial"])
        for name in ("p_value", "difference", "win_share"):
            if name in names:
                columns[name] = self._file.column(f"selection/{name}", rows)
        ranking = pd.DataFrame(columns, index=pd.RangeIndex(1, rows + 1, name="place"))
        known = {
            "rule",
            "chosen",
            "test_score",
            "ranking",
            "round_winner",
            "expected",
            "front",
            *columns,
        }
        return Selection(
            rule=str(self._file.scalar("selection/rule")),
            chosen=int(self._file.scalar("selection/chosen")),
            test_score=float(self._file.scalar("selection/test_score")),
            ranking=ranking,
            round_winner=self._optional("selection/round_winner"),
            expected=self._optional("selection/expected"),
            test_scores={
                name: float(self._file.scalar(f"selection/test_scores/{name}"))
                for name in self._file.names("selection/test_scores")
            },
            front=self._optional("selection/front").astype(np.int64),
            extra={
                name: self._file.array(f"selection/{name}")
                for name in names
                if name not in known
            },
        )

    def _optional(self, name: str) -> Array:
        return self._file.column(name) if self._file.has(name) else np.empty(0)

    def params(self, trial: int) -> dict[str, Any]:
        """Values of a trial's active parameters.

        Parameters
        ----------
        trial : int
            Its number.

        Returns
        -------
        dict
            By name, in the order of the space.
        """
        if trial not in self.trials.index:
            raise MissingError(
                f"{self.path}: there is no trial {trial}; allowed: 0 to {self.n_trials - 1}"
            )
        return self.settings[trial]

    @cached_property
    def settings(self) -> list[dict[str, Any]]:
        """Values of the active parameters of every trial, in the order of :attr:`trials`."""
        rows: list[dict[str, Any]] = [{} for _ in range(len(self.trials))]
        for name, parameter in self.space.items():
            column = self.trials[PARAMS + name]
            active = np.flatnonzero(column.notna())
            for row, value in zip(active, parameter.plain(column.iloc[active]), strict=True):
                rows[row][name] = value
        return rows

    @property
    def best(self) -> Best | None:
        """The chosen trial; while the search goes on the leading one; None without any."""
        selection = self.selection
        if selection is not None:
            trial, test_score = selection.chosen, selection.test_score
        elif len(self.complete) > 0:
            trial, test_score = int(self.complete.index[0]), float("nan")
        else:
            return None
        row = self.trials.loc[trial]
        return Best(
            trial=trial,
            score=float(row["score_mean"]),
            se=float(row["score_se"]),
            params=self.params(trial),
            test_score=test_score,
            chosen=selection is not None,
        )

    @cached_property
    def cv_results_(self) -> dict[str, Any]:
        """All trials in the layout of scikit-learn's ``cv_results_``.

        Scores are those of the study's metric, whose :attr:`direction` may be ``minimize``:
        ``rank_test_score`` heeds it. Scoring is part of a fit's time, so ``mean_score_time`` is
        zero. What a fold has not is NaN.
        """
        from foldrank.sklearn_layout import cv_results

        return cv_results(self)

    @cached_property
    def calibration(self) -> pd.DataFrame:
        """What study key ``calibrate`` did to the model; no rows without it.

        Index ``measure``: log loss, Brier score, calibration error and a metric. Columns
        ``out_of_fold_before``, ``out_of_fold_after``: of the rows that it was learnt from;
        ``test_before``, ``test_after``: of the test rows, which had no part in it.
        ``attrs["settings"]``: what was asked for.
        """
        columns = [
            f"{rows}_{at}" for rows in ("out_of_fold", "test") for at in ("before", "after")
        ]
        if not self._file.has("calibration"):
            return pd.DataFrame(columns=columns).rename_axis("measure")
        measures = self._file.column("calibration/measure")
        values = {n: self._file.column(f"calibration/{n}", len(measures)) for n in columns}
        frame = pd.DataFrame(values, index=pd.Index(measures, name="measure"))
        frame.attrs["settings"] = str(self._file.scalar("calibration/settings"))
        return frame

    @cached_property
    def ensemble(self) -> Ensemble | None:
        """The models that predict together; None where the study asks for none."""
        from foldrank.ensemble import read_ensemble

        return read_ensemble(self)

    @cached_property
    def test(self) -> pd.DataFrame | None:
        """What the model says of the test rows; None where the file has none.

        Index ``row`` of the data; ``truth`` (name of the class, or the value), ``prediction``,
        and for each output ``output/NAME`` (class or target): probability, decision value or
        value.
        """
        return self.predictions("test")

    @cached_property
    def out_of_fold(self) -> pd.DataFrame | None:
        """What models that did not train on a row say of it, as :attr:`test`; None without.

        Of every row that some fold of the chosen trial validates. These rows had a say in which
        trial was chosen.
        """
        return self.predictions("explain/out_of_fold")

    def predictions(self, group: str) -> pd.DataFrame | None:
        """Predictions as a group of the file has them, as :attr:`test`; None without.

        Parameters
        ----------
        group : str
            Such as ``test`` or ``ensemble/test``.

        Returns
        -------
        pandas.DataFrame or None
            As :attr:`test`.
        """
        if not self._file.has(f"{group}/output"):
            return None
        outputs = self._file.array(f"{group}/output")
        target = self._file.column(f"{group}/target")
        rows = pd.Index(self._file.column(f"{group}/row", len(target)), name="row")
        classes = self._file.column("model/classes")
        names = classes if len(classes) else [str(self._file.scalar("model/target"))]
        if outputs.ndim != 2 or outputs.shape != (len(target), len(names)):
            raise TornFileError(f"{self.path}: {group}/output has the shape {outputs.shape}")
        columns: dict[str, Any] = {"truth": target, "prediction": outputs[:, 0].astype(float)}
        if len(classes):
            if len(target) and not (target.min() >= 0 and target.max() < len(classes)):
                raise TornFileError(f"{self.path}: {group}/target names no class")
            columns["truth"] = classes[target.astype(int)]
            said = outputs.argmax(axis=1)
            if group == "test" and self._file.has("model/calibration") and len(classes) == 2:
                said = (
                    outputs[:, 1] > float(self._file.scalar("model/calibration/threshold"))
                ) * 1
            columns["prediction"] = classes[said]
        columns.update({f"output/{name}": outputs[:, i] for i, name in enumerate(names)})
        return pd.DataFrame(columns, index=rows)

    @cached_property
    def model(self) -> Model:
        """The refitted model, as a scikit-learn estimator that predicts."""
        from foldrank.model import read_model

        return read_model(self)

    def compare(self, other: Results | str | os.PathLike[str]) -> Comparison:
        """Compare with another study.

        Parameters
        ----------
        other : Results or path-like
            The other one.

        Returns
        -------
        foldrank.compare.Comparison
            What differs in the study, in the outcome and from trial to trial.
        """
        from foldrank.compare import compare

        return compare(self, other if isinstance(other, Results) else Results(other))

    def to_optuna(self, storage: Any = None, study_name: str | None = None) -> optuna.Study:
        """Convert to an Optuna study, by Optuna's own functions.

        Parameters
        ----------
        storage : str or optuna.storages.BaseStorage, optional
            Where Optuna keeps it; in memory without.
        study_name : str, optional
            Its name there; that of the study without.

        Returns
        -------
        optuna.Study
            A study with the same trials.
        """
        from foldrank.optuna_bridge import to_optuna

        return to_optuna(self, storage, study_name)

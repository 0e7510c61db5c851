"""The models that predict together, where the study asks for it (key ``ensemble``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from foldrank.results import Results


@dataclass(frozen=True)
class Ensemble:
    """A weighted mean of models.

    Attributes
    ----------
    members : pandas.DataFrame
        Index ``member``, the heaviest first; ``trial``, ``weight`` (their sum is 1), ``score``:
        the trial's own mean over the folds, and ``settings`` in words.
    score : float
        Mean over the folds by which the members were chosen: flatters.
    honest_score, honest_single : float
        Members chosen without a fold and scored on it, mean over the folds; and the same of the
        best single trial. NaN where nothing was left to choose by.
    test_score : float
        On rows that the search never saw; NaN without.
    test_scores : dict
        Of several objectives: the test score in each that scores predictions.
    single_score, single_test_score : float
        The chosen trial's own.
    preferred : bool
        Whether ``foldrank predict`` takes it: only where it is better than the single model.
    test : pandas.DataFrame or None
        What the members together say of the test rows, as ``Results.test``.
    """

    members: pd.DataFrame
    score: float
    honest_score: float
    honest_single: float
    test_score: float
    test_scores: dict[str, float]
    single_score: float
    single_test_score: float
    preferred: bool
    test: pd.DataFrame | None

    @property
    def judged(self) -> bool:
        """Whether it was scored on folds that had no part in choosing its members."""
        return not np.isnan(self.honest_score)


def _settings(r: Results, trial: int) -> str:
    from foldrank import yaml12

    return ", ".join(f"{name}={yaml12.show(value)}" for name, value in r.params(trial).items())


def read_ensemble(r: Results) -> Ensemble | None:
    """Read it.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    Ensemble or None
        None where the file has none.
    """
    file, selection = r.file, r.selection
    if selection is None or not file.has("ensemble/trial"):
        return None
    trials = file.column("ensemble/trial").astype(np.int64)
    members = pd.DataFrame(
        {
            "trial": trials,
            "weight": file.column("ensemble/weight", len(trials)),
            "score": r.trials["score_mean"].reindex(trials).to_numpy(),
            "settings": [_settings(r, int(trial)) for trial in trials],
        }
    ).rename_axis("member")
    scores = {
        name: float(file.scalar(f"ensemble/{name}"))
        for name in ("score", "honest_score", "honest_single", "test_score")
    }
    single = float(r.trials["score_mean"].loc[selection.chosen])
    ours, theirs = scores["honest_score"], scores["honest_single"]
    if np.isnan(ours):
        ours, theirs = scores["score"], single
    return Ensemble(
        members=members,
        **scores,
        test_scores={
            name: float(file.scalar(f"ensemble/test_scores/{name}"))
            for name in file.names("ensemble/test_scores")
        },
        single_score=single,
        single_test_score=selection.test_score,
        preferred=bool(ours > theirs if r.maximize else ours < theirs),
        test=r.predictions("ensemble/test"),
    )

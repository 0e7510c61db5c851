"""The outcome of a study in a few sentences."""

from __future__ import annotations

import numpy as np

from foldrank import yaml12
from foldrank.ensemble import Ensemble
from foldrank.findings import number
from foldrank.honest import Estimate, estimate
from foldrank.results import Best, Results
from foldrank.tidy import pareto


def duration(seconds: float) -> str:
    """A time for people.

    Parameters
    ----------
    seconds : float
        Time [s].

    Returns
    -------
    str
        ``0.3 s``, ``4.2 min``, ``7.5 h``.
    """
    if not np.isfinite(seconds):
        return "-"
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def plus_minus(value: float, error: float) -> str:
    """A number with its standard error, with as many digits as that allows.

    Parameters
    ----------
    value, error : float
        The number and its standard error.

    Returns
    -------
    str
        ``0.9868 ± 0.0041``.
    """
    if not np.isfinite(error) or error <= 0:
        return number(value)
    digits = min(max(1 - int(np.floor(np.log10(error))), 0), 12)
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def counts(r: Results) -> str:
    """How many trials ended how.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    str
        ``40 trials: 11 complete, 29 pruned``.
    """
    states = r.trials["state"].value_counts()
    return f"{r.n_trials} trials: " + ", ".join(f"{n} {state}" for state, n in states.items())


def _what_was_tried(r: Results) -> str:
    fits = r.folds[r.folds["state"] != "cancelled"]
    wall = fits["end_s"].max() - fits["start_s"].min() if len(fits) else np.nan
    kinds = "hyperparameter" if len(r.space) == 1 else "hyperparameters"
    folds = f" over {r.n_folds} folds each" if r.n_folds > 1 else ""
    method = (r.config.get("search", {}) or {}).get("method", "")
    by = f" by {method} search" if method else ""
    past, ended = int(r.attributes.get("past_trials", 0)), str(r.attributes.get("ended_by", ""))
    learned = f" It learned from {past} trials of earlier studies." if past else ""
    reasons = {"": "", "trials": "", "space": " It ended when all configurations were tried."}
    why = reasons.get(ended, f" It ended by its limit {ended}.")
    return (
        f"foldrank searched {len(r.space)} {kinds}{by}{folds}. {counts(r)}; "
        f"{len(fits)} fits took {duration(float(fits['seconds'].sum()))} of training, "
        f"{duration(float(wall))} from start to end.{learned}{why}"
    )


def _what_was_chosen(r: Results, best: Best) -> str:
    if best.chosen and r.selection is not None:
        how = f"The rule {r.selection.rule.replace('_', ' ')} chose trial {best.trial}"
    else:
        how = f"So far trial {best.trial} leads"
    settings = ", ".join(
        f"{name} = {yaml12.show(value)}" for name, value in best.params.items()
    )
    error = " (mean and standard error over the folds)" if r.n_folds > 1 else ""
    return f"{how}: {r.metric} {plus_minus(best.score, best.se)}{error}, with {settings}."


def _what_it_costs(r: Results, best: Best) -> str:
    frame = pareto(r)
    better = {"maximize": "more is better", "minimize": "less is better"}
    scores = [
        f"{name} {number(float(frame.at[best.trial, name]))} ({better[direction]})"
        for name, direction in r.objectives.items()
    ]
    front = int(frame["front"].sum())
    return (
        f"In the objectives it has {', '.join(scores)}. The front, which no other trial beats in "
        f"all of them, has {front} {'trial' if front == 1 else 'trials'}."
    )


def _what_to_believe(r: Results, judged: Estimate) -> str:
    interval = ""
    if np.isfinite(judged.low):
        interval = f" (95 % interval {number(judged.low)} to {number(judged.high)})"
    way = "too good" if judged.optimism > 0 else "too modest"
    said = ""
    if abs(judged.optimism) > 0:
        said = f" The selected score was {number(abs(judged.optimism))} {way}."
    return (
        f"On rows that the search never saw, the refitted model reaches {r.metric} "
        f"{number(judged.test)}{interval}: this is the honest figure.{said}"
    )


def _what_calibration_did(r: Results) -> str:
    frame = r.calibration
    frame = frame[~frame.index.duplicated()].dropna(subset=["test_after"])
    changes = [
        f"{name} {number(float(row['test_after']))}"
        + (
            ""
            if np.isnan(row["test_before"])
            else f" (before {number(float(row['test_before']))})"
        )
        for name, row in frame.iterrows()
    ]
    learnt = r.calibration["out_of_fold_after"].notna().any()
    how = ", by predictions of rows that the predicting models had not seen" if learnt else ""
    said = f" On the test rows: {', '.join(changes)}." if changes else ""
    return (
        f"After the selection the model was calibrated ({r.calibration.attrs['settings']}){how}."
        f"{said}"
    )


def _what_the_search_is_worth(r: Results) -> str:
    done = r.nested[r.nested["state"] == "complete"]
    score, thought = done["score"], done["search_score"]
    error = float(score.std() / np.sqrt(len(score)))
    return (
        f"Nested cross-validation: searches that never saw the rows they were judged on reach "
        f"{r.metric} {plus_minus(float(score.mean()), error)} over {len(done)} of "
        f"{len(r.nested)} outer folds ({number(float(score.min()))} to "
        f"{number(float(score.max()))}); their own validation said "
        f"{number(float(thought.mean()))}."
    )


def _what_models_say_together(r: Results, together: Ensemble) -> str:
    n = len(together.members)
    out = f"Together, {n} models" if n > 1 else "The ensemble has one model only and"
    if together.judged:
        out += (
            f" reach {r.metric} {number(together.honest_score)} on folds that had no part in "
            f"choosing them; the best single trial so {number(together.honest_single)}."
        )
    else:
        out += (
            f" reach {r.metric} {number(together.score)} on the folds by which they were chosen, "
            "which flatters."
        )
    if not np.isnan(together.test_score):
        out += (
            f" On the test rows: {number(together.test_score)}, the chosen model alone "
            f"{number(together.single_test_score)}."
        )
    taken = "them together" if together.preferred else "the single model"
    return f"{out} `foldrank predict` takes {taken}."


def sentences(r: Results) -> list[str]:
    """Tell the outcome.

    Parameters
    ----------
    r : Results
        Results of a study.

    Returns
    -------
    list of str
        What was tried, what was chosen, what to believe.
    """
    out = [_what_was_tried(r)]
    best = r.best
    if best is None:
        return [*out, "No trial is complete yet."]
    out.append(_what_was_chosen(r, best))
    if r.objectives:
        out.append(_what_it_costs(r, best))
    judged = estimate(r)
    if judged is not None:
        out.append(_what_to_believe(r, judged))
    elif best.chosen:
        out.append(
            "There is no test score: the study keeps no rows aside, so the score above is the "
            "best of many and flatters. Keep some with `data: {test: {fraction: 0.2}}`."
            if "objective" not in r.config
            else "The study evaluates an objective and trains no model, so there is no test score."
        )
    if len(r.calibration):
        out.append(_what_calibration_did(r))
    if r.ensemble is not None:
        out.append(_what_models_say_together(r, r.ensemble))
    if (r.nested["state"] == "complete").any():
        out.append(_what_the_search_is_worth(r))
    return out

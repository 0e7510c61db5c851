"""From foldrank to Optuna and back, by Optuna's own functions."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from foldrank import yaml12
from foldrank.errors import MissingError, WrongFileError
from foldrank.results import PARAMS, SCORES, Results
from foldrank.space import Parameter

if TYPE_CHECKING:
    from optuna.importance import BaseImportanceEvaluator

_STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "diverged": TrialState.FAIL,
    "timeout": TrialState.FAIL,
    "interrupted": TrialState.FAIL,
    "pending": TrialState.RUNNING,
}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from reporting studies that nobody asked it for."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            yield
        finally:
            optuna.logging.set_verbosity(level)


def _plain_choice(value: Any) -> Any:
    """Optuna takes None, bool, int, float and str as choices; others go as their YAML text."""
    plain = value is None or isinstance(value, (bool, int, float, str))
    return value if plain else yaml12.flow(value)


def distribution(parameter: Parameter) -> BaseDistribution:
    """Translate a parameter.

    Parameters
    ----------
    parameter : Parameter
        Of the space.

    Returns
    -------
    optuna.distributions.BaseDistribution
        The same range, scale, step or choices. Lists become their YAML texts.
    """
    if parameter.is_choice:
        return CategoricalDistribution([_plain_choice(choice) for choice in parameter.choices])
    if parameter.is_integer:
        step = 1 if parameter.is_log else max(int(parameter.step), 1)
        return IntDistribution(int(parameter.low), int(parameter.high), parameter.is_log, step)
    step_or_none = parameter.step if parameter.step > 0 and not parameter.is_log else None
    return FloatDistribution(parameter.low, parameter.high, parameter.is_log, step_or_none)


def _direction(word: str) -> StudyDirection:
    return StudyDirection.MAXIMIZE if word == "maximize" else StudyDirection.MINIMIZE


def _times(r: Results) -> tuple[dict[int, tuple[dt.datetime, dt.datetime]], dt.datetime]:
    """Start and end of each trial; the time of the study's first run. Local, as Optuna's."""
    try:
        utc = dt.datetime.fromisoformat(str(r.attributes["created"]).rstrip("Z"))
    except (KeyError, ValueError):
        utc = dt.datetime(1970, 1, 1)
    begun = utc.replace(tzinfo=dt.timezone.utc).astimezone().replace(tzinfo=None)
    known = r.folds[r.folds["end_s"].notna()].groupby("trial")
    spans = known.agg(start=("start_s", "min"), end=("end_s", "max"))
    return {
        int(trial): (
            begun + dt.timedelta(seconds=span.start),
            begun + dt.timedelta(seconds=span.end),
        )
        for trial, span in zip(spans.index, spans.itertuples(), strict=True)
    }, begun


def _intermediate(r: Results) -> dict[int, dict[int, float]]:
    """Mean score over the folds after each epoch, of each trial that has curves."""
    if len(r.curves) == 0:
        return {}
    means = r.curves.groupby(["trial", "epoch"])["score"].mean().dropna()
    out: dict[int, dict[int, float]] = {}
    for (trial, epoch), value in means.items():
        if np.isfinite(value):
            out.setdefault(int(trial), {})[int(epoch)] = float(value)
    return out


def _none_for_nan(value: Any) -> Any:
    """The same without NaN, which is no JSON: a browser could not read Optuna's attributes."""
    if isinstance(value, list):
        return [_none_for_nan(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def _values(r: Results, row: Any) -> list[float] | None:
    names = (
        [SCORES + name for name in r.objectives] if len(r.objectives) > 1 else ["score_mean"]
    )
    values = [float(row[name]) for name in names]
    return None if any(np.isnan(value) for value in values) else values


def frozen_trials(r: Results) -> Iterable[FrozenTrial]:
    """Translate all trials.

    Parameters
    ----------
    r : Results
        Results of a study.

    Yields
    ------
    optuna.trial.FrozenTrial
        With distributions, intermediate values and what foldrank knows besides as user
        attributes. A complete trial without a score is a failed one there.
    """
    distributions = {name: distribution(parameter) for name, parameter in r.space.items()}
    intermediate = _intermediate(r)
    times, begun = _times(r)
    scores = r.folds.groupby("trial")["score"].apply(list).to_dict()
    several = len(r.objectives) > 1
    for trial, (_, row) in enumerate(r.trials.iterrows()):
        params = {name: _plain_choice(value) for name, value in r.settings[trial].items()}
        state = _STATES.get(row["state"], TrialState.FAIL)
        values = _values(r, row)
        if state is TrialState.COMPLETE and values is None:
            state = TrialState.FAIL
        keeps = state is TrialState.COMPLETE or (state is TrialState.PRUNED and not several)
        start, end = times.get(trial, (begun, begun))
        attributes = {
            "foldrank_state": row["state"],
            "score_se": float(row["score_se"]),
            "epochs": int(row["epochs"]),
            "seconds": float(row["seconds"]),
            "fold_scores": scores.get(trial, []),
            "message": row["message"],
        }
        frozen = optuna.create_trial(
            state=state,
            values=values if keeps else None,
            params=params,
            distributions={name: distributions[name] for name in params},
            user_attrs={key: _none_for_nan(value) for key, value in attributes.items()},
            intermediate_values={} if several else intermediate.get(trial, {}),
        )
        frozen.number = trial
        frozen.datetime_start = start
        if state.is_finished():
            frozen.datetime_complete = end
        yield frozen


def to_optuna(r: Results, storage: Any = None, study_name: str | None = None) -> optuna.Study:
    """Convert results to an Optuna study.

    Parameters
    ----------
    r : Results
        Results of a study.
    storage : str or optuna.storages.BaseStorage, optional
        Where Optuna keeps it; in memory without.
    study_name : str, optional
        Its name there; that of the study without.

    Returns
    -------
    optuna.Study
        A study with the same trials.
    """
    words = list(r.objectives.values()) if len(r.objectives) > 1 else [r.direction]
    with _quiet():
        study = optuna.create_study(
            storage=storage,
            study_name=study_name or r.name or "foldrank",
            directions=[_direction(word) for word in words],
            sampler=optuna.samplers.RandomSampler(seed=0),
        )
        study.set_metric_names(list(r.objectives) if len(r.objectives) > 1 else [r.metric])
    study.set_user_attr("foldrank", str(r.attributes.get("version", "")))
    study.set_user_attr("foldrank_study", r.study)
    if r.selection is not None:
        study.set_user_attr("chosen", r.selection.chosen)
        if not np.isnan(r.selection.test_score):
            study.set_user_attr("test_score", r.selection.test_score)
    study.add_trials(frozen_trials(r))
    return study


def _scopes(r: Results) -> list[tuple[str, list[str], Any]]:
    """Groups of parameters that trials have together: (name, parameters, which trials)."""
    active = r.complete[[PARAMS + name for name in r.space]].notna()
    active.columns = list(r.space)
    always = [name for name in r.space if active[name].all()]
    scopes = [("all trials", always, active.any(axis=1) | True)] if always else []
    for condition in dict.fromkeys(p.condition for p in r.space.values() if p.condition):
        own = [name for name, p in r.space.items() if p.condition == condition]
        own = [name for name in own if name not in always and active[name].any()]
        if own:
            scopes.append((condition, always + own, active[own].all(axis=1)))
    return scopes


def importances(
    r: Results, evaluator: BaseImportanceEvaluator | None, limit: int
) -> list[tuple[str, str, float, int]]:
    """Importance of the parameters by one of Optuna's evaluators.

    Parameters
    ----------
    r : Results
        Results of a study.
    evaluator : optuna.importance.BaseImportanceEvaluator, optional
        fANOVA by default.
    limit : int
        Of more trials, so many spread evenly over the study are used.

    Returns
    -------
    list of tuple
        Scope, parameter, share of one, number of trials.
    """
    distributions = {name: distribution(parameter) for name, parameter in r.space.items()}
    rows = []
    for scope, all_names, member in _scopes(r):
        trials = np.sort(r.complete.index[member])
        if len(trials) > limit:
            trials = trials[np.linspace(0, len(trials) - 1, limit).astype(int)]
        scores = r.trials.loc[trials, "score_mean"].to_numpy()
        names = [name for name in all_names if len(set(_own(r, trials, name))) > 1]
        if len(trials) < 4 or not names:
            continue
        if np.ptp(scores) == 0:
            rows += [(scope, name, 0.0, len(trials)) for name in names]
            continue
        with _quiet():
            study = optuna.create_study(direction=_direction(r.direction))
        for trial, score in zip(trials, scores, strict=True):
            values = r.settings[trial]
            study.add_trial(
                optuna.create_trial(
                    value=float(score),
                    params={name: _plain_choice(values[name]) for name in names},
                    distributions={name: distributions[name] for name in names},
                )
            )
        own = evaluator or optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=own, params=names)
        rows += [(scope, name, float(share), len(trials)) for name, share in found.items()]
    return rows


def _own(r: Results, trials: Any, name: str) -> list[Any]:
    return [r.settings[trial][name] for trial in trials]


def _yaml_value(value: Any) -> str:
    """A value in YAML's flow style; texts that hold YAML themselves stay what they are."""
    if isinstance(value, str):
        try:
            parsed = yaml12.load(value)
        except Exception:
            parsed = None
        return value if isinstance(parsed, list) else json.dumps(value)
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


def from_optuna(study: optuna.Study, n: int | None = None) -> str:
    """Write an Optuna study's trials as foldrank's ``search.enqueue``.

    The names of the parameters must be those of the foldrank study (``learning_rate``,
    ``mlp.hidden``). foldrank evaluates enqueued configurations first, and the search learns from
    them; their old scores are not taken over, because they were not measured on its folds.

    Parameters
    ----------
    study : optuna.Study
        With complete trials.
    n : int, optional
        Only so many of the best (of several objectives: of the first front).

    Returns
    -------
    str
        YAML to put into a study file.
    """
    kept = list(itertools.islice(_configurations(study), n))
    body = "\n".join(f"    - {line}" for line in kept)
    return "search:\n  enqueue:\n" + body + "\n" if kept else "search:\n  enqueue: []\n"


def _configurations(study: optuna.Study) -> Iterator[str]:
    """The different configurations of complete trials, best first, in YAML's flow style."""
    done = study.get_trials(states=(TrialState.COMPLETE,), deepcopy=False)
    if len(study.directions) > 1:
        ordered = [*study.best_trials, *(t for t in done if t not in study.best_trials)]
    else:
        maximize = study.direction is StudyDirection.MAXIMIZE
        ordered = sorted(done, key=lambda t: (-1 if maximize else 1) * float(t.value or 0.0))
    lines: dict[str, None] = {}
    for trial in ordered:
        items = (f"{name}: {_yaml_value(value)}" for name, value in trial.params.items())
        lines.setdefault("{" + ", ".join(items) + "}")
    yield from lines


def load_optuna(storage: str, study_name: str | None = None) -> optuna.Study:
    """Open a study of a storage.

    Parameters
    ----------
    storage : str
        A journal file, or the URL of a database.
    study_name : str, optional
        Needed where there are several.

    Returns
    -------
    optuna.Study
        The study.
    """
    backend: Any = storage
    if "://" not in storage:
        if not Path(storage).is_file():
            raise WrongFileError(
                f"{storage}: No such file; give a journal of Optuna, or a URL such as "
                "sqlite:///optuna.db"
            )
        journal = JournalFileBackend(storage)
        try:
            backend = optuna.storages.JournalStorage(journal)
        except (ValueError, KeyError, TypeError) as error:
            raise WrongFileError(f"{storage}: is no journal of Optuna: {error}") from error
    names = optuna.get_all_study_names(backend)
    if study_name is None and len(names) == 1:
        study_name = names[0]
    if study_name not in names:
        what = "which study?" if study_name is None else f"there is no study {study_name};"
        raise MissingError(f"{storage}: {what} It has: {', '.join(names) or 'none'}")
    with _quiet():
        return optuna.load_study(study_name=study_name, storage=backend)


def enqueue_text(study: optuna.Study, n: int | None = None) -> str:
    """Write an Optuna study's trials as the value of ``search.enqueue``.

    Parameters
    ----------
    study : optuna.Study
        With complete trials.
    n : int, optional
        Only so many of the best.

    Returns
    -------
    str
        One line for ``foldrank run STUDY --set search.enqueue=...``, as :func:`from_optuna`.
    """
    return "[" + ", ".join(itertools.islice(_configurations(study), n)) + "]"

"""Warnings: what a careful reader of the results would point at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from foldrank import yaml12
from foldrank.honest import estimate
from foldrank.results import PARAMS, Results
from foldrank.space import Parameter

EDGE = 0.1  # the outer tenth of a range
BOUND = 0.01
IDLE = 0.2
SHORT_S = 2.0  # of a shorter run it does not matter how busy it was


@dataclass(frozen=True)
class Finding:
    """One warning.

    Attributes
    ----------
    code : str
        ``edge``, ``bound``, ``seeds``, ``optimism``, ``idle``, ``failures``, ``budget``,
        ``ensemble`` or ``unfinished``.
    title : str
        What is the matter, in a few words.
    text : str
        The evidence.
    advice : str
        What to do.
    """

    code: str
    title: str
    text: str
    advice: str


def number(value: float) -> str:
    """A score for people.

    Parameters
    ----------
    value : float
        A number.

    Returns
    -------
    str
        Four significant digits; a dash for NaN.
    """
    return "-" if np.isnan(value) else f"{value:.4g}"


def _side(parameter: Parameter, low: bool) -> tuple[str, str]:
    return ("lower", number(parameter.low)) if low else ("upper", number(parameter.high))


def _outer_share(parameter: Parameter) -> float:
    """Share of the values of a parameter that lie in the outer tenth at one end."""
    if parameter.is_integer or parameter.step > 0:
        step = parameter.step if parameter.step > 0 else 1.0
        values = np.arange(parameter.low, parameter.high + step / 2, step)
        if len(values) < 1000:
            return float(np.mean(parameter.position(values) <= EDGE))
    return EDGE


def _edges(r: Results) -> Iterator[Finding]:
    """The best trials crowd at an end of a range: more than chance would put there."""
    n = len(r.complete)
    if n < 20:
        return
    top = r.complete.iloc[: int(np.clip(n // 10, 5, 20))]
    for name, parameter in r.space.items():
        column = top[PARAMS + name].dropna()
        if parameter.is_choice or len(column) < 5 or parameter.high <= parameter.low:
            continue
        position = parameter.position(column)
        chance = _outer_share(parameter)
        if chance > 0.34:
            continue
        for low, there in ((True, position <= EDGE), (False, position >= 1 - EDGE)):
            hits, least = int(there.sum()), len(there) / 2
            if hits < least or stats.binom.sf(hits - 1, len(there), chance) > 0.01:
                continue
            word, value = _side(parameter, low)
            yield Finding(
                "edge",
                f"The search of {name} hits the {word} end of its range",
                f"{hits} of the {len(there)} best trials lie in the tenth of the range next to "
                f"{value}; by chance it would be about {chance * len(there):.1f}.",
                f"Widen the range of {name} beyond {value}, unless that is a natural limit.",
            )


def _bounds(r: Results) -> Iterator[Finding]:
    """The chosen trial sits on an end of a range."""
    best = r.best
    if best is None or len(r.complete) < 10:
        return
    for name, value in best.params.items():
        parameter = r.space[name]
        if parameter.is_choice or parameter.high <= parameter.low:
            continue
        if parameter.is_integer and parameter.high - parameter.low < 2:
            continue
        position = float(parameter.position([value])[0])
        if BOUND < position < 1 - BOUND:
            continue
        word, end = _side(parameter, position <= BOUND)
        which = "chosen" if best.chosen else "leading"
        yield Finding(
            "bound",
            f"The optimum of {name} is at its {word} bound",
            f"The {which} trial {best.trial} has {name} = {yaml12.show(value)}; the range is "
            f"{number(parameter.low)} to {number(parameter.high)}.",
            f"The true optimum may lie beyond {end}: widen the range, unless that is a natural "
            "limit.",
        )


def _repeats(r: Results) -> Iterator[Finding]:
    """With folds shuffled by another seed the chosen trial would not be among the best."""
    options = r.config.get("validation", {}) or {}
    repeats = int(options.get("repeats", 1) or 1)
    best = r.best
    if repeats < 2 or best is None or len(r.complete) < 8:
        return
    parts = r.n_folds // repeats
    done = r.folds[r.folds["trial"].isin(r.complete.index)]
    means = done.assign(part=done["fold"] // parts).pivot_table(
        index="trial", columns="part", values="score"
    )
    places = means.rank(ascending=not r.maximize, method="min").loc[best.trial].astype(int)
    allowed = max(3, len(means) // 4)
    if places.max() > allowed:
        list_of = ", ".join(str(place) for place in places)
        yield Finding(
            "seeds",
            "Shuffles of the folds disagree about the best trial",
            f"Trial {best.trial} has place {list_of} of {len(means)} in the {repeats} repeats of "
            "the cross-validation.",
            "Its lead is within the noise: take more repeats, or the simplest model by "
            "`select: {rule: one_standard_error}`.",
        )


def _seeds(r: Results, others: Sequence[Results]) -> Iterator[Finding]:
    """Runs of the same study with other seeds end elsewhere."""
    best = r.best
    if best is None:
        return
    for other in others:
        theirs = other.best
        if theirs is None or other.metric != r.metric:
            continue
        gap = abs(best.score - theirs.score)
        noise = 2 * float(np.hypot(np.nan_to_num(best.se), np.nan_to_num(theirs.se)))
        if gap > noise:
            yield Finding(
                "seeds",
                "Runs with different seeds disagree about the best score",
                f"{r.metric} {number(best.score)} here, {number(theirs.score)} in {other.path}: "
                f"{number(gap)} apart, and two standard errors are {number(noise)}.",
                "The search has not converged: give it more trials.",
            )
            continue
        differ = [
            f"{name} ({yaml12.show(best.params[name])}, {yaml12.show(theirs.params[name])})"
            for name, parameter in r.space.items()
            if parameter.is_choice
            and name in best.params
            and name in theirs.params
            and best.params[name] != theirs.params[name]
        ]
        if differ:
            yield Finding(
                "seeds",
                "Runs with different seeds choose different settings",
                f"{other.path} is as good, but differs in {', '.join(differ)}.",
                "Either will do; do not read a meaning into the choice.",
            )


def _optimism(r: Results) -> Iterator[Finding]:
    """The selected score was far too good."""
    judged = estimate(r)
    if judged is None or np.isnan(judged.test_se):
        return
    noise = 2 * float(np.hypot(judged.selected_se, judged.test_se))
    if judged.optimism > noise > 0:
        yield Finding(
            "optimism",
            "The selected score is far above the test score"
            if r.maximize
            else "The selected score is far better than the test score",
            f"{r.metric} {number(judged.selected)} in cross-validation, {number(judged.test)} on "
            f"rows that the search never saw: {number(judged.optimism)} worse, and noise would "
            f"explain {number(noise)}.",
            "Report the test score. Look for a leak between rows (groups, time, duplicates), a "
            "test part of another kind, or too many trials for too little data.",
        )


def _idle(r: Results) -> Iterator[Finding]:
    """Ranks waited instead of training."""
    ranks = r.ranks
    total = ranks["busy_s"] + ranks["idle_s"]
    if len(ranks) == 0 or total.max() < SHORT_S:
        return
    idle = ranks["idle_s"] / total
    if float(ranks["idle_s"].sum() / total.sum()) <= IDLE:
        return
    worst = int(idle.idxmax())
    search = r.config.get("search", {}) or {}
    yield Finding(
        "idle",
        "Ranks were idle",
        f"{100 * ranks['idle_s'].sum() / total.sum():.0f} % of the time of {len(ranks)} "
        f"{'rank' if len(ranks) == 1 else 'ranks'}, {ranks['idle_s'].sum():.0f} s in all; most "
        f"on rank {worst} ({100 * idle[worst]:.0f} %).",
        f"At most search.concurrency ({search.get('concurrency', '?')}) trials x folds "
        f"({r.n_folds}) run at once: raise search.concurrency, or take fewer ranks. Fits that "
        "are much shorter than 1 ms, or much longer than the others at the end, do the same.",
    )


def _failures(r: Results) -> Iterator[Finding]:
    """Many trials failed."""
    bad = r.trials[r.trials["state"].isin(["failed", "diverged", "timeout"])]
    if len(bad) <= 0.2 * r.n_trials:
        return
    example = bad["message"].iloc[0] or bad["state"].iloc[0]
    yield Finding(
        "failures",
        "Many trials failed",
        f"{len(bad)} of {r.n_trials}; the first said: {example}",
        "Narrow the ranges that lead there: the search spends its trials on them.",
    )


def _budget(r: Results) -> Iterator[Finding]:
    """The chosen model was still getting better when its epochs were over."""
    best = r.best
    if best is None or len(r.curves) == 0:
        return
    mine = r.curves[r.curves["trial"] == best.trial]
    table = mine.pivot(index="epoch", columns="fold", values="score").dropna()
    if len(table) < 8:
        return
    last = len(table) // 4
    gain = (table.iloc[-last:].mean() - table.iloc[-2 * last : -last].mean()) * (
        1 if r.maximize else -1
    )
    spread = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else np.nan
    mean = float(gain.mean())
    if len(gain) < 2 or mean <= 3 * spread or mean < 0.25 * np.nan_to_num(best.se):
        return
    yield Finding(
        "budget",
        "The chosen trial was still learning at its last epoch",
        f"Over the last quarter of its {len(table)} epochs {r.metric} got better by "
        f"{number(mean)} on average.",
        "Raise train.epochs.",
    )


def _ensemble(r: Results) -> Iterator[Finding]:
    """The ensemble is no better than one model, or nobody knows."""
    together = r.ensemble
    if together is None or (together.judged and together.preferred):
        return
    if together.judged:
        yield Finding(
            "ensemble",
            "The ensemble is not better than the single model",
            f"{r.metric} {number(together.honest_score)} on folds that had no part in choosing "
            f"its {len(together.members)} members, {number(together.honest_single)} of the best "
            "single trial so.",
            "Use the single model, as `foldrank predict` does. Models that err differently would "
            "help: more families, or wider ranges.",
        )
        return
    yield Finding(
        "ensemble",
        "The ensemble was only judged by the folds that chose its members",
        f"{r.metric} {number(together.score)}; the chosen trial alone "
        f"{number(together.single_score)}, but the first figure flatters.",
        "Take more folds, so that some can be kept from the choice, or compare the test scores.",
    )


def _unfinished(r: Results) -> Iterator[Finding]:
    if r.selection is None:
        yield Finding(
            "unfinished",
            "The search is not over",
            f"{len(r.complete)} of {r.n_trials} trials are complete so far. Nothing is selected, "
            "and there is no test score.",
            "Start the same `foldrank run` again to go on, then write the report anew.",
        )


_CHECKS: tuple[Callable[[Results], Iterator[Finding]], ...] = (
    _unfinished,
    _optimism,
    _edges,
    _bounds,
    _repeats,
    _ensemble,
    _budget,
    _failures,
    _idle,
)


def check(r: Results, others: Sequence[Results] = ()) -> list[Finding]:
    """Look for all that is suspicious.

    Parameters
    ----------
    r : Results
        Results of a study.
    others : sequence of Results
        Runs of the same study with other seeds.

    Returns
    -------
    list of Finding
        Most important first; empty when all is well.
    """
    found = [finding for run in _CHECKS for finding in run(r)]
    return [*found, *_seeds(r, others)]

"""The frames behind the plots, against the program's own numbers and closed forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

import foldrank
from foldrank import tidy
from foldrank.tidy.front import is_front, losses_of


def test_history_keeps_the_best_of_the_complete_trials(results):
    r = results("pruned")
    frame = tidy.history(r)
    best = np.nan
    for _, row in frame.iterrows():
        if row["state"] == "complete":
            best = np.nanmax([best, row["score"]])
        assert row["best"] == best or (np.isnan(best) and np.isnan(row["best"]))
    assert tidy.history(results("regression"))["best"].is_monotonic_decreasing


def test_curves_are_means_over_the_folds(results):
    r = results("pruned")
    frame = tidy.curves(r, 12)
    assert frame["trial"].nunique() == 12
    assert set(r.complete.index[:6]) <= set(frame["trial"])
    row = frame.iloc[3]
    own = r.curves[(r.curves["trial"] == row["trial"]) & (r.curves["epoch"] == row["epoch"])]
    assert row["score"] == pytest.approx(own["score"].mean())
    assert (row["low"], row["high"]) == (own["score"].min(), own["score"].max())


def test_settings_leave_out_inactive_parameters(results):
    r = results("complete")
    frame = tidy.settings(r)
    momentum = frame[frame["parameter"] == "momentum"]
    assert len(momentum) == (r.trials["params/optimizer"] == "sgd").sum()
    assert frame["position"].between(0, 1).all()
    assert frame[frame["place"] == 1]["trial"].nunique() == 1
    with pytest.raises(foldrank.MissingError, match="no parameter 'rate'; allowed: model"):
        tidy.settings(r, ["rate"])


def test_pairs(results):
    r = results("complete")
    frame = tidy.pair(r, "learning_rate", "optimizer")
    assert len(frame) == 24
    assert frame.loc[frame["place"].idxmin(), "score"] == r.trials["score_mean"].max()
    default = tidy.pair(r)
    assert default.attrs["x"] != default.attrs["y"]


def test_distribution(results):
    r = results("complete")
    frame = tidy.distribution(r)
    middle = frame["score"].iloc[11]
    assert (r.trials["score_mean"] <= middle).mean() >= frame["share"].iloc[11]
    assert frame["share"].iloc[-1] == 1


def test_importance_is_that_of_optuna(results):
    import optuna

    r = results("function")
    frame = tidy.importance(r).set_index("parameter")["importance"]
    study = r.to_optuna()
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    theirs = optuna.importance.get_param_importances(study, evaluator=evaluator)
    for name, share in theirs.items():
        assert frame[name] == pytest.approx(share, abs=1e-12)
    scopes = tidy.importance(results("complete"))
    assert set(scopes["scope"]) == {
        "all trials",
        "model = softmax",
        "model = mlp",
        "optimizer = sgd",
    }
    np.testing.assert_allclose(scopes.groupby("scope")["importance"].sum(), 1)


def test_paired_test_agrees_with_the_program(results):
    r = results("paired_test")
    frame = tidy.paired(r, 12)
    best = r.selection.ranking["trial"].iloc[0]
    ours = frame[frame["b"] == best].set_index("a").loc[r.selection.ranking["trial"]]
    np.testing.assert_allclose(ours["p_value"], r.selection.ranking["p_value"], rtol=1e-9)
    np.testing.assert_allclose(
        ours["difference"], r.selection.ranking["difference"], atol=1e-12
    )


def test_paired_p_value_without_correction_is_students():
    random = np.random.default_rng(0)
    a, b = random.normal(size=8), random.normal(size=8)
    wanted = stats.ttest_rel(a, b).pvalue
    assert tidy.paired_p_value(a - b, 0.0) == pytest.approx(wanted)
    assert tidy.paired_p_value(np.zeros(5), 0.25) == 1
    assert np.isnan(tidy.paired_p_value(np.ones(1), 0.25))


def test_expected_best_agrees_with_the_program_and_with_enumeration(results):
    r = results("dice")
    np.testing.assert_allclose(tidy.expected(r)["score"], r.selection.expected, rtol=1e-12)
    small = results("diverged")
    scores = small.complete["score_mean"]
    for k in range(1, len(scores) + 1):
        draws = [max(draw) for draw in itertools.combinations(scores, k)]
        assert tidy.expected(small)["score"].iloc[k - 1] == pytest.approx(np.mean(draws))


def test_dice_in_closed_form_is_near_the_rounds_of_the_program(results):
    r = results("dice")
    played = tidy.dice(r, 16)
    exact = tidy.dice(r, 16, k=5)
    assert played.attrs["k"] == exact.attrs["k"] == 5
    assert exact["share"].sum() == pytest.approx(1)
    rounds = 400
    spread = np.sqrt(exact["share"] * (1 - exact["share"]) / rounds)
    tied = r.complete["score_mean"].duplicated(keep=False).to_numpy()
    off = np.abs(played["share"].to_numpy() - exact["share"].to_numpy())
    assert (off[~tied] <= 5 * spread.to_numpy()[~tied] + 1e-9).all()


def test_timeline_covers_every_rank_without_gap_or_overlap(results):
    r = results("complete")
    frame = tidy.timeline(r)
    start, end = frame["start_s"].min(), frame["end_s"].max()
    assert set(frame["kind"]) <= {"fit", "waiting", "idle"}
    assert (frame["kind"] == "fit").sum() == len(r.folds)
    for _, part in frame.groupby("rank"):
        assert part["start_s"].iloc[0] == start
        assert (part["end_s"] - part["start_s"]).sum() == pytest.approx(end - start, rel=1e-6)
    busy = tidy.utilisation(r)
    assert (busy["busy"] > 0).all() and (busy["busy"] <= 1).all()


def test_time_when_the_run_was_not_there_is_no_idle_time(results):
    r = results("grid")
    folds = r.folds.copy()
    late = folds["trial"] >= 6
    folds.loc[late, ["start_s", "end_s"]] += 3600
    r.__dict__["folds"] = folds
    frame = tidy.timeline(r)
    stopped = frame[frame["kind"] == "stopped"]
    assert (stopped["end_s"] - stopped["start_s"]).sum() == pytest.approx(3600, rel=0.01)
    assert tidy.utilisation(r)[["waiting", "idle"]].to_numpy().sum() < 60


def test_scaling(results):
    frame = tidy.scaling([results("complete"), results("one_standard_error")])
    assert list(frame["cores"]) == [1, 2]
    assert frame["speedup"].iloc[0] == frame["efficiency"].iloc[0] == 1
    assert frame["efficiency"].iloc[1] == pytest.approx(frame["speedup"].iloc[1] / 2)


def test_what_is_missing_is_named(results):
    with pytest.raises(foldrank.MissingError, match="one fold each"):
        tidy.paired(results("function"))
    with pytest.raises(foldrank.MissingError, match="no learning curves"):
        tidy.curves(results("function"))
    with pytest.raises(foldrank.MissingError, match="one objective"):
        tidy.pareto(results("grid"))


def test_hypervolume_of_boxes():
    reference = np.array([4.0, 4.0])
    points = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [3.5, 3.5]])
    assert tidy.volume(points, reference) == pytest.approx(6)
    cube = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, -1.0], [5.0, 0.0, 0.0]])
    assert tidy.volume(cube, np.ones(3)) == pytest.approx(1.25)


def test_front_and_hypervolume_of_several_objectives(results):
    r = results("objectives")
    assert r.objectives == {"accuracy": "maximize", "parameters": "minimize"}
    frame = tidy.pareto(r)
    assert set(frame.index[frame["front"]]) == set(r.selection.front)
    ours = is_front(losses_of(r, r.trials))
    np.testing.assert_array_equal(ours, frame["front"])

    stored = tidy.hypervolume(r)
    np.testing.assert_array_equal(stored["hypervolume"], r.selection.extra["hypervolume"])
    reference = r.selection.extra["reference"] * [-1, 1]
    whole = tidy.volume(losses_of(r, r.trials), reference)
    assert whole == pytest.approx(stored["hypervolume"].iloc[-1])

    study = r.to_optuna()
    assert {trial.number for trial in study.best_trials} == set(r.selection.front)
    assert study.best_trials[0].values == [
        r.trials.at[study.best_trials[0].number, f"scores/{name}"] for name in r.objectives
    ]


def test_front_and_hypervolume_while_the_search_goes_on(results):
    finished, going = results("objectives"), results("objectives")
    going.__dict__["selection"] = None
    front = tidy.pareto(finished)["front"]
    np.testing.assert_array_equal(tidy.pareto(going)["front"], front)
    volume = tidy.hypervolume(going)["hypervolume"]
    assert volume.is_monotonic_increasing and 0 < volume.iloc[-1] <= 1.001


def test_scores_of_all_objectives(results):
    r = results("objectives")
    for name in r.objectives:
        means = r.folds.groupby("trial")[f"scores/{name}"].mean()
        np.testing.assert_allclose(means, r.trials[f"scores/{name}"])
    assert r.selection.test_scores == {"accuracy": r.selection.test_score}
    assert not results("complete").objectives

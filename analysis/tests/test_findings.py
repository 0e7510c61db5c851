"""Each warning: a study that triggers it, and one that must not."""

from __future__ import annotations

import csv
import shutil

import h5py
import numpy as np
import pytest
import studies
from scipy import stats

import foldrank
from foldrank import findings, honest, report, words


def codes(r, others=()):
    return {finding.code for finding in findings.check(r, others)}


def function(name, parameters, trials=60, extra=""):
    return f"""
objective: {{type: function, function: {name}, direction: minimize, {extra}
  parameters: {parameters}}}
search: {{method: random, trials: {trials}, seed: 1}}
"""


def run(directory, text, name="study", ranks=1):
    return foldrank.open(studies.run(directory, name, text, ranks))


def test_edge_of_the_search_space(tmp_path):
    hit = run(tmp_path, function("sphere", "{x: {float: [2, 10]}, y: {float: [-5, 5]}}"), "hit")
    found = [f for f in findings.check(hit) if f.code == "edge"]
    assert [f.title for f in found] == ["The search of x hits the lower end of its range"]
    assert "beyond 2" in found[0].advice
    inside = function("sphere", "{x: {float: [-4, 6]}, y: {float: [-5, 5]}}")
    assert "edge" not in codes(run(tmp_path, inside, "inside"))


def test_edges_of_whole_numbers_and_of_log_ranges(tmp_path):
    text = function("sphere", "{n: {int: [1, 20]}, y: {log: [0.1, 1000]}}", 200)
    found = [f.title for f in findings.check(run(tmp_path, text)) if f.code == "edge"]
    assert any("search of n hits the lower" in title for title in found)
    few = function("sphere", "{n: {int: [1, 2]}, y: {float: [-5, 5]}}", 200)
    assert "edge" not in codes(run(tmp_path, few, "few"))


def test_optimum_at_a_bound(tmp_path):
    at = function("sphere", "{x: {int: [0, 6]}, y: {float: [-1, 1]}}", 100)
    found = [f for f in findings.check(run(tmp_path, at, "at")) if f.code == "bound"]
    assert [f.title for f in found] == ["The optimum of x is at its lower bound"]
    inside = function("sphere", "{x: {int: [-3, 3]}, y: {float: [-1, 1]}}", 100)
    assert "bound" not in codes(run(tmp_path, inside, "inside"))


def test_seeds_that_disagree(tmp_path):
    space = "{x: {float: [-500, 500]}, y: {float: [-500, 500]}, z: {float: [-500, 500]}}"
    few = function("sphere", space, 3)
    one = run(tmp_path, few, "one")
    two = run(tmp_path, few.replace("seed: 1", "seed: 2"), "two")
    found = [f for f in findings.check(one, [two]) if f.code == "seeds"]
    assert "disagree about the best score" in found[0].title
    same = run(tmp_path, few, "same")
    assert "seeds" not in codes(one, [same])


def test_seeds_that_choose_different_settings(tmp_path):
    text = function("mixed", "{word: {choice: [a, b]}, n: {choice: [1, 2]}}", 2)
    runs = []
    for seed in range(1, 9):
        seeded = text.replace("seed: 1", f"seed: {seed}")
        runs.append(run(tmp_path, seeded, f"seed{seed}"))
    best = runs[0].best.params
    other = next(r for r in runs if r.best.params != best)
    found = [f for f in findings.check(runs[0], [other]) if f.code == "seeds"]
    assert len(found) == 1 and found[0].title.startswith("Runs with different seeds choose")


def write_rows(path, rows, signal, random):
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["a", "b", "c", "y"])
        for _ in range(rows):
            x = random.normal(size=3)
            y = x[0] if signal else random.normal()
            writer.writerow([*np.round(x, 4), "yes" if y > 0 else "no"])


TRAINING = """
data: {{path: {train}, target: y, task: classification, test: {{path: {test}}}}}
validation: {{scheme: stratified_kfold, folds: 5, repeats: {repeats}}}
models: {{softmax: {{l2: {{log: [1.0e-6, 0.1]}}}}}}
train: {{learning_rate: {{log: [0.003, 0.03]}}, epochs: {epochs}}}
search: {{method: random, trials: {trials}, seed: 1}}
"""


def training(tmp_path, name, learns, tests, trials=8, repeats=1, epochs=4):
    random = np.random.default_rng(5)
    train, test = tmp_path / f"{name}-train.csv", tmp_path / f"{name}-test.csv"
    write_rows(train, 300, learns, random)
    write_rows(test, 300, tests, random)
    text = TRAINING.format(
        train=train, test=test, trials=trials, repeats=repeats, epochs=epochs
    )
    return run(tmp_path, text, name)


def test_selected_score_far_above_the_test_score(tmp_path):
    shifted = training(tmp_path, "shifted", True, False)
    found = [f for f in findings.check(shifted) if f.code == "optimism"]
    assert len(found) == 1 and "far above" in found[0].title
    assert "optimism" not in codes(training(tmp_path, "alike", True, True))


def test_repeats_that_disagree_about_the_best(tmp_path):
    noise = training(tmp_path, "noise", False, False, trials=48, repeats=5)
    found = [f for f in findings.check(noise) if f.code == "seeds"]
    assert len(found) == 1 and "Shuffles of the folds" in found[0].title
    clear = f"""
data: {{path: {studies.ROOT}/data/breast_cancer.csv.gz, target: diagnosis, task: classification}}
validation: {{scheme: stratified_kfold, folds: 3, repeats: 2}}
models: {{softmax: {{}}}}
train: {{learning_rate: {{log: [1.0e-9, 0.03]}}, epochs: 2}}
search: {{method: random, trials: 10, seed: 1}}
"""
    assert "seeds" not in codes(run(tmp_path, clear, "clear"))


ENSEMBLE = """
data: {{path: {root}/data/{data}, task: {task}, target: {target}, test: {{fraction: 0.2}}}}
validation: {{scheme: kfold, folds: {folds}}}
models: {models}
train: {{learning_rate: {rate}, epochs: 6}}
search: {{method: random, trials: {trials}, seed: 1}}
ensemble: {{size: 8, bags: 3}}
"""


def test_an_ensemble_that_is_not_better(tmp_path):
    cancer = {"data": "breast_cancer.csv.gz", "task": "classification", "target": "diagnosis"}
    # one trial learns, the others hardly do
    alone = ENSEMBLE.format(
        root=studies.ROOT,
        **cancer,
        folds=4,
        models="{softmax: {}}",
        rate="{choice: [0.01, 1.0e-7, 1.0e-8]}",
        trials=3,
    )
    found = [f for f in findings.check(run(tmp_path, alone, "alone")) if f.code == "ensemble"]
    assert [f.title for f in found] == ["The ensemble is not better than the single model"]
    few = ENSEMBLE.format(
        root=studies.ROOT, **cancer, folds=2, models="{softmax: {}}", rate=0.01, trials=1
    ).replace("kfold, folds: 2", "holdout, fraction: 0.3")
    found = [f for f in findings.check(run(tmp_path, few, "few")) if f.code == "ensemble"]
    assert [f.title for f in found] == [
        "The ensemble was only judged by the folds that chose its members"
    ]
    mixed = ENSEMBLE.format(
        root=studies.ROOT,
        data="diabetes.csv.gz",
        task="regression",
        target="-1",
        folds=4,
        models="{linear: {}, mlp: {hidden: [8], activation: {choice: [tanh, relu]}}}",
        rate="{log: [0.003, 0.1]}",
        trials=16,
    )
    r = run(tmp_path, mixed, "mixed")
    assert r.ensemble.preferred and len(r.ensemble.members) > 1
    assert "ensemble" not in codes(r)
    assert r.ensemble.members["weight"].sum() == pytest.approx(1)
    predicted = r.ensemble.test
    error = np.sqrt(np.mean((predicted["truth"] - predicted["prediction"]) ** 2))
    assert error == pytest.approx(r.ensemble.test_score, rel=1e-5)
    assert "takes them together" in " ".join(words.sentences(r))
    text = report.write(r, tmp_path / "report.html").read_text()
    assert "weight in the ensemble" in text
    assert run(tmp_path, function("sphere", "{x: {float: [0, 1]}}", 5), "none").ensemble is None


def test_idle_ranks(tmp_path):
    text = """
objective: {type: function, function: sphere, direction: minimize, sleep: 2.2,
  parameters: {x: {float: [-1, 1]}}}
search: {method: random, trials: 2, seed: 1, concurrency: 2}
"""
    found = [f for f in findings.check(run(tmp_path, text, "idle", 3)) if f.code == "idle"]
    assert len(found) == 1 and "search.concurrency (2)" in found[0].advice
    busy = run(tmp_path, text, "busy", 2)
    assert "idle" not in codes(busy)


def test_failures(results):
    assert "failures" in codes(results("failed"))
    assert "failures" in codes(results("diverged"))
    assert "failures" not in codes(results("complete"))


def test_a_trial_that_was_still_learning(tmp_path):
    text = """
data: {{path: {0}/data/diabetes.csv.gz, target: -1, task: regression}}
metric: rmse
models: {{linear: {{}}}}
train: {{optimizer: sgd, learning_rate: {{float: [{1}, {2}]}}, epochs: 20}}
search: {{method: random, trials: 3, seed: 1}}
"""
    slow = run(tmp_path, text.format(studies.ROOT, 0.0004, 0.0005), "slow")
    assert "budget" in codes(slow)
    fast = run(tmp_path, text.format(studies.ROOT, 0.02, 0.03), "fast")
    assert "budget" not in codes(fast)


def test_a_search_that_is_not_over(tmp_path, output):
    path = tmp_path / "unfinished.h5"
    shutil.copy(output("complete") / "results.h5", path)
    with h5py.File(path, "r+") as file:
        del file["selection"]
    assert codes(foldrank.open(path)) == {"unfinished"}
    assert "unfinished" not in codes(foldrank.open(output("complete")))


def test_interval_of_an_accuracy_is_wilsons(results):
    r = results("complete")
    judged = honest.estimate(r)
    right = round(judged.test * r.attributes["test_rows"])
    wanted = stats.binomtest(right, r.attributes["test_rows"]).proportion_ci(method="wilson")
    assert (judged.low, judged.high) == pytest.approx((wanted.low, wanted.high))
    assert judged.optimism == pytest.approx(judged.selected - judged.test)
    assert "114 test rows" in judged.assumes


def test_interval_of_an_error_is_drawn_from_the_test_rows(results):
    r = results("regression")
    judged = honest.estimate(r)
    square = (r.test["truth"] - r.test["prediction"]) ** 2
    assert np.sqrt(square.mean()) == pytest.approx(judged.test, rel=1e-5)
    # The delta method: the square root of a mean of squares.
    assert judged.test_se == pytest.approx(square.sem() / (2 * judged.test), rel=0.2)
    assert judged.low < judged.test < judged.high
    assert judged.optimism == pytest.approx(judged.test - judged.selected)
    assert honest.estimate(results("function")) is None


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc", "f1_macro", "mcc"])
def test_other_metrics_of_the_test_rows_are_the_programs(tmp_path, metric):
    text = studies.CANCER + studies.TWO_FAMILIES
    text += f"metric: {metric}\nsearch: {{method: random, trials: 2}}\n"
    r = run(tmp_path, text)
    score = honest._score(metric, r)
    assert score(r.test) == pytest.approx(r.best.test_score, rel=1e-4)
    assert "bootstrap of 114" in honest.estimate(r).assumes


def test_interval_without_test_rows_in_the_file_is_near_that_with_them(output, tmp_path):
    path = tmp_path / "before.h5"
    shutil.copy(output("regression") / "results.h5", path)
    with h5py.File(path, "r+") as file:
        del file["test"]
    exact = honest.estimate(foldrank.open(output("regression")))
    rough = honest.estimate(foldrank.open(path))
    assert "spread between folds" in rough.assumes
    assert 0.4 * exact.test_se < rough.test_se < 2.5 * exact.test_se

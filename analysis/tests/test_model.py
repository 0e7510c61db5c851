"""The model in numpy and what it explains, against the program and scikit-learn."""

from __future__ import annotations

import subprocess

import h5py
import numpy as np
import pandas as pd
import pytest
import studies
from scipy.special import expit
from sklearn.calibration import _SigmoidCalibration
from sklearn.metrics import brier_score_loss, confusion_matrix, r2_score

import foldrank
from foldrank import explain, report, words
from foldrank.model import read_rows

HPC = f"""
data: {{path: {studies.ROOT}/data/hpc_data.csv.gz, target: class, task: classification}}
search: {{method: random, trials: 2}}
train: {{epochs: 2}}
"""
MODELS = {
    "gelu": HPC + "preprocess: {encode: onehot}\n"
    "models: {mlp: {hidden: [8], activation: {choice: [gelu]}, dropout: {float: [0, 0.1]}}}\n",
    "leaky": HPC + "preprocess: {encode: ordinal, scale: minmax}\n"
    "models: {mlp: {hidden: [8, 4], activation: leaky_relu, dropout: {float: [0, 0.1]}}}\n",
    "svm": HPC + "models: {svm: {l2: {log: [0.0001, 0.01]}}}\n",
    "odds": HPC
    + "models: {mlp: {hidden: [8], dropout: {float: [0, 0.1]}}}\ncalibrate: platt\n",
    "margins": HPC + "models: {svm: {l2: {log: [0.0001, 0.01]}}}\ncalibrate: platt\n",
    "warm": HPC + "models: {softmax: {l2: {log: [0.0001, 0.01]}}}\ncalibrate: temperature\n",
    "two": studies.CANCER + "models: {svm: {l2: {log: [0.0001, 0.01]}}}\ntrain: {epochs: 2}\n"
    "search: {method: random, trials: 2}\ncalibrate: {method: platt, threshold: 0.9}\n",
    "sigmoid": studies.DIABETES
    + "models: {mlp: {hidden: [8], activation: sigmoid, dropout: {float: [0, 0.1]}}}\n"
    "train: {epochs: 2}\nsearch: {method: random, trials: 2}\n",
}
DATA = {"sigmoid": "data/diabetes.csv.gz", "two": "data/breast_cancer.csv.gz"}


@pytest.mark.parametrize("name", MODELS)
def test_it_predicts_like_the_program(tmp_path, name):
    directory = studies.run(tmp_path, name, MODELS[name])
    data = studies.ROOT / DATA.get(name, "data/hpc_data.csv.gz")
    file = tmp_path / "predictions.h5"
    subprocess.run(
        [studies.FOLDRANK, "predict", str(directory), str(data), "-o", str(file)],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    r = foldrank.open(directory)
    x, _ = read_rows(r, data)
    with h5py.File(file) as predictions:
        outputs = predictions["outputs"][()]
        theirs = predictions["prediction"][()]
    model = r.model
    if not model.is_classifier:
        np.testing.assert_allclose(model.predict(x), theirs, rtol=1e-5)
        return
    ours = model.decision_function(x) if name == "svm" else model.predict_proba(x)
    np.testing.assert_allclose(ours, outputs, atol=2e-5)
    assert (model.predict(x) == theirs.astype(str)).mean() > 0.999


def test_what_calibration_did(tmp_path, results):
    text = (
        studies.CANCER
        + "models: {mlp: {hidden: [16]}}\ntrain: {epochs: 30, learning_rate: 0.02}\n"
    )
    text += "search: {method: random, trials: 1}\ncalibrate: {method: platt, threshold: tune}\n"
    text += "explain: {when: always}\n"
    r = foldrank.open(studies.run(tmp_path, "sure", text))
    frame = r.calibration
    assert list(frame.index) == ["log_loss", "brier", "calibration_error", "accuracy"]
    assert frame.at["accuracy", "test_after"] == r.best.test_score
    assert (r.test["truth"] == r.test["prediction"]).mean() == pytest.approx(r.best.test_score)
    label = r.model.classes_[1]
    truth = r.test["truth"] == label
    error = brier_score_loss(truth, r.test[f"output/{label}"])
    assert frame.at["brier", "test_after"] == pytest.approx(error, rel=1e-5)
    assert (
        frame.at["log_loss", "out_of_fold_after"] < frame.at["log_loss", "out_of_fold_before"]
    )
    said = [s for s in words.sentences(r) if "calibrated (method platt" in s]
    assert len(said) == 1 and f"brier {frame.at['brier', 'test_after']:.4g} (before" in said[0]
    assert results("grid").calibration.empty
    # By scikit-learn, from the out-of-fold predictions that the file holds.
    held = r.out_of_fold
    odds = np.log(held[f"output/{label}"]) - np.log(held[f"output/{r.model.classes_[0]}"])
    fit = _SigmoidCalibration().fit(odds.to_numpy(float), held["truth"] == label)
    assert r.model.calibration.slope[0] == pytest.approx(-fit.a_, rel=1e-3)
    assert r.model.calibration.intercept[0] == pytest.approx(-fit.b_, abs=1e-3)
    sure = expit(-fit.a_ * odds - fit.b_)
    right = [((sure > at) == (held["truth"] == label)).mean() for at in [*sure, 0.5]]
    assert frame.at["accuracy", "out_of_fold_after"] == pytest.approx(max(right))


def test_missing_and_unknown_cells(tmp_path):
    directory = studies.run(tmp_path, "gelu", MODELS["gelu"])
    data = pd.read_csv(studies.ROOT / "data/hpc_data.csv.gz").head(40)
    data.loc[::3, "compounds"] = np.nan
    data.loc[::4, "protocol"] = "never seen"
    data.loc[1::4, "protocol"] = np.nan
    csv, file = tmp_path / "rows.csv", tmp_path / "p.h5"
    data.to_csv(csv, index=False)
    subprocess.run(
        [studies.FOLDRANK, "predict", str(directory), str(csv), "-o", str(file)],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    r = foldrank.open(directory)
    x, _ = read_rows(r, data)
    with h5py.File(file) as predictions:
        np.testing.assert_allclose(
            r.model.predict_proba(x), predictions["outputs"][()], atol=2e-5
        )


def test_confusion_is_that_of_scikit_learn(results):
    r = results("grid")
    data = studies.ROOT / "data/breast_cancer.csv.gz"
    x, truth = read_rows(r, data)
    frame = explain.confusion(r, data).pivot(index="truth", columns="prediction", values="rows")
    classes = list(r.model.classes_)
    wanted = confusion_matrix(truth, r.model.predict(x), labels=classes)
    np.testing.assert_array_equal(frame.loc[classes, classes], wanted)


def test_without_rows_the_test_rows_are_looked_at(results):
    r = results("grid")
    test = r.test
    rows = pd.read_csv(studies.ROOT / "data/breast_cancer.csv.gz").loc[test.index]
    given = explain.confusion(r, rows)
    pd.testing.assert_frame_equal(explain.confusion(r), given)
    assert given["rows"].sum() == 114
    right = (test["truth"] == test["prediction"]).mean()
    assert right == pytest.approx(r.best.test_score)
    pd.testing.assert_frame_equal(
        explain.calibration(r), explain.calibration(r, rows), rtol=1e-4
    )
    residuals = explain.residuals(results("regression"))
    assert np.sqrt((residuals["residual"] ** 2).mean()) == pytest.approx(
        results("regression").best.test_score, rel=1e-5
    )


def test_importance_of_columns_and_dependence(results):
    r = results("regression")
    data = studies.ROOT / "data/diabetes.csv.gz"
    x, truth = read_rows(r, data)
    frame = explain.permutation(r, data, repeats=3)
    assert set(frame["feature"]) == set(x.columns)
    assert {"bmi", "s5"} & set(frame["feature"].head(2))
    assert frame["importance"].max() < 2 * r2_score(truth, r.model.predict(x)) + 1
    line = explain.dependence(r, data, "bmi")
    at = line.iloc[7]
    assert at["prediction"] == pytest.approx(r.model.predict(x.assign(bmi=at["value"])).mean())
    with pytest.raises(foldrank.MissingError, match="no input 'weight'"):
        explain.dependence(r, data, "weight")


def test_rows_of_another_kind_are_refused(results):
    r = results("grid")
    with pytest.raises(foldrank.MissingError, match="no column 'diagnosis'"):
        explain.confusion(r, pd.DataFrame({"a": [1], "b": [2]}))
    rows = pd.DataFrame({"mean_radius": [1.0], "diagnosis": ["benign"]})
    with pytest.raises(foldrank.MissingError, match="lack the columns"):
        explain.confusion(r, rows)


def test_what_the_run_has_explained(tmp_path):
    study = studies.STUDIES["grid"].replace("       test: {fraction: 0.2, seed: 7}", "")
    study = study.replace("classification,", "classification")
    r = foldrank.open(
        studies.run(tmp_path, "grid", study + "explain: {when: always, features: 3}\n")
    )
    assert r.test is None
    held = r.out_of_fold
    assert len(held) == 569
    classes = list(r.model.classes_)
    frame = explain.confusion(r).pivot(index="truth", columns="prediction", values="rows")
    wanted = confusion_matrix(held["truth"], held["prediction"], labels=classes)
    np.testing.assert_array_equal(frame.loc[classes, classes], wanted)
    bins = explain.calibration(r)
    assert set(bins["label"]) == {classes[1]} and bins["rows"].sum() == 569
    came_true = (bins["observed"] * bins["rows"]).sum()
    assert came_true == pytest.approx((held["truth"] == classes[1]).sum())
    drops = explain.permutation(r)
    assert set(drops["feature"]) == set(r.model.feature_names_in_)
    assert drops.attrs["what"] == "loss in accuracy" and drops["importance"].iloc[0] > 0
    line = explain.dependence(r)
    first = drops["feature"].iloc[0]
    assert set(line["feature"]) == {first}
    data = studies.ROOT / "data/breast_cancer.csv.gz"
    x, _ = read_rows(r, data)
    at = line[line["label"] == classes[1]].iloc[5]
    changed = r.model.predict_proba(x.assign(**{first: at["value"]})).mean(axis=0)
    assert at["prediction"] == pytest.approx(changed[1], rel=1e-5)
    with pytest.raises(foldrank.MissingError, match="no dependence on 'weight'; it has: "):
        explain.dependence(r, feature="weight")
    rows = explain.hardest(r)
    assert (rows["truth"] != rows["prediction"]).iloc[0]
    loss = -np.log(held.loc[rows.index[0], f"output/{rows['truth'].iloc[0]}"])
    assert rows["loss"].iloc[0] == pytest.approx(loss, rel=1e-5)
    for draw in (foldrank.plot.permutation, foldrank.plot.dependence, foldrank.plot.confusion):
        assert draw(r).get_xlabel()


def test_residuals_of_the_folds(tmp_path):
    study = studies.STUDIES["regression"].replace("       test: {fraction: 0.2, seed: 7}", "")
    study = study.replace("regression,", "regression")
    r = foldrank.open(studies.run(tmp_path, "regression", study + "explain: {when: always}\n"))
    assert len(explain.residuals(r)) == 442
    assert explain.permutation(r).attrs["what"] == "loss in rmse"


def test_scores_of_groups(tmp_path):
    text = f"""
data: {{path: {studies.ROOT}/data/hpc_data.csv.gz, target: class, task: classification,
       group: protocol}}
models: {{softmax: {{}}}}
train: {{learning_rate: {{log: [1.0e-2, 1.0e-1]}}, epochs: 2}}
search: {{method: random, trials: 2}}
explain: {{when: always}}
"""
    r = foldrank.open(studies.run(tmp_path, "groups", text))
    rows = pd.read_csv(studies.ROOT / "data/hpc_data.csv.gz")
    held = r.out_of_fold
    right = (held["truth"] == held["prediction"]).groupby(rows["protocol"]).mean()
    frame = explain.groups(r)
    names = rows["protocol"][frame["first_row"]]
    assert list(frame["rows"]) == list(rows["protocol"].value_counts()[names])
    np.testing.assert_allclose(frame["score"], right[names])
    assert frame["score"].is_monotonic_increasing and len(frame) > 5
    figures = report.write(r, tmp_path / "report.html").read_text()
    assert (
        "Scores of the groups" in figures
        and f"group of row {frame['first_row'].iloc[0]}" in figures
    )

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import studies
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

import foldrank
from foldrank import words


def raw(path: Path, name: str):
    with h5py.File(path / "results.h5") as file:
        data = file[name]
        return data.asstr()[()] if data.dtype.kind == "S" else data[()]


def test_trials_hold_what_the_file_holds(output, results):
    r = results("pruned")
    assert list(r.trials.index) == list(range(40))
    for column in ("state", "score_mean", "score_se", "folds_done", "epochs", "message"):
        np.testing.assert_array_equal(
            r.trials[column], raw(output("pruned"), f"trials/{column}")
        )
    assert {"complete", "pruned"} == set(r.trials["state"])


def test_parameters_have_real_types(results):
    trials = results("pruned").trials
    assert trials["params/batch_size"].dtype == np.int64
    assert trials["params/learning_rate"].dtype == np.float64
    hidden = trials["params/mlp.hidden"]
    assert set(hidden.dropna()) == {(16,), (8, 4)}
    assert set(trials.groupby("params/mlp.hidden")["score_mean"].mean().index) == {
        (16,),
        (8, 4),
    }


def test_a_conditional_parameter_is_there_where_its_condition_holds(results):
    trials = results("pruned").trials
    sgd = trials["params/optimizer"] == "sgd"
    assert trials.loc[sgd, "params/momentum"].notna().all()
    assert trials.loc[~sgd, "params/momentum"].isna().all()
    mlp = trials["params/model"] == "mlp"
    assert trials.loc[~mlp, "params/mlp.hidden"].isna().all()
    r = results("pruned")
    assert all(("momentum" in p) == (p["optimizer"] == "sgd") for p in r.settings)


def test_booleans_are_booleans(results):
    assert results("failed").trials["params/half"].dtype == bool


def test_folds_curves_and_ranks(results):
    r = results("pruned")
    assert set(r.folds["state"]) <= {"complete", "pruned", "cancelled"}
    assert (r.folds.groupby("trial")["fold"].apply(lambda f: f.is_monotonic_increasing)).all()
    done = r.folds[r.folds["state"] == "complete"]
    length = r.curves.groupby(["trial", "fold"])["epoch"].max()
    keys = pd.MultiIndex.from_frame(done[["trial", "fold"]])
    np.testing.assert_array_equal(length.loc[keys], done["epochs"])
    assert len(r.ranks) == 2
    assert r.ranks["fits"].sum() >= len(done)


def test_mean_score_follows_from_the_folds(results):
    r = results("complete")
    means = r.folds.groupby("trial")["score"].mean()
    np.testing.assert_allclose(means, r.trials["score_mean"], rtol=1e-12)
    errors = r.folds.groupby("trial")["score"].sem()
    np.testing.assert_allclose(errors, r.trials["score_se"], rtol=1e-9)


def test_space(results):
    space = results("pruned").space
    assert space["learning_rate"].kind == "log"
    assert (space["learning_rate"].low, space["learning_rate"].high) == (1e-3, 1e-1)
    assert space["mlp.hidden"].choices == ((16,), (8, 4))
    assert space["momentum"].condition == "optimizer = sgd"
    assert space["batch_size"].choices == (32, 64)
    np.testing.assert_allclose(space["learning_rate"].position([1e-3, 1e-2, 1e-1]), [0, 0.5, 1])
    np.testing.assert_allclose(
        space["mlp.hidden"].position([(16,), None, (8, 4)]), [0, np.nan, 1]
    )
    assert list(space.frame.index) == list(space)


def test_small_numbers_among_choices_are_numbers(tmp_path):
    text = """
objective:
  type: function
  function: mixed
  direction: minimize
  parameters: {rate: {choice: [1.0e-6, 0.001]}, word: {choice: [no, off, 010, "null"]}}
search: {method: random, trials: 4}
"""
    r = foldrank.open(studies.run(tmp_path, "words", text))
    assert r.space["rate"].choices == (1e-6, 1e-3)
    assert r.trials["params/rate"].dtype == np.float64
    assert "no" in r.space["word"].choices


def test_best_and_selection(results):
    r = results("one_standard_error")
    best, selection = r.best, r.selection
    assert selection.rule == "one_standard_error"
    assert best.trial == selection.chosen and best.chosen
    assert best.score == r.trials.at[best.trial, "score_mean"]
    assert 0.8 < best.test_score <= 1
    assert list(selection.ranking["trial"]) == list(r.complete.index)
    assert best.params == r.params(best.trial)
    assert "p_value" in results("paired_test").selection.ranking
    dice = results("dice").selection
    assert len(dice.round_winner) == 400
    assert dice.ranking["win_share"].sum() == pytest.approx(1)


def test_failed_and_diverged_trials_are_rows_with_a_message(results):
    for name in ("failed", "diverged"):
        trials = results(name).trials
        bad = trials[trials["state"] == name]
        assert len(bad) > 0
        assert (bad["message"] != "").all()
        assert bad["score_mean"].isna().all()


def test_cv_results_has_the_layout_of_scikit_learn(results):
    r = results("grid")
    x, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    search = GridSearchCV(
        LogisticRegression(), {"C": [1, 2]}, cv=r.n_folds, return_train_score=True
    ).fit(x, y)
    ours, theirs = r.cv_results_, search.cv_results_
    wanted = [key for key in theirs if not key.startswith("param_")]
    assert [key for key in ours if not key.startswith("param_")] == wanted
    assert [key[6:] for key in ours if key.startswith("param_")] == list(r.space)
    frame = pd.DataFrame(ours)
    assert len(frame) == 12
    np.testing.assert_allclose(frame["mean_test_score"], r.trials["score_mean"])
    splits = frame[[f"split{i}_test_score" for i in range(r.n_folds)]]
    np.testing.assert_allclose(frame["std_test_score"], splits.std(axis=1, ddof=0))
    ranks = frame["mean_test_score"].rank(method="min", ascending=False)
    np.testing.assert_array_equal(frame["rank_test_score"], ranks)


def test_cv_results_ranks_by_direction_and_puts_failures_last(results):
    regression = results("regression").cv_results_
    best = np.argmin(regression["mean_test_score"])
    assert regression["rank_test_score"][best] == 1
    r = results("failed")
    ranks = r.cv_results_["rank_test_score"]
    failed = (r.trials["state"] == "failed").to_numpy()
    assert set(ranks[failed]) == {(~failed).sum() + 1}
    assert r.cv_results_["param_y"].mask.any()


def test_provenance(results):
    r = results("pruned")
    assert r.attributes["content"] == "foldrank results"
    assert r.attributes["ranks"] == 2
    assert r.config["train"]["batch_size"] == {"choice": [32, 64]}
    assert r.study.startswith("study: pruned")
    assert (r.name, r.metric, r.direction, r.n_folds) == ("pruned", "accuracy", "maximize", 5)
    assert r.config["models"]["softmax"]["l2"] == {"log": [1e-6, 0.1]}


def test_compare(output, results, tmp_path):
    r = results("grid")
    same = r.compare(output("grid"))
    assert same.equal and same.study.empty and (same.trials["difference"] == 0).all()
    other = studies.run(tmp_path, "grid", studies.STUDIES["grid"], settings=("train.epochs=2",))
    different = r.compare(other)
    assert not different.equal
    assert different.study.loc["train.epochs"].tolist() == ["4", "2"]
    assert len(different.trials) == 12
    assert different.summary.loc["trials"].tolist() == [12, 12]


def test_wrong_newer_and_torn_files(output, tmp_path):
    good = output("grid") / "results.h5"

    def refused(path: Path, error: type[foldrank.FoldrankError], text: str) -> None:
        with pytest.raises(error, match=text) as caught:
            r = foldrank.open(path)
            r.trials, r.folds, r.curves
        assert str(path) in str(caught.value)

    refused(tmp_path / "nothing", foldrank.WrongFileError, "no such file")
    refused(tmp_path, foldrank.WrongFileError, "holds no results.h5")
    refused(output("grid") / "journal.bin", foldrank.WrongFileError, "journal")
    text = tmp_path / "text.h5"
    text.write_text("hello")
    refused(text, foldrank.WrongFileError, "no HDF5 file")
    text.write_text("")
    refused(text, foldrank.TornFileError, "empty")

    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = 1
    refused(other, foldrank.WrongFileError, "not results")

    newer = tmp_path / "newer.h5"
    shutil.copy(good, newer)
    with h5py.File(newer, "r+") as file:
        file.attrs["format"] = np.uint32(2)
    refused(newer, foldrank.NewerFileError, "format 2.*Install")

    torn = tmp_path / "torn.h5"
    torn.write_bytes(good.read_bytes()[:-100])
    refused(torn, foldrank.TornFileError, "cut off or damaged")

    short = tmp_path / "short.h5"
    shutil.copy(good, short)
    with h5py.File(short, "r+") as file:
        del file["trials/score_mean"]
        file["trials/score_mean"] = np.zeros(3)
    refused(short, foldrank.TornFileError, "score_mean has the shape")

    huge = tmp_path / "huge.h5"
    shutil.copy(good, huge)
    with h5py.File(huge, "r+") as file:
        del file["curves/epoch"]
        file.create_dataset("curves/epoch", shape=(10**12,), chunks=(1000,), dtype="u4")
    refused(huge, foldrank.TornFileError, "claims 1000000000000 values")


def test_any_flipped_byte_is_an_error_of_ours_or_none(output, tmp_path):
    good = (output("failed") / "results.h5").read_bytes()
    path = tmp_path / "flipped.h5"
    random = np.random.default_rng(0)
    for place in random.integers(0, len(good), 120):
        bad = bytearray(good)
        bad[place] ^= 1 << random.integers(8)
        path.write_bytes(bad)
        try:
            with foldrank.open(path) as r:
                r.trials, r.folds, r.curves, r.ranks, r.space, r.selection, r.config, r.best
        except foldrank.FoldrankError:
            pass


def test_an_opened_file_stays_what_it_was(output, tmp_path):
    shutil.copytree(output("grid"), tmp_path / "run")
    r = foldrank.open(tmp_path / "run")
    assert not r.stale and r.refresh() is r
    newer = tmp_path / "run" / "results.h5.new"
    shutil.copy(output("dice") / "results.h5", newer)
    os.replace(newer, tmp_path / "run" / "results.h5")
    assert r.stale
    assert len(r.trials) == 12 and r.name == "grid"
    assert r.refresh().name == "dice"
    r.close()
    assert len(r.trials) == 12


def test_a_thousand_opens_while_a_run_writes(tmp_path):
    study = tmp_path / "busy.yaml"
    study.write_text(f"""
study: busy
objective:
  type: function
  function: mixed
  direction: minimize
  sleep: 0.05
  parameters: {{x: {{float: [0, 1]}}, word: {{choice: [one, two, three]}}}}
search: {{method: random, trials: 500000}}
output: {tmp_path}/busy
""")
    command = [studies.FOLDRANK, "run", str(study), "--snapshot-every", "0.05s"]
    run = subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "busy" / "results.h5").exists() and time.monotonic() < deadline:
            assert run.poll() is None, run.stderr.read()
            time.sleep(0.01)
        sizes, files = [], set()
        while len(sizes) < 1000 or (len(files) <= 10 and len(sizes) < 20_000):
            with foldrank.open(tmp_path / "busy") as r:
                files.add(r.file.id)
                if len(sizes) % 4:
                    sizes.append(r.n_trials)
                    continue
                trials = r.trials
                assert len(r.folds) <= len(trials)
                done = trials[trials["state"] == "complete"]
                assert done["score_mean"].notna().all()
                sizes.append(len(trials))
        assert sizes == sorted(sizes)
        assert len(files) > 10, "the run did not write while it was read"
        assert run.poll() is None, "the run ended too early to show anything"
    finally:
        run.send_signal(signal.SIGTERM)
        run.wait(30)


@pytest.mark.parametrize("trials", [1000, 100_000])
def test_large_files_are_read_whole_and_fast(tmp_path, trials):
    text = """
objective:
  type: function
  function: mixed
  direction: minimize
  parameters: {x: {float: [0, 1]}, y: {log: [0.001, 1]}, n: {int: [1, 99]},
               word: {choice: [one, two, three]}}
"""
    text += f"search: {{method: random, trials: {trials}, concurrency: 64}}\n"
    directory = studies.run(tmp_path, "large", text)
    code = (
        "import sys, time, foldrank; t = time.process_time(); r = foldrank.open(sys.argv[1]);"
        "n = len(r.trials) + len(r.folds) + len(r.curves); r.best; r.selection;"
        "print(len(r.trials), time.process_time() - t)"
    )
    out = subprocess.run(
        [os.sys.executable, "-c", code, str(directory)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert int(out[0]) == trials
    print(f"{trials} trials: {float(out[1]):.2f} s of processor time")


def test_outer_folds_are_rows_with_their_settings(output, results):
    r = results("nested")
    assert list(r.nested.index) == [0, 1, 2]
    assert r.nested["score"].tolist() == raw(output("nested"), "nested/score").tolist()
    assert r.nested["params/learning_rate"].between(1e-3, 1e-1).all()
    assert set(r.nested["params/optimizer"]) <= {"sgd", "adam"}
    said = words.sentences(r)[-1]
    assert "over 3 of 3 outer folds" in said
    assert results("grid").nested.empty
    assert "outer folds" not in words.sentences(results("grid"))[-1]

"""A foldrank study in Optuna's hands, and the way back."""

from __future__ import annotations

import inspect
import subprocess
import sys
import time
import urllib.request
import warnings
from pathlib import Path

import optuna
import pytest
import studies
import yaml
from optuna import visualization
from optuna.trial import TrialState

import foldrank
from foldrank import yaml12

warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_trials_states_values_and_curves(results):
    r = results("pruned")
    study = r.to_optuna()
    assert len(study.trials) == 40
    assert study.direction is optuna.study.StudyDirection.MAXIMIZE
    states = r.trials["state"].map(
        {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
    )
    assert [trial.state for trial in study.trials] == list(states)
    assert study.best_trial.number == r.complete.index[0]
    assert study.best_value == r.complete["score_mean"].iloc[0]
    for trial in study.trials:
        ours = r.params(trial.number)
        assert set(trial.params) == set(ours)
        assert trial.params["learning_rate"] == ours["learning_rate"]
        own = r.curves[r.curves["trial"] == trial.number]
        means = own.groupby("epoch")["score"].mean()
        assert trial.intermediate_values == pytest.approx(means.to_dict())
    distribution = study.trials[0].distributions["learning_rate"]
    assert distribution == optuna.distributions.FloatDistribution(1e-3, 1e-1, log=True)
    hidden = next(t for t in study.trials if "mlp.hidden" in t.params)
    assert hidden.params["mlp.hidden"] in ("[16]", "[8, 4]")
    assert study.user_attrs["chosen"] == r.selection.chosen


def test_failed_trials_keep_their_message(results):
    r = results("failed")
    study = r.to_optuna()
    failed = study.get_trials(states=(TrialState.FAIL,))
    assert len(failed) == (r.trials["state"] == "failed").sum()
    assert "too few numeric parameters" in failed[0].user_attrs["message"]
    assert failed[0].user_attrs["score_se"] is None
    assert study.direction is optuna.study.StudyDirection.MINIMIZE


def test_a_search_can_go_on_in_optuna(results):
    study = results("function").to_optuna()
    study.sampler = optuna.samplers.TPESampler(seed=0)
    study.optimize(
        lambda trial: trial.suggest_float("x", -5, 10) + trial.suggest_float("y", 0, 15),
        n_trials=3,
    )
    assert len(study.trials) == 63


# Every kind of distribution and of choice.
KINDS = """
objective:
  type: function
  function: sphere
  direction: minimize
  parameters:
    a: {float: [-1, 1], step: 0.25}
    b: {log: [1.0e-3, 10]}
    c: {int: [2, 20], step: 3}
    d: {int_log: [1, 1000]}
    e: {choice: [true, false, 3, 0.5, word, "a \\"quoted\\" one", [1, 2], [0.123456789]]}
    f: {float: [0, 1], when: {e: word}}
search: {method: random, trials: 30, seed: 8}
"""


def journal(path: Path, log: Path) -> optuna.Study:
    """Load results as ``foldrank export --optuna`` writes them."""
    command = [studies.FOLDRANK, "export", str(path), "--optuna", str(log)]
    subprocess.run(command, check=True, capture_output=True)
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(log))
    )
    return optuna.load_study(study_name=None, storage=storage)


def assert_same(ours: optuna.Study, theirs: optuna.Study) -> None:
    assert ours.study_name == theirs.study_name
    assert ours.directions == theirs.directions
    assert ours.metric_names == theirs.metric_names
    assert ours.user_attrs == theirs.user_attrs
    assert len(ours.trials) == len(theirs.trials)
    for mine, other in zip(ours.trials, theirs.trials, strict=True):
        assert (mine.number, mine.state) == (other.number, other.state)
        assert mine.params == other.params
        assert list(map(type, mine.params.values())) == list(map(type, other.params.values()))
        assert mine.distributions == other.distributions
        assert mine.values == other.values
        assert mine.intermediate_values == pytest.approx(other.intermediate_values, rel=1e-14)
        seconds = mine.user_attrs.pop("seconds")
        assert seconds == pytest.approx(other.user_attrs.pop("seconds"), rel=1e-14)
        assert mine.user_attrs == other.user_attrs
        for moment in ("datetime_start", "datetime_complete"):
            a, b = getattr(mine, moment), getattr(other, moment)
            assert a == b or abs((a - b).total_seconds()) < 1e-5


@pytest.mark.parametrize(
    "name", ["pruned", "complete", "grid", "objectives", "failed", "diverged", "function"]
)
def test_the_journal_that_export_writes_has_all_of_it(output, results, tmp_path, name):
    theirs = results(name).to_optuna()
    assert_same(journal(output(name), tmp_path / "journal.log"), theirs)


def test_the_journal_has_every_kind_of_parameter(tmp_path):
    path = studies.run(tmp_path, "kinds", KINDS)
    study = journal(path, tmp_path / "journal.log")
    r = foldrank.open(path)
    assert_same(study, r.to_optuna())
    for trial in study.trials:
        for name, value in r.params(trial.number).items():
            assert trial.params[name] == (
                yaml12.flow(value) if isinstance(value, tuple) else value
            )
    own = study.trials[0].distributions
    assert own["a"] == optuna.distributions.FloatDistribution(-1, 1, step=0.25)
    assert own["c"] == optuna.distributions.IntDistribution(2, 20, step=3)
    assert own["d"] == optuna.distributions.IntDistribution(1, 1000, log=True)
    choices = (True, False, 3, 0.5, "word", 'a "quoted" one', "[1, 2]", "[0.123456789]")
    assert own["e"].choices == choices


def test_the_journal_of_an_unfinished_run(tmp_path):
    objective = (
        """objective: {type: command, run: "sh -c 'sleep 0.05; echo foldrank value=1'",\n"""
        "  parameters: {x: {float: [0, 1]}}}\n"
        "validation: {folds: 3}\nsearch: {method: random, trials: 400, concurrency: 4}\n"
    )
    path = tmp_path / "out"
    (tmp_path / "s.yaml").write_text(f"study: half\n{objective}output: {path}\n")
    command = [studies.FOLDRANK, "run", str(tmp_path / "s.yaml"), "--time", "3s"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 75, done.stderr
    study = journal(path, tmp_path / "journal.log")
    assert_same(study, foldrank.open(path).to_optuna())
    states = {trial.state for trial in study.trials}
    assert {TrialState.RUNNING, TrialState.COMPLETE} <= states


def test_optuna_goes_on_with_the_journal(output, tmp_path):
    study = journal(output("function"), tmp_path / "journal.log")
    study.optimize(
        lambda trial: trial.suggest_float("x", -5, 10) + trial.suggest_float("y", 0, 15),
        n_trials=3,
    )
    assert len(study.trials) == 63


DRAWN = {name: getattr(visualization, name) for name in visualization.__all__}


@pytest.mark.parametrize("name", [name for name in DRAWN if name.startswith("plot_")])
def test_all_of_optuna_visualization_draws(results, name):
    draw = DRAWN[name]
    one, several = results("pruned").to_optuna(), results("objectives").to_optuna()
    options = {}
    if name in ("plot_pareto_front", "plot_hypervolume_history"):
        study = several
        if name == "plot_hypervolume_history":
            options["reference_point"] = [0.0, 5000.0]
    else:
        study = one
    if name == "plot_terminator_improvement":
        study = results("grid").to_optuna()
        options["error_evaluator"] = optuna.terminator.StaticErrorEvaluator(0.1)
        # The default evaluator needs torch, which nothing else here does.
        options["improvement_evaluator"] = optuna.terminator.BestValueStagnationEvaluator()
    if "params" in inspect.signature(draw).parameters and name != "plot_param_importances":
        options["params"] = ["learning_rate", "batch_size"]
        if name == "plot_terminator_improvement":
            options.pop("params")
    figure = draw(study, **options)
    assert len(figure.to_dict()["data"]) > 0


def test_a_study_of_a_storage_is_there_for_others(results, tmp_path):
    url = f"sqlite:///{tmp_path}/optuna.db"
    results("grid").to_optuna(url, "mine")
    again = optuna.load_study(study_name="mine", storage=url)
    assert len(again.trials) == 12
    log = optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log"))
    results("grid").to_optuna(optuna.storages.JournalStorage(log))
    assert optuna.get_all_study_names(optuna.storages.JournalStorage(log)) == ["grid"]


def test_optuna_dashboard_serves_it(results, tmp_path):
    pytest.importorskip("optuna_dashboard")
    url = f"sqlite:///{tmp_path}/optuna.db"
    results("pruned").to_optuna(url)
    code = (
        "import sys, optuna\n"
        "from optuna_dashboard import wsgi\n"
        "from wsgiref.simple_server import make_server\n"
        "app = wsgi(optuna.storages.RDBStorage(sys.argv[1]))\n"
        "with make_server('127.0.0.1', 0, app) as server:\n"
        "    print(server.server_port, flush=True)\n"
        "    server.serve_forever()\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        root = f"http://127.0.0.1:{int(server.stdout.readline())}"
        deadline = time.monotonic() + 30

        def fetch(path):
            while True:
                try:
                    with urllib.request.urlopen(root + path, timeout=10) as answer:
                        return answer.status, answer.read().decode()
                except OSError:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)

        status, page = fetch("/dashboard/")
        assert status == 200 and "<html" in page.lower()
        status, studies_json = fetch("/api/studies")
        assert status == 200 and '"pruned"' in studies_json
        status, trials = fetch("/api/studies/1?after=0")
        assert status == 200 and "learning_rate" in trials
    finally:
        server.terminate()
        server.wait(10)


def test_an_optuna_study_comes_back_as_enqueued_trials(tmp_path):
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0)
    )

    def objective(trial):
        rate = trial.suggest_float("learning_rate", 1e-3, 1e-1, log=True)
        family = trial.suggest_categorical("model", ["softmax", "mlp"])
        if family == "mlp":
            trial.suggest_categorical("mlp.hidden", ["[16]", "[8, 4]"])
            trial.suggest_float("mlp.dropout", 0, 0.5)
        else:
            trial.suggest_float("softmax.l2", 1e-6, 1e-1, log=True)
        optimizer = trial.suggest_categorical("optimizer", ["sgd", "adam"])
        if optimizer == "sgd":
            trial.suggest_float("momentum", 0, 0.99)
        trial.suggest_categorical("batch_size", [32, 64])
        return rate

    study.optimize(objective, n_trials=8)
    text = foldrank.from_optuna(study, 5)
    assert len(yaml.safe_load(text)["search"]["enqueue"]) == 5
    block = text.replace("search:\n", "search:\n  method: random\n  trials: 6\n")
    r = foldrank.open(
        studies.run(tmp_path, "back", studies.CANCER + studies.TWO_FAMILIES + block)
    )
    ordered = sorted(study.trials, key=lambda trial: -trial.value)
    for trial, theirs in enumerate(ordered[:5]):
        ours = r.params(trial)
        assert ours["learning_rate"] == theirs.params["learning_rate"]
        assert ours["model"] == theirs.params["model"]
        assert set(ours) == set(theirs.params)


def test_there_and_back_again(results, tmp_path):
    r = results("complete")
    block = foldrank.from_optuna(r.to_optuna(), 4)
    block = block.replace("search:\n", "search:\n  method: random\n  trials: 4\n")
    again = foldrank.open(
        studies.run(tmp_path, "again", studies.CANCER + studies.TWO_FAMILIES + block)
    )
    assert again.settings == [r.params(trial) for trial in r.complete.index[:4]]


def test_one_command_takes_the_best_of_an_optuna_study(output, results, tmp_path):
    log = tmp_path / "journal.log"
    journal(output("complete"), log)
    command = [sys.executable, "-m", "foldrank", "from-optuna"]
    told = subprocess.run(
        [*command, str(log), "-n", "3"], check=True, capture_output=True, text=True
    ).stdout
    text = studies.CANCER + studies.TWO_FAMILIES + "search: {method: tpe, trials: 4}\n"
    path = studies.run(tmp_path, "warm", text, settings=(f"search.enqueue={told}",))
    r = results("complete")
    assert foldrank.open(path).settings[:3] == [r.params(t) for t in r.complete.index[:3]]
    for arguments, said in (
        (["nowhere.log"], "nowhere.log: No such file"),
        ([str(log), "--study", "other"], "there is no study other; It has: complete"),
        ([str(output("complete") / "study.yaml")], "is no journal of Optuna"),
    ):
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2 and said in done.stderr, done.stderr


def test_nothing_to_bring():
    assert foldrank.from_optuna(optuna.create_study()) == "search:\n  enqueue: []\n"

"""Every plot draws from every kind of study, and looks as it did.

The pictures in tests/baseline were looked at. After a change that is meant, look at the new ones
that a failure names, and replace the old ones by them: FOLDRANK_NEW_BASELINE=1 does.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import studies
from matplotlib.testing.compare import compare_images

import foldrank
from foldrank import plot

BASELINE = Path(__file__).parent / "baseline"
TOLERANCE = 12  # root mean square of 255: fonts differ from machine to machine
MODEL = ("calibration", "confusion", "dependence", "permutation", "residuals")
CANCER = studies.ROOT / "data/breast_cancer.csv.gz"
DIABETES = studies.ROOT / "data/diabetes.csv.gz"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def arguments(name, r):
    if name == "scaling":
        return ([r],), {}
    if name in MODEL:
        return (r,), {"data": DIABETES if r.metric == "rmse" else CANCER}
    return (r,), {}


def draw(name, r, ax=None):
    given, options = arguments(name, r)
    return getattr(plot, name)(*given, ax=ax, **options)


LACKS = {
    "pareto": "one objective",
    "hypervolume": "one objective",
}
CLASSIFIER = {"confusion", "calibration"}


@pytest.mark.parametrize(
    "study", ["pruned", "complete", "grid", "regression", "failed", "diverged", "function"]
)
def test_every_plot_draws_or_says_what_is_missing(results, study):
    r = results(study)
    trained = "objective" not in r.config
    for name in plot.__all__:
        if name in MODEL and study not in ("grid", "regression", "function"):
            continue
        try:
            axes = draw(name, r)
        except foldrank.MissingError as error:
            expected = (
                name in LACKS
                or (name in MODEL and not trained)
                or (name in CLASSIFIER and r.metric == "rmse")
                or (name == "residuals" and r.metric == "accuracy")
                or (name in ("paired", "curves") and not trained)
                or (study == "diverged" and name in ("contour", "rank", "importance"))
            )
            assert expected, (name, str(error))
            assert r.path in str(error)
            continue
        for ax in axes if isinstance(axes, list) else [axes]:
            assert name == "slice" or (ax.get_xlabel() or name == "parallel"), name
            ax.get_figure().canvas.draw()
        plt.close("all")


def test_plots_draw_into_given_axes(results):
    r = results("complete")
    names = [name for name in plot.__all__ if name not in (*LACKS, "residuals")]
    for name in names:
        _, grid = plt.subplots(1, 2)
        out = draw(name, r, ax=grid[0])
        assert out is grid[0] or isinstance(out, list)
        assert not grid[1].has_data()
        plt.close("all")


def test_units_are_on_the_axes(results):
    assert plot.timeline(results("complete")).get_xlabel().endswith("[s]")
    assert "[1/s]" in plot.scaling([results("complete")]).get_ylabel()
    assert "lower is better" in plot.history(results("regression")).get_ylabel()
    residuals = draw("residuals", results("regression"))
    assert "[unit of progression]" in residuals.get_xlabel()


def test_several_objectives(two_objectives):
    r = foldrank.open(two_objectives)
    assert plot.pareto(r).get_xlabel() == "accuracy (higher is better)"
    assert plot.hypervolume(r).get_ylim()[1] > 1


def test_a_plot_of_a_model_says_what_to_do_without_rows(results):
    with pytest.raises(foldrank.MissingError, match=r"plot.confusion\(r, data="):
        plot.confusion(results("complete"))
    with pytest.raises(foldrank.MissingError, match="for a regression"):
        plot.residuals(results("complete"))
    with pytest.raises(foldrank.MissingError, match="holds no model"):
        plot.confusion(results("function"))


def still(r):
    """Times are never the same twice: give every fit and rank a plain one."""
    folds = r.folds.copy()
    n = len(folds)
    folds["rank"] = [i % 2 for i in range(n)]
    folds["start_s"] = [(i // 2) * 1.0 + (0.3 if i % 8 == 5 else 0) for i in range(n)]
    folds["end_s"] = folds["start_s"] + [0.9 if i % 3 else 0.6 for i in range(n)]
    r.__dict__["folds"] = folds
    r.__dict__["ranks"] = pd.DataFrame(
        {
            "host": ["a", "a"],
            "threads": 1,
            "busy_s": 1.0,
            "idle_s": 0.0,
            "fits": 1,
            "flops": 0.0,
        }
    )
    return r


@pytest.mark.parametrize(
    ("name", "study"),
    [
        ("history", "pruned"),
        ("folds", "complete"),
        ("slice", "complete"),
        ("parallel", "grid"),
        ("importance", "function"),
        ("contour", "function"),
        ("paired", "dice"),
        ("timeline", "grid"),
        ("confusion", "grid"),
    ],
)
def test_plots_look_as_they_did(results, tmp_path, name, study):
    r = results(study)
    if name == "timeline":
        r = still(r)
    with plt.rc_context({"font.family": "DejaVu Sans", "figure.dpi": 50, "savefig.dpi": 50}):
        out = draw(name, r)
        ax = out[0] if isinstance(out, list) else out
        new = tmp_path / f"{name}.png"
        ax.get_figure().savefig(new, metadata={"Software": None})
    old = BASELINE / f"{name}.png"
    if os.environ.get("FOLDRANK_NEW_BASELINE"):
        BASELINE.mkdir(exist_ok=True)
        shutil.copy(new, old)
    assert old.exists(), f"there is no picture to compare with: {old}"
    shutil.copy(old, tmp_path / f"{name}-old.png")
    difference = compare_images(str(tmp_path / f"{name}-old.png"), str(new), TOLERANCE)
    assert difference is None, difference


def test_a_plot_that_changed_is_noticed(results, tmp_path):
    """The comparison of pictures can fail."""
    old = tmp_path / "old.png"
    shutil.copy(BASELINE / "folds.png", old)
    with plt.rc_context({"font.family": "DejaVu Sans", "figure.dpi": 50, "savefig.dpi": 50}):
        ax = plot.folds(results("complete"), n=6)
        ax.get_figure().savefig(tmp_path / "new.png")
    assert compare_images(str(old), str(tmp_path / "new.png"), TOLERANCE) is not None

"""Every plot draws from every kind of study, and looks as it did.

The pictures in tests/baseline were looked at. After a change that is meant, look at the new ones
that a failure names, and replace the old ones by them: FOLDRANK_NEW_BASELINE=1 does.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
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
    "study", ["pruned", "objectives", "regression", "failed", "diverged", "function"]
)
def test_every_plot_draws_or_says_what_is_missing(results, study):
    r = results(study)
    trained = "objective" not in r.config
    for name in plot.__all__:
        if name in MODEL and study not in ("pruned", "regression", "function"):
            continue
        try:
            axes = draw(name, r)
        except foldrank.MissingError as error:
            expected = (
                (name in LACKS and study != "objectives")
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


def test_several_objectives(results):
    r = results("objectives")
    assert plot.pareto(r).get_xlabel() == "accuracy (higher is better)"
    assert "product of the objectives" in plot.hypervolume(r).get_ylabel()


def test_a_plot_of_a_model_says_what_to_do_without_rows(results):
    with pytest.raises(foldrank.MissingError, match=r"plot.permutation\(r, data="):
        plot.permutation(results("complete"))
    with pytest.raises(foldrank.MissingError, match="for a regression"):
        plot.residuals(results("complete"))
    with pytest.raises(foldrank.MissingError, match="holds no model"):
        plot.confusion(results("function"))


@pytest.mark.parametrize(
    "name",
    ["confusion", "contour", "curves", "folds", "history", "importance", "paired", "parallel"]
    + ["slice", "timeline"],
)
def test_plots_look_as_they_did(tmp_path, name):
    new = picture(name, tmp_path)
    old = BASELINE / f"{name}.png"
    if os.environ.get("FOLDRANK_NEW_BASELINE"):
        shutil.copy(new, old)
    assert old.exists(), f"there is no picture to compare with: {old}"
    shutil.copy(old, tmp_path / f"{name}-old.png")
    difference = compare_images(str(tmp_path / f"{name}-old.png"), str(new), TOLERANCE)
    assert difference is None, difference


def picture(name, directory, **options):
    """Draw from kept results: searches and times may change, pictures of them must not."""
    r = foldrank.open(BASELINE / "picture.h5")
    with plt.rc_context({"font.family": "DejaVu Sans", "figure.dpi": 50, "savefig.dpi": 50}):
        given, kinds = arguments(name, r)
        out = getattr(plot, name)(*given, **kinds, **options)
        path = directory / f"{name}.png"
        ax = out[0] if isinstance(out, list) else out
        ax.get_figure().savefig(path, metadata={"Software": None})
    return path


def test_a_plot_that_changed_is_noticed(tmp_path):
    """The comparison of pictures can fail."""
    old = tmp_path / "old.png"
    shutil.copy(BASELINE / "folds.png", old)
    assert compare_images(str(old), str(picture("folds", tmp_path, n=6)), TOLERANCE) is not None

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import matplotlib
import numpy as np
import pytest
import studies

import foldrank

matplotlib.use("Agg")


@pytest.fixture(scope="session")
def output(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Output directory of a named study, run once in a session, when first asked for."""
    directory = tmp_path_factory.mktemp("studies")

    @functools.cache
    def make(name: str) -> Path:
        ranks = 2 if name in ("pruned", "complete") else 1
        return studies.run(directory, name, studies.STUDIES[name], ranks)

    return make


@pytest.fixture
def results(output: Callable[[str], Path]) -> Iterator[Callable[[str], foldrank.Results]]:
    """Results of a named study, opened anew for each test."""
    opened = []

    def get(name: str) -> foldrank.Results:
        opened.append(foldrank.open(output(name)))
        return opened[-1]

    yield get
    for r in opened:
        r.close()


@pytest.fixture
def two_objectives(output: Callable[[str], Path], tmp_path: Path) -> Path:
    """A real file to which the columns of a study with two objectives are added."""
    path = tmp_path / "two.h5"
    shutil.copy(output("complete") / "results.h5", path)
    with h5py.File(path, "r+") as file:
        score = file["trials/score_mean"][:]
        size = np.random.default_rng(0).integers(100, 2000, len(score)).astype(float)
        for name, column, direction in (
            ("accuracy", score, "maximize"),
            ("size", size, "minimize"),
        ):
            data = file.create_dataset(f"trials/scores/{name}", data=column)
            data.attrs["direction"] = np.bytes_(direction)
    return path

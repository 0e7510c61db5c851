from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib
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

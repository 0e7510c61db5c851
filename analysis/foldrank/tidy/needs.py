"""What a frame cannot do without."""

from __future__ import annotations

import pandas as pd

from foldrank.errors import MissingError
from foldrank.results import Results


def need_complete(r: Results, least: int = 1) -> pd.DataFrame:
    """The complete trials, best first, or an error that says what is missing."""
    if len(r.complete) < least:
        raise MissingError(
            f"{r.path}: this needs {least} complete trials, and there are {len(r.complete)} so far"
        )
    return r.complete

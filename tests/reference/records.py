# SPDX-License-Identifier: BSD-3-Clause
"""The one text format of all reference files.

    file   = { "#" comment LF | record LF }
    record = name { " " key "=" value } " :" { " " number }

Names, keys and values hold no spaces; a number is what strtod reads, `nan` and `inf` included.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


class Records:
    """Collects records and writes them to a file.

    Parameters
    ----------
    about : str
        Text of the comment at the head of the file.
    """

    def __init__(self, about: str) -> None:
        self._lines = [f"# {line}".rstrip() for line in about.strip().splitlines()]

    def comment(self, text: str) -> None:
        """Add a blank comment line and a comment."""
        self._lines += ["#", f"# {text}"]

    def add(self, name: str, values: object = (), /, digits: int = 17, **keys: object) -> None:
        """Add a record; a matrix is written row by row and gets `rows` and `cols`.

        Parameters
        ----------
        name : str
            Name of the record.
        values : array_like
            Its numbers.
        digits : int
            Significant digits: 17 keeps float64 exactly, 9 keeps float32.
        **keys
            What follows the name as `key=value`; a bool is written as 0 or 1.
        """
        array = np.asarray(values, dtype=np.float64)
        if array.ndim == 2:
            keys = {"rows": array.shape[0], "cols": array.shape[1], **keys}
        head = [name, *(f"{k}={int(v) if isinstance(v, bool) else v}" for k, v in keys.items()), ":"]
        self._lines.append(" ".join([*head, *(f"{x:.{digits}g}" for x in array.ravel())]))

    def write(self, script: str) -> None:
        """Write the file: the script's path with `.txt` for `.py`."""
        Path(script).with_suffix(".txt").write_text("\n".join(self._lines) + "\n", encoding="ascii")

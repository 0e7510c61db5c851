#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write digits, breast_cancer and diabetes as csv.gz from scikit-learn's bundled copies.

Usage: python3 data/import.py [DIRECTORY]     (default: this file's directory)

The same zlib gives the same bytes: the gzip header carries no time and no name.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits


def write_table(path: Path, header: list[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a comma-separated, gzip-compressed table and print its SHA-256.

    Parameters
    ----------
    path : Path
        File to write; replaced if it exists.
    header : list of str
        Column names.
    rows : iterable of iterables
        Cells; a float that is a whole number is written without a decimal point.
    """
    lines = [",".join(header)]
    for row in rows:
        lines.append(",".join(c if isinstance(c, str) else f"{c:.15g}" for c in row))
    text = "\n".join(lines) + "\n"
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        out.write(text.encode("ascii"))
    print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


def main() -> None:
    """Write the three tables; the target is the last column of each."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent

    digits = load_digits()
    pixels = [f"px_{r}_{c}" for r in range(8) for c in range(8)]
    write_table(folder / "digits.csv.gz", [*pixels, "digit"],
                ([*x, y] for x, y in zip(digits.data, digits.target)))

    cancer = load_breast_cancer()
    names = [name.replace(" ", "_") for name in cancer.feature_names]
    write_table(folder / "breast_cancer.csv.gz", [*names, "diagnosis"],
                ([*x, str(cancer.target_names[y])] for x, y in zip(cancer.data, cancer.target)))

    diabetes = load_diabetes(scaled=False)
    write_table(folder / "diabetes.csv.gz", [*diabetes.feature_names, "progression"],
                ([*x, y] for x, y in zip(diabetes.data, diabetes.target)))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write sklearn_pca.txt: principal components of a tall and a wide table by scikit-learn."""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.decomposition import PCA

from records import Records

ABOUT = f"""
scikit-learn {sklearn.__version__}, made by sklearn_pca.py; format: see records.py. All in float64, numbers rounded to float32 first.

x table=tall is (30, 6), of correlated columns around 20; table=wide is (8, 24). scores table=... whiten=...: PCA(n_components=4, whiten=whiten,
svd_solver="full").fit_transform(x); enough table=... share=...: n_components_ of PCA(share).
"""


def main() -> None:
    """Write the file."""
    out = Records(ABOUT)
    rng = np.random.default_rng(8)
    tables = {
        "tall": 20 + rng.normal(size=(30, 6)) @ rng.normal(size=(6, 6)),
        "wide": rng.normal(size=(8, 5)) @ rng.normal(size=(5, 24)) + 0.1 * rng.normal(size=(8, 24)),
    }
    for name, table in tables.items():
        x = table.astype(np.float32).astype(np.float64)
        out.add("x", x, digits=9, table=name)
        for whiten in (False, True):
            out.add("scores", PCA(n_components=4, whiten=whiten, svd_solver="full").fit_transform(x), table=name, whiten=whiten)
        for share in (0.3, 0.8, 0.99):
            out.add("enough", [PCA(share, svd_solver="full").fit(x).n_components_], table=name, share=share)
    out.write(__file__)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write sklearn_text.txt: TfidfVectorizer on a few texts."""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer

from records import Records

ABOUT = f"""
scikit-learn {sklearn.__version__}, made by sklearn_text.py; format: see records.py.

TfidfVectorizer fitted on the first 6 of the texts in text.csv (which is made here, too) and applied to all. A record for each setting holds, row by row,
the sorted values that are not 0; `width` is the size of the vocabulary. `bucket` and `value` are columns and values of rows of HashingVectorizer,
by TfidfTransformer where that is named.
"""

TEXTS = [
    "Free entry in a weekly competition, win win win!",
    "I'll call you later; a later call is free",
    "Straße und STRASSE, Ärger und ärger: ÉTÉ été",
    "Привет мир, ПРИВЕТ ещё раз - 2 times",
    'quoted "words", x_1 and 42nd',
    "win a weekly entry: call now now now",
    "unknown words here, but free entry now",
    "",
    "a I ! ?",
    "Weekly  entry:\t call \n me",
]

SETTINGS = {
    "words": dict(ngram_range=(1, 1)),
    "pairs": dict(ngram_range=(1, 2), sublinear_tf=True),
    "often": dict(ngram_range=(1, 2), min_df=2),
    "common": dict(ngram_range=(1, 1), max_df=0.3),
    "letters": dict(analyzer="char_wb", ngram_range=(2, 4)),
    "capitals": dict(analyzer="char_wb", ngram_range=(3, 3), lowercase=False, sublinear_tf=True),
    "across": dict(analyzer="char", ngram_range=(2, 4)),
    "long": dict(analyzer="char_wb", ngram_range=(4, 4)),
    "flat": dict(ngram_range=(1, 2), use_idf=False, sublinear_tf=True),
}

# So few buckets that training texts fill all of them: foldrank leaves out what they do not have.
HASHED = {
    "signed": (dict(n_features=16, ngram_range=(1, 2)), None),
    "counts": (dict(n_features=13, analyzer="char", ngram_range=(3, 3), alternate_sign=False, norm=None), None),
    "weighed": (dict(n_features=20, analyzer="char_wb", ngram_range=(2, 4), norm=None), dict(smooth_idf=True)),
}


def main() -> None:
    """Write the texts and the records."""
    with open("tests/reference/text.csv", "w", encoding="utf-8") as file:
        file.write("label,text\n")
        for i, text in enumerate(TEXTS):
            quoted = text.replace('"', '""')
            file.write(f'{"ab"[i % 2]},"{quoted}"\n')
    records = Records(ABOUT)
    for name, settings in SETTINGS.items():
        vectorizer = TfidfVectorizer(**settings).fit(TEXTS[:6])
        rows = vectorizer.transform(TEXTS)
        records.add("width", [len(vectorizer.vocabulary_)], setting=name)
        for i in range(len(TEXTS)):
            records.add("row", np.sort(rows[i].data), setting=name, row=i)
    for name, (settings, weights) in HASHED.items():
        rows = HashingVectorizer(**settings).transform(TEXTS)
        rows.eliminate_zeros()
        assert len(set(rows[:6].indices)) == settings["n_features"]
        if weights is not None:
            rows = TfidfTransformer(**weights).fit(rows[:6]).transform(rows)
        rows.sort_indices()
        for i in range(len(TEXTS)):
            records.add("bucket", rows[i].indices, setting=name, row=i)
            records.add("value", rows[i].data, setting=name, row=i)
    records.write(__file__)


main()

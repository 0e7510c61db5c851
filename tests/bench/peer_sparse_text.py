#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The fits of sparse_text.sh in scikit-learn.

Usage: peer_sparse_text.py LINES
Prints a line for each: name, processor seconds, accuracy on the test part, problems; with tabs.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

SGD = dict(max_iter=2, tol=None, random_state=0)
PEERS = {
    "SGDClassifier(loss=log_loss)": SGDClassifier(loss="log_loss", alpha=1e-5, **SGD),
    "SGDClassifier(loss=hinge)": SGDClassifier(loss="hinge", alpha=1e-5, **(SGD | dict(max_iter=5))),
    "LogisticRegression(solver=liblinear)": OneVsRestClassifier(LogisticRegression(solver="liblinear", C=30, tol=0.1, random_state=0)),
    "LinearSVC (liblinear)": LinearSVC(C=1, tol=1, random_state=0),
}


def main() -> None:
    """Fit and print."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    parts = {part: [row for row in rows if (row["part"] == "test") == (part == "test")] for part in ("train", "test")}
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    train = vectorizer.fit_transform([row["text"] for row in parts["train"]])
    train.sort_indices()
    test = vectorizer.transform([row["text"] for row in parts["test"]])
    intents = {part: [row["intent"] for row in parts[part]] for part in parts}
    for name, model in PEERS.items():
        start = time.process_time()
        model.fit(train, intents["train"])
        seconds = time.process_time() - start
        print(f"{name}\t{seconds:.3f}\t{model.score(test, intents['test']):.4f}\tone a class", flush=True)


main()

"""Whether the result can be trusted.

python examples/trust.py [RESULTS]
"""

# %% In words, with the honest score and its interval.
import sys

import foldrank
from foldrank import findings, tidy, words
from foldrank.honest import estimate

r = foldrank.open(sys.argv[1] if len(sys.argv) > 1 else "results/digits")
for sentence in words.sentences(r):
    print(sentence)
print(estimate(r))

# %% What a careful reader would point at.
for finding in findings.check(r):
    print(f"{finding.title}: {finding.text} {finding.advice}")

# %% Which of the best trials are really different from the best one?
pairs = tidy.paired(r)
best = r.complete.index[0]
print(pairs[(pairs["b"] == best) & (pairs["p_value"] < 0.05)])

# %% Would more random trials have paid? How stable is the choice?
print(tidy.expected(r).tail(3))
print(tidy.dice(r))

# %% The same as pictures.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 3, figsize=(17, 5), layout="constrained")
foldrank.plot.folds(r, ax=axes[0])
foldrank.plot.paired(r, ax=axes[1])
foldrank.plot.dice(r, ax=axes[2])
figure.savefig("trust.png", dpi=100)

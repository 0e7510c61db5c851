"""A first look at the results of a study. Each `# %%` begins a cell in most editors.

python examples/first_look.py [RESULTS]
"""

# %% Open the directory of a run, or its results.h5; also while the run goes on.
import sys

import foldrank

r = foldrank.open(sys.argv[1] if len(sys.argv) > 1 else "results/digits")
print(r)
print("best:", r.best)

# %% Trials are a frame: mean score by optimiser and batch size.
t = r.trials[r.trials["state"] == "complete"]
print(t.groupby(["params/optimizer", "params/batch_size"])["score_mean"].mean())

# %% The five best, with what they cost.
print(r.complete[["score_mean", "score_se", "epochs", "seconds"]].head())

# %% Folds and learning curves are frames, too.
print(r.folds.groupby("fold")["score"].describe()[["mean", "std", "min", "max"]])
print(r.curves.pivot_table(index="epoch", columns="fold", values="score").tail(3))

# %% For code that knows scikit-learn's searches.
import pandas as pd

columns = ["params", "mean_test_score", "std_test_score", "rank_test_score"]
print(pd.DataFrame(r.cv_results_)[columns].sort_values("rank_test_score").head())

# %% Plots are matplotlib axes: put several into one figure.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(2, 2, figsize=(13, 9), layout="constrained")
foldrank.plot.history(r, ax=axes[0, 0])
foldrank.plot.curves(r, ax=axes[0, 1])
foldrank.plot.importance(r, ax=axes[1, 0])
foldrank.plot.timeline(r, ax=axes[1, 1])
figure.savefig("first_look.png", dpi=100)

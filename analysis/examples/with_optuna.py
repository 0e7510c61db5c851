"""A foldrank study in Optuna, and Optuna's trials in foldrank.

python examples/with_optuna.py [RESULTS]
"""

# %% To Optuna: in memory, or in a storage that optuna-dashboard can serve.
import sys

import optuna

import foldrank

r = foldrank.open(sys.argv[1] if len(sys.argv) > 1 else "results/digits")
study = r.to_optuna("sqlite:///optuna.db", study_name="from foldrank")
print(study.best_trial.params)
# Now: optuna-dashboard sqlite:///optuna.db

# %% Everything of optuna.visualization draws it.
optuna.visualization.plot_optimization_history(study).write_html("history.html")

# %% And back: the best configurations as the first ones of a foldrank study.
print(foldrank.from_optuna(study, n=3))

"""What the chosen model does.

python examples/look_into_model.py [RESULTS [ROWS.csv]]
"""

# %% The refitted model predicts from Python; where speed matters, `foldrank predict` does.
import sys

import pandas as pd

import foldrank
from foldrank import explain

r = foldrank.open(sys.argv[1] if len(sys.argv) > 1 else "results/digits")
rows = sys.argv[2] if len(sys.argv) > 2 else "data/digits.csv.gz"
model = r.model
print(model.family, model.classes_)
print(model.predict_proba(pd.read_csv(rows).head(3)).round(3))

# %% Rows that the model was trained on flatter it: give rows that it has not seen.
print(explain.confusion(r, rows).query("truth != prediction").nlargest(5, "rows"))
print(explain.permutation(r, rows, repeats=2).head())

# %% As pictures.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 3, figsize=(18, 5), layout="constrained")
foldrank.plot.confusion(r, rows, ax=axes[0])
foldrank.plot.calibration(r, rows, ax=axes[1])
foldrank.plot.dependence(r, rows, ax=axes[2])
figure.savefig("model.png", dpi=100)

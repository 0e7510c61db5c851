"""Several runs beside each other.

python examples/compare_runs.py [RESULTS OTHER]
"""

# %% What differs: in the study, in the outcome, from trial to trial.
import sys

import foldrank

one, two = sys.argv[1:3] if len(sys.argv) > 2 else ("results/one", "results/two")
this, other = foldrank.open(one), foldrank.open(two)
both = this.compare(other)
print(both.study)
print(both.summary)
print("equal to the bit:", both.equal)

# %% Speed against cores, and the distributions of the scores.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
foldrank.plot.scaling([this, other], ax=axes[0])
foldrank.plot.distribution([this, other], ax=axes[1])
figure.savefig("compared.png", dpi=100)

# %% One page for both.
print(foldrank.write_report(this, "report.html", others=[other]))

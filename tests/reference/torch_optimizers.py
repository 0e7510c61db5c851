#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write torch_optimizers.txt: twenty steps of each optimizer of torch.optim with given gradients."""

from __future__ import annotations

import numpy as np
import torch

from records import Records

STEPS = 20
PARAMETERS = 12

ABOUT = f"""
torch.optim {torch.__version__}, made by torch_optimizers.py; format: see records.py.
{PARAMETERS} parameters, {STEPS} steps. Start and gradients are rounded to float32 and written exactly:
  start[i]   = cos(i)
  grad[t][i] = 10^(1 - i mod 4) sin(0.7 i + 0.3 t), t = 1 ..., but 0 for i = 11 while t is odd, and always 0 for i = 10
Then for each case its hyperparameters, and the parameters after each step, computed in float64 and in float32.
A case has all the keys its optimizer knows, those left at PyTorch's default too.
"""

SGD, ADAM, ADAMW, RMSPROP, ADAGRAD = (
    torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adagrad)

CASES: dict[str, tuple[type[torch.optim.Optimizer], dict[str, object]]] = {
    "sgd": (SGD, {"lr": 0.05}),
    "sgd_momentum": (SGD, {"lr": 0.05, "momentum": 0.9}),
    "sgd_dampening": (SGD, {"lr": 0.05, "momentum": 0.9, "dampening": 0.5}),
    "sgd_nesterov": (SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "sgd_weight_decay": (SGD, {"lr": 0.05, "weight_decay": 0.1}),
    "sgd_all": (SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "adam": (ADAM, {}),
    "adam_weight_decay": (ADAM, {"lr": 0.01, "weight_decay": 0.1}),
    "adam_betas": (ADAM, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3}),
    "adamw": (ADAMW, {}),
    "adamw_weight_decay": (ADAMW, {"lr": 0.01, "weight_decay": 0.1}),
    "rmsprop": (RMSPROP, {}),
    "rmsprop_momentum": (RMSPROP, {"momentum": 0.9}),
    "rmsprop_weight_decay": (RMSPROP, {"alpha": 0.9, "weight_decay": 0.1}),
    "adagrad": (ADAGRAD, {}),
    "adagrad_lr_decay": (ADAGRAD, {"lr": 0.1, "lr_decay": 0.05}),
    "adagrad_weight_decay": (ADAGRAD, {"lr": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
}
WRITTEN = ("lr", "momentum", "dampening", "nesterov", "eps", "alpha", "centered", "lr_decay",
           "initial_accumulator_value", "weight_decay")


def problem() -> tuple[np.ndarray, np.ndarray]:
    """Return start, shape (PARAMETERS,), and gradients, shape (STEPS, PARAMETERS), of float32 values."""
    i = np.arange(PARAMETERS)
    t = np.arange(1, STEPS + 1)[:, None]
    gradients = 10.0 ** (1 - i % 4) * np.sin(0.7 * i + 0.3 * t)
    gradients[::2, 11] = 0.0
    gradients[:, 10] = 0.0
    return np.cos(i).astype(np.float32), gradients.astype(np.float32)


def run(kind: type[torch.optim.Optimizer], options: dict[str, object],
        dtype: torch.dtype) -> tuple[np.ndarray, dict[str, object]]:
    """Take all steps of one case.

    Returns
    -------
    path : ndarray, shape (STEPS, PARAMETERS)
        Parameters after each step.
    used : dict
        Hyperparameters with PyTorch's defaults filled in.
    """
    start, gradients = problem()
    weights = torch.tensor(start, dtype=dtype, requires_grad=True)
    optimizer = kind([weights], foreach=False, **options)
    path = []
    for gradient in gradients:
        weights.grad = torch.tensor(gradient, dtype=dtype)
        optimizer.step()
        path.append(weights.detach().numpy().astype(np.float64))
    used = {k: v for k, v in optimizer.defaults.items() if k in WRITTEN}
    if "betas" in optimizer.defaults:
        used["beta1"], used["beta2"] = optimizer.defaults["betas"]
    return np.array(path), used


def main() -> None:
    """Write the file."""
    out = Records(ABOUT)
    start, gradients = problem()
    out.add("start", start, digits=9)
    for t, gradient in enumerate(gradients, 1):
        out.add("grad", gradient, digits=9, step=t)
    for name, (kind, options) in CASES.items():
        double, used = run(kind, options, torch.float64)
        single, _ = run(kind, options, torch.float32)
        out.comment(name)
        out.add("case", name=name, optimizer=kind.__name__.lower(), **used)
        for t in range(STEPS):
            out.add("f64", double[t], step=t + 1)
            out.add("f32", single[t], digits=9, step=t + 1)
    out.write(__file__)


if __name__ == "__main__":
    main()

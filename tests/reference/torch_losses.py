#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write torch_losses.txt: losses, activations and learning-rate schedules of PyTorch in float64."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F
from torch.optim import lr_scheduler

from records import Records

STEPS = 30

ABOUT = f"""
torch {torch.__version__}, made by torch_losses.py; format: see records.py. All in float64.

Losses: `loss` has the value, `grad` the gradient with respect to the outputs, `each` the terms before reduction (per row, or per
element for regression). Class weights enter as in torch.nn.CrossEntropyLoss: the mean is divided by the sum of the rows' weights.
Regression means run over all elements; no factor 1/2 is in the squared error. Hinges: the sum over classes, then the mean over rows,
but multi_margin divides by the number of classes as torch.nn.MultiMarginLoss does; one_vs_rest takes +1 for the row's class, else -1.
Activations: `value` and `derivative` at the points `x`; at 0 PyTorch takes relu' = 0 and leaky_relu' = slope.
PyTorch's own rounding error in the far tails (1 + erf, 1 - tanh^2) is below 1e-15, absolute.
Schedules: number k (from 0) is the learning rate that step k uses.
"""


def add_loss(out: Records, kind: str, at: torch.Tensor, each: Callable[[torch.Tensor], torch.Tensor],
             mean: Callable[[torch.Tensor], torch.Tensor], **keys: object) -> None:
    """Add value, gradient and terms of one loss.

    Parameters
    ----------
    out : Records
        Receives the records.
    kind : str
        The loss's name.
    at : Tensor
        Outputs at which it is evaluated.
    each, mean : callable
        The terms before reduction, and the reduced loss, as functions of the outputs.
    **keys
        Its parameters.
    """
    outputs = at.clone().requires_grad_()
    value = mean(outputs)
    value.backward()
    out.add("loss", value.item(), kind=kind, **keys)
    out.add("grad", outputs.grad.numpy(), kind=kind, **keys)
    out.add("each", each(at).numpy(), kind=kind, **keys)


def add_losses(out: Records) -> None:
    """Add classification and regression losses."""
    logits = torch.tensor([[1.5, -0.25, 0.75, 0.0], [-2.0, 3.0, 0.5, 3.0], [30.0, -40.0, 90.0, 0.0],
                           [0.0, 0.0, 0.0, 0.0], [0.125, 1.125, -1.0, 2.0]], dtype=torch.float64)
    labels = torch.tensor([0, 3, 2, 1, 2])
    weights = torch.tensor([0.5, 2.0, 1.0, 1.25], dtype=torch.float64)
    out.comment("classification: 5 rows, 4 classes")
    out.add("logits", logits.numpy())
    out.add("labels", labels.numpy())
    out.add("class_weights", weights.numpy())
    for smoothing in (0.0, 0.1):
        for weight in (None, weights):
            options = {"label_smoothing": smoothing, "weight": weight}
            add_loss(out, "cross_entropy", logits, lambda z: F.cross_entropy(z, labels, reduction="none", **options),
                     lambda z: F.cross_entropy(z, labels, **options),
                     label_smoothing=smoothing, weighted=weight is not None)

    sign = 2.0 * F.one_hot(labels, 4).double() - 1.0
    for power, kind in ((1, "hinge"), (2, "squared_hinge")):
        def one_vs_rest(z: torch.Tensor) -> torch.Tensor:
            return ((1.0 - sign * z).clamp(min=0.0) ** power).sum(dim=1)
        add_loss(out, f"one_vs_rest_{kind}", logits, one_vs_rest, lambda z: one_vs_rest(z).mean())
        add_loss(out, f"multi_margin_{kind}", logits,
                 lambda z: F.multi_margin_loss(z, labels, p=power, reduction="none"),
                 lambda z: F.multi_margin_loss(z, labels, p=power))

    outputs = torch.tensor([[0.5, -1.0], [2.0, 0.25], [-3.0, 4.0], [0.0, 1.5], [7.0, -2.5]], dtype=torch.float64)
    targets = torch.tensor([[0.5, 0.0], [1.0, 0.5], [-3.25, 0.0], [1.5, 1.5], [6.0, 10.0]], dtype=torch.float64)
    out.comment("regression: 5 rows, 2 outputs; some residuals are 0, delta and above delta")
    out.add("outputs", outputs.numpy())
    out.add("targets", targets.numpy())
    add_loss(out, "squared_error", outputs, lambda y: F.mse_loss(y, targets, reduction="none"),
             lambda y: F.mse_loss(y, targets))
    add_loss(out, "absolute_error", outputs, lambda y: F.l1_loss(y, targets, reduction="none"),
             lambda y: F.l1_loss(y, targets))
    for delta in (1.0, 1.5):
        add_loss(out, "huber", outputs, lambda y: F.huber_loss(y, targets, reduction="none", delta=delta),
                 lambda y: F.huber_loss(y, targets, delta=delta), delta=delta)


def add_activations(out: Records) -> None:
    """Add activations and their derivatives."""
    half = [1e-6, 0.01, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0]
    x = torch.tensor([-v for v in reversed(half)] + [0.0] + half, dtype=torch.float64, requires_grad=True)
    out.comment("activations")
    out.add("x", x.detach().numpy())
    functions: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], dict[str, object]]] = {
        "relu": (F.relu, {}), "leaky_relu": (lambda z: F.leaky_relu(z, 0.01), {"slope": 0.01}),
        "tanh": (torch.tanh, {}), "sigmoid": (torch.sigmoid, {}), "gelu": (F.gelu, {})}
    for kind, (function, keys) in functions.items():
        y = function(x)
        (slope,) = torch.autograd.grad(y.sum(), x)
        out.add("value", y.detach().numpy(), kind=kind, **keys)
        out.add("derivative", slope.numpy(), kind=kind, **keys)


def add_schedules(out: Records) -> None:
    """Add learning rates of STEPS steps from a base rate of 0.1 (one_cycle: its maximum)."""
    kinds: list[tuple[str, type[lr_scheduler.LRScheduler], dict[str, object]]] = [
        ("step", lr_scheduler.StepLR, {"step_size": 10, "gamma": 0.1}),
        ("step", lr_scheduler.StepLR, {"step_size": 7, "gamma": 0.5}),
        ("exponential", lr_scheduler.ExponentialLR, {"gamma": 0.9}),
        ("cosine", lr_scheduler.CosineAnnealingLR, {"T_max": 30, "eta_min": 0.0}),
        ("cosine", lr_scheduler.CosineAnnealingLR, {"T_max": 29, "eta_min": 0.001}),
        ("one_cycle", lr_scheduler.OneCycleLR, {
            "total_steps": STEPS, "max_lr": 0.1, "pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1e4}),
        ("warmup", lr_scheduler.LinearLR, {"start_factor": 1 / 3, "end_factor": 1.0, "total_iters": 5}),
        ("warmup", lr_scheduler.LinearLR, {"start_factor": 0.1, "end_factor": 1.0, "total_iters": 10}),
    ]
    out.comment("learning-rate schedules; one_cycle anneals by cosine, warmup is linear, then constant")
    for kind, schedule, options in kinds:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        if schedule is lr_scheduler.OneCycleLR:
            scheduler = schedule(optimizer, cycle_momentum=False, **options)
        else:
            scheduler = schedule(optimizer, **options)
        rates = []
        for step in range(STEPS):
            rates.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            if step + 1 < STEPS:
                scheduler.step()
        out.add("schedule", rates, kind=kind, base_lr=0.1, **options)


def main() -> None:
    """Write the file."""
    out = Records(ABOUT)
    add_losses(out)
    add_activations(out)
    add_schedules(out)
    out.write(__file__)


if __name__ == "__main__":
    main()

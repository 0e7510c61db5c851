#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write torch_factors.txt: factorisation machines trained by PyTorch in float64."""

from __future__ import annotations

import torch
from records import Records
from torch.nn import functional as F

USERS, ITEMS, FACTORS, ROWS, BATCH, EPOCHS = 5, 4, 3, 14, 4, 3
INPUTS = USERS + ITEMS + 1
L2, L2_FACTORS = 0.1, 0.3

ABOUT = f"""
torch {torch.__version__}, made by torch_factors.py; format: see records.py. All in float64.

A row has one of {USERS} users, one of {ITEMS} items (one-hot) and a number x. `start` (inputs, 1 + factors) is a weight and its
factors, what fr_network_draw gives for these sizes, init_sd 0.5, seed 11, trial 4, fold 2; the bias starts at 0. The loss of a batch
is the mean over its rows of the squared error (of the logistic loss) and, for each input that the row has, l2/2 w^2 + l2_factors/2
|v|^2. Batches of {BATCH} rows in their order, {EPOCHS} epochs. Weights and factors are an embedding with sparse gradients, trained by
torch.optim.SGD, Adagrad or SparseAdam; the bias is trained by SGD, Adagrad or Adam. `end` is {{weights and factors, bias}}.
"""

START = torch.tensor([
    [0, -0.144387841, 0.807554066, 0.0503443033], [0, 0.037840426, -0.553768039, -0.296017438],
    [0, -0.0682525784, -0.14483504, -0.15272592], [0, -0.10457629, -1.21985602, -0.0549893901],
    [0, -1.08240998, -0.0490384586, 0.0294898357], [0, 0.489210784, -0.428002656, -0.119482823],
    [0, -0.0258567557, 0.370182544, -0.148340285], [0, -0.204570606, 0.0569205098, -0.319532454],
    [0, -0.0680186301, -0.0600624718, 0.322189152], [0, -0.765605092, -0.244202211, -0.456481755]], dtype=torch.float64)


def rows() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the inputs of each row (rows, 3), their values, and the targets."""
    i = torch.arange(ROWS)
    inputs = torch.stack([i * 3 % USERS, USERS + i * 7 // 2 % ITEMS, torch.full_like(i, INPUTS - 1)], dim=1)
    values = torch.ones(ROWS, 3, dtype=torch.float64)
    values[:, 2] = (i * 5 % 7 - 3) / 2  # one of them is 0: the row does not have the input
    return inputs, values, (i * 11 % 13 - 6) / 4.0


def batch_loss(table: torch.nn.Embedding, bias: torch.Tensor, inputs: torch.Tensor, values: torch.Tensor,
               target: torch.Tensor, binary: bool) -> torch.Tensor:
    """Return the mean loss of some rows."""
    terms = []
    for j, x, y in zip(inputs, values, target, strict=True):
        row, x = table(j[x != 0]), x[x != 0]
        v = row[:, 1:] * x[:, None]
        z = bias + row[:, 0] @ x
        for a in range(len(x)):
            for b in range(a):
                z = z + v[a] @ v[b]
        penalty = L2 / 2 * (row[:, 0] ** 2).sum() + L2_FACTORS / 2 * (row[:, 1:] ** 2).sum()
        loss = F.binary_cross_entropy_with_logits(z, (y > 0).to(z)) if binary else (z - y) ** 2
        terms.append(loss + penalty)
    return torch.stack(terms).mean()


def train(optimizer: str, binary: bool) -> torch.Tensor:
    """Return weights and factors, then the bias, after all epochs."""
    inputs, values, target = rows()
    table = torch.nn.Embedding.from_pretrained(START.clone(), freeze=False, sparse=True)
    bias = torch.zeros((), dtype=torch.float64, requires_grad=True)
    sparse, dense = {
        "sgd": (torch.optim.SGD, torch.optim.SGD),
        "adagrad": (torch.optim.Adagrad, torch.optim.Adagrad),
        "adam": (torch.optim.SparseAdam, torch.optim.Adam),
    }[optimizer]
    steppers = [sparse(list(table.parameters()), lr=0.05), dense([bias], lr=0.05)]
    for _ in range(EPOCHS):
        for first in range(0, ROWS, BATCH):
            part = slice(first, first + BATCH)
            for stepper in steppers:
                stepper.zero_grad()
            batch_loss(table, bias, inputs[part], values[part], target[part], binary).backward()
            for stepper in steppers:
                stepper.step()
    return torch.cat([table.weight.detach().ravel(), bias.detach().reshape(1)])


def main() -> None:
    """Write the file."""
    out = Records(ABOUT)
    inputs, values, target = rows()
    out.add("start", START.numpy().ravel())
    out.add("inputs", inputs[:, :2].numpy().ravel())
    out.add("x", values[:, 2].numpy())
    out.add("y", target.numpy())
    for optimizer in ("sgd", "adagrad", "adam"):
        for binary in (False, True):
            out.add("end", train(optimizer, binary).numpy(), optimizer=optimizer, binary=binary)
    out.write(__file__)


if __name__ == "__main__":
    main()

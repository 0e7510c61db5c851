#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write torch_cnn.txt: small convolutional networks of PyTorch in float64, forwards and backwards."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from records import Records

ROWS = 5
CLASSES = 3

# Name: shape, filters, kernel, pool, and what else a study says.
NETWORKS = {
    "plain": ((6, 5, 2), (3, 4), 3, (2, 1), {}),
    "wide": ((4, 4, 1), (17,), 5, (4,), {}),
    "point": ((3, 3, 2), (4,), 1, (1,), {}),
    "average": ((5, 6, 1), (4, 3), 3, (2, 2), {"average": True, "activation": "gelu"}),
    "global": ((5, 4, 2), (3, 4), 3, (1, 1), {"global": "average", "activation": "tanh"}),
    "global_max": ((4, 4, 1), (4,), 3, (1,), {"global": "max"}),
    "residual": ((4, 4, 1), (3, 3, 3), 3, (1, 2, 1), {"residual": True}),
    "norm": ((6, 5, 2), (3, 4), 3, (2, 1), {"norm": True}),
    "norm_residual": ((4, 5, 3), (3, 3), 3, (1, 2), {"norm": True, "residual": True, "activation": "gelu"}),
    "sequence": ((9, 2), (3, 4), 5, (2, 2), {"activation": "leaky_relu"}),
    "sequence_norm": ((8, 1), (4, 4), 3, (2, 2), {"norm": True, "residual": True}),
}

ABOUT = f"""
torch {torch.__version__}, made by torch_cnn.py; format: see records.py. Computed in float64.

Each network has convolutions (stride 1, as many pixels out as in), batch normalisation, what comes in added where `residual` says so
and the channels agree, activation, pooling; then one dense layer to {CLASSES} scores, and the mean cross-entropy over {ROWS} rows with
labels row % {CLASSES}. Parameters and gradients stand as foldrank has them: convolution after convolution with weights (height, width,
in, out), bias or beta (out), and with batch normalisation gain (out), mean (out), variance (out); last the dense layer's weights
(in, out), whose inputs are (height, width, channels), and bias. The `gradient` of mean and variance is the statistic of the batch.
`scores` are those of training, `predicted` those of evaluation with the mean and variance among the parameters.
"""


class Network:
    """A network of PyTorch with parameters in foldrank's order.

    Parameters
    ----------
    name : str
        Key of NETWORKS.
    """

    def __init__(self, name: str) -> None:
        shape, self.filters, kernel, self.pool, self.more = NETWORKS[name]
        self.shape = (1, *shape) if len(shape) == 2 else shape
        self.kernel = (1 if len(shape) == 2 else kernel, kernel)
        self.flat = len(shape) == 2
        channels = [self.shape[2], *self.filters]
        self.parts: list[torch.Tensor] = []
        self.statistics: dict[int, torch.Tensor] = {}
        for i, o in zip(channels[:-1], channels[1:]):
            self.parts += [0.5 * torch.randn(*self.kernel, i, o, dtype=torch.float64), 0.3 * torch.randn(o, dtype=torch.float64)]
            if self.more.get("norm"):
                self.parts += [1 + 0.2 * torch.randn(o, dtype=torch.float64), 0.1 * torch.randn(o, dtype=torch.float64),
                               1 + 0.5 * torch.rand(o, dtype=torch.float64)]
        with torch.no_grad():
            width = self.features(torch.zeros(2, *self.shape, dtype=torch.float64), True).shape[1]
        self.parts += [0.5 * torch.randn(width, CLASSES, dtype=torch.float64), 0.1 * torch.randn(CLASSES, dtype=torch.float64)]
        self.parts = [torch.tensor(p.numpy().astype(np.float32).astype(np.float64)) for p in self.parts]

    def features(self, x: torch.Tensor, training: bool) -> torch.Tensor:
        """What the convolutions make of `x` (rows, height, width, channels): (rows, inputs of the dense layer)."""
        activation = {"relu": F.relu, "gelu": F.gelu, "tanh": torch.tanh,
                      "leaky_relu": lambda z: F.leaky_relu(z, 0.1)}[self.more.get("activation", "relu")]
        per = 5 if self.more.get("norm") else 2
        a = x.permute(0, 3, 1, 2)
        for k, (_, pool) in enumerate(zip(self.filters, self.pool)):
            p = self.parts[per * k: per * (k + 1)]
            z = F.conv2d(a, p[0].permute(3, 2, 0, 1), None if per == 5 else p[1], padding=(self.kernel[0] // 2, self.kernel[1] // 2))
            if per == 5:
                variance, mean = torch.var_mean(z, dim=(0, 2, 3), unbiased=True)
                self.statistics[per * k + 3], self.statistics[per * k + 4] = mean.detach(), variance.detach()
                z = F.batch_norm(z, p[3].detach().clone(), p[4].detach().clone(), p[2], p[1], training)
            if self.more.get("residual") and z.shape[1] == a.shape[1]:
                z = z + a
            a = activation(z)
            size = (1, pool) if self.flat else (pool, pool)
            average = self.more.get("average", False)
            if "global" in self.more and k + 1 == len(self.filters):
                size, average = a.shape[2:], self.more["global"] == "average"
            a = F.avg_pool2d(a, size) if average else F.max_pool2d(a, size)
        return a.permute(0, 2, 3, 1).reshape(len(x), -1)

    def scores(self, x: torch.Tensor, training: bool) -> torch.Tensor:
        """Scores (rows, classes)."""
        return self.features(x, training) @ self.parts[-2] + self.parts[-1]


def flat(parts: list[torch.Tensor]) -> np.ndarray:
    """All numbers of all tensors, one after the other."""
    return np.concatenate([p.detach().numpy().ravel() for p in parts])


def main() -> None:
    """Write the file."""
    out = Records(ABOUT)
    for number, name in enumerate(NETWORKS):
        torch.manual_seed(number)
        network = Network(name)
        x = torch.randn(ROWS, *network.shape, dtype=torch.float64).to(torch.float32).to(torch.float64)
        for p in network.parts:
            p.requires_grad_()
        scores = network.scores(x, True)
        loss = nn.CrossEntropyLoss()(scores, torch.arange(ROWS) % CLASSES)
        loss.backward()
        gradient = [network.statistics[i] if i in network.statistics else p.grad for i, p in enumerate(network.parts)]
        out.add("input", x.numpy().ravel(), digits=9, network=name)
        out.add("parameters", flat(network.parts), digits=9, network=name)
        out.add("loss", loss.item(), digits=9, network=name)
        out.add("scores", scores.detach().numpy().ravel(), digits=9, network=name)
        out.add("gradient", flat(gradient), digits=9, network=name)
        out.add("predicted", network.scores(x, False).detach().numpy().ravel(), digits=9, network=name)
    out.write(__file__)


if __name__ == "__main__":
    main()

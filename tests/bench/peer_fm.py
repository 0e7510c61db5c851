#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A factorisation machine over two categorical columns as a PyTorch loop; prints wall and processor seconds per
epoch and the validation RMSE.

Biases and factors are embeddings. `--optimizer adam` is torch.optim.Adam over all of them, `sparse` SparseAdam with sparse gradients, which moves
the rows of a batch only, as foldrank does. Loading and the first epoch are not counted.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import pandas as pd
import torch


class Machine(torch.nn.Module):
    """Bias, one for each user and item, and the product of their factors."""

    def __init__(self, users: int, items: int, factors: int, mean: float, sparse: bool) -> None:
        super().__init__()
        self.user = torch.nn.Embedding(users, 1 + factors, sparse=sparse)
        self.item = torch.nn.Embedding(items, 1 + factors, sparse=sparse)
        self.bias = torch.nn.Parameter(torch.tensor(mean))
        for table in (self.user, self.item):
            torch.nn.init.normal_(table.weight, std=0.05)
            table.weight.data[:, 0] = 0

    def forward(self, user: torch.Tensor, item: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        u, i = self.user(user), self.item(item)
        score = self.bias + u[:, 0] + i[:, 0] + (u[:, 1:] * i[:, 1:]).sum(1)
        return score, u.square().sum(1) + i.square().sum(1)


def parse() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("data")
    p.add_argument("--factors", type=int, default=16)
    p.add_argument("--batch", type=int, default=256)
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--rate", type=float, default=3e-3)
    p.add_argument("--l2", type=float, default=0.1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--optimizer", choices=["adam", "sparse"], default="adam")
    return p.parse_args()


def main() -> None:
    args = parse()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    frame = pd.read_csv(args.data)
    user = torch.tensor(frame["userId"].astype("category").cat.codes.to_numpy(np.int64))
    item = torch.tensor(frame["movieId"].astype("category").cat.codes.to_numpy(np.int64))
    y = torch.tensor(frame["rating"].to_numpy(np.float32))
    order = torch.randperm(len(y))
    valid, train = order[: len(y) // 5], order[len(y) // 5 :]
    sparse = args.optimizer == "sparse"
    model = Machine(int(user.max()) + 1, int(item.max()) + 1, args.factors, float(y[train].mean()), sparse)
    optimizers: list[torch.optim.Optimizer] = [torch.optim.Adam([model.bias], lr=args.rate)]
    tables = [model.user.weight, model.item.weight]
    optimizers.append((torch.optim.SparseAdam if sparse else torch.optim.Adam)(tables, lr=args.rate))
    wall, processor = [], []
    for _ in range(args.epochs):
        start, used = time.perf_counter(), time.process_time()
        for batch in train[torch.randperm(len(train))].split(args.batch):
            score, squares = model(user[batch], item[batch])
            loss = ((score - y[batch]) ** 2 + args.l2 / 2 * squares).mean()
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    with torch.no_grad():
        rmse = float((model(user[valid], item[valid])[0] - y[valid]).square().mean().sqrt())
    print(f"wall={statistics.median(wall[1:]):.4f} processor={statistics.median(processor[1:]):.4f} rmse={rmse:.4f}")


if __name__ == "__main__":
    main()

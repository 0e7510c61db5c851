"""peer_cnn_torch.py IMAGES LABELS BATCH EPOCHS THREADS - seconds of an epoch of a small CNN in PyTorch.

The net of tests/bench/cnn_epoch.sh: two convolutions of 3 x 3 with batch normalisation, relu and
pooling, 32 and 64 channels, 128 dense units with dropout, Adam. Rows are drawn anew in each epoch
from a tensor that is in memory, the fastest way there is in PyTorch. IDX files, plain. Prints wall
and processor time of each epoch.
"""

import sys
import time

import numpy
import torch
from torch import nn


def read_idx(path):
    with open(path, "rb") as file:
        data = file.read()
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * data[3]).reshape(shape).copy()


def make_net():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Dropout(0.4), nn.Linear(128, 10),
    )  # fmt: skip


def main():
    batch, epochs = int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(int(sys.argv[5]))
    torch.manual_seed(0)
    x = torch.from_numpy(read_idx(sys.argv[1]))[:, None].float() / 255
    y = torch.from_numpy(read_idx(sys.argv[2])).long()
    layout = torch.channels_last if "channels_last" in sys.argv else torch.contiguous_format
    x = x.to(memory_format=layout)
    net = make_net().to(memory_format=layout)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
    loss_of = nn.CrossEntropyLoss()
    for _ in range(epochs):
        wall, used = time.perf_counter(), time.process_time()
        order = torch.randperm(len(x))
        for first in range(0, len(x), batch):
            rows = order[first : first + batch]
            optimizer.zero_grad(set_to_none=True)
            loss_of(net(x[rows]), y[rows]).backward()
            optimizer.step()
        print(f"{time.perf_counter() - wall:.3f} {time.process_time() - used:.3f}", flush=True)


main()

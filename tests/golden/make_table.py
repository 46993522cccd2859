#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The columns of a table in PyTorch: numbers standardised by what is there of them, and an nn.Embedding for each of two categories.

    pip install torch==2.13.0 numpy safetensors
    python3 make_table.py

Writes table.safetensors: the features, and the gradient of the sum of their squares on the vectors, side by side. The numbers are
cosines of their place, one of them missing, and vectors are sines of their place among all.
"""
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

torch.set_default_dtype(torch.float64)
numbers = torch.tensor(3 * np.cos(0.9 * np.arange(12)).reshape(6, 2) + 1)
numbers[2, 1] = float("nan")
job, city = torch.tensor([0, 2, -1, 1, 2, 2]), torch.tensor([3, -1, -1, 0, 1, 3])  # of 3 and of 4; -1 is missing

columns = []
for column in numbers.T:
    there = column[~column.isnan()]
    columns.append(((column - there.mean()) / there.std(unbiased=False)).nan_to_num(0))
jobs, cities = torch.nn.Embedding(4, 2), torch.nn.Embedding(5, 3)
place = 0
for vectors in (jobs.weight, cities.weight):
    values = 0.6 * np.sin(1.7 * np.arange(place, place + vectors.numel()) + 0.3)
    vectors.data = torch.tensor(values.reshape(vectors.shape))
    place += vectors.numel()
features = torch.cat([torch.stack(columns, 1), jobs(job + 1), cities(city + 1)], 1)
gradients = torch.autograd.grad((features**2).sum(), [jobs.weight, cities.weight])

path = pathlib.Path(__file__).parent / "table.safetensors"
save_file({"features": features.detach().numpy(), "gradients": np.concatenate([gradient.numpy().ravel() for gradient in gradients])},
          path, metadata={"made by": "make_table.py"})
path.chmod(0o644)

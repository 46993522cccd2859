#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes pooling.safetensors: pooling with `ceil_mode` and without counting the padding, as PyTorch does it, in double.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_pooling.py

The metadata and the names of the tensors are those of ops.safetensors, which make_golden.py writes. Images are (N, H, W, C).
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(20250301)
tensors = {}
cases = {}


def images(x):
    return x.permute(0, 3, 1, 2)


def case(name, x, kernel, stride, padding, ceil_mode, exclude_pad, pool):
    key = f"{name}/{len(cases)}"
    leaf = torch.tensor(x, requires_grad=True)
    output = pool(images(leaf)).permute(0, 2, 3, 1)
    cotangent = torch.tensor(rng.standard_normal(tuple(output.shape)))
    (gradient,) = torch.autograd.grad(output, leaf, cotangent)
    cases[key] = {"kernel": list(kernel), "padding": list(padding), "stride": list(stride), "ceil_mode": ceil_mode,
                  "exclude_pad": exclude_pad}
    for part, value in [("input0", leaf.detach()), ("output", output.detach()), ("cotangent", cotangent), ("grad0", gradient)]:
        tensors[f"{key}/{part}"] = np.asarray(value.numpy(), order="C")


for shape, kernel, stride, padding in [
    ((2, 5, 6, 3), (2, 2), (2, 2), (0, 0)),      # a row that a window cuts
    ((1, 6, 7, 2), (3, 3), (2, 2), (1, 1)),
    ((2, 4, 5, 1), (3, 2), (2, 3), (1, 1)),
    ((1, 1, 1, 2), (2, 2), (2, 2), (0, 0)),      # an image smaller than the window
    ((1, 1, 3, 1), (2, 2), (3, 3), (1, 1)),      # a last window that would begin in the padding behind: it is left out
    ((1, 7, 4, 2), (4, 3), (3, 2), (2, 1)),
    ((1, 8, 5, 20), (3, 3), (4, 3), (0, 1)),
    ((1, 20, 23, 2), (17, 18), (5, 3), (8, 9)),  # more than 256 taps
]:
    n = int(np.prod(shape))
    x = ((rng.permutation(n) - n // 2 + 0.5) * 0.05 + rng.uniform(-0.01, 0.01, n)).reshape(shape)
    for ceil_mode in (False, True):
        if not ceil_mode and any(i + 2 * p < k for i, p, k in zip(shape[1:3], padding, kernel)):
            continue
        case("max_pool2d", x, kernel, stride, padding, ceil_mode, False,
             lambda x: F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil_mode))
        for exclude_pad in (False, True):
            case("avg_pool2d", x, kernel, stride, padding, ceil_mode, exclude_pad,
                 lambda x: F.avg_pool2d(x, kernel, stride, padding, ceil_mode=ceil_mode, count_include_pad=not exclude_pad))

path = pathlib.Path(__file__).resolve().parent / "pooling.safetensors"
save_file(tensors, path, metadata={"cases": json.dumps(cases, sort_keys=True)})
path.chmod(0o644)

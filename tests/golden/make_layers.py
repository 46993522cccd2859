#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes layers.safetensors: shuffled pixels as PyTorch makes them, in double.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_layers.py

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
rng = np.random.default_rng(20250302)
tensors = {}
cases = {}


def case(name, inputs, attributes, f):
    """f takes the first input as (N, C, H, W) and gives such images."""
    key = f"{name}/{len(cases)}"
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    output = f(leaves[0].permute(0, 3, 1, 2), *leaves[1:]).permute(0, 2, 3, 1)
    cotangent = torch.tensor(rng.standard_normal(tuple(output.shape)))
    gradients = torch.autograd.grad(output, leaves, cotangent)
    cases[key] = attributes
    parts = [("output", output.detach()), ("cotangent", cotangent)]
    for i, (leaf, gradient) in enumerate(zip(leaves, gradients)):
        parts += [(f"input{i}", leaf.detach()), (f"grad{i}", gradient)]
    for part, value in parts:
        tensors[f"{key}/{part}"] = np.asarray(value.numpy(), order="C")


for shape, r in [((2, 3, 2, 12), 2), ((1, 1, 1, 9), 3), ((2, 2, 3, 2), 1), ((1, 4, 3, 36), 3)]:
    x = rng.standard_normal(shape)
    case("pixel_shuffle", [x], {"factor": r}, lambda x: F.pixel_shuffle(x, r))
for shape, r in [((2, 4, 6, 3), 2), ((1, 3, 3, 1), 3), ((2, 2, 3, 2), 1), ((1, 6, 9, 5), 3)]:
    x = rng.standard_normal(shape)
    case("pixel_unshuffle", [x], {"factor": r}, lambda x: F.pixel_unshuffle(x, r))

path = pathlib.Path(__file__).resolve().parent / "layers.safetensors"
save_file(tensors, path, metadata={"cases": json.dumps(cases, sort_keys=True)})
path.chmod(0o644)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes augment.safetensors: images turned, moved and sheared by PyTorch's grid_sample, and cross-entropy of probabilities, in double.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_augment.py

`affine/<k>/` has `options` (angle, x, y, scale, shear along x and y), `image` and `labels`, (H, W, C) and (H, W), and what becomes of them,
`bilinear` and `nearest`, by the matrix that torchvision's RandomAffine writes down: moved, middle, turn, shear, scale, middle back. The
cases of `cross_entropy_of_probabilities` are named as in ops.safetensors. A second run writes the same bytes.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(20261128)
tensors = {}
cases = {}


def matrix(rows):
    return torch.tensor(rows)


def inverse_map(height, width, angle, tx, ty, scale, sx, sy):
    """From a new pixel to the old place, in pixels from the corner of the first."""
    a, sx, sy = (math.radians(v) for v in (angle, sx, sy))
    shift = lambda x, y: matrix([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
    turn = matrix([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    shear_y = matrix([[1, 0, 0], [-math.tan(sy), 1, 0], [0, 0, 1.0]])
    shear_x = matrix([[1, -math.tan(sx), 0], [0, 1, 0], [0, 0, 1.0]])
    forward = shift(tx, ty) @ shift(width / 2, height / 2) @ turn @ shear_y @ shear_x @ torch.diag(matrix([scale, scale, 1.0]))
    return torch.linalg.inv(forward @ shift(-width / 2, -height / 2))


def grid_of(height, width, *options):
    back = inverse_map(height, width, *options)
    to_unit = matrix([[2 / width, 0, -1], [0, 2 / height, -1], [0, 0, 1.0]])
    theta = to_unit @ back @ torch.linalg.inv(to_unit)
    return F.affine_grid(theta[None, :2], (1, 1, height, width), align_corners=False)


for k, (height, width, *options) in enumerate(
    [
        (7, 7, 90, 0, 0, 1, 0, 0),
        (6, 9, 25, 0, 0, 1, 0, 0),
        (8, 5, -40, 2, -1, 0.7, 12, 0),
        (9, 10, 13, -1, 2, 1.6, -20, 8),
        (1, 1, 30, 0, 0, 1.5, 0, 0),
    ]
):
    image = torch.tensor(rng.uniform(size=(height, width, 2)))
    labels = torch.tensor(rng.integers(1, 9, (height, width)).astype(float))
    grid = grid_of(height, width, *options)
    sample = lambda x, mode: F.grid_sample(x.permute(2, 0, 1)[None], grid, mode, "zeros", False)[0].permute(1, 2, 0)
    parts = {"options": matrix([float(v) for v in options]), "image": image, "labels": labels}
    parts |= {"bilinear": sample(image, "bilinear"), "nearest": sample(labels[..., None], "nearest")[..., 0]}
    for part, value in parts.items():
        tensors[f"affine/{k}/{part}"] = np.array(value.numpy(), order="C")

for k, (shape, reduction, smoothing, weighted) in enumerate(
    [((4, 3), "mean", 0, False), ((2, 3, 2, 4), "mean", 0.1, True), ((5, 2), "sum", 0.3, True), ((3, 2, 3), "none", 0.2, True)]
):
    x = torch.tensor(2 * rng.standard_normal(shape), requires_grad=True)
    q = torch.softmax(torch.tensor(2 * rng.standard_normal(shape)), -1)
    q[0] = F.one_hot(torch.zeros(shape[1:-1], dtype=torch.long), shape[-1]).double()
    weight = torch.tensor(rng.uniform(0.2, 2, shape[-1])) if weighted else None
    output = F.cross_entropy(x.movedim(-1, 1), q.movedim(-1, 1), weight=weight, label_smoothing=smoothing, reduction=reduction)
    cotangent = torch.tensor(np.asarray(rng.standard_normal(tuple(output.shape))))
    (gradient,) = torch.autograd.grad(output, x, cotangent)
    key = f"cross_entropy_of_probabilities/{k}"
    cases[key] = {"probabilities": q.flatten().tolist(), "label_smoothing": smoothing, "reduction": ["mean", "sum", "none"].index(reduction)}
    if weighted:
        cases[key]["weight"] = weight.tolist()
    for part, value in [("input0", x.detach()), ("output", output.detach()), ("cotangent", cotangent), ("grad0", gradient)]:
        tensors[f"{key}/{part}"] = np.array(value.numpy(), order="C")

save_file(tensors, pathlib.Path(__file__).with_name("augment.safetensors"), {"cases": json.dumps(cases)})

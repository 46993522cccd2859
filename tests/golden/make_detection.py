#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes detection.safetensors: the losses of heat maps and of CenterNet by their formulas in PyTorch, in double.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_detection.py

The metadata and the names of the tensors are those of ops.safetensors, which make_golden.py writes. Maps are (N, h, w, C).
"""

import json
import math
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(20261127)
tensors = {}
cases = {}


def case(name, x, loss, **attributes):
    key = f"{name}/{len(cases)}"
    leaf = torch.tensor(x, requires_grad=True)
    output = loss(leaf)
    cotangent = torch.tensor(rng.standard_normal(tuple(output.shape)))
    (gradient,) = torch.autograd.grad(output, leaf, cotangent)
    cases[key] = attributes
    for part, value in [("input0", leaf.detach()), ("output", output.detach()), ("cotangent", cotangent), ("grad0", gradient)]:
        tensors[f"{key}/{part}"] = np.asarray(value.numpy(), order="C")


def focal(logits, y, alpha=2.0, beta=4.0):
    p = torch.clamp(torch.sigmoid(logits), 1e-4, 1 - 1e-4)
    place = (y == 1).to(p.dtype)
    return -(place * (1 - p) ** alpha * torch.log(p) + (1 - place) * (1 - y) ** beta * p ** alpha * torch.log(1 - p))


def heat_values(*shape):
    y = rng.uniform(0, 1, shape)
    y[rng.uniform(size=shape) < 0.2] = 1
    y[rng.uniform(size=shape) < 0.4] = 0
    return y


REDUCTIONS = ["mean", "sum", "none"]  # as the enumeration counts them
for shape, alpha, beta, mask in [((2, 3, 4, 2), 2, 4, None), ((3, 5), 2, 4, [1, 0, 1]), ((4, 2, 2, 1), 1.5, 3, [0, 1, 1, 0]),
                                 ((1, 6), 0, 0, None)]:
    for reduction in range(3):
        y = torch.tensor(heat_values(*shape))
        keep = torch.ones(shape[0]) if mask is None else torch.tensor(mask, dtype=torch.float64)
        keep = keep.reshape(-1, *[1] * (len(shape) - 1))

        def loss(x):
            each = focal(x, y, alpha, beta) * keep
            divisor = max(1.0, float(((y == 1) * keep).sum()))
            return {"mean": each.sum() / divisor, "sum": each.sum(), "none": each}[REDUCTIONS[reduction]]

        attributes = {} if mask is None else {"mask": mask}
        logits = 3 * rng.standard_normal(shape)
        logits.reshape(-1)[:2] = [12, -12]  # beyond where the sigmoid is clamped
        case("gaussian_focal_loss", logits, loss, values=y.flatten().tolist(), alpha=alpha, beta=beta, reduction=reduction, **attributes)


def radius_of(height, width, overlap):
    """CornerNet's, its three equations solved for the smaller positive root each."""
    def smallest_root(a, b, c):
        return min(r for r in np.roots([a, b, c]).real if r > 0)

    return min(smallest_root(1, -(height + width), height * width * (1 - overlap) / (1 + overlap)),
               smallest_root(4, -2 * (height + width), (1 - overlap) * height * width),
               smallest_root(4 * overlap, 2 * overlap * (height + width), (overlap - 1) * height * width))


def center_net(prediction, objects, mask, stride, size_weight, offset_weight, overlap):
    n, h, w, numbers = prediction.shape
    heat = np.zeros((n, h, w, numbers - 4))
    count = 0
    boxes = {}
    for image in range(n):
        if not mask[image]:
            continue
        for x1, y1, x2, y2, label in objects[image]:
            if label < 0:
                continue
            x1, x2 = np.clip([x1 / stride, x2 / stride], 0, w)
            y1, y2 = np.clip([y1 / stride, y2 / stride], 0, h)
            cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
            ix, iy = int(cx), int(cy)
            radius = int(radius_of(math.ceil(y2 - y1), math.ceil(x2 - x1), overlap))
            sigma = (2 * radius + 1) / 6
            v, u = np.ogrid[:h, :w]
            bump = np.exp(-((u - ix) ** 2 + (v - iy) ** 2) / (2 * sigma ** 2))
            bump[(abs(u - ix) > radius) | (abs(v - iy) > radius)] = 0
            heat[image, :, :, int(label)] = np.maximum(heat[image, :, :, int(label)], bump)
            count += 1
            place = (image, iy, ix)
            if place not in boxes or boxes[place][0] <= (x2 - x1) * (y2 - y1):
                boxes[place] = ((x2 - x1) * (y2 - y1), [x2 - x1, y2 - y1, cx - ix, cy - iy])
    keep = torch.tensor(mask, dtype=torch.float64).reshape(-1, 1, 1, 1)
    total = (focal(prediction[..., :-4], torch.tensor(heat)) * keep).sum()
    for (image, iy, ix), (_, wanted) in boxes.items():
        distance = (prediction[image, iy, ix, -4:] - torch.tensor(wanted)).abs()
        total = total + size_weight * distance[:2].sum() + offset_weight * distance[2:].sum()
    return total / max(1, count)


for n, h, w, classes, most, stride, size_weight, offset_weight, overlap, mask in [
    (1, 4, 5, 1, 1, 4, 0.1, 1, 0.7, [1]),
    (2, 16, 12, 3, 4, 4, 0.1, 1, 0.7, [1, 1]),
    (3, 20, 24, 2, 6, 8, 0.3, 0.5, 0.3, [1, 0, 1]),
    (2, 12, 12, 2, 40, 2, 1, 2, 0.5, [1, 1]),    # many in one cell
    (2, 5, 4, 2, 3, 4, 0.1, 1, 0.7, [1, 1]),     # no objects, below
]:
    objects = np.zeros((n, most, 5))
    for image in range(n):
        for row in range(most):
            size = np.round(rng.uniform(1, 0.7 * stride * np.array([w, h])) * 4) / 4
            corner = np.round(rng.uniform(-size / 3, stride * np.array([w, h]) - size * 2 / 3) * 4) / 4
            objects[image, row] = [*corner, *(corner + size), rng.integers(classes)]
    objects[0, most // 2 + 1:, 4] = -1
    if (h, w) == (5, 4):
        objects[:, :, 4] = -1
    x = 2 * rng.standard_normal((n, h, w, classes + 4))
    case("center_net_loss", x, lambda x: center_net(x, objects, mask, stride, size_weight, offset_weight, overlap),
         objects=objects.flatten().tolist(), rows=most, mask=mask, stride=stride, size_weight=size_weight, offset_weight=offset_weight,
         minimum_overlap=overlap)

path = pathlib.Path(__file__).resolve().parent / "detection.safetensors"
save_file(tensors, path, metadata={"cases": json.dumps(cases, sort_keys=True)})
path.chmod(0o644)

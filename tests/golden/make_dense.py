#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes dense.safetensors: losses of dense prediction and of boxes with their gradients, by PyTorch in double.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_dense.py

The metadata and the names of the tensors are those of ops.safetensors, which make_golden.py writes. Losses that PyTorch itself does not
have are written down by their definitions, with gradients by its autograd. A second run writes the same bytes.
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
rng = np.random.default_rng(20261127)
tensors = {}
cases = {}
NONE, MEAN, SUM = 2, 0, 1


def case(name, x, attributes, loss):
    key = f"{name}/{len(cases)}"
    leaf = torch.tensor(x, requires_grad=True)
    output = loss(leaf)
    cotangent = torch.tensor(np.asarray(rng.standard_normal(tuple(output.shape))))
    (gradient,) = torch.autograd.grad(output, leaf, cotangent)
    cases[key] = {k: np.asarray(v).flatten().tolist() for k, v in attributes.items()}
    for part, value in [("input0", leaf.detach()), ("output", output.detach()), ("cotangent", cotangent), ("grad0", gradient)]:
        tensors[f"{key}/{part}"] = np.array(value.numpy(), order="C")  # a copy of its own


def reduce(losses, weights, reduction):
    """Losses, and how much each of them counts."""
    losses = torch.where(weights > 0, losses, torch.zeros(())) * weights
    return losses if reduction == NONE else losses.sum() / (weights.sum() if reduction == MEAN else 1)


# Focal losses.
for shape in [(5,), (3, 4), (2, 3, 2, 1)]:
    x = 2 * rng.standard_normal(shape)
    for alpha, gamma, reduction in [(0.25, 2, MEAN), (-1, 1.5, SUM), (0.6, 0, NONE)]:
        y = torch.tensor(rng.integers(0, 2, shape).astype(float) if reduction != SUM else rng.uniform(size=shape))

        def focal(x):
            p = torch.sigmoid(x)
            ce = F.binary_cross_entropy_with_logits(x, y, reduction="none")
            loss = ce * (1 - (p * y + (1 - p) * (1 - y))) ** gamma
            loss = loss * (alpha * y + (1 - alpha) * (1 - y)) if alpha >= 0 else loss
            return reduce(loss, torch.ones(shape), reduction)

        case("sigmoid_focal_loss", x, {"values": y, "alpha": alpha, "gamma": gamma, "reduction": reduction}, focal)

for shape in [(4, 3), (2, 3, 2, 5), (3, 1, 2)]:
    x = 2 * rng.standard_normal(shape)
    for gamma, reduction, weighted in [(2, MEAN, True), (0.5, SUM, False), (3, NONE, True)]:
        labels = torch.tensor(rng.integers(0, shape[-1], shape[:-1]))
        labels.view(-1)[-1] = -7
        weight = torch.tensor(rng.uniform(0.3, 2, shape[-1])) if weighted else torch.ones(shape[-1])

        def focal(x):
            chosen = labels.clamp(min=0)
            log_p = F.log_softmax(x, -1).gather(-1, chosen[..., None])[..., 0]
            return reduce(-((-torch.expm1(log_p)).clamp(min=1e-300 if shape[-1] > 1 else 0) ** gamma) * log_p,
                          weight[chosen] * (labels >= 0), reduction)

        attributes = {"labels": labels, "gamma": gamma, "reduction": reduction, "ignore_index": -7}
        if shape[-1] == 1:
            continue
        case("focal_cross_entropy", x, attributes | ({"weight": weight} if weighted else {}), focal)


# Regions.
def tversky(p, y, counts, alpha, beta, smooth, exponent, per_sample, reduction):
    """Of (N, rows, classes)."""
    axes = (1,) if per_sample else (0, 1)
    tp, p_sum, y_sum = (p * y * counts).sum(axes), (p * counts).sum(axes), (y * counts).sum(axes)
    overlap = (tp + smooth) / (tp + alpha * (p_sum - tp) + beta * (y_sum - tp) + smooth)
    miss = 1 - overlap
    loss = torch.where(miss > 0, torch.where(miss > 0, miss, torch.ones(())) ** exponent, torch.zeros(())).mean(-1)  # no slope at 0
    return reduce(loss, counts.amax((1, 2)) if per_sample else torch.ones(()), reduction)


def dice(p, y, counts, smooth, per_sample, reduction):
    axes = (1,) if per_sample else (0, 1)
    loss = 1 - (2 * (p * y * counts).sum(axes) + smooth) / ((p * counts).sum(axes) + (y * counts).sum(axes) + smooth)
    return reduce(loss.mean(-1), counts.amax((1, 2)) if per_sample else torch.ones(()), reduction)


for shape in [(3, 4, 2, 3), (4, 5), (2, 3, 3, 1)]:
    for by_label in [True, False]:
        for per_sample, reduction, smooth in [(False, MEAN, 1), (True, MEAN, 0.5), (True, NONE, 2)]:
            if by_label and shape[-1] == 1:
                continue
            x = rng.standard_normal(shape)
            flat = (shape[0], -1, shape[-1])
            if by_label:
                labels = torch.tensor(rng.integers(0, shape[-1], shape[:-1]))
                labels.view(-1)[-1] = -7
                labels.view(-1)[0] = 0
                y = F.one_hot(labels.clamp(min=0), shape[-1]).double()
                counts = (labels >= 0).double()[..., None].expand(shape)
                attributes = {"labels": labels, "ignore_index": -7}
            else:
                y = torch.tensor(rng.integers(0, 2, shape).astype(float))
                counts = torch.tensor((rng.uniform(size=shape) < 0.8).astype(float))
                counts.view(-1)[0] = 1
                attributes = {"values": y, "elements": counts}
            y, counts = y.reshape(flat), counts.reshape(flat)
            attributes |= {"per_sample": per_sample, "reduction": reduction, "smooth": smooth}
            probability = (lambda x: F.softmax(x, -1).reshape(flat)) if by_label else (lambda x: torch.sigmoid(x).reshape(flat))
            case("dice_loss", x, attributes, lambda x: dice(probability(x), y, counts, smooth, per_sample, reduction))
            for alpha, beta, exponent in [(0.3, 0.7, 1), (0.6, 0.2, 0.75)]:
                case("tversky_loss", x, attributes | {"alpha": alpha, "beta": beta, "exponent": exponent},
                     lambda x: tversky(probability(x), y, counts, alpha, beta, smooth, exponent, per_sample, reduction))


def lovasz_extension(errors, truth):
    """By its definition: the sum of errors, from the largest on, times what each of them adds to 1 - IoU."""
    order = torch.argsort(errors.detach(), descending=True, stable=True)
    truth = truth[order].double()
    missed, wrong = truth.cumsum(0), (1 - truth).cumsum(0)
    jaccard = 1 - (truth.sum() - missed) / (truth.sum() + wrong)
    return (errors[order] * torch.diff(jaccard, prepend=torch.zeros(1))).sum()


def per_image(images, reduction):
    weights = torch.tensor([0.0 if image is None else 1.0 for image in images])
    return reduce(torch.stack([torch.zeros(()) if image is None else image for image in images]), weights, reduction)


for shape in [(3, 4, 2, 3), (6, 5), (2, 3, 3, 2)]:
    for by_image, all_classes, reduction in [(False, False, MEAN), (True, False, MEAN), (True, True, NONE)]:
        x = rng.standard_normal(shape)
        labels = torch.tensor(rng.integers(0, shape[-1] - (reduction == MEAN), shape[:-1]))
        labels.view(-1)[-1] = -7
        labels.view(-1)[0] = 0

        def of_image(x, labels):
            x, labels = x.reshape(-1, shape[-1])[labels.flatten() >= 0], labels.flatten()[labels.flatten() >= 0]
            if not len(labels):
                return None
            p = F.softmax(x, -1)
            classes = range(shape[-1]) if all_classes else labels.unique().tolist()
            return torch.stack([lovasz_extension(((labels == c).double() - p[:, c]).abs(), labels == c) for c in classes]).mean()

        case("lovasz_softmax_loss", x,
             {"labels": labels, "ignore_index": -7, "per_image": by_image, "all_classes": all_classes, "reduction": reduction},
             lambda x: per_image([of_image(a, b) for a, b in zip(x, labels)], reduction) if by_image else of_image(x, labels))

for shape in [(3, 4, 2, 1), (2, 5), (2, 3, 4)]:
    for by_image, reduction in [(True, MEAN), (False, MEAN), (True, NONE), (True, SUM)]:
        x = rng.standard_normal(shape)
        y = torch.tensor(rng.integers(0, 2, shape).astype(float))
        counts = torch.tensor(rng.uniform(size=shape) < 0.8)
        counts[0] = True

        def hinge(x, y, counts):
            if not counts.any():
                return None
            x, y = x[counts], y[counts]
            return lovasz_extension(F.relu(1 - x * (2 * y - 1)), y == 1)

        case("lovasz_hinge_loss", x, {"values": y, "elements": counts.double(), "per_image": by_image, "reduction": reduction},
             lambda x: per_image([hinge(a, b, c) for a, b, c in zip(x, y, counts)], reduction) if by_image else hinge(x, y, counts))


# Boxes, as torchvision's ops compute them.
def overlap(a, b, eps=1e-7):
    x1, y1 = torch.max(a[..., 0], b[..., 0]), torch.max(a[..., 1], b[..., 1])
    x2, y2 = torch.min(a[..., 2], b[..., 2]), torch.min(a[..., 3], b[..., 3])
    shared = torch.where((x2 > x1) & (y2 > y1), (x2 - x1) * (y2 - y1), torch.zeros(()))
    union = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1]) + (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1]) - shared
    hull = (torch.max(a[..., 2], b[..., 2]) - torch.min(a[..., 0], b[..., 0]), torch.max(a[..., 3], b[..., 3]) - torch.min(a[..., 1], b[..., 1]))
    return shared / (union + eps), union, hull


def generalized(a, b, eps=1e-7):
    iou, union, (w, h) = overlap(a, b)
    return 1 - (iou - (w * h - union) / (w * h + eps))


def distance(a, b, eps=1e-7):
    iou, _, (w, h) = overlap(a, b)
    centre = lambda box: (box[..., :2] + box[..., 2:]) / 2
    return 1 - iou + (centre(a) - centre(b)).square().sum(-1) / (w**2 + h**2 + eps)


def complete(a, b, constant_alpha, eps=1e-7):
    iou, _, _ = overlap(a, b)
    aspect = lambda box: torch.atan((box[..., 2] - box[..., 0]) / (box[..., 3] - box[..., 1]))
    v = 4 / math.pi**2 * (aspect(b) - aspect(a)) ** 2
    alpha = v / (1 - iou + v + eps)
    return distance(a, b) + (alpha.detach() if constant_alpha else alpha) * v


for shape in [(6, 4), (2, 5, 4), (3, 2, 2, 4)]:
    for reduction in (MEAN, SUM, NONE):
        a, b = (np.concatenate([low := rng.uniform(0, 3, shape[:-1] + (2,)), low + rng.uniform(0.5, 3, shape[:-1] + (2,))], -1) for _ in range(2))
        a.reshape(-1, 4)[0] = b.reshape(-1, 4)[0]  # a perfect one
        values, ones = torch.tensor(b), torch.ones(shape[:-1])
        attributes = {"values": values, "reduction": reduction}
        case("generalized_box_iou_loss", a, attributes, lambda x: reduce(generalized(x, values), ones, reduction))
        case("distance_box_iou_loss", a, attributes, lambda x: reduce(distance(x, values), ones, reduction))
        for constant in (True, False):
            case("complete_box_iou_loss", a, attributes | {"constant_alpha": constant},
                 lambda x: reduce(complete(x, values, constant), ones, reduction))

# Depths and normals.
for shape in [(3, 4, 2), (4, 1), (2, 3, 2, 1)]:
    for log_depth, factor, reduction in [(True, 0.5, MEAN), (False, 0.85, SUM), (False, 1, NONE)]:
        y = torch.tensor(rng.uniform(0.5, 4, shape))
        counts = torch.tensor((rng.uniform(size=shape) < 0.7).astype(float))
        counts.view(-1)[0] = 1
        x = rng.standard_normal(shape) if log_depth else rng.uniform(0.5, 4, shape)

        def scale_invariant(x):
            d = ((x if log_depth else x.log()) - y.log()).reshape(shape[0], -1)
            c = counts.reshape(shape[0], -1)
            n = c.sum(1).clamp(min=1)
            return reduce((d * d * c).sum(1) / n - factor * (d * c).sum(1) ** 2 / n**2, c.amax(1), reduction)

        case("scale_invariant_loss", x,
             {"values": y, "elements": counts, "lambda": factor, "log_depth": log_depth, "reduction": reduction}, scale_invariant)

for shape in [(3, 4, 2, 3), (4, 5), (2, 3, 2)]:
    for reduction in (MEAN, SUM, NONE):
        x, y = 2 * rng.standard_normal(shape), torch.tensor(rng.standard_normal(shape))
        if reduction == SUM:
            x.reshape(-1, shape[-1])[0] = 0
        case("cosine_loss", x, {"values": y, "reduction": reduction},
             lambda x: reduce(1 - F.cosine_similarity(x, y, dim=-1, eps=1e-8), torch.ones(shape[:-1]), reduction))

path = pathlib.Path(__file__).resolve().parent / "dense.safetensors"
save_file(tensors, path, metadata={"cases": json.dumps(cases, sort_keys=True)})
path.chmod(0o644)

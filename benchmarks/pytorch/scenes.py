# SPDX-License-Identifier: MIT
"""The losses of examples/scenes/training.hpp in PyTorch, and targets for them.

Targets lie as ours do: segments (N, H, W), boundaries and depth (N, H, W, 1), with a mask of the pixels whose depth is known, and
objects (N, M, 5): corners in pixels and class, below 0 for none.
"""
import math

import torch
from torch.nn import functional as F

STRIDE = 4  # pixels from one cell of the map of objects to the next
CLASSES = 10
LOSS_WEIGHTS = {"segments": 5.0, "boundaries": 1.0, "depth": 1.0, "objects": 1.0}


def gaussian_radius(height, width, overlap=0.7):
    """How far both corners of a box may move such that its IoU with itself stays above `overlap` (Law and Deng, CornerNet, 2018)."""
    both, area = height + width, height * width
    same_way = (both - math.sqrt(both**2 - 4 * area * (1 - overlap) / (1 + overlap))) / 2
    inwards = (both - math.sqrt(both**2 - 4 * area * (1 - overlap))) / 4
    outwards = (math.sqrt((overlap * both) ** 2 + 4 * overlap * (1 - overlap) * area) - overlap * both) / (4 * overlap)
    return int(min(same_way, inwards, outwards))


def center_map(objects, height, width):
    """What the map of objects is compared with: heat (N, C, h, w); places (K, 3), image, row and column of a centre; the sizes and
    offsets there (K, 4); and the number of objects. Of several in one cell the largest counts."""
    heat = torch.zeros(len(objects), CLASSES, height, width)
    rows, columns = torch.arange(height).reshape(-1, 1), torch.arange(width)
    owners, count = {}, 0
    for image, of_image in enumerate(objects.tolist()):
        for *corners, label in of_image:
            if label < 0:
                continue
            x1, y1, x2, y2 = (min(max(value / STRIDE, 0), limit) for value, limit in zip(corners, (width, height) * 2))
            x, y = (x1 + x2) / 2, (y1 + y2) / 2
            column, row = min(int(x), width - 1), min(int(y), height - 1)
            radius = gaussian_radius(math.ceil(y2 - y1), math.ceil(x2 - x1))
            bump = torch.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * ((2 * radius + 1) / 6) ** 2))
            bump[((rows - row).abs() > radius) | ((columns - column).abs() > radius)] = 0
            torch.maximum(heat[image, int(label)], bump, out=heat[image, int(label)])
            count += 1
            area, place = (x2 - x1) * (y2 - y1), (image, row, column)
            if place not in owners or owners[place][0] <= area:
                owners[place] = (area, (x2 - x1, y2 - y1, x - column, y - row))
    places = torch.tensor(list(owners), dtype=torch.long).reshape(-1, 3)
    return heat, places, torch.tensor([wanted for _, wanted in owners.values()]).reshape(-1, 4), max(1, count)


def center_net_loss(prediction, target):
    """Of (N, C + 4, h, w), as Zhou et al. have it (Objects as Points, 2019)."""
    heat, places, wanted, count = target
    p = torch.sigmoid(prediction[:, :CLASSES]).clamp(1e-4, 1 - 1e-4)
    is_place = heat == 1
    focal = -torch.where(is_place, (1 - p) ** 2 * torch.log(p), (1 - heat) ** 4 * p**2 * torch.log(1 - p)).sum()
    distance = (prediction[places[:, 0], CLASSES:, places[:, 1], places[:, 2]] - wanted).abs()
    return (focal + 0.1 * distance[:, :2].sum() + distance[:, 2:].sum()) / count


GROUND_COUNTS_LESS = torch.tensor([0.3] + [1.0] * CLASSES)


def task_loss(task, prediction, target):
    if task == "segments":
        return F.cross_entropy(prediction, target, weight=GROUND_COUNTS_LESS.to(prediction.dtype))
    if task == "boundaries":
        pos_weight = torch.full((1, 1, 1), 4.0, dtype=prediction.dtype)
        return F.binary_cross_entropy_with_logits(prediction, target.permute(0, 3, 1, 2).to(prediction.dtype), pos_weight=pos_weight)
    if task == "depth":
        values, known = target
        return (prediction - values.permute(0, 3, 1, 2))[known.permute(0, 3, 1, 2)].abs().mean()
    return center_net_loss(prediction, target)


def random_targets(batch, height, width, most=6):
    """Of a batch for timing: what a scene might be, at random."""
    corner, size = torch.rand(batch, most, 2), 0.2 + 0.4 * torch.rand(batch, most, 2)
    corner = corner * (1 - size)
    pixels = torch.tensor([width, height])
    objects = torch.cat([corner * pixels, (corner + size) * pixels, torch.randint(-1, CLASSES, (batch, most, 1)).float()], 2)
    return {"segments": torch.randint(CLASSES + 1, (batch, height, width)),
            "boundaries": (torch.rand(batch, height, width, 1) < 0.1).float(),
            "depth": (1 + torch.rand(batch, height, width, 1), torch.rand(batch, height, width, 1) < 0.3),
            "objects": objects}

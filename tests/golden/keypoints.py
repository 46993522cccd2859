#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes keypoints.safetensors: the loss of key points by its formula in PyTorch, in double, and similarities by pycocotools.

    pip install torch==2.13.0 numpy safetensors pycocotools
    python tests/golden/keypoints.py

Metadata and names of the loss's cases are those of ops.safetensors, which make_golden.py writes. Maps are (N, h, w, K). `oks/truth` and
`oks/found` (poses, 17, 3), `oks/area` (poses,), `oks/expected` (poses,).
"""

import json
import pathlib

import numpy as np
import torch
from pycocotools.cocoeval import COCOeval
from safetensors.numpy import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(20261127)
tensors = {}
cases = {}


def case(x, loss, **attributes):
    key = f"keypoint_loss/{len(cases)}"
    leaf = torch.tensor(x, requires_grad=True)
    output = loss(leaf).reshape(())
    cotangent = torch.tensor(rng.standard_normal(()))
    (gradient,) = torch.autograd.grad(output, leaf, cotangent)
    cases[key] = attributes
    for part, value in [("input0", leaf.detach()), ("output", output.detach()), ("cotangent", cotangent), ("grad0", gradient)]:
        tensors[f"{key}/{part}"] = np.asarray(value.numpy(), order="C")


def keypoint_loss(prediction, keypoints, weight, stride, sigma):
    n, h, w, count = prediction.shape
    v, u = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
    total, weights = 0, 0
    for image in range(n):
        for k, (x, y, visibility) in enumerate(keypoints[image]):
            if visibility > 0:
                bump = torch.exp(-((u - x / stride) ** 2 + (v - y / stride) ** 2) / (2 * sigma ** 2))
                total = total + weight[image] * ((prediction[image, :, :, k] - bump) ** 2).sum() / 2
                weights += weight[image]
    return total / weights


for n, h, w, count, stride, sigma, weight in [
    (1, 4, 5, 1, 4, 2, None),
    (2, 8, 6, 3, 4, 1.5, None),
    (3, 6, 7, 17, 8, 2, [1, 0, 1]),
    (3, 3, 3, 2, 1, 0.7, [0.5, 2, 0.25]),
    (1, 1, 1, 2, 4, 2, None),
]:
    keypoints = np.concatenate([rng.uniform(0, [stride * w, stride * h], (n, count, 2)), rng.integers(0, 3, (n, count, 1))], axis=2)
    keypoints[0, 0] = [stride * w, 0, 2]  # the corner counts
    x = rng.standard_normal((n, h, w, count))
    attributes = {} if weight is None else {"weight": weight}
    case(x, lambda x: keypoint_loss(x, keypoints, weight or [1] * n, stride, sigma), keypoints=keypoints.flatten().tolist(), stride=stride,
         sigma=sigma, **attributes)

evaluation = COCOeval(iouType="keypoints")
truth = np.concatenate([rng.uniform(0, 200, (20, 17, 2)), rng.integers(0, 3, (20, 17, 1))], axis=2)
truth[:, 0, 2] = 2
found = np.concatenate([truth[..., :2] + rng.standard_normal((20, 17, 2)) * 12, rng.uniform(0, 1, (20, 17, 1))], axis=2)
area = rng.uniform(300, 30000, 20)
expected = []
for pose in range(20):
    evaluation._gts[pose, 1] = [{"keypoints": truth[pose].flatten(), "bbox": [0, 0, 200, 200], "area": area[pose]}]
    evaluation._dts[pose, 1] = [{"keypoints": found[pose].flatten(), "score": 1}]
    expected.append(evaluation.computeOks(pose, 1)[0, 0])
tensors |= {"oks/truth": truth, "oks/found": found, "oks/area": area, "oks/expected": np.array(expected)}

path = pathlib.Path(__file__).resolve().parent / "keypoints.safetensors"
save_file(tensors, path, metadata={"cases": json.dumps(cases, sort_keys=True)})
path.chmod(0o644)

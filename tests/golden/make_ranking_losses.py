#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes ranking.safetensors: losses of ranked lists by their definitions with their gradients, by PyTorch in double.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_ranking_losses.py

The metadata and the names of the tensors are those of ops.safetensors. A second run writes the same bytes.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(20261129)
tensors = {}
cases = {}


def case(name, x, attributes, loss):
    key = f"{name}/{len(cases)}"
    leaf = torch.tensor(x, requires_grad=True)
    losses, counts = loss(leaf)
    losses = torch.where(counts, losses, torch.zeros(()))
    reduction = attributes["reduction"]
    output = losses if reduction == 2 else losses.sum() / (counts.sum() if reduction == 0 else 1)
    cotangent = torch.tensor(np.asarray(rng.standard_normal(tuple(output.shape))))
    (gradient,) = torch.autograd.grad(output, leaf, cotangent)
    cases[key] = {k: np.asarray(v).flatten().tolist() for k, v in attributes.items()}
    for part, value in [("input0", leaf.detach()), ("output", output.detach()), ("cotangent", cotangent), ("grad0", gradient)]:
        tensors[f"{key}/{part}"] = np.array(value.numpy(), order="C")


for shape in [(4, 5), (3, 2, 4), (2, 2)]:
    for reduction in range(3):
        labels = torch.tensor(rng.integers(0, shape[-1], shape[:-1]))
        mask = torch.tensor(rng.uniform(size=shape[0]) < 0.7)
        mask[0] = True
        of_rows = mask.reshape((-1,) + (1,) * (len(shape) - 2)).expand(shape[:-1])

        def bpr(x):
            positive = x.gather(-1, labels[..., None])
            pairs = F.softplus(x - positive).masked_fill(F.one_hot(labels, shape[-1]).bool(), 0)
            return pairs.sum(-1) / (shape[-1] - 1), of_rows

        case("bpr_loss", 2 * rng.standard_normal(shape), {"labels": labels, "mask": mask, "reduction": reduction}, bpr)

        values, elements = torch.tensor(rng.integers(0, 4, shape).astype(float)), torch.tensor(rng.uniform(size=shape) < 0.7)
        elements.view(-1)[0] = True

        def list_net(x):
            some = elements.any(-1)
            fill = lambda v: torch.where(elements, v, torch.where(some[..., None], torch.tensor(-torch.inf), torch.zeros(())))
            terms = F.softmax(fill(values), -1) * F.log_softmax(fill(x), -1).masked_fill(~elements, 0)
            return -terms.sum(-1), some

        case("list_net_loss", 2 * rng.standard_normal(shape), {"values": values, "elements": elements, "reduction": reduction}, list_net)

path = pathlib.Path(__file__).resolve().parent / "ranking.safetensors"
save_file(tensors, path, metadata={"cases": json.dumps(cases, sort_keys=True)})
path.chmod(0o644)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes recommend.safetensors: layers of recommendation by a few lines of PyTorch, in double.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_recommend.py

Metadata and names of the operations' cases are those of ops.safetensors, which make_golden.py writes. `<layer>/<case>/` has a layer's
`input<i>`, `output`, `cotangent`, `parameter/<name>`, `gradient/<name>` and `input_gradient<i>`.
"""
import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(20261205)
tensors, cases = {}, {}


def store(name, value):
    tensors[name] = np.array(value.detach().numpy(), order="C")


def random(*shape):
    return torch.tensor(rng.standard_normal(shape)).requires_grad_()


def pairs(x):
    """The definition, pair by pair."""
    terms = [(x[:, i] * x[:, j]).sum(1, keepdim=True) for i in range(x.shape[1]) for j in range(i)]
    return sum(terms, 0 * x.sum((1, 2))[:, None])


for shape in [(4, 5, 3), (3, 1, 2), (1, 2, 1), (2, 9, 17)]:
    key = f"factorization_machine/{len(cases)}"
    x = random(*shape)
    y = pairs(x)
    cotangent = random(*y.shape)
    cases[key] = {}
    (gradient,) = torch.autograd.grad(y, x, cotangent)
    for part, value in [("input0", x), ("output", y), ("cotangent", cotangent), ("grad0", gradient)]:
        store(f"{key}/{part}", value)


def layer(key, inputs, parameters, f):
    """f takes inputs and parameters by name."""
    y = f(*inputs, parameters)
    cotangent = random(*y.shape)
    gradients = torch.autograd.grad(y, [*inputs, *parameters.values()], cotangent)
    store(f"{key}/output", y)
    store(f"{key}/cotangent", cotangent)
    for i, x in enumerate(inputs):
        store(f"{key}/input{i}", x)
        store(f"{key}/input_gradient{i}", gradients[i])
    for (name, value), gradient in zip(parameters.items(), gradients[len(inputs):]):
        store(f"{key}/parameter/{name}", value)
        store(f"{key}/gradient/{name}", gradient)


def cross(x, p):
    y = x
    for l in range(3):
        if f"{l}.weight" in p:
            y = x * (y @ p[f"{l}.weight"].T + p[f"{l}.bias"]) + y
        else:
            y = x * (y @ p[f"{l}.v.weight"].T @ p[f"{l}.u.weight"].T + p[f"{l}.u.bias"]) + y
    return y


layer("cross/full", [random(4, 5)], {f"{l}.{n}": random(*s) for l in range(3) for n, s in [("weight", (5, 5)), ("bias", (5,))]}, cross)
layer("cross/low_rank", [random(2, 3, 5)],
      {f"{l}.{n}": random(*s) for l in range(3) for n, s in [("v.weight", (2, 5)), ("u.weight", (5, 2)), ("u.bias", (5,))]}, cross)


def attention(lengths, softmax):
    def f(history, query, p):
        q = query[:, None].expand_as(history)
        x = torch.cat([q, history, q - history, q * history], -1)
        x = torch.sigmoid(x @ p["unit.0.weight"].T + p["unit.0.bias"])
        scores = (x @ p["unit.2.weight"].T + p["unit.2.bias"])[..., 0]
        there = torch.arange(history.shape[1]) < torch.tensor(lengths)[:, None]
        if softmax:
            scores = torch.softmax(scores.masked_fill(~there, -1e30), 1)
        return ((scores * there)[..., None] * history).sum(1)
    return f


for name, lengths, softmax in [("plain", [3, 1, 4, 2], False), ("softmax", [3, 1, 4, 2], True), ("empty", [0, 4, 0, 1], False),
                               ("empty_softmax", [0, 4, 0, 1], True)]:
    layer(f"attention/{name}", [random(4, 4, 3), random(4, 3)],
          {"unit.0.weight": random(6, 12), "unit.0.bias": random(6), "unit.2.weight": random(1, 6), "unit.2.bias": random(1)},
          attention(lengths, softmax))

path = pathlib.Path(__file__).resolve().parent / "recommend.safetensors"
save_file(tensors, path, metadata={"cases": json.dumps(cases, sort_keys=True)})
path.chmod(0o644)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Networks of preferences in PyTorch, from their papers' formulas: values and gradients of small networks of two tasks.

    pip install torch==2.13.0 numpy safetensors
    python3 make_pareto.py

Writes pareto.safetensors: of a trunk with FiLM (Perez et al., 2018) and of a Pareto hypernetwork (Navon et al., 2021) the outputs of both
heads, and the gradients of the mean of each one's squares on all parameters, a row for each. Parameters and input are sines of their place
among all, in the order in which the library shows them.
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from sines import Sines

torch.set_default_dtype(torch.float64)
SAMPLES, INPUTS, WIDTH, FEATURES, HIDDEN = 5, 2, 4, 3, 6
kept = {}


class Parameters(Sines):
    def linear(self, inputs, outputs):
        return self.take(outputs, inputs), self.take(outputs)


def case(name, make):
    parameters = Parameters()
    x = torch.tensor(np.cos(0.9 * np.arange(SAMPLES * INPUTS)).reshape(SAMPLES, INPUTS))
    outputs = make(parameters, x)
    rows = []
    for letter, output in zip("ab", outputs):
        kept[f"{name}/{letter}"] = output.detach().numpy()
        gradients = torch.autograd.grad((output**2).mean(), parameters.all, retain_graph=True, allow_unused=True)
        rows.append(np.concatenate([(torch.zeros_like(p) if g is None else g).numpy().ravel() for p, g in zip(parameters.all, gradients)]))
    kept[f"{name}/gradients"] = np.stack(rows)


def film(p, x):
    """Linear, FiLM, tanh, Linear, FiLM, each sample with a preference of its own."""
    r = torch.tensor([[0.1, 0.9], [0.3, 0.7], [0.5, 0.5], [0.7, 0.3], [0.9, 0.1]])
    first, second = p.linear(INPUTS, WIDTH), p.linear(WIDTH, FEATURES)
    scales = [p.take(WIDTH, 2), p.take(FEATURES, 2)]
    shifts = [p.take(WIDTH, 2), p.take(FEATURES, 2)]
    heads = [p.linear(FEATURES, 2), p.linear(FEATURES, 1)]
    h = torch.tanh((1 + r @ scales[0].T) * F.linear(x, *first) + r @ shifts[0].T)
    h = (1 + r @ scales[1].T) * F.linear(h, *second) + r @ shifts[1].T
    return [F.linear(h, *head) for head in heads]


def hypernetwork(p, x):
    """Every parameter of Linear, tanh, Linear and two heads is a linear map of an MLP's features of the preference."""
    r = torch.tensor([0.3, 0.7])
    mlp = [p.linear(2, HIDDEN), p.linear(HIDDEN, HIDDEN), p.linear(HIDDEN, HIDDEN)]
    shapes = [(WIDTH, INPUTS), (WIDTH,), (FEATURES, WIDTH), (FEATURES,), (2, FEATURES), (2,), (1, FEATURES), (1,)]
    maps = [p.take(int(np.prod(shape)), HIDDEN) for shape in shapes]
    biases = [p.take(*shape) for shape in shapes]
    h = F.linear(torch.relu(F.linear(torch.relu(F.linear(r, *mlp[0])), *mlp[1])), *mlp[2])
    made = [F.linear(h, m, b.flatten()).reshape(b.shape) for m, b in zip(maps, biases)]
    features = F.linear(torch.tanh(F.linear(x, *made[0:2])), *made[2:4])
    return [F.linear(features, *made[4:6]), F.linear(features, *made[6:8])]


case("film", film)
case("hypernetwork", hypernetwork)
path = pathlib.Path(__file__).parent / "pareto.safetensors"
save_file({name: np.ascontiguousarray(value) for name, value in kept.items()}, path, metadata={"made by": "make_pareto.py"})
path.chmod(0o644)

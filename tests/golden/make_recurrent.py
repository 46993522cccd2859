#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes recurrent.safetensors: what PyTorch makes of sequences, in double.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_recurrent.py

Metadata and names of the operations' cases are those of ops.safetensors, which make_golden.py writes. Sequences are (N, L, C). Of the
networks `<network>` there are `<network>/input`, `<network>/output`, `<network>/hidden`, for an LSTM `<network>/cell`, a cotangent and for
input and parameters a gradient of each, and where they have such `<network>/lengths`, `<network>/initial_hidden` and `_cell`.
"""

import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

FOLDER = pathlib.Path(__file__).resolve().parent
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(20260117)
tensors = {}
cases = {}


def store(name, value):
    tensors[name] = np.asarray(value.detach().numpy(), order="C")


def random(*shape):
    return torch.tensor(rng.standard_normal(shape))


def case(name, inputs, attributes, f):
    """f takes and gives what is stored."""
    key = f"{name}/{len(cases)}"
    leaves = [x.clone().requires_grad_() for x in inputs]
    output = f(*leaves)
    cotangent = random(*output.shape)
    gradients = torch.autograd.grad(output, leaves, cotangent)
    cases[key] = attributes
    store(f"{key}/output", output)
    store(f"{key}/cotangent", cotangent)
    for i, (leaf, gradient) in enumerate(zip(leaves, gradients)):
        store(f"{key}/input{i}", leaf)
        store(f"{key}/grad{i}", gradient)


def run(net, x, lengths, initial):
    """Outputs and last states of a GRU or LSTM, the rows behind each end being 0."""
    if lengths is None:
        return net(x, initial)
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    output, state = net(packed, initial)
    return pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])[0], state


def direction(kind, samples, longest, features, hidden, bias, with_initial, lengths, reverse, states):
    """One direction of one layer. PyTorch has the reverse one beside another, whose weights are 0."""
    gates = 3 if kind is nn.GRU else 4
    count = gates - 2 if gates == 3 else 2
    inputs = [random(samples, longest, features), random(gates * hidden, features) * 0.6, random(gates * hidden, hidden) * 0.6]
    if bias:
        inputs += [random(gates * hidden), random(gates * hidden)]
    if with_initial:
        inputs += [random(samples, hidden) for _ in range(count)]

    def f(x, ih, hh, *rest):
        net = kind(features, hidden, bias=bias, batch_first=True, bidirectional=reverse)
        end = "_reverse" if reverse else ""
        parameters = {f"weight_ih_l0{end}": ih, f"weight_hh_l0{end}": hh}
        if bias:
            parameters |= {f"bias_ih_l0{end}": rest[0], f"bias_hh_l0{end}": rest[1]}
        initial = None
        if with_initial:
            directions = [torch.stack([torch.zeros_like(s), s] if reverse else [s]) for s in rest[-count:]]
            initial = directions[0] if kind is nn.GRU else tuple(directions)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.net = net

            def forward(self, x):
                return run(self.net, x, lengths, initial)

        output, state = torch.func.functional_call(Net(), {f"net.{k}": v for k, v in parameters.items()}, (x,))
        last = [state] if kind is nn.GRU else list(state)
        output = output[..., -hidden:]
        if states:
            output = torch.cat([output] + [s[-1].unsqueeze(1) for s in last], 1)
        return output

    attributes = {"bias": bias, "initial": with_initial, "reverse": reverse, "states": states}
    if lengths is not None:
        attributes["lengths"] = lengths
    case("gru" if kind is nn.GRU else "lstm", inputs, attributes, f)


for kind in (nn.GRU, nn.LSTM):
    for settings in [
        (2, 3, 4, 5, True, False, None, False, False),
        (2, 3, 4, 5, True, True, None, True, True),
        (1, 1, 1, 1, True, False, None, False, True),
        (3, 1, 2, 17, False, True, None, False, False),
        (5, 7, 3, 4, True, True, [3, 7, 1, 5, 5], False, True),
        (5, 7, 3, 4, True, True, [3, 7, 1, 5, 5], True, True),
        (4, 6, 5, 3, False, False, [2, 1, 4, 3], True, False),
        (20, 4, 18, 35, True, False, None, False, True),
        (2, 4, 200, 7, True, False, [4, 2], True, False),
        (2, 3, 3, 50, True, True, [2, 3], False, True),
    ]:
        direction(kind, *settings)


def network(name, net, shape, lengths=None, with_initial=False):
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(random(*parameter.shape) * net.hidden_size**-0.5)
    layers = net.num_layers * (2 if net.bidirectional else 1)
    x = random(*shape).requires_grad_()
    leaves = [x, *net.parameters()]
    names = ["input", *(f"parameter/{key}" for key, _ in net.named_parameters())]
    initial = None
    if with_initial:
        states = [random(layers, shape[0], net.hidden_size).requires_grad_() for _ in range(1 if isinstance(net, nn.GRU) else 2)]
        leaves += states
        names += ["initial_hidden", "initial_cell"][: len(states)]
        initial = states[0] if len(states) == 1 else tuple(states)
    if lengths is not None:
        store(f"{name}/lengths", torch.tensor(lengths))
    output, state = run(net, x, lengths, initial)
    results = {"output": output, "hidden": state} if isinstance(net, nn.GRU) else {"output": output, "hidden": state[0], "cell": state[1]}
    cotangents = [random(*y.shape) for y in results.values()]
    gradients = torch.autograd.grad(list(results.values()), leaves, cotangents)
    for (key, y), cotangent in zip(results.items(), cotangents):
        store(f"{name}/{key}", y)
        store(f"{name}/cotangent/{key}", cotangent)
    for key, leaf, gradient in zip(names, leaves, gradients):
        store(f"{name}/{key}", leaf)
        store(f"{name}/gradient/{key}", gradient)


for kind, label in ((nn.GRU, "gru"), (nn.LSTM, "lstm")):
    network(f"{label}_plain", kind(4, 5, batch_first=True), (3, 6, 4))
    network(f"{label}_deep", kind(3, 6, num_layers=2, bidirectional=True, batch_first=True), (4, 5, 3), [5, 1, 3, 2], True)
    network(f"{label}_without_bias", kind(2, 3, num_layers=2, bias=False, batch_first=True), (2, 1, 2), None, True)
    network(f"{label}_both_ways", kind(5, 20, bidirectional=True, batch_first=True), (1, 9, 5), [7])

for shape, epsilon in [((2, 3, 5), None), ((4, 6), 1e-5), ((3,), 0.5), ((2, 1, 1), 1e-3), ((3, 70), None)]:
    case("rms_norm", [random(*shape) * 2, random(shape[-1])], {} if epsilon is None else {"epsilon": epsilon},
         lambda x, w: nn.functional.rms_norm(x, (shape[-1],), w, epsilon))

path = FOLDER / "recurrent.safetensors"
save_file(tensors, path, metadata={"cases": json.dumps(cases, sort_keys=True)})
path.chmod(0o644)

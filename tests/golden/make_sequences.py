#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes sequences.safetensors: what PyTorch makes of layers along sequences, in double; and pytorch/convolutions.f32.safetensors, the
state_dict of a network of them.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_sequences.py

Metadata and names of the operations' cases are those of ops.safetensors, which make_golden.py writes. Sequences are (N, L, C), weights of
a convolution (out, kernel, in / groups); with `lengths` each sequence goes through PyTorch alone, cut at its end.
Of layers, `<case>/` has `input<i>`, `output`, `cotangent`, `parameter/<name>`, `gradient/<name>` and `input_gradient<i>`.
"""
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_state
from torch import nn

FOLDER = pathlib.Path(__file__).resolve().parent
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
tensors, cases = {}, {}


def store(name, value):
    tensors[name] = np.ascontiguousarray(value.detach().numpy()) if value.dim() else value.detach().numpy()


def case(name, inputs, attributes, f):
    """f takes and gives what is stored. Each operation has random numbers of its own, so that another leaves its cases as they are."""
    key = f"{name}/{sum(other.startswith(name + '/') for other in cases)}"
    rng = np.random.default_rng(list(key.encode()))
    leaves = [torch.tensor(x(rng) if callable(x) else x, requires_grad=True) for x in inputs]
    output = f(*leaves)
    cotangent = torch.tensor(rng.standard_normal(tuple(output.shape)))
    cases[key] = attributes
    store(f"{key}/output", output)
    store(f"{key}/cotangent", cotangent)
    for i, (leaf, gradient) in enumerate(zip(leaves, torch.autograd.grad(output, leaves, cotangent, allow_unused=True))):
        store(f"{key}/input{i}", leaf)
        store(f"{key}/grad{i}", torch.zeros_like(leaf) if gradient is None else gradient)


def normal(*shape):
    return lambda rng: rng.standard_normal(shape)


def each(x, lengths, steps, f):
    """f (1, C, length) of each sequence alone, filled up with zeros to as many steps as the longest could have."""
    if lengths is None:
        return f(x.transpose(1, 2)).transpose(1, 2)
    results = []
    for sequence, length in zip(x, lengths):
        y = f(sequence[None, :length].transpose(1, 2)) if steps(length) else None
        rest = steps(x.shape[1]) - steps(length)
        empty = f(x[:1].transpose(1, 2)).transpose(1, 2) * 0
        results.append(empty if y is None else torch.cat([y.transpose(1, 2), empty[:, :rest]], 1))
    return torch.cat(results)


def conv1d(shape, out, kernel, bias, lengths=None, **options):
    groups = options.get("groups", 1)

    def steps(length):
        room = length + 2 * options.get("padding", 0) - options.get("dilation", 1) * (kernel - 1) - 1
        return 0 if length == 0 or room < 0 else room // options.get("stride", 1) + 1

    def f(x, weight, *rest):
        return each(x, lengths, steps, lambda s: F.conv1d(s, weight.transpose(1, 2), *rest, **options))

    inputs = [normal(*shape), normal(out, kernel, shape[2] // groups)] + ([normal(out)] if bias else [])
    case("conv1d", inputs, options | ({} if lengths is None else {"lengths": lengths}), f)


conv1d((2, 7, 3), 4, 3, True)
conv1d((1, 1, 1), 1, 1, False)
conv1d((2, 9, 4), 6, 3, True, stride=2, padding=1, groups=2)
conv1d((3, 8, 5), 5, 3, False, padding=2, dilation=2, groups=5)
conv1d((2, 40, 17), 20, 5, True, padding=2)
conv1d((4, 9, 3), 5, 3, True, [9, 1, 0, 6], padding=1)
conv1d((3, 9, 4), 4, 4, True, [3, 9, 5], stride=2, dilation=2, padding=1)
conv1d((3, 12, 16), 16, 3, False, [12, 2, 7])


def pool1d(name, shape, kernel, lengths=None, exclude_pad=False, **options):
    stride = options.get("stride", kernel)
    padding = options.get("padding", 0)

    def steps(length):
        room = length + 2 * padding - kernel + (stride - 1 if options.get("ceil_mode") else 0)
        if length == 0 or room < 0:
            return 0
        last = room // stride
        return last if options.get("ceil_mode") and last * stride >= length + padding else last + 1

    def f(x):
        if name == "max_pool1d":
            return each(x, lengths, steps, lambda s: F.max_pool1d(s, kernel, **options))
        return each(x, lengths, steps, lambda s: F.avg_pool1d(s, kernel, count_include_pad=not exclude_pad, **options))

    attributes = options | {"kernel": kernel} | ({"exclude_pad": True} if exclude_pad else {})
    case(name, [normal(*shape)], attributes | ({} if lengths is None else {"lengths": lengths}), f)


for pool in ("max_pool1d", "avg_pool1d"):
    pool1d(pool, (2, 8, 3), 2)
    pool1d(pool, (1, 1, 1), 1)
    pool1d(pool, (2, 9, 18), 3, stride=2, padding=1)
    pool1d(pool, (2, 8, 3), 3, stride=2, ceil_mode=True)
    pool1d(pool, (4, 9, 5), 3, [9, 2, 0, 6], stride=2, padding=1)
    pool1d(pool, (4, 9, 2), 4, [3, 9, 5, 1], stride=3, padding=2, ceil_mode=True)
pool1d("avg_pool1d", (3, 9, 2), 3, [4, 9, 6], exclude_pad=True, stride=2, padding=1, ceil_mode=True)

def valid(x, lengths):
    """Whether each step is in its sequence, (N, L, 1)."""
    return (torch.arange(x.shape[1]) < torch.tensor(lengths)[:, None])[..., None]


def pooled(name, f):
    """f takes sequences, their lengths and which steps are valid."""
    for shape, lengths in [((2, 5, 3), None), ((1, 1, 1), None), ((4, 6, 5), [6, 1, 0, 3]), ((3, 20, 17), [20, 13, 4])]:
        ends = [shape[1]] * shape[0] if lengths is None else lengths
        case(name, [normal(*shape)], {} if lengths is None else {"lengths": lengths}, lambda x: f(x, ends, valid(x, ends)))


def largest(x, ends, steps):
    return torch.stack([sequence[:end].max(0).values if end else sequence[0] * 0 for sequence, end in zip(x, ends)])


pooled("sequence_mean", lambda x, ends, steps: (x * steps).sum(1) / torch.tensor(ends).clamp(min=1)[:, None])
pooled("sequence_max", largest)
pooled("sequence_last", lambda x, ends, steps: torch.stack([s[end - 1] if end else s[0] * 0 for s, end in zip(x, ends)]))
for shape, lengths in [((2, 5, 3), [5, 2]), ((1, 1, 1), [0]), ((4, 6, 5), [6, 1, 0, 3])]:
    case("mask_padding", [normal(*shape)], {"lengths": lengths}, lambda x: x * valid(x, lengths))


def rotary(x, heads, rest=0, base=10000.0, offset=0):
    """As GPT-NeoX and LLaMA: halves of each head are pairs."""
    turned, same = x[..., : x.shape[2] - rest], x[..., x.shape[2] - rest :]
    turned = turned.unflatten(2, (heads, -1))
    width = turned.shape[3]
    speeds = base ** (-torch.arange(0, width, 2) / width)
    angles = torch.outer(torch.arange(offset, offset + x.shape[1], dtype=x.dtype), speeds)
    angles = torch.cat([angles, angles], 1)[:, None]
    first, second = turned.chunk(2, 3)
    turned = turned * angles.cos() + torch.cat([-second, first], 3) * angles.sin()
    return torch.cat([turned.flatten(2), same], 2)


for shape, attributes in [((2, 5, 4), {"heads": 1}), ((1, 1, 2), {"heads": 1}), ((2, 9, 27), {"heads": 3, "rest": 9}),
                          ((2, 4, 64), {"heads": 2, "base": 100.0, "offset": 7}), ((1, 300, 8), {"heads": 2})]:
    case("rotary_embedding", [normal(*shape)], attributes, lambda x: rotary(x, **attributes))


def swiglu(x):
    gate, values = x.chunk(2, -1)
    return F.silu(gate) * values


for shape in [(2,), (3, 8), (2, 4, 70)]:
    case("swiglu", [lambda rng: rng.standard_normal(shape) * 3], {}, swiglu)


def ctc(shape, labels, lengths, blank=0, zero_infinity=False, scale=1):
    samples, most = shape[0], max(len(row) for row in labels)
    padded = [row + [-1] * (most - len(row)) for row in labels]
    for number, reduction in enumerate(("mean", "sum", "none")):
        attributes = {"labels": sum(padded, []), "most": most, "lengths": lengths, "blank": blank, "reduction": number,
                      "zero_infinity": zero_infinity}
        case("ctc_loss", [lambda rng: rng.standard_normal(shape) * scale], attributes,
             lambda x: F.ctc_loss(F.log_softmax(x, 2).transpose(0, 1), torch.tensor(padded).reshape(samples, most).clamp(min=0),
                                  torch.tensor(lengths), torch.tensor([len(row) for row in labels]), blank, reduction, zero_infinity))


ctc((2, 6, 4), [[1, 2, 3], [3, 3]], [6, 4])
ctc((1, 1, 2), [[1]], [1])
ctc((3, 9, 5), [[0, 1, 0, 0], [], [4]], [9, 5, 1], blank=2)
ctc((2, 40, 12), [[1, 1, 2, 2, 3, 11, 4, 5, 1], [7, 8] * 5], [40, 33], scale=4)
ctc((3, 5, 3), [[1, 1, 1], [1, 1, 2], [2]], [5, 3, 2], zero_infinity=True)
ctc((1, 300, 4), [[1, 2, 3] * 30], [300], scale=20)


def layer_case(name, layer, inputs, call):
    """Of a layer: inputs, parameters by name, and the gradients of all."""
    rng = np.random.default_rng(list(name.encode()))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.tensor(rng.standard_normal(tuple(parameter.shape)) * 0.4))
    leaves = [torch.tensor(rng.standard_normal(shape), requires_grad=True) for shape in inputs]
    output = call(layer, *leaves)
    cotangent = torch.tensor(rng.standard_normal(tuple(output.shape)))
    parameters = dict(layer.named_parameters())
    gradients = torch.autograd.grad(output, [*parameters.values(), *leaves], cotangent)
    store(f"{name}/output", output)
    store(f"{name}/cotangent", cotangent)
    for (key, value), gradient in zip(parameters.items(), gradients):
        store(f"{name}/parameter/{key}", value)
        store(f"{name}/gradient/{key}", gradient)
    for i, (leaf, gradient) in enumerate(zip(leaves, gradients[len(parameters):])):
        store(f"{name}/input{i}", leaf)
        store(f"{name}/input_gradient{i}", gradient)


class AttentionPool(nn.Module):
    def __init__(self, features, hidden):
        super().__init__()
        self.proj = nn.Linear(features, hidden)
        self.query = nn.Parameter(torch.zeros(hidden))

    def forward(self, x, ends):
        scores = torch.tanh(self.proj(x)) @ self.query
        scores = scores.masked_fill(~valid(x, ends)[..., 0], -torch.inf)
        return (torch.softmax(scores, 1)[..., None] * x).sum(1)


layer_case("attention_pool", AttentionPool(4, 6), [(3, 5, 4)], lambda layer, x: layer(x, [5, 1, 3]))


class RotaryAttention(nn.MultiheadAttention):
    def forward(self, x):
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, 2)
        q, k, v = (part.unflatten(2, (self.num_heads, -1)).transpose(1, 2)
                   for part in (rotary(q, self.num_heads), rotary(k, self.num_heads), v))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


layer_case("rotary_attention", RotaryAttention(8, 2, batch_first=True), [(2, 5, 8)], lambda layer, x: layer(x))

gated = nn.TransformerEncoderLayer(6, 2, 20, dropout=0.0, activation=swiglu, batch_first=True, norm_first=True)
gated.linear2 = nn.Linear(10, 6)
layer_case("swiglu_encoder", gated, [(2, 5, 6)], lambda layer, x: layer(x))

padding = torch.arange(5) >= torch.tensor([5, 2])[:, None]
for norm_first in (False, True):
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 10, dropout=0.0, batch_first=True, norm_first=norm_first), 2,
                                    nn.LayerNorm(6) if norm_first else None)
    layer_case(f"decoder/{'pre' if norm_first else 'post'}", decoder, [(2, 4, 6), (2, 5, 6)],
               lambda layer, x, memory: layer(x, memory, tgt_is_causal=True, tgt_mask=nn.Transformer.generate_square_subsequent_mask(4),
                                              memory_key_padding_mask=padding))

convolutions = nn.Sequential(nn.Conv1d(3, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU(), nn.MaxPool1d(2),
                             nn.Conv1d(4, 6, 3, groups=2), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(12, 5)).float().eval()
with torch.no_grad():
    rng = np.random.default_rng(5)
    for tensor in [*convolutions.parameters(), convolutions[1].running_mean]:
        tensor.copy_(torch.tensor(rng.standard_normal(tuple(tensor.shape))))
x = torch.tensor(rng.standard_normal((2, 3, 13))).float()
store("convolutions/input", x.transpose(1, 2))
store("convolutions/output", convolutions(x))
save_state(convolutions.state_dict(), FOLDER / "pytorch" / "convolutions.f32.safetensors")

save_file(tensors, FOLDER / "sequences.safetensors", {"cases": json.dumps(cases), "torch": torch.__version__})

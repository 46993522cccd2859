#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes attention.safetensors: what PyTorch makes of attention, in double; and pytorch/transformer.f32.safetensors, the state_dict of a
Transformer.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_attention.py

Metadata and names of the operations' cases are those of ops.safetensors, which make_golden.py writes. Queries are (N, L, heads width), and
so are keys and values of their heads. `multihead/<case>/` has a layer's `input<i>`, `output`, `cotangent`, `parameter/<name>`,
`gradient/<name>` and `input_gradient<i>`.
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
rng = np.random.default_rng(20261127)
tensors, cases = {}, {}


def store(name, value):
    tensors[name] = np.ascontiguousarray(value.detach().numpy())


def split_heads(x, heads):
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def seen(attributes, samples, queries, keys):
    """Pairs that see each other, (N, 1, queries, keys)."""
    result = torch.ones(samples, queries, keys, dtype=torch.bool)
    if attributes.get("causal"):
        result = result.tril()
    if "pairs" in attributes:
        result = result & torch.tensor(attributes["pairs"]).bool().reshape(-1, queries, keys)
    for n, length in enumerate(attributes.get("key_lengths", [])):
        result[n, :, length:] = False
    return result[:, None]


def attend(q, k, v, attributes):
    heads = attributes["heads"]
    kv_heads = attributes.get("kv_heads") or heads
    pairs = seen(attributes, len(q), q.shape[1], k.shape[1])
    y = F.scaled_dot_product_attention(split_heads(q, heads), split_heads(k, kv_heads), split_heads(v, kv_heads), attn_mask=pairs,
                                       scale=attributes.get("scale"), enable_gqa=kv_heads != heads)
    y = y.transpose(1, 2).flatten(2)
    y = torch.where(pairs.any(3).transpose(1, 2), y, 0)  # a query that sees nothing gives 0 here, NaN in PyTorch
    for n, length in enumerate(attributes.get("query_lengths", [])):
        y = torch.cat([y[:n], torch.cat([y[n:n + 1, :length], torch.zeros_like(y[n:n + 1, length:])], 1), y[n + 1:]])
    return y


def case(name, inputs, attributes, f):
    key = f"{name}/{len(cases)}"
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    output = f(*leaves)
    cotangent = torch.tensor(rng.standard_normal(tuple(output.shape)))
    cases[key] = attributes
    store(f"{key}/output", output)
    store(f"{key}/cotangent", cotangent)
    for i, (leaf, gradient) in enumerate(zip(leaves, torch.autograd.grad(output, leaves, cotangent))):
        store(f"{key}/input{i}", leaf)
        store(f"{key}/grad{i}", torch.nan_to_num(gradient))


def mask(*shape):
    """Every query sees a key."""
    result = rng.random(shape) < 0.6
    result[..., 0] = True
    return result.astype(int).ravel().tolist()


for samples, queries, keys, heads, kv_heads, width, value_width, more in [
    (1, 1, 1, 1, 1, 1, 1, {}),
    (2, 5, 7, 2, 2, 4, 3, {}),
    (2, 6, 6, 3, 3, 2, 2, {"causal": True}),
    (1, 4, 7, 1, 1, 5, 5, {"causal": True}),
    (1, 7, 4, 2, 2, 3, 3, {"causal": True}),
    (2, 3, 5, 4, 2, 3, 2, {"kv_heads": 2}),
    (1, 3, 5, 4, 1, 2, 4, {"kv_heads": 1, "scale": 0.3}),
    (3, 4, 6, 2, 2, 3, 3, {"query_lengths": [4, 1, 2], "key_lengths": [6, 2, 1]}),
    (2, 4, 5, 2, 2, 3, 3, {"pairs": mask(4, 5)}),
    (2, 4, 5, 2, 2, 3, 3, {"pairs": mask(2, 4, 5)}),
    (2, 4, 5, 2, 2, 3, 3, {"pairs": mask(2, 4, 5), "causal": True}),
    (1, 66, 67, 1, 1, 17, 20, {}),  # more than a block of queries, and parts of vectors
    (1, 66, 66, 2, 1, 8, 16, {"kv_heads": 1, "causal": True}),
]:
    inputs = [rng.standard_normal(shape) for shape in ((samples, queries, heads * width), (samples, keys, kv_heads * width),
                                                       (samples, keys, kv_heads * value_width))]
    attributes = {"heads": heads} | more
    case("scaled_dot_product_attention", inputs, attributes, lambda q, k, v: attend(q, k, v, attributes))

for samples, places, heads, kv_heads, width, more in [
    (2, 5, 2, 2, 3, {}),
    (2, 6, 4, 2, 2, {"kv_heads": 2, "causal": True}),
    (3, 4, 2, 2, 3, {"query_lengths": [4, 1, 3], "key_lengths": [4, 1, 3]}),
]:
    attributes = {"heads": heads} | more
    sizes = [heads * width, kv_heads * width, kv_heads * width]
    case("self_attention", [rng.standard_normal((samples, places, sum(sizes)))], attributes,
         lambda x: attend(*x.split(sizes, 2), attributes))


def layer_case(name, layer, inputs, call):
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.tensor(rng.standard_normal(tuple(parameter.shape)) * 0.4))
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


def attention_of(layer, q, k=None, **options):
    k = q if k is None else k
    return layer(q, k, k, need_weights=False, **options)[0]


padding = torch.arange(5) >= torch.tensor([5, 2])[:, None]
layer_case("multihead/self", nn.MultiheadAttention(6, 2, batch_first=True), [rng.standard_normal((2, 5, 6))], attention_of)
layer_case("multihead/causal", nn.MultiheadAttention(6, 3, batch_first=True), [rng.standard_normal((2, 5, 6))],
           lambda layer, x: attention_of(layer, x, is_causal=True, attn_mask=nn.Transformer.generate_square_subsequent_mask(5)))
layer_case("multihead/cross", nn.MultiheadAttention(6, 2, batch_first=True), [rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 5, 6))],
           lambda layer, q, k: attention_of(layer, q, k, key_padding_mask=padding))
layer_case("multihead/plain", nn.MultiheadAttention(6, 1, bias=False, batch_first=True), [rng.standard_normal((1, 3, 6))], attention_of)
for norm_first in (False, True):
    for activation in ("relu", "gelu"):
        layer_case(f"encoder/{'pre' if norm_first else 'post'}_{activation}",
                   nn.TransformerEncoderLayer(6, 2, 10, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first),
                   [rng.standard_normal((2, 5, 6))], lambda layer, x: layer(x))
    layer_case(f"decoder/{'pre' if norm_first else 'post'}",
               nn.TransformerDecoderLayer(6, 2, 10, dropout=0.0, batch_first=True, norm_first=norm_first),
               [rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 5, 6))],
               lambda layer, x, memory: layer(x, memory, tgt_is_causal=True, tgt_mask=nn.Transformer.generate_square_subsequent_mask(4),
                                              memory_key_padding_mask=padding))

encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True), 2, enable_nested_tensor=False).float()
x = torch.tensor(rng.standard_normal((2, 5, 6))).float()
store("transformer/input", x)
store("transformer/output", encoder(x))
save_state(encoder.state_dict(), FOLDER / "pytorch" / "transformer.f32.safetensors")
save_file(tensors, FOLDER / "attention.safetensors", {"cases": json.dumps(cases), "torch": torch.__version__})

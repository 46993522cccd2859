#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes dense_layers.safetensors: what PyTorch makes of layers of dense prediction, in double, and pytorch/upwards.f32.safetensors, the
state_dict of a network of them.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/dense_layers.py

Metadata and names of the operations' cases are those of ops.safetensors, which make_golden.py writes. Images are (N, H, W, C), weights of
convolutions (out, kernel_h, kernel_w, in). Of the networks `squeeze`, `pyramid` and `upwards` there are `<network>/input`, one
`<network>/output<i>` for each result and, but for `upwards`, `<network>/parameter/<name>`, `<network>/cotangent<i>`,
`<network>/gradient/<name>` and `<network>/input_gradient`.
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
rng = np.random.default_rng(20250303)
tensors = {}
cases = {}


def store(name, value):
    tensors[name] = np.asarray(value.detach().numpy(), order="C")


def case(name, inputs, attributes, f):
    """f takes and gives what is stored, channels last."""
    key = f"{name}/{len(cases)}"
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    output = f(*leaves)
    cotangent = torch.tensor(rng.standard_normal(tuple(output.shape)))
    gradients = torch.autograd.grad(output, leaves, cotangent)
    cases[key] = attributes
    store(f"{key}/output", output)
    store(f"{key}/cotangent", cotangent)
    for i, (leaf, gradient) in enumerate(zip(leaves, gradients)):
        store(f"{key}/input{i}", leaf)
        store(f"{key}/grad{i}", gradient)


def channels_first(x):
    return x.permute(0, 3, 1, 2) if x.dim() == 4 else x


def channels_last(x):
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x


def apart(shape):
    """Values at least 0.03 apart."""
    n = int(np.prod(shape))
    return ((rng.permutation(n) - n // 2 + 0.5) * 0.05 + rng.uniform(-0.01, 0.01, n)).reshape(shape)


# Input, output channels, kernel, stride, padding, output padding, dilation, groups, whether there is a bias.
for shape, out, kernel, stride, padding, more, dilation, groups, bias in [
    ((2, 3, 4, 3), 5, (3, 3), (1, 1), (0, 0), (0, 0), (1, 1), 1, True),
    ((2, 3, 4, 3), 5, (2, 2), (2, 2), (0, 0), (0, 0), (1, 1), 1, True),
    ((1, 4, 3, 4), 16, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1, True),
    ((2, 3, 3, 6), 18, (4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1, False),
    ((1, 1, 1, 2), 3, (1, 1), (3, 2), (0, 0), (2, 1), (1, 1), 1, True),  # rows and columns that no pixel reaches
    ((1, 2, 3, 4), 2, (2, 3), (3, 4), (0, 1), (2, 3), (1, 1), 1, True),
    ((2, 3, 2, 4), 6, (3, 2), (2, 1), (1, 0), (1, 0), (1, 1), 2, True),
    ((2, 4, 3, 6), 6, (3, 3), (2, 2), (1, 1), (1, 0), (1, 1), 6, True),  # a filter for each channel
    ((1, 3, 4, 3), 6, (3, 3), (1, 1), (2, 1), (0, 0), (1, 1), 3, False),
    ((1, 3, 4, 2), 3, (3, 2), (2, 1), (1, 2), (0, 0), (2, 3), 1, True),
    ((1, 3, 3, 2), 3, (2, 2), (1, 2), (0, 1), (2, 2), (3, 3), 1, True),  # an output padding of more than the stride
    ((1, 2, 2, 4), 4, (2, 2), (1, 1), (0, 0), (1, 2), (2, 3), 2, True),
    ((1, 2, 3, 17), 18, (3, 2), (2, 3), (1, 0), (1, 2), (1, 1), 1, True),
]:
    inputs = [rng.standard_normal(shape), rng.standard_normal((shape[3], *kernel, out // groups))]
    if bias:
        inputs.append(rng.standard_normal(out))
    attributes = {"stride": list(stride), "padding": list(padding), "output_padding": list(more), "dilation": list(dilation),
                  "groups": groups}
    case("conv_transpose2d", inputs, attributes, lambda x, w, b=None: channels_last(
        F.conv_transpose2d(channels_first(x), channels_first(w), b, stride, padding, more, groups, dilation)))

for shape, size in [((2, 4, 6, 3), (2, 3)), ((1, 5, 7, 2), (2, 3)), ((2, 3, 4, 1), (1, 1)), ((1, 3, 2, 2), (5, 4)), ((1, 1, 1, 3), (2, 1)),
                    ((2, 7, 5, 20), (3, 5)), ((1, 13, 11, 2), (5, 7))]:
    case("adaptive_avg_pool2d", [rng.standard_normal(shape)], {"size": list(size)},
         lambda x: channels_last(F.adaptive_avg_pool2d(channels_first(x), size)))
    case("adaptive_max_pool2d", [apart(shape)], {"size": list(size)},
         lambda x: channels_last(F.adaptive_max_pool2d(channels_first(x), size)))

for shape, groups, affine, epsilon in [((2, 3, 4, 6), 2, True, 1e-5), ((3, 2, 2, 4), 1, True, 1e-3), ((2, 3, 2, 3), 3, True, 1e-5),
                                       ((4, 6), 2, True, 1e-5), ((3, 8), 2, False, 1e-5), ((2, 5, 3, 4), 4, False, 1e-5),
                                       ((1, 3, 4, 32), 8, True, 1e-5), ((1, 5, 7, 35), 5, True, 1e-5), ((1, 1, 2, 2), 1, True, 0.5)]:
    inputs = [rng.standard_normal(shape) * 2 + 1]
    if affine:
        inputs += [rng.standard_normal(shape[-1]), rng.standard_normal(shape[-1])]
    case("group_norm", inputs, {"groups": groups, "epsilon": epsilon},
         lambda x, w=None, b=None: channels_last(F.group_norm(channels_first(x), groups, w, b, epsilon)))
case("group_norm", [rng.standard_normal((2, 3, 4, 5))], {"groups": 5, "epsilon": 1e-5},
     lambda x: channels_last(F.instance_norm(channels_first(x), eps=1e-5)))


class SqueezeExcitation(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        scale = torch.sigmoid(self.fc2(torch.relu(self.fc1(x.mean((2, 3), keepdim=True)))))
        return [x * scale]


class Pyramid(nn.Module):
    """Maps of stages 0, 2 and 3 of four; names as torchvision's FeaturePyramidNetwork has them."""

    def __init__(self, widths, taken, channels):
        super().__init__()
        before = [3, *widths]
        self.body = nn.Sequential(*(nn.Sequential(nn.Conv2d(i, o, 3, 1 if n == 1 else 2, 1), nn.ReLU())
                                    for n, (i, o) in enumerate(zip(before, widths))))
        self.taken = taken
        self.inner_blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(widths[i], channels, 1)) for i in taken)
        self.layer_blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1)) for _ in taken)

    def forward(self, x):
        maps = []
        for i, stage in enumerate(self.body):
            x = stage(x)
            if i in self.taken:
                maps.append(x)
        lateral = [block(x) for block, x in zip(self.inner_blocks, maps)]
        for i in reversed(range(len(lateral) - 1)):
            lateral[i] = lateral[i] + F.interpolate(lateral[i + 1], size=lateral[i].shape[2:], mode="nearest")
        return [block(x) for block, x in zip(self.layer_blocks, lateral)]


def network(name, net, shape):
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.tensor(rng.standard_normal(tuple(parameter.shape)) * max(parameter[0].numel(), 4) ** -0.5))
    x = torch.tensor(rng.standard_normal(shape), requires_grad=True)
    outputs = [channels_last(y) for y in net(channels_first(x))]
    cotangents = [torch.tensor(rng.standard_normal(tuple(y.shape))) for y in outputs]
    names, parameters = zip(*net.named_parameters())
    gradients = torch.autograd.grad(outputs, [x, *parameters], cotangents)
    store(f"{name}/input", x)
    store(f"{name}/input_gradient", gradients[0])
    for i, (y, cotangent) in enumerate(zip(outputs, cotangents)):
        store(f"{name}/output{i}", y)
        store(f"{name}/cotangent{i}", cotangent)
    for parameter_name, parameter, gradient in zip(names, parameters, gradients[1:]):
        store(f"{name}/parameter/{parameter_name}", channels_last(parameter))
        store(f"{name}/gradient/{parameter_name}", channels_last(gradient))


network("squeeze", SqueezeExcitation(6, 3), (2, 3, 4, 6))
network("pyramid", Pyramid((4, 5, 6, 7), (0, 2, 3), 4), (1, 21, 26, 3))

# Shapes that are equal in both layouts, and groups, so that an order that is wrong shows.
upwards = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.ReLU(),
                        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), nn.InstanceNorm2d(6, affine=True),
                        nn.AdaptiveMaxPool2d((6, 5)), nn.ConvTranspose2d(6, 2, 2, stride=2, bias=False), nn.AdaptiveAvgPool2d((2, 3)),
                        nn.Flatten(), nn.Linear(12, 5))
with torch.no_grad():
    for parameter in upwards.parameters():
        values = torch.tensor(rng.standard_normal(tuple(parameter.shape)) * max(parameter[0].numel(), 4) ** -0.5)
        parameter.copy_(values.float().double())
x = torch.tensor(rng.standard_normal((2, 4, 5, 3)))
store("upwards/input", x)
store("upwards/output0", upwards(channels_first(x)))
state = FOLDER / "pytorch" / "upwards.f32.safetensors"
save_state({name: tensor.float().contiguous() for name, tensor in upwards.state_dict().items()}, state)

path = FOLDER / "dense_layers.safetensors"
save_file(tensors, path, metadata={"cases": json.dumps(cases, sort_keys=True)})
for written in (path, state):
    written.chmod(0o644)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes trunks.safetensors: what PyTorch makes of the trunks of nn/trunks/, in double, from definitions of their own.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_trunks.py

Nothing but results is stored. Parameter number k, in the order of both sides, starts as `hashed(n, k + 1)` in the layout of this
library: times sqrt(6 / fan in) where it has more than one axis; of a normalisation 0.75 + hashed / 4 and, as bias, 2.5 + hashed / 2, so
that few values lie at the kinks of ReLU, where the least rounding changes a gradient; any other bias hashed / 10. The input is
2 hashed(n, 0), (N, H, W, C). Three steps of SGD, rate 0.1, of the loss mean(features * hashed(n, 1000)), in training.

For each `<trunk>/<height>x<width>`: `output`, the features of the first step, `final`, those in evaluation after the third; `gradient`
of the first step, `after`, the values after the third, and `buffers`, the running statistics then, with a row for each tensor: sum,
sum of sizes, largest size, and the first, middle and last element. `single` says how far PyTorch's own results in float are from
these, a row for each part in the order above and the two columns that `off` has of it, in one digit. Nothing is random.

With `--count` it prints, and no more, the parameters and the multiply-adds of each for one image.
"""
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch import nn

FOLDER = pathlib.Path(__file__).resolve().parent
torch.set_num_threads(1)


def hashed(n, salt):
    """As in make_golden.py: n numbers in [-1, 1) from integer arithmetic alone."""
    x = (np.arange(n, dtype=np.uint64) + np.uint64(salt) * np.uint64(1000003)) * np.uint64(2654435761) % np.uint64(2**32)
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x45D9F3B) % np.uint64(2**32)
    x ^= x >> np.uint64(16)
    return x.astype(np.float64) / 2.0**31 - 1


class Flatten(nn.Module):
    """In the order (h, w, c)."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


class GlobalAverage(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def conv_norm(inputs, outputs, kernel, stride=1, groups=1, activation=nn.ReLU6):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


def reference(channels, height, width):
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), Flatten(), nn.Linear(128 * (height // 8) * (width // 8), 1024),
        nn.ReLU())


def lenet(channels, height, width):
    last = [((side - 8) // 2 - 4) // 2 for side in (height, width)]
    return nn.Sequential(nn.Conv2d(channels, 10, 9), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(10, 20, 5), nn.ReLU(), nn.MaxPool2d(2),
                         Flatten(), nn.Linear(20 * last[0] * last[1], 50), nn.ReLU())


def multi_lenet(channels, height, width):
    last = [((side - 4) // 2 - 4) // 2 for side in (height, width)]
    return nn.Sequential(nn.Conv2d(channels, 10, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(10, 20, 5), nn.MaxPool2d(2), nn.ReLU(),
                         Flatten(), nn.Linear(20 * last[0] * last[1], 50), nn.ReLU())


class ZeroPadded(nn.Module):
    def __init__(self, stride, new_channels):
        super().__init__()
        self.stride, self.new_channels = stride, new_channels

    def forward(self, x):
        return F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, self.new_channels))


class Block(nn.Module):
    """Of a ResNet: two 3x3 convolutions, the first with the stride, or 1x1, 3x3 with the stride, and 1x1."""

    def __init__(self, inputs, widths, stride, zero_padded=False):
        super().__init__()
        kernels, strides = ((3, 3), (stride, 1)) if len(widths) == 2 else ((1, 3, 1), (1, stride, 1))
        last = len(widths) - 1
        steps = []
        for i, outputs in enumerate(widths):
            before = widths[i - 1] if i else inputs
            steps += conv_norm(before, outputs, kernels[i], strides[i], activation=nn.ReLU if i < last else None)
        self.residual, self.shortcut = nn.Sequential(*steps), nn.Identity()
        if inputs != widths[-1] or stride != 1:
            self.shortcut = (ZeroPadded(stride, widths[-1] - inputs) if zero_padded
                             else conv_norm(inputs, widths[-1], 1, stride, activation=None))

    def forward(self, x):
        return F.relu(self.residual(x) + self.shortcut(x))


def cifar_resnet(blocks, zero_padded):
    def make(channels, height, width):
        layers, inputs = [conv_norm(channels, 16, 3, activation=nn.ReLU)], 16
        for stage, outputs in enumerate((16, 32, 64)):
            for block in range(blocks):
                layers.append(Block(inputs, (outputs, outputs), 2 if stage and not block else 1, zero_padded))
                inputs = outputs
        return nn.Sequential(*layers, GlobalAverage())
    return make


def resnet(blocks, bottlenecks):
    def make(channels, height, width):
        layers, inputs = [conv_norm(channels, 64, 7, 2, activation=nn.ReLU), nn.MaxPool2d(3, 2, 1)], 64
        for stage, count in enumerate(blocks):
            outputs = 64 * 2**stage
            for block in range(count):
                widths = (outputs, outputs, 4 * outputs) if bottlenecks else (outputs, outputs)
                layers.append(Block(inputs, widths, 2 if stage and not block else 1))
                inputs = widths[-1]
        return nn.Sequential(*layers, GlobalAverage())
    return make


class HarDBlock(nn.Module):
    def __init__(self, channels, growth, multiplier, count, depthwise, activation=nn.ReLU6):
        super().__init__()
        self.links = [[layer - 2**i for i in range(8) if layer % 2**i == 0] for layer in range(1, count + 1)]
        widths = [channels]
        layers = []
        for links in self.links:
            x = growth
            for _ in links[1:]:
                x *= multiplier
            widths.append(int(int(x + 1) / 2) * 2)
            inputs = sum(widths[link] for link in links)
            layers.append(conv_norm(inputs, widths[-1], 3, activation=activation) if not depthwise else nn.Sequential(
                conv_norm(inputs, widths[-1], 1), conv_norm(widths[-1], widths[-1], 3, groups=widths[-1], activation=None)))
        self.layers = nn.ModuleList(layers)
        self.kept = [i for i in range(1, count + 1) if i % 2 == 1 or i == count]
        self.width = sum(widths[i] for i in self.kept)

    def forward(self, x):
        outputs = [x]
        for layer, links in zip(self.layers, self.links):
            outputs.append(layer(torch.cat([outputs[link] for link in links], 1)))
        return torch.cat([outputs[i] for i in self.kept], 1)


def hardnet(first, second, multiplier, blocks, depthwise=False):
    def halving(channels, pool):
        return conv_norm(channels, channels, 3, 2, channels, None) if depthwise else pool

    def make(channels, height, width):
        layers = [conv_norm(channels, first, 3, 2), conv_norm(first, second, 1 if depthwise else 3),
                  halving(second, nn.MaxPool2d(3, 2, 1))]
        inputs = second
        for growth, count, outputs, down in blocks:
            block = HarDBlock(inputs, growth, multiplier, count, depthwise)
            layers += [block, conv_norm(block.width, outputs, 1)]
            if down:
                layers.append(halving(outputs, nn.MaxPool2d(2)))
            inputs = outputs
        return nn.Sequential(*layers, GlobalAverage())
    return make


BLOCKS_39 = [(16, 4, 96, 1), (20, 16, 320, 1), (64, 8, 640, 1), (160, 4, 1024, 0)]
BLOCKS_68 = [(14, 8, 128, 1), (16, 16, 256, 0), (20, 16, 320, 1), (40, 16, 640, 1), (160, 4, 1024, 0)]
BLOCKS_85 = [(24, 8, 192, 1), (24, 16, 256, 0), (28, 16, 320, 1), (36, 16, 480, 0), (48, 16, 720, 1), (256, 4, 1280, 0)]


def fastnet(factor, flatten=False):
    def make(channels, height, width):
        layers, inputs = [], channels
        for filters, kernel in (((64, 128, 128, 128), 3), ((128,) * 3, 3), ((128,) * 3, 3), ((128,) * 2, 3), ((128,) * 3, 1)):
            for of_paper in filters:
                outputs = int(of_paper * factor)
                layers += [nn.BatchNorm2d(inputs, eps=1e-3, momentum=0.05), nn.ReLU(),
                           nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)]
                inputs = outputs
            if kernel == 3:
                layers.append(nn.MaxPool2d(2))
        return nn.Sequential(*layers, *([nn.AvgPool2d(2), Flatten()] if flatten else [GlobalAverage()]))
    return make


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        self.conv = nn.Sequential(*([conv_norm(inputs, hidden, 1)] if expansion != 1 else []),
                                  conv_norm(hidden, hidden, 3, stride, hidden), conv_norm(hidden, outputs, 1, activation=None))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


def mobilenet_v2(factor):
    def rounded(channels):
        nearest = max(8, int(channels * factor + 4) // 8 * 8)
        return nearest + 8 if nearest < 0.9 * channels * factor else nearest

    def make(channels, height, width):
        inputs = rounded(32)
        layers = [conv_norm(channels, inputs, 3, 2)]
        for t, c, n, s in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
            for block in range(n):
                layers.append(InvertedResidual(inputs, rounded(c), 1 if block else s, t))
                inputs = rounded(c)
        assert factor <= 1
        return nn.Sequential(*layers, conv_norm(inputs, 1280, 1), GlobalAverage())
    return make


class ChannelsLast(nn.Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1)


class UShape(nn.Module):
    """down one behind the other, and back up; what each step down was given goes on beside what leads back to it."""

    def __init__(self, down, up):
        super().__init__()
        self.down, self.up = nn.ModuleList(down), nn.ModuleList(up)

    def forward(self, x):
        before = []
        for layer in self.down:
            before.append(x)
            x = layer(x)
        for layer in reversed(self.up):
            skip = before.pop()
            x = layer(x)
            if x.shape[2:] != skip.shape[2:]:
                x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=True)
            x = torch.cat([x, skip], 1)
        return x


def unet(filters, depth, norm):
    def two(inputs, outputs):
        layers = []
        for before in (inputs, outputs):
            layers += [nn.Conv2d(before, outputs, 3, padding=1, bias=not norm), *([nn.BatchNorm2d(outputs)] if norm else []), nn.ReLU()]
        return layers

    def make(channels, height, width):
        down, up = [], []
        for level in range(depth):
            above = filters * 2**level
            down.append(nn.Sequential(nn.MaxPool2d(2), *two(above, 2 * above)))
            up.append(nn.Sequential(*([] if level + 1 == depth else two(4 * above, 2 * above)), nn.ConvTranspose2d(2 * above, above, 2, stride=2)))
        return nn.Sequential(*two(channels, filters), UShape(down, up), *two(2 * filters, filters), nn.AvgPool2d(8), ChannelsLast())
    return make


def fc_hardnet70(channels, height, width):
    """As https://github.com/PingoLH/FCHarDNet describes it."""
    growths, counts, behind = (10, 16, 18, 24, 32), (4, 4, 8, 8, 8), (64, 96, 160, 224, 320)

    def block(inputs, level):
        return HarDBlock(inputs, growths[level], 1.7, counts[level], False, nn.ReLU)

    def conv(inputs, outputs, kernel=1, stride=1):
        return conv_norm(inputs, outputs, kernel, stride, activation=nn.ReLU)

    stem = [conv(channels, 16, 3, 2), conv(16, 24, 3), conv(24, 32, 3, 2), conv(32, 48, 3)]
    first = block(48, 0)
    skips, down = [first.width], []
    for level in range(1, 5):
        dense = block(behind[level - 1], level)
        down.append(nn.Sequential(conv(skips[-1], behind[level - 1]), nn.AvgPool2d(2), dense))
        skips.append(dense.width)
    down[-1].append(conv(skips[-1], behind[-1]))
    ways_up, inputs = [], behind[-1]
    for level in reversed(range(4)):
        joined = inputs + skips[level]
        dense = block(joined // 2, level)
        ways_up.append(nn.Sequential(conv(joined, joined // 2), dense))
        inputs = dense.width
    *up, last = ways_up
    return nn.Sequential(*stem, first, UShape(down, [*reversed(up), nn.Identity()]), last, nn.AvgPool2d(8), ChannelsLast())


def mlp(channels, height, width):
    layers, inputs = [], channels
    for outputs in (64, 48, 32):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.GELU()]
        inputs = outputs
    return nn.Sequential(*layers)


# Name, definition, channels, sizes.
TRUNKS = [
    ("reference", reference, 1, [(32, 32), (40, 36)]),
    ("lenet", lenet, 1, [(36, 36), (32, 40)]),
    ("multi_lenet", multi_lenet, 1, [(28, 28), (36, 30)]),
    ("resnet20", cifar_resnet(3, True), 3, [(32, 32), (18, 23)]),
    ("resnet20_projection", cifar_resnet(3, False), 1, [(32, 32), (18, 23)]),
    ("resnet32", cifar_resnet(5, True), 3, [(16, 20)]),
    ("resnet56", cifar_resnet(9, True), 3, [(16, 20)]),
    ("resnet18", resnet((2, 2, 2, 2), False), 3, [(64, 64), (72, 97)]),
    ("resnet34", resnet((3, 4, 6, 3), False), 3, [(64, 72)]),
    ("resnet50", resnet((3, 4, 6, 3), True), 3, [(64, 72)]),
    ("hardnet_small", hardnet(8, 12, 1.6, [(6, 4, 16, 1), (8, 8, 24, 0)]), 3, [(64, 64), (56, 76)]),
    ("hardnet_small_ds", hardnet(8, 12, 1.6, [(6, 4, 16, 1), (8, 8, 24, 0)], True), 1, [(64, 64), (56, 76)]),
    ("hardnet39ds", hardnet(24, 48, 1.6, BLOCKS_39, True), 3, [(64, 64), (72, 97)]),
    ("hardnet68ds", hardnet(32, 64, 1.7, BLOCKS_68, True), 3, [(64, 72)]),
    ("hardnet68", hardnet(32, 64, 1.7, BLOCKS_68), 3, [(64, 72)]),
    ("hardnet85", hardnet(48, 96, 1.7, BLOCKS_85), 3, [(64, 72)]),
    ("fastnet", fastnet(1), 3, [(32, 32)]),
    ("fastnet_half", fastnet(0.5), 1, [(32, 32), (40, 36)]),
    ("fastnet_flatten", fastnet(0.25, True), 3, [(64, 37)]),
    ("mobilenet_v2", mobilenet_v2(1), 3, [(64, 72)]),
    ("mobilenet_v2_half", mobilenet_v2(0.5), 3, [(64, 64), (72, 97)]),
    ("mlp", mlp, 13, [(1, 1)]),
    ("unet", unet(4, 2, False), 1, [(32, 32), (37, 26)]),
    ("unet_norm", unet(8, 3, True), 3, [(32, 32), (37, 31)]),
    ("fc_hardnet70", fc_hardnet70, 3, [(128, 128), (133, 137)]),
]


def fan_in_of(shape):
    return float(np.prod(shape[1:]))


def fill(net):
    layers = [layer for layer in net.modules() if isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm1d))]
    norms, biases = {id(layer.weight) for layer in layers}, {id(layer.bias) for layer in layers}
    with torch.no_grad():
        for k, parameter in enumerate(net.parameters()):
            values = hashed(parameter.numel(), k + 1)
            if parameter.dim() == 4:
                o, i, h, w = parameter.shape
                values = (values * np.sqrt(6 / fan_in_of(parameter.shape))).reshape(o, h, w, i).transpose(0, 3, 1, 2)
            elif parameter.dim() == 2:
                values = (values * np.sqrt(6 / fan_in_of(parameter.shape))).reshape(tuple(parameter.shape))
            else:
                values = 0.75 + values / 4 if id(parameter) in norms else 2.5 + values / 2 if id(parameter) in biases else values / 10
            parameter.copy_(torch.tensor(np.ascontiguousarray(values)))


def channels_last(tensor):
    return (tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor).detach().double().numpy().flatten()


def summary(tensors):
    rows = []
    for tensor in tensors:
        x = channels_last(tensor)
        rows.append([x.sum(), np.abs(x).sum(), np.abs(x).max(), x[0], x[len(x) // 2], x[-1]])
    return np.array(rows) if rows else np.zeros((0, 6))


def run(make, channels, height, width, batch, dtype):
    net = make(channels, height, width).double()
    fill(net)
    net.to(dtype)
    x = torch.tensor(2 * hashed(batch * height * width * channels, 0).reshape(batch, height, width, channels))
    x = (x.permute(0, 3, 1, 2) if height * width > 1 else x.reshape(batch, channels)).to(dtype)
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    result = {}
    for step in range(3):
        features = net(x)
        if step == 0:
            result["output"] = features.detach().double().numpy()
        cotangent = torch.tensor(hashed(features.numel(), 1000).reshape(tuple(features.shape))).to(dtype)
        sgd.zero_grad()
        (features * cotangent).mean().backward()
        if step == 0:
            result["gradient"] = summary([parameter.grad for parameter in net.parameters()])
        sgd.step()
    result["after"] = summary(net.parameters())
    result["buffers"] = summary([buffer for buffer in net.buffers() if buffer.is_floating_point()])
    net.eval()
    result["final"] = net(x).detach().double().numpy()
    return result


def off(got, expected, floor):
    """The largest difference: of features over the largest; of a row of numbers over the largest size in it or, if it is more, the
    largest in any row times `floor`, as a bias before a normalisation has a gradient of 0; of sums over the sum of sizes likewise."""
    if got.shape[-1] != 6:
        return np.abs(got - expected).max() / np.abs(expected).max()
    if not len(got):
        return 0.0
    size = np.maximum(expected[:, 2], expected[:, 2].max() * floor)
    count = np.maximum(expected[:, 1] / np.maximum(expected[:, 2], 1e-300), 1)
    return max((np.abs(got - expected)[:, 0] / (size * count)).max(), (np.abs(got - expected)[:, 2:] / size[:, None]).max())


def count(make, channels, height, width):
    net = make(channels, height, width).eval()
    products = 0

    def add(layer, inputs, output):
        nonlocal products
        products += output.numel() * (layer.in_features if isinstance(layer, nn.Linear) else layer.weight[0].numel())

    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(add)
    with torch.no_grad():
        net(torch.zeros(1, channels, height, width) if height * width > 1 else torch.zeros(1, channels))
    return sum(parameter.numel() for parameter in net.parameters()), products


def main():
    tensors = {}
    for name, make, channels, sizes in TRUNKS:
        if "--count" in sys.argv:
            side = 224 if sizes[0][0] > 36 else sizes[0][0]
            print(name, f"{side}x{side}", *count(make, channels, side, side))
            continue
        for height, width in sizes:
            batch = 2 if height * width > 1 else 8
            result = run(make, channels, height, width, batch, torch.float64)
            key = f"{name}/{height}x{width}"
            single = run(make, channels, height, width, batch, torch.float32)
            result["single"] = np.array([[float(f"{off(single[part], result[part], floor):.0e}") for floor in (0.001, 1)]
                                         for part in ("output", "final", "gradient", "after", "buffers")])
            tensors |= {f"{key}/{part}": np.ascontiguousarray(value) for part, value in result.items()}
    if tensors:
        path = FOLDER / "trunks.safetensors"
        save_file(tensors, path)
        path.chmod(0o644)


if __name__ == "__main__":
    main()
